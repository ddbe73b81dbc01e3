"""``fit``: whole epochs inside one compiled function, early stopping, exact resumption."""

import contextlib
import dataclasses
import os
import sys
import time

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm.auto import tqdm

from recsys_lib.training import metrics
from recsys_lib.training.batches import Layout, model_columns, model_tasks, outputs_by_task
from recsys_lib.training.checkpoints import read_checkpoint, write_checkpoint
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.prediction import predict

STEPS_PER_CHUNK = 200
"""Steps between two updates of the progress bar; the compiled loop runs that long undisturbed."""


@dataclasses.dataclass(frozen=True)
class History:
    """What a run did.

    Args:
        epochs: DataFrame with a row per epoch: ``epoch``, ``loss`` (mean training loss),
            ``added_loss`` (the part of it that layers added: auxiliary losses and penalties),
            ``valid_score`` (mean AUC over binary tasks, minus the mean squared error over
            regression tasks; missing where nothing is validated), ``seconds`` (training alone).
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


class Trainer:
    """A model, an optimizer and the one compiled function that trains them.

    Args:
        model: Keras model whose inputs are feature columns.
        dataset: the ``Dataset`` to train on; it may be exchanged for another with the same
            columns without a new trace.
        optimizer: Keras optimizer; default ``Adam(1e-3)`` of this library.
        loss_weights: dict of task to weight; default 1 each.

    Raises:
        ValueError: the model's inputs or outputs do not fit the data.
    """

    def __init__(self, model, dataset, optimizer=None, loss_weights=None):
        self.model = model
        self.layout = Layout(model_columns(model, dataset.feature_columns))
        self.tasks = model_tasks(model, dataset.tasks)
        self.kinds = [dataset.tasks[task] for task in self.tasks]
        unknown = set(loss_weights or {}) - set(self.tasks)
        if unknown:
            raise ValueError(f"loss_weights: no such tasks {sorted(unknown)}, have {self.tasks}")
        self.loss_weights = [(loss_weights or {}).get(task, 1.0) for task in self.tasks]
        self.optimizer = optimizer if optimizer is not None else Adam(1e-3)
        self.optimizer.build(model.trainable_variables)
        self._initial_optimizer = [variable.numpy() for variable in self.optimizer.variables]
        self._run = None

    def restart(self, build, seed):
        """Start over as a freshly built model would with this seed, without a new trace.

        Args:
            build: function without arguments that builds the same model.
            seed: seed of the initial weights and of dropout.
        """
        keras.utils.set_random_seed(seed)
        twin = build()
        shapes = [tuple(variable.shape) for variable in self.model.variables]
        if [tuple(variable.shape) for variable in twin.variables] != shapes:
            raise ValueError("restart: the function builds another model than the trained one")
        for variable, start in zip(self.model.variables, twin.variables, strict=True):
            variable.assign(start)
        for variable, start in zip(self.optimizer.variables, self._initial_optimizer, strict=True):
            variable.assign(start)

    def loss(self, outputs, labels):
        """Weighted sum of the tasks' losses and of whatever the layers added; and that part alone.

        Binary cross-entropy is computed from the logits behind the sigmoid, so that a confident
        mistake keeps its gradient.
        """
        added = tf.add_n(self.model.losses) if self.model.losses else tf.constant(0.0)
        total = added
        functions = {
            "binary": keras.losses.binary_crossentropy,
            "regression": keras.losses.mean_squared_error,
        }
        for position, output in enumerate(outputs_by_task(self.model, outputs, self.tasks)):
            total += self.loss_weights[position] * functions[self.kinds[position]](
                labels[:, position], output
            )
        return total, added

    def train_on_batch(self, ids, numbers, labels):
        """One step of the optimizer; returns the batch's loss and the part that layers added."""
        with tf.GradientTape() as tape:
            outputs = self.model(self.layout.unpack(ids, numbers), training=True)
            loss, added = self.loss(outputs, labels)
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return tf.stack([loss, added])

    def trace(self):
        """Trace the compiled function if that has not happened; returns the seconds it took."""
        if self._run is not None:
            return 0.0
        started = time.perf_counter()
        scalar = tf.TensorSpec([], tf.int32)
        signature = [
            *self.layout.specs,
            tf.TensorSpec([None, len(self.tasks)], tf.float32),
            tf.TensorSpec([None], tf.int32),
            *(scalar, scalar, scalar),
        ]

        @tf.function(input_signature=signature, autograph=False)
        def run(ids, numbers, labels, order, first_step, last_step, batch_size):
            def step(index, total):
                rows = order[index * batch_size : (index + 1) * batch_size]
                loss = self.train_on_batch(
                    tf.gather(ids, rows), tf.gather(numbers, rows), tf.gather(labels, rows)
                )
                return index + 1, total + loss * tf.cast(tf.size(rows), tf.float32)

            _, total = tf.while_loop(
                lambda index, _: index < last_step,
                step,
                (first_step, tf.constant([0.0, 0.0])),
                parallel_iterations=1,
            )
            return total

        self._run = run.get_concrete_function()
        return time.perf_counter() - started

    def fit(
        self,
        dataset,
        *,
        epochs=10,
        batch_size=1024,
        seed=0,
        patience=2,
        checkpoint=None,
        checkpoint_steps=None,
        progress=None,
    ):
        """Train; see the function ``fit``."""
        _check_options(epochs, batch_size, patience, checkpoint, checkpoint_steps)
        trace_seconds = self.trace()
        ids, numbers = (tf.constant(part) for part in self.layout.pack(dataset.train.features))
        labels = np.stack([dataset.train.labels[task] for task in self.tasks], axis=1)
        labels = tf.constant(labels.astype(np.float32))
        num_rows = len(dataset.train)
        num_steps = -(-num_rows // batch_size)
        chunk = min(STEPS_PER_CHUNK, checkpoint_steps or STEPS_PER_CHUNK)
        run = _Run(self, checkpoint, num_rows, batch_size, seed)
        done = run.epoch * num_steps + run.step
        with _progress_bar(progress, epochs * num_steps, done) as bar:
            while run.epoch < epochs and not run.stopped:
                order = np.random.default_rng([seed, run.epoch]).permutation(num_rows)
                order = tf.constant(order.astype(np.int32))
                while run.step < num_steps:
                    last = min(run.step + chunk, num_steps)
                    started = time.perf_counter()
                    steps = (tf.constant(n, tf.int32) for n in (run.step, last, batch_size))
                    total, added = self._run(ids, numbers, labels, order, *steps).numpy()
                    run.seconds += time.perf_counter() - started
                    bar.update(last - run.step)
                    run.loss_sum += float(total)
                    run.added_sum, run.step = run.added_sum + float(added), last
                    if checkpoint_steps and run.step < num_steps:
                        run.save()
                if not np.isfinite(run.loss_sum):
                    raise FloatingPointError(
                        f"model {self.model.name!r}: the loss is {run.loss_sum} in epoch "
                        f"{run.epoch + 1}; try a smaller learning rate"
                    )
                score = None if patience is None else self._validate(dataset)
                run.end_epoch(score, patience)
                bar.set_postfix_str("" if score is None else f"valid {score:.4f}", refresh=False)
        return run.finish(trace_seconds)

    def _validate(self, dataset):
        predictions = predict(self.model, dataset.valid.features, self.tasks)
        scores = []
        for task, kind in zip(self.tasks, self.kinds, strict=True):
            label, prediction = dataset.valid.labels[task], predictions[task]
            if kind == "binary":
                scores.append(metrics.auc(label, prediction))
            else:
                scores.append(-float(np.mean((label - prediction) ** 2)))
        return float(np.mean(scores))


class _Run:
    """Position and memory of one run, as a checkpoint stores it."""

    def __init__(self, trainer, checkpoint, num_rows, batch_size, seed):
        self.trainer, self.checkpoint = trainer, checkpoint
        shapes = [list(variable.shape) for variable in trainer.model.variables]
        self.fingerprint = {
            "number of training rows": num_rows,
            "batch size": batch_size,
            "seed": seed,
            "shapes of the model's variables": shapes,
            "optimizer": [type(part).__name__ for part in _optimizers(trainer.optimizer)],
        }
        self.num_rows = num_rows
        self.epoch, self.step, self.seconds = 0, 0, 0.0
        self.loss_sum, self.added_sum = 0.0, 0.0
        self.rows, self.best, self.best_score, self.best_epoch = [], None, None, 0
        self.epochs_without_gain, self.stopped = 0, False
        if checkpoint is not None and os.path.exists(checkpoint):
            state, self.best = read_checkpoint(
                checkpoint, trainer.model, trainer.optimizer, self.fingerprint
            )
            for name in _Run._stored:
                setattr(self, name, state[name])

    _stored = (
        "epoch",
        "step",
        "loss_sum",
        "added_sum",
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
        write_checkpoint(
            self.checkpoint, self.trainer.model, self.trainer.optimizer, state, self.best
        )

    def end_epoch(self, score, patience):
        means = [self.loss_sum / self.num_rows, self.added_sum / self.num_rows]
        self.rows.append([*means, score, self.seconds])
        self.epoch, self.step, self.loss_sum, self.added_sum = self.epoch + 1, 0, 0.0, 0.0
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
        if self.best is not None:
            for variable, value in zip(self.trainer.model.variables, self.best, strict=True):
                variable.assign(value)
        table = pd.DataFrame(self.rows, columns=["loss", "added_loss", "valid_score", "seconds"])
        table["seconds"] = table["seconds"].diff().fillna(table["seconds"])
        table["valid_score"] = table["valid_score"].astype(float)
        table.insert(0, "epoch", np.arange(1, len(table) + 1))
        return History(
            table, self.best_epoch, self.seconds, trace_seconds, len(self.rows) * self.num_rows
        )


def _optimizers(optimizer):
    """The optimizer itself, or the parts of a ``MultiOptimizer``."""
    return getattr(optimizer, "optimizers", [optimizer])


def _check_options(epochs, batch_size, patience, checkpoint, checkpoint_steps):
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


@contextlib.contextmanager
def _progress_bar(progress, total, initial):
    """A bar that disappears when the run ends, however it ends; off where nobody watches."""
    if progress is None:
        # A package that works on notebooks imports ipykernel too, so ask whether a kernel runs.
        kernel = sys.modules.get("ipykernel.kernelapp")
        in_notebook = kernel is not None and kernel.IPKernelApp.initialized()
        watched = sys.stderr.isatty() or in_notebook
        progress = watched and os.environ.get("RECSYS_PROGRESS", "1") != "0"
    bar = tqdm(
        total=total,
        initial=initial,
        leave=False,
        unit="step",
        desc="training",
        disable=not progress,
    )
    try:
        yield bar
    finally:
        # A notebook's bar that is closed short of its total stays, in red; early stopping is
        # no failure.
        bar.total = bar.n
        bar.close()


def fit(
    model,
    dataset,
    optimizer=None,
    *,
    epochs=10,
    batch_size=1024,
    seed=0,
    patience=2,
    loss_weights=None,
    checkpoint=None,
    checkpoint_steps=None,
    progress=None,
):
    """Train a model on a data set's train split.

    Args:
        model: Keras model of this library.
        dataset: ``Dataset``.
        optimizer: Keras optimizer; default: this library's ``Adam(1e-3)``.
        epochs: passes over the training rows at most.
        batch_size: rows per step; the last step of an epoch takes what is left.
        seed: seed of the order of rows, which is redrawn each epoch. Initial weights and dropout
            follow ``keras.utils.set_random_seed``, called before the model is built.
        patience: stop after so many epochs without a better validation score, and restore the
            best epoch's weights; None: train all epochs, validate never.
        loss_weights: dict of task to weight of its loss.
        checkpoint: file to write after each epoch. If it exists, the run goes on from there and
            ends with the same weights as a run that was never interrupted.
        checkpoint_steps: write it also every so many steps.
        progress: show a progress bar; default: in a terminal and in notebooks, unless the
            environment variable ``RECSYS_PROGRESS`` is 0.

    Returns:
        ``History``.

    Raises:
        ValueError: options out of range, a model that does not fit the data, a foreign checkpoint.
        FloatingPointError: the loss is not finite.
    """
    return Trainer(model, dataset, optimizer, loss_weights).fit(
        dataset,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        patience=patience,
        checkpoint=checkpoint,
        checkpoint_steps=checkpoint_steps,
        progress=progress,
    )
