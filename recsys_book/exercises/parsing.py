"""Read the exercises' source: a MyST text beside the lesson, ``NN_slug.exercises.md``.

Headings name its parts. After the title comes one cell with the imports that every test needs,
then a section for each exercise::

    ## Index of a pair of ids

    `memorization.cross_index`, code, 4 points, 8 minutes, varies: task
    `step`: 1, 2, 3          the values that a seed chooses; the first is the book's (see `marks`)

    The statement.

    a code cell: the reference solution between `### BEGIN SOLUTION` and `### END SOLUTION`,
    around it the student's starter

    ### Public tests         a code cell
    ### Hidden tests         a code cell
    ### Hints                a numbered list, from gentle to explicit
    ### Mistakes             `Public: what is wrong.` or `Hidden: ...`; under it what differs from
                             the solution, a line `old` -> `new` for each piece, or a code cell
    ### Rubric               open only: what a person looks for
    ### Variant              a sentence, and a code cell if something is computed (see `variants`)

A recall exercise has a list of options in its statement and no code (see `answers`)::

    ### Explanation          **b** and why; shown once the answer is right
    ### Mistakes             a list: - **a** and why not

The line under the heading may end in what a seed changes: ``, varies: numbers`` (the same task on
other numbers), ``, varies: task`` (the public solution is wrong), ``, varies: options`` (the order
of a recall exercise's options; it is so unless the line says otherwise) or ``, varies: no``. Prose
of a recall exercise that refers to an option writes its letter bold, as the list does (``**b**``),
so that it is permuted too.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recsys_book.base.paths import LessonError
from recsys_book.exercises import answers, marks
from recsys_book.exercises.answers import BEGIN_SOLUTION, END_SOLUTION, MARKERS

SUFFIX = ".exercises.md"
KINDS = ("recall", "code", "derivation", "experiment", "open")
STUB = "# your code here"
SECTIONS = ("Public tests", "Hidden tests", "Hints", "Mistakes", "Explanation", "Rubric", "Variant")

SUMMARY = re.compile(
    r"`(?P<identifier>[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)`, (?P<kind>[a-z]+), "
    r"(?P<points>\d+) points?, (?P<minutes>\d+) minutes?(?:, varies: (?P<varies>[a-z]+))?"
)
_MISTAKE = re.compile(r"(?P<caught_by>Public|Hidden): (?P<text>.+)", re.DOTALL)


class ExerciseError(LessonError):
    """An exercises file cannot be read; the message names the file, the exercise and the fault."""


@dataclass(frozen=True)
class Mistake:
    """A recorded wrong answer: its code, the test that rejects it, and an explanation."""

    caught_by: str
    text: str
    code: str


@dataclass(frozen=True)
class Exercise:
    """One exercise as its source describes it.

    Attributes:
        solution: the solution cell as written, with its markers.
        target: name that the solution cell defines last, which the tests read.
        public, hidden: code of the tests; hidden is empty if there is none.
        varies: options, numbers, task or no: what a seed changes; empty if the source
            does not say.
        variant: code that computes what a seed changes; empty if nothing is computed.
        variant_note: the same in words, for instructors.
        choices: the values of the names under the heading, the book's first.
        parts: prose and cells as written, with marks.
    """

    identifier: str
    kind: str
    title: str
    points: int
    minutes: int
    statement: str
    solution: str
    target: str
    public: str
    hidden: str = ""
    hints: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    explanation: str = ""
    rubric: str = ""
    varies: str = ""
    variant: str = ""
    variant_note: str = ""
    choices: dict[str, list] = field(default_factory=dict, hash=False)
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def starter(self):
        """The student's starter: the solution cell without its solution."""
        return cut_solution(self.solution)

    @property
    def lesson_cell(self):
        """The lesson's code cell: the starter and the check of what it defines."""
        gap = "\n\n\n" if re.search(r"^(?:def|class) ", self.starter, re.MULTILINE) else "\n\n"
        return f'{self.starter}{gap}check("{self.identifier}", {self.target})'


@dataclass(frozen=True)
class ExerciseFile:
    """The exercises of one lesson, with the code that all their tests need."""

    path: Path
    title: str
    setup: str
    exercises: tuple[Exercise, ...] = field(default=())

    @property
    def lesson(self):
        return self.path.name.removesuffix(SUFFIX)


def cut_solution(source):
    """Return ``source`` with each solution replaced by the comment `STUB`, equally indented."""
    lines, inside = [], False
    for line in source.splitlines():
        if line.strip() == BEGIN_SOLUTION:
            lines.append(line[: len(line) - len(line.lstrip())] + STUB)
            inside = True
        elif line.strip() == END_SOLUTION:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def parse(path, cells):
    """Return the `ExerciseFile` that the cells of ``path`` describe.

    Raises:
        ExerciseError: a part is missing, unknown or malformed; names the exercise and the fault.
    """
    title, setup, sections = "", [], []
    for kind, content in cells:
        if kind == "code":
            (sections[-1][1] if sections else setup).append((kind, content))
            continue
        for block in re.split(r"^(?=#{1,2} )", content, flags=re.MULTILINE):
            if block.startswith("# "):
                title = block.splitlines()[0][2:].strip()
            elif block.startswith("## "):
                heading, _, rest = block.partition("\n")
                sections.append((heading[3:].strip(), []))
                _append_prose(sections[-1][1], rest)
            elif sections:
                _append_prose(sections[-1][1], block)
    if not title:
        raise ExerciseError("expected a title `# ...`, found none")
    if len(setup) != 1:
        raise ExerciseError(
            f"expected one code cell of imports before the first exercise, found {len(setup)}"
        )
    exercises = []
    for heading, parts in sections:
        try:
            exercises.append(parse_exercise(heading, parts))
        except ValueError as error:
            raise ExerciseError(f"exercise {heading!r}: {error}") from None
    seen = set()
    for exercise in exercises:
        if exercise.identifier in seen:
            raise ExerciseError(f"the identifier {exercise.identifier} stands twice")
        seen.add(exercise.identifier)
    return ExerciseFile(path, title, setup[0][1], tuple(exercises))


def _append_prose(parts, text):
    if text.strip():
        parts.append(("markdown", text.strip("\n")))


def parse_exercise(
    title: str, parts: Sequence[tuple[str, str]], names: dict | None = None
) -> Exercise:
    """Return the exercise that prose and cells under a heading describe.

    Args:
        title: the heading.
        parts: pairs of ``"markdown"`` or ``"code"`` and content, with marks.
        names: the values of a variant's names; None gives the book's exercise.

    Raises:
        ValueError: a part is missing, unknown or malformed.
    """
    head = parts[0][1].partition("\n\n")[0] if parts else ""
    choices = marks.read_choices(head.splitlines()[1:])
    side = marks.VARIANT if names else marks.BOOK
    names = names or {name: values[0] for name, values in choices.items()}
    sections: dict[str, list] = {"": []}
    name = ""
    for kind, marked in parts:
        content = marks.filled(marked, side, names)
        if kind == "code":
            sections[name].append((kind, content))
            continue
        for block in re.split(r"^(?=### )", content, flags=re.MULTILINE):
            if block.startswith("### "):
                heading, _, block = block.partition("\n")
                name = heading[4:].strip()
                if name not in SECTIONS:
                    raise ExerciseError(f"unknown section {name!r}; there are {SECTIONS}")
                if name in sections:
                    raise ExerciseError(f"section {name!r} stands twice")
                sections[name] = []
            _append_prose(sections[name], block)

    summary, statement, solution = _parse_head(sections[""])
    kind, points = summary["kind"], int(summary["points"])
    if kind not in KINDS:
        raise ExerciseError(f"unknown kind {kind!r}; there are {KINDS}")
    explanation = _prose(sections, "Explanation")
    if kind == "recall":
        if set(SECTIONS[:2]) & set(sections):
            raise ExerciseError("a recall exercise has no tests: they follow from its letters")
        told = answers.read_choice(statement, explanation, _prose(sections, "Mistakes"))
    else:
        told = {
            "solution": solution,
            "public": _one_code(sections, "Public tests"),
            "hidden": _one_code(sections, "Hidden tests"),
            "explanation": explanation,
            "mistakes": _mistakes(sections.get("Mistakes", []), solution),
        }
    told["mistakes"] = tuple(Mistake(*one) for one in told["mistakes"])
    exercise = Exercise(
        identifier=summary["identifier"],
        kind=kind,
        title=title,
        points=points,
        minutes=int(summary["minutes"]),
        statement=statement,
        target=target_of(told["solution"]),
        hints=_hints(_prose(sections, "Hints")),
        rubric=_prose(sections, "Rubric"),
        varies=summary["varies"] or ("options" if kind == "recall" else ""),
        variant=_one_code(sections, "Variant", needed=False),
        variant_note=" ".join(_prose(sections, "Variant").split()),
        choices=choices,
        parts=tuple(parts),
        **told,
    )
    _require_parts(exercise)
    return exercise


def _parse_head(parts):
    prose = "\n\n".join(content for kind, content in parts if kind == "markdown").strip()
    codes = [content for kind, content in parts if kind == "code"]
    head, _, statement = prose.partition("\n\n")
    first = head.partition("\n")[0]
    summary = SUMMARY.fullmatch(first.strip())
    if summary is None:
        raise ExerciseError(
            "expected a line such as `chapter.name`, code, 3 points, 8 minutes (the name in "
            f"backticks) under the heading, found {first!r}"
        )
    if not statement.strip():
        raise ExerciseError("has no statement")
    needed = int(summary["kind"] != "recall")
    if len(codes) != needed:
        raise ExerciseError(f"expected {needed} solution cells, found {len(codes)}")
    return summary, statement.strip(), "".join(codes)


def target_of(solution):
    """Return the name that a solution cell defines last, for student and reference alike.

    Raises:
        ExerciseError: markers are missing, the cell is not Python or defines no name.
    """
    markers = [line.strip() for line in solution.splitlines() if line.strip() in MARKERS]
    if not markers or markers != [BEGIN_SOLUTION, END_SOLUTION] * (len(markers) // 2):
        raise ExerciseError(
            f"the solution cell needs lines {BEGIN_SOLUTION!r} and {END_SOLUTION!r} in turn"
        )
    names = []
    for what, code in (("solution cell", solution), ("starter", cut_solution(solution))):
        try:
            tree = ast.parse(code)
        except SyntaxError as error:
            raise ExerciseError(f"the {what} is not Python: {error}") from None
        defined = [
            name
            for node in tree.body
            for name in (
                [node.name]
                if isinstance(node, ast.FunctionDef | ast.ClassDef)
                else [target.id for target in node.targets if isinstance(target, ast.Name)]
                if isinstance(node, ast.Assign)
                else []
            )
        ]
        if not defined:
            raise ExerciseError(f"the {what} defines no name")
        names.append(defined[-1])
    if names[0] != names[1]:
        raise ExerciseError(f"the solution defines {names[0]!r} last, the starter {names[1]!r}")
    return names[0]


def _one_code(sections, name, needed=True):
    codes = [content for kind, content in sections.get(name, []) if kind == "code"]
    if len(codes) > 1 or (needed and name in sections and not codes):
        raise ExerciseError(f"section {name!r}: expected one code cell, found {len(codes)}")
    return codes[0] if codes else ""


def _prose(sections, name):
    parts = [content for kind, content in sections.get(name, []) if kind == "markdown"]
    return "\n\n".join(parts).strip()


def _hints(prose):
    items = re.split(r"^\d+\. ", prose, flags=re.MULTILINE)
    if items[0].strip():
        raise ExerciseError(f"section 'Hints': expected a numbered list, found {items[0]!r}")
    return tuple(re.sub(r"\n {2,3}", "\n", item).strip() for item in items[1:])


def _mistakes(parts, solution):
    """Each recorded mistake: its code in a cell, or what it changes in the solution."""
    told = []
    for kind, content in parts:
        if kind == "markdown":
            entries = re.split(r"^(?=Public: |Hidden: )", content, flags=re.MULTILINE)
            told += [[entry, ""] for entry in entries if entry.strip()]
        elif not told or told[-1][1]:
            raise ExerciseError("section 'Mistakes': expected a sentence before each code cell")
        else:
            told[-1][1] = content
    for prose, cell in told:
        match = _MISTAKE.fullmatch(prose.strip())
        if match is None:
            raise ExerciseError(
                f"section 'Mistakes': expected 'Public: ...' or 'Hidden: ...', found {prose!r}"
            )
        text, code = answers.changed(solution, match["text"])
        if bool(code) == bool(cell):
            raise ExerciseError(f"mistake {text!r}: expected a code cell or lines `old` -> `new`")
        yield match["caught_by"].lower(), text, code or cell


def _require_parts(exercise):
    """Refuse an exercise that lacks a part that its kind needs."""
    needed = {"Public tests": exercise.public, "Hints": exercise.hints}
    if exercise.kind == "open":
        needed["Rubric"] = exercise.rubric
    else:
        needed["Mistakes"] = exercise.mistakes
    for name, part in needed.items():
        if not part:
            raise ExerciseError(f"a {exercise.kind} exercise needs the section {name!r}")
    if exercise.points < 1 or exercise.minutes < 1:
        raise ExerciseError("expected at least 1 point and 1 minute")
    if exercise.hidden and exercise.kind != "recall" and exercise.points < 2:
        raise ExerciseError("with hidden tests it needs at least 2 points, one for each cell")
    if not exercise.hidden and any(m.caught_by == "hidden" for m in exercise.mistakes):
        raise ExerciseError("a mistake is recorded for hidden tests, but there are none")
    allowed = ("options", "no") if exercise.kind == "recall" else ("", "numbers", "task", "no")
    if exercise.varies not in allowed:
        expected = ", ".join(filter(None, allowed))
        raise ExerciseError(
            f"a {exercise.kind} exercise varies: expected {expected}, got {exercise.varies!r}"
        )
    varies = exercise.varies in ("numbers", "task")
    if bool(exercise.variant or exercise.choices) != varies or (
        bool(exercise.variant_note) != varies
    ):
        raise ExerciseError(
            "expected the section 'Variant', a sentence and what varies, where numbers or the task "
            "vary, and nowhere else"
        )
