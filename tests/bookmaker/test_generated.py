"""What stands in a lesson but has its one source elsewhere: the header and the starters."""

import pytest
from exercise_text import small
from pair_text import core_text

from bookmaker.__main__ import main
from bookmaker.checks import lesson_checks
from bookmaker.lessons.lesson_cells import render_lesson_cells
from bookmaker.lessons.lessons import read_text

SHOWN = '```{code-cell} ipython3\nexercise("small.twice")\n```\n'


@pytest.fixture
def lesson(chapters, survey):
    """A lesson that shows all exercises of the file beside it, each with its starter."""
    cells = render_lesson_cells(small(chapters.folder))
    text = survey.replace("## References", f"## Exercises\n\n{cells}\n## References")
    text = text.replace(
        "**Time.** 2 minutes to read;", "**Time.** 13 minutes: 4 to read, 9 for its exercises;"
    )
    imports = "from recsys_book import check, exercise, hint, solution\n"
    return chapters.write(text.replace("from recsys_book", f"{imports}from recsys_book", 1))


def problems(path):
    """What the check says, but for hints and exercises, which have their own tests."""
    found = lesson_checks.text_problems(path)
    return [line for line in found if "how hints" not in line and "in place" not in line]


def cells(chapters, *names):
    return main(["--chapters", str(chapters.folder), "cells", *names])


def test_what_is_as_its_sources_say_stays_as_it_is(lesson, chapters, capsys):
    before = lesson.read_bytes()
    assert cells(chapters) == 0
    assert lesson.read_bytes() == before
    assert capsys.readouterr().out == ""
    assert problems(lesson) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# A small lesson\n", "# Another\n"),
        ("\n# A small lesson\n", ""),
        ("**Question.** Is four two twos?\n", "**Question.** Is it so,\nreally?\n"),
        ("**Question.** Is four two twos?\n\n", ""),
        ("about 3 seconds on", "half an hour on"),
        ("9 for its exercises; the cells run in about", "9 to try; the cells run in about"),
        ("**Library.** `recsys_book`", "**Library.** `recsys_lib.data`"),
        ("# your code here", "return 2 * x"),
        ('check("small.letter", answer)', 'check("small.letter", "b")'),
    ],
)
def test_what_deviates_is_written_again(lesson, chapters, capsys, old, new):
    sound = lesson.read_text()
    assert old in sound
    lesson.write_text(sound.replace(old, new, 1))
    assert problems(lesson)
    assert cells(chapters, "01_small") == 0
    assert lesson.read_text() == sound
    assert "01_small: header and starters written" in capsys.readouterr().out


@pytest.mark.parametrize("label", ["Question", "Time", "Library"])
def test_a_header_without_a_part_gets_it_in_its_place(chapters, survey, label):
    kept = [p for p in survey.split("\n\n") if not p.startswith(f"**{label}.**")]
    path = chapters.write("\n\n".join(kept))
    assert f"**{label}.**" not in path.read_text()
    cells(chapters)
    assert path.read_text() == survey
    assert problems(path) == []


def test_what_the_header_alone_says_stays(chapters, survey):
    more = survey.replace("`recsys_book`\n", "`recsys_book`, with `recsys_lib.data`.\n")
    more = more.replace("**Objectives.** Add.", "**Objectives.** You can\n\n- add;\n- count.")
    more = more.replace("Is four two twos?\n\n**Obj", "Is four\ntwo twos?\n\n**Obj")
    path = chapters.write(more)
    cells(chapters)
    assert path.read_text() == more, "a line may be broken where the front matter's is not"
    path.write_text(more.replace("seconds: 3", "seconds: 7"))
    cells(chapters)
    assert path.read_text() == more.replace("seconds: 3", "seconds: 7").replace(
        "about 3 seconds", "about 7 seconds"
    )


def test_an_exercise_alone_gets_its_starter_and_other_cells_stay(chapters, survey):
    file = small(chapters.folder)
    starter = {one.identifier: one.lesson_cell for one in file.exercises}["small.twice"]
    other = "```{code-cell} ipython3\nother = 1\n```\n"
    text = survey.replace("## References", f"{SHOWN}\n{other}\n## References")
    text = text.replace("2 minutes to read", "4 minutes: 2 to read, 2 for its exercises")
    path = chapters.write(text)
    cells(chapters)
    codes = [cell.source for cell in read_text(path).cells if cell.cell_type == "code"]
    assert codes[-3:] == ['exercise("small.twice")', starter, "other = 1"]
    assert path.read_text().replace(f"\n```{{code-cell}} ipython3\n{starter}\n```\n", "") == text


BOTH = "[00_small/00_ones, 01_next/01_twos]"
ONES, TWOS = "[Ones](00_ones.ipynb)", "[Twos \\[x\\]](../01_next/01_twos.ipynb)"


@pytest.mark.parametrize(
    ("names", "written", "expected"),
    [
        ("[]", "None.", "None."),
        ("[]", "Counting.", "Counting."),
        ("[]", "", "None."),
        ("[]", ONES, "None."),
        ("[]", f"{ONES} Counting.", "Counting."),
        ("[00_small/00_ones]", "None.", ONES),
        ("[00_small/00_ones]", f"{ONES} None.", ONES),
        ("[00_small/00_ones]", f"{TWOS}, {ONES}; the sum", f"{ONES}; the sum"),
        ("[00_small/00_ones]", f"{ONES}, [NumPy](https://numpy.org).", None),
        (BOTH, f"{ONES} {TWOS}", f"{ONES}, {TWOS}"),
        (BOTH, f"{ONES}, and counting", f"{ONES}, {TWOS}, and counting"),
        (BOTH, f"{ONES},\n{TWOS}\nand counting.", None),
        (BOTH, None, f"{ONES}, {TWOS}"),
        ("[]", None, "None."),
    ],
)
def test_prerequisites_are_links_and_own_words_stay(chapters, names, written, expected):
    chapters.write(core_text().replace("Sums: two and two", "Ones: a start"), name="00_ones")
    twos = core_text().replace("'Sums: two and two'", "'Twos [x]: more'")
    chapters.write(twos.replace("# Sums: two and two", "# Twos [x]: more"), "01_next", "01_twos")
    # In the order of the book, the lesson comes behind both.
    text = core_text().replace("prerequisites: []", f"prerequisites: {names}")
    sound = "**Prerequisites.** Counting.\n\n"
    given = "" if written is None else f"**Prerequisites.** {written}".rstrip() + "\n\n"
    path = chapters.write(text.replace(sound, given), "02_last", "01_small")
    path.write_text(path.read_text().replace("](00_ones", "](../00_small/00_ones"))
    expected = written if expected is None else expected
    expected = expected.replace("](00_ones", "](../00_small/00_ones")
    before = path.read_text()
    named = any("`**Prerequisites.**`" in line for line in problems(path))
    assert named == (f"** {expected}\n\n" not in before)
    assert cells(chapters, "02_last") == 0
    after = path.read_text()
    said = f"**Prerequisites.** {expected}\n\n**Time.** 3 minutes to read; the cells"
    assert f"You can add.\n\n{said}" in after
    assert problems(path) == []
    assert cells(chapters, "02_last") == 0 and path.read_text() == after


@pytest.mark.parametrize("words", ["None.", ""])
def test_what_is_not_said_of_prerequisites_is_a_problem(chapters, words):
    path = chapters.write(core_text())
    cells(chapters)
    text = path.read_text()
    said = f"Prerequisites.** {words}".rstrip()
    path.write_text(text.replace("Prerequisites.** Counting.", said))
    assert bool(problems(path)) is (words == "")
