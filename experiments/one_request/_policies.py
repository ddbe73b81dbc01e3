"""Policies: how a model goes from day to day. Each is tested on a day, then trained on it.

A policy is an estimator. It goes through the days of a data set, whose splits are days that follow
each other: it scores the rows of a test day with the model of the evening before, and only then
sees their labels. So the test rows are scored by as many models as there are days, and train later
ones. No score depends on a label of its own day or of a later one; a test turns these labels around
and finds the same scores.

A model that grows (``recsys_lib.training.grow``) trains on as one that had the larger tables from
the start and did not read them. That is how it is done here, since one model is traced once: an id
that the model was not trained on yet is read as 0, as a table without its row reads it.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments import logs
from recsys_lib import zoo
from recsys_lib.data import simulator
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.prediction import predict
from recsys_lib.training.restarts import build_with_seed
from recsys_lib.training.trainer import Trainer

POLICIES = ("stale", "fresh", "warm")

Predict = Callable[[Split], dict[str, np.ndarray]]


def day_by_day(
    dataset: Dataset,
    *,
    seed: int,
    policy: str = "warm",
    learning_rate: float = 1e-2,
    epochs: int = 4,
    daily_rate: float = 1.0,
    daily_epochs: int = 1,
    warm_up: int | None = None,
    age: int = 0,
    window: int | None = 4,
    grows: bool = True,
    keeps_optimizer: bool = True,
    replay: float = 0.0,
    model: str = "fm",
    embedding_dim: int = 8,
    embedding_l2: float = 0.0,
    batch_size: int = 512,
) -> Predict:
    """Go through the days of a log by a policy.

    Args:
        dataset: whose splits are days that follow each other, with one task.
        seed: of initial values and orders of rows.
        policy: ``"stale"``, a model of all days before the first test day, never trained again;
            ``"fresh"``, every evening a new model; ``"warm"``, a model of the training days that
            every evening trains on, on that day.
        learning_rate, epochs: of a model that starts from nothing.
        daily_rate: of a warm start: its learning rate, as a share of ``learning_rate``.
        daily_epochs: of a warm start: passes over the day.
        warm_up: of a warm start: the days that its first model is trained on; None: those of the
            training split.
        age: of a stale model: days that lie between its last day of training and the first test
            day.
        window: of a fresh start: the days that it is trained on, the last ones; None: all.
        grows: of a warm start: whether ids that appear on a test day get a row of their own once
            they were trained on; else they stay unknown.
        keeps_optimizer: of a warm start: whether the optimizer's statistics go on with the model.
        replay: of a warm start: rows of earlier days that are drawn each evening and mixed in, as
            a share of the day's rows.
        model: key of the zoo.
        embedding_dim, embedding_l2: of the builder.
        batch_size: rows of a step.

    Returns:
        Function of a split of this data set. Rows of days before the test are scored as well: by
        the model of the evening before where there was one, else by the first.

    Raises:
        ValueError: another policy, or several tasks.
    """
    if policy not in POLICIES:
        raise ValueError(f"policy: expected one of {POLICIES}, got {policy!r}")
    if len(dataset.tasks or ()) != 1:
        raise ValueError(f"day_by_day: expected one task, got {list(dataset.tasks or ())}")
    log = _Log(dataset)
    options = (("embedding_dim", embedding_dim), ("embedding_l2", embedding_l2))
    learner = _Learner(log, model, options, seed, batch_size)
    # What starts from nothing need not walk through the days before the first test day.
    start = log.first_test_day
    if policy == "warm":
        start = log.first_later_day if warm_up is None else log.first_day + warm_up
    days_read = window if policy == "fresh" else None
    aged = age if policy == "stale" else 0
    known = learner.begin(log.last(start - aged, days_read), learning_rate, epochs)
    scores = np.empty(len(log.days), np.float32)
    scores[log.days < start] = learner.predict(log.days < start, known)
    draw = np.random.default_rng([seed, 7])
    for day in range(start, log.end):
        today = log.days == day
        if not today.any():  # a prefix of the log lacks days
            continue
        scores[today] = learner.predict(today, known)
        if day == log.end - 1 or policy == "stale":
            continue
        if policy == "fresh":
            known = learner.begin(log.last(day + 1, days_read), learning_rate, epochs)
            continue
        rows, earlier = today.copy(), np.flatnonzero(log.days < day)
        rows[draw.choice(earlier, round(replay * today.sum()), replace=False)] = True
        if grows or day < log.first_test_day:
            known = _both(known, log.ids_of(today))
        if not keeps_optimizer:
            learner.forget_statistics()
        learner.go_on(rows, known, learning_rate * daily_rate, daily_epochs)
    return lambda split: {log.task: scores[log.places_of(split)]}


day_by_day.fits_itself = True  # type: ignore[attr-defined]


class _Log:
    """All rows of a data set, in the order of its splits, with the day of each.

    Where the test rows are the validation rows, as in tuning, these count once.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        days = {name: _days(dataset, split) for name, split in dataset.splits.items()}
        names = ["train", "valid", "test"]
        if np.array_equal(days["valid"], days["test"]):
            names.remove("valid")
        self.splits = [dataset.splits[name] for name in names]
        self.days = np.concatenate([days[name] for name in names])
        self.first_day = int(self.days.min())
        self.first_later_day = int(days[names[1]].min())
        self.first_test_day = int(days["test"].min())
        self.end = int(self.days.max()) + 1
        self.row_ids = np.concatenate([split.row_id for split in self.splits])
        self._order = np.argsort(self.row_ids)
        self.features = {
            column.name: np.concatenate([split.features[column.name] for split in self.splits])
            for column in dataset.feature_columns
        }
        self.task = next(iter(dataset.tasks or ()))
        self.labels = np.concatenate([split.labels[self.task] for split in self.splits])
        self.growing = [
            column.name
            for column in dataset.feature_columns
            if isinstance(column, CategoricalColumn)
            or (isinstance(column, SequenceColumn) and not column.ordered)
        ]

    def last(self, day: int, window: int | None) -> np.ndarray:
        """The rows of the last ``window`` days before a day, of all days for None."""
        rows = self.days < day
        return rows if window is None else rows & (self.days >= day - window)

    def places_of(self, split: Split) -> np.ndarray:
        """Where the rows of a split lie in the log."""
        return self._order[np.searchsorted(self.row_ids, split.row_id, sorter=self._order)]

    def ids_of(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The ids that some rows have, by column: booleans ``(vocabulary_size,)``."""
        found = {}
        for name in self.growing:
            found[name] = np.zeros(self.dataset.column(name).vocabulary_size, bool)
            found[name][self.features[name][rows]] = True
        return found

    def read(self, rows: np.ndarray, known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The features of some rows, ids that are not known as 0."""
        features = {name: values[rows] for name, values in self.features.items()}
        for name, is_known in known.items():
            features[name] = np.where(is_known[features[name]], features[name], 0)
        return features


def _days(dataset: Dataset, split: Split) -> np.ndarray:
    """The day of each row: of a lens as it says, of a log as ``logs.day_of``."""
    if isinstance(dataset, simulator.SimulatedDataset):
        return simulator.day_of(dataset, split)
    return logs.day_of(split.time)


def _both(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: one[name] | other[name] for name in one}


class _Learner:
    """One model, trained from nothing or trained on, as often as it is asked to."""

    def __init__(self, log: _Log, model: str, options: Any, seed: int, batch_size: int) -> None:
        self.log, self.seed, self.batch_size = log, seed, batch_size
        self.trainer, self.build = _trainer(log.dataset.feature_columns, model, options, log.task)
        self.evenings = 0

    def begin(self, rows: np.ndarray, rate: float, epochs: int) -> dict[str, np.ndarray]:
        """Train from nothing, every time from the same initial values; returns the known ids."""
        self.trainer.restart(self.build, self.seed)
        known = self.log.ids_of(rows)
        self.go_on(rows, known, rate, epochs)
        return known

    def go_on(
        self, rows: np.ndarray, known: dict[str, np.ndarray], rate: float, epochs: int
    ) -> None:
        """Train on with what there is."""
        self.trainer.optimizer.learning_rate = rate
        self.trainer.fit(
            self._dataset(np.flatnonzero(rows), known),
            epochs=epochs,
            batch_size=self.batch_size,
            seed=1_000 * self.seed + self.evenings,
            patience=None,
            progress=False,
        )
        self.evenings += 1

    def forget_statistics(self) -> None:
        """The optimizer as it was before the first step."""
        for variable in self.trainer.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def predict(self, rows: np.ndarray, known: dict[str, np.ndarray]) -> np.ndarray:
        """Scores of some rows."""
        return predict(self.trainer.model, self.log.read(rows, known))[self.log.task]

    def _dataset(self, rows: np.ndarray, known: dict[str, np.ndarray]) -> Dataset:
        """Rows to train on. A data set has three parts; two rows stand for those nobody reads."""
        log = self.log

        def split(places: np.ndarray) -> Split:
            return Split(
                features=log.read(places, known),
                labels={log.task: log.labels[places]},
                group=places,
                row_id=places,
            )

        none = dataclasses.replace(split(rows[:1]), row_id=np.array([-1]))
        other = dataclasses.replace(none, row_id=np.array([-2]))
        return Dataset(log.dataset.name, log.dataset.feature_columns, split(rows), none, other)


@functools.lru_cache(maxsize=2)
def _trainer(
    columns: tuple[Any, ...], model: str, options: tuple[tuple[str, Any], ...], task: str
) -> tuple[Trainer, Callable[[], Any]]:
    """A trainer of a model, traced once for each process; ``restart`` gives it its values."""
    settings = dict(zoo.find(model).options) | dict(options)
    function = zoo.find(model).build

    def build() -> Any:
        return function(columns, task, **settings)

    return Trainer(build_with_seed(build, 0), _empty(columns, task), Adam(1e-3)), build


def _empty(columns: tuple[Any, ...], task: str) -> Dataset:
    def split(row: int) -> Split:
        features = {
            column.name: np.zeros(
                (1, *column.input_shape),
                np.float32 if isinstance(column, NumericColumn) else np.int32,
            )
            for column in columns
        }
        return Split(features=features, labels={task: [0.0]}, group=[row], row_id=[row])

    return Dataset("none", columns, split(0), split(1), split(2))
