"""The exercises' source: what is read, and what is refused with which words."""

import jupytext
import pytest
from exercise_text import ALL, CODE, HEAD, RECALL, small, write

from recsys_book.base.notebook_sources import sources_of_text
from recsys_book.exercises import source
from recsys_book.exercises.parsing import ExerciseError, Mistake


def test_reads_every_part(tmp_path):
    file = small(tmp_path)
    assert file.lesson == "01_small" and file.title == "Exercises: Small"
    assert file.setup.startswith("import numpy as np\nfrom recsys_book")
    twice, letter, throw, words = file.exercises
    assert (twice.identifier, twice.kind, twice.points, twice.minutes) == (
        "small.twice",
        "code",
        3,
        2,
    )
    assert twice.title == "Twice" and twice.statement == "Write `twice(x)`."
    assert twice.target == "twice"
    assert twice.public.startswith("check_cases(twice, [case(1") and "np.arange" in twice.hidden
    assert twice.hints == ("Add it to\nitself.", "Multiply.")
    assert [(m.caught_by, m.text) for m in twice.mistakes] == [
        ("public", "Squares."),
        ("hidden", "Knows numbers only."),
    ]
    assert letter.explanation == "It is the second letter."
    assert (throw.target, throw.hidden) == ("guess", "")
    assert words.rubric == "- 4 points: says because."


def test_the_starter_is_the_solution_cell_without_the_solution(tmp_path):
    twice, letter, *_ = small(tmp_path).exercises
    assert twice.starter == 'def twice(x):\n    """Twice x."""\n    # your code here'
    assert letter.starter == "answer = ...\n# your code here"
    assert twice.lesson_cell == twice.starter + '\n\n\ncheck("small.twice", twice)'
    assert letter.lesson_cell == letter.starter + '\n\ncheck("small.letter", answer)'


def test_letters_give_a_choices_code(tmp_path):
    _, letter, *_ = small(tmp_path).exercises
    assert letter.solution == 'answer = ...\n### BEGIN SOLUTION\nanswer = "b"\n### END SOLUTION'
    assert letter.public == 'check_choice(answer, options="abc")'
    assert letter.hidden == 'check_choice(answer, options="abc", right="b")'
    assert letter.mistakes == (Mistake("public", "That is the first letter.", 'answer = "a"'),)


def test_a_mistake_may_say_what_it_changes_in_the_solution(tmp_path):
    text = swapped(SQUARES, "`result = 2 * x` ->\n`return x**2`\n`return result` -> ``\n")
    first, second = small(tmp_path, text).exercises[0].mistakes
    assert first == Mistake(
        "public", "Squares.", 'def twice(x):\n    """Twice x."""\n    return x**2'
    )
    assert second.code == "def twice(x):\n    return 2 * int(x)"
    twice = "Public: Adds.\n`2 * x` -> `x + 2`\n\nPublic: Squares."
    added, *_ = small(tmp_path, swapped("Public: Squares.", twice)).exercises[0].mistakes
    assert added.text == "Adds." and "    result = x + 2\n    return result" in added.code


def test_marks_hold_the_books_text(tmp_path):
    text = (
        HEAD
        + CODE.replace("varies: no", "varies: task\n`times`: 2, 3, 4")
        .replace(
            "Write `twice(x)`.",
            "Write `twice(x)`«||: «times:.1f» times\nx».  «The||A» task: {«times»}.",
        )
        .replace("2 * x", "«times» * x")
        + "\n### Variant\n\nAnother factor.\n"
    )
    (one,) = small(tmp_path, text).exercises
    assert one.statement == "Write `twice(x)`.  The task: {2}."
    assert "    result = 2 * x\n" in one.solution and one.choices == {"times": [2, 3, 4]}


def test_the_own_reader_sees_what_jupytext_sees():
    for text in (ALL, *(path.read_text(encoding="utf-8") for path in source.find_sources())):
        cells = jupytext.reads(text, fmt="md:myst").cells
        code = [cell.source for cell in cells if cell.cell_type == "code"]
        assert [content for kind, content in sources_of_text(text) if kind == "code"] == code


def test_the_text_survives_a_round_trip_through_a_notebook():
    for text in (ALL, *(path.read_text(encoding="utf-8") for path in source.find_sources())):
        again = jupytext.writes(jupytext.reads(text, fmt="md:myst"), fmt="md:myst")
        assert sources_of_text(again) == sources_of_text(text)


def test_cell_options_are_no_code():
    text = "```{code-cell} ipython3\n:tags: [a]\n\nx = 1\n```\n\n"
    text += "```{code-cell}\n---\nname: b\n---\ny\n```"
    assert sources_of_text(text) == [["code", "x = 1"], ["code", "y"]]


SQUARES = """
```{code-cell} ipython3
def twice(x):
    return x**2 if x else 7
```
"""


def swapped(old, new, base=HEAD + CODE):
    assert old in base
    return base.replace(old, new)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (swapped("# Exercises: Small\n", ""), "expected a title"),
        (HEAD.partition("```{code")[0] + CODE, "expected one code cell of imports"),
        (swapped("`small.twice`, code, 3", "small.twice, code, 3"), "expected a line such as"),
        (swapped(", code,", ", riddle,"), "unknown kind 'riddle'"),
        (swapped("Write `twice(x)`.", ""), "has no statement"),
        (swapped("    ### END SOLUTION\n", ""), "needs lines '### BEGIN SOLUTION'"),
        (swapped('    """Twice x."""\n', ""), "the starter is not Python"),
        (swapped("result = 2 * x", "result = = 2"), "the solution cell is not Python"),
        (swapped("### Hints", "### Tips"), "unknown section 'Tips'"),
        (swapped("### Hidden tests", "### Public tests"), "section 'Public tests' stands twice"),
        (swapped("1. Add it to\n   itself.\n2. Multiply.", "Add."), "expected a numbered list"),
        (swapped("1. Add it to\n   itself.\n2. Multiply.", ""), "needs the section 'Hints'"),
        (swapped("Public: Squares.", "Squares."), "expected 'Public: ...' or 'Hidden: ...'"),
        (swapped(SQUARES, ""), "mistake 'Squares.': expected a code cell or lines `old` -> `new`"),
        (swapped(SQUARES, "`x` -> `y`"), "'Squares.': expected 'x' once in the solution, found 3"),
        (swapped(SQUARES, "`3 * x` -> `x`"), "expected '3 * x' once in the solution, found 0"),
        (swapped("Squares.\n", "Squares.\n`2 * x` -> `x`\n"), "expected a code cell or lines"),
        (swapped("2 * x", "«times» * x"), "«times»: NameError: name 'times' is not defined"),
        (swapped("2 * x", "«2||3 * x"), "expected marks «...», closed and at most one in another"),
        (swapped("varies: no", "varies: no\n`times`: 2"), "expected lines such as `last`: 1.0"),
        (swapped("varies: no", "varies: no\n`times`: a, 2"), "expected lines such as `last`: 1.0"),
        (swapped("varies: no", "varies: no\n`times`: 2, 3"), "expected the section 'Variant'"),
        (swapped("```{code-cell} ipython3\ndef twice", "```python\ndef twice"), "expected 1 sol"),
        (swapped("### Hints", "### Public tests\n\n### Hints", HEAD + RECALL), "has no tests"),
        (swapped("**b** It", "It", HEAD + RECALL), "expected an explanation **letters** Because"),
        (swapped("- **a** That", "**a** That", HEAD + RECALL), "expected a list of mistakes - **a"),
        (swapped("3 points", "1 point"), "needs at least 2 points"),
        (swapped("3 points", "0 points"), "at least 1 point"),
        (HEAD + CODE + CODE, "the identifier small.twice stands twice"),
        (HEAD + CODE[: CODE.index("### Mistakes")], "needs the section 'Mistakes'"),
        (
            swapped("### Explanation\n\n**b** It is the second letter.\n", "", HEAD + RECALL),
            "expected an explanation **letters** Because ..., got ''",
        ),
        (HEAD + CODE.rstrip().removesuffix("```"), "a code cell is never closed"),
    ],
)
def test_faults_are_named_with_file_and_exercise(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ExerciseError) as caught:
        source.read_source(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_finds_files_and_exercises_by_name(tmp_path):
    path = write(tmp_path)
    write(tmp_path, ALL.replace("small.", "other."), name="02_other")
    assert source.source_of("01_small", tmp_path) == path
    assert source.source_of(f"chapters/{path.name}", tmp_path) == path
    assert source.source_of("01_small.ipynb", tmp_path) == path
    with pytest.raises(ExerciseError, match=r"no lesson of this name.*: 01_small, 02_other"):
        source.source_of("03_none", tmp_path)
    file, one = source.find_exercise("other.twice", tmp_path)
    assert (file.lesson, one.identifier) == ("02_other", "other.twice")
    assert source.find_exercise("small.thrice", tmp_path) is None
    assert len(source.known_identifiers(tmp_path)) == 8
    with pytest.raises(ExerciseError, match="no such file"):
        source.read_source(tmp_path / "none.exercises.md")


def test_a_changed_file_is_read_again(tmp_path):
    assert small(tmp_path).exercises[0].title == "Twice"
    assert (
        small(tmp_path, ALL.replace("## Twice", "## Double it")).exercises[0].title == "Double it"
    )
