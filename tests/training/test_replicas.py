"""Two replicas, each with half of every batch, come to the weights of one replica with all of it.

Threads stand for the workers (``tests/shared/replica_threads.py``), so that each mistake in what
they exchange can be tried. Models are tiny; together they exchange all that there is to exchange:
task losses, penalties, regularizers, moments, auxiliary losses, gradients of tables and of
networks, and the weights of the tasks.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from halved_data import COLUMNS, PLAIN, TASKS, dataset_of
from replica_threads import run_replicas

from recsys_lib.features.columns import EmbeddingL2
from recsys_lib.layers import BatchNormalization
from recsys_lib.memorization import build_wide_and_deep, wide_and_deep_optimizer
from recsys_lib.multi_scenario import build_adasparse, build_star
from recsys_lib.multi_task import build_mmoe, build_shared_bottom
from recsys_lib.multi_task.balancing import GradNorm, ParetoWeights, UncertaintyWeighting
from recsys_lib.replicas import (
    num_replicas,
    one_part,
    rows_of_replicas,
    share_of_mean,
    sum_over_replicas,
)
from recsys_lib.second_order import build_afm, build_deepfm, build_fm
from recsys_lib.sequence import build_dien, build_din, build_pooled
from recsys_lib.training import Adagrad, Adam, Trainer
from recsys_lib.training.batches import PackedSplit
from recsys_lib.training.optimizers import sum_duplicates, sum_gradients
from recsys_pipeline.workers import replicas

STEPS, BATCH = 4, 7
"""An odd batch: the replicas have four rows and three."""


def trained(trainer, batches):
    """Reported numbers of every step, and all that training changes, as arrays."""
    reports = [trainer.train_on_batch(*batch).numpy() for batch in batches]
    return reports, {
        name: [np.asarray(variable.numpy()) for variable in variables]
        for name, variables in trainer.parts.items()
    }


def assert_halves_make_the_whole(
    build, dataset, monkeypatch, optimizer=Adam, balancing=None, batch=BATCH
):
    """Train one model on all rows and two on half each; everything they hold must agree."""

    def trainer():
        keras.utils.set_random_seed(1)
        return Trainer(build(), dataset, optimizer(), balancing=balancing and balancing())

    one, two = trainer(), [trainer(), trainer()]
    packed = PackedSplit.of(dataset.train, one.layout, one.tasks)
    batches = [
        [tf.constant(array[step * batch : (step + 1) * batch]) for array in packed.arrays]
        for step in range(STEPS)
    ]
    expected, state = trained(one, batches)
    found = run_replicas(
        [
            lambda half=half, own=own: trained(
                own, [[array[half::2] for array in rows] for rows in batches]
            )
            for half, own in enumerate(two)
        ],
        monkeypatch,
    )
    for reports, other in found:
        np.testing.assert_allclose(reports, expected, rtol=2e-5, atol=1e-6)
        for name, values in state.items():
            for value, wanted in zip(other[name], values, strict=True):
                np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-5, err_msg=name)
    start = trainer().model
    moved = [
        np.abs(before.numpy() - after).max()
        for before, after in zip(start.variables, state["model"], strict=True)
    ]
    assert max(moved) > 1e-3


SMALL = {"embedding_dim": 3, "hidden_units": (4,)}
COUNTS = {"user_id": np.arange(6), "item_id": np.array([0, 5, 2]), "surface": np.arange(4)}
COUNTED = EmbeddingL2(0.5, "batch", COUNTS)
CROSSES = {
    "batch": lambda: build_deepfm(PLAIN, **SMALL, embedding_l2=0.3, linear_l2=0.2),
    "counted": lambda: build_fm(PLAIN, embedding_dim=3, embedding_l2=COUNTED),
    "table": lambda: build_fm(PLAIN, embedding_dim=3, embedding_l2=EmbeddingL2(0.5, "table")),
    "regularizer": lambda: build_afm(PLAIN, embedding_dim=3, attention_l2=0.5),
}  # fmt: skip


@pytest.mark.parametrize("kind", CROSSES)
def test_penalties_count_an_id_once_however_many_replicas_read_it(kind, monkeypatch):
    assert_halves_make_the_whole(CROSSES[kind], dataset_of(PLAIN), monkeypatch)


@pytest.mark.parametrize("rows", ["batch", "table"])
def test_a_pair_of_ids_is_penalised_once_too(rows, monkeypatch):
    """One optimizer for each of two groups, FTRL for the table of pairs."""
    pairs = [("user_id", "item_id")]
    assert_halves_make_the_whole(
        lambda: build_wide_and_deep(
            PLAIN, cross_pairs=pairs, **SMALL, linear_l2=EmbeddingL2(0.1, rows)
        ),
        dataset_of(PLAIN),
        monkeypatch,
        lambda: wide_and_deep_optimizer(0.1),
    )


@pytest.mark.parametrize("scale", ["softmax", "batch_normalization"])
def test_dice_and_an_interests_normalization_have_the_moments_of_all_rows(scale, monkeypatch):
    assert_halves_make_the_whole(
        lambda: build_din(COLUMNS, **SMALL, activation="dice", scale=scale),
        dataset_of(COLUMNS),
        monkeypatch,
    )


@pytest.mark.parametrize("average", ["steps", "rows"])
def test_the_auxiliary_loss_of_dien_is_divided_by_the_steps_or_rows_of_all(average, monkeypatch):
    assert_halves_make_the_whole(
        lambda: build_dien(COLUMNS, **SMALL, auxiliary_average=average),
        dataset_of(COLUMNS),
        monkeypatch,
    )


def test_batch_normalization_has_the_moments_of_all_rows(monkeypatch):
    # With Adam a bias in front of the layer, whose gradient is nothing but rounding, would move.
    assert_halves_make_the_whole(
        lambda: build_deepfm(PLAIN, **SMALL, batch_normalization=True),
        dataset_of(PLAIN),
        monkeypatch,
        lambda: Adagrad(0.05),
    )


def test_batch_normalization_of_steps_counts_the_real_ones_of_all_rows(monkeypatch):
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(5, 4, 3)).astype(np.float32)
    mask = np.arange(4) < np.array([[4], [0], [1], [3], [1]])
    upstream = rng.normal(size=(5, 4, 3)).astype(np.float32)

    def moved(rows):
        layer, part = BatchNormalization(momentum=0.8), tf.constant(inputs[rows])
        with tf.GradientTape() as tape:
            tape.watch(part)
            outputs = layer(part, training=True, mask=tf.constant(mask[rows]))
            loss = tf.reduce_sum(outputs * upstream[rows])
        gradient = tape.gradient(loss, part).numpy()
        return outputs.numpy(), gradient, [v.numpy() for v in layer.non_trainable_variables]

    outputs, gradient, moving = moved(slice(None))
    halves = run_replicas(
        [lambda own=own: moved(slice(own, None, 2)) for own in range(2)], monkeypatch
    )
    for own, half in enumerate(halves):
        np.testing.assert_allclose(half[0], outputs[own::2], atol=1e-5)
        np.testing.assert_allclose(half[1], gradient[own::2], atol=1e-5)
        np.testing.assert_allclose(half[2], moving, atol=1e-6)


@pytest.mark.parametrize(
    "balancing",
    [None, GradNorm, UncertaintyWeighting, ParetoWeights],
    ids=lambda method: getattr(method, "__name__", "sum"),
)
def test_task_losses_count_the_rows_with_a_label_and_methods_weigh_losses_of_all(
    balancing, monkeypatch
):
    assert_halves_make_the_whole(
        lambda: build_mmoe(PLAIN, TASKS, embedding_dim=3, expert_units=(4,), tower_units=(3,)),
        dataset_of(PLAIN, tasks=TASKS, masks=True),
        monkeypatch,
        balancing=balancing,
    )


def test_star_has_the_moments_of_all_rows_of_a_scenario(monkeypatch):
    assert_halves_make_the_whole(
        lambda: build_star(PLAIN, **SMALL), dataset_of(PLAIN), monkeypatch, lambda: Adagrad(0.05)
    )


def test_the_share_of_pruned_neurons_is_a_mean_over_all_rows(monkeypatch):
    assert_halves_make_the_whole(
        lambda: build_adasparse(PLAIN, **SMALL, pruned_share=(0.9, 1.0), sparsity_weight=2.0),
        dataset_of(PLAIN),
        monkeypatch,
    )


def test_clipping_sees_the_gradient_of_all_rows(monkeypatch):
    assert_halves_make_the_whole(
        lambda: build_shared_bottom(PLAIN, TASKS, embedding_dim=3, hidden_units=(4,)),
        dataset_of(PLAIN, tasks=TASKS),
        monkeypatch,
        lambda: Adagrad(0.1, clipnorm=0.01),
    )


def test_a_replica_may_have_no_row_at_all(monkeypatch):
    """The last batch of an epoch may hold fewer rows than there are workers."""
    data = dataset_of(COLUMNS)

    def build():
        return build_pooled(COLUMNS, **SMALL, activation="dice", embedding_l2=0.1)

    assert_halves_make_the_whole(build, data, monkeypatch, lambda: Adagrad(0.05), batch=1)


def test_slices_of_unequal_length_are_gathered_and_then_summed(monkeypatch):
    """Row 4 is read twice by one replica and once by the other."""

    def gradients(rows):
        values = tf.constant([[float(row), 1.0] for row in rows])
        table = tf.IndexedSlices(values, tf.constant(rows, tf.int64), tf.constant([9, 2]))
        return [None, tf.constant([1.0, 2.0]), table]

    found = run_replicas(
        [lambda: sum_gradients(gradients([4, 0, 4])), lambda: sum_gradients(gradients([4, 7]))],
        monkeypatch,
    )
    for nothing, dense, table in found:
        assert nothing is None
        np.testing.assert_array_equal(dense, [2, 4])
        by_row = dict(
            zip(table.indices.numpy().tolist(), table.values.numpy().tolist(), strict=True)
        )
        assert by_row == {4: [12, 3], 0: [0, 1], 7: [7, 1]}
        assert len(table.indices) == 3


@pytest.mark.parametrize(("first", "second", "sent"), [(1, 2, 2), (5, 1, 6), (8, 8, 8), (1, 1, 1)])
def test_a_worker_sends_the_least_size_that_holds_the_rows_of_each(
    first, second, sent, monkeypatch
):
    """In a loop: 8 rows with 2 lookups each, of which one worker's 8 may all be different."""
    sizes = []

    def all_gather(tensor):
        sizes.append(len(tensor))
        return replicas.replica_context().all_gather(tensor, axis=0)

    def replica(distinct):
        ids = tf.constant([5 + row % distinct for row in range(8)])
        table = tf.IndexedSlices(tf.ones([8, 2]), ids, tf.constant([20, 2]))
        with replicas.batch_of_rows(tf.constant(8), tf.constant(4)):
            (found,) = sum_gradients([table])
        return dict(zip(found.indices.numpy().tolist(), found.values.numpy()[:, 0], strict=True))

    monkeypatch.setattr(replicas, "_all_gather", all_gather)
    monkeypatch.setattr(replicas, "NUM_SIZES", 4)
    found = run_replicas([lambda: replica(first), lambda: replica(second)], monkeypatch)
    expected = np.bincount([5 + row % distinct for distinct in (first, second) for row in range(8)])
    for by_id in found:
        assert by_id == {n: count for n, count in enumerate(expected) if count}
    assert sizes == [-(-sent // 2) * 2] * 2


def test_each_call_of_a_compiled_loop_numbers_its_exchanges_anew():
    """TensorFlow keeps the shape of a number, and another call may have longer batches."""

    def step(index, found):
        either = [replicas._next_instance, replicas._next_instance]
        return index + 1, found.write(index, tf.switch_case(index % 2, either))

    @tf.function
    def numbers():
        found = tf.TensorArray(tf.int32, 4)
        return tf.while_loop(lambda index, _: index < 4, step, (0, found))[1].stack()

    first, second = numbers().numpy().tolist(), numbers().numpy().tolist()
    assert first[:2] == first[2:] and second[:2] == second[2:]
    assert len({*first, *second}) == 4


def test_shares_add_up_and_have_the_gradient_of_the_whole(monkeypatch):
    """``y = sum x`` on both replicas, loss ``x_r y``: each x has the gradient ``2 y - ...``."""
    x = [tf.constant([1.0, 5.0]), tf.constant([2.0])]

    def gathered(own):
        return rows_of_replicas(own)[0].numpy()

    def replica(own):
        with tf.GradientTape() as tape:
            tape.watch(own)
            total = sum_over_replicas(tf.reduce_sum(own))
            share = share_of_mean(own) + one_part(total**2)
        return share.numpy(), tape.gradient(share, own).numpy(), gathered(own)

    (first, slope, rows), (second, other, _) = run_replicas(
        [lambda: replica(x[0]), lambda: replica(x[1])], monkeypatch
    )
    assert first + second == pytest.approx(8 / 3 + 64, rel=1e-6)
    np.testing.assert_allclose([*slope, *other], np.full(3, 1 / 3 + 16), rtol=1e-6)
    np.testing.assert_array_equal(rows, [1, 5, 2])


def test_outside_of_replicas_nothing_is_added_to_a_graph():
    x = tf.constant([1.0, 3.0])
    assert num_replicas() == 1
    assert sum_over_replicas(x) is x and rows_of_replicas(x)[0] is x and one_part(x) is x
    assert float(share_of_mean(x)) == 2
    table = tf.IndexedSlices(tf.ones([2, 1]), tf.constant([1, 1]), tf.constant([3, 1]))
    dense, summed = sum_gradients([x, table])
    assert dense is x and summed.indices.numpy().tolist() == [1]
    assert sum_duplicates(table).values.numpy().tolist() == [[2]]


def test_alone_the_layer_is_that_of_keras():
    """Bit for bit, moving moments too, with a mask and without."""
    inputs = tf.constant(np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32))
    mask = tf.constant(np.arange(20).reshape(5, 4) % 3 > 0)
    for options in ({}, {"mask": mask}):
        ours = BatchNormalization(momentum=0.9)
        theirs = keras.layers.BatchNormalization(momentum=0.9)
        for training in (True, False):
            np.testing.assert_array_equal(
                ours(inputs, training=training, **options),
                theirs(inputs, training=training, **options),
            )
        for own, other in zip(ours.variables, theirs.variables, strict=True):
            np.testing.assert_array_equal(own.numpy(), other.numpy())
