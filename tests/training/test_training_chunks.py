"""Training on chunks: which rows in which order, and the numbers of a run in memory."""

import dataclasses
import functools

import keras
import numpy as np
import pandas as pd
import pytest
import tiny
from chunked import DATA, OPTIONS, in_chunks, trained

from recsys_lib.data import ChunkedDataset, Split
from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.training import Adam, trainer
from recsys_lib.training.trainer import Trainer
from recsys_pipeline.chunks import ArrayChunks


def epoch_order(seed, epoch, sizes):
    """The order of an epoch, as the module states it, of the rows of all chunks together."""
    starts = np.cumsum([0, *sizes])
    chunks = np.random.default_rng([seed, epoch, len(sizes)]).permutation(len(sizes))
    parts = [
        starts[chunk] + np.random.default_rng([seed, epoch, chunk]).permutation(sizes[chunk])
        for chunk in chunks
    ]
    return np.concatenate(parts)


# One chunk


def test_numpy_draws_the_same_for_seed_and_epoch_with_and_without_chunk_0():
    """What makes one chunk the run in memory."""
    for seed, epoch in [(0, 0), (4, 1), (2**31, 7), (2**63, 3)]:
        found = [
            np.random.default_rng(e).permutation(50) for e in ([seed, epoch], [seed, epoch, 0])
        ]
        np.testing.assert_array_equal(*found)


def test_one_chunk_gives_the_bits_of_the_run_in_memory():
    data = tiny.make_dataset()

    def build():
        return tiny.build_large(dropout_rate=0.5, batch_normalization=True)

    options = {"epochs": 5, "patience": 2}
    model, history = trained(data, build, **options)
    other, chunked = trained(in_chunks(data, 150, valid=60), build, **options)
    tiny.assert_same_bits(tiny.weights_of(model), tiny.weights_of(other))
    assert chunked.best_epoch == history.best_epoch
    assert chunked.num_examples == history.num_examples
    pd.testing.assert_frame_equal(
        chunked.epochs.drop(columns="seconds"), history.epochs.drop(columns="seconds"), rtol=0
    )


# Many chunks


@pytest.mark.parametrize("batch_size", [16, 37, 150, 1000])
@pytest.mark.parametrize("sizes", [[150], [50, 60, 40], [7] * 21 + [3], [149, 1], [1] * 150])
def test_chunks_train_on_the_batches_of_the_stated_order(sizes, batch_size):
    """Bit by bit: rows laid out in memory so that a run there meets them in the stated order."""
    model, history = trained(in_chunks(DATA, sizes), epochs=1, batch_size=batch_size)
    in_memory = np.random.default_rng([4, 0]).permutation(150)
    laid_out = np.empty(150, np.int64)
    laid_out[in_memory] = epoch_order(4, 0, sizes)
    expected, in_memory = trained(
        dataclasses.replace(DATA, train=DATA.train.take(laid_out)), epochs=1, batch_size=batch_size
    )
    tiny.assert_same_bits(tiny.weights_of(model), tiny.weights_of(expected))
    # Sums of the loss are taken chunk by chunk, in another order.
    np.testing.assert_allclose(history.epochs["loss"], in_memory.epochs["loss"], rtol=1e-5)


NUMBERED = (NumericColumn("number"), CategoricalColumn("item_id", 5))


def numbered(num_rows=53):
    """Rows that say their own number."""
    rng = np.random.default_rng(0)
    splits, first = {}, 0
    for name in ("train", "valid", "test"):
        rows = np.arange(num_rows)
        splits[name] = Split(
            features={
                "number": rows.astype(np.float32),
                "item_id": rng.integers(0, 5, num_rows),
            },
            labels={"like": rows % 2},
            group=rows,
            row_id=rows + first,
        )
        first += num_rows
    return splits


def numbered_in(sizes):
    splits = numbered()
    train = ArrayChunks(splits["train"], sizes)
    return ChunkedDataset("numbered", NUMBERED, train, splits["valid"], splits["test"])


@functools.cache
def numbered_trainer():
    model = tiny.build_small(NUMBERED)
    return Trainer(model, numbered_in([53]), keras.optimizers.SGD(1e-9))


def batches_of(sizes, epochs, batch_size, seed=1):
    """The numbers of the rows of every batch, epoch by epoch, as the compiled function got them."""
    run, batches = numbered_trainer(), []
    run.trace()
    compiled = run._run

    def record(ids, numbers, labels, order, first, last, size):
        for step in range(first, last):
            rows = order.numpy()[step * size : (step + 1) * size]
            batches.append(numbers.numpy()[rows, 0].astype(int).tolist())
            assert labels.numpy()[rows, 0].tolist() == [number % 2 for number in batches[-1]]
        return compiled(ids, numbers, labels, order, first, last, size)

    run._run = record
    options = {"epochs": epochs, "batch_size": batch_size, "patience": None, "seed": seed}
    try:
        run.fit(numbered_in(sizes), **options)
    finally:
        run._run = compiled
    return batches


@pytest.mark.parametrize("sizes", [[53], [20, 20, 13], [5] * 10 + [3], [1] * 53, [3, 47, 3]])
@pytest.mark.parametrize("batch_size", [8, 20, 53, 60])
def test_an_epoch_reads_every_row_once_in_full_batches(sizes, batch_size):
    """Rows that a chunk has left are carried over: only an epoch's last batch is smaller."""
    batches = batches_of(sizes, 2, batch_size)
    steps = -(-53 // batch_size)
    assert len(batches) == 2 * steps
    for epoch in (batches[:steps], batches[steps:]):
        assert sorted(row for batch in epoch for row in batch) == list(range(53))
        assert [len(batch) for batch in epoch[:-1]] == [batch_size] * (steps - 1)


def test_chunks_come_in_another_order_in_each_epoch_and_so_do_their_rows():
    epochs = np.reshape(batches_of([10, 10, 10, 10, 13], 4, 53), (4, 53))
    chunks = [[row // 10 if row < 40 else 4 for row in epoch] for epoch in epochs]
    firsts = [list(dict.fromkeys(epoch)) for epoch in chunks]
    assert len({tuple(first) for first in firsts}) > 1
    # A chunk's rows stay together ...
    assert all(len(list(dict.fromkeys(epoch))) == 5 for epoch in chunks)
    for epoch, order in zip(chunks, firsts, strict=True):
        assert [chunk for chunk in order for _ in range(epoch.count(chunk))] == epoch
    # ... in another order each time, and each chunk in its own.
    inside = [[row % 10 for row in epoch if row < 10] for epoch in epochs]
    assert len({tuple(rows) for rows in inside}) == 4
    beside = [[row % 10 for row in epochs[0] if row // 10 == chunk] for chunk in range(4)]
    assert len({tuple(rows) for rows in beside}) == 4


def test_the_seed_decides_the_order():
    first, again, other = (batches_of([20, 20, 13], 1, 8, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_chunks_of_any_size_are_calls_of_one_trace(monkeypatch):
    traces = []
    compile_steps = trainer.compile_steps

    def count(*arguments, **options):
        traces.append(arguments)
        return compile_steps(*arguments, **options)

    monkeypatch.setattr(trainer, "compile_steps", count)
    run = Trainer(tiny.build_small(), DATA, Adam(0.05))
    for data in (in_chunks(DATA, [50, 60, 40]), in_chunks(DATA, 17), DATA):
        run.fit(data, **OPTIONS)
    assert len(traces) == 1


def masked(data):
    """Only rows with an even user have the label."""
    splits = {
        name: dataclasses.replace(split, label_masks={"like": split.features["user_id"] % 2 == 0})
        for name, split in data.splits.items()
    }
    return dataclasses.replace(data, **splits)


def test_masks_are_read_with_the_rows():
    data = masked(tiny.make_dataset(tiny.SMALL, tasks={"like": "binary", "watch": "regression"}))

    def build():
        return tiny.build_small(tasks=("like", "watch"), kinds={"watch": "regression"})

    model, history = trained(data, build, epochs=3, patience=5)
    other, chunked = trained(in_chunks(data, 150, valid=25), build, epochs=3, patience=5)
    tiny.assert_same_bits(tiny.weights_of(model), tiny.weights_of(other))
    columns = ["loss", "loss_like", "loss_watch"]
    pd.testing.assert_frame_equal(chunked.epochs[columns], history.epochs[columns], rtol=0)
    np.testing.assert_allclose(
        chunked.epochs["valid_score"], history.epochs["valid_score"], rtol=1e-6
    )
    # In several chunks the mean is over the same rows with the label.
    tied = {"epochs": 1, "optimizer": Adam(1e-12)}
    _, chunked = trained(in_chunks(data, [70, 80]), build, **tied)
    _, history = trained(data, build, **{**tied, "optimizer": Adam(1e-12)})
    own = ["loss_like", "loss_watch"]
    np.testing.assert_allclose(chunked.epochs[own], history.epochs[own], rtol=1e-5)


def test_chunks_of_which_only_some_have_masks_are_refused():
    data = masked(DATA)

    class Forgetful(ArrayChunks):
        def read(self, number, column_names=None):
            split = super().read(number, column_names)
            return dataclasses.replace(split, label_masks={}) if number == 1 else split

    broken = dataclasses.replace(in_chunks(data, 50), train=Forgetful(data.train, 50))
    with pytest.raises(ValueError, match="train, chunk 1: expected label_masks in all chunks or"):
        trained(broken)
