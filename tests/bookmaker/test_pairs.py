"""Core lessons and their companions: what only they must do, and everything that walks lessons."""

import subprocess
import sys

import pytest
from exercise_text import ALL, write
from pair_text import IN_CORE, cells_of, core_text, fake_pair, write_pair
from small_book import Book

from bookmaker.__main__ import main
from bookmaker.building import evidence, inputs, links
from bookmaker.checks import lesson_checks
from bookmaker.gate import selection
from bookmaker.grading.assignment import instructor_notebook
from bookmaker.lessons import lessons
from bookmaker.lessons.offered_names import SENTENCE
from recsys_book.base.paths import CHAPTERS
from recsys_book.exercises.source import read_source, source_of
from recsys_book.reader import start_page, work_copies
from recsys_book.reader.lab_contents import is_published


@pytest.fixture
def pair(chapters):
    """The texts of a core lesson and its companion, both executed."""
    return fake_pair(chapters)


def problems(path):
    return [line.split(".md: ", 1)[-1] for line in lesson_checks.check_lesson(path)]


def edit(path, old, new):
    """Change a text only, as an author does before a build; what is stale is no problem here."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return [line.split(".md: ", 1)[-1] for line in lesson_checks.text_problems(path)]


def test_a_sound_pair_has_no_problem(pair):
    assert [problems(path) for path in pair] == [[], []]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("## One example", "## Examples", "heading `## One example` appears 0 times"),
        ("## The whole model", "## A model", "heading `## The whole model` appears 0 times"),
        ("## Predict", "## In short", "heading `## In short` appears 2 times"),
        ("## Checked sentences", "## Checks", "heading `## Checked sentences` appears 0 times"),
        ("| **Begin with** |", "| **Start** |", "expected a decision box under In short"),
        ("## In short\n", "## In short\n\n## More\n", "expected a decision box under In short"),
        ("anatomy: core", "anatomy: core\n  idea: [2]", "`lesson.idea` must be a text, got [2]"),
        (":tags: [answer, nbval-ignore-output]\n\nres", "res", "answers a guess, expected the tag"),
        ("prerequisites: []", "prerequisites: [00_small/01_small]", "that come before 00_small/01"),
        ("prerequisites: []", "prerequisites: [00_small/00_no]", "lessons of the book, got 00_sma"),
        ("deeper.ipynb): 6 minutes", "deeper.ipynb)", "'6 minutes' under In short"),
        ("deeper.ipynb): 6 minutes", "deeper.ipynb): 16 minutes", "'6 minutes' under In short"),
        ("01_small.deeper.ipynb", "01_small.ipynb", "a link (01_small.deeper.ipynb) and '6 min"),
        ("seconds: 12", "seconds: 13", "about 13 seconds on two idle cores"),
        ("**Time.** 7 minutes: 4 to", "**Time.** 5 minutes: 2 to", "'7 minutes: 4 to read, 3 for"),
    ],
)
def test_what_a_core_lesson_lacks_is_named(pair, old, new, problem):
    assert any(problem in one for one in edit(pair[0], old, new))


def test_a_core_lesson_may_have_other_parts_and_names_its_idea(pair):
    for old, new in (
        ("## Break it\n\nTwo and three are not.\n\n", ""),
        ("**Objectives.** You can add.\n\n", ""),
        ("## Predict", "## An arrow for each"),
        ("anatomy: core", "anatomy: core\n  idea: Two and two are four."),
    ):
        assert edit(pair[0], old, new) == []
    assert lessons.describe(pair[0]).idea == "Two and two are four."


def test_a_core_lesson_has_an_exercise_in_place(chapters):
    path = chapters.write(core_text())
    assert [line for line in lesson_checks.text_problems(path) if "exercise in place" in line]


@pytest.mark.parametrize("part", ["## In short", "## Checked sentences"])
def test_a_survey_needs_fewer_parts(chapters, part):
    text = core_text().replace("anatomy: core", "anatomy: survey")
    for heading in ("One example", "The mathematics", "The whole model"):
        text = text.replace(f"## {heading}\n", f"### {heading}\n")
    text = text.replace("## Break it", "## Of one's own")
    path = chapters.write(text)
    main(["--chapters", str(chapters.folder), "cells"])
    assert lesson_checks.text_problems(path) == []
    missing = f"heading `{part}` appears 0 times, expected once"
    assert edit(path, f"{part}\n", f"{part} more\n") == [missing]


def test_a_companion_that_checks_sentences_has_their_heading(pair):
    said = "Two and one [≡](#small.sum.of_three).\n\n"
    exact = 'exact("small.sum.of_three", "Two and one are three.", 2 + 1 == 3)'
    cell = f"{said}```{{code-cell}} ipython3\n{exact}\n```\n\n"
    missing = "heading `## Checked sentences` appears 0 times, expected once"
    assert missing in edit(pair[1], "## More of it\n\n", f"## More of it\n\n{cell}")
    shown = "```{code-cell} ipython3\n:tags: [hide-input]\n\nchecked_sentences()\n```\n"
    text = pair[1].read_text(encoding="utf-8")
    pair[1].write_text(f"{text}\n## Checked sentences\n\n{shown}", encoding="utf-8")
    assert not [line for line in lesson_checks.text_problems(pair[1]) if missing in line]
    pair[1].write_text(f"{text.replace(cell, '')}\n{shown}")
    assert [line for line in lesson_checks.text_problems(pair[1]) if missing in line]


def test_a_companion_without_exercises_is_named_where_the_author_likes(pair):
    core, deeper = pair
    exercises = source_of_small(core).exercises
    others = cells_of([one for one in exercises if one.identifier not in IN_CORE])
    edit(deeper, others, "Nothing.")
    said = " Two exercises stand [in the companion](01_small.deeper.ipynb): 6 minutes."
    assert not [line for line in edit(core, said, "") if "under In short" in line]


def test_a_companion_alone_is_no_lesson(pair):
    pair[0].unlink()
    (problem,) = lesson_checks.check_lesson(pair[1])
    assert "expected the companion of a lesson, got no 01_small.md" in problem


def test_an_exercise_stands_in_one_of_the_two(pair):
    core, deeper = pair
    exercises = {one.identifier: one for one in source_of_small(core).exercises}
    once = cells_of([exercises["small.throw"]])
    assert once in deeper.read_text()
    found = edit(core, "## What it does", f"{once}\n\n## What it does")
    assert not [line for line in found if "small.throw" in line], "the companion says so"
    assert "01_small.md shows the exercise small.throw, too" in problems(deeper)
    edit(deeper, once, "")
    found = [*lesson_checks.text_problems(core), *lesson_checks.text_problems(deeper)]
    assert not [line for line in found if "small.throw" in line]


def test_an_exercise_that_neither_shows_is_missed_by_the_lesson(pair):
    core, deeper = pair
    throw = next(o for o in source_of_small(core).exercises if o.identifier == "small.throw")
    edit(deeper, cells_of([throw]), "Nothing.")
    assert "no cell shows the exercise small.throw" in problems(core)
    assert not [line for line in problems(deeper) if "no cell" in line]


def test_an_exercise_stands_there_once(pair):
    twice = cells_of(source_of_small(pair[0]).exercises[:1])
    found = edit(pair[0], "## What it does", f"{twice}\n\n## What it does")
    assert "shows the exercise small.twice 2 times, expected once" in found


def test_a_starter_of_the_companion_is_the_sources(pair, chapters):
    sound = pair[1].read_text()
    found = edit(pair[1], 'check("small.words", ', 'check("small.words", 1 + ')
    assert any("the cell after the exercise small.words is not its starter" in o for o in found)
    assert main(["--chapters", str(chapters.folder), "cells", "01_small.deeper"]) == 0
    assert pair[1].read_text() == sound


def test_hints_are_offered_where_exercises_are_shown(pair):
    core, deeper = pair
    offer, text = SENTENCE.format("small.twice"), core.read_text()
    expected = "says 0 times how hints are asked for"
    assert any(expected in line for line in edit(core, offer, ""))
    exercises = source_of_small(core).exercises
    inner = cells_of([one for one in exercises if one.identifier in IN_CORE])
    core.write_text(text)
    assert not any(expected in line for line in edit(core, f"{offer}\n\n{inner}", ""))
    assert any("no cell shows" in line for line in lesson_checks.text_problems(core))
    deeper.write_text(f"{deeper.read_text()}\n{inner}\n")
    for path in pair:
        found = lesson_checks.text_problems(path)
        assert not [line for line in found if expected in line or "no cell shows" in line]


def test_without_a_companion_a_lesson_offers_the_hints_of_its_exercises(pair):
    core, deeper = pair
    deeper.unlink()
    offer = SENTENCE.format("small.twice")
    core.write_text(core_text().replace(offer, ""))
    found = lesson_checks.text_problems(core)
    assert any("says 0 times how hints are asked for" in line for line in found)


def test_both_follow_from_the_exercises(pair, chapters):
    before = [inputs.inputs_of(path) for path in pair]
    write(chapters.folder, ALL.replace("Add it to", "Add it once to"))
    assert not set(before) & {inputs.inputs_of(path) for path in pair}


def test_both_are_built_recorded_and_tested(pair, chapters):
    core, deeper = (path.with_suffix(".ipynb") for path in pair)
    assert inputs.notebooks_to_test(chapters.folder) == ([core, deeper], [])
    names = {"00_small/01_small", "00_small/01_small.deeper"}
    assert set(inputs.read_built(chapters.folder)) == names
    assert inputs.built_with_others(chapters.folder) == []
    (chapters.folder / "constraints.txt").touch()
    for text in pair:
        inputs.record_built(text, inputs.inputs_of(text, chapters.folder), chapters.folder)
    hashes = selection.current([core, deeper], chapters.folder, chapters.folder)
    assert set(hashes) == {f"chapters/{name}.ipynb" for name in names}
    assert selection.changed(hashes, selection.read_record(chapters=chapters.folder)) == []


def test_the_build_knows_each_by_its_own_name(pair, chapters, capsys):
    command = ["--chapters", str(chapters.folder), "build", "--check"]
    assert main(command) == 0
    assert capsys.readouterr().out == "01_small: up to date\n01_small.deeper: up to date\n"
    pair[1].write_text(pair[1].read_text().replace("## More of it", "## All of it"))
    assert main(command) == 1
    assert "01_small.deeper: has to be built" in capsys.readouterr().out


def test_the_pages_of_the_book_know_both(pair, chapters):
    folder = chapters.folder
    for command in ("index", "ledger", "links"):
        assert main(["--chapters", str(folder), command]) == 0
    assert lesson_checks.check_book(folder) == []
    page = start_page.render(folder, checks={})
    link = (
        '<a href="00_small/01_small.ipynb">Sums: two and two</a> · '
        '<a href="00_small/01_small.deeper.ipynb">deeper</a>'
    )
    times = "<td>4 min</td><td>3 min, 0 of 2</td>"
    assert f'<td class="lesson">{link}<br>Is four two twos?</td>{times}' in page
    assert page.count("01_small.deeper") == 1
    assert "Lesson: [Sums](01_small.ipynb)" in pair[1].read_text()
    assert "| `small.sum.of_two` | Two and two are four. |" in evidence.render(folder)
    assert [path.name for path in links.write(folder)] == []


def test_a_notebook_of_a_companion_needs_its_text(pair, chapters):
    pair[1].unlink()
    found = lesson_checks.check_book(chapters.folder)
    assert any("01_small.deeper.ipynb: notebook without a text" in line for line in found)


def source_of_small(core):
    return read_source(lessons.exercises_text(core))


@pytest.mark.parametrize("name", ["01_small", "01_small.deeper", "x/01_small.deeper.ipynb"])
def test_the_exercises_of_a_companion_are_its_lessons(pair, chapters, name):
    path = source_of(name, chapters.folder)
    assert path == lessons.exercises_text(pair[1]) == lessons.exercises_text(pair[0])
    assert len(read_source(path).exercises) == 4
    units = selection.current([], chapters.folder)
    graded = [one for one in units if one.startswith("grading of ")]
    assert graded == ["grading of 00_small/01_small"]


def test_an_assignment_holds_the_exercises_of_both(pair):
    cells = instructor_notebook(source_of_small(pair[0])).cells
    asked = [cell.metadata.nbgrader.grade_id for cell in cells if cell.metadata.nbgrader.solution]
    assert asked == ["small-twice", "small-letter", "small-throw", "small-words"]


def test_work_copies_hold_companions(tmp_path):
    book = Book(tmp_path)
    deeper = "01_first/01_small.deeper.ipynb"
    book.publish(deeper)
    assert deeper in book.refresh().copied and is_published(f"chapters/{deeper}")
    assert not (book.work / deeper).with_suffix(".md").exists()
    book.answer("answer = 1", deeper)
    book.publish(deeper, "x = 2")
    report = book.refresh()
    assert report.newer == [deeper]
    assert book.source(deeper) == "answer = 1"
    assert book.source("01_first/01_small.deeper.new.ipynb") == "x = 2"
    assert book.source("01_first/01_small.ipynb") != "x = 2"
    (book.chapters / deeper).unlink()
    (book.chapters / deeper).with_suffix(".md").unlink()
    assert deeper in book.refresh().gone


def test_answers_in_a_published_companion_are_taken_over(tmp_path):
    book = Book(tmp_path)
    deeper = "01_first/01_small.deeper.ipynb"
    book.publish(deeper)
    book.refresh()
    book.answer("answer = 3", deeper, folder=book.chapters)
    assert book.refresh().taken == [deeper]
    assert book.source(deeper) == "answer = 3"
    assert work_copies.refresh(book.chapters).taken == []


def test_the_list_of_notebooks_names_companions(pair, chapters, tmp_path):
    command = [sys.executable, "-m", "bookmaker", "--chapters", str(chapters.folder), "changed"]
    command += ["--all", "--chosen", str(tmp_path / "build" / "chosen.json")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHAPTERS.parent)
    assert ran.stdout.split() == [str(path.with_suffix(".ipynb")) for path in pair]


def test_header_links_and_times_are_written(chapters):
    chapters.write(core_text().replace("Sums: two and two", "Ones: a start"), name="00_ones")
    core, _ = write_pair(chapters)
    text = core.read_text()
    core.write_text(text.replace("prerequisites: []", "prerequisites: [00_small/00_ones]"))
    assert main(["--chapters", str(chapters.folder), "cells"]) == 0
    linked = "**Prerequisites.** [Ones](00_ones.ipynb) Counting.\n"
    assert linked in core.read_text(), "own words stay"
    assert lesson_checks.text_problems(core) == []
    core.write_text(core.read_text().replace("[00_small/00_ones]", "[]"))
    assert main(["--chapters", str(chapters.folder), "cells"]) == 0
    assert "**Prerequisites.** Counting.\n" in core.read_text()
