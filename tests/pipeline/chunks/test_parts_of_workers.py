"""Of several workers each packs the rows that it trains on, and no others."""

import types

import numpy as np
import pytest

from recsys_lib.data import Split
from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.training.batches import Layout
from recsys_lib.training.rows import training_rows
from recsys_pipeline.chunks import ArrayChunks
from recsys_pipeline.chunks.reading import RowsInChunks
from recsys_pipeline.workers.distributed import Workers

COLUMNS = (NumericColumn("number"), CategoricalColumn("item_id", 54))
ROWS = np.arange(53)
SPLIT = Split(
    {"number": ROWS.astype(np.float32), "item_id": ROWS},
    {"like": ROWS % 2, "watch": ROWS % 3},
    group=ROWS,
    row_id=ROWS,
    label_masks={"watch": ROWS % 4 > 0},
)


def worker(index, count, replicas_each=1):
    """One of several workers, as it deals out the rows of a batch."""
    one = object.__new__(Workers)
    one.index, one.count = index, count
    one.strategy = types.SimpleNamespace(num_replicas_in_sync=count * replicas_each)
    return one


def stretches(workers, sizes, batch_size, step=0):
    layout = Layout(COLUMNS)
    rows = RowsInChunks(ArrayChunks(SPLIT, sizes), layout, ["like", "watch"], SPLIT, workers)
    return list(rows.stretches(4, 1, step, batch_size))


def batches(found, batch_size, start=0, count=1):
    """The rows of each step that a replica trains on, as its step takes them; ids, labels, masks.

    They are ``order[step * batch_size:][start::count]``, see ``Workers.run``.
    """
    for stretch in found:
        matrices = [matrix.numpy() for matrix in stretch.matrices]
        for step in range(stretch.last - stretch.first):
            rows = stretch.order.numpy()[step * batch_size : (step + 1) * batch_size]
            yield [matrix[rows[start::count]] for matrix in matrices]


@pytest.mark.parametrize("batch_size", [8, 7, 53, 100])
@pytest.mark.parametrize("sizes", [[53], [20, 13, 20], [5] * 10 + [3], [52, 1]])
@pytest.mark.parametrize("count", [2, 3])
def test_the_parts_of_all_workers_are_the_batches_of_one(count, sizes, batch_size):
    whole = list(batches(stretches(None, sizes, batch_size), batch_size))
    for index in range(count):
        found = stretches(worker(index, count), sizes, batch_size)
        own = list(batches(found, batch_size, index, count))
        assert len(own) == len(whole) == -(-53 // batch_size)
        for matrices, expected in zip(own, whole, strict=True):
            for matrix, all_rows in zip(matrices, expected, strict=True):
                np.testing.assert_array_equal(matrix, all_rows[index::count])


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_worker_holds_its_share_of_the_rows(count):
    found = stretches(worker(0, count), [53], 8)
    ids, numbers, labels, masks = found[0].matrices
    taken = 7 * 8 // count if count > 1 else 53
    assert len(ids) == len(numbers) == len(labels) == len(masks) <= taken
    assert len(ids) >= 53 // count


def test_a_worker_with_two_replicas_holds_the_rows_of_both():
    found = stretches(worker(1, 2, replicas_each=2), [20, 33], 8)
    whole = list(batches(stretches(None, [20, 33], 8), 8))
    for replica in (2, 3):
        for (ids, *_), (all_ids, *_) in zip(batches(found, 8, replica, 4), whole, strict=True):
            np.testing.assert_array_equal(ids, all_ids[replica::4])


def test_a_run_that_goes_on_has_the_same_parts():
    whole = list(batches(stretches(worker(1, 2), [20, 13, 20], 8), 8, 1, 2))
    for step in range(7):
        found = list(batches(stretches(worker(1, 2), [20, 13, 20], 8, step), 8, 1, 2))
        for matrices, expected in zip(found, whole[step:], strict=True):
            for matrix, same in zip(matrices, expected, strict=True):
                np.testing.assert_array_equal(matrix, same)


def test_rows_in_memory_are_shared_out_too():
    data = types.SimpleNamespace(train=SPLIT)
    rows = training_rows(data, Layout(COLUMNS), ["like"], SPLIT, worker(1, 2))
    (stretch,) = rows.stretches(0, 0, 0, 10)
    assert len(stretch.matrices[0]) == 26  # 5 of each of five batches, 1 of the last three rows
