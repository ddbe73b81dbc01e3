"""The arrows between boxes of a sketch, computed from the built model.

An arrow from a to b is true if there is a path from a's layer to b's through layers without a box.
If a box is for a part of a layer, paths do not determine it; then the boxes' values are held and
only a's value is changed, see ``interventions``.
"""

import functools
from collections.abc import Sequence

from recsys_book.pictures.graph import Graph, Vertex
from recsys_book.pictures.interventions import changes
from recsys_book.pictures.naming import Place, resolve
from recsys_book.pictures.plan import Plan, PlannedArrow, PlannedBox
from recsys_lib.features.embedding import FusedEmbedding

REST, REST_NUMBERS = "*", "*numbers"


class Boxes:
    """The boxes of a plan in a built model.

    Args:
        plan: of the sketch.
        graph: of the model.

    Attributes:
        plan, graph: as given.
        places: dict of the key of a box to its places; boxes of optional places that the model
            lacks are left out.
        unnamed: pairs of a box with arrows into it and an input that reaches it although no box
            stands for it.

    Raises:
        ValueError: a name that is no place of the model.
    """

    def __init__(self, plan: Plan, graph: Graph) -> None:
        self.plan, self.graph = plan, graph
        self.places = _named_places(plan, graph)
        self._index()
        self._reached = {arrow.target for arrow in plan.planned_arrows if arrow.source in self.keys}
        self.unnamed = [
            (key, vertex)
            for key in self.places
            if key in self._reached
            for vertex in sorted(self.before(key), key=lambda vertex: vertex.number)
            if vertex.is_input and vertex not in self._of_vertex
        ]
        for name in (REST_NUMBERS, REST):
            self._stand_for_rest(name)
        self._index()

    def _index(self) -> None:
        """File the boxes under the vertices for which they stand, wholly or in part."""
        self._of_vertex: dict[Vertex, set[str]] = {}
        for key, places in self.places.items():
            for place in places:
                for vertex in place.vertices:
                    self._of_vertex.setdefault(vertex, set()).add(key)

    def _stand_for_rest(self, name: str) -> None:
        """Let the box of this name stand for the inputs for which no box stands yet."""
        keys = [box.key for box in self.plan.boxes.values() if box.places == (name,)]
        inputs = {
            vertex
            for _, vertex in self.unnamed
            if name == REST or "float" in vertex.outputs[0].dtype
        }
        if keys and inputs:
            ordered = sorted(inputs, key=lambda vertex: vertex.number)
            self.places[keys[0]] = (Place(name, tuple(ordered)),)
            self.unnamed = [(key, v) for key, v in self.unnamed if v not in inputs]

    @property
    def keys(self) -> set[str]:
        """Keys of the boxes that are there, those for the rest of the inputs among them."""
        return {key for key, box in self.plan.boxes.items() if key in self.places or _is_rest(box)}

    def before(self, key: str) -> set[Vertex]:
        """The vertices that reach a box without passing another box, the other boxes' own too."""
        targets = [vertex for place in self.places[key] for vertex in place.vertices]
        return self.graph.before(targets, self._of_vertex)

    def boxes_of(self, vertex: Vertex, whole: bool = False) -> set[str]:
        """Keys of the boxes that stand for a vertex or, unless ``whole``, for parts of it."""
        keys = self._of_vertex.get(vertex, set())
        if not whole:
            return keys
        return {key for key in keys if not any(place.is_inside for place in self.places[key])}

    def has_parts(self) -> bool:
        """Whether a box stands for a part of a layer."""
        return any(place.is_inside for places in self.places.values() for place in places)

    @functools.cached_property
    def true_arrows(self) -> set[tuple[str, str]]:
        """All arrows that the model has: pairs of keys."""
        if self.has_parts():
            return changes(self.graph, self.places)
        return {
            (source, key)
            for key in self.places
            for vertex in self.before(key)
            for source in self.boxes_of(vertex)
            if source != key
        }

    def missing(self) -> list[str]:
        """A line for each input, output, layer with weights or part that has no box."""
        found = [
            f"box {key!r}: also reads {vertex.name!r}, for which no box stands"
            for key, vertex in self.unnamed
        ]
        for name, vertex in self.graph.outputs:
            if vertex not in self._of_vertex:
                found.append(f"output {name!r}: expected a box")
        for vertex in sorted(self._between(), key=lambda vertex: vertex.number):
            # For a table of columns speaks what reads it, or what draws ids for it.
            is_table = isinstance(vertex.operation, FusedEmbedding)
            if not is_table and getattr(vertex.operation, "weights", None):
                found.append(f"layer {vertex.name!r}: expected a box")
        return found + self._missing_parts()

    def _between(self) -> set[Vertex]:
        """The tensors that reach a box through no other box and have no box themselves."""
        return {
            vertex
            for key in self.places
            if key in self._reached
            for vertex in self.before(key)
            if vertex not in self._of_vertex
        }

    def _missing_parts(self) -> list[str]:
        """Layers of which boxes stand for some parts and for others none does."""
        parts: dict[str, set[int]] = {}
        sizes: dict[str, int] = {}
        for places in self.places.values():
            for place in places:
                if place.part is not None:
                    vertex = place.vertices[0]
                    sizes[vertex.name] = vertex.outputs[0].shape[1]
                    covered = range(sizes[vertex.name])[place.part]
                    parts.setdefault(vertex.name, set()).update(covered)
        return [
            f"layer {name!r}: expected boxes for all {sizes[name]} parts, got {len(covered)}"
            for name, covered in parts.items()
            if len(covered) < sizes[name]
        ]


def _is_rest(box: PlannedBox) -> bool:
    return box.places in ((REST,), (REST_NUMBERS,))


def _named_places(plan: Plan, graph: Graph) -> dict[str, tuple[Place, ...]]:
    """The places of all boxes but those for the rest, without places that may be missing and are.

    Raises:
        ValueError: a name that is no place of the model.
    """
    found = {}
    for box in plan.boxes.values():
        if _is_rest(box):
            continue
        try:
            resolved = [resolve(graph, name) for name in box.places]
        except ValueError as error:
            raise ValueError(f"box {box.key!r}: {error}") from None
        places = tuple(place for place in resolved if place is not None)
        if places:
            found[box.key] = places
    return found


def drawn_arrows(boxes: Boxes) -> list[PlannedArrow]:
    """The arrows of a plan between boxes that are there; optional ones where the model has them.

    Args:
        boxes: of the plan in the model.

    Returns:
        Planned arrows, in their order.
    """
    true = boxes.true_arrows
    return [
        arrow
        for arrow in boxes.plan.planned_arrows
        if arrow.source in boxes.places and arrow.target in boxes.places
        if not arrow.is_optional or (arrow.source, arrow.target) in true
    ]


def faults(boxes: Boxes) -> list[str]:
    """The errors of a sketch about a model, a line each.

    Args:
        boxes: of the sketch's plan in the model.

    Returns:
        Arrows that the model does not have, missing arrows, and parts without a box.
    """
    drawn = {(arrow.source, arrow.target) for arrow in drawn_arrows(boxes)}
    found = [
        f"arrow {source} > {target}: the model has no such path"
        for source, target in sorted(drawn - boxes.true_arrows)
    ]
    found += [
        f"arrow {source} > {target}: the model has it, the sketch does not"
        for source, target in sorted(boxes.true_arrows - drawn)
    ]
    return found + boxes.missing()


def shape_between(boxes: Boxes, source: str, target: str) -> tuple[int | None, ...] | None:
    """The shape, without the batch, of an arrow's tensor.

    Args:
        boxes: of a sketch.
        source, target: keys of boxes.

    Returns:
        The shape of the last tensor on the way that holds nothing of another box; None where
        there are several, or where the source is a weight.
    """
    places = boxes.places[source]
    if any(place.is_inside for place in places):
        return _shape_of_part(places[0]) if len(places) == 1 else None
    found: dict[int, tuple[int | None, ...]] = {}
    origins: dict[Vertex, frozenset[str]] = {}

    def origin(vertex: Vertex) -> frozenset[str]:
        if vertex not in origins:
            own = boxes.boxes_of(vertex, whole=True) or boxes.boxes_of(vertex)
            read = [origin(source_) for source_, _ in vertex.reads]
            origins[vertex] = frozenset(own) if own else frozenset().union(*read)
        return origins[vertex]

    targets = {vertex for place in boxes.places[target] for vertex in place.vertices}
    waiting, seen = list(targets), set(targets)
    while waiting:
        for vertex, tensor in waiting.pop().reads:
            if source not in origin(vertex):
                continue
            if origin(vertex) == {source}:
                found[id(tensor)] = tuple(tensor.shape[1:])
            elif vertex not in seen and not boxes.boxes_of(vertex):
                seen.add(vertex)
                waiting.append(vertex)
    shapes: Sequence[tuple[int | None, ...]] = list(found.values())
    return shapes[0] if len(shapes) == 1 else None


def _shape_of_part(place: Place) -> tuple[int | None, ...] | None:
    if place.part is None:
        return None
    shape = place.vertices[0].outputs[0].shape
    count = len(range(shape[1])[place.part])
    return tuple(shape[2:]) if count == 1 else (count, *shape[2:])
