"""A sketch as its author writes it: boxes on a grid, and arrows between them.

    plan = Plan("DIN", "The candidate decides which behaviours count.", columns=4)
    plan.box("behaviours", "behaviours", "behaviours", "embedding", x=0, y=0)
    plan.box("unit", "activation unit", "din_weights", "gate", x=0, y=1)
    plan.arrows("behaviours > unit")

Rows are counted from the bottom, where the inputs stand, as in the papers' figures.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

from recsys_book.pictures.kinds import LOOKS

Point = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class PlannedBox:
    """A box of a plan, see ``Plan.box``."""

    key: str
    label: str
    places: tuple[str, ...]
    kind: str
    x: float
    y: float
    width: float


@dataclasses.dataclass(frozen=True)
class PlannedArrow:
    """An arrow of a plan, see ``Plan.arrows``."""

    source: str
    target: str
    via: tuple[Point, ...] = ()
    is_optional: bool = False


@dataclasses.dataclass(frozen=True)
class PlannedFrame:
    """A frame of a plan, see ``Plan.frame``."""

    title: str
    keys: tuple[str, ...]


class Plan:
    """Boxes, arrows and frames on a grid.

    Args:
        title: of the picture.
        description: one or two sentences that say what matters in it.
        columns: of the grid; may be a fraction.
        cell: width and height of a cell of the grid, in pixels.
    """

    def __init__(
        self,
        title: str,
        description: str,
        columns: float = 4,
        cell: tuple[float, float] = (150, 72),
    ) -> None:
        self.title, self.description = title, description
        self.columns, self.cell = columns, cell
        self.boxes: dict[str, PlannedBox] = {}
        self.planned_arrows: list[PlannedArrow] = []
        self.frames: list[PlannedFrame] = []

    def box(
        self, key: str, label: str, places: str, kind: str, x: float, y: float, width: float = 1
    ) -> None:
        """Place a box.

        Args:
            key: what arrows call it.
            label: its text, lines apart by newlines; formulas between dollar signs; ``{task}``
                is the name of the model's output, ``{task1}`` that of its second one, ``{p}``
                a probability for each.
            places: names of what it stands for, apart by spaces; see ``naming``. A loss stands for
                none, since it is no part of the model.
            kind: a key of ``LOOKS``.
            x, y: column and row of its left end; fractions stand between.
            width: in columns.

        Raises:
            ValueError: a key twice, an unknown kind, or a part of the model without a place.
        """
        if key in self.boxes:
            raise ValueError(f"sketch {self.title!r}: expected one box {key!r}, got two")
        if kind not in LOOKS:
            raise ValueError(f"box {key!r}: expected a kind of {list(LOOKS)}, got {kind!r}")
        if bool(places) == (kind == "loss"):
            raise ValueError(f"box {key!r}: expected places, and none for a loss, got {places!r}")
        self.boxes[key] = PlannedBox(key, label, tuple(places.split()), kind, x, y, width)

    def arrows(self, text: str) -> None:
        """Draw arrows.

        Args:
            text: such as ``"a > b > c; d > c via 1.5,2 3,2"``: chains apart by semicolons or lines;
                ``via`` names points of the grid that the last arrow of its chain passes. An
                arrow ``>?`` is drawn where the model has it, as some have by their columns.

        Raises:
            ValueError: a key without a box, or an arrow twice.
        """
        for chain, via in _chains(text):
            keys = [key.strip() for key in chain.replace(">?", "> ?").split(">")]
            for number, (source, target) in enumerate(itertools.pairwise(keys)):
                is_optional = target.startswith("?")
                source, target = source.lstrip("? "), target.lstrip("? ")
                for key in (source, target):
                    if key not in self.boxes:
                        raise ValueError(f"arrow {source} > {target}: expected a box {key!r}")
                if any((a.source, a.target) == (source, target) for a in self.planned_arrows):
                    raise ValueError(f"arrow {source} > {target}: expected once, got twice")
                is_last = number == len(keys) - 2
                points = via if is_last else ()
                self.planned_arrows.append(PlannedArrow(source, target, points, is_optional))

    def losses(self) -> None:
        """Draw behind the outputs a loss for each, and the weighted sum, which training follows."""
        outputs = [box for box in self.boxes.values() if box.places[0].startswith("output[")]
        top = max(box.y for box in outputs) + 1
        left, right = outputs[0].x, outputs[-1].x + outputs[-1].width
        self.box("total", "training follows $Σ ω ℒ$", "", "loss", left, top + 1, right - left)
        for number, box in enumerate(outputs):
            text = f"loss $ℒ_{{{{task{number}}}}}$"
            self.box(f"loss{number}", text, "", "loss", box.x, top, box.width)
            self.arrows(f"{box.key} > loss{number} > total")

    def frame(self, title: str, keys: str) -> None:
        """Draw a frame around boxes.

        Args:
            title: at its upper left.
            keys: of the boxes, apart by spaces.
        """
        self.frames.append(PlannedFrame(title, tuple(keys.split())))


def repeated(prefix: str) -> Callable[[Callable[..., Plan]], Callable[..., Plan]]:
    """Say that a plan has as many layers of one kind as the model, its argument ``layers``.

    Args:
        prefix: the layers are named so, with numbers from 1 behind.

    Returns:
        Decorator of a function that returns a plan.
    """

    def marked(plan_of: Callable[..., Plan]) -> Callable[..., Plan]:
        vars(plan_of)["repeats"] = prefix
        return plan_of

    return marked


def _chains(text: str) -> Iterator[tuple[str, tuple[Point, ...]]]:
    """Each chain of arrows and the points that its last arrow passes."""
    for line in text.replace(";", "\n").splitlines():
        if not line.strip():
            continue
        chain, _, points = line.partition(" via ")
        via = []
        for point in points.split():
            x, y = point.split(",")
            via.append((float(x), float(y)))
        yield chain, tuple(via)
