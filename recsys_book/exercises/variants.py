"""A course's variant of an exercises file: what its seed puts in the place of the text's marks.

The options of recall exercises change their order by themselves. Any other exercise that varies
names values under its heading or has a section ``### Variant`` with a code cell, or both (see
`marks`). The cell runs after the file's imports and finds the chosen values and these names::

    draw            a `Draw`, which depends on the seed and the exercise's identifier
    call(*arguments, why="", **keywords)    a case without an expected value, which is computed
                    by the variant's solution
    exchange_cases(calls, part="public")    the calls become the list of cases of the part's
                    `check_cases`, with all numbers written out; the part is "public" or "hidden"
    literal(value)  a value as Python code

What it defines is at hand in the marks. So a public test holds numbers and no code that computes
them.
"""

import ast
import copy
import operator
import traceback
from dataclasses import dataclass, replace

from recsys_book.exercises.draws import Draw
from recsys_book.exercises.literals import literal, wrapped
from recsys_book.exercises.options import permuted
from recsys_book.exercises.parsing import Exercise, ExerciseError, ExerciseFile, parse_exercise
from recsys_book.exercises.verdicts import define


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
                one = _drawn(file.setup, one, draw)
        except ValueError as error:
            raise ExerciseError(f"{file.path}: exercise {one.title!r}: {error}") from None
        exercises.append(one)
    return replace(file, exercises=tuple(exercises))


@dataclass(frozen=True)
class _Call:
    arguments: tuple
    keywords: dict
    why: str


def _drawn(setup: str, one: Exercise, draw: Draw) -> Exercise:
    """The exercise with its marks filled in, and with the expected values of its solution."""
    cases: dict[str, list[_Call]] = {}

    def exchange_cases(calls, part="public"):
        if part not in ("public", "hidden"):
            raise ValueError(f"exchange_cases: expected public or hidden, got {part!r}")
        if not calls or not all(isinstance(one, _Call) for one in calls):
            raise ValueError("exchange_cases: expected a list of call(...)")
        cases[part] = list(calls)

    namespace: dict = {"__name__": f"variant of {one.identifier}"}
    try:
        exec(compile(setup, "<setup>", "exec"), namespace)
        namespace |= {name: draw.choice(values[1:]) for name, values in one.choices.items()}
        namespace |= {
            "draw": draw,
            "exchange_cases": exchange_cases,
            "call": lambda *arguments, why="", **keywords: _Call(arguments, keywords, why),
            "literal": literal,
        }
        exec(compile(one.variant, "<variant>", "exec"), namespace)
    except Exception as error:
        text = " ".join(str(error).split())
        raise ExerciseError(f"Variant{_line(error)}: {type(error).__name__}: {text}") from None
    drawn = parse_exercise(one.title, one.parts, namespace)
    for part, calls in cases.items():
        drawn = _with_cases(setup, drawn, part, calls)
    for part in ("public", "hidden"):
        _parse(getattr(drawn, part), f"{part} test")
    for mistake in drawn.mistakes:
        _parse(mistake.code, "mistake")
    return drawn


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


def _with_cases(setup, one, part, calls):
    """The exercise with the calls as the cases of a part's check, beside its other arguments."""
    code = getattr(one, part)
    node = _call_with_cases(code, part)
    try:
        function = define(setup, one.solution, one.target)
        written = [_case(function, call) for call in calls]
    except Exception as error:
        text = " ".join(str(error).split())
        raise ExerciseError(
            f"Variant: the solution's values: {type(error).__name__}: {text}"
        ) from None
    rest = [ast.get_source_segment(code, one) for one in node.args[2:]]
    rest += [f"{one.arg}={ast.get_source_segment(code, one.value)}" for one in node.keywords]
    cases = "".join(f"        {one},\n" for one in written)
    items = [ast.unparse(node.args[0]), f"[\n{cases}    ]", *rest]
    call = "check_cases(\n" + "".join(f"    {item},\n" for item in items) + ")"
    lines = code.encode().splitlines(keepends=True)
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return replace(one, **{part: before.decode() + call + after.decode()})
