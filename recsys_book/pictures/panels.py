"""Several drawings side by side in one picture, with one legend."""

from collections.abc import Sequence

from recsys_book.pictures.drawing import GREY, MARGIN, Drawing, corners, legend, moved, written
from recsys_book.pictures.kinds import LOOKS, TEXT
from recsys_book.pictures.parts import WIDEST, Rectangle, Shape, Text
from recsys_book.pictures.picture import Picture

GAP = 12
_HEAD = 26


class Panels:
    """Drawings in rows of two.

    Args:
        title, description: see ``Picture``.
        drawings: any number; the title of each stands above it.
        colors: of the mark before each title, hexadecimal, such as the model's in all figures.
        row_titles: above each row of two, or none.
        note: small print beside the legend.

    Attributes:
        drawings: as given.
        size: width and height of the picture, in pixels.
    """

    def __init__(
        self,
        title: str,
        description: str,
        drawings: Sequence[Drawing],
        colors: Sequence[str] = (),
        row_titles: Sequence[str] = (),
        note: str = "",
    ) -> None:
        self.title, self.description = title, description
        self.drawings = list(drawings)
        self._parts: list[Shape | Text] = list(written(title, MARGIN, 23, 14, TEXT, is_bold=True))
        rows = [self.drawings[first : first + 2] for first in range(0, len(self.drawings), 2)]
        width = max(drawing.size[0] for drawing in self.drawings)
        whole = 2 * width + GAP
        top = 34.0
        for number, row in enumerate(rows):
            if row_titles:
                self._parts += written(row_titles[number], MARGIN, top + 14, 12, GREY)
                top += 20
            height = max(drawing.size[1] for drawing in row)
            for place, drawing in enumerate(row):
                left = place * (width + GAP)
                color = colors[2 * number + place] if colors else TEXT
                self._parts += _frame(left + 5, top + 2, width - 4, height + _HEAD, color)
                head = written(drawing.title, left + MARGIN + 16, top + 19, 13, TEXT, is_bold=True)
                self._parts += head
                # Below the others of its row, so that the inputs of a row stand on one line.
                down = top + _HEAD + height - drawing.size[1]
                self._parts += [moved(part, left, down) for part in drawing.parts()]
            top += height + _HEAD + GAP
        used = {box.kind for drawing in self.drawings for box in drawing.boxes}
        kinds = [kind for kind in LOOKS if kind in used]
        for parts in legend(kinds, note, whole):
            self._parts += [moved(part, 0, top) for part in parts]
            top += 20
        self.size = whole + 6, top + 6

    def picture(self) -> Picture:
        """The panels on one card; the description names each panel's arrows."""
        said = [f"{drawing.title}: {drawing.description}" for drawing in self.drawings]
        text = " ".join([self.description, *said])
        return Picture(self.title, text, self.size, tuple(self._parts))

    def problems(self) -> list[str]:
        """The faults of each panel, a line each, and whether the page is too wide."""
        found = [
            f"{drawing.title}: {problem}"
            for drawing in self.drawings
            for problem in drawing.problems()
        ]
        if self.size[0] > WIDEST:
            found.append(f"page: expected at most {WIDEST} pixels, got {self.size[0]:.0f}")
        return found


def _frame(left, top, width, height, color) -> list[Shape | Text]:
    edge = Rectangle(left, top, left + width, top + height)
    mark = Rectangle(left + 9, top + 8, left + 18, top + 17)
    return [Shape(corners(edge, "square"), None, "#D0D0D0"), Shape(corners(mark, "square"), color)]
