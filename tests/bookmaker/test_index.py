import pytest
from pair_text import core_text, write_pair

from bookmaker import budget, index
from bookmaker.lessons import read_notebook, read_text


def test_lists_lessons_with_question_and_times(chapters, survey):
    chapters.write(chapter="01_memorization_generalization", name="01_x")
    chapters.write(survey.replace("A small", "A | small"), chapter="09_odd_ends", name="01_y")
    text = index.render(chapters.folder)
    row = "| [A small lesson](01_memorization_generalization/01_x.ipynb) | Is four two twos? "
    assert "## 01 Memorization and generalization\n\n| lesson |" in text
    assert row + "| 2 min |  | 3 s |" in text
    assert "## 09 Odd ends" in text
    assert "[A \\| small lesson](09_odd_ends/01_y.ipynb)" in text


def test_the_first_lesson_is_linked_above_all_else(chapters, survey):
    chapters.write(survey, name="02_next")
    chapters.write(survey)
    first_cell = index.render(chapters.folder).split("```")[0]
    assert "\n**Begin here:** [A small lesson](00_small/01_small.ipynb).\n" in first_cell


def rows(page, chapter):
    """The cells of a chapter's table, line by line."""
    section = page.split(f"## {chapter}")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_minutes_for_exercises_stand_apart(chapters):
    core, _ = write_pair(chapters)
    chapters.write(name="02_other")
    page = index.render(chapters.folder)
    pair = "[Sums: two and two](00_small/01_small.ipynb) · [deeper](00_small/01_small.deeper.ipynb)"
    asked = "Is four two twos?"
    assert rows(page, "00 ") == [
        ["lesson", "the question it answers", "to read", "exercises", "to run"],
        [":---", ":---", "---:", "---:", "---:"],
        [pair, asked, "4 min", "3 min", "12 s"],
        ["[A small lesson](00_small/02_other.ipynb)", asked, "2 min", "", "3 s"],
    ]
    counted = budget.count(core)
    assert (counted.reading, counted.solving) == (4, 3)


@pytest.mark.parametrize("anatomy", ["core", "survey"])
def test_a_lesson_without_exercises_or_companion_has_neither(chapters, anatomy):
    chapters.write(core_text().replace("anatomy: core", f"anatomy: {anatomy}"))
    (row,) = rows(index.render(chapters.folder), "00 ")[2:]
    assert row[0] == "[Sums: two and two](00_small/01_small.ipynb)" and row[3] == ""


def test_is_executed_and_written_once(chapters, monkeypatch):
    text_path = index.write(chapters.folder)
    notebook = read_notebook(text_path.with_suffix(".ipynb"))
    code, solved = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code.source == "from recsys_book import check_env\n\ncheck_env()"
    assert code.outputs[0].text.startswith("Environment ready")
    # What whoever builds has solved is not in the committed page.
    assert solved.outputs[0].data["text/html"].startswith("<p>Run this cell")
    assert solved.metadata.tags == ["nbval-ignore-output"]

    built = []
    monkeypatch.setattr(index, "build", built.append)
    index.write(chapters.folder)
    assert built == []
    index.write(chapters.folder, force=True)
    assert built == [text_path]


def test_the_generated_text_is_a_notebook_with_one_cell_for_each_start_cell(chapters):
    chapters.write()
    (chapters.folder / "index.md").write_text(index.render(chapters.folder))
    cells = read_text(chapters.folder / "index.md").cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    assert sources == [source for _, source, _ in index.START_CELLS]
