"""Which part of a model acts on which: hold all boxes, change one, and see what moves.

Where a box stands for one expert of a stack, for a layer inside a layer or for weights, the graph
does not say what it reads. So the model is run once on random rows; then, for each box, again with
this box's values changed and every other box's result put back to what it was. A box whose own
computation then gives something else reads the changed one, and reads it through no other box.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from recsys_book.pictures.graph import Graph
from recsys_book.pictures.naming import Place

NUM_ROWS = 16


def changes(graph: Graph, places: Mapping[str, Sequence[Place]]) -> set[tuple[str, str]]:
    """Find the pairs of boxes of which one acts on the other directly.

    The model's weights are random for the time of the runs: weights that begin at zero would hide
    what they will read.

    Args:
        graph: of the model.
        places: dict of the key of each box to its places.

    Returns:
        Pairs ``(source, target)``.
    """
    with _random_weights(graph.model):
        run = _Run(graph, places)
        return {
            (source, target)
            for source in places
            for target in run.moved_by(source)
            if target != source
        }


class _Run:
    """The model on random rows, and what changes move.

    Values are kept by the tensor's identity. What nothing changed is the same object as in the
    first run, so that only what lies behind a change is computed again.
    """

    def __init__(self, graph: Graph, places: Mapping[str, Sequence[Place]]) -> None:
        self.graph, self.places = graph, places
        self.rng = np.random.default_rng(0)
        self.calls = list({id(v.call): v.call for v in graph.vertices}.values())
        self.inner: dict[int, list[Any]] = {}  # of a layer inside a layer: what it returned
        self.base: dict[int, Any] = dict(_inputs(graph, self.rng))
        for call in self.calls:
            if not isinstance(call.operation, keras.layers.InputLayer):
                with self._watched(call.operation, None, {}):
                    outputs = _called(call, self.base)
                self.base |= {id(t): value for t, value in zip(call.outputs, outputs, strict=True)}

    def moved_by(self, source: str) -> set[str]:
        """Keys of the boxes whose computation another value of ``source`` changes."""
        moved: set[str] = set()
        values: dict[int, Any] = {}
        for call in self.calls:
            operation = call.operation
            is_touched = any(
                place.vertices[0].operation is operation and (place.inner or place.weights)
                for place in self.places[source]
            )
            read = [id(tensor) for tensor in call.inputs]
            outputs = [self.base[id(tensor)] for tensor in call.outputs]
            if is_touched or any(values[key] is not self.base[key] for key in read):
                computed: dict[str, bool] = {}
                with self._watched(operation, source, computed), self._other_weights(source, call):
                    outputs = _called(call, values)
                moved |= {key for key, is_moved in computed.items() if is_moved}
            for tensor, output in zip(call.outputs, outputs, strict=True):
                values[id(tensor)] = self._held(source, id(tensor), output, moved)
        return moved

    def _held(self, source, key, output, moved):
        """An output with the parts for which boxes stand put back, or changed for the source's."""
        base = self.base[key]
        for name, places in self.places.items():
            for place in places:
                if place.inner or place.weights:
                    continue
                if not any(key == id(t) for vertex in place.vertices for t in vertex.outputs):
                    continue
                part = (slice(None), place.part) if place.part is not None else (slice(None),)
                if output is not base and _differ(output[part], base[part]):
                    moved.add(name)
                new = self._other(base[part]) if name == source else base[part]
                if place.part is None:
                    output = new if name == source else base
                else:
                    output = np.array(output)
                    output[part] = new
        is_same = output is not base and not _differ(output, base)
        return base if is_same else output

    def _other(self, value):
        """Another value of the same kind."""
        value = np.asarray(value)
        if np.issubdtype(value.dtype, np.floating):
            noise = self.rng.normal(size=value.shape) * (1 + np.abs(value))
            return (value + noise).astype(value.dtype)
        return np.roll(value, 1, axis=0)

    @contextlib.contextmanager
    def _watched(self, operation, source, computed) -> Iterator[None]:
        """Hold what the layers inside a layer return, and note whether it would have changed."""
        watched = [
            (name, place.inner)
            for name, places in self.places.items()
            for place in places
            if place.inner is not None and place.vertices[0].operation is operation
        ]
        for name, layer in watched:
            vars(layer)["call"] = self._holding(name, layer, source, computed)
        try:
            yield
        finally:
            for _, layer in watched:
                del vars(layer)["call"]

    def _holding(self, name, layer, source, computed):
        original, count = layer.call, [0]
        first = source is None

        def call(*args, **kwargs):
            output = original(*args, **kwargs)
            kept = self.inner.setdefault(id(layer), [])
            if first:
                kept.append(output)
                return output
            base = kept[count[0]]
            count[0] += 1
            computed[name] = computed.get(name, False) or _differ(output, base)
            return keras.ops.convert_to_tensor(self._other(base)) if name == source else base

        return call

    def _other_weights(self, source, call):
        weights = [
            weight
            for place in self.places[source]
            for weight in place.weights
            if place.vertices[0].operation is call.operation
        ]
        return _assigned(weights, [self._other(weight.numpy()) for weight in weights])


def _called(call, values):
    """Return the outputs of a call for these values of its tensors, flat."""

    def filled(leaf):
        return values[id(leaf)] if isinstance(leaf, keras.KerasTensor) else leaf

    args, kwargs = keras.tree.map_structure(filled, (call.args, call.kwargs))
    return keras.tree.flatten(call.operation(*args, **kwargs))


def _differ(one, two):
    return not np.array_equal(np.asarray(one), np.asarray(two), equal_nan=False)


def _inputs(graph, rng):
    """Random rows for the model's inputs, by tensor."""
    sizes = {
        column.name: column.vocabulary_size
        for vertex in graph.vertices
        for column in getattr(vertex.operation, "columns", None) or ()
        if hasattr(column, "vocabulary_size")
    }
    for tensor in graph.model.inputs:
        shape = (NUM_ROWS, *tensor.shape[1:])
        if "int" in tensor.dtype:
            yield id(tensor), rng.integers(1, max(sizes.get(tensor.name, 3), 2), shape, np.int32)
        else:
            yield id(tensor), rng.normal(size=shape).astype(tensor.dtype)


def _random_weights(model: keras.Model) -> contextlib.AbstractContextManager[None]:
    """Random weights for all layers but the large tables, and afterwards what was there before."""
    weights = [
        weight
        for weight in model.weights
        if "float" in weight.dtype and not getattr(weight, "rowwise", False)
    ]
    rng = np.random.default_rng(1)
    values = []
    for weight in weights:
        drawn = rng.normal(size=weight.shape, scale=0.5)
        values.append(np.abs(drawn) + 0.1 if "variance" in weight.path else drawn)
    return _assigned(weights, values)


@contextlib.contextmanager
def _assigned(weights: Sequence[Any], values: Sequence[Any]) -> Iterator[None]:
    """Give weights these values, and afterwards those that they had before."""
    before = [weight.numpy() for weight in weights]
    try:
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)
        yield
    finally:
        for weight, value in zip(weights, before, strict=True):
            weight.assign(value)
