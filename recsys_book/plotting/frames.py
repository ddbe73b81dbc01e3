"""What a page without a kernel needs of a lesson: the slider's frames, and what guesses came to.

The build sets ``RECSYS_FRAMES``. `explore` then leaves all its pictures in the cell's output, and
`resolve` its number, in forms that a notebook viewer does not show; the website reads them. A
viewer shows the slider's first picture with its sentence, which the same output holds as HTML.
"""

import base64
import html
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WANTED = "RECSYS_FRAMES"
FRAMES = "application/vnd.recsys.frames+json"
RESULT = "application/vnd.recsys.result+json"
COLORS, DENSITY = 64, 1.5
"""Of a frame, which has half the bytes of a figure and its size on the page."""


def are_wanted() -> bool:
    """Whether whoever runs this notebook has asked for frames and results."""
    return os.environ.get(WANTED, "0") != "0"


def show_frames(label: str, start: int, drawn: "Iterable[tuple[Any, tuple[Figure, str]]]") -> None:
    """Leave all positions of a slider in the output of the running cell.

    Args:
        label: of the slider.
        start: number of the first position shown.
        drawn: of each position the value, and what is drawn for it.
    """
    from recsys_book.plotting.figures import image_element, picture, width_of

    frames: list[dict[str, Any]] = []
    first: dict[str, str] = {}
    for number, (value, (figure, sentence)) in enumerate(drawn):
        png = picture(figure, density=DENSITY, tight=False, colors=COLORS)
        width = round(width_of(png) / DENSITY)
        frames.append({"value": str(value), "sentence": sentence, "width": width})
        if number == start:
            image = image_element(png, sentence, density=DENSITY)
            first = {"text/html": f"<p>{html.escape(sentence)}</p>{image}", "text/plain": sentence}
        else:
            frames[-1]["png"] = base64.b64encode(png).decode("ascii")
    _show({FRAMES: {"label": label, "start": start, "frames": frames}, **first})


def frames_in(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All positions of a slider, each with its picture.

    Args:
        data: of the output that `show_frames` left, where the first picture is in the HTML alone.

    Returns:
        For each position the value, the sentence, the width on the page and the PNG in base64; none
        for another output.
    """
    of_start = data.get("text/html", "").rpartition("base64,")[2].removesuffix('">')
    return [{"png": of_start, **one} for one in data.get(FRAMES, {}).get("frames", ())]


def show_result(name: str, value: str, unit: str) -> None:
    """Leave what a guess came to in the output of the running cell.

    Args:
        name: of the guess.
        value: as it is printed.
        unit: of the value.
    """
    _show({RESULT: {"name": name, "value": value, "unit": unit}})


def _show(forms):
    from IPython.display import display

    display(forms, raw=True)
