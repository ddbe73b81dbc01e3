"""Objectives over groups against loops over the formulas, in float64."""

import dataclasses

import keras
import keras_rs
import numpy as np
import pytest
import tensorflow as tf

from recsys_lib.data import ChunkedDataset, Dataset, Split, simulator
from recsys_lib.features import CategoricalColumn, NumericColumn
from recsys_lib.memorization import build_logistic_regression
from recsys_lib.multi_task import build_esmm, build_mmoe
from recsys_lib.second_order import build_deepfm
from recsys_lib.training import Trainer, evaluate, fit, metrics, predict
from recsys_lib.training.objectives import JRC, ListWise, Pairs, Rows, read_objective
from recsys_lib.training.rows import order_of
from recsys_pipeline.chunks import ArrayChunks

GROUPS = np.repeat([4, 9, 1, 7, 2], [5, 1, 4, 3, 6])  # 7 has no click, 9 one row
RNG = np.random.default_rng(0)
LABEL = RNG.integers(0, 2, len(GROUPS)).astype(np.float32)
LABEL[GROUPS == 7] = 0
LOGIT = RNG.normal(size=len(GROUPS)).astype(np.float32)
SECOND = RNG.normal(size=len(GROUPS)).astype(np.float32)


def sizes_and_pairs(label, group):
    """For each group its rows and its pairs (click, non-click)."""
    found = []
    for name in dict.fromkeys(group):
        rows = np.flatnonzero(group == name)
        pairs = [(i, j) for i in rows for j in rows if label[i] > label[j]]
        found.append((rows, pairs))
    return found


def pairs_by_hand(logit, label, group, votes="rows"):
    total = count = 0.0
    for rows, pairs in sizes_and_pairs(label, group):
        if pairs:
            mean = np.mean([np.log1p(np.exp(float(logit[j]) - float(logit[i]))) for i, j in pairs])
            vote = {"rows": len(rows), "groups": 1, "pairs": len(pairs)}[votes]
            total, count = total + vote * mean, count + vote
    return total / count


def list_by_hand(logit, label, group):
    total = count = 0.0
    for rows, _ in sizes_and_pairs(label, group):
        if label[rows].any():
            shares = label[rows] / label[rows].sum()
            softmax = np.exp(np.float64(logit[rows]))
            softmax /= softmax.sum()
            total -= len(rows) * (shares * np.log(softmax)).sum()
            count += len(rows)
    return total / count


def rows_by_hand(logit, label):
    chance = 1 / (1 + np.exp(-np.float64(logit)))
    return -np.mean(np.where(label == 1, np.log(chance), np.log(1 - chance)))


def jrc_by_hand(logit, second, label, group, alpha):
    a, b = np.float64(second), np.float64(second) + logit
    calibration = -np.mean(
        np.log(np.where(label == 1, np.exp(b), np.exp(a)) / (np.exp(a) + np.exp(b)))
    )
    ranking = []
    for rows, _ in sizes_and_pairs(label, group):
        for i in rows:
            unit = b if label[i] == 1 else a
            ranking.append(-np.log(np.exp(unit[i]) / np.exp(unit[rows]).sum()))
    return alpha * calibration + (1 - alpha) * np.mean(ranking)


def loss(objective, logit=LOGIT, label=LABEL, group=GROUPS, second=SECOND):
    rows = Rows(*(tf.constant(one) for one in (logit, label, group.astype(np.int32))))
    return float(objective.loss(rows, tf.constant(second)))


@pytest.mark.parametrize("votes", ["rows", "groups", "pairs"])
def test_pairs_are_those_of_the_formula(votes):
    assert loss(Pairs(votes=votes)) == pytest.approx(
        pairs_by_hand(LOGIT, LABEL, GROUPS, votes), rel=1e-6
    )


def test_pairs_are_those_of_keras_rs_on_padded_lists():
    """It sums over pairs, of lists of one length: the shorter ones are padded and masked."""
    names, place = np.unique(GROUPS, return_inverse=True)
    step = np.array([np.sum(GROUPS[:row] == GROUPS[row]) for row in range(len(GROUPS))])
    padded = np.zeros((3, len(names), step.max() + 1), np.float32)
    padded[:, place, step] = LOGIT, LABEL, np.ones_like(LABEL)
    logit, label, is_row = padded
    theirs = keras_rs.losses.PairwiseLogisticLoss(reduction="sum")
    count = sum(len(pairs) for _, pairs in sizes_and_pairs(LABEL, GROUPS))
    expected = float(theirs({"labels": label, "mask": is_row > 0}, logit)) / count
    assert loss(Pairs(votes="pairs")) == pytest.approx(expected, rel=1e-5)


def test_rows_may_be_added_to_pairs():
    expected = pairs_by_hand(LOGIT, LABEL, GROUPS) + 0.3 * rows_by_hand(LOGIT, LABEL)
    assert loss(Pairs(rows=0.3)) == pytest.approx(expected, rel=1e-6)


def test_lists_are_those_of_the_formula():
    assert loss(ListWise()) == pytest.approx(list_by_hand(LOGIT, LABEL, GROUPS), rel=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_jrc_is_that_of_the_formula(alpha):
    expected = jrc_by_hand(LOGIT, SECOND, LABEL, GROUPS, alpha)
    assert loss(JRC(alpha=alpha)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("objective", [Pairs(), Pairs(votes="groups"), ListWise()])
def test_a_number_added_to_all_rows_of_a_group_moves_nothing(objective):
    moved = LOGIT + np.select([GROUPS == 4, GROUPS == 2], [3.0, -2.0]).astype(np.float32)
    assert loss(objective, moved) == pytest.approx(loss(objective), rel=1e-5)


@pytest.mark.parametrize("objective", [Pairs(), ListWise(), JRC(alpha=0.2)])
def test_confident_logits_keep_a_finite_loss_and_their_gradient(objective):
    logit = tf.Variable(np.where(LABEL == 1, -200.0, 200.0).astype(np.float32))
    with tf.GradientTape() as tape:
        rows = Rows(logit, tf.constant(LABEL), tf.constant(GROUPS, tf.int32))
        value = objective.loss(rows, tf.zeros_like(logit))
    gradient = tf.convert_to_tensor(tape.gradient(value, logit)).numpy()
    assert np.isfinite(value) and np.isfinite(gradient).all() and np.abs(gradient).max() > 0.01


@pytest.mark.parametrize("objective", [Pairs(), ListWise()])
def test_groups_without_a_click_teach_nothing(objective):
    logit = tf.Variable(LOGIT)
    with tf.GradientTape() as tape:
        rows = Rows(logit, tf.zeros_like(logit), tf.constant(GROUPS, tf.int32))
        value = objective.loss(rows, None)
    assert float(value) == 0.0
    assert not np.any(tf.convert_to_tensor(tape.gradient(value, logit)))


def test_a_list_of_two_rows_and_one_click_is_a_pair():
    group, label = np.repeat(np.arange(8), 2), np.tile([1.0, 0.0], 8).astype(np.float32)
    logit = LOGIT[:16]
    assert loss(ListWise(), logit, label, group) == pytest.approx(
        loss(Pairs(), logit, label, group)
    )


def test_pairs_over_log_two_are_never_below_what_gauc_lacks():
    for seed in range(5):
        logit = np.random.default_rng(seed).normal(0, 3, len(GROUPS)).astype(np.float32)
        lacking = 1 - metrics.gauc(LABEL, logit, GROUPS).value
        assert loss(Pairs(), logit) / np.log(2) >= lacking


def test_a_group_that_comes_twice_counts_with_its_parts():
    twice = np.concatenate([GROUPS[:3], GROUPS[5:], GROUPS[3:5]])
    order = np.concatenate([np.arange(3), np.arange(5, len(GROUPS)), [3, 4]])
    parts = twice.copy()
    parts[-2:] = 100
    found = loss(Pairs(), LOGIT[order], LABEL[order], twice)
    assert found == pytest.approx(pairs_by_hand(LOGIT[order], LABEL[order], parts), rel=1e-6)


def world_of(num_rows=3000, rows_per_group=7, seed=0, **options):
    """Clicks that follow from a user's level, which groups share, and from the item."""
    rng = np.random.default_rng(seed)
    columns = (
        CategoricalColumn("user_id", 50),
        CategoricalColumn("item_id", 40),
        NumericColumn("x"),
    )
    worth = rng.normal(size=40)

    def split(first, count):
        page = rng.permutation(np.arange(count) // rows_per_group)
        item = rng.integers(1, 40, count, np.int32)
        level = rng.normal(0, 2, page.max() + 1)[page]
        click = rng.random(count) < 1 / (1 + np.exp(-level - worth[item]))
        features = {
            "user_id": (1 + page % 49).astype(np.int32),
            "item_id": item,
            "x": rng.normal(size=count).astype(np.float32),
        }
        groups = {"user": page % 49, "page": page}
        rows = np.arange(first, first + count)
        return Split(features, {"click": click}, row_id=rows, groups=groups, **options)

    return Dataset("pages", columns, split(0, num_rows), split(10**6, 700), split(10**7, 700))


WORLD = world_of()
SMALL = {"embedding_dim": 4, "hidden_units": (8,)}


def lost_by_hand(groups, label, order, batch_size):
    """The share of pairs that are in no batch, counted one batch after the other."""
    total = metrics.num_pairs(label, groups)
    kept = sum(
        metrics.num_pairs(label[rows], groups[rows])
        for rows in np.split(order, range(batch_size, len(order), batch_size))
    )
    return 1 - kept / total


@pytest.mark.parametrize("objective", [Pairs("page"), ListWise("page"), JRC("page")])
def test_the_history_reports_the_pairs_that_borders_cut(objective):
    keras.utils.set_random_seed(0)
    model = build_deepfm(WORLD.feature_columns, **SMALL)
    history = fit(model, WORLD, epochs=2, batch_size=64, objective=objective, seed=3)
    train = WORLD.train
    codes = np.unique(train.groups["page"], return_inverse=True)[1]
    for epoch, found in enumerate(history.epochs["pairs_lost"]):
        order = order_of(3, epoch, len(train), groups=codes)
        expected = lost_by_hand(codes, train.label, order, 64)
        assert expected > 0.01 and found == pytest.approx(expected, abs=1e-5)


def test_a_batch_of_all_rows_loses_no_pair_and_no_less():
    data = world_of(seed=4)  # where rounding would leave a hair less than 0
    model = build_logistic_regression(data.feature_columns)
    options = {"epochs": 1, "batch_size": 3000, "patience": None}
    lost = fit(model, data, objective=Pairs("page"), **options).epochs["pairs_lost"]
    assert 0 <= lost[0] < 1e-6


@pytest.mark.parametrize("chunks", [None, 4])
def test_few_pairs_of_groups_of_fifty_rows_are_lost(chunks):
    data = world_of(20_000, 50)
    if chunks:
        order = np.argsort(data.train.groups["page"], kind="stable")  # as a log of requests lies
        parts = ArrayChunks(data.train.take(order), len(order) // chunks)
        data = ChunkedDataset("chunks", data.feature_columns, parts, data.valid, data.test)
    model = build_logistic_regression(data.feature_columns)
    history = fit(model, data, epochs=1, objective=Pairs("page"))
    assert 0 < history.epochs["pairs_lost"][0] < 0.05


def test_rows_of_a_group_follow_each_other_in_another_order_each_epoch():
    groups = np.random.default_rng(0).integers(0, 30, 400)
    orders = [order_of(1, epoch, 400, groups=groups) for epoch in (0, 1, 0)]
    for order in orders:
        assert sorted(order) == list(range(400)) and order.dtype == np.int32
        assert (np.diff(groups[order]) != 0).sum() == len(np.unique(groups)) - 1
    assert (orders[0] != orders[1]).any() and (orders[0] == orders[2]).all()
    # Neither the groups nor the rows within one are in the order of the log.
    assert list(groups[orders[0]]) != sorted(groups)
    first = orders[0][groups[orders[0]] == groups[orders[0]][0]]
    assert list(first) != sorted(first)


def test_pairs_order_pages_better_than_rows_where_levels_differ():
    found = {}
    for objective in (None, Pairs("page")):
        keras.utils.set_random_seed(0)
        model = build_logistic_regression(WORLD.feature_columns[1:])
        data = WORLD.with_columns(["item_id", "x"])
        fit(model, data, epochs=30, patience=None, objective=objective, batch_size=256)
        found[objective] = evaluate(model, data.test, group="page")["gauc"]
    assert found[Pairs("page")] > found[None] - 0.005 and found[Pairs("page")] > 0.6


@pytest.mark.parametrize("objective", [Pairs(), ListWise(), JRC()])
def test_a_run_that_was_interrupted_ends_with_the_same_weights(objective, tmp_path):
    def run(epochs, checkpoint):
        keras.utils.set_random_seed(0)
        model = build_deepfm(WORLD.feature_columns, **SMALL)
        options = {"objective": objective, "batch_size": 256, "checkpoint": checkpoint}
        fit(model, WORLD, epochs=epochs, patience=9, watch="log_loss", **options)
        return model.get_weights()

    whole = run(4, tmp_path / "whole")
    run(2, tmp_path / "parts")
    for one, other in zip(whole, run(4, tmp_path / "parts"), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="objective"):
        model = build_deepfm(WORLD.feature_columns, **SMALL)
        options = {"patience": 9, "watch": "log_loss", "batch_size": 256}
        fit(model, WORLD, epochs=4, checkpoint=tmp_path / "whole", **options)


def test_a_restart_begins_with_the_second_unit_at_nought():
    keras.utils.set_random_seed(0)
    model = build_deepfm(WORLD.feature_columns, **SMALL)
    trainer = Trainer(model, WORLD, objective=JRC())
    ends = []
    for _ in range(2):
        trainer.restart(lambda: build_deepfm(WORLD.feature_columns, **SMALL), 5)
        assert not np.any(trainer.objective.variables[0].numpy())
        trainer.fit(WORLD, epochs=2, batch_size=256)
        assert np.any(trainer.objective.variables[0].numpy())
        ends.append(model.get_weights())
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


def test_jrc_with_alpha_one_trains_as_rows_do_in_the_same_order():
    def losses(objective):
        keras.utils.set_random_seed(0)
        model = build_deepfm(WORLD.feature_columns, **SMALL)
        options = {"epochs": 3, "batch_size": 256, "patience": None}
        return fit(model, WORLD, objective=objective, **options).epochs["loss"]

    # No pair counts, only the order of the rows is that of groups.
    np.testing.assert_allclose(
        losses(JRC(alpha=1.0)), losses(Pairs(rows=1.0)) - losses(Pairs()), atol=0.02
    )


def test_what_is_served_is_the_model_alone():
    keras.utils.set_random_seed(0)
    model = build_deepfm(WORLD.feature_columns, **SMALL)
    weights = len(model.weights)
    fit(model, WORLD, epochs=1, objective=JRC("page"))
    assert len(model.weights) == weights
    scores = predict(model, WORLD.test.features)["click"]
    assert ((scores > 0) & (scores < 1)).all()


def test_labels_that_exist_on_some_rows_are_compared_with_each_other_alone():
    mask = np.random.default_rng(1).random(3000) < 0.5
    data = dataclasses.replace(
        WORLD, train=dataclasses.replace(WORLD.train, label_masks={"click": mask})
    )
    only = dataclasses.replace(WORLD, train=WORLD.train.take(mask))
    for objective in (Pairs("page"), ListWise("page"), JRC("page")):
        keras.utils.set_random_seed(0)
        model = build_deepfm(data.feature_columns, **SMALL)
        trainer = Trainer(model, data, objective=objective)
        bound, first = trainer.objective, []
        for one in (data, only):
            codes, rows = bound.see(one.train), one.train.rows_of("click")
            order = np.argsort(codes, kind="stable")
            masks = None if isinstance(rows, slice) else tf.constant(rows[order, None])
            inputs = {name: tf.constant(v[order]) for name, v in one.train.features.items()}
            label = tf.constant(one.train.label[order, None])
            (value,), lost = bound.losses(inputs, label, masks, tf.constant(codes[order]))
            assert float(lost) == pytest.approx(0, abs=1e-5)
            first.append(float(value))
        assert first[0] == pytest.approx(first[1], rel=1e-5)


def test_several_tasks_are_compared_each_by_itself():
    world = simulator.funnel(num_rows=4000, num_valid_rows=500, num_test_rows=500)
    pages = np.arange(len(world.train)) // 20
    data = dataclasses.replace(world, train=world.train.with_groups(page=pages))
    for build in (build_mmoe, build_esmm):
        keras.utils.set_random_seed(0)
        tasks = tuple(world.tasks)
        model = build(world.feature_columns, tasks)
        history = fit(model, data, epochs=1, objective=Pairs("page"), patience=None).epochs
        for task in tasks:
            assert history[f"loss_{task}"].between(0.3, 0.8).all()


def test_bad_objectives_are_named():
    columns = WORLD.feature_columns
    with pytest.raises(ValueError, match="votes: expected"):
        Pairs(votes="users")
    with pytest.raises(ValueError, match="alpha: expected"):
        JRC(alpha=2)
    with pytest.raises(ValueError, match="no group is named 'day'"):
        fit(build_deepfm(columns, **SMALL), WORLD, objective=Pairs("day"))
    message = (
        r"objective JRC\(group=None, alpha=0\.5\), model .*: expected a network whose last layer"
    )
    with pytest.raises(ValueError, match=message):
        fit(build_logistic_regression(columns), WORLD, objective=JRC())
    regression = dataclasses.replace(WORLD, tasks={"click": "regression"})
    with pytest.raises(ValueError, match="needs a binary task"):
        fit(build_deepfm(columns, {"click": "regression"}, **SMALL), regression, objective=Pairs())
    alone = dataclasses.replace(
        WORLD, train=WORLD.train.with_groups(page=np.arange(len(WORLD.train)))
    )
    with pytest.raises(ValueError, match="expected a group with a click and a non-click"):
        fit(build_deepfm(columns, **SMALL), alone, objective=Pairs("page"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("rows", None), ("pairs", Pairs()), ("list:page", ListWise("page")), ("jrc", JRC())],
)
def test_objectives_are_read_from_text(text, expected):
    assert read_objective(text) == expected
    with pytest.raises(ValueError, match="objective: expected one of"):
        read_objective("pair")
