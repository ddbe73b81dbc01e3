"""One pass through a model for one request: a single row wherever no candidate is involved.

A tensor that depends on the request alone has one row. Where it meets the candidates, the walk
repeats it, unless the layer divides:

- a layer with ``separate(inputs, is_single)`` looks up blocks of columns apart, and none of its
  outputs mixes two of them (``FusedEmbedding``);
- a layer of a model of histories does the request's part of its work once, by the function that
  ``recsys_lib.one_request.division`` has for its registered name. It is imported on use, as the
  zoo's builders are: models stand above this module;
- a layer with ``first_kernel`` and ``after_first_product(product)`` begins with a product ``W x``.
  Where ``x`` is ``[u, c]`` with ``u`` of the request, ``W x = W_u u + W_c c``, and ``W_u u`` is
  computed once (``MLP``, ``NetworkStack``, Keras's ``Dense``);
- a layer with ``broadcasts_single_rows``, and what works entry by entry, is given the one row and
  repeats it in passing.

Concatenations are left open until something reads them whole, so that a product can be divided.
"""

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from recsys_lib.keras_graphs import (
    joined_axis,
    leaves_values_alone,
    new_shape,
    run_through_graph,
    works_elementwise,
)

REQUEST, DIVIDED, CANDIDATES = "request", "divided", "candidates"
"""How an operation ran: once, its request's part once, or once for each candidate."""


class Joined:
    """Tensors side by side along an axis, not yet joined; those of the request have one row."""

    def __init__(self, parts: list[tf.Tensor], axis: int):
        self.parts, self.axis = parts, axis


class RequestWalk:
    """Runs a functional model for one request; used once, while TensorFlow traces.

    Args:
        num_candidates: number of candidates, a scalar tensor.

    Attributes:
        ways: dict of layer name to ``"request"``, ``"divided"`` or ``"candidates"``; layers of
            Keras operations without a name of their own are left out.
    """

    def __init__(self, num_candidates: tf.Tensor):
        self._first_row = tf.zeros([num_candidates], tf.int32)
        self.ways: dict[str, str] = {}
        # Tensors by identity. The dicts keep them alive, so that no identity is given away twice.
        self._single: dict[int, tf.Tensor] = {}
        self._whole: dict[int, tuple[Any, tf.Tensor]] = {}

    def __call__(
        self, model: keras.Model, user: dict[str, tf.Tensor], candidates: dict[str, tf.Tensor]
    ) -> Any:
        """A functional model's output for every candidate.

        Inputs go by name, ``(1, ...)`` those of the user and ``(candidates, ...)`` the others.
        """
        self._mark(user)
        by_name = {**user, **candidates}
        inputs = [by_name[tensor.name] for tensor in model.inputs]
        outputs = run_through_graph(model, inputs, wrap=self._wrap)
        return tf.nest.map_structure(self.whole, outputs)

    def is_single(self, value: Any) -> bool:
        """Whether a tensor holds the request's one row."""
        return id(value) in self._single

    def whole(self, value: Any) -> Any:
        """A tensor with a row for each candidate, of whatever the walk carries."""
        if not self.is_single(value) and not isinstance(value, Joined):
            return value
        if id(value) not in self._whole:
            if isinstance(value, Joined):
                found = ops.concatenate([self.whole(part) for part in value.parts], value.axis)
            else:
                found = tf.gather(value, self._first_row)  # faster than `tf.repeat`
            self._whole[id(value)] = (value, found)
        return self._whole[id(value)][1]

    def _mark(self, outputs):
        for output in tf.nest.flatten(outputs):
            self._single[id(output)] = output
        return outputs

    def _wrap(self, operation) -> Callable[..., Any]:
        def call(*args, **kwargs):
            values = [
                value
                for value in tf.nest.flatten((args, kwargs))
                if tf.is_tensor(value) or isinstance(value, Joined)
            ]
            way, outputs = DIVIDED, NotImplemented
            if all(map(self.is_single, values)):
                way, outputs = REQUEST, self._mark(operation(*args, **kwargs))
            elif any(self.is_single(value) or isinstance(value, Joined) for value in values):
                outputs = self._divided(operation, args, kwargs)
            if outputs is NotImplemented:
                way = CANDIDATES
                args, kwargs = tf.nest.map_structure(self.whole, (args, kwargs))
                outputs = operation(*args, **kwargs)
            if isinstance(operation, keras.layers.Layer):
                self.ways[operation.name] = way
            return outputs

        return call

    def _divided(self, operation, args, kwargs):
        """The outputs, with the request's part of the work done once; or ``NotImplemented``."""
        if _offers(operation, "separate"):
            return self._separately(operation, *args, **kwargs)
        if works_elementwise(operation) or _offers(operation, "broadcasts_single_rows"):
            return self._broadcast(operation, args, kwargs)
        if kwargs or not args:
            return NotImplemented
        if joined_axis(operation) is not None:
            return self._join(args[0], joined_axis(operation))
        if isinstance(args[0], Joined) and len(args) == 1:
            return self._on_joined(operation, args[0])
        if isinstance(operation, keras.layers.Dot) and operation.axes == 1:
            return self._weighted_sum(*args[0])
        divisions = resolve_name("recsys_lib.one_request.division:DIVISIONS")
        divide = divisions.get(keras.saving.get_registered_name(type(operation)))
        if divide is None or not _has_one_precision(operation):
            return NotImplemented
        args = [self.whole(v) if isinstance(v, Joined) else v for v in args]
        return divide(operation, self.is_single, *args)

    def _join(self, values, axis):
        rank = len(values[0].parts[0].shape if isinstance(values[0], Joined) else values[0].shape)
        axis %= rank
        if axis == 0:
            return NotImplemented
        parts = []
        for value in values:
            if isinstance(value, Joined) and value.axis != axis:
                value = self.whole(value)
            parts += value.parts if isinstance(value, Joined) else [value]
        return Joined(parts, axis)

    def _on_joined(self, operation, joined):
        rank = len(joined.parts[0].shape)
        if leaves_values_alone(operation):
            return Joined([self._of_part(operation, part) for part in joined.parts], joined.axis)
        if rank == 3 and joined.axis == 1 and _lays_in_a_row(operation, joined.parts):
            return Joined([self._of_part(keras.layers.Flatten(), p) for p in joined.parts], 1)
        if joined.axis != rank - 1 or rank != 2 or not _begins_with_product(operation):
            return NotImplemented
        if not any(map(self.is_single, joined.parts)):
            return NotImplemented
        if type(operation) is keras.layers.Dense:
            return _after_dense(operation, self._product(joined.parts, operation.kernel))
        return operation.after_first_product(self._product(joined.parts, operation.first_kernel))

    def _of_part(self, operation, part):
        outputs = operation(part)
        return self._mark(outputs) if self.is_single(part) else outputs

    def _product(self, parts, kernel):
        """``W [u, c] = W_u u + W_c c``, the request's term once."""
        kernel, start = tf.convert_to_tensor(kernel), 0
        vectors, matrices = {True: [], False: []}, {True: [], False: []}
        for part in parts:
            side, width = self.is_single(part), part.shape[-1]
            vectors[side].append(part)
            matrices[side].append(kernel[start : start + width])
            start += width
        once, each = (
            tf.matmul(ops.concatenate(vectors[side], 1), ops.concatenate(matrices[side], 0))
            for side in (True, False)
        )
        return each + once

    def _separately(self, operation, inputs, **options):
        names, rest = operation.separate(inputs, self.is_single)
        outputs = {}
        if names:
            outputs |= self._mark(operation({name: inputs[name] for name in names}, **options))
        if rest:
            outputs |= operation({name: self.whole(inputs[name]) for name in rest}, **options)
        return {name: outputs[name] for name in operation.blocks if name in outputs}

    def _broadcast(self, operation, args, kwargs):
        args = tf.nest.map_structure(
            lambda value: self.whole(value) if isinstance(value, Joined) else value, args
        )
        ranks = {len(value.shape) for value in tf.nest.flatten(args) if tf.is_tensor(value)}
        return operation(*args, **kwargs) if len(ranks) == 1 else NotImplemented

    def _weighted_sum(self, weights, vectors):
        """``sum_j w_j e_j`` of one history for many candidates: one product of two matrices."""
        weights = self.whole(weights)
        if not self.is_single(vectors) or len(vectors.shape) != 3 or len(weights.shape) != 2:
            return NotImplemented
        return tf.matmul(weights, vectors[0])


def _lays_in_a_row(operation, parts):
    """Whether fields ``(batch, fields, dim)`` become ``(batch, fields * dim)``."""
    width = sum(part.shape[1] for part in parts) * parts[0].shape[2]
    return isinstance(operation, keras.layers.Flatten) or new_shape(operation) == (-1, width)


def _begins_with_product(operation):
    known = type(operation) is keras.layers.Dense or _offers(operation, "after_first_product")
    return known and _has_one_precision(operation)


def _offers(operation, name):
    """Whether an operation divides by a method, which a subclass's own ``call`` would outdate."""
    for kind in type(operation).__mro__:
        if name in vars(kind) or "call" in vars(kind):
            return name in vars(kind)
    return False


def _has_one_precision(layer):
    """Whether a layer computes in the precision of its weights, which nothing then has to cast."""
    return layer.compute_dtype == layer.variable_dtype


def _after_dense(layer, product):
    if layer.bias is not None:
        product = product + layer.bias
    return product if layer.activation is None else layer.activation(product)
