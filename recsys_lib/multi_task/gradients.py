"""The gradients of each task on what the tasks share: how a conflict between them is measured.

Tasks that pull a shared parameter in opposite directions have gradients with a negative cosine.
The methods of ``recsys_lib.multi_task.balancing`` read the same gradients in every step.

Which parameters count, ``shared_parameters`` decides: those of the *last* shared layer, since the
way back to them is the shortest and everything below receives its gradient through them.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from recsys_lib.checks import check_integer
from recsys_lib.data.dataset import Dataset, Split
from recsys_lib.replicas import sum_over_replicas
from recsys_lib.training.batches import model_tasks
from recsys_lib.training.weighting import task_losses


@dataclasses.dataclass(frozen=True)
class SharedParameters:
    """Parameters that several tasks train.

    Args:
        name: of the layer.
        variables: Keras variables.
        positions: which networks of a stack count, along the variables' first axis; None: all.
    """

    name: str
    variables: tuple[keras.Variable, ...]
    positions: tuple[int, ...] | None = None

    def gradients(self, tape: tf.GradientTape, losses: Sequence[tf.Tensor]) -> tf.Tensor:
        """One gradient for each loss, inside a compiled function or outside.

        Args:
            tape: persistent ``tf.GradientTape`` that recorded the losses.
            losses: list of scalars.

        Returns:
            ``(tasks, parameters)``; of a step that runs in replicas, summed over them.

        Raises:
            ValueError: a loss that does not depend on the layer.
        """
        found = [self._flat(tape.gradient(loss, self.variables)) for loss in losses]
        return sum_over_replicas(tf.stack(found))

    def _flat(self, gradients):
        if all(gradient is None for gradient in gradients):
            raise ValueError(f"shared layer {self.name!r}: a task does not depend on it")
        parts = []
        for variable, gradient in zip(self.variables, gradients, strict=True):
            if isinstance(gradient, tf.IndexedSlices):
                raise ValueError(
                    f"shared layer {self.name!r}: {variable.path!r} is an embedding table, "
                    "expected a layer above the embeddings"
                )
            gradient = tf.zeros(variable.shape) if gradient is None else gradient
            if self.positions is not None:
                gradient = tf.gather(gradient, self.positions)
            parts.append(tf.reshape(gradient, [-1]))
        return tf.concat(parts, axis=0)


def shared_parameters(model: keras.Model, layer: str | None = None) -> SharedParameters:
    """The parameters on which the tasks of a model are compared.

    Of a layer that is itself a stack of layers (``MLP``, ``NetworkStack``) the last kernel counts
    and what follows it. Of experts behind the gates of CGC and PLE only those count that every
    task sees.

    Args:
        model: Keras model of several outputs.
        layer: name of a layer; or the beginning of variables' paths, with a slash in it, which
            then count in full: ``"shared_bottom/"`` is the whole network,
            ``"shared_bottom/dense_0"`` its first layer. Default: ``shared_bottom``, else
            ``experts``, else ``experts_l`` of the last level l, else the last layer with a kernel
            that every output depends on.

    Returns:
        ``SharedParameters``.

    Raises:
        ValueError: no such layer, one without trainable parameters, an embedding table, or no
            layer that the rule finds.
    """
    if layer is None:
        layer = _last_shared(model)
    names = [candidate.name for candidate in model.layers]
    if "/" in layer:
        variables = [v for v in model.trainable_variables if v.path.startswith(layer)]
    elif layer in names:
        variables = _last_kernel(model.get_layer(layer))
    else:
        raise ValueError(f"shared layer: model {model.name!r} has no {layer!r}, it has {names}")
    if not variables:
        raise ValueError(f"shared layer {layer!r}: expected trainable parameters, it has none")
    if any(getattr(variable, "rowwise", False) for variable in variables):
        raise ValueError(
            f"shared layer {layer!r} is an embedding table, expected a layer above the embeddings"
        )
    return SharedParameters(layer, tuple(variables), _seen_by_all(model, layer))


def _last_kernel(layer):
    """The layer's last kernel and the weights after it; all weights where none is a kernel."""
    weights = layer.trainable_weights
    kernels = [
        position
        for position, weight in enumerate(weights)
        if weight.path.rsplit("/", 1)[-1].startswith("kernel")
    ]
    return weights[kernels[-1] :] if kernels else weights


def _seen_by_all(model, layer):
    """Positions of the experts that all gates see, or None where the layer is no such stack."""
    name = layer.split("/", 1)[0]
    mixtures = [
        other for other in model.layers if other.name == name.replace("experts", "mixtures")
    ]
    seen = getattr(mixtures[0], "seen", None) if mixtures and name.startswith("experts") else None
    return None if seen is None else tuple(sorted(set.intersection(*map(set, seen))))


def _last_shared(model):
    names = [layer.name for layer in model.layers]
    levels = [name for name in names if re.fullmatch(r"experts_\d+", name)]
    levels = sorted(levels, key=lambda name: int(name.removeprefix("experts_")))
    for name in ("shared_bottom", "experts", *levels[::-1]):
        if name in names:
            return name
    outputs = model.output
    outputs = list(outputs.values()) if isinstance(outputs, dict) else list(model.outputs)
    behind = [{part.name for part in keras.Model(model.inputs, out).layers} for out in outputs]
    # Where one output is made of another, as in ESMM, the tower between them is no shared layer.
    nested = any(a < b for a in behind for b in behind)
    for layer in model.layers[::-1]:
        kernels = [w for w in layer.trainable_weights if w.path.endswith("kernel")]
        # A layer with gates for each task holds a part of its kernel for each, and shares none.
        own = getattr(layer, "num_tasks", None) is not None
        if kernels and not own and not nested and all(layer.name in parts for parts in behind):
            return layer.name
    raise ValueError(
        f"shared layer: model {model.name!r} has no layer above the embeddings that all tasks "
        f"share, expected its name in shared; the layers are {names}"
    )


def task_gradients(
    model: keras.Model,
    data: Dataset | Split,
    layer: str | None = None,
    *,
    num_rows: int = 4096,
    seed: int = 0,
    tasks: Mapping[str, str] | None = None,
) -> np.ndarray:
    """The gradient of each task's loss on the shared parameters, at the model's present weights.

    Dropout and batch normalization work as in prediction, and what layers add to the loss is left
    out, so that two calls give the same numbers. A task's loss is that of its own rows, those on
    which its label exists.

    Args:
        model: Keras model of several tasks.
        data: ``Dataset``, of which the training split is used, or a ``Split``.
        layer: see ``shared_parameters``.
        num_rows: size of the sample of rows; the seed alone decides which.
        seed: of the sample.
        tasks: dict of task to ``"binary"`` or ``"regression"``; default: the data set's, or all
            binary for a split.

    Returns:
        ``(tasks, parameters)`` float64, in the order of the model's tasks.

    Raises:
        ValueError: as ``shared_parameters``; a missing column, or fewer than one row.

    Example:
        >>> from recsys_lib.data import simulator
        >>> from recsys_lib.multi_task import build_shared_bottom
        >>> world = simulator.tasks(num_rows=200)
        >>> model = build_shared_bottom(world.feature_columns, tuple(world.tasks))
        >>> task_gradients(model, world).shape  # 64 inputs of 32 units, and their biases
        (2, 2080)
    """
    kinds = getattr(data, "tasks", None) if tasks is None else tasks
    split = getattr(data, "train", data)
    kinds = dict.fromkeys(split.labels, "binary") if kinds is None else kinds
    names = model_tasks(model, kinds)
    inputs = [tensor.name for tensor in model.inputs]
    missing = [name for name in inputs if name not in split.features]
    if missing:
        raise ValueError(f"task_gradients: missing columns {missing}")
    num_rows = check_integer("num_rows", num_rows)
    rng, size = np.random.default_rng(seed), len(split)
    rows = np.sort(rng.choice(size, min(num_rows, size), replace=False))
    labels = np.stack([split.labels[name][rows] for name in names], axis=1).astype(np.float32)
    masks = None
    if split.label_masks:
        everywhere = np.ones(size, bool)
        own = [split.label_masks.get(name, everywhere)[rows] for name in names]
        masks = tf.constant(np.stack(own, axis=1))
    with tf.GradientTape(persistent=True) as tape:
        outputs = model({name: split.features[name][rows] for name in inputs}, training=False)
        losses = task_losses(model, outputs, labels, {name: kinds[name] for name in names}, masks)
    return shared_parameters(model, layer).gradients(tape, losses).numpy().astype(np.float64)


def gradient_cosines(gradients: ArrayLike) -> np.ndarray:
    """Cosines between the tasks' gradients.

    Args:
        gradients: ``(tasks, parameters)``, from ``task_gradients``.

    Returns:
        ``(tasks, tasks)``; below zero where two tasks pull apart, missing (NaN) where a gradient
        is zero.

    Example:
        >>> gradient_cosines([[1.0, 0.0], [-2.0, 0.0]]).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    gradients = np.asarray(gradients, np.float64)
    lengths = np.linalg.norm(gradients, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = (gradients @ gradients.T) / np.outer(lengths, lengths)
    return np.clip(cosines, -1, 1)
