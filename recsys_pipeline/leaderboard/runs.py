"""The runs of one model: it is built once, trained with each seed, scored on the test rows."""

import dataclasses
import time
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from recsys_lib.data import Dataset, Split
from recsys_lib.training import Callback, Trainer, predict
from recsys_lib.training.evaluation import score_task
from recsys_lib.training.restarts import build_with_seed
from recsys_pipeline.leaderboard.planning import Line

ROWS_TIMED = 50_000
"""Most rows that are scored to time a thousand."""


class _BestScore(Callback):
    """Remembers the best validation score, also across a kill."""

    def __init__(self) -> None:
        self.best: float | None = None

    def on_epoch_end(self, epoch: int, row: Mapping[str, Any], model: keras.Model) -> None:
        score = float(row["valid_score"])
        if self.best is None or score > self.best:
            self.best = score

    def state(self) -> float | None:
        return self.best

    def restore(self, state: float | None) -> None:
        self.best = state


@dataclasses.dataclass(frozen=True)
class Run:
    """The result of one training.

    Args:
        row: of the table: scores on the test rows and costs.
        slices: further rows of the table, with scores on the test split's slices.
        prediction: ``(test rows,)`` float32.
        valid_score: the best one.
        model: trained, with its best epoch's weights; None if the run was read from a folder.
    """

    row: dict[str, Any]
    prediction: np.ndarray
    valid_score: float
    slices: tuple[dict[str, Any], ...] = ()
    model: keras.Model | None = None


class Candidate:
    """A line of the board with its model, which is built and traced once for all seeds.

    Args:
        line: without a grid.
        dataset: ``Dataset``.
        task: that is scored.

    Raises:
        ValueError: the model cannot be built for these columns.
    """

    def __init__(self, line: Line, dataset: Dataset, task: str) -> None:
        tasks: Any = task  # a saved model names its output by the task
        kinds = dict(dataset.tasks or {})
        if len(kinds) > 1:
            several = "several tasks" in line.entry.model.needs
            tasks = kinds if several else {task: kinds[task]}
        self.line, self.dataset, self.task, self.kinds = line, dataset, task, kinds
        self.recipe = line.recipe(tasks)
        self.data = self.recipe.data(dataset)
        self.model = build_with_seed(self._build, 0)
        self.trainer = Trainer(self.model, self.data, self.recipe.fresh_optimizer())
        self._is_fresh = 0  # the seed of the initial weights, as long as the model is not trained

    def _build(self) -> keras.Model:
        return self.recipe(self.data.feature_columns)

    @property
    def num_parameters(self) -> int:
        """Number of all trainable weights."""
        return int(sum(np.prod(weight.shape) for weight in self.model.trainable_weights))

    def step_seconds(self, steps: int) -> tuple[float, float]:
        """Seconds of one training step and of scoring one row; this also traces the model.

        Args:
            steps: number of timed steps, after as many steps to warm up.
        """
        size = self.line.batch_size
        rows = np.arange(min(len(self.data.train), steps * size))
        piece = dataclasses.replace(self.data, train=self.data.train.take(rows))
        options: dict[str, Any] = {"epochs": 1, "batch_size": size, "patience": None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a few rows may hold one class only
            self.trainer.fit(piece, progress=False, **options)
            history = self.trainer.fit(piece, progress=False, **options)
        self._is_fresh = -1
        return history.seconds / -(-len(rows) // size), self._scoring_seconds(self.data.valid)

    def _scoring_seconds(self, split: Split) -> float:
        """Seconds to score a row, after the model has warmed up."""
        rows = np.arange(min(len(split), ROWS_TIMED))
        features = {name: values[rows] for name, values in split.features.items()}
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            predict(self.model, features, list(self.kinds))
            seconds.append(time.perf_counter() - started)
        return min(seconds[1:]) / len(rows)

    def run(self, seed: int, checkpoint: str | None = None, *, tested: bool = True) -> Run:
        """Train with a seed until validation stops getting better, and score on the test rows.

        Args:
            seed: of initial weights, order of rows and dropout.
            checkpoint: file that a killed run goes on from.
            tested: whether the test rows are scored; a trial of a grid does not score them.

        Returns:
            ``Run``.

        Raises:
            FloatingPointError: the loss is not finite.
        """
        if self._is_fresh != seed:
            self.trainer.restart(self._build, seed)
        self._is_fresh = -1
        best = _BestScore()
        options = {k: v for k, v in self.recipe.fit.items() if k != "loss_weights"}
        history = self.trainer.fit(
            self.data, seed=seed, checkpoint=checkpoint, **options, callbacks=[best]
        )
        row: dict[str, Any] = {"model": self.line.name, "seed": seed}
        prediction, slices = np.empty(0, np.float32), []
        if tested:
            test = self.dataset.test
            found = predict(self.model, test.features, list(self.kinds))[self.task]
            prediction = np.asarray(found, np.float32)
            for name, rows in test.slices.items():
                if (rows & _has_label(test, self.task)).any():
                    scored = score_task(test.take(rows), self.task, prediction[rows])
                    slices.append({**row, "task": self.task, "slice": name, **scored})
            row |= {"task": self.task, "slice": "all"}
            row |= score_task(test, self.task, prediction)
            row["milliseconds"] = 1e6 * self._scoring_seconds(test)
        row |= {
            "parameters": self.num_parameters,
            "epochs": history.best_epoch,
            "seconds": history.seconds,
            "trace_seconds": history.trace_seconds,
            "examples_per_second": history.examples_per_second,
        }
        score = float("nan") if best.best is None else best.best
        return Run(row, prediction, score, tuple(slices), self.model)


def _has_label(split: Split, task: str) -> np.ndarray:
    return split.label_masks.get(task, np.ones(len(split), bool))
