"""A lesson imports what it offers, and says once, in the book's words, how hints are asked for."""

import pytest
from exercise_text import write

from bookmaker.checks import lesson_checks
from bookmaker.lessons.lessons import find_texts, read_text
from bookmaker.lessons.offered_names import SENTENCE, module_problems, offer_problems

SAID = SENTENCE.format("small.twice")
IMPORT = "from recsys_book import check, exercise, hint, solution"


def code(source):
    return f"```{{code-cell}} ipython3\n{source}\n```\n"


SHOWN = 'exercise("small.twice")'
LESSON = f"# Small\n\n{SAID}\n\n{code(IMPORT)}\n{code(SHOWN)}"


@pytest.fixture
def problems(tmp_path):
    """What is wrong with a lesson beside the small exercises, without its path."""
    write(tmp_path)
    path = tmp_path / "00_small" / "01_small.md"

    def of(text):
        path.write_text(text, encoding="utf-8")
        return [line.removeprefix(f"{path}: ") for line in offer_problems(path, read_text(path))]

    return of


def missing(name):
    return f"offers {name}, but does not import it from recsys_book"


def test_a_lesson_that_imports_what_it_offers(problems):
    assert problems(LESSON) == []
    wrapped = LESSON.replace(
        "check, exercise, hint, solution",
        "(\n    " + ",\n    ".join(("check", "exercise", "hint", "solution")) + ",\n)",
    )
    assert problems(wrapped.replace("once your answer", "once\nyour answer")) == []


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        (", hint, solution", ", solution", ["hint"]),
        (", hint, solution", "", ["hint", "solution"]),
        ("check, exercise, ", "", ["check", "exercise"]),
        ("import check, exercise,", "import check, exercise as shown,", ["exercise"]),
        ("recsys_book import", "recsys_book.exercises import", None),
        ("# Small\n", "# Small\n\nCall `progress()` to see more.\n", ["progress"]),
        ('exercise("small.twice")', 'exercise("small.twice")\nprogress()', ["progress"]),
    ],
)
def test_what_is_not_imported_is_named(problems, old, new, names):
    assert LESSON.count(old) == 1
    names = ["check", "exercise", "hint", "solution"] if names is None else names
    assert problems(LESSON.replace(old, new)) == [missing(name) for name in names]


def test_other_words_with_these_letters_offer_nothing(problems):
    text = LESSON.replace("# Small", "# Small\n\nA hint; `check_cases`; `hints`; `model.hint`.")
    assert problems(text) == []


def test_a_cell_that_is_no_python_is_left_to_others(problems):
    assert problems(LESSON + code("def :\n    hint(")) == []


@pytest.mark.parametrize(
    ("text", "times"), [(LESSON.replace(SAID, ""), 0), (LESSON + f"\n{SAID}\n", 2)]
)
def test_the_sentence_stands_once(problems, text, times):
    (problem,) = problems(text)
    assert problem.startswith(f"says {times} times how hints are asked for, expected once: `check`")


def test_its_example_is_an_exercise_of_the_lesson(problems):
    other = SENTENCE.format("other.twice")
    assert problems(LESSON.replace(SAID, other)) == [
        "offers hints on other.twice, which 01_small.exercises.md lacks"
    ]
    mixed = SAID.replace('solution("small.twice")', 'solution("small.letter")')
    assert "says 0 times" in problems(LESSON.replace(SAID, mixed))[0]


def test_a_lesson_without_exercises_need_not_say_it(tmp_path):
    path = tmp_path / "01_small.md"
    path.write_text("# Small\n")
    assert offer_problems(path, read_text(path)) == []


def test_the_check_of_a_lesson_asks_for_it(chapters):
    path = chapters.write()
    chapters.fake(path)
    before = lesson_checks.check_lesson(path)
    path.write_text(path.read_text() + '\nCall `hint("x.y")`.\n')
    chapters.fake(path)
    assert set(lesson_checks.check_lesson(path)) - set(before) == {f"{path}: {missing('hint')}"}


@pytest.mark.parametrize(
    ("shown", "imported", "missing"),
    [
        (SHOWN, "", ["np"]),
        (SHOWN, "import numpy as np", []),
        (SHOWN, "import numpy", ["np"]),
        (SHOWN, "from somewhere import np", []),
        ('exercise("small.letter")', "", []),
    ],
)
def test_modules_that_answers_are_written_with_are_there(tmp_path, shown, imported, missing):
    write(tmp_path)
    exercises = tmp_path / "00_small" / "01_small.exercises.md"
    text = exercises.read_text()
    assert text.count("    result = 2 * x\n") == 1
    exercises.write_text(text.replace("    result = 2 * x\n", "    result = np.multiply(2, x)\n"))
    path = exercises.with_name("01_small.md")
    path.write_text(f"# Small\n\n{code(imported)}\n{code(shown)}")
    assert module_problems(path, read_text(path)) == [
        f"{path}: answers to small.twice use {name}, which it does not import" for name in missing
    ]


@pytest.mark.parametrize("path", find_texts(), ids=lambda path: path.stem)
def test_the_lessons_of_the_book(path):
    notebook = read_text(path)
    assert [*offer_problems(path, notebook), *module_problems(path, notebook)] == []
