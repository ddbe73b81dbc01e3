"""Links between lessons: generated from the book's order, and all of them lead somewhere."""

import re
from urllib.parse import unquote

import pytest
from pair_text import AS_LAB

from bookmaker.__main__ import main
from bookmaker.building import links
from bookmaker.checks import lesson_checks
from bookmaker.lessons import lessons
from recsys_book.base.paths import CHAPTERS, LessonError

INLINE_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^()\s]+)\)")


@pytest.fixture
def row(chapters, survey):
    """Two chapters: two lessons and a lab, then a lesson, as pairs; the folder of the chapters."""

    def write(title, chapter, name, **options):
        text = survey.replace("A small lesson", title)
        text = text.replace("title: " + title, f"title: '{title}'").replace("small.sum", name)
        for old, new in options.get("changes", {}).items():
            text = text.replace(old, new)
        chapters.fake(chapters.write(text, chapter, name))

    write("FM: pairs", "00_small", "01_fm")
    write("Arrays [x]", "00_small", "02_arrays")
    write("Lab: clicks", "00_small", "lab_clicks", changes=dict([AS_LAB]))
    write("STAR", "01_next", "01_star")
    return chapters.folder


def line(folder, name):
    return links.line(folder / f"{name}.md", folder)


def test_a_lesson_leads_to_its_neighbours_and_the_start_page(row):
    start = "[Start page](../index.ipynb)"
    assert line(row, "00_small/01_fm") == f"{start} · Next: [Arrays \\[x\\]](02_arrays.ipynb)"
    assert line(row, "00_small/02_arrays") == (
        f"Previous: [FM](01_fm.ipynb) · {start} · Next: [STAR](../01_next/01_star.ipynb)"
    )
    assert line(row, "01_next/01_star") == (
        f"Previous: [Arrays \\[x\\]](../00_small/02_arrays.ipynb) · {start}"
    )


def test_a_lab_leads_back_into_the_row_which_passes_it_by(row):
    assert line(row, "00_small/lab_clicks") == (
        "Previous: [Arrays \\[x\\]](02_arrays.ipynb) · [Start page](../index.ipynb) · "
        "Next: [STAR](../01_next/01_star.ipynb)"
    )
    lines = [line(row, name) for name in ("00_small/02_arrays", "01_next/01_star")]
    assert not any("clicks" in one for one in lines)


def test_a_companion_and_its_lesson_lead_to_each_other(row):
    (row / "00_small" / "01_fm.deeper.md").write_text((row / "00_small" / "01_fm.md").read_text())
    assert line(row, "00_small/01_fm").endswith(
        " · Deeper: [more on this lesson](01_fm.deeper.ipynb)"
    )
    assert line(row, "00_small/01_fm.deeper") == (
        "Lesson: [FM](01_fm.ipynb) · [Start page](../index.ipynb)"
    )
    assert "Previous: [FM](01_fm.ipynb)" in line(row, "00_small/02_arrays")
    assert "Next: [Arrays \\[x\\]](02_arrays.ipynb)" in line(row, "00_small/01_fm")


def test_a_prerequisite_is_linked_by_its_title(row):
    here = row / "00_small" / "01_fm.md"
    assert links.link_to("01_next/01_star", here) == "[STAR](../01_next/01_star.ipynb)"
    assert links.link_to("00_small/02_arrays", here) == "[Arrays \\[x\\]](02_arrays.ipynb)"
    with pytest.raises(LessonError, match=r"01_fm\.md: expected names of lessons .* 02_no/01_x"):
        links.link_to("02_no/01_x", here)


def test_links_are_written_into_both_files_and_nothing_else_changes(row):
    texts = lessons.find_texts(row)
    before = {path: lessons.read_notebook(path.with_suffix(".ipynb")) for path in texts}
    assert main(["--chapters", str(row), "links"]) == 0
    for path in texts:
        text, notebook = lessons.read_text(path), lessons.read_notebook(path.with_suffix(".ipynb"))
        assert lesson_checks.stale_problems(path) == []
        assert [cell.id for cell in notebook.cells] == [cell.id for cell in text.cells]
        expected = links.line(path, row)
        assert notebook.cells[-1].source == expected
        assert notebook.cells[1].source == f"{expected}\n\n{links.HOW_TO_RUN}"
        assert [*notebook.cells[:1], *notebook.cells[2:-1]] == before[path].cells
        assert lessons.describe(path) and notebook.cells[0].source.startswith("# ")
    assert links.problems(row) == [] and links.write(row) == []


def test_how_to_run_stands_above_the_first_heading_of_every_lesson_once():
    for path in lessons.find_texts():
        text = path.read_text(encoding="utf-8")
        assert text.count("**How to run.**") == 1, path
        said, heading = text.index(f"\n{links.HOW_TO_RUN}\n"), text.index("\n## ")
        assert said < heading, path
    assert "*Run > Run All Cells*" in links.HOW_TO_RUN and "Shift+Enter" in links.HOW_TO_RUN


def test_a_lesson_that_does_not_say_how_to_run_it_is_found_and_mended(row):
    links.write(row)
    path = row / "00_small" / "01_fm.md"
    right = path.read_text()
    for wrong in ("", "**How to run.** Skip what is folded.\n"):
        path.write_text(right.replace(f"{links.HOW_TO_RUN}\n", wrong))
        assert len(links.problems(row)) == 1
        links.write(row)
        assert path.read_text() == right


def test_a_new_lesson_changes_its_neighbours_links_alone(row):
    links.write(row)
    text = (row / "00_small" / "02_arrays.md").read_text().replace("Arrays [x]", "AFM")
    (row / "00_small" / "03_afm.md").write_text(text)
    broken = {problem.split(":")[0] for problem in links.problems(row)}
    changed = {"00_small/02_arrays", "00_small/03_afm", "00_small/lab_clicks", "01_next/01_star"}
    assert broken == {f"{row / name}.md" for name in changed}
    written = {path.relative_to(row).with_suffix("").as_posix() for path in links.write(row)}
    assert written == changed and links.problems(row) == []


def test_the_check_of_the_book_finds_missing_links(chapters):
    chapters.fake(chapters.write())
    for command in ("index", "ledger"):
        assert main(["--chapters", str(chapters.folder), command]) == 0
    (problem,) = lesson_checks.check_book(chapters.folder)
    assert "01_small.md: the links at head and foot are missing" in problem
    links.write(chapters.folder)
    assert lesson_checks.check_book(chapters.folder) == []


def test_a_text_without_title_is_an_error(chapters):
    first = chapters.write("# No front matter\n", name="01_first")
    second = chapters.write("# Nor here\n", name="02_second")
    with pytest.raises(LessonError, match=r"02_second\.md: front matter has no mapping `lesson`"):
        links.write(chapters.folder)
    assert (first.read_text(), second.read_text()) == ("# No front matter\n", "# Nor here\n")


def relative_links(path):
    """The targets of all links in a notebook's or page's prose that are not on the web."""
    if path.suffix == ".ipynb":
        cells = lessons.read_notebook(path).cells
        prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        prose = path.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```|`[^`\n]*`|\$\$.*?\$\$", "", prose, flags=re.DOTALL | re.MULTILINE)
    return [one for one in INLINE_LINK.findall(prose) if not re.match(r"[a-z]+:", one)]


def shown_rows(path):
    """The identifiers of the rows of checked sentences that a notebook shows."""
    shown = [
        output.get("data", {}).get("text/html", "")
        for cell in lessons.read_notebook(path).cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    return set(re.findall(r'<tr id="([^"]+)">', "".join(shown)))


@pytest.mark.parametrize(
    "path",
    sorted(path for path in CHAPTERS.rglob("*.ipynb") if ".exercises." not in path.name),
    ids=lambda path: path.relative_to(CHAPTERS).as_posix(),
)
def test_every_link_of_the_book_leads_to_a_file(path):
    found = relative_links(path)
    assert len(found) >= 3, "the start page or the links at head and foot are not found"
    rows = shown_rows(path)
    for target in found:
        name, _, part = unquote(target).partition("#")
        if not name:
            assert part in rows, f"{target}: no row of checked sentences"
            continue
        assert (path.parent / name).is_file(), target
        assert not part, f"{target}: no link to a part of a page is checked yet"
