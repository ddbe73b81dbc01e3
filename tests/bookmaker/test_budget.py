"""What a lesson asks of its reader is counted as the anatomy says, and what is over is named."""

import base64
import dataclasses
import re

import pytest
from exercise_text import ALL, write
from nbformat.v4 import new_output
from pair_text import CORE, fake_pair, write_pair

from bookmaker.__main__ import main
from bookmaker.checks import lesson_checks
from bookmaker.lessons import budget, lessons

PICTURE = new_output(
    "display_data", data={"image/png": base64.b64encode(b"x").decode(), "text/plain": "FM"}
)
TABLE = new_output("display_data", data={"text/html": "<table></table>", "text/plain": "a"})
CELL = "\n```{code-cell} ipython3\nlive_score = total = 2 + 2\n```\n"
SOURCE = "# recsys_lib/second_order/fm.py, FM.call\ndef call(self):\n\n    return 1\n"


@pytest.fixture
def core(chapters):
    """Path of a core lesson without exercises or companion, executed."""
    path = chapters.write(CORE.replace("<<exercises>>\n", ""))
    chapters.fake(path)
    return path


def counted(path, old="", new=""):
    """The budget of a text in which something is exchanged; it must stand there once."""
    text = path.read_text(encoding="utf-8")
    assert not old or text.count(old) == 1
    path.write_text(text.replace(old, new) if old else text, encoding="utf-8")
    return budget.count(path)


def words(found):
    return sum(found.words.values())


@pytest.mark.parametrize(
    ("new", "more"),
    [
        ("Counting, and one more thing.", 4),
        ("Counting.\n\n## References2\n\nOne.", 2),
        ("Counting `the code` of a [link of text](a_b_c.ipynb) [≡](#a.b.c).", 7),
        ("Counting $a + b$ = 3 | | :--- | — ...", 3),
        ("Counting.\n\n$$\na b c d\n$$", 0),
        ("Counting.\n\n```python\nfrom a import b\n```", 0),
        ("Counting.\n\n<!-- not shown to anyone -->", 0),
    ],
)
def test_words_are_those_of_the_prose(core, new, more):
    before = words(budget.count(core))
    assert words(counted(core, "Counting.", new)) - before == more


@pytest.mark.parametrize(
    ("old", "new", "more"),
    [
        # Title, question, times, links and module are the front matter's.
        ("\n# Sums: two and two\n", "\n# Sums of many and more\n", 0),
        ("**Question.** Is four two twos?", "**Question.** Is it, and why is it so?", 0),
        ("**Time.** 7 minutes", "**Time.** About six minutes, perhaps", 0),
        (
            "Prerequisites.** Counting",
            "Prerequisites.** [FM](../a/b.ipynb), [A](c.ipynb) Counting",
            0,
        ),
        ("**Library.** `recsys_book`", "**Library.** `recsys_lib.data`", 0),
        ("**Library.** `recsys_book`", "**Library.** `recsys_book`, and `numpy`", 2),
        ("**Objectives.** You can add.", "**Objectives.** You can add and count.", 2),
        ("## References\n\nA book.", "## References\n\nA book of many pages.", 0),
        ("## Checked sentences\n", "## Checked sentences\n\nAll of them.\n", 0),
        ("## Predict\n", "## Predict\n\n### How many\n", 2),
    ],
)
def test_what_is_generated_or_looked_up_is_not_read(core, old, new, more):
    before = words(budget.count(core))
    assert words(counted(core, old, new)) - before == more


def test_the_links_at_head_and_foot_are_not_read(core, chapters):
    before = words(budget.count(core))
    assert main(["--chapters", str(chapters.folder), "links"]) == 0
    assert "Start page" in core.read_text() and words(budget.count(core)) == before


def test_the_words_stand_by_part(core):
    found = budget.count(core).words
    # Objectives. You can add. Counting.
    assert found["the opening"] == 5
    assert found["The problem"] == 8 and found["One example"] == 7
    assert {"Checked sentences", "References"}.isdisjoint(found)


def test_a_statement_counts_where_its_exercise_is_shown(chapters):
    text = ALL.replace("Write `twice(x)`.", "Write `twice(x)`:\n\n$$\n2 x\n$$\n\nfor any number.")
    core, deeper = write_pair(chapters)
    before, companion = budget.count(core), budget.count(deeper)
    write(chapters.folder, text)
    after = budget.count(core)
    assert after.words["The whole model"] - before.words["The whole model"] == 3
    assert after.formulas - before.formulas == 1
    assert after.exercises == {"small.twice": 2, "small.letter": 1}
    assert budget.count(deeper) == companion
    assert companion.exercises == {"small.throw": 1, "small.words": 5}
    assert (before.solving, companion.solving) == (3, 6)


def test_lines_are_visible_folded_or_printed(core, chapters):
    before = budget.count(core)
    wrapped = "from a import (\n    b,\n    c,\n)\n\nexcerpt(b)"
    after = counted(core, "live_score = total = 2 + 2", wrapped)
    assert after.visible_lines - before.visible_lines == 2, "an import counts once"
    assert after.folded_lines == before.folded_lines == 2
    assert after.cells == before.cells
    assert (before.unexecuted, after.unexecuted, after.printed_lines) == (0, 1, 0)

    def show(notebook):
        for cell in notebook.cells:
            if "excerpt" in cell.source:
                cell.outputs = [
                    new_output("stream", name="stdout", text=f"above\n{SOURCE}{SOURCE}")
                ]

    chapters.fake(core, show)
    found = budget.count(core)
    assert (found.unexecuted, found.printed_lines) == (0, 6)
    assert found.parts["printed source"] == pytest.approx(6 / 10)
    assert found.visible_lines == after.visible_lines, "what is printed has a part of its own"


def test_figures_are_those_of_cells_executed_as_they_stand(core, chapters):
    def show(notebook):
        for cell in notebook.cells:
            if cell.source == "live_score = total = 2 + 2":
                cell.outputs = [PICTURE, TABLE, PICTURE]

    chapters.fake(core, show)
    assert budget.count(core).figures == 2
    changed = counted(core, "live_score = total = 2 + 2", "total = 1 + 3")
    assert (changed.figures, changed.unexecuted) == (0, 1)
    twice = counted(core, "total = 1 + 3\n```", "live_score = total = 2 + 2\n```\n" + CELL)
    assert (twice.figures, twice.unexecuted) == (2, 1), "one of the two has no outputs yet"

    def show_first(notebook):
        cells = [cell for cell in notebook.cells if cell.source == "live_score = total = 2 + 2"]
        cells[0].outputs = [PICTURE]
        cells[1].execution_count = None

    chapters.fake(core, show_first)
    assert (budget.count(core).figures, budget.count(core).unexecuted) == (1, 1)
    core.with_suffix(".ipynb").unlink()
    missing = budget.count(core)
    assert (missing.figures, missing.unexecuted) == (0, missing.cells)
    assert missing.words == twice.words


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a = b", (1, 0)),
        (r"\begin{aligned} a &= b \\ &= c \end{aligned}", (1, 0)),
        (r"\begin{aligned} a &= b \\ &= c \\[4pt] &= d \end{aligned}", (0, 1)),
        ("a = b \\\\\nb = c \\\\\nc = d \\\\\n", (0, 1)),
        ("a = b \\\\\nb = c \\\\\n", (1, 0)),
        (r"\begin{pmatrix} 1 \\ 2 \\ 3 \end{pmatrix}", (1, 0)),
        (r"f = \begin{cases} 1 \\ 2 \\ 3 \end{cases}", (1, 0)),
    ],
)
def test_three_lines_of_a_formula_are_a_derivation(core, formula, expected):
    found = counted(core, "2 + 2 = 4\n", f"{formula}\n")
    assert (found.formulas, found.derivations) == expected


def test_the_minutes_are_those_of_the_anatomy():
    found = budget.Budget(
        words={"opening": 100, "The problem": 800},
        cells=9,
        visible_lines=45,
        folded_lines=30,
        printed_lines=15,
        figures=2,
        formulas=3,
        derivations=1,
        guesses=3,
        exercises={"a": 4, "b": 6},
        unexecuted=0,
    )
    # 900 / 150 + 60 / 10 + 0.75 * 5 + 2 + 0.5 * 3
    assert sum(found.parts.values()) == pytest.approx(6 + 6 + 3.75 + 2 + 1.5)
    assert (found.reading, found.solving, found.minutes) == (20, 10, 30)


def over(path):
    return [line.split(".md: ")[1] for line in budget.problems(lessons.describe(path))]


def test_what_is_over_is_named_with_its_amount_and_words_alone_are_not_limited(core, chapters):
    text = core.read_text()
    core.write_text(text.replace("One and one", "word " * 3_000 + "One and one"))
    assert over(core) == []
    core.write_text(text.replace("One and one", "word " * 12_000 + "One and one"))
    (said,) = over(core)
    assert said.endswith("over") and " minutes, at most 60 are allowed: " in said
    assert main(["--chapters", str(chapters.folder), "cells"]) == 0
    chapters.fake(core)
    assert any(said in line for line in lesson_checks.check_lesson(core))


def test_the_minutes_and_the_seconds_are_limited(core):
    found = budget.count(core)
    room = 60 - found.reading
    lesson = lessons.describe(core)
    for solving, more in ((room, 0), (room + 4, 4)):
        asked = dataclasses.replace(found, exercises={"a.b": 3, "a.c": solving - 3})
        said = f"{core}: has {60 + more} minutes, at most 60 are allowed: {more} over"
        assert budget.problems(lesson, asked) == ([said] if more else [])
    assert budget.problems(dataclasses.replace(lesson, seconds=25)) == []
    survey = dataclasses.replace(lesson, seconds=26, anatomy="survey")
    asked = dataclasses.replace(found, exercises={"a.b": room + 1})
    said = [line.split(".md: ")[1] for line in budget.problems(survey, asked)]
    assert said == [
        "runs 26 s, at most 25 s are allowed",
        "has 61 minutes, at most 60 are allowed: 1 over",
    ]


def test_reading_is_rounded_up(core):
    found = budget.count(core)
    few = dataclasses.replace(found, words={"a": 465}, visible_lines=8, printed_lines=0)
    few = dataclasses.replace(few, formulas=0, guesses=0)
    assert sum(few.parts.values()) == pytest.approx(3.1 + 0.8)
    assert few.reading == 4
    assert dataclasses.replace(few, words={"a": 480}).reading == 4
    assert dataclasses.replace(few, words={"a": 481}).reading == 5


def test_what_stands_in_a_fold_is_not_counted_and_a_handle_counts_as_a_figure(core):
    before = budget.count(core)
    folded = counted(core, "Counting.", "Counting.\n\n<details>\n\nFive words.\n\n</details>")
    assert words(folded) == words(before)
    turned = counted(core, "total = 2 + 2", 'total = 2 + 2\nexplore(draw, "sum", [1, 2, 3, 4])')
    assert turned.figures == before.figures + 1


def test_a_companion_has_no_limit_but_its_seconds(chapters):
    _, deeper = fake_pair(chapters)
    text = deeper.read_text().replace("## More of it\n", "## More of it\n\n" + "word " * 9000)
    deeper.write_text(text.replace("seconds: 12", "seconds: 40"))
    assert over(deeper) == []
    deeper.write_text(text.replace("seconds: 12", "seconds: 41"))
    assert over(deeper) == ["runs 41 s, at most 40 s are allowed"]


def test_a_draft_over_its_budget_is_built_and_then_named(core, chapters):
    text = core.read_text().replace("One and one", "word " * 2000 + "One and one")
    core.write_text(text)
    main(["--chapters", str(chapters.folder), "cells"])
    assert not [line for line in lesson_checks.text_problems(core) if "at most" in line]


def test_the_command_prints_the_parts_and_what_is_over(core, chapters, capsys):
    command = ["--chapters", str(chapters.folder), "budget", "01_small"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    lines = {line[:48].strip(): line[48:].split() for line in printed.splitlines()}
    found = budget.count(core)
    assert printed.startswith("00_small/01_small, core\n")
    assert lines["words"][0] == str(words(found)) and "of" not in lines["words"]
    assert lines["visible lines"][0] == "6" and lines["folded lines"] == ["2"]
    assert lines["formulas"] == ["1", "0.8", "min"] and lines["guesses"] == ["1", "0.5", "min"]
    assert lines["minutes"] == [str(found.minutes), "of", "60"]
    assert lines["seconds to run"] == ["12", "of", "25"]
    assert lines["The problem"] == ["8"]
    assert "not executed" not in printed

    core.write_text(core.read_text().replace("total = 2 + 2", "x = 1\n" * 600))
    assert main(command) == 1
    said = capsys.readouterr()
    assert "not executed as they stand: 1 code cells" in said.out
    assert re.search(r"01_small.md: has \d+ minutes, at most 60 .*: \d+ over", said.err)


def test_a_companions_parts_are_counted_without_limits(chapters, capsys):
    fake_pair(chapters)
    assert main(["--chapters", str(chapters.folder), "budget", "01_small.deeper"]) == 0
    printed = capsys.readouterr().out
    assert ", deeper" in printed and "of 1,900" not in printed and "of 40" in printed
