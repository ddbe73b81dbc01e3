"""Ordinary platforms as the board reads them: what is told of a row, and labels without much noise.

A world w is the platform of seed w + ``first``, so that none of them is one of those that the prior
was set by.
"""

import dataclasses

import numpy as np

from recsys_lib.data import simulator
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.simulator.ordinary_prior import IDS
from recsys_lib.data.simulator.world import SimulatedDataset
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn

RATE, COUNT, MATCHES = "rate_of_", "count_of_", "matches_of_"
"""What the names of told columns begin with."""
TOLD = (*(f"{kind}{name}" for kind in (RATE, COUNT) for name in IDS), MATCHES)
"""Beginnings of the told columns that networks read, beside the ids themselves."""

_FOLDS = 5
_SMOOTHING = 20.0


def platform(
    num_rows: int = 100_000,
    num_valid_rows: int = 20_000,
    num_test_rows: int = 30_000,
    first: int = 1_000,
    labels: int = 3,
    seed: int = 0,
) -> SimulatedDataset:
    """Draw a platform, tell what can be counted, and ask each test row several times.

    Args:
        num_rows, num_valid_rows, num_test_rows: rows of the log's splits.
        first: the platform's seed is so much more than the world's.
        labels: how often each test row is there; see ``asked_again``.
        seed: number of the world.

    Returns:
        The ``simulator.ordinary`` of that seed with the columns of ``with_told``.
    """
    sizes = {"num_valid_rows": num_valid_rows, "num_test_rows": num_test_rows}
    dataset = simulator.ordinary(num_rows=num_rows, **sizes, seed=first + seed)
    test = asked_again(dataset.test, labels, np.random.default_rng([first + seed, 1]))
    return with_told(dataclasses.replace(dataset, test=test))


def asked_again(split: Split, labels: int, random: np.random.Generator) -> Split:
    """Each row several times, with as many clicks as its probability says, to within one.

    Args:
        split: of the task ``click``, whose probabilities are known.
        labels: of each row.
        random: decides what is left to chance.

    Returns:
        A split whose metrics are nearly those that are to be expected over labels.
    """
    places = (random.random((len(split), 1)) + np.arange(labels)) / labels
    clicks = places < split.probability["click"][:, None]
    again = split.take(np.repeat(np.arange(len(split)), labels))
    return dataclasses.replace(
        again,
        labels={"click": clicks.ravel().astype(np.float32)},
        row_id=split.row_id[0] + np.arange(len(again)),
    )


def with_told(dataset: SimulatedDataset) -> SimulatedDataset:
    """Add numbers that somebody counts in practice, from training rows alone.

    Of each column of ids the ``rate_of_`` the id: the log-odds of its smoothed share of clicks over
    that of all rows. It comes from the other four fifths of the requests where the row is one of
    training, for rows of one request tell each other what the request is like. Of user and item the
    ``count_of_`` rows, and of each history the ``matches_of_`` the candidate in it, both as decimal
    logarithms of one more.

    The scenario becomes a column like any other: here a model is judged by all rows alike.
    """
    ids = [one for one in dataset.feature_columns if isinstance(one, CategoricalColumn)]
    histories = [one for one in dataset.feature_columns if isinstance(one, SequenceColumn)]
    train = dataset.train
    told: dict[str, dict[str, np.ndarray]] = {}
    for name, split in dataset.splits.items():
        own: dict[str, np.ndarray] = {}
        for column in ids:
            rate, count = _learned(column, train, split)
            own[f"{RATE}{column.name}"] = rate
            if column.name in IDS:
                own[f"{COUNT}{column.name}"] = np.log10(1 + count)
        for history in histories:
            is_match = split.features[history.name] == split.features[history.table_name][:, None]
            own[f"{MATCHES}{history.table_name}"] = np.log10(1 + is_match.sum(axis=1))
        told[name] = {key: values.astype(np.float32) for key, values in own.items()}
    columns = [
        dataclasses.replace(one, group="context") if one.group == "scenario" else one
        for one in dataset.feature_columns
    ]
    columns += [NumericColumn(name) for name in told["train"]]
    wider = {
        name: dataclasses.replace(split, features={**split.features, **told[name]})
        for name, split in dataset.splits.items()
    }
    return dataclasses.replace(dataset, feature_columns=tuple(columns), **wider)


def _learned(column, train, split):
    """The rate of each row's id, in log-odds over the base rate, and its rows in training."""
    known, label, ids = train.features[column.name], train.label, split.features[column.name]
    rate, count = _of_rows(column, known, label, ids)
    if split is train:
        fold = train.group % _FOLDS
        for number in range(_FOLDS):
            own = fold == number
            rate[own] = _of_rows(column, known[~own], label[~own], ids[own])[0]
    return rate, count


def _of_rows(column, known, label, ids):
    size, base = column.vocabulary_size, float(label.mean())
    rows = np.bincount(known, minlength=size)
    clicks = np.bincount(known, label, size) + _SMOOTHING * base
    others = rows + _SMOOTHING - clicks
    rate = np.log(clicks) - np.log(others) - np.log(base) + np.log1p(-base)
    return rate[ids], rows[ids]


def names_read(dataset: Dataset, told: bool, reads_history: bool) -> tuple[str, ...]:
    """The columns that a network reads: ids and numbers, and what is told, and the histories.

    Args:
        dataset: of ``platform``.
        told: whether it reads the columns that begin as ``TOLD`` says.
        reads_history: whether it reads the histories.
    """

    def is_read(column):
        if isinstance(column, SequenceColumn):
            return reads_history
        is_told = column.name.startswith((RATE, COUNT, MATCHES))
        return not is_told or (told and column.name.startswith(TOLD))

    return tuple(column.name for column in dataset.feature_columns if is_read(column))


def taught(world: int, **knobs: int) -> dict[str, float]:
    """Points that the rows of a platform could teach, whoever learns.

    Args:
        world: number of the platform on the board.
        **knobs: of ``platform``.

    Returns:
        What may be used, each with all before it, to points of the perfect statistician; and under
        ``"with forms"`` those of one who knows the forms, too.
    """
    truth = platform(**knobs, seed=world).truth
    points = dict(zip(truth["uses"].tolist(), truth["points"][:, 0].tolist(), strict=True))
    return points | {"with forms": float(truth["points_of_forms"][-1, 0])}
