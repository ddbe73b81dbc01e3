"""The graph of a built model for pictures: which call reads which.

Two things are left out, since a reader would take them for data: what only says which steps of a
history are real (masks), and the columns that a layer is handed in a dict and does not read. A
table that looks up several blocks of columns has a vertex for each block, since no block reads
another's columns, and one more for what is picked out of a block.
"""

import dataclasses
from collections.abc import Iterable

import keras
import numpy as np

from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.features.embedding import FusedEmbedding
from recsys_lib.keras_graphs import Call, calls_of

# The outputs of these only say which steps are real.
_MASKS = ("NotEqual",)
# Inputs, by their place, of which a layer reads only what is real: steps of a sequence, or fields.
_ONLY_MASKS = {"MaskedPooling": 1, "PairAttention": 0}


@dataclasses.dataclass(frozen=True, eq=False)
class Vertex:
    """A call of a layer or operation, or what it returns for one block of columns.

    Args:
        number: place in the order of the graph.
        call: in the model.
        block: of a table with several, or None.
        reads: pairs of a vertex and the tensor of it that is read.
        outputs: the tensors that it makes.
    """

    number: int
    call: Call
    block: str | None
    reads: tuple[tuple["Vertex", keras.KerasTensor], ...]
    outputs: tuple[keras.KerasTensor, ...]

    @property
    def operation(self) -> keras.Operation:
        return self.call.operation

    @property
    def name(self) -> str:
        return self.operation.name

    @property
    def is_input(self) -> bool:
        return isinstance(self.operation, keras.layers.InputLayer)


class Graph:
    """All vertices of a model.

    Args:
        model: built functional model.

    Attributes:
        vertices: each after those that it reads.
        outputs: pairs of the name of an output and its vertex, in the order of the tasks.

    Raises:
        ValueError: a model without a graph.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = _functional(model)
        self.vertices: list[Vertex] = []
        self._maker: dict[int, Vertex] = {}
        for call in calls_of(self.model):
            for block, inputs, outputs in _parts(call):
                reads = [(self._maker[id(t)], t) for t in inputs if id(t) in self._maker]
                reads = [(self._taken(vertex, call), t) for vertex, t in reads]
                vertex = Vertex(len(self.vertices), call, block, tuple(reads), tuple(outputs))
                self.vertices.append(vertex)
                if type(call.operation).__name__ not in _MASKS:
                    self._maker |= {id(tensor): vertex for tensor in outputs}
        output = self.model.output
        named = output if isinstance(output, dict) else {}
        tensors = list(named.values()) or list(self.model.outputs)
        names = list(named) or [vertex.name for vertex in map(self.maker, tensors)]
        self.outputs = list(zip(names, map(self.maker, tensors), strict=True))

    def _taken(self, vertex: Vertex, call: Call) -> Vertex:
        """What a call takes of a block of columns: some of its columns, where it picks them."""
        columns = getattr(vertex.operation, "blocks", {}).get(vertex.block, ())
        key = call.args[1] if type(call.operation).__name__ == "GetItem" else None
        is_of_ids = all(isinstance(column, CategoricalColumn) for column in columns)
        if not columns or not is_of_ids or not isinstance(key, tuple) or len(key) < 2:
            return vertex
        names = [source.name for source, _ in vertex.reads]
        there = [column.name for column in columns if column.name in names]
        taken = np.atleast_1d(np.array(there)[key[1]])
        reads = tuple((source, t) for source, t in vertex.reads if source.name in taken)
        if len(reads) == len(vertex.reads):
            return vertex
        part = dataclasses.replace(vertex, number=len(self.vertices), reads=reads)
        self.vertices.append(part)
        return part

    def maker(self, tensor: keras.KerasTensor) -> Vertex:
        """The vertex that makes a tensor."""
        return self._maker[id(tensor)]

    def before(self, targets: Iterable[Vertex], stops: Iterable[Vertex]) -> set[Vertex]:
        """The vertices that reach the targets without passing a vertex of ``stops``.

        Args:
            targets: ends of the paths; the vertices that they read are included, stops or not.
            stops: paths begin there; a stop that is reached is part of the result.

        Returns:
            Vertices, the targets themselves only where one reads another.
        """
        stops, found = set(stops), set()
        waiting = [source for target in targets for source, _ in target.reads]
        while waiting:
            vertex = waiting.pop()
            if vertex in found:
                continue
            found.add(vertex)
            if vertex not in stops:
                waiting += [source for source, _ in vertex.reads]
        return found


def _functional(model):
    name = getattr(model, "name", type(model).__name__)
    if not isinstance(model, keras.Model):
        raise ValueError(f"sketch: expected a keras.Model, got {type(model).__name__}")
    if not hasattr(model, "_nodes_by_depth"):
        raise ValueError(
            f"sketch: expected a model with a graph, keras.Model(inputs, outputs), got {name!r}, "
            "which is a subclass or not built"
        )
    return model


def _parts(call):
    """Block, input tensors and output tensors of each vertex of a call."""
    operation, inputs = call.operation, call.inputs
    given = call.args[0] if call.args and isinstance(call.args[0], dict) else None
    columns = getattr(operation, "columns", None)
    if given is not None and columns:
        names = {column.name for column in columns}
        handed = {id(tensor) for tensor in given.values()}
        read = {id(tensor) for name, tensor in given.items() if name in names}
        inputs = [t for t in inputs if id(t) in read or id(t) not in handed]
    if isinstance(operation, FusedEmbedding) and given is not None:
        # Keras returns the blocks of a dict in the order of their names.
        blocks = sorted(
            name
            for name, members in operation.blocks.items()
            if any(column.name in given for column in members)
        )
        for block, output in zip(blocks, call.outputs, strict=True):
            members = {column.name for column in operation.blocks[block]}
            read = {id(tensor) for name, tensor in given.items() if name in members}
            yield block, [tensor for tensor in inputs if id(tensor) in read], [output]
        return
    mask = _ONLY_MASKS.get(type(operation).__name__)
    inputs = [tensor for place, tensor in enumerate(inputs) if place != mask]
    yield None, inputs, call.outputs
