"""Ranking: scores, order, what it accepts and what it refuses."""

import keras
import numpy as np
import pandas as pd
import pytest
import tiny
from keras import ops

from recsys_lib.features.columns import CANDIDATE_GROUP
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.blocks import MLP, linear_logit
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.training import predict, rank, serving

NUM_CANDIDATES = 40
ITEM_SIDE = [column.name for column in tiny.COLUMNS if column.group == CANDIDATE_GROUP]


def request(num_candidates=NUM_CANDIDATES, seed=0, columns=tiny.COLUMNS):
    """One request's own values, its candidates, and both tiled to rows."""
    rows = tiny.make_features(columns, num_candidates, np.random.default_rng(seed))
    user = {name: values[0] for name, values in rows.items() if name not in ITEM_SIDE}
    candidates = {name: values for name, values in rows.items() if name in ITEM_SIDE}
    tiled = {
        name: np.repeat(np.asarray(value)[None], num_candidates, 0) for name, value in user.items()
    }
    return user, candidates, {**tiled, **candidates}


@pytest.fixture(scope="module")
def model():
    model = tiny.build_large(tasks=("like", "share"), dropout_rate=0.5, batch_normalization=True)
    return tiny.randomize(model)


@pytest.mark.parametrize("task", ["like", "share"])
@pytest.mark.parametrize("num_candidates", [NUM_CANDIDATES, 1, 7])
def test_scores_equal_predictions_of_the_tiled_rows(model, task, num_candidates):
    user, candidates, tiled = request(num_candidates)
    order, scores = rank(model, user, candidates, task=task)
    assert scores.shape == order.shape == (num_candidates,)
    np.testing.assert_allclose(scores, predict(model, tiled)[task], rtol=1e-4, atol=1e-6)


def test_the_order_is_best_first_and_holds_every_candidate(model):
    user, candidates, _ = request()
    order, scores = rank(model, user, candidates, task="like")
    assert sorted(order) == list(range(NUM_CANDIDATES))
    assert (np.diff(scores[order]) <= 0).all()
    assert scores[order[0]] == scores.max() > scores.min()


def test_candidates_with_equal_scores_keep_their_order(model):
    user, candidates, _ = request(3)
    twice = {name: np.concatenate([values, values]) for name, values in candidates.items()}
    order, scores = rank(model, user, twice, task="like")
    position = {candidate: place for place, candidate in enumerate(order)}
    for candidate in range(3):
        assert scores[candidate] == scores[candidate + 3]
        assert position[candidate] < position[candidate + 3]


def test_a_second_request_gets_its_own_scores(model):
    rank(model, *request()[:2], task="like")
    user, candidates, tiled = request(12, seed=5)
    scores = rank(model, user, candidates, task="like").scores
    np.testing.assert_allclose(scores, predict(model, tiled)["like"], rtol=1e-4, atol=1e-6)


def test_changed_weights_change_the_scores():
    model = tiny.randomize(tiny.build_small())
    user, candidates, tiled = request(columns=tiny.SMALL)
    before = rank(model, user, candidates).scores
    tiny.randomize(model, seed=1)
    after = rank(model, user, candidates).scores
    assert np.abs(before - after).max() > 1e-3
    np.testing.assert_allclose(after, predict(model, tiled)["like"], rtol=1e-4, atol=1e-6)


def test_columns_may_lie_on_either_side(model):
    """A context that differs between candidates, and a film that is the same for all."""
    user, candidates, tiled = request()
    for name in ("weather", "history"):
        shifted = dict(candidates, **{name: tiled[name][::-1].copy()})
        rest = {key: value for key, value in user.items() if key != name}
        np.testing.assert_allclose(
            rank(model, rest, shifted, task="like").scores,
            predict(model, {**tiled, **shifted})["like"],
            rtol=1e-4,
            atol=1e-6,
        )
    everything = rank(model, {}, tiled, task="like").scores
    np.testing.assert_allclose(everything, predict(model, tiled)["like"], rtol=1e-4, atol=1e-6)


class Recorded(MLP):
    """Notes the number of rows that it is traced with; None where any number may come."""

    def call(self, inputs, training=None):
        self.rows = [*getattr(self, "rows", []), inputs.shape[0]]
        return super().call(inputs, training=training)


def two_towers():
    inputs = build_inputs(tiny.COLUMNS)
    groups = embed_groups(inputs, tiny.COLUMNS, 4)
    request_side = ops.concatenate([groups["user"], groups["history"], groups["context"]], axis=-1)
    user = Recorded([8, 4], name="user_tower")(request_side)
    item = Recorded([8, 4], name="item_tower")(groups["item"])
    both = Recorded([4], name="both")(ops.concatenate([user, item], axis=-1))
    similarity = ops.sum(user * item, axis=-1, keepdims=True)
    logits = [keras.layers.Dense(1)(both), similarity]
    logits.append(linear_logit(inputs, tiny.COLUMNS))
    return keras.Model(inputs, PredictionHead(name="like")(logits))


def test_layers_of_the_request_run_on_a_single_row():
    model = tiny.randomize(two_towers())
    for name in ("user_tower", "item_tower", "both"):
        model.get_layer(name).rows = []
    user, candidates, tiled = request()
    scores = rank(model, user, candidates).scores
    assert model.get_layer("user_tower").rows == [1]
    assert model.get_layer("item_tower").rows == [None]
    assert model.get_layer("both").rows == [None]
    rank(model, *request(9, seed=1)[:2])
    assert model.get_layer("user_tower").rows == [1]  # other requests trace nothing
    np.testing.assert_allclose(scores, predict(model, tiled)["like"], rtol=1e-4, atol=1e-6)


def test_a_score_that_depends_on_the_request_alone_is_spread_over_all_candidates():
    inputs = build_inputs(tiny.SMALL)
    logit = ops.sum(embed_groups(inputs, tiny.SMALL, 4)["user"], axis=-1, keepdims=True)
    model = tiny.randomize(keras.Model(inputs, PredictionHead(name="like")(logit)))
    user, candidates, tiled = request(columns=tiny.SMALL)
    scores = rank(model, user, candidates).scores
    assert scores.shape == (NUM_CANDIDATES,)
    np.testing.assert_allclose(scores, predict(model, tiled)["like"], rtol=1e-5)


def without(values, name):
    return {key: value for key, value in values.items() if key != name}


USER, CANDIDATES, _ = request()


@pytest.mark.parametrize(
    ("user", "candidates", "message"),
    [
        (without(USER, "history"), CANDIDATES, r"missing: \['history'\]"),
        (USER, without(CANDIDATES, "genres"), r"missing: \['genres'\]"),
        ({**USER, "city": 1}, CANDIDATES, r"unknown: \['city'\]"),
        ({**USER, "price": 1.0}, CANDIDATES, r"in both: \['price'\]"),
        ({**USER, "user_id": 30}, CANDIDATES, "user_context, column 'user_id': .* got 30"),
        ({**USER, "user_id": 1.5}, CANDIDATES, "'user_id': expected integer ids"),
        ({**USER, "history": [1, 2]}, CANDIDATES, r"'history': expected shape \(1, 3\), got"),
        (
            {**USER, "user_id": [1, 2]},
            CANDIDATES,
            r"user_context, column 'user_id': expected shape",
        ),
        (
            USER,
            {**CANDIDATES, "movie_id": CANDIDATES["movie_id"] + 19},
            "candidates, column 'movie_id': expected ids from 0 to 19",
        ),
        (
            USER,
            {**CANDIDATES, "price": CANDIDATES["price"][:5]},
            r"candidates, column 'price': expected shape \(40,\), got \(5,\)",
        ),
        (
            USER,
            {**CANDIDATES, "price": CANDIDATES["price"] * np.nan},
            "'price': .* finite in float32",
        ),
    ],
)
def test_bad_requests_are_named(model, user, candidates, message):
    with pytest.raises(ValueError, match=message):
        rank(model, user, candidates, task="like")


def test_numbers_that_are_too_large_for_a_model_are_refused():
    """They are finite, and their products are not; a service refuses them, too."""
    age, price = (keras.Input((), name=name) for name in ("age", "price"))
    large = 10.0 * price
    model = keras.Model([age, price], {"like": ops.sigmoid(large * age - large)})
    message = r", scores of 'like': expected numbers finite in float32, got nan \(rows 1\)"
    with pytest.raises(ValueError, match=f"predict{message}"):
        predict(model, {"age": [2.0, 2.0], "price": [0.0, 2e38]})
    with pytest.raises(ValueError, match=f"rank{message}"):
        rank(model, {"age": 2.0}, {"price": [0.0, 2e38]})
    assert rank(model, {"age": 2.0}, {"price": [0.0]}).scores == 0.5


def test_a_request_without_a_candidates_column_is_refused(model):
    tiled = request(1)[2]
    with pytest.raises(ValueError, match="rank: candidates hold no column"):
        rank(model, {name: values[0] for name, values in tiled.items()}, {}, task="like")


@pytest.mark.parametrize("task", [None, "follow"])
def test_the_task_must_be_named_among_several(model, task):
    with pytest.raises(
        ValueError, match=rf"task: expected one of \('like', 'share'\), got {task!r}"
    ):
        rank(model, USER, CANDIDATES, task=task)


def test_scores_of_all_tasks_are_fused_in_one_pass(model):
    user, candidates, tiled = request()
    given = {}

    def value(scores, columns):
        given.update(scores=scores, columns=columns)
        return 0.1 * scores["like"] - scores["share"] * columns["price"]

    order, scores = rank(model, user, candidates, fuse=value)
    predicted = predict(model, tiled)
    assert list(given["scores"]) == ["like", "share"]
    for task, found in given["scores"].items():
        np.testing.assert_array_equal(found, rank(model, user, candidates, task=task).scores)
        np.testing.assert_allclose(found, predicted[task], rtol=1e-4, atol=1e-6)
    assert set(given["columns"]) == set(candidates)
    expected = 0.1 * predicted["like"] - predicted["share"] * candidates["price"]
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(order, np.argsort(-scores, kind="stable"))


def test_fusing_runs_the_model_once(model, monkeypatch):
    user, candidates, _ = request()
    rank(model, user, candidates, fuse=lambda scores, _: scores["like"])
    passes = []
    (key,) = [key for key in serving._RANKERS[model] if key[1] == ("like", "share")]
    compiled = serving._RANKERS[model][key]
    monkeypatch.setitem(
        serving._RANKERS[model], key, lambda *sides: passes.append(1) or compiled(*sides)
    )
    rank(model, user, candidates, fuse=lambda scores, _: scores["like"] + scores["share"])
    assert passes == [1]


def test_a_single_output_may_be_fused_too():
    model = tiny.randomize(tiny.build_small())
    user, candidates, _ = request(columns=tiny.SMALL)
    plain = rank(model, user, candidates)
    fused = rank(model, user, candidates, fuse=lambda scores, _: -scores["like"])
    np.testing.assert_array_equal(fused.scores, -plain.scores)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "float32"])
def test_whole_numbers_are_sorted_from_the_largest(model, dtype):
    steps = np.resize(np.array([3, 0, 2, 1], dtype), 40)
    order = rank(model, USER, CANDIDATES, fuse=lambda scores, _: steps).order
    np.testing.assert_array_equal(steps[order], np.repeat(np.array([3, 2, 1, 0], dtype), 10))


@pytest.mark.parametrize(
    ("fuse", "message"),
    [
        (lambda scores, _: scores["like"][:5], r"fuse: expected numbers of shape \(40,\), got"),
        (lambda scores, _: scores["like"][:, None], r"shape \(40,\), got \(40, 1\)"),
        (
            lambda scores, _: np.full(40, np.nan),
            "fuse: .* finite in float32, got nan",
        ),
        (lambda scores, _: np.full(40, "a"), "fuse: expected numbers, got <U1"),
    ],
)
def test_what_fuse_returns_is_checked(model, fuse, message):
    with pytest.raises(ValueError, match=message):
        rank(model, USER, CANDIDATES, fuse=fuse)


def test_a_task_beside_fuse_is_refused(model):
    with pytest.raises(ValueError, match=r"fuse: .* expected no task, got 'like'"):
        rank(model, USER, CANDIDATES, task="like", fuse=lambda scores, _: scores["like"])


def test_lists_series_and_a_frame_are_taken_by_position():
    model = tiny.randomize(tiny.build_large())
    user, candidates, _ = request(5)
    expected = rank(model, user, candidates).scores
    lists = {name: values.tolist() for name, values in candidates.items()}
    frame = pd.DataFrame(lists, index=[9, 3, 7, 1, 5])  # its columns of sequences hold lists
    series = dict(frame.items())
    as_row = pd.Series({name: np.asarray(value).tolist() for name, value in user.items()})
    for shown in (lists, frame, series):
        np.testing.assert_allclose(rank(model, user, shown).scores, expected, rtol=1e-6)
        np.testing.assert_allclose(rank(model, as_row, shown).scores, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("user", "candidates", "message"),
    [
        (USER, [{"movie_id": 1}], r"candidates: expected a dict of .* or a DataFrame, got list"),
        (USER, {**CANDIDATES, "genres": [[1], [2, 3]]}, "column 'genres': .* different lengths"),
        ([("user_id", 1)], CANDIDATES, "user_context: expected a dict of column name to value"),
    ],
)
def test_other_containers_are_named(model, user, candidates, message):
    with pytest.raises(ValueError, match=message):
        rank(model, user, candidates, task="like")


@pytest.mark.parametrize("in_dict", [False, True])
def test_a_single_task_may_be_a_tensor_or_a_dict_of_one(in_dict):
    inputs = build_inputs(tiny.SMALL)
    hidden = ops.concatenate(list(embed_groups(inputs, tiny.SMALL, 4).values()), axis=-1)
    output = PredictionHead(name="like")(keras.layers.Dense(1)(hidden))
    model = tiny.randomize(keras.Model(inputs, {"like": output} if in_dict else output))
    user, candidates, tiled = request(columns=tiny.SMALL)
    expected = predict(model, tiled)
    assert list(expected) == ["like"]
    for how in ({}, {"task": "like"}, {"fuse": lambda scores, _: scores["like"]}):
        scores = rank(model, user, candidates, **how).scores
        np.testing.assert_allclose(scores, expected["like"], rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match=r"task: expected one of \('like',\), got 'click'"):
        rank(model, user, candidates, task="click")


def test_the_numbers_of_a_request_pass_the_gate():
    model = tiny.randomize(tiny.build_large())
    user, candidates, _ = request(5)
    number = next(c.name for c in tiny.COLUMNS if c.name in candidates and c.name == "price")
    for bad, got in ((np.nan, "nan"), (1e39, r"1e\+39")):
        values = candidates[number].astype(float)
        values[3] = bad
        message = rf"candidates, column '{number}': .* finite in float32, got {got} \(rows 3\)"
        with pytest.raises(ValueError, match=message):
            rank(model, user, {**candidates, number: values})
    name, value = next((n, v) for n, v in user.items() if np.ndim(v))
    masked = np.ma.array(value, mask=np.arange(len(value)) == 1)
    with pytest.raises(ValueError, match=rf"user_context, column '{name}': .* masked ones"):
        rank(model, {**user, name: masked}, candidates)
    with pytest.raises(ValueError, match="model: expected a Keras model, got str 'm'"):
        rank("m", user, candidates)
