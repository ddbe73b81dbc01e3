"""The cost of a lesson for its reader: words, lines, figures, formulas, exercises, minutes.

A core lesson and a survey are read and solved in 45 minutes, by a reader whose English is a second
language. ``python -m bookmaker budget NN_slug``
prints the parts, the header and the start page say the minutes, the check names what is over.
Figures and printed source are counted in the outputs of the executed notebook; a cell that was not
executed as it stands counts without them.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bookmaker.lessons import prose
from bookmaker.lessons.anatomies import CHECKED, LONGEST_RUN_SECONDS
from bookmaker.lessons.figures import FOLDED, is_figure
from bookmaker.lessons.lesson_cells import exercise_shown
from bookmaker.lessons.lessons import (
    Lesson,
    calls_in_cell,
    exercises_text,
    read_notebook,
    read_text,
)
from recsys_book.base.paths import LessonError
from recsys_book.exercises.parsing import ExerciseError
from recsys_book.exercises.source import read_source

WORDS_A_MINUTE = 150
LINES_A_MINUTE = 10
MINUTES = {"figures": 0.75, "formulas": 0.75, "derivations": 2.0, "guesses": 0.5}
"""Minutes for one of each; a derivation is a displayed formula of three lines or more, and a
handle, ``explore``, counts as a figure."""

MOST_MINUTES = 60
"""The limit of a core lesson or a survey; text, cells and lines in a fold are not counted."""

_NOT_READ = (CHECKED, "References")
_COUNTED = ("cells", "visible_lines", "folded_lines", "printed_lines", "figures", "guesses")
_COUNTED += ("unexecuted",)
_DERIVED_LINES = 3
_DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
# Their rows are no steps of a derivation.
_ROWS = re.compile(r"\\begin\{(\w*matrix|cases|array)\}.*?\\end\{\1\}", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
# Comments are not shown, and what stands in a fold is not counted.
_UNREAD = re.compile(r"<!--.*?-->|<details>.*?</details>", re.DOTALL)
_WRAPPED_IMPORT = re.compile(r"^from [\w.]+ import \([^)]*\)", re.MULTILINE)
_FOR_THE_BUILD = re.compile(r"^live_score = (?!\[)[^=\n]+$", re.MULTILINE)
_PLACE = re.compile(r"# [\w/]+\.py, [\w.]+")
# The part of the header that repeats the front matter.
_TITLE = re.compile(r"^# .*$", re.MULTILINE)
_REPEATED = re.compile(r"^\*\*(?:Question|Time)\.\*\*.*?(?=\n\n|\n*\Z)", re.MULTILINE | re.DOTALL)
PREREQUISITES = re.compile(
    r"^\*\*Prerequisites\.\*\*(?P<links>(?:[\s,]*\[(?:\\.|[^\]\\])*\]\([^)\s]*\.ipynb\))*)", re.M
)
"""The header's prerequisites up to the author's own words: its label and the generated links."""
LIBRARY = re.compile(r"^\*\*Library\.\*\*\s*(?:`[^`]*`)?", re.MULTILINE)
"""The same of the library's module."""


@dataclass(frozen=True)
class Budget:
    """The cost of one lesson or companion for its reader.

    Args:
        words: dict of part (the text of its ``##``) to the words of its prose, statements of
            exercises that stand there among them.
        cells: code cells, folded ones among them.
        visible_lines, folded_lines: of code cells; a wrapped import counts once.
        printed_lines: source of the library that cells print.
        figures, formulas, derivations, guesses: how many of each; formulas are displayed ones.
        exercises: dict of identifier to minutes, of those shown.
        unexecuted: code cells whose outputs are not known.
    """

    words: dict[str, int]
    cells: int
    visible_lines: int
    folded_lines: int
    printed_lines: int
    figures: int
    formulas: int
    derivations: int
    guesses: int
    exercises: dict[str, int]
    unexecuted: int

    @property
    def parts(self) -> dict[str, float]:
        """Reading minutes by what is read."""
        return {
            "words": sum(self.words.values()) / WORDS_A_MINUTE,
            "visible lines": self.visible_lines / LINES_A_MINUTE,
            "printed source": self.printed_lines / LINES_A_MINUTE,
            **{name: getattr(self, name) * minutes for name, minutes in MINUTES.items()},
        }

    @property
    def reading(self) -> int:
        """Minutes to read, rounded up."""
        # A sum that is 24 but for its last bits is 24.
        return math.ceil(round(sum(self.parts.values()), 6))

    @property
    def solving(self) -> int:
        """Minutes for the exercises that are shown."""
        return sum(self.exercises.values())

    @property
    def minutes(self) -> int:
        """Minutes to read and solve."""
        return self.reading + self.solving


def count(text_path: Path, text_notebook: Any = None, notebook: Any = None) -> Budget:
    """Count what a lesson asks of its reader.

    Args:
        text_path: the text of a lesson or companion.
        text_notebook: the same, if it has been read.
        notebook: the notebook beside it, if it has been read.

    Returns:
        The `Budget`; without a readable notebook no cell counts as executed, and an exercise that
        its file does not have counts for nothing.

    Raises:
        LessonError: the text cannot be read.
    """
    text_notebook = read_text(text_path) if text_notebook is None else text_notebook
    outputs = _outputs(Path(text_path), notebook)
    exercises = _exercises(text_path)
    texts: dict[str, list[str]] = {}
    counted = Counter(dict.fromkeys(_COUNTED, 0))
    solved: dict[str, int] = {}
    for part, number, cell, text in prose.walk(text_notebook):
        if cell.cell_type == "markdown":
            read = _own_words(text) if number == 1 else text
            texts.setdefault(part, []).append(prose.BLOCK.sub("", read))
            continue
        _count_cell(cell, counted, outputs)
        for identifier in exercise_shown(cell.source):
            if identifier in exercises:
                statement, solved[identifier] = exercises[identifier]
                texts.setdefault(part, []).append(prose.BLOCK.sub("", statement))
    read = {part: "\n\n".join(found) for part, found in texts.items() if part not in _NOT_READ}
    displayed = [one for text in read.values() for one in _formulas(text)]
    derivations = sum(_is_derivation(formula) for formula in displayed)
    return Budget(
        words={part: words_in(text) for part, text in read.items()},
        formulas=len(displayed) - derivations,
        derivations=derivations,
        exercises=solved,
        **counted,
    )


def problems(lesson: Lesson, budget: Budget | None = None) -> list[str]:
    """The quantities of a lesson that are over their limits, and by how much, one line each.

    Args:
        lesson: what the front matter says.
        budget: what was counted; by default that is done here.

    Returns:
        For any lesson a line on its seconds; for a core lesson and a survey one on its minutes.

    Raises:
        LessonError: the text cannot be read.
    """
    found = []
    longest = LONGEST_RUN_SECONDS[lesson.anatomy]
    if lesson.seconds > longest:
        found.append(f"runs {lesson.seconds} s, at most {longest} s are allowed")
    if is_limited(lesson):
        minutes = (count(lesson.text_path) if budget is None else budget).minutes
        if (over := minutes - MOST_MINUTES) > 0:
            found.append(
                f"has {minutes:,} minutes, at most {MOST_MINUTES} are allowed: {over} over"
            )
    return [f"{lesson.text_path}: {line}" for line in found]


def is_limited(lesson: Lesson) -> bool:
    """Whether a lesson's minutes are limited; its seconds are in any case.

    Args:
        lesson: what the front matter says.
    """
    return lesson.anatomy in ("core", "survey")


def table(lesson: Lesson, budget: Budget) -> list[str]:
    """The lines that ``python -m bookmaker budget`` prints for a lesson.

    Args:
        lesson: what the front matter says.
        budget: what was counted.

    Returns:
        Lines: the words of each part, then each quantity with its limit and its minutes.
    """
    most = MOST_MINUTES if is_limited(lesson) else None
    rows = [(f"  {part}", words, None, None) for part, words in budget.words.items()]
    rows.append(("words", sum(budget.words.values()), None, budget.parts["words"]))
    rows.append(("code cells", budget.cells, None, None))
    for name in ("visible lines", "folded lines"):
        amount = getattr(budget, name.replace(" ", "_"))
        rows.append((name, amount, None, budget.parts.get(name)))
    rows.append(("printed source", budget.printed_lines, None, budget.parts["printed source"]))
    rows += [(name, getattr(budget, name), None, budget.parts[name]) for name in MINUTES]
    rows.append(("to read", None, None, sum(budget.parts.values())))
    for identifier, minutes in budget.exercises.items():
        rows.append((f"  {identifier}", None, None, minutes))
    rows.append(("exercises", len(budget.exercises), None, budget.solving))
    rows.append(("minutes", budget.minutes, most, None))
    rows.append(("seconds to run", lesson.seconds, LONGEST_RUN_SECONDS[lesson.anatomy], None))
    lines = [f"{lesson.chapter}/{lesson.name}, {lesson.anatomy}"]
    for name, amount, most, minutes in rows:
        shown = "" if amount is None else f"{amount:,}"
        of = "" if most is None else f"of {most:,}"
        spent = "" if minutes is None else f"{minutes:5.1f} min"
        lines.append(f"{name:<48}{shown:>6} {of:<9}{spent}".rstrip())
    if budget.unexecuted:
        lines.append(
            f"not executed as they stand: {budget.unexecuted} code cells; their figures and "
            "printed source are not counted"
        )
    return lines


def words_in(markdown: str) -> int:
    """How many words prose has, apart from displayed formulas.

    Args:
        markdown: without blocks of code.

    Returns:
        Pieces between blanks that hold a letter or a digit; of a link its text alone counts.

    Example:
        >>> words_in("the `dot` of [two](a_page.ipynb) vectors, $x$ = [≡](#a.b.c) $$x y = z$$")
        6
    """
    text = _DISPLAYED.sub(" ", _UNREAD.sub(" ", markdown))
    return sum(any(map(str.isalnum, piece)) for piece in _LINK.sub(r"\1", text).split())


def lines_to_read(source: str) -> int:
    """How many lines of a cell there are to read.

    Args:
        source: the cell's code.

    Returns:
        All of them; an import counts once, however it is wrapped, and the line that tells the
        build a live cell's score not at all.

    Example:
        >>> lines_to_read("from a import (\\n    b,\\n    c,\\n)\\n\\nb(c)\\nlive_score = c")
        3
    """
    wrapped = sum(call.count("\n") for call in _WRAPPED_IMPORT.findall(source))
    return len(source.splitlines()) - wrapped - len(_FOR_THE_BUILD.findall(source))


def _outputs(text_path, notebook):
    """Dict of a code cell's source to the outputs of those that were executed, in their order."""
    if notebook is None:
        try:
            notebook = read_notebook(text_path.with_suffix(".ipynb"))
        except LessonError:
            return {}
    known: dict[str, list[Any]] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.execution_count is not None:
            known.setdefault(cell.source, []).append(cell.outputs)
    return known


def _exercises(text_path):
    """Dict of identifier to statement and minutes."""
    path = exercises_text(text_path)
    try:
        found = read_source(path).exercises if path.exists() else ()
    except ExerciseError:
        # Another check says so.
        found = ()
    return {one.identifier: (one.statement, one.minutes) for one in found}


def _count_cell(cell, counted, outputs):
    counted["cells"] += 1
    folded = FOLDED in cell.metadata.get("tags", [])
    counted["folded_lines" if folded else "visible_lines"] += lines_to_read(cell.source)
    counted["guesses"] += len(calls_in_cell(cell.source, "guess"))
    counted["figures"] += len(calls_in_cell(cell.source, "explore"))
    known = outputs.get(cell.source)
    if not known:
        counted["unexecuted"] += 1
        return
    shown = known.pop(0)
    counted["figures"] += sum(map(is_figure, shown))
    counted["printed_lines"] += _printed(shown)


def _printed(outputs: Sequence[Any]) -> int:
    """How many lines of source stand below the places that ``excerpt`` prints."""
    lines = [line for one in outputs if "text" in one for line in one.text.splitlines()]
    first = next((n for n, line in enumerate(lines) if _PLACE.fullmatch(line)), len(lines))
    return sum(not _PLACE.fullmatch(line) for line in lines[first:])


def _own_words(header):
    """The first cell without what repeats the front matter."""
    for repeated in (_TITLE, _REPEATED, PREREQUISITES, LIBRARY):
        header = repeated.sub("", header, count=0 if repeated is _REPEATED else 1)
    return header


def _formulas(text):
    return _DISPLAYED.findall(_UNREAD.sub(" ", text))


def _is_derivation(formula):
    steps = [step for step in _ROWS.sub("", formula).split(r"\\") if step.strip()]
    return len(steps) >= _DERIVED_LINES
