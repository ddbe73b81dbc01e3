"""The state of a run: its position, its sums, its best weights, and its history at the end."""

import dataclasses
import json
import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from recsys_lib.keras_internals import optimizers_by_pattern
from recsys_lib.training.callbacks import states_of
from recsys_lib.training.checkpoints import read_checkpoint, structure_of, write_checkpoint
from recsys_lib.training.rates import ReduceOnPlateau, parts_of


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
        watched: which validation score that was: ``"auc"``, ``"gauc"`` or ``"log_loss"``; None
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
    """Position and memory of one run, as a checkpoint stores it.

    Args:
        trainer, options, rates: ``Trainer``, ``Options`` and ``Rates`` of the run.
        training: the ``RowsInMemory`` or ``RowsInChunks`` that it trains on.
        checkpoint: as for ``fit``.
        valid: the ``Validation`` that scores it, or None.

    Raises:
        ValueError: a damaged checkpoint, or one that belongs to another run.
    """

    _stored = (
        *("epoch", "step", "sums", "seconds", "rows", "best_score", "best_epoch"),
        *("epochs_without_gain", "rate_share", "epochs_since_cut", "stopped"),
    )

    def __init__(self, trainer, training, options, rates, checkpoint=None, valid=None):
        self.trainer, self.options, self.rates = trainer, options, rates
        self.checkpoint, self.num_rows = checkpoint, training.num_rows
        self._watched = None if valid is None else valid.watched
        # Rows behind each column's mean: a task's own loss counts the rows with its label.
        self.rows_behind = trainer.rows_behind(training)
        self.epoch, self.step, self.seconds = 0, 0, 0.0
        self.sums = [0.0] * len(trainer.columns)
        self.rows, self.best, self.best_score, self.best_epoch = [], None, None, 0
        self.epochs_without_gain, self.stopped = 0, False
        self.rate_share, self.epochs_since_cut = 1.0, 0
        if checkpoint is None:
            return
        self._fingerprint = self._made_of(training, valid)
        if os.path.exists(checkpoint):
            self._resume()

    def _made_of(self, training, valid):
        """The settings by which two runs are told apart, without those of single epochs."""
        trainer, options = self.trainer, self.options
        model, objective = trainer.model, trainer.objective
        made_of = {
            "number of training rows": self.num_rows,
            "batch size": options.batch_size,
            "seed": options.seed,
            "patience": options.patience,
            "reduce_on_plateau": options.plateau and dataclasses.asdict(options.plateau),
            "callbacks": [type(callback).__name__ for callback in options.callbacks],
            "balancing": repr(trainer.balancing),
            "objective": objective and repr(objective.objective),
            "tasks": trainer.kinds,
            "shapes of the model's variables": [list(v.shape) for v in model.variables],
            "structure of the model": structure_of(model),
            **_optimizer_options(trainer.optimizer),
            "sizes of the chunks": training.sizes,
            "hash of the training rows": training.digest(),
        }
        if valid is not None:
            made_of["hash of the validation rows"] = valid.digest()
            if valid.watched != "auc":
                made_of["watched score"] = valid.watched
        return made_of

    def _with_schedule(self, epoch):
        """The fingerprint, with what the schedule says of the epochs up to this one."""
        factors = [self.rates.factor(earlier) for earlier in range(epoch + 1)]
        return {**self._fingerprint, "factors of the schedule": factors}

    def _resume(self):
        found = read_checkpoint(self.checkpoint)
        epoch = found.state.get("epoch", 0)
        found.check(self._with_schedule(epoch), self.trainer.parts)
        self.best = found.restore(self.trainer.parts)
        for name in Run._stored:
            setattr(self, name, found.state[name])
        for callback, state in zip(self.options.callbacks, found.state["callbacks"], strict=True):
            callback.restore(state)

    def save(self):
        if not self.trainer.is_chief:
            return
        state = {"fingerprint": self._with_schedule(self.epoch)}
        state |= {name: getattr(self, name) for name in self._stored}
        state["callbacks"] = states_of(self.options.callbacks)
        write_checkpoint(self.checkpoint, self.trainer.parts, state, self.best)

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
        if self.checkpoint is not None:
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
        table.insert(0, "epoch", np.arange(1, len(table) + 1))
        if not self.rates.are_changed:
            table = table.drop(columns="rate_factor")
        general = ["epoch", "loss", "added_loss", "valid_score", "seconds"]
        return table[general + [name for name in table.columns if name not in general]]

    def finish(self, trace_seconds):
        """Give the model its best weights back; returns the ``History``."""
        if self.best is not None:
            for variable, value in zip(self.trainer.model.variables, self.best, strict=True):
                variable.assign(value)
        num_examples = len(self.rows) * self.num_rows
        facts = (self.best_epoch, self.seconds, trace_seconds, num_examples, self._watched)
        return History(self._table(), *facts)


def _optimizer_options(optimizer):
    """Kind, options and patterns of each part of an optimizer, without the names Keras numbers."""
    several = isinstance(optimizer, keras.optimizers.MultiOptimizer)
    patterns = optimizers_by_pattern(optimizer) if several else ()
    options = {"patterns of the optimizers": [str(pattern) for pattern in patterns]}
    for position, part in enumerate(parts_of(optimizer)):
        described = keras.saving.serialize_keras_object(part)
        which = "optimizer" if position == 0 else f"optimizer {position + 1}"
        options[which] = described["registered_name"] or described["class_name"]
        for option, value in described["config"].items():
            if option != "name":
                options[f"{which}, {option}"] = json.loads(json.dumps(value, default=repr))
    return options
