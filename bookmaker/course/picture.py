"""What builds on what as a picture: chapters are frames, lessons boxes, prerequisites arrows."""

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

from recsys_book.pictures.drawing import Arrow, Box, Drawing, Frame
from recsys_book.pictures.parts import Rectangle

if TYPE_CHECKING:
    from bookmaker.course.paths import Book

WIDTH, HEIGHT, ACROSS, DOWN = 158, 74, 188, 86
"""Of a lesson's box, and from one to the next."""
LEFT, TITLE, GAP = 14, 22, 12
"""Where boxes begin, the height of a frame's title, and the space between frames."""


def direct(needs: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The prerequisites of each lesson that no other of its prerequisites builds on.

    Args:
        needs: all prerequisites.

    Example:
        >>> direct({"a": (), "b": ("a",), "c": ("a", "b")})["c"]
        ('b',)
    """

    def behind(key: str) -> set[str]:
        return {one for need in needs[key] for one in (need, *behind(need))}

    return {
        key: tuple(one for one in own if not any(one in behind(other) for other in own))
        for key, own in needs.items()
    }


def drawing(book: "Book") -> Drawing:
    """The picture, with what it says in words.

    A lesson stands right of those of its chapter that it builds on; those of other chapters are
    named in its box.

    Args:
        book: its lessons.
    """
    needs = direct(book.needs)
    boxes, arrows, frames, said = [], [], [], []
    places: dict[str, tuple[int, int]] = {}
    top = 0
    for chapter in book.outline:
        keys = [key for key in book.lessons if key.startswith(f"{chapter['number']}/")]
        filled: dict[int, int] = {}
        for key in keys:
            inside = [one for one in needs[key] if one in keys]
            column = max((places[one][0] + 1 for one in inside), default=0)
            # In the row of the lesson that it continues, where that is free.
            row = max(filled.get(column, 0), min((places[one][1] for one in inside), default=0))
            places[key], filled[column] = (column, row), row + 1
            left, high = LEFT + column * ACROSS, top + TITLE + row * DOWN
            others = ", ".join(one for one in needs[key] if one not in keys)
            lines = textwrap.wrap(book.title(key), 21)
            lines += textwrap.wrap(f"after {others}", 21) if others else []
            area = Rectangle(left, high, left + WIDTH, high + HEIGHT)
            boxes.append(Box(key, tuple(lines), "network", area))
            for one in inside:
                # From one row to another an arrow turns in the gap before its end.
                begin = high + (places[one][1] - row) * DOWN
                turns = [(left - 16, y + HEIGHT / 2) for y in (begin, high)]
                arrows.append(Arrow(one, key, via=tuple(turns) if begin != high else ()))
            said.append(f"{key} builds on {' and '.join(needs[key]) or 'nothing'}")
        below = top + TITLE + max(filled.values()) * DOWN
        right = LEFT + max(filled) * ACROSS + WIDTH + 8
        title = f"{chapter['number']} {chapter['title']}"
        frames.append(Frame(title, Rectangle(LEFT - 8, top, right, below)))
        top = below + GAP
    drawing = Drawing(
        "What builds on what",
        f"Lesson by lesson: {', '.join(said)}.",
        boxes,
        arrows,
        frames,
        size=(max(frame.area.right for frame in frames) + 8, top),
    )
    drawing.has_legend = False
    return drawing
