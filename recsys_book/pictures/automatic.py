"""``diagram``: the picture of any built model, laid out automatically."""

import textwrap
from collections import defaultdict
from typing import TYPE_CHECKING

from recsys_book.pictures.arrows import Standing, shape_between
from recsys_book.pictures.drawing import MARGIN, Arrow, Box, Drawing
from recsys_book.pictures.graph import Graph, Vertex, is_named
from recsys_book.pictures.kinds import kind_of
from recsys_book.pictures.layout import place
from recsys_book.pictures.naming import Place
from recsys_book.pictures.parts import WIDEST, Rectangle
from recsys_book.pictures.picture import Picture
from recsys_book.pictures.sketching import shape_text
from recsys_book.pictures.text import SIZE, height_of, width_of

if TYPE_CHECKING:
    import keras

# Layers that move numbers and compute nothing; drawn only if somebody named them.
_PLUMBING = {
    "BroadcastTo",
    "Cast",
    "Concatenate",
    "Copy",
    "ExpandDims",
    "Flatten",
    "GetItem",
    "Identity",
    "MaskedPooling",
    "Moveaxis",
    "OnesLike",
    "Repeat",
    "RepeatVector",
    "Reshape",
    "Split",
    "Squeeze",
    "Stack",
    "StopGradient",
    "Swapaxes",
    "Tile",
    "Transpose",
    "Unstack",
    "ZerosLike",
}
# They act in training only.
_NEVER = {"Dropout", "GaussianNoise", "SpatialDropout1D"}
_SIGNS = {"Add": "+", "Multiply": "×", "Subtract": "−", "Divide": "÷", "TrueDivide": "÷"}
_ROW = 70
_WIDEST_LABEL = 168
_SHOWN_COLUMNS = 4


def diagram(model: "keras.Model") -> Picture:
    """Draw a model from its graph.

    A box for each layer, with its name and class; arrows carry the shape for one row. Layers
    that only move numbers (reshaping, picking, concatenating), dropout, and masks of a history's
    steps are not drawn. Inputs that go to the same layers share a box.

    Args:
        model: built functional or sequential model, of the book or your own.

    Returns:
        A picture that a notebook shows as SVG or PNG; its text is a description.

    Raises:
        ValueError: a model without a graph.

    Example:
        >>> import keras
        >>> layers = [keras.Input((3,), name="x"), keras.layers.Dense(2, name="hidden")]
        >>> print(diagram(keras.Sequential(layers, name="small")))
        small. A model with 1 input and 1 layer. Arrows: x → hidden Dense (3).
    """
    return drawing(model).picture()


def drawing(model: "keras.Model") -> Drawing:
    """The drawing behind ``diagram``, as numbers.

    Args:
        model: as for ``diagram``.

    Returns:
        The drawing.
    """
    graph = Graph(model)
    boxes = _boxes(graph)
    standing = Standing(graph, {key: (Place(key, vertices),) for key, vertices in boxes.items()})
    edges = sorted(standing.paths(), key=lambda edge: [boxes[key][0].number for key in edge])
    labels = {key: _label(vertices) for key, vertices in boxes.items()}
    _count_again(boxes, labels)
    widths = {
        key: max(34.0, *(width_of(line, SIZE) + 20 for line in lines))
        for key, lines in labels.items()
    }
    middles, bends = place(boxes, edges, widths, WIDEST - 2 * MARGIN)
    kinds = _kinds(boxes, edges)
    return _drawn(model, boxes, kinds, labels, widths, middles, bends, standing)


def _kinds(boxes, edges):
    """The kind of each box; what only names vectors is of their kind."""
    kinds = {key: kind_of(vertices[0].operation) for key, vertices in boxes.items()}
    for source, target in edges:
        is_name = type(boxes[target][0].operation).__name__ == "Identity"
        if is_name and kinds[source] == "embedding":
            kinds[target] = "embedding"
    return kinds


def _drawn(model, boxes, kinds, labels, widths, middles, bends, standing):
    highest = max(row for _, row in middles.values())
    tallest = max(height_of(lines) for lines in labels.values())
    height = highest * max(_ROW, tallest + 26) + tallest + 8

    def y_of(row):
        return height - 4 - tallest / 2 - row * max(_ROW, tallest + 26)

    drawn = []
    for key, lines in labels.items():
        middle, row = MARGIN + middles[key][0], y_of(middles[key][1])
        half, side = height_of(lines) / 2, widths[key] / 2
        area = Rectangle(middle - side, row - half, middle + side, row + half)
        drawn.append(Box(key, lines, kinds[key], area))
    arrows, shown = [], set()
    for (source, target), points in bends.items():
        text = shape_text(shape_between(standing, source, target))
        # Upright beside the boxes of a row, so that a slanted line never meets one.
        via = tuple(
            (MARGIN + x, y_of(row) + side * (tallest / 2 + 3))
            for x, row in points
            for side in (1, -1)
        )
        arrows.append(Arrow(source, target, "" if (source, text) in shown else text, via))
        shown.add((source, text))
    width = max(box.area.right for box in drawn) + MARGIN
    width = max(width, *(x + 4 for arrow in arrows for x, _ in arrow.via), 300.0)
    inputs = sum(vertex.is_input for vertices in boxes.values() for vertex in vertices)
    layers = sum(not vertices[0].is_input for vertices in boxes.values())
    counted = f"{inputs} input{'s' * (inputs != 1)} and {layers} layer{'s' * (layers != 1)}"
    said = _said(labels, bends, standing)
    return Drawing(
        model.name,
        f"A model with {counted}. Arrows: {said}.",
        drawn,
        arrows,
        size=(width, height),
        note="Numbers at arrows: the shape for one row.",
    )


def _said(labels, bends, standing):
    """All arrows in words."""
    targets = defaultdict(list)
    for source, target in bends:
        text = shape_text(shape_between(standing, source, target))
        targets[source].append(" ".join(labels[target]) + (f" ({text})" if text else ""))
    return "; ".join(
        f"{' '.join(labels[source])} → {', '.join(found)}" for source, found in targets.items()
    )


def _boxes(graph: Graph) -> dict[str, tuple[Vertex, ...]]:
    """The vertices of each box, in the order of the graph."""
    after: dict[Vertex, set[Vertex]] = defaultdict(set)
    real: set[Vertex] = set()
    for vertex in graph.vertices:
        sources = {source for source, _ in vertex.reads}
        for source in sources:
            after[source].add(vertex)
        # A layer that neither reads an input nor has weights computes a mask of the real steps.
        has_weights = bool(getattr(vertex.operation, "weights", ()))
        if vertex.is_input or has_weights or sources & real:
            real.add(vertex)
    is_output = {vertex for _, vertex in graph.outputs}
    shown: dict[Vertex, str] = {}
    merged: dict[tuple, str] = {}
    boxes: dict[str, list[Vertex]] = {}
    for vertex in graph.vertices:
        if vertex not in real or vertex.is_input or not graph.is_read(vertex):
            continue
        known = (v for v in graph.before([vertex], shown) if v in shown or v.is_input)
        keys = frozenset(shown.get(v, v.name) for v in known)
        if vertex not in is_output and _is_plumbing(vertex, after[vertex], len(keys)):
            continue
        # A table is one box for all its blocks, and a head that is asked twice is one box.
        same = id(vertex.call) if vertex.block else keys
        key = merged.setdefault((vertex.name, same), f"{vertex.name} {vertex.number}")
        shown[vertex] = key
        boxes.setdefault(key, []).append(vertex)
    inputs = _inputs(graph, shown)
    return {key: tuple(vertices) for key, vertices in {**inputs, **boxes}.items()}


def _inputs(graph, shown):
    """Inputs that are read by the same boxes, together."""
    readers = defaultdict(set)
    for vertex, key in shown.items():
        for source in graph.before([vertex], shown):
            if source.is_input:
                readers[source].add(key)
    boxes = defaultdict(list)
    for vertex in graph.vertices:
        if vertex.is_input and readers[vertex]:
            boxes[frozenset(readers[vertex])].append(vertex)
    return {f"input {vertices[0].name}": vertices for vertices in boxes.values()}


def _is_plumbing(vertex, after, num_sources):
    kind = type(vertex.operation).__name__
    if kind in _NEVER:
        return True
    if is_named(vertex.operation):
        return False
    if kind in _PLUMBING or (kind in _SIGNS and num_sources < 2):
        return True
    # Sums of one table's weights that are added up further on.
    return kind == "Sum" and all(
        type(reader.operation).__name__ in ("Add", "Concatenate") for reader in after
    )


def _label(vertices):
    first = vertices[0]
    if first.is_input:
        names = [vertex.name for vertex in vertices]
        more = len(names) - _SHOWN_COLUMNS
        text = ", ".join(names[:_SHOWN_COLUMNS]) + (f" and {more} more" if more > 0 else "")
        return tuple(textwrap.wrap(text, 28))
    kind = type(first.operation).__name__
    if kind == "Identity":
        return (_cut(first.name),)
    if not is_named(first.operation) and not getattr(first.operation, "weights", None):
        return (_SIGNS.get(kind, kind),)
    return _cut(first.name), _cut(kind)


def _cut(line):
    while width_of(line, SIZE) > _WIDEST_LABEL - 20:
        line = line[: len(line) // 2 - 1] + "…" + line[len(line) // 2 + 1 :]
    return line


def _count_again(boxes, labels):
    """Say of a layer that is called once more that it is the same one."""
    seen = set()
    for key, vertices in boxes.items():
        operation = vertices[0].operation
        if id(operation) in seen:
            labels[key] = (*labels[key][:-1], f"{labels[key][-1]}, again")
        seen.add(id(operation))
