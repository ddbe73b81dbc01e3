"""No measured number stands in prose unless the same notebook shows it, or a record that it shows.

A number with decimals, a percentage, points of a gap or a duration is held by a number in an output
of the notebook that rounds to it, or by one of the records of its experiments. Formulas, code,
worked examples and references are exempt by place, and no other number is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bookmaker.lessons.lessons import Lesson, code_in
from bookmaker.lessons.output_numbers import Shown, shown_in
from bookmaker.lessons.prose import blanked, walk, without_code
from bookmaker.lessons.sentences import experiments_named, results_of

PERCENT, POINTS, PLAIN = "%", "points", ""
SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "minutes": 60.0, "hours": 3600.0}
"""Units of durations, in seconds. Whole minutes and hours are times to read, not measurements."""

_EXEMPT = re.compile(r"\b(?:mathematics|worked example|one example|references)\b", re.IGNORECASE)
_SPELLINGS = {
    PERCENT: r"[ \u00a0]?%|\s(?:percent|per cent)\b",
    POINTS: r"\s(?:percentage )?points?\b",
    "ns": r"\s?ns\b|\snanoseconds?\b",
    "µs": r"\s?[µμu]s\b|\smicroseconds?\b",
    "ms": r"\s?ms\b|\smilliseconds?\b",
    "s": r"\s?s\b|\sseconds?\b",
    "minutes": r"\sminutes?\b",
    "hours": r"\shours?\b",
}
_SCALES = {"thousand": 3, "million": 6, "billion": 9}
_UNITS = "|".join(f"({spelling})" for spelling in _SPELLINGS.values())
_NUMBER = re.compile(
    r"(?<![\w.])(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?P<power>e[+-]?\d+)?"
    rf"(?!\.?\d)(?:\s(?P<scale>{'|'.join(_SCALES)})\b|(?P<unit>{_UNITS})(?!\w))?"
)
_OF_THE_GAP = re.compile(r"\s+of\s+(?:[\w’'-]+\s+){0,4}gap\b")
# Places in papers are no measurements, nor are versions, which have no unit.
_LIST_BEFORE = r"\s*(?:[\d.]+(?:,| and| or| to)?\s+)*$"
_PLACE = re.compile(
    r"(?:\b(?:sections?|sec\.|equations?|eqs?\.|lemmas?|theorems?|propositions?|tables?|figures?|"
    rf"figs?\.|algorithms?|appendix|chapters?)|§){_LIST_BEFORE}",
    re.IGNORECASE,
)
_VERSION = re.compile(
    rf"\b(?:versions?|python|keras|tensorflow|numpy){_LIST_BEFORE}", re.IGNORECASE
)
_TIME = re.compile(r"^\*\*Time\.\*\*.*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_NO_PROSE = re.compile(
    r"\$\$.*?\$\$|\\\$|\$(?!\s)[^$\n]*(?:\n[^$\n]+)*?\$|<!--.*?-->|</?[A-Za-z][^>\n]*>|(?<=\])\([^)\s]*\)",
    re.DOTALL,
)
# Of "80, 15 and 4 %" all three are percentages.
_LISTED = re.compile(r"\s*(?:[,–-]|(?:, ?)?(?:and|or|to|against))\s*")
_ENDS = re.compile(r"(?<=[.!?])[*_)\]]*\s+(?=[^a-z])|\n\s*\n|\n(?=\s*(?:[-*+>|#]|\d+\.)\s?)")


@dataclass(frozen=True)
class Said:
    """A number in prose.

    Args:
        text: as it is written, with its unit.
        value: as a number, without its sign.
        digits: behind the point; below zero for thousands and millions.
        unit: a key of `SECONDS`, `PERCENT`, `POINTS` or `PLAIN`.
        cell: number of the cell, from 1.
        part: the heading, of level two, above it.
        sentence: in which it stands.
    """

    text: str
    value: float
    digits: int
    unit: str
    cell: int = 0
    part: str = ""
    sentence: str = ""


def problems(lesson: Lesson, notebook: Any) -> list[str]:
    """The numbers in a lesson's prose that nothing holds.

    Args:
        lesson: what the front matter says.
        notebook: the executed notebook.

    Returns:
        One line for each; nothing for a lab.
    """
    if lesson.is_lab:
        return []
    experiments = experiments_named(code_in(notebook))
    shown = shown_in(notebook, experiments, results_of(lesson.text_path.parent.parent))
    return [
        f"{lesson.text_path}: cell {number.cell}, {number.part}: no output of the notebook and no "
        f"record that it shows has {number.text!r}: {_short(number.sentence, number.text)}"
        for number in said_in(notebook)
        if not is_held(number, shown)
    ]


def is_held(number: Said, shown: Shown) -> bool:
    """Whether some number that is shown rounds to a number in prose.

    Args:
        number: in prose.
        shown: by the notebook.

    Returns:
        For a percentage whether there is such a percentage, such points or such a share; for points
        whether there is such a number or share; for a duration whether there is such a duration.
    """
    if number.unit in SECONDS:
        candidates = [(seconds, 1 / SECONDS[number.unit]) for seconds in shown.seconds]
    else:
        of_unit = {PERCENT: shown.percent, POINTS: [*shown.shares, *shown.percent]}
        candidates = [(x, 1.0) for x in of_unit.get(number.unit, shown.plain)]
        if number.unit in (PERCENT, POINTS):
            candidates += [(x, 100.0) for x in shown.shares if abs(x) <= 2]
    # Half a unit of the last digit, and a little for numbers that have no exact binary form.
    slack = 0.5 * 10.0**-number.digits + 1e-9 * max(1.0, number.value)
    return any(abs(abs(x) * factor - number.value) <= slack for x, factor in candidates)


def said_in(notebook: Any) -> Iterator[Said]:
    """The numbers in a notebook's prose that have to be held, in their order.

    Args:
        notebook: a lesson.
    """
    for part, number, cell, text in walk(notebook):
        if cell.cell_type == "markdown" and not _EXEMPT.search(part):
            for found, sentence in numbers_in(blanked(_TIME, text) if number == 1 else text):
                yield Said(*found, number, part, sentence)


def numbers_in(markdown: str) -> Iterator[tuple[tuple[str, float, int, str], str]]:
    """The numbers of prose that have to be held.

    Args:
        markdown: prose.

    Yields:
        Text, value, digits and unit of each, and the sentence in which it stands.

    Example:
        >>> [number for number, _ in numbers_in("Of 20 runs, 45 % took 3.2 s, $x = 0.5$.")]
        [('45 %', 45.0, 0, '%'), ('3.2 s', 3.2, 1, 's')]
    """
    prose = blanked(_NO_PROSE, without_code(markdown))
    matches = list(_NUMBER.finditer(prose))
    for place, found in enumerate(matches):
        last = found
        for after in matches[place + 1 :]:
            if last["unit"] or last["scale"]:
                break
            if not _LISTED.fullmatch(prose, last.end(), after.start()):
                last = found
                break
            last = after
        number = _number(found, last)
        follows = _OF_THE_GAP.match(prose, last.end())
        if _has_to_be_held(number, follows) and not _names_a_place(number, prose[: found.start()]):
            yield number, _sentence(markdown, found.start())


def _number(found, last=None):
    """Text, value, digits and unit of a match; the unit may stand at the last number of a list."""
    last = found if last is None else last
    unit = next((name for name, text in zip(_SPELLINGS, _units(last), strict=True) if text), PLAIN)
    digits = found["digits"].replace(",", "")
    exponent = int(found["power"][1:]) if found["power"] else 0
    exponent += _SCALES.get(found["scale"], 0)
    behind = len(digits.partition(".")[2]) - exponent
    text = f"{found['digits']}{found['power'] or ''}"
    text += f" {found['scale'] or unit}" if found["scale"] or unit else ""
    return text, float(f"{digits}e{exponent}"), behind, unit


def _units(found):
    first = found.re.groupindex["unit"] + 1
    return found.groups()[first - 1 :]


def _has_to_be_held(number, of_the_gap):
    text, _, _, unit = number
    if "." in text or "e-" in text or unit == PERCENT:
        return True
    return bool(of_the_gap) if unit == POINTS else unit in ("ns", "µs", "ms", "s")


def _names_a_place(number, before):
    unit = number[3]
    return bool(_PLACE.search(before) or (unit == PLAIN and _VERSION.search(before)))


def _sentence(markdown, position):
    starts = [found.end() for found in _ENDS.finditer(markdown) if found.end() <= position]
    ends = [found.start() for found in _ENDS.finditer(markdown) if found.start() > position]
    sentence = markdown[starts[-1] if starts else 0 : ends[0] if ends else len(markdown)]
    return " ".join(sentence.split())


def _short(sentence, text, length=160):
    """A sentence, or as much of it as shows where the number stands."""
    if len(sentence) <= length:
        return sentence
    middle = max(sentence.find(text.split()[0]), 0)
    start = max(0, min(middle - length // 2, len(sentence) - length))
    shown = sentence[start : start + length].strip()
    return f"{'...' if start else ''}{shown}{'...' if start + length < len(sentence) else ''}"
