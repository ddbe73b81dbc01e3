"""Instructors see what varies; what would go wrong with a seed is named, one line each."""

import pytest
from exercise_text import ALL, CODE, HEAD, RECALL, small

from bookmaker.__main__ import main
from bookmaker.lessons import variants
from recsys_book.exercises.source import find_sources, read_source

VARIANT = """
### Variant

Three for two.

```{code-cell} ipython3
exchange_cases([call(1), call(3)])
```
"""
TASK = (
    CODE.replace("varies: no", "varies: task")
    .replace("2 * x", "«2||3» * x")
    .replace("[0, 2, 4]", "«[0, 2, 4]||[0, 3, 6]»")
    .replace("2 * int(x)", "«2||3» * int(x)")
    + VARIANT
)


def faults(folder, text, seed=1):
    file = small(folder, HEAD + text)
    start = f"{file.path}: exercise small."
    found = variants.faults(file, seed)
    assert all(line.startswith(start) and "\n" not in line for line in found)
    return [line.removeprefix(start) for line in found]


def test_a_variant_that_holds_has_no_faults(tmp_path):
    assert faults(tmp_path, TASK) == []
    assert faults(tmp_path, RECALL) == []
    assert variants.faults(small(tmp_path), None) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[0, 3, 6]", "[0, 3, 7]", "the hidden test: expected its solution to pass, got wrong"),
        (
            "x**2 if x else 7",
            "3 * x",
            "mistake 1: expected the public test to reject it, got exact",
        ),
        ("«2||3» * int(x)", "3 * x", "mistake 2: expected the hidden test to reject it, got exact"),
        (
            "«2||3» * int(x)",
            "4 * int(x)",
            "mistake 2: expected the public test to let it pass, got wr",
        ),
    ],
)
def test_what_does_not_hold_is_named(tmp_path, old, new, message):
    assert old in TASK
    found = faults(tmp_path, TASK.replace(old, new))
    assert found and all(line.startswith(f"twice, seed 1: {message}") for line in found)


def test_a_task_that_does_not_vary_is_named(tmp_path):
    text = TASK.replace("«2||3» * x", "«2 * x||x * 2»")
    for mark, book in (("«[0, 2, 4]||[0, 3, 6]»", "[0, 2, 4]"), ("«2||3»", "2")):
        text = text.replace(mark, book)
    assert faults(tmp_path, text) == [
        "twice, seed 1: expected the book's solution to fail, it passes"
    ]
    numbers = text.replace("varies: task", "varies: numbers")
    assert faults(tmp_path, numbers) == []


def test_an_exercise_says_what_varies(tmp_path):
    file = small(tmp_path, ALL.replace(", varies: no", ""))
    expected = "expected what varies with a seed, as in `varies: task`, got nothing"
    assert variants.problems(file) == [
        f"{file.path}: exercise small.{name}: {expected}" for name in ("twice", "throw", "words")
    ]
    assert variants.problems(small(tmp_path)) == []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("It is the second letter.", "It is b, not $c$.", "Explanation"),
        ("That is the first letter.", "Option a comes first (a).", "mistake 1"),
        ("1. Not the first.", "1. Not c.", "hint 1"),
    ],
)
def test_a_letter_that_would_not_follow_its_option_is_named(tmp_path, old, new, place):
    assert old in RECALL
    file = small(tmp_path, HEAD + RECALL.replace(old, new))
    (line,) = variants.problems(file)
    assert line.startswith(f"{file.path}: exercise small.letter: {place}: expected an option's")
    bold = new.replace("is b", "is **b**").replace("(a)", "(**a**)").replace("Not c", "Not **c**")
    file = small(tmp_path, HEAD + RECALL.replace(old, bold))
    assert variants.problems(file) == []


def test_a_variant_that_cannot_be_made_is_a_problem(tmp_path):
    file = small(tmp_path, HEAD + TASK.replace("«2||3» * x", "«2||«three»» * x"))
    (line,) = variants.problems(file)
    assert line.startswith(f"{file.path}: exercise 'Twice': «three»: NameError")


def test_the_book_has_no_such_problem():
    assert [line for path in find_sources() for line in variants.problems(read_source(path))] == []


def test_the_command_prints_what_varies(tmp_path, capsys):
    file = small(tmp_path, ALL.replace(CODE, TASK))
    command = ["--chapters", str(tmp_path), "variants"]
    assert main(command) == 0
    header, twice, letter, throw, words = capsys.readouterr().out.splitlines()
    assert header.split() == ["lesson", "exercise", "kind", "points", "varies", "what"]
    assert twice.split() == "01_small small.twice code 3 task Three for two.".split()
    assert letter.split()[-1] == "options" and throw.split()[-1] == words.split()[-1] == "nothing"
    assert main([*command, file.lesson, "--seed", "5"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "4 exercises drawn with seed 5 hold"
    small(tmp_path, ALL.replace(CODE, TASK.replace("[0, 3, 6]", "[0, 3, 7]")))
    assert main([*command, "--seed", "5"]) == 1
    assert "small.twice, seed 5: the hidden test" in capsys.readouterr().out
