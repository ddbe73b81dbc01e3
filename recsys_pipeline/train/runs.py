"""The runs of one model: it is built once, trained with each seed, and predicts."""

import dataclasses
import json
import os
import pathlib
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pydantic_core

from recsys_lib.data import Dataset, Split
from recsys_lib.data.chunks import ROWS_PER_CHUNK
from recsys_lib.training import Callback, Trainer, predict
from recsys_lib.training.evaluation import predictions_of, score_task
from recsys_lib.training.restarts import build_with_seed
from recsys_lib.training.run import History
from recsys_pipeline.chunks import in_chunks
from recsys_pipeline.train.recipe_files import Line

HEADINGS = {
    **{"auc": "AUC", "gauc": "GAUC", "log_loss": "log loss"},
    **{"mean_squared_error": "mean squared error", "milliseconds": "ms/1,000"},
}
ROWS_TIMED = 50_000  # at most, to time the scoring of a thousand
MIN_SLICE_ROWS = 2  # with a label, of a slice that is scored

Show = Callable[[str], None]


class EpochLines(Callback):
    """One line for every epoch, in a log; on a terminal ``fit`` draws a bar instead."""

    def __init__(self, what: str, most: int, show: Show) -> None:
        self.what, self.most, self.show = what, most, show
        self.best: float | None = None
        self.started, self.epochs = time.perf_counter(), 0

    def on_epoch_end(self, epoch: int, row: Mapping[str, Any], model: keras.Model) -> None:
        score = row.get("valid_score")
        if score is not None and np.isfinite(score) and (self.best is None or score > self.best):
            self.best = float(score)
        self.epochs += 1
        if not sys.stderr.isatty() or os.environ.get("RECSYS_PROGRESS", "1") == "0":
            each = (time.perf_counter() - self.started) / self.epochs
            best = f", valid {score:.5f}, best {self.best:.5f}" if self.best is not None else ""
            self.show(
                f"{self.what}: epoch {epoch + 1} of at most {self.most}, loss {row['loss']:.5f}"
                f"{best}, {in_words(each)} an epoch, "
                f"at most {in_words(each * (self.most - epoch - 1))} left"
            )

    def state(self) -> float | None:
        return self.best

    def restore(self, state: float | None) -> None:
        self.best = state


def in_words(seconds: float) -> str:
    """A time in words.

    Example:
        >>> [in_words(seconds) for seconds in (0.25, 9.0, 100.0, 10_000.0)]
        ['0.2 s', '9 s', '2 min', '2.8 h']
    """
    if seconds >= 7_200:
        return f"{seconds / 3_600:.1f} h"
    if seconds >= 90:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 2 else f"{seconds:.1f} s"


def plain(value: Any) -> Any:
    """A value in types that JSON knows: NumPy's numbers become Python's, NaN becomes null."""
    return pydantic_core.to_jsonable_python(
        value,
        inf_nan_mode="null",
        fallback=lambda one: one.item() if isinstance(one, np.generic) else repr(one),
    )


def write(path: pathlib.Path, content: Any) -> None:
    """Write text, or JSON of anything else, atomically; create a folder that is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    text = content if isinstance(content, str) else json.dumps(plain(content), indent=1) + "\n"
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def of_tasks(dataset: Any, tasks: Mapping[str, str]) -> Any:
    """The same data with some of their labels, in this order."""
    splits = {
        name: dataclasses.replace(
            split,
            labels={task: split.labels[task] for task in tasks},
            label_masks={t: mask for t, mask in split.label_masks.items() if t in tasks},
        )
        for name, split in dataset.splits.items()
    }
    return dataclasses.replace(dataset, tasks=dict(tasks), **splits)


class Candidate:
    """A line with its model, which is built and traced once for all seeds.

    Args:
        line: without a grid.
        dataset: ``Dataset``; more than ``ROWS_PER_CHUNK`` training rows are trained on in chunks.
        tasks: task to kind, those that the model predicts.
        seed: of the weights that it is built with.

    Raises:
        ValueError: the model cannot be built for these columns.
    """

    def __init__(
        self, line: Line, dataset: Dataset, tasks: Mapping[str, str], seed: int = 0
    ) -> None:
        self.line, self.tasks = line, dict(tasks)
        self.recipe = line.recipe(tasks, dataset.feature_columns)
        self.data = of_tasks(self.recipe.data(dataset), tasks)
        self.model = build_with_seed(self._build, seed)
        many = len(self.data.train) > ROWS_PER_CHUNK
        self.rows = in_chunks(self.data) if many else self.data
        self.options = dict(self.recipe.fit)
        weights = self.options.pop("loss_weights", None)
        optimizer, balancing = self.recipe.fresh_optimizer(), self.recipe.balancing
        self.objective = line.training.asked()
        if line.training.watch is not None:
            self.options["watch"] = line.training.watch
        parts = (optimizer, weights, balancing, self.objective)
        self.trainer = Trainer(self.model, self.rows, *parts)
        self._is_fresh = seed  # the seed of the initial weights, until the model is trained

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
        size = self.line.training.batch_size
        rows, train = np.arange(min(len(self.data.train), steps * size)), self.data.train
        if self.objective is not None:  # whole groups, of which it needs one with both labels
            rows = np.argsort(train.group_of(self.objective.group), kind="stable")[rows]
        piece = dataclasses.replace(self.data, train=train.take(rows))
        options: dict[str, Any] = {"epochs": 1, "batch_size": size, "patience": None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a few rows may hold one class only
            self.trainer.fit(piece, progress=False, **options)
            history = self.trainer.fit(piece, progress=False, **options)
        self._is_fresh = -1
        return history.seconds / -(-len(rows) // size), self.scoring_seconds(self.data.valid)

    def scoring_seconds(self, split: Split) -> float:
        """Seconds to score a row, after the model has warmed up."""
        rows = np.arange(min(len(split), ROWS_TIMED))
        features = {name: values[rows] for name, values in split.features.items()}
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            predict(self.model, features, list(self.tasks))
            seconds.append(time.perf_counter() - started)
        return min(seconds[1:]) / len(rows)

    def fit(
        self, seed: int, checkpoint: str | os.PathLike[str] | None = None, show: Show = print
    ) -> History:
        """Train with a seed until validation stops getting better.

        Args:
            seed: of initial weights, order of rows and dropout.
            checkpoint: file that a killed run goes on from.
            show: function that takes a line of text, one for each epoch.

        Returns:
            ``History``; the model has the best epoch's weights.

        Raises:
            FloatingPointError: the loss is not finite.
        """
        if self._is_fresh != seed:
            self.trainer.restart(self._build, seed)
        self._is_fresh = -1
        speaks = show if self.trainer.is_chief else lambda text: None
        lines = EpochLines(f"{self.line.name}, seed {seed}", self.line.training.epochs, speaks)
        return self.trainer.fit(
            self.rows, seed=seed, checkpoint=checkpoint, **self.options, callbacks=[lines]
        )

    def predict(self, split_name: str) -> dict[str, np.ndarray]:
        """Task to ``(rows,)`` float32, of the validation or the test rows."""
        return predictions_of(self.model, self.rows.splits[split_name])


def scores_of(
    split: Split,
    task: str,
    prediction: np.ndarray,
    kind: str = "binary",
    group: str | None = None,
) -> dict[str, dict[str, float]]:
    """The scores of one task on all rows, and on each slice with labels enough.

    Args:
        split: the rows.
        task, kind: the task, binary or a regression.
        prediction: ``(rows,)``.
        group: which of the split's groups GAUC ranks within; default: the first.

    Returns:
        ``"all"`` or the slice's name to its scores.
    """
    parts = {"all": np.ones(len(split), bool), **split.slices}
    return {
        part: score_task(split.take(rows), task, prediction[rows], kind, group)
        for part, rows in parts.items()
        if rows[split.rows_of(task)].sum() >= MIN_SLICE_ROWS
    }


def at_the_cap(line: Line, best_epoch: float) -> str:
    """The remark on a model that was still getting better when it ended; empty if it was not."""
    most = line.training.epochs if line.training.patience else 1  # without, nothing was validated
    return f"best epoch is the last of {most} allowed" if most > 1 and best_epoch >= most else ""
