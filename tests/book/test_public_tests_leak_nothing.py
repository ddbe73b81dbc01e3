"""No public test hands out an answer: whatever function stands in it, none of them is one.

Students read the public tests and the setup before them. So every function and lambda in there, and
whatever the code has imported, is given in as an answer; each must fail. A table of the printed
numbers passes the public test; with any trivial value for all other calls it has no credit for it.
"""

import ast
import copy

import numpy as np
import pytest
from exercise_text import CODE, HEAD, small
from test_public_numbers import numbers_of

from recsys_book.exercises.cases import Case
from recsys_book.exercises.source import find_sources, read_source
from recsys_book.exercises.student import verdict_of
from recsys_book.exercises.verdicts import define, run_test_on

EXERCISES = [
    pytest.param(file, one, id=one.identifier)
    for file in map(read_source, find_sources())
    for one in file.exercises
]


def candidates(file, one):
    """Dict of a name to each function that a student can take from setup and public test."""
    namespace = {"__name__": "leaks", one.target: define(file.setup, one.solution, one.target)}
    exec(file.setup, namespace)
    exec(one.public, namespace)
    found = {
        name: value
        for name, value in namespace.items()
        if name != one.target
        and callable(value)
        and not str(getattr(value, "__module__", "")).startswith("recsys_book.exercises")
    }
    for code in (file.setup, one.public):
        for node in ast.walk(ast.parse(code)):
            where = f"line {getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Lambda):
                lifted = compile(ast.Expression(node), "<lambda>", "eval")
                found[f"the lambda of {where}"] = eval(lifted, namespace)
            elif isinstance(node, ast.FunctionDef) and namespace.get(node.name) is None:
                inside = dict(namespace)
                exec(compile(ast.Module([node], []), "<inside>", "exec"), inside)
                found[f"{node.name} of {where}"] = inside[node.name]
    return found


def taken(function):
    """Ways to use a function as an answer; one that makes a whole case holds its answer inside."""

    def plain(*arguments, **keywords):
        return unpacked(function(*arguments, **keywords))

    def explained(*arguments, **keywords):
        return unpacked(function(*arguments, "why", **keywords))

    return {"as it is": plain, "with a reason behind": explained}


def unpacked(value):
    return value.expected if isinstance(value, Case) else value


def leaks(file, one):
    """What passes as an answer, one line each."""
    found = []
    for name, function in candidates(file, one).items():
        for how, answer in taken(function).items():
            for tests in ("public", "hidden") if one.hidden else ("public",):
                if verdict_of(file, one, answer, tests).passed:
                    found.append(f"{one.identifier}: {name}, {how}, passes the {tests} test")
    return found


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("file", "one"), EXERCISES)
def test_no_function_of_a_public_test_is_an_answer(file, one):
    assert leaks(file, one) == []


TRIVIAL = {
    "zero": lambda *given: 0.0,
    "one": lambda *given: 1.0,
    "zeros, one a row": lambda *given: np.zeros(len(given[0])),
    "zeros": lambda *given: np.zeros_like(given[0]),
    "ones": lambda *given: np.ones_like(given[0]),
    "nothing": lambda *given: [],
    "the first argument": lambda *given: given[0],
    "the last argument": lambda *given: given[-1],
}


def table_of_public(file, one, trivial):
    """The printed numbers of the public test; ``trivial`` where a call is none of its cases."""

    def key(*arguments):
        with np.printoptions(floatmode="unique"):
            return repr(arguments)

    cases, measured = numbers_of(file, one)
    cases = [([*c.arguments, *c.keywords.values()], c.expected) for _, c in cases]
    known = {key(*given): expected for given, expected in cases}
    known |= {key(*setting): number for setting, number, _ in measured}

    def answer(*arguments, **keywords):
        given = (*arguments, *keywords.values())
        return known[key(*given)] if key(*given) in known else trivial(*given)

    assert all(answer(*copy.deepcopy(given)) is expected for given, expected in cases)
    return answer


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("file", "one"), [p for p in EXERCISES if p.values[1].hidden and p.values[1].kind != "recall"]
)
def test_a_table_of_the_printed_numbers_has_no_credit(file, one):
    for what, trivial in TRIVIAL.items():
        answer = table_of_public(file, one, trivial)
        found = run_test_on(file.setup, one.hidden, {one.target: answer}, every_case=True)
        assert (what, found.passed, found.num_telling) == (what, False, 0)


TESTED = '[case(1, expected=2), case(3, expected=6, why="three")]'
BY_A_LAMBDA = "[case(x, expected=(lambda x: x + x)(x)) for x in (1, 3)]"
BY_A_CASE = "[doubled(1, 'one'), doubled(3, 'three')]"
DEFINED = (
    "def doubled(x, why):\n    return case(x, expected=x + x, why=why)\n\n\ncheck_cases(twice, "
)
NESTED = (
    "def cases():\n    def doubled(x):\n        return x + x\n"
    "    return [case(1, expected=doubled(1))]\n\n\ncheck_cases(twice, "
)
IMPORTED = "from operator import add\ndoubled = lambda x: add(x, x)\ncheck_cases(twice, "


@pytest.mark.parametrize(
    ("before", "cases", "what"),
    [
        ("check_cases(twice, ", BY_A_LAMBDA, "lambda"),
        (DEFINED, BY_A_CASE, "doubled, with a reason behind"),
        (NESTED, "cases()", "doubled of line 2, as it is"),
        (IMPORTED, TESTED, "doubled, as it is"),
    ],
)
def test_a_leak_is_found(tmp_path, before, cases, what):
    text = HEAD + CODE.replace(f"check_cases(twice, {TESTED}", f"{before}{cases}", 1)
    file = small(tmp_path, text)
    found = leaks(file, file.exercises[0])
    assert [line for line in found if what in line and line.endswith("passes the public test")]
    assert [line for line in found if what in line and line.endswith("passes the hidden test")]


def test_numbers_leak_nothing(tmp_path):
    file = small(tmp_path, HEAD + CODE)
    assert leaks(file, file.exercises[0]) == []
