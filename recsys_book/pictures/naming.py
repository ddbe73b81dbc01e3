"""Names of the places of a model for which the boxes of a sketch stand.

========================  =========================================================================
``"din_weights"``         a layer, in all its calls
``"embedding:history"``   one block of a table of columns, see ``FusedEmbedding``;
                          ``"embedding:chosen_*"``: all blocks whose names begin so
``"NegativeSampler"``     all layers of a class, where no layer has this name
``"cross_*"``             all layers whose names begin so
``"input:user_id"``       an input
``"output"``              the model's one output; ``"output[1]"`` its second; ``"outputs"``: all
``"experts[0]"``          what a layer's output holds for one network, task or gate: along its
                          second axis; ``"experts[1:-1]"``: all but the first and the last;
                          ``[g0]``: the first of a stack, as many as read one input together
``"din_weights/network"`` a layer inside a layer
``"star#kernel_0"``       weights of a layer, those whose names begin so
``"*numbers"``            every input of numbers that reaches a box and has no box of its own
``"*"``                   every other input that reaches a box and has no box of its own
========================  =========================================================================

A name that ends in ``?`` may be missing from the model.
"""

import dataclasses
import fnmatch
import re
from typing import Any

import keras

from recsys_book.pictures.graph import Graph, Vertex
from recsys_lib.keras_internals import layers_of

_NAME = re.compile(
    r"(?P<layer>[^\[\]/#:?]+)(:(?P<block>[^\[\]/#?]+))?(\[(?P<part>g?[-:\d]+)\])?"
    r"(/(?P<inner>[^\[\]#?]+))?(#(?P<weights>[^?]+))?(?P<optional>\?)?"
)


@dataclasses.dataclass(frozen=True, eq=False)
class Place:
    """Explain a name.

    Args:
        name: as it was given.
        vertices: in whose calls it lies.
        part: which entries of the output's second axis, or None for all.
        inner: the layer inside the layer, or None.
        weights: of the layer, or none.
    """

    name: str
    vertices: tuple[Vertex, ...]
    part: slice | None = None
    inner: keras.layers.Layer | None = None
    weights: tuple[Any, ...] = ()

    @property
    def is_inside(self) -> bool:
        """Whether it is less than all that its vertices return."""
        return self.part is not None or self.inner is not None or bool(self.weights)


def resolve(graph: Graph, name: str) -> Place | None:
    """Find a place in a model.

    Args:
        graph: of the model.
        name: see the module; not the last two.

    Returns:
        The place; None where the name may be missing and is, or where a range holds nothing.

    Raises:
        ValueError: no such place.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r}: expected a name such as 'layer', 'layer[0]' or 'layer/inner'")
    found = match.groupdict()
    vertices = _vertices(graph, found)
    if not vertices:
        if found["optional"]:
            return None
        raise ValueError(f"{name!r}: expected a layer of model {graph.model.name!r}")
    if found["weights"]:
        return Place(name, vertices, weights=_weights(name, vertices[0].operation, found))
    if found["inner"]:
        return Place(name, vertices, inner=_inner(name, vertices[0].operation, found["inner"]))
    if found["part"] is None or found["layer"] == "output":
        return Place(name, vertices)
    return _part(name, vertices, found)


def _part(name, vertices, found):
    shape = vertices[0].outputs[0].shape
    if len(shape) < 3:
        raise ValueError(f"{name!r}: expected an output of several parts, its shape is {shape}")
    part = found["part"]
    if part.startswith("g"):
        groups = getattr(vertices[0].operation, "readers", None) or ()
        number = int(part[1:])
        if number >= len(groups):
            raise ValueError(f"{name!r}: expected a group below {len(groups)}")
        part = f"{sum(groups[:number])}:{sum(groups[: number + 1])}"
    ends = [int(end) if end else None for end in part.split(":")]
    place = slice(ends[0], (ends[0] + 1) or None) if len(ends) == 1 else slice(*ends)
    if not range(shape[1])[place]:
        if len(ends) == 1 and not found["optional"]:
            raise ValueError(f"{name!r}: expected a position below {shape[1]}")
        return None
    return Place(name, vertices, part=place)


def _vertices(graph, found):
    layer, block = found["layer"], found["block"]
    if layer == "output":
        number = int(found["part"] or 0)
        if found["part"] is None and len(graph.outputs) > 1:
            raise ValueError(f"'output': expected one output, got {len(graph.outputs)}")
        if number >= len(graph.outputs):
            return ()
        last = graph.outputs[number][1]
        return tuple(v for v in graph.vertices if v.operation is last.operation)
    if layer == "outputs":
        heads = [vertex.operation for _, vertex in graph.outputs]
        return tuple(v for v in graph.vertices if v.operation in heads)
    if layer == "input":
        return tuple(v for v in graph.vertices if v.is_input and v.name == block)
    if layer.endswith("*"):
        return tuple(v for v in graph.vertices if v.name.startswith(layer[:-1]))
    found = [v for v in graph.vertices if v.name == layer and not v.is_input]
    found = found or [v for v in graph.vertices if type(v.operation).__name__ == layer]
    return tuple(v for v in found if block is None or fnmatch.fnmatchcase(v.block or "", block))


def _inner(name, operation, path):
    layer = operation
    for step in path.split("/"):
        parts = layers_of(layer)
        inside = [part for part in parts if part.name == step]
        if not inside:
            known = [part.name for part in parts]
            raise ValueError(f"{name!r}: expected one of {known} inside {layer.name!r}")
        layer = inside[0]
    return layer


def _weights(name, operation, found):
    inside = [
        weight
        for weight in operation.weights
        if weight.path.removeprefix(f"{operation.name}/").startswith(found["weights"])
    ]
    if not inside:
        known = [weight.path for weight in operation.weights]
        raise ValueError(f"{name!r}: expected one of {known}")
    return tuple(inside)
