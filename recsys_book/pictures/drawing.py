"""From placed boxes and arrows to a ``Picture``: corners, ports, labels, frames, legend.

Everything is known as numbers before anything is drawn, so that ``problems`` can say what a reader
would stumble over: overlaps, and arrows that run through a box that they have nothing to do with.
"""

import dataclasses
from collections.abc import Sequence

from recsys_book.pictures import labels, ports
from recsys_book.pictures.kinds import LOOKS, TEXT, TEXT_ON
from recsys_book.pictures.parts import Command, Rectangle, Shape, Text
from recsys_book.pictures.picture import Picture
from recsys_book.pictures.text import LINE, SIZE, SMALL, outline, pieces, width_of

MARGIN = 14
GREY = "#555555"


@dataclasses.dataclass(frozen=True)
class Box:
    """A box in its place.

    Args:
        key: unique in the drawing.
        lines: of the label.
        kind: a key of ``LOOKS``.
        area: in pixels.
    """

    key: str
    lines: tuple[str, ...]
    kind: str
    area: Rectangle


@dataclasses.dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes.

    Args:
        source, target: keys of boxes.
        label: at the arrow, or nothing.
        via: points in pixels that it passes.
    """

    source: str
    target: str
    label: str = ""
    via: tuple[tuple[float, float], ...] = ()


@dataclasses.dataclass(frozen=True)
class Frame:
    """An area around boxes that belong together, with a title at its upper left."""

    title: str
    area: Rectangle


class Drawing:
    """Boxes, arrows and frames on a page.

    Args:
        title, description: see ``Picture``.
        boxes, arrows, frames: what to draw.
        size: width and height of the page without legend and title, in pixels.
        note: a line of small print beside the legend.

    Attributes:
        has_legend: whether the legend is drawn.
    """

    def __init__(
        self,
        title: str,
        description: str,
        boxes: Sequence[Box],
        arrows: Sequence[Arrow],
        frames: Sequence[Frame] = (),
        *,
        size: tuple[float, float],
        note: str = "",
    ) -> None:
        self.title, self.description = title, description
        self.boxes, self.arrows, self.frames = list(boxes), list(arrows), list(frames)
        self.size, self.note = size, note
        self.has_legend = True
        self.lines = ports.lines_of(self.boxes, self.arrows)
        self.frame_titles = [
            Rectangle(
                frame.area.left + 6,
                frame.area.top + 3,
                frame.area.left + 6 + width_of(frame.title, SMALL),
                frame.area.top + 17,
            )
            for frame in self.frames
        ]
        taken = [box.area for box in self.boxes] + self.frame_titles
        self.labels = labels.placed(self.arrows, self.lines, taken, self.size, SMALL)

    def parts(self) -> list[Shape | Text]:
        """The drawing without title and legend."""
        found: list[Shape | Text] = []
        for frame, area in zip(self.frames, self.frame_titles, strict=True):
            outer = corners(frame.area, "round")
            found.append(Shape(outer, "#F6F6F6", "#9A9A9A", 1, (2, 3)))
            found += written(frame.title, area.left, area.top + 11, SMALL, GREY)
        for line in self.lines:
            found += _arrow(line)
        for label, text in self.labels:
            commands = corners(label, "square")
            found.append(Shape(commands, "#FFFFFF" if not self._in_frame(label) else "#F6F6F6"))
            found += written(text, label.left + 2, label.bottom - 3, SMALL, GREY)
        for box in self.boxes:
            found += _box(box)
        return found

    def _in_frame(self, label):
        return any(frame.area.overlaps(label) for frame in self.frames)

    def picture(self) -> Picture:
        """The drawing with title and legend, on a card."""
        width, height = self.size
        top = 34.0
        parts = [moved(part, 0, top) for part in self.parts()]
        parts += written(self.title, MARGIN, 23, 14, TEXT, is_bold=True)
        used = [kind for kind in LOOKS if any(box.kind == kind for box in self.boxes)]
        rows = legend(used, self.note, width) if self.has_legend else []
        for row, found in enumerate(rows):
            parts += [moved(part, 0, top + height + 6 + 20 * row) for part in found]
        total = top + height + 6 + 20 * len(rows) + (6 if rows else 0)
        return Picture(self.title, self.description, (width, total), tuple(parts))

    def problems(self) -> list[str]:
        """The faults of the drawing, a line each; none in a good one."""
        return labels.problems(self)


def legend(kinds: Sequence[str], note: str, width: float) -> list[list[Shape | Text]]:
    """Rows of the legend, each beginning at height 0.

    Args:
        kinds: keys of ``LOOKS``.
        note: small print behind the last kind, or on a row of its own.
        width: of the page.

    Returns:
        Parts of each row.
    """
    rows: list[list[Shape | Text]] = []
    left = width
    for text, kind in [*((LOOKS[kind].title, kind) for kind in kinds), (note, "")]:
        if not text:
            continue
        needed = width_of(text, SMALL) + (44 if kind else 6)
        if not rows or left + needed > width - MARGIN:
            rows.append([])
            left = MARGIN
        if kind:
            rows[-1] += _box(Box("", (), kind, Rectangle(left, 2, left + 22, 15)))
        rows[-1] += written(text, left + (27 if kind else 0), 13, SMALL, GREY)
        left += needed
    return rows


def written(text, x, y, size, color, is_bold=False) -> list[Shape | Text]:
    """A line of text, with formulas or without, from the left end of its base line."""
    found: list[Shape | Text] = []
    for piece, formula in pieces(text):
        width = width_of(piece, size, is_bold)
        if formula:
            found.append(moved(Shape(outline(piece, size).commands, color), x, y))
        elif piece.strip():
            blanks = piece[: len(piece) - len(piece.lstrip())]
            before, shown = width_of(blanks, size, is_bold), piece.strip()
            shown_width = width_of(shown, size, is_bold)
            found.append(Text(shown, x + before, y, size, shown_width, color, is_bold))
        x += width
    return found


def moved(part: Shape | Text, right: float, down: float) -> Shape | Text:
    """The part in another place."""
    if isinstance(part, Text):
        return part._replace(x=part.x + right, y=part.y + down)
    commands = tuple(
        (letter, tuple(n + (down if place % 2 else right) for place, n in enumerate(numbers)))
        for letter, numbers in part.commands
    )
    return part._replace(commands=commands)


def _box(box):
    look = LOOKS[box.kind]
    outer = corners(box.area, look.corners)
    found = [Shape(outer, look.fill, look.border, look.width, look.dash)]
    left, top, right, bottom = box.area
    if look.cells:
        step = (bottom - top) / 3
        cells = [("M", (left + 6, top)), ("L", (left + 6, bottom))]
        for place in (1, 2):
            cells += [("M", (left, top + place * step)), ("L", (left + 6, top + place * step))]
        found.append(Shape(tuple(cells), None, look.border, 1))
    color = TEXT_ON.get(box.kind, TEXT)
    base = (top + bottom) / 2 - LINE * (len(box.lines) - 1) / 2 + 4
    middle = (left + right + (6 if look.cells else 0)) / 2
    for place, line in enumerate(box.lines):
        x = middle - width_of(line, SIZE) / 2
        found += written(line, x, base + place * LINE, SIZE, color)
    return found


def corners(area: Rectangle, form: str) -> tuple[Command, ...]:
    """The path of an area with corners of this form."""
    left, top, right, bottom = area
    if form == "square":
        points = [(left, top), (right, top), (right, bottom), (left, bottom)]
        return (("M", points[0]), *(("L", point) for point in points[1:]), ("Z", ()))
    high = bottom - top
    r = {"round": 6, "cut": min(8, high / 3), "pill": min(high / 2, 14)}[form]
    ends = [
        ((left + r, top), (right - r, top), (right, top)),
        ((right, top + r), (right, bottom - r), (right, bottom)),
        ((right - r, bottom), (left + r, bottom), (left, bottom)),
        ((left, bottom - r), (left, top + r), (left, top)),
    ]
    path: list[Command] = [("M", ends[0][0])]
    for place, (_, end, corner) in enumerate(ends):
        following = ends[(place + 1) % 4][0]
        path.append(("L", end))
        path.append(("L", following) if form == "cut" else ("Q", (*corner, *following)))
    return (*path, ("Z", ()))


def _arrow(line):
    (x0, y0), (x1, y1) = line[-2:]
    length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-6)
    right, down = (x1 - x0) / length, (y1 - y0) / length
    back = (x1 - 7 * right, y1 - 7 * down)
    wings = [
        (back[0] - 3.5 * down, back[1] + 3.5 * right),
        (back[0] + 3.5 * down, back[1] - 3.5 * right),
    ]
    shaft = [("M", line[0]), *(("L", point) for point in [*line[1:-1], back])]
    head = (("M", (x1, y1)), ("L", wings[0]), ("L", wings[1]), ("Z", ()))
    return [Shape(tuple(shaft), None, GREY, 1.3), Shape(head, GREY)]
