"""The base of the lenses of chapter 04: one history, several candidates.

A *request* is a user's history and ``candidates`` items shown beside it. Each request is a user of
its own, and a group of rows for GAUC. Everything that decides a click is in the history and the
candidate, so the best possible score can be reached.
"""

import functools

import numpy as np

from recsys_lib.data.simulator.world import Rows, make_dataset, sigmoid, stream
from recsys_lib.features.columns import CategoricalColumn, SequenceColumn

TASK = "click"
SIZES = {"train": "num_rows", "valid": "num_valid_rows", "test": "num_test_rows"}


def simulate(
    lens, draw, knobs, num_items, history_length, extra_columns=(), truth=None, dtype=np.int32
):
    """Draw the three splits and put the data set together.

    Args:
        lens: name of the lens.
        draw: function ``(requests, candidates, uniform)`` that returns a dict with ``history``
            ``(requests, steps)``, ``item`` and ``logit`` ``(requests, candidates)``, and any
            further features of the request by column name, ``(requests, ...)``, and, in
            ``of_items``, of the candidates, ``(requests, candidates)``.
            ``uniform(part, *shape)`` gives numbers in [0, 1) from the stream of that part and
            split.
        knobs: checked knobs.
        num_items: items, ids from 1.
        history_length: steps of the history.
        extra_columns: feature columns behind ``item_id`` and ``history``.
        truth: what was planted, see ``SimulatedDataset``.
        dtype: of all ids; None: as they are drawn.

    Returns:
        ``SimulatedDataset``.
    """
    candidates, seed = knobs["candidates"], knobs["seed"]
    columns = (
        CategoricalColumn("item_id", num_items + 1, group="item"),
        SequenceColumn("history", num_items + 1, history_length, table="item_id"),
        *extra_columns,
    )
    rows, first = {}, 0
    for split_name, size in SIZES.items():
        requests = knobs[size] // candidates
        drawn = draw(requests, candidates, functools.partial(_uniform, seed, lens, split_name))
        logit, item = drawn.pop("logit"), drawn.pop("item")
        of_items = drawn.pop("of_items", {})
        # A request's rows lie one after another and share what belongs to the request.
        features = {name: np.repeat(values, candidates, axis=0) for name, values in drawn.items()}
        features |= {name: values.ravel() for name, values in of_items.items()}
        features["item_id"] = item.ravel()
        rows[split_name] = Rows(
            features={name: v.astype(dtype or v.dtype, copy=False) for name, v in features.items()},
            probability={TASK: sigmoid(logit.ravel())},
            group=np.repeat(np.arange(first, first + requests, dtype=np.int64), candidates),
        )
        first += requests
    return make_dataset(lens, columns, rows, seed, truth or {}, knobs)


def _uniform(seed, lens, split_name, part, *shape):
    return stream(seed, lens, f"draws/{split_name}/{part}").random(shape)


def pick(uniform, count):
    """Whole numbers from 0 to ``count - 1``, all equally likely, from numbers in [0, 1)."""
    return (uniform * count).astype(np.int64)
