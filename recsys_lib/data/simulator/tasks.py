"""The task lens: two clicks on the same rows that agree on one block of features, not on another.

Three blocks of standard normal numbers: ``agreeing`` A, ``conflicting`` B and ``null``. With unit
vectors a and b, and c the correlation of the two tasks' scores,

    z_click = sqrt((1 + c) / 2) a.A + sqrt((1 - c) / 2) b.B
    z_like  = sqrt((1 + c) / 2) a.A - sqrt((1 - c) / 2) b.B
    p_t     = sigmoid(bias_t + strength * z_t)

Both tasks together need two directions of the features, one of A and one of B, unless c is 1 or
-1. A shared representation with room for a single one has to choose between the tasks.

Chapter 05, "Multi-task learning".
"""

from collections.abc import Sequence

import numpy as np

from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.world import (
    Rows,
    SimulatedDataset,
    make_dataset,
    project,
    requests_of,
    sigmoid,
    stream,
)
from recsys_lib.features.columns import NumericColumn

LENS = "tasks"
TASKS = ("click", "like")
BLOCKS = ("agreeing", "conflicting", "null")
SIZES = {"train": "num_rows", "valid": "num_valid_rows", "test": "num_test_rows"}
ROWS_PER_REQUEST = 10


def tasks(
    num_rows: int = 60_000,
    correlation: float = 0.2,
    strength: float = 2.0,
    biases: Sequence[float] | float = (-1.0, -1.0),
    block_size: int = 8,
    num_valid_rows: int = 10_000,
    num_test_rows: int = 40_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks and likes whose log-odds have a chosen correlation.

    Args:
        num_rows: rows of the training split.
        correlation: correlation c of the two tasks' scores, from -1 to 1: at 1 they are the same
            function, at -1 each is the other's opposite.
        strength: standard deviation of both tasks' log-odds.
        biases: log-odds of a click and of a like where the score is zero; one number stands for
            both. Different ones make one task rarer than the other: at the default strength, -1
            gives 34 % positive labels, -4 gives 6 % and -6 gives 1 %.
        block_size: numbers in each block, 2 or more. More of them need more rows to be learned.
        num_valid_rows, num_test_rows: rows of the other splits, drawn like training rows.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the numeric columns ``agreeing``, ``conflicting`` and ``null``
        of dimension ``block_size`` (group ``context``); the binary tasks ``click`` and ``like``,
        whose labels are drawn independently of each other given the row; ``group``: ten rows
        after another are a request. No slices. Its ``truth`` holds ``directions``
        ``(3, block_size)``, a unit vector for each block, that of ``null`` zero; and ``weights``
        ``(2, 3 * block_size)``, each task's unit vector over all numbers, the blocks in the order
        of the columns.

        Common random numbers: ``correlation``, ``strength`` and ``biases`` change probabilities
        and the labels that depend on them, never a row. ``num_rows`` adds rows at the end.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    truth = _plant(**knobs)
    rows, first = {}, 0
    for split_name, size in SIZES.items():
        rows[split_name] = _draw_rows(split_name, knobs[size], first, truth["weights"], knobs)
        first = int(rows[split_name].group[-1]) + 1
    columns = tuple(NumericColumn(name, knobs["block_size"]) for name in BLOCKS)
    return make_dataset(LENS, columns, rows, seed, truth, knobs)


def _plant(correlation, block_size, seed, **_):
    directions = np.zeros((len(BLOCKS), block_size))
    for position, name in enumerate(BLOCKS[:2]):
        numbers = stream(seed, LENS, f"direction/{name}").standard_normal(block_size)
        directions[position] = numbers / np.sqrt((numbers**2).sum())
    shared, opposed = np.sqrt((1 + correlation) / 2), np.sqrt((1 - correlation) / 2)
    share_of_block = np.array([[shared, opposed, 0.0], [shared, -opposed, 0.0]])
    weights = (share_of_block[:, :, None] * directions).reshape(len(TASKS), -1)
    return {"directions": directions, "weights": weights}


def _draw_rows(split_name, num_rows, first_request, weights, knobs):
    shape = (num_rows, knobs["block_size"])
    features = {
        name: stream(knobs["seed"], LENS, f"draws/{split_name}/{name}")
        .standard_normal(shape)
        .astype(np.float32)
        for name in BLOCKS
    }
    numbers = np.concatenate(list(features.values()), axis=1)
    return Rows(
        features=features,
        probability={
            task: sigmoid(bias + knobs["strength"] * project(numbers, of_task))
            for task, bias, of_task in zip(TASKS, knobs["biases"], weights, strict=True)
        },
        group=requests_of(num_rows, ROWS_PER_REQUEST, first_request),
    )
