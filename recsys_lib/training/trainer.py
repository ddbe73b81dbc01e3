"""``fit``: whole epochs inside one compiled function, early stopping, exact resumption."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pkgutil import resolve_name
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from recsys_lib.data.dataset import AnyDataset
from recsys_lib.data.splits import labels_of
from recsys_lib.replicas import sums_over_replicas
from recsys_lib.training.arguments import (
    check_callbacks,
    check_classes,
    check_columns_of,
    check_dataset,
    check_funnel,
    check_optimizer,
    check_options,
)
from recsys_lib.training.batches import Layout, model_columns, model_tasks
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.prediction import check_model
from recsys_lib.training.rates import Rates, ReduceOnPlateau, Schedule
from recsys_lib.training.rows import training_rows
from recsys_lib.training.run import History, Options, Run, progress_bar
from recsys_lib.training.steps import (
    compile_steps,
    keep_freed_memory,
    move_to_large_pages,
    workers_of,
)
from recsys_lib.training.validation import Validation
from recsys_lib.training.weighting import (
    FixedWeights,
    added_losses,
    check_balancing,
    task_losses,
)

RESTART = "recsys_lib.training.restarts:restart"
STORED_RUN = "recsys_lib.training.checkpoints:StoredRun"
"""Imported on use: most runs start once, and end before they are killed."""


class Trainer:
    """A model, an optimizer and the one compiled function that trains them.

    Args:
        model: Keras model whose inputs are feature columns.
        dataset: the ``Dataset`` or ``ChunkedDataset`` to train on; it may be exchanged for
            another with the same columns without a new trace.
        optimizer, loss_weights, balancing, objective: as for ``fit``.

    Raises:
        ValueError: the model's inputs, columns or outputs do not fit the data, the optimizer
            trains another model, or weights are given twice.
    """

    def __init__(
        self,
        model: keras.Model,
        dataset: AnyDataset,
        optimizer: keras.Optimizer | None = None,
        loss_weights: Mapping[str, float] | None = None,
        balancing: Any = None,
        objective: Any = None,
    ) -> None:
        check_model(model)
        check_dataset(dataset)
        keep_freed_memory()
        self.model = model
        self.layout = self._layout_of(dataset)
        self.tasks = model_tasks(model, dataset.tasks)
        self.kinds = {task: dataset.tasks[task] for task in self.tasks}
        check_balancing(balancing, loss_weights)
        self.balancing = FixedWeights(loss_weights) if balancing is None else balancing
        self.weighting = self.balancing.start(model, self.kinds)
        self.objective = None if objective is None else objective.start(model, self.kinds)
        of_objective = [] if objective is None else self.objective.variables
        self.trained = [*model.trainable_variables, *of_objective]
        self.columns = ["loss", "added_loss"]
        if len(self.tasks) > 1:
            self.columns += [f"loss_{task}" for task in self.tasks]
            self.columns += [f"weight_{task}" for task in self.tasks]
        self.columns += self.weighting.columns
        self.columns += [] if objective is None else ["pairs_lost"]
        self.optimizer = optimizer if optimizer is not None else Adam(1e-3)
        check_optimizer(self.optimizer, model)
        self.workers = workers_of(model, self.optimizer)
        self.optimizer.build(self.trained)
        self.parts = {
            "model": model.variables,
            "optimizer": self.optimizer.variables,
            "balancing": self.weighting.variables,
            **({} if objective is None else {"objective": of_objective}),
        }
        self.initial = [_compact(variable.numpy()) for variable in self.beside_the_model()]
        self._run, self._is_masked = None, None

    def _layout_of(self, dataset):
        columns = model_columns(self.model, dataset.feature_columns)
        check_columns_of(self.model, columns)
        return Layout(columns)

    def restart(self, build: Callable[[], keras.Model], seed: int) -> None:
        """Start over as a freshly built model would with this seed, without a new trace.

        Args:
            build: function without arguments that builds the same model. It is called only where
                it is not known how the model's initial values are drawn.
            seed: seed of the initial weights and of dropout.
        """
        resolve_name(RESTART)(self, build, seed)

    def beside_the_model(self) -> list[Any]:
        """The variables of the optimizer, the balancing method and the objective."""
        return [one for name, part in self.parts.items() if name != "model" for one in part]

    def train_on_batch(
        self,
        ids: tf.Tensor,
        numbers: tf.Tensor,
        labels: tf.Tensor,
        masks: tf.Tensor | None = None,
        groups: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """One step of the optimizer; returns what the history reports, in the order of columns.

        What layers add (auxiliary losses, penalties) keeps weight 1.
        """
        with tf.GradientTape(persistent=True) as tape:
            inputs = self.layout.unpack(ids, numbers)
            if self.objective is None:
                outputs, lost = self.model(inputs, training=True), []
                losses = task_losses(self.model, outputs, labels, self.kinds, masks)
            else:
                losses, *lost = self.objective.losses(inputs, labels, masks, groups)
            added = added_losses(self.model)
        weights, beside, reports = self.weighting.step(tape, losses)
        weights = [tf.convert_to_tensor(weight, tf.float32) for weight in weights]
        # One pass back for all tasks: each loss enters it with its weight.
        gradients = tape.gradient(
            [added, *losses], self.trained, output_gradients=[tf.constant(1.0), *weights]
        )
        self.optimizer.apply(gradients, self.trained)
        added, *losses = sums_over_replicas(added, *losses)
        total = added
        for weight, loss in zip(weights, losses, strict=True):
            total += weight * loss
        apart = [*losses, *weights] if len(losses) > 1 else []
        return tf.stack([total + beside, added, *apart, *reports, *lost])

    def rows_behind(self, rows: Any, rows_of_tasks: Any) -> list[Any]:
        """Rows behind each column of the history: a task's own loss has those with its label."""
        if rows_of_tasks is None or len(self.tasks) == 1:
            return [rows] * len(self.columns)
        rest = len(self.columns) - 2 - len(self.tasks)
        return [rows, rows, *rows_of_tasks, *[rows] * rest]

    def trace(self, is_masked: bool = False) -> float:
        """Trace the compiled function if that has not happened; returns the seconds it took."""
        if self._run is not None and self._is_masked in (None, is_masked):
            return 0.0
        started = time.perf_counter()
        num_tasks, workers = len(self.tasks), self.workers
        self._run = compile_steps(
            self.train_on_batch,
            self.layout,
            num_tasks,
            is_masked,
            self.rows_behind,
            workers,
            has_groups=self.objective is not None,
        )
        self._is_masked = is_masked
        return time.perf_counter() - started

    def fit(
        self,
        dataset: AnyDataset,
        *,
        epochs: int = 10,
        batch_size: int = 1024,
        seed: int = 0,
        patience: int | None = 2,
        watch: str = "auc",
        schedule: Schedule | None = None,
        reduce_on_plateau: ReduceOnPlateau | None = None,
        callbacks: Sequence[Any] = (),
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_steps: int | None = None,
        progress: bool | None = None,
    ) -> History:
        """Train; see the function ``fit``."""
        check_dataset(dataset)
        if self._layout_of(dataset) != self.layout:
            raise ValueError("dataset: expected the columns that were trained before, got others")
        check_options(
            epochs, batch_size, seed, patience, checkpoint, checkpoint_steps, reduce_on_plateau
        )
        rates = Rates(self.optimizer, schedule, reduce_on_plateau)
        callbacks = check_callbacks(callbacks)
        check_classes(dataset, self.kinds, patience is not None)
        labels = labels_of(dataset.train)
        check_funnel(self.model, labels.labels, labels.label_masks, "fit, train")
        groups = None if self.objective is None else self.objective.see(labels)
        rows = training_rows(dataset, self.layout, self.tasks, labels, self.workers, groups)
        del labels  # of Parquet files they are copies, and large
        valid = None
        if patience is not None:
            valid = Validation(dataset.valid, self.layout, self.kinds, watch)
        trace_seconds = self.trace(rows.is_masked)
        options = Options(batch_size, seed, patience, reduce_on_plateau, callbacks)
        if checkpoint is None:
            run = Run(self, rows, options, rates)
        else:
            run = resolve_name(STORED_RUN)(self, rows, options, rates, checkpoint, valid, groups)
        if self.workers is None:
            move_to_large_pages([*self.parts["model"], *self.parts["optimizer"]])
        else:
            self.workers.check_run(run, rows, epochs)
        num_steps = -(-rows.num_rows // batch_size)
        done = run.epoch * num_steps + run.step
        try:
            progress = progress if self.is_chief else False
            with progress_bar(progress, epochs * num_steps, done) as bar:
                while run.epoch < epochs and not run.stopped:
                    rate_factor = rates.set(run.epoch, run.rate_share)
                    for stretch in rows.stretches(seed, run.epoch, run.step, batch_size):
                        run.seconds += stretch.waited
                        for last in stretch.stops(run.step, checkpoint_steps):
                            started = time.perf_counter()
                            sums = stretch.call(self._run, run.step, last, batch_size)
                            run.seconds += time.perf_counter() - started
                            bar.update(last - run.step)
                            run.add(sums, last)
                            is_due = checkpoint_steps and last % checkpoint_steps == 0
                            if is_due and last < num_steps:
                                run.save()
                    if not np.isfinite(run.sums[0]):
                        raise FloatingPointError(
                            f"model {self.model.name!r}: the loss is {run.sums[0]} in epoch "
                            f"{run.epoch + 1}; try a smaller learning rate"
                        )
                    score = None if valid is None else self._validate(valid)
                    self.weighting.end_epoch()
                    run.end_epoch(score, rate_factor)
                    shown = "" if score is None else f"valid {score:.4f}"
                    bar.set_postfix_str(shown, refresh=False)
        finally:
            rates.restore()
        return run.finish(trace_seconds, None if valid is None else valid.watched)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes checkpoints: of several workers one does."""
        return self.workers is None or self.workers.is_chief

    def _validate(self, valid):
        if self.workers is None:
            return valid.score(self.model)
        return self.workers.of_chief(valid.score(self.model, self.workers.predict))


def _compact(array):
    """Equal rows once: the statistics of an optimizer start alike in all of them."""
    several = len(np.atleast_1d(array)) > 1
    return array[:1].copy() if several and (array == array[:1]).all() else array


def fit(
    model: keras.Model,
    dataset: AnyDataset,
    optimizer: keras.Optimizer | None = None,
    *,
    epochs: int = 10,
    batch_size: int = 1024,
    seed: int = 0,
    patience: int | None = 2,
    loss_weights: Mapping[str, float] | None = None,
    balancing: Any = None,
    objective: Any = None,
    watch: str = "auc",
    schedule: Schedule | None = None,
    reduce_on_plateau: ReduceOnPlateau | None = None,
    callbacks: Sequence[Any] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_steps: int | None = None,
    progress: bool | None = None,
) -> History:
    """Train a model on a data set's train split.

    The loss of a task is the mean over the rows of the batch that have its label (all of them,
    unless the split's ``label_masks`` say otherwise); the tasks' losses are added up with their
    weights.

    Args:
        model: Keras model of this library.
        dataset: ``Dataset``, with the feature columns that the model was built with; or a
            ``ChunkedDataset``, whose training rows may be more than fit into memory, see
            ``recsys_pipeline.chunks.reading`` for their order and their batches.
        optimizer: Keras optimizer; default: this library's ``Adam(1e-3)``.
        epochs: passes over the training rows at most.
        batch_size: rows per step; the last step of an epoch takes what is left.
        seed: seed of the order of rows, which is redrawn each epoch. Initial weights and dropout
            follow ``keras.utils.set_random_seed``, called before the model is built.
        patience: stop after so many epochs without a better validation score, and restore the
            best epoch's weights; None: train all epochs, validate never.
        loss_weights: dict of task to weight of its loss; default: 1 each.
        balancing: a method of ``recsys_lib.multi_task.balancing`` that weighs the tasks' losses in
            every step; not together with ``loss_weights``.
        objective: an objective of ``recsys_lib.training.objectives``, such as ``Pairs()``, which
            asks for the order within groups of rows; default: the mean over rows, as above.
        watch: the validation score by which training stops and the best epoch is chosen: ``"auc"``
            over all rows (of a regression task R^2), ``"log_loss"``, or ``"gauc"``, within the
            groups of the split, ``"gauc:page"`` within those of that name. With fewer than 10,000
            pairs in its groups ``"gauc"`` watches the log loss instead; ``History.watched`` says
            which it was.
        schedule: function of the epoch, counted from 0, that gives a factor on the optimizer's
            learning rates, for example ``lambda epoch: 0.9**epoch``; with an optimizer for each
            group of variables, on all their rates. (A ``LearningRateSchedule`` of Keras, which
            counts steps and gives the rate itself, belongs into the optimizer.) After the run the
            optimizer has its own rates again.
        reduce_on_plateau: a ``ReduceOnPlateau``: cuts the rates after epochs without a better
            validation score; multiplies with the schedule.
        callbacks: objects that are called after each epoch, see
            ``recsys_lib.training.callbacks.Callback``.
        checkpoint: file to write after each epoch. If it exists, the run goes on from there and
            ends with the same weights as a run that was never interrupted. A file of a run with
            other data, groups that it reads, options, optimizer or model is refused; more epochs
            are not another run.
        checkpoint_steps: write it also every so many steps.
        progress: show a progress bar; default: in a terminal and in notebooks, unless the
            environment variable ``RECSYS_PROGRESS`` is 0.

    Returns:
        ``History``.

    Raises:
        ValueError: options out of range, a model that does not fit the data, a validation split
            with one class only, an optimizer of another model, a foreign checkpoint.
        FloatingPointError: the loss is not finite.

    Example:
        >>> import keras
        >>> from recsys_lib.data import simulator
        >>> from recsys_lib.memorization import build_logistic_regression
        >>> world = simulator.second_order(num_rows=2000, num_valid_rows=500, num_test_rows=500)
        >>> keras.utils.set_random_seed(0)
        >>> model = build_logistic_regression(world.feature_columns)
        >>> history = fit(model, world, epochs=3, schedule=lambda epoch: 0.5**epoch)
        >>> history.epochs[["epoch", "rate_factor"]].values.tolist()
        [[1.0, 1.0], [2.0, 0.5], [3.0, 0.25]]
    """
    return Trainer(model, dataset, optimizer, loss_weights, balancing, objective).fit(
        dataset,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        patience=patience,
        watch=watch,
        schedule=schedule,
        reduce_on_plateau=reduce_on_plateau,
        callbacks=callbacks,
        checkpoint=checkpoint,
        checkpoint_steps=checkpoint_steps,
        progress=progress,
    )
