"""Training on several machines: every worker runs the same program on its rows of each batch.

    strategy = join_workers()          # before anything else of TensorFlow
    with strategy.scope():
        model = build_deepfm(data.feature_columns)
        history = fit(model, data, batch_size=16384)

The environment variable ``TF_CONFIG`` names the workers; without it the same program trains
on one machine. A batch is that of all workers together: worker w of W takes its rows w, w + W, w +
2 W, and so on. Losses, penalties, moments of normalizations and gradients are those of the whole
batch (see ``recsys_pipeline.workers.replicas``), so two workers come to the weights of one, up to
rounding.

All workers need the same rows in the same order, options and random seed; ``fit`` compares them
before the first step.
"""

import hashlib
import json
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from recsys_lib import replicas as library
from recsys_lib.data.splits import Split
from recsys_lib.keras_internals import ReducedBefore, layers_of, resource_of
from recsys_lib.layers.blocks import BatchNormalization
from recsys_lib.training.batches import Layout
from recsys_lib.training.prediction import predict_packed
from recsys_lib.training.rates import parts_of
from recsys_pipeline.chunks.reading import ArrayChunks
from recsys_pipeline.workers import replicas
from recsys_pipeline.workers.meeting import lost, meet

SEED_STEP = 1_000_003
"""Difference of the seeds of two neighbouring workers."""
_JOBS = ("chief", "worker")
_joined: list[tf.distribute.Strategy] = []


def join_workers() -> tf.distribute.Strategy:
    """Join the workers that ``TF_CONFIG`` names; waits until all of them are there.

    A worker that has not come after ten seconds is named on stderr.

    Call it before you create a tensor: TensorFlow connects to other workers only when it starts.
    Build the model and call ``fit`` inside the strategy's ``scope()``, and do so on every worker.

    Returns:
        A ``MultiWorkerMirroredStrategy``; if ``TF_CONFIG`` is missing or names one worker,
        TensorFlow's default strategy, whose scope changes nothing.

    Raises:
        ValueError: ``TF_CONFIG`` is not a JSON object with a cluster of workers; this process is
            not one of them; its port is taken.
    """
    if workers_named() < 2:
        return tf.distribute.get_strategy()
    if not _joined:
        addresses, place = _workers_in(os.environ["TF_CONFIG"])
        meet(addresses, place)
        handler = signal.getsignal(signal.SIGTERM)
        _joined.append(tf.distribute.MultiWorkerMirroredStrategy())
        # TensorFlow takes SIGTERM for itself, and the process would not end.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_DFL if handler is None else handler)
        sys.excepthook = _hook_for_lost_workers(addresses, place, sys.excepthook)
    return _joined[0]


def _hook_for_lost_workers(addresses, place, otherwise):
    """What is printed of an error that ends a worker: one sentence if another worker was lost."""

    def hook(kind, error, trace):
        sentence = lost(addresses, place) if isinstance(error, tf.errors.OpError) else None
        if sentence is None:
            otherwise(kind, error, trace)
        else:
            print(sentence, file=sys.stderr)

    return hook


def workers_named() -> int:
    """The number of workers that ``TF_CONFIG`` names; 1 without a ``TF_CONFIG``.

    Raises:
        ValueError: as ``join_workers``.

    Example:
        >>> workers_named()
        1
    """
    text = os.environ.get("TF_CONFIG")
    return 1 if text is None else len(_workers_in(text)[0])


def is_chief() -> bool:
    """Whether this process is the first worker of the scope in which it is called, or the only one.

    Example:
        >>> is_chief()
        True
    """
    return _place_of(tf.distribute.get_strategy())[0] == 0


def _workers_in(text):
    """Addresses of all workers, the chief's first, and the place of this process among them."""
    try:
        config = json.loads(text)
        cluster, job = config["cluster"], config["task"]["type"]
        index = int(config["task"]["index"])
        addresses = [address for name in _JOBS for address in cluster.get(name, [])]
        known = set(cluster) <= set(_JOBS) and 0 <= index < len(cluster[job])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"TF_CONFIG: expected a cluster and a task, got {text!r}") from error
    if not known:
        raise ValueError(
            f"TF_CONFIG: expected jobs of {_JOBS} and a task among them, got {text!r}; parameter "
            "servers and evaluators are not supported"
        )
    return addresses, index + (len(cluster.get(_JOBS[0], [])) if job == _JOBS[1] else 0)


class Workers:
    """The workers that train a model, from the view of one of them.

    Args:
        strategy: what ``join_workers`` returned.
        model: Keras model that was built in its scope.
    """

    def __init__(self, strategy: tf.distribute.Strategy, model: keras.Model) -> None:
        self.strategy = strategy
        self.index, self.count = _place_of(strategy)
        self._seeds = [v for v in model.variables if v.name == "seed_generator_state"]
        self._everyone = self._trace_exchange()

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes the checkpoints."""
        return self.index == 0

    def run(
        self,
        train_on_rows: Callable[[tf.Tensor], tf.Tensor],
        rows: tf.Tensor,
        batch_size: tf.Tensor,
        in_runs: bool = False,
    ) -> tf.Tensor:
        """One step, inside a compiled function: each replica trains on its own part of the rows.

        Args:
            train_on_rows: function of row numbers whose result is equal on all replicas.
            rows: ``(batch,)``, the numbers of the whole batch's rows.
            batch_size: rows of a batch; the last one of an epoch may have fewer.
            in_runs: whether a replica takes rows that follow each other, and not every n-th.

        Returns:
            The function's result.
        """

        def on_replica(rows):
            context = replicas.replica_context()
            number, count = context.replica_id_in_sync_group, context.num_replicas_in_sync
            most = -(-batch_size // count)
            own = rows[number * most : (number + 1) * most] if in_runs else rows[number::count]
            with replicas.batch_of_rows(tf.size(rows), most):
                return train_on_rows(own)

        return self._first(self.strategy.run(on_replica, (rows,)))

    def is_own(self, batch_size: int, in_runs: bool = False) -> np.ndarray:
        """Whether ``run`` lets this worker train on the rows of a batch.

        Args:
            batch_size, in_runs: as for ``run``.

        Returns:
            ``(batch_size,)`` bool.
        """
        count = self.strategy.num_replicas_in_sync
        places = np.arange(batch_size)
        replica = places // -(-batch_size // count) if in_runs else places % count
        return replica // (count // self.count) == self.index

    def chunks_of(self, split: Split) -> ArrayChunks:
        """Training rows in memory as one chunk, of which each worker packs its own rows."""
        return ArrayChunks(split, len(split))

    def move_seeds(self, direction: int) -> None:
        """Make the seeds of dropout and of drawn negatives differ between replicas, or equal again.

        Between two series of steps they are equal, so that a checkpoint holds no worker's own
        seeds.

        Args:
            direction: 1: different; -1: equal again.
        """

        def on_replica():
            replica = replicas.replica_context().replica_id_in_sync_group
            for seed in self._seeds:
                move = direction * SEED_STEP * tf.cast(replica, seed.dtype)
                seed.assign_add(tf.stack([move, tf.zeros_like(move)]))

        self.strategy.run(on_replica)

    def of_chief(self, value: float) -> float:
        """The chief's value of a number, so that all workers decide alike."""
        return float(self._gather(np.array([value]))[0, 0])

    def check_same(self, facts: Mapping[str, Any]) -> None:
        """Raise ``ValueError`` unless facts are equal on every worker; it names what differs.

        Args:
            facts: dict of name to JSON-ready value; the same names on every worker.
        """
        found = self._gather(np.array([_digest(value) for value in facts.values()]))
        for name, values in zip(facts, found.T, strict=True):
            if (values != values[0]).any():
                raise ValueError(
                    f"workers: expected the same on all {self.count}, got another {name} on "
                    f"{[int(worker) for worker in np.flatnonzero(values != values[0])]}"
                )

    def check_run(self, run: Any, rows: Any, epochs: int) -> None:
        """Raise ``ValueError`` unless all workers start the same run.

        Args:
            run: ``Run``, at its first epoch or where a checkpoint left it.
            rows: ``RowsInMemory`` or ``RowsInChunks``.
            epochs: argument of ``fit``.
        """
        options = run.options
        self.check_same(
            {
                "training rows": rows.digest(),
                "model": [list(variable.shape) for variable in run.trainer.model.variables],
                "batch_size, seed, patience or epochs": [
                    *(options.batch_size, options.seed, options.patience, epochs)
                ],
                "checkpoint (expected a folder that all workers see)": [run.epoch, run.step],
            }
        )

    def predict(
        self,
        model: keras.Model,
        layout: Layout,
        packed: tuple[Any, Any],
        tasks: Sequence[str],
    ) -> np.ndarray:
        """Like ``predict_packed``, but each worker predicts its part of the rows.

        Args:
            model, layout, packed, tasks: as for ``predict_packed``.

        Returns:
            ``(rows, tasks)`` float32, of all rows on every worker.
        """
        ids, numbers = packed
        num_rows, own = len(ids), slice(self.index, None, self.count)
        longest = -(-num_rows // self.count)
        part = np.zeros((longest, len(tasks)))
        found = predict_packed(model, layout, (ids[own], numbers[own]), tasks)
        part[: len(found)] = found
        parts = self._gather(part.ravel()).reshape(self.count, longest, len(tasks))
        # Row 0 of each worker, then row 1 of each: the order in which rows were distributed.
        return parts.swapaxes(0, 1).reshape(-1, len(tasks))[:num_rows].astype(np.float32)

    def _gather(self, vector):
        """A vector of every worker, ``(workers, length)`` float64; all have the same length."""
        found = self._everyone(tf.constant(vector, tf.float64)).numpy()
        return found[:: len(found) // self.count]  # replicas of one worker have equal values

    def _trace_exchange(self):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float64)], autograph=False)
        def everyone(vector):
            def on_replica(vector):
                return replicas.replica_context().all_gather(vector[None], axis=0)

            return self._first(self.strategy.run(on_replica, (vector,)))

        return everyone

    def _first(self, result):
        return self.strategy.experimental_local_results(result)[0]


def _place_of(strategy):
    """Number of this process among the workers, and how many there are."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type is None:
        return 0, 1
    cluster = resolver.cluster_spec().as_dict()
    sizes = {job: len(cluster.get(job, [])) for job in _JOBS}
    first = sizes["chief"] if resolver.task_type == "worker" else 0
    return first + resolver.task_id, sum(sizes.values())


def _digest(value):
    """A number that a float64 holds exactly, for any value that JSON knows."""
    text = json.dumps(value, default=repr, sort_keys=True)
    return float(int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big"))


def workers_of(model: keras.Model, optimizer: keras.Optimizer) -> Workers | None:
    """The workers that train a model together; None for training on one machine.

    Args:
        model: Keras model.
        optimizer: that trains it.

    Raises:
        ValueError: the model was built in another scope, or model or optimizer would compute on one
            worker's rows what has to be computed on the whole batch.
    """
    strategy = tf.distribute.get_strategy()
    is_present = strategy.num_replicas_in_sync > 1
    is_spread = any(_replicas_of(variable) > 1 for variable in model.variables)
    if is_present != is_spread:
        there, here = ("inside", "outside") if is_spread else ("outside", "inside")
        raise ValueError(
            f"model {model.name!r}: it was built {there} the scope of a strategy of several "
            f"workers, expected it to be trained there too, got a call {here}"
        )
    if not is_present:
        return None
    for part in parts_of(optimizer):
        if not isinstance(part, ReducedBefore):
            raise ValueError(
                "optimizer: expected Adam, Adagrad or Ftrl of recsys_lib.training for several "
                f"workers, got {type(part).__name__}, which adds up their gradients too late"
            )
    for layer in layers_of(model):
        if isinstance(layer, keras.layers.BatchNormalization) and not isinstance(
            layer, BatchNormalization
        ):
            raise ValueError(
                f"layer {layer.name!r}: expected recsys_lib.layers.BatchNormalization for several "
                "workers, got Keras's, whose moments are those of one worker's rows"
            )
    return Workers(strategy, model)


def _replicas_of(variable):
    found = resource_of(variable)
    is_spread = isinstance(found, tf.distribute.DistributedValues)
    return found.distribute_strategy.num_replicas_in_sync if is_spread else 1


library.hook = types.SimpleNamespace(
    num_replicas=replicas.num_replicas,
    sums_over_replicas=replicas.sums_over_replicas,
    rows_of_replicas=replicas.rows_of_replicas,
    slices_of_replicas=replicas.slices_of_replicas,
    workers_of=workers_of,
)
