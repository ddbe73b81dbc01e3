"""From a plan and a built model to the checked drawing of a sketch."""

from collections.abc import Mapping, Sequence

import keras

from recsys_book.pictures.arrows import Boxes, drawn_arrows, faults, shape_between
from recsys_book.pictures.drawing import MARGIN, Arrow, Box, Drawing, Frame
from recsys_book.pictures.graph import Graph
from recsys_book.pictures.parts import Rectangle
from recsys_book.pictures.plan import Plan, PlannedArrow
from recsys_book.pictures.text import height_of

GAP = 12
"""Pixels between boxes that stand side by side."""
NOTE = "Numbers at arrows: the shape for one row."


def checked(plan: Plan, model: keras.Model) -> Drawing:
    """The drawing of a plan, if all that it says holds for the model.

    Args:
        plan: of a sketch.
        model: built.

    Returns:
        The drawing, with the model's shapes at its arrows.

    Raises:
        ValueError: what does not hold, all of it.
    """
    boxes = Boxes(plan, Graph(model))
    wrong = faults(boxes)
    if wrong:
        raise ValueError(f"sketch {plan.title!r} of model {model.name!r}: {'; '.join(wrong)}")
    arrows = drawn_arrows(boxes)
    labels = {}
    for arrow in arrows:
        shape = shape_between(boxes, arrow.source, arrow.target)
        labels[arrow.source, arrow.target] = shape_text(shape)
    behind = {key for key, box in plan.boxes.items() if box.kind == "loss"}
    for arrow in plan.planned_arrows:
        if arrow.target in behind:
            arrows.append(arrow)
            if arrow.source in behind:
                task = arrow.source.replace("loss", "task")
                labels[arrow.source, arrow.target] = f"$ω_{{{{{task}}}}}$"
    names = _names(boxes.graph)
    labels = {ends: _filled(text, names) for ends, text in labels.items()}
    return drawn(plan, set(boxes.places) | behind, labels, names, arrows)


def _names(graph: Graph) -> dict[str, str]:
    """What stands in labels for placeholders: names of outputs, and of the scenario's column."""
    chances = {}
    for number, (name, vertex) in enumerate(graph.outputs):
        is_number = getattr(vertex.operation, "kind", "") == "regression"
        chances[f"p({{task{number}}})"] = name if is_number else f"p({name})"
    tasks = {f"{{task{number}}}": name for number, (name, _) in enumerate(graph.outputs)}
    known = [v.operation for v in graph.vertices if type(v.operation).__name__ == "KnownScenarios"]
    scenario = known[0].columns[0].name if known else "scenario"
    return {"{p}": ", ".join(chances.values()), **chances, **tasks, "{scenario}": scenario}


def shape_text(shape: Sequence[int | None] | None) -> str:
    """A shape without its batch as a label.

    Args:
        shape: such as ``(6, 8)``; None where there is none.

    Returns:
        Text; nothing for a single number.

    Example:
        >>> shape_text((6, 8))
        '6 × 8'
    """
    if not shape:
        return ""
    return " × ".join("?" if size is None else str(size) for size in shape)


def drawn(
    plan: Plan,
    keys: set[str] | None = None,
    labels: dict[tuple[str, str], str] | None = None,
    names: Mapping[str, str] | None = None,
    chosen: Sequence[PlannedArrow] | None = None,
) -> Drawing:
    """The drawing of a plan as it stands, checked or not.

    Args:
        plan: of a picture.
        keys: of the boxes to draw; default: all.
        labels: dict of ``(source, target)`` to the text at the arrow.
        names: what stands in labels in the place of ``{task0}`` and other such words.
        chosen: the arrows to draw; default: all of the plan.

    Returns:
        The drawing.
    """
    keys = set(plan.boxes) if keys is None else keys
    labels = labels or {}
    planned = [box for key, box in plan.boxes.items() if key in keys]
    across, down = plan.cell
    rows = [box.y for box in planned]
    lowest, highest = min(rows), max(rows)
    tallest = max(height_of(box.label.split("\n")) for box in planned if box.y == highest)
    shortest = max(height_of(box.label.split("\n")) for box in planned if box.y == lowest)
    height = (highest - lowest) * down + tallest / 2 + shortest / 2 + (14 if plan.frames else 4) + 4

    def y_of(row: float) -> float:
        return height - shortest / 2 - 4 - (row - lowest) * down

    def placed(box):
        left = MARGIN + box.x * across + GAP / 2
        lines = tuple(_filled(box.label, names or {}).split("\n"))
        half = height_of(lines) / 2
        middle = y_of(box.y)
        right = left + box.width * across - GAP
        area = Rectangle(left, middle - half, right, middle + half)
        return Box(box.key, lines, box.kind, area)

    boxes = [placed(box) for box in planned]
    areas = {box.key: box.area for box in boxes}
    shown: set[tuple[str, str]] = set()
    arrows = []
    for arrow in plan.planned_arrows if chosen is None else chosen:
        text = labels.get((arrow.source, arrow.target), "")
        # The output of a box is named once.
        label = "" if (arrow.source, text) in shown else text
        shown.add((arrow.source, text))
        via = tuple((MARGIN + x * across, y_of(y)) for x, y in arrow.via)
        arrows.append(Arrow(arrow.source, arrow.target, label, via))
    frames = []
    for frame in plan.frames:
        inside = [areas[key] for key in frame.keys if key in areas]
        frames.append(Frame(frame.title, _around(inside)))
    note = NOTE if labels else ""
    size = (plan.columns * across + 2 * MARGIN, height)
    return Drawing(
        plan.title,
        _description(plan, boxes, arrows, labels),
        boxes,
        arrows,
        frames,
        size=size,
        note=note,
    )


def _around(areas):
    return Rectangle(
        min(area.left for area in areas) - 7,
        min(area.top for area in areas) - 20,
        max(area.right for area in areas) + 7,
        max(area.bottom for area in areas) + 7,
    )


def _filled(text: str, names: Mapping[str, str]) -> str:
    """A label with names in the place of ``{task}``, ``{task0}``, ``{p}`` and others."""
    text = text.replace("{task}", "{task0}")
    for word, name in names.items():
        if not name.startswith("p("):  # a number is said as it is
            text = text.replace(f"{word} = sigmoid of the", f"{word} = the")
        text = text.replace(word, name)
    return text


def _description(plan, boxes, arrows, labels):
    """Describe the picture for readers who cannot see it: its subject, then every arrow."""
    names = {box.key: " ".join(box.lines).replace("$", "") for box in boxes}
    said = []
    for box in boxes:
        targets = [arrow for arrow in arrows if arrow.source == box.key]
        if targets:
            ends = []
            for arrow in targets:
                shape = labels.get((arrow.source, arrow.target), "").replace("$", "")
                ends.append(names[arrow.target] + (f" ({shape})" if shape else ""))
            said.append(f"{names[box.key]} → {', '.join(ends)}")
    return f"{plan.description} Arrows: {'; '.join(said)}."
