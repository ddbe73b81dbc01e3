"""``fit``: whole epochs inside one compiled function, early stopping, exact resumption."""

import time

import keras
import numpy as np
import tensorflow as tf

from recsys_lib.training import metrics
from recsys_lib.training.batches import Layout, model_columns, model_tasks
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.prediction import predict
from recsys_lib.training.progress import progress_bar
from recsys_lib.training.run import Run, check_options
from recsys_lib.training.weighting import FixedWeights, task_losses

STEPS_PER_CHUNK = 200
"""Steps between two updates of the progress bar; the compiled loop runs that long undisturbed."""


class Trainer:
    """A model, an optimizer and the one compiled function that trains them.

    Args:
        model: Keras model whose inputs are feature columns.
        dataset: the ``Dataset`` to train on; it may be exchanged for another with the same
            columns without a new trace.
        optimizer: Keras optimizer; default ``Adam(1e-3)`` of this library.
        loss_weights: dict of task to weight; default 1 each.
        balancing: balancing method that chooses the weights instead.

    Raises:
        ValueError: the model's inputs or outputs do not fit the data, or weights are given twice.
    """

    def __init__(self, model, dataset, optimizer=None, loss_weights=None, balancing=None):
        self.model = model
        self.layout = Layout(model_columns(model, dataset.feature_columns))
        self.tasks = model_tasks(model, dataset.tasks)
        self.kinds = {task: dataset.tasks[task] for task in self.tasks}
        if loss_weights is not None and balancing is not None:
            raise ValueError(
                f"loss_weights: {balancing!r} chooses the weights, expected none beside it, "
                f"got {loss_weights}"
            )
        self.balancing = FixedWeights(loss_weights) if balancing is None else balancing
        self.weighting = self.balancing.start(model, self.kinds)
        self.columns = ["loss", "added_loss"]
        if len(self.tasks) > 1:
            self.columns += [f"loss_{task}" for task in self.tasks]
            self.columns += [f"weight_{task}" for task in self.tasks]
        self.columns += self.weighting.columns
        self.optimizer = optimizer if optimizer is not None else Adam(1e-3)
        self.optimizer.build(model.trainable_variables)
        self.parts = {
            "model": model.variables,
            "optimizer": self.optimizer.variables,
            "balancing": self.weighting.variables,
        }
        self._initial = [variable.numpy() for variable in self._beside_the_model()]
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
        for variable, start in zip(self._beside_the_model(), self._initial, strict=True):
            variable.assign(start)

    def _beside_the_model(self):
        return [*self.parts["optimizer"], *self.parts["balancing"]]

    def train_on_batch(self, ids, numbers, labels):
        """One step of the optimizer; returns what the history reports, in the order of columns.

        What layers add (auxiliary losses, penalties) keeps weight 1.
        """
        with tf.GradientTape(persistent=True) as tape:
            outputs = self.model(self.layout.unpack(ids, numbers), training=True)
            added = tf.add_n(self.model.losses) if self.model.losses else tf.constant(0.0)
            losses = task_losses(self.model, outputs, labels, self.kinds)
        weights, beside, reports = self.weighting.step(tape, losses)
        weights = [tf.convert_to_tensor(weight, tf.float32) for weight in weights]
        variables = self.model.trainable_variables
        # One pass back for all tasks: each loss enters it with its weight.
        gradients = tape.gradient(
            [added, *losses], variables, output_gradients=[tf.constant(1.0), *weights]
        )
        self.optimizer.apply(gradients, variables)
        total = added
        for weight, loss in zip(weights, losses, strict=True):
            total += weight * loss
        apart = [*losses, *weights] if len(losses) > 1 else []
        return tf.stack([total + beside, added, *apart, *reports])

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
                (first_step, tf.zeros([len(self.columns)])),
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
        check_options(epochs, batch_size, patience, checkpoint, checkpoint_steps)
        trace_seconds = self.trace()
        ids, numbers = (tf.constant(part) for part in self.layout.pack(dataset.train.features))
        labels = np.stack([dataset.train.labels[task] for task in self.tasks], axis=1)
        labels = tf.constant(labels.astype(np.float32))
        num_rows = len(dataset.train)
        num_steps = -(-num_rows // batch_size)
        chunk = min(STEPS_PER_CHUNK, checkpoint_steps or STEPS_PER_CHUNK)
        run = Run(self, checkpoint, num_rows, batch_size, seed)
        done = run.epoch * num_steps + run.step
        with progress_bar(progress, epochs * num_steps, done) as bar:
            while run.epoch < epochs and not run.stopped:
                order = np.random.default_rng([seed, run.epoch]).permutation(num_rows)
                order = tf.constant(order.astype(np.int32))
                while run.step < num_steps:
                    last = min(run.step + chunk, num_steps)
                    started = time.perf_counter()
                    steps = (tf.constant(n, tf.int32) for n in (run.step, last, batch_size))
                    sums = self._run(ids, numbers, labels, order, *steps).numpy()
                    run.seconds += time.perf_counter() - started
                    bar.update(last - run.step)
                    run.add(sums, last)
                    if checkpoint_steps and run.step < num_steps:
                        run.save()
                if not np.isfinite(run.sums[0]):
                    raise FloatingPointError(
                        f"model {self.model.name!r}: the loss is {run.sums[0]} in epoch "
                        f"{run.epoch + 1}; try a smaller learning rate"
                    )
                score = None if patience is None else self._validate(dataset)
                run.end_epoch(score, patience)
                bar.set_postfix_str("" if score is None else f"valid {score:.4f}", refresh=False)
        return run.finish(trace_seconds)

    def _validate(self, dataset):
        predictions = predict(self.model, dataset.valid.features, self.tasks)
        scores = []
        for task, kind in self.kinds.items():
            label, prediction = dataset.valid.labels[task], predictions[task]
            if kind == "binary":
                scores.append(metrics.auc(label, prediction))
            else:
                scores.append(-float(np.mean((label - prediction) ** 2)))
        return float(np.mean(scores))


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
    balancing=None,
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
        balancing: a method of ``recsys_lib.multi_task.balancing`` that weighs the tasks' losses in
            every step; not together with ``loss_weights``.
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
    return Trainer(model, dataset, optimizer, loss_weights, balancing).fit(
        dataset,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        patience=patience,
        checkpoint=checkpoint,
        checkpoint_steps=checkpoint_steps,
        progress=progress,
    )
