"""The base of all lenses of the simulated platform: seeds, knobs, labels, splits.

Randomness. Every part of a lens (its tastes, the draws of its training rows, their labels, ...)
has a stream of random numbers of its own, named by text and derived from the seed alone. So a
part never shifts the numbers of another: a knob that changes one part leaves the draws of the
others as they are (common random numbers), a new part leaves old data as they were, and a longer
log begins with the rows of the shorter one.

The same seed gives the same bytes on every run. Across machines the streams agree as far as NumPy
promises: the bits of PCG64 are fixed for ever, the last digit of ``exp`` is not, and the mapping
from bits to normal numbers may change between NumPy versions (NEP 19).
"""

import dataclasses
import zlib

import numpy as np

from recsys_lib.data.dataset import Dataset, Split

SECONDS_BETWEEN_IMPRESSIONS = 1


@dataclasses.dataclass(frozen=True)
class SimulatedDataset(Dataset):
    """A ``Dataset`` whose generator is known: ``probability`` of every row, and the plan behind it.

    Args:
        truth: name to read-only array of what was planted; each lens states its names.
        knobs: the arguments that the lens was called with, defaults included.

    The other arguments, and the errors, are those of ``Dataset``.
    """

    truth: dict = dataclasses.field(default_factory=dict)
    knobs: dict = dataclasses.field(default_factory=dict)


def stream(seed, lens, part):
    """The random generator of one part of one lens.

    Args:
        seed: integer of 0 or more.
        lens: name of the lens.
        part: name of the part, for example ``"labels/train"``.

    Returns:
        A ``numpy.random.Generator`` that depends on the three arguments and nothing else.
    """
    key = zlib.crc32(f"{lens}/{part}".encode())
    # PCG64 by name: what `default_rng` returns may change with NumPy.
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(key,))))


def sigmoid(logit):
    """``1 / (1 + exp(-logit))`` in float64, without overflow at either end."""
    logit = np.asarray(logit, np.float64)
    small = np.exp(-np.abs(logit))
    return np.where(logit >= 0, 1.0, small) / (1.0 + small)


def project(values, weights):
    """``values @ weights`` in float64, ``(N, d)`` with ``(d,)``, the same bits on every machine.

    A matrix product would depend on the BLAS library.
    """
    return sum(
        weight * column.astype(np.float64) for weight, column in zip(weights, values.T, strict=True)
    )


def requests_of(num_rows, size, first=0):
    """Number of the request of each row, ``(N,)`` int64 from ``first``: ``size`` rows each."""
    return first + np.arange(num_rows, dtype=np.int64) // size


def lowest_share(values, share):
    """Mark the ``round(share * size)`` lowest entries of ``values``; a boolean array of its shape.

    Marked sets of a larger share contain those of a smaller one.
    """
    values = np.asarray(values)
    marked = np.zeros(values.size, bool)
    marked[np.argsort(values, axis=None, kind="stable")[: round(share * values.size)]] = True
    return marked.reshape(values.shape)


def choose(candidates, uniform):
    """One of ``candidates`` for each number of ``uniform`` in [0, 1), all equally likely."""
    return candidates[(uniform * len(candidates)).astype(np.int64)]


def draw_labels(probability, generator):
    """0/1 labels ``(N,)`` float32: 1 where a uniform number falls below the row's probability.

    A probability that rises can turn a label from 0 to 1 and none from 1 to 0.
    """
    return (generator.random(len(probability)) < probability).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of one split before labels, time and row ids are put to them.

    Args:
        features: column name to array, as in ``Split``.
        probability: task name to the true probability ``(N,)`` float64; of a regression task the
            expected label.
        group: ``(N,)`` integers.
        slices: name to boolean ``(N,)``; slices without a row are left out of the split.
        labels: task name to labels ``(N,)`` float32 of the tasks whose labels the lens drew
            itself; those of all others are drawn from their probability, one by one.
        label_masks, groups: as in ``Split``.
    """

    features: dict
    probability: dict
    group: np.ndarray
    slices: dict = dataclasses.field(default_factory=dict)
    labels: dict = dataclasses.field(default_factory=dict)
    label_masks: dict = dataclasses.field(default_factory=dict)
    groups: dict = dataclasses.field(default_factory=dict)


def make_dataset(lens, feature_columns, rows, seed, truth, knobs, tasks=None):
    """Draw the labels, number and time the rows, and put the data set together.

    Args:
        lens: name of the lens; the data set is called ``simulated <lens>``.
        feature_columns: tuple of columns.
        rows: ``Rows`` of ``"train"``, ``"valid"`` and ``"test"``. Impressions follow each other
            in that order, one a second, so the splits lie one after another in time.
        seed: the labels of task ``t`` in split ``s`` come from the stream ``labels/s/t``.
        truth, knobs: as in ``SimulatedDataset``; the arrays of ``truth`` become read-only.
        tasks: task name to ``"binary"`` or ``"regression"``; default: all binary.

    Returns:
        A ``SimulatedDataset``.
    """
    splits, first = {}, 0
    for split_name in ("train", "valid", "test"):
        part = rows[split_name]
        num_rows = len(part.group)
        row_id = np.arange(first, first + num_rows, dtype=np.int64)
        splits[split_name] = Split(
            features=part.features,
            labels={
                task: part.labels[task]
                if task in part.labels
                else draw_labels(values, stream(seed, lens, f"labels/{split_name}/{task}"))
                for task, values in part.probability.items()
            },
            group=part.group,
            groups=part.groups,
            row_id=row_id,
            time=row_id * SECONDS_BETWEEN_IMPRESSIONS,
            probability=part.probability,
            slices={name: mask for name, mask in part.slices.items() if mask.any()},
            label_masks=part.label_masks,
        )
        first += num_rows
    truth = {name: np.array(values) for name, values in truth.items()}
    for values in truth.values():
        values.setflags(write=False)
    return SimulatedDataset(
        name=f"simulated {lens}",
        feature_columns=feature_columns,
        truth=truth,
        knobs=knobs,
        tasks=tasks,
        **splits,
    )
