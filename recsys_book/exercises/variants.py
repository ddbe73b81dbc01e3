"""A course's variant of an exercises file: its seed's exchanges in the book's text.

The options of recall exercises change their order by themselves. Any other exercise that varies has
a section ``### Variant`` with a code cell. It runs after the file's imports and finds these names::

    draw            a `Draw`, which depends on the seed and the exercise's identifier
    exchange(old, new, *parts)      in each named part, `old` becomes `new` wherever it stands;
                    parts are "title", "statement", "solution" (with it the starter), "public",
                    "hidden", "hints", "mistakes", "explanation", "rubric"; line breaks in prose do
                    not count; a part without `old` is an error, so a cell cannot fall behind
    call(*arguments, why="", **keywords)    a case without an expected value, which is computed
                    by the variant's solution
    exchange_cases(calls, part="public")    the calls become the list of cases of the part's
                    `check_cases`, with all numbers written out
    literal(value)  a value as Python code

So a cell states only the differences, the rest of the text is the book's, and a public test holds
numbers and no code that computes them.
"""

import ast
import copy
import operator
import re
import traceback
from dataclasses import dataclass, replace

from recsys_book.exercises.draws import Draw
from recsys_book.exercises.literals import literal, wrapped
from recsys_book.exercises.options import permuted
from recsys_book.exercises.parsing import (
    Exercise,
    ExerciseError,
    ExerciseFile,
    parse_exercise,
    require_parts,
    target_of,
)
from recsys_book.exercises.verdicts import define

_PROSE = ("title", "statement", "explanation", "rubric")
_CODE = ("solution", "public", "hidden")
PARTS = (*_PROSE, *_CODE, "hints", "mistakes")


def variant_of(file: ExerciseFile, seed: int | None) -> ExerciseFile:
    """The exercises that a course with this seed hands out and grades.

    Args:
        file: of the book.
        seed: any whole number; None gives the book's own exercises.

    Returns:
        An `ExerciseFile` with the same identifiers, kinds, points and minutes. Equal files and
        seeds give equal texts, on every machine.

    Raises:
        ExerciseError: a variant cannot be created; names the file, the exercise and the fault.
        TypeError: the seed is not a whole number.

    Example:
        >>> from recsys_book.exercises.source import read_source, source_of
        >>> file = read_source(source_of("01_wide_and_deep"))
        >>> variant_of(file, 2026).exercises[1].solution.splitlines()[-2]
        'answer = "a"'
    """
    if seed is None:
        return file
    if isinstance(seed, bool):
        raise TypeError(f"seed: expected a whole number, got {seed}")
    seed = operator.index(seed)
    exercises = []
    for one in file.exercises:
        draw = Draw(f"{seed}/{one.identifier}")
        try:
            if one.varies == "options":
                one = permuted(one, draw)
            elif one.choices or one.variant:
                one = _Exchange(file.setup, one, draw).result()
        except ValueError as error:
            raise ExerciseError(f"{file.path}: exercise {one.title!r}: {error}") from None
        exercises.append(one)
    return replace(file, exercises=tuple(exercises))


@dataclass(frozen=True)
class _Call:
    arguments: tuple
    keywords: dict
    why: str


class _Exchange:
    """Runs the cell of one exercise and collects its exchanges."""

    def __init__(self, setup: str, one: Exercise, draw: Draw) -> None:
        self._setup, self._one = setup, one
        self._cases: dict = {}
        namespace = self._run(draw)
        if any("«" in content for _, content in one.parts):
            self._one = parse_exercise(one.title, one.parts, namespace)

    def result(self) -> Exercise:
        """The exercise after all exchanges, with the expected values of its solution."""
        for part, calls in self._cases.items():
            self._write_cases(part, calls)
        for name in ("public", "hidden"):
            _parse(getattr(self._one, name), f"{name} test")
        for mistake in self._one.mistakes:
            _parse(mistake.code, "mistake")
        one = replace(self._one, target=target_of(self._one.solution))
        require_parts(one)
        return one

    def _run(self, draw):
        namespace: dict = {"__name__": f"variant of {self._one.identifier}"}
        try:
            exec(compile(self._setup, "<setup>", "exec"), namespace)
            namespace |= {
                name: draw.choice(values[1:]) for name, values in self._one.choices.items()
            }
            namespace |= {
                "draw": draw,
                "exchange": self._exchange,
                "exchange_cases": self._exchange_cases,
                "call": lambda *arguments, why="", **keywords: _Call(arguments, keywords, why),
                "literal": literal,
            }
            exec(compile(self._one.variant, "<variant>", "exec"), namespace)
        except ExerciseError as error:
            raise ExerciseError(f"Variant{_line(error)}: {error}") from None
        except Exception as error:
            text = " ".join(str(error).split())
            raise ExerciseError(f"Variant{_line(error)}: {type(error).__name__}: {text}") from None
        return namespace

    def _exchange(self, old, new, *parts):
        if not parts or not set(parts) <= set(PARTS):
            raise ExerciseError(f"exchange: expected parts among {PARTS}, got {parts}")
        for part in parts:
            if self._changed(part, old, f"{old}{old}!") == getattr(self._one, part):
                raise ExerciseError(f"exchange: expected {old!r} in the {part}, found it nowhere")
            self._one = replace(self._one, **{part: self._changed(part, old, new)})

    def _changed(self, part, old, new):
        value = getattr(self._one, part)
        if part in _CODE:
            return value.replace(old, new)
        if part == "hints":
            return tuple(_in_prose(hint, old, new) for hint in value)
        if part == "mistakes":
            return tuple(
                replace(
                    mistake,
                    text=" ".join(_in_prose(mistake.text, old, new).split()),
                    code=mistake.code.replace(old, new),
                )
                for mistake in value
            )
        return _in_prose(value, old, new)

    def _exchange_cases(self, calls, part="public"):
        if part not in ("public", "hidden"):
            raise ExerciseError(f"exchange_cases: expected public or hidden, got {part!r}")
        if not calls or not all(isinstance(one, _Call) for one in calls):
            raise ExerciseError("exchange_cases: expected a list of call(...)")
        self._cases[part] = list(calls)

    def _write_cases(self, part, calls):
        code = getattr(self._one, part)
        node = _call_with_cases(code, part)
        target = target_of(self._one.solution)
        try:
            function = define(self._setup, self._one.solution, target)
            written = [_case(function, one) for one in calls]
        except Exception as error:
            text = " ".join(str(error).split())
            raise ExerciseError(
                f"Variant: the solution's values: {type(error).__name__}: {text}"
            ) from None
        self._one = replace(self._one, **{part: _with_cases(code, node, written)})


def _in_prose(text, old, new):
    """The text with a phrase exchanged, also across line breaks."""
    pattern = r"\s+".join(map(re.escape, old.split()))
    return re.sub(pattern, lambda match: new, text) if pattern else text


def _line(error):
    """The line of the cell that raised an error, as text; empty if there is none."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == "<variant>"
    ]
    if isinstance(error, SyntaxError) and error.filename == "<variant>":
        lines = [error.lineno]
    return f", line {lines[-1]}" if lines else ""


def _parse(code, part):
    try:
        return ast.parse(code)
    except SyntaxError as error:
        raise ExerciseError(f"Variant: the {part} is not Python: {error}") from None


def _call_with_cases(code, part):
    """The node of the part's one ``check_cases``."""
    found = [
        node
        for node in ast.walk(_parse(code, f"{part} test"))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "check_cases"
    ]
    if len(found) != 1 or len(found[0].args) < 2 or not isinstance(found[0].args[1], ast.List):
        raise ExerciseError(
            f"exchange_cases: expected one check_cases(function, [...]) in the {part} test"
        )
    return found[0]


def _case(function, one):
    """One case as code, written for the column of an item of ``check_cases``' list."""
    expected = function(*copy.deepcopy(one.arguments), **copy.deepcopy(one.keywords))
    items = [literal(value, 12) for value in one.arguments]
    items += [f"{name}={literal(value, 12)}" for name, value in one.keywords.items()]
    items.append(f"expected={literal(expected, 12)}")
    if one.why:
        items.append(f"why={literal(one.why)}")
    return wrapped("case(", items, ")", 8)


def _with_cases(code, node, written):
    """The code with other cases in the call at ``node`` and with its other arguments."""
    rest = [ast.get_source_segment(code, one) for one in node.args[2:]]
    rest += [f"{one.arg}={ast.get_source_segment(code, one.value)}" for one in node.keywords]
    cases = "".join(f"        {one},\n" for one in written)
    items = [ast.unparse(node.args[0]), f"[\n{cases}    ]", *rest]
    call = "check_cases(\n" + "".join(f"    {item},\n" for item in items) + ")"
    lines = code.encode().splitlines(keepends=True)
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return before.decode() + call + after.decode()
