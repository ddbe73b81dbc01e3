"""The state of a run: its position, its sums, its best weights, and its history at the end."""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from recsys_lib.training.rates import ReduceOnPlateau


@dataclasses.dataclass(frozen=True)
class History:
    """The history of a run.

    Args:
        epochs: DataFrame with a row per epoch: ``epoch``, ``loss`` (mean training loss),
            ``added_loss`` (the part of it that layers added: auxiliary losses and penalties),
            ``valid_score`` (what ``fit`` watches, see ``Validation.score``; missing where nothing
            is validated), ``seconds`` (training alone). For models of several tasks also
            ``loss_<task>``, each task's own mean loss over the rows with its label, without its
            weight, ``weight_<task>``, the mean of its weight over the epoch, and whatever else the
            balancing method reports. With an objective over groups also ``pairs_lost``, the share
            of pairs that borders of batches cut. With a schedule or ``reduce_on_plateau`` also
            ``rate_factor``, what the learning rates were multiplied with.
        best_epoch: the epoch, counted from 1, whose weights the model now holds.
        seconds: training time without tracing and validation.
        trace_seconds: time to trace the compiled function; 0 when it was traced before.
        num_examples: rows trained on, each epoch counted.
        watched: which validation score that was, ``"gauc:page"`` for example, see ``fit``; None
            where nothing is validated.
    """

    epochs: pd.DataFrame
    best_epoch: int
    seconds: float
    trace_seconds: float
    num_examples: int
    watched: str | None = None

    @property
    def examples_per_second(self) -> float:
        return self.num_examples / self.seconds if self.seconds else float("nan")


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of ``fit`` that decide how a run goes on from one epoch to the next."""

    batch_size: int
    seed: int
    patience: int | None
    plateau: ReduceOnPlateau | None
    callbacks: Sequence[Any]


class Run:
    """Position and memory of one run.

    Args:
        trainer, options, rates: ``Trainer``, ``Options`` and ``Rates`` of the run.
        training: the ``RowsInMemory`` or ``RowsInChunks`` that it trains on.
    """

    def __init__(self, trainer, training, options, rates):
        self.trainer, self.options, self.rates = trainer, options, rates
        self.num_rows = training.num_rows
        # Rows behind each column's mean: a task's own loss counts the rows with its label.
        self.rows_behind = trainer.rows_behind(training.num_rows, training.rows_with_label)
        self.epoch, self.step, self.seconds = 0, 0, 0.0
        self.sums = [0.0] * len(trainer.columns)
        self.rows, self.best, self.best_score, self.best_epoch = [], None, None, 0
        self.epochs_without_gain, self.stopped = 0, False
        self.rate_share, self.epochs_since_cut = 1.0, 0

    def save(self):
        """Write down where the run is: nowhere, as long as no checkpoint is named."""

    def add(self, sums, step):
        """Count the steps up to ``step``: ``sums`` holds each column summed over their rows."""
        self.sums = [total + float(more) for total, more in zip(self.sums, sums, strict=True)]
        self.step = step

    def end_epoch(self, score, rate_factor):
        """Close an epoch: remember its row, the best weights, and what the rates come to."""
        means = [total / rows for total, rows in zip(self.sums, self.rows_behind, strict=True)]
        self.rows.append([*means, score, self.seconds, rate_factor])
        self.epoch, self.step, self.sums = self.epoch + 1, 0, [0.0] * len(self.sums)
        if score is None:
            self.best_epoch = self.epoch
        elif self.best_score is None or score > self.best_score:
            self.best_score, self.best_epoch, self.epochs_without_gain = score, self.epoch, 0
            self.epochs_since_cut = 0
            self.best = [variable.numpy() for variable in self.trainer.model.variables]
        else:
            self.epochs_without_gain += 1
            self.stopped = self.epochs_without_gain >= self.options.patience
            self._count_towards_a_cut()
        for callback in self.options.callbacks:
            row = self._table().to_dict("records")[-1]
            callback.on_epoch_end(self.epoch - 1, row, self.trainer.model)
        self.save()

    def _count_towards_a_cut(self):
        plateau = self.options.plateau
        self.epochs_since_cut += 1
        if plateau is not None and self.epochs_since_cut >= plateau.patience:
            self.rate_share, self.epochs_since_cut = plateau.cut(self.rate_share), 0

    def _table(self):
        columns = [*self.trainer.columns, "valid_score", "seconds", "rate_factor"]
        table = pd.DataFrame(self.rows, columns=columns)
        table["seconds"] = table["seconds"].diff().fillna(table["seconds"])
        table["valid_score"] = table["valid_score"].astype(float)
        if "pairs_lost" in table:  # one minus a rounded share
            table["pairs_lost"] = table["pairs_lost"].clip(lower=0)
        table.insert(0, "epoch", np.arange(1, len(table) + 1))
        if not self.rates.are_changed:
            table = table.drop(columns="rate_factor")
        general = ["epoch", "loss", "added_loss", "valid_score", "seconds"]
        return table[general + [name for name in table.columns if name not in general]]

    def finish(self, trace_seconds, watched):
        """Give the model its best weights back; returns the ``History``."""
        if self.best is not None:
            for variable, value in zip(self.trainer.model.variables, self.best, strict=True):
                variable.assign(value)
        num_examples = len(self.rows) * self.num_rows
        facts = (self.best_epoch, self.seconds, trace_seconds, num_examples, watched)
        return History(self._table(), *facts)


@contextlib.contextmanager
def progress_bar(progress, total, initial):
    """A bar that disappears when the run ends, however it ends; off where nobody watches.

    Args:
        progress: as for ``fit``.
        total, initial: steps of the whole run, and those done before.
    """
    if progress is None:
        # A package that works on notebooks imports ipykernel too, so ask whether a kernel runs.
        kernel = sys.modules.get("ipykernel.kernelapp")
        in_notebook = kernel is not None and kernel.IPKernelApp.initialized()
        watched = sys.stderr.isatty() or in_notebook
        progress = watched and os.environ.get("RECSYS_PROGRESS", "1") != "0"
    words = {"unit": "step", "desc": "training"}
    bar = tqdm(total=total, initial=initial, leave=False, disable=not progress, **words)
    try:
        yield bar
    finally:
        # A notebook's bar that is closed short of its total stays, in red; early stopping is
        # no failure.
        bar.total = bar.n
        bar.close()
