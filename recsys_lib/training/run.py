"""What a run remembers: its position, its sums, its best weights, and its history at the end."""

import dataclasses
import os

import numpy as np
import pandas as pd

from recsys_lib.training.checkpoints import read_checkpoint, write_checkpoint


@dataclasses.dataclass(frozen=True)
class History:
    """What a run did.

    Args:
        epochs: DataFrame with a row per epoch: ``epoch``, ``loss`` (mean training loss),
            ``added_loss`` (the part of it that layers added: auxiliary losses and penalties),
            ``valid_score`` (mean AUC over binary tasks, minus the mean squared error over
            regression tasks; missing where nothing is validated), ``seconds`` (training alone).
            For models of several tasks also ``loss_<task>``, each task's own mean loss without
            its weight, ``weight_<task>``, the mean of its weight over the epoch, and whatever
            else the balancing method reports.
        best_epoch: the epoch, counted from 1, whose weights the model now holds.
        seconds: training time without tracing and validation.
        trace_seconds: time to trace the compiled function; 0 when it was traced before.
        num_examples: rows trained on, each epoch counted.
    """

    epochs: pd.DataFrame
    best_epoch: int
    seconds: float
    trace_seconds: float
    num_examples: int

    @property
    def examples_per_second(self):
        return self.num_examples / self.seconds if self.seconds else float("nan")


class Run:
    """Position and memory of one run, as a checkpoint stores it.

    Args:
        trainer: the ``Trainer``.
        checkpoint: file name or None; if the file exists, the run goes on from there.
        num_rows, batch_size, seed: of the run.

    Raises:
        ValueError: a damaged checkpoint, or one that belongs to another run.
    """

    def __init__(self, trainer, checkpoint, num_rows, batch_size, seed):
        self.trainer, self.checkpoint = trainer, checkpoint
        shapes = [list(variable.shape) for variable in trainer.model.variables]
        self.fingerprint = {
            "number of training rows": num_rows,
            "batch size": batch_size,
            "seed": seed,
            "shapes of the model's variables": shapes,
            "optimizer": [type(part).__name__ for part in _optimizers(trainer.optimizer)],
            "balancing": repr(trainer.balancing),
        }
        self.num_rows = num_rows
        self.epoch, self.step, self.seconds = 0, 0, 0.0
        self.sums = [0.0] * len(trainer.columns)
        self.rows, self.best, self.best_score, self.best_epoch = [], None, None, 0
        self.epochs_without_gain, self.stopped = 0, False
        if checkpoint is not None and os.path.exists(checkpoint):
            state, self.best = read_checkpoint(checkpoint, trainer.parts, self.fingerprint)
            for name in Run._stored:
                setattr(self, name, state[name])

    _stored = (
        "epoch",
        "step",
        "sums",
        "seconds",
        "rows",
        "best_score",
        "best_epoch",
        "epochs_without_gain",
        "stopped",
    )

    def save(self):
        state = {"fingerprint": self.fingerprint}
        state |= {name: getattr(self, name) for name in self._stored}
        write_checkpoint(self.checkpoint, self.trainer.parts, state, self.best)

    def add(self, sums, step):
        """Count the steps up to ``step``: ``sums`` holds each column summed over their rows."""
        self.sums = [total + float(more) for total, more in zip(self.sums, sums, strict=True)]
        self.step = step

    def end_epoch(self, score, patience):
        means = [total / self.num_rows for total in self.sums]
        self.rows.append([*means, score, self.seconds])
        self.epoch, self.step, self.sums = self.epoch + 1, 0, [0.0] * len(self.sums)
        if score is None:
            self.best_epoch = self.epoch
        elif self.best_score is None or score > self.best_score:
            self.best_score, self.best_epoch, self.epochs_without_gain = score, self.epoch, 0
            self.best = [variable.numpy() for variable in self.trainer.model.variables]
        else:
            self.epochs_without_gain += 1
            self.stopped = self.epochs_without_gain >= patience
        if self.checkpoint is not None:
            self.save()

    def finish(self, trace_seconds):
        """Give the model its best weights back; returns the ``History``."""
        if self.best is not None:
            for variable, value in zip(self.trainer.model.variables, self.best, strict=True):
                variable.assign(value)
        columns = [*self.trainer.columns, "valid_score", "seconds"]
        table = pd.DataFrame(self.rows, columns=columns)
        table["seconds"] = table["seconds"].diff().fillna(table["seconds"])
        table["valid_score"] = table["valid_score"].astype(float)
        table.insert(0, "epoch", np.arange(1, len(table) + 1))
        general = ["epoch", "loss", "added_loss", "valid_score", "seconds"]
        table = table[general + [name for name in columns if name not in general]]
        return History(
            table, self.best_epoch, self.seconds, trace_seconds, len(self.rows) * self.num_rows
        )


def _optimizers(optimizer):
    """The optimizer itself, or the parts of a ``MultiOptimizer``."""
    return getattr(optimizer, "optimizers", [optimizer])


def check_options(epochs, batch_size, patience, checkpoint, checkpoint_steps):
    """Options of ``fit`` in range.

    Raises:
        ValueError: names the option.
    """
    options = {"epochs": epochs, "batch_size": batch_size}
    options |= {"patience": patience, "checkpoint_steps": checkpoint_steps}
    for name, value in options.items():
        optional = name in ("patience", "checkpoint_steps")
        if value is None and optional:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name}: expected an integer of 1 or more, got {value!r}")
    if checkpoint_steps is not None and checkpoint is None:
        raise ValueError(f"checkpoint_steps: {checkpoint_steps} needs a file name in checkpoint")
