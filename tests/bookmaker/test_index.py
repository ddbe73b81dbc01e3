from bookmaker import index
from bookmaker.lessons import read_notebook, read_text


def test_lists_lessons_with_question_and_times(chapters, overview):
    chapters.write(chapter="01_memorization_generalization", name="01_x")
    chapters.write(overview.replace("A small", "A | small"), chapter="09_odd_ends", name="01_y")
    text = index.render(chapters.folder)
    row = "| [A small lesson](01_memorization_generalization/01_x.ipynb) | Is four two twos? "
    assert "## 01 Memorization and generalization\n\n| lesson |" in text
    assert row + "| 5 min | 3 s |" in text
    assert "## 09 Odd ends" in text
    assert "[A \\| small lesson](09_odd_ends/01_y.ipynb)" in text


def test_is_executed_and_written_once(chapters, monkeypatch):
    text_path = index.write(chapters.folder)
    notebook = read_notebook(text_path.with_suffix(".ipynb"))
    code, solved = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code.source == "from recsys_lib.book import check_env\n\ncheck_env()"
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
