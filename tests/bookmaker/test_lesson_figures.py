"""Alternative texts of figures and folded cells: written by the build, held by the checks."""

import base64

import pytest
from nbformat.v4 import new_output

from bookmaker.building import build, inputs
from bookmaker.checks import lesson_checks
from bookmaker.lessons import figures, lessons
from recsys_book.plotting.frames import FRAMES

SEE = "*What to see: the line of `x` & its {}bound $\\mathbf{{x}}_0$ rise.*"
CELLS = """\
```{{code-cell}} ipython3
:tags: [{}]

plots.curves({{"x": (x, x)}}, "A", "x", "y")
```

{}

"""
PIXELS = base64.b64encode(b"\x89PNG none").decode()
ELEMENT = '<img alt="{}" width="711" src="data:image/png;base64,{}">'


def with_figure(survey, see=None, tags="hide-input"):
    cells = CELLS.format(tags, see or SEE.format("upper "))
    return survey.replace("## In short", cells + "## In short").replace("** 2 min", "** 3 min")


def show(notebook):
    """The figure as the library shows it: its title stands for it."""
    cell = next(cell for cell in notebook.cells if "plots.curves" in cell.source)
    data = {"image/png": PIXELS, "text/html": ELEMENT.format("A &amp; B", PIXELS)}
    metadata = {"image/png": {"alt": "A & B"}}
    cell.outputs = [new_output("execute_result", data, execution_count=2, metadata=metadata)]


def described(notebook):
    show(notebook)
    figures.describe_figures(notebook)


def shown(path):
    notebook = lessons.read_notebook(path.with_suffix(".ipynb"))
    return next(cell for cell in notebook.cells if "plots.curves" in cell.source)


def test_the_sentence_below_a_figure_stands_for_it_in_every_form(chapters, survey):
    path = chapters.write(with_figure(survey))
    chapters.fake(path, described)
    (output,) = shown(path).outputs
    expected = "the line of x & its upper bound x_0 rise."
    assert output.metadata["image/png"]["alt"] == expected
    assert output.data["text/html"] == ELEMENT.format(expected.replace("&", "&amp;"), PIXELS)
    assert output.data["image/png"] == PIXELS
    assert lesson_checks.check_lesson(path) == []


def test_both_forms_of_a_picture_of_a_model_get_the_sentence(chapters, survey):
    path = chapters.write(with_figure(survey))

    def picture(notebook):
        show(notebook)
        cell = next(cell for cell in notebook.cells if "plots.curves" in cell.source)
        element = ELEMENT.replace("png", "svg+xml").format("A &amp; B", "PHN2Zy8+")
        data = {"image/png": PIXELS, "text/html": element, "text/plain": "A & B"}
        metadata = {"image/png": {"alt": "A & B", "width": 7}}
        cell.outputs = [new_output("execute_result", data, execution_count=2, metadata=metadata)]

    chapters.fake(path, picture)
    assert len(lesson_checks.stale_problems(path)) == 1

    def described_picture(notebook):
        picture(notebook)
        figures.describe_figures(notebook)

    chapters.fake(path, described_picture)
    (output,) = shown(path).outputs
    expected = "the line of x & its upper bound x_0 rise."
    assert output.metadata == {"image/png": {"alt": expected, "width": 7}}
    assert output.data["text/html"].startswith(f'<img alt="{expected.replace("&", "&amp;")}" ')
    assert lesson_checks.check_lesson(path) == []


def test_describing_twice_changes_nothing_and_another_sentence_replaces_the_first(chapters, survey):
    path = chapters.write(with_figure(survey))
    first = chapters.fake(path, described).read_text()
    notebook = lessons.read_notebook(path.with_suffix(".ipynb"))
    figures.describe_figures(notebook)
    assert build.serialise(notebook) == first
    for cell in notebook.cells:
        cell.source = cell.source.replace("upper ", "lower ")
    figures.describe_figures(notebook)
    assert "its lower bound" in build.serialise(notebook).split("What to see")[0]


def test_another_sentence_is_no_other_output_but_other_pixels_are(chapters, survey):
    path = chapters.write(with_figure(survey))
    notebook_path = chapters.fake(path, show)
    before = inputs.outputs_of(notebook_path)
    chapters.fake(path, described)
    assert inputs.outputs_of(notebook_path) == before

    def drawn_anew(notebook):
        described(notebook)
        cell = next(cell for cell in notebook.cells if "plots.curves" in cell.source)
        cell.outputs[0].data["text/html"] = ELEMENT.format("A", "iVBOR")

    chapters.fake(path, drawn_anew)
    assert inputs.outputs_of(notebook_path) != before


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("a\nb  c", "a b c"),
        ("`x_1` of **bold** and *it*, 2 * 3 * 4", "x_1 of bold and it, 2 * 3 * 4"),
        ("[the *FM*](../01_fm.ipynb#a)", "the FM"),
        (r"$\bar p = 0.7 \cdot 4 \le \alpha^{2}$", "bar p = 0.7 · 4 ≤ alpha ^2"),
        (r"$\mathbf{U}^H\, x$", "U^H x"),
        ("a &lt; b", "a < b"),
    ],
)
def test_prose_becomes_plain_text(markdown, expected):
    assert figures.as_plain_text(markdown) == expected


def test_the_sentence_ends_at_its_star_and_may_name_what_it_is_about(chapters, survey):
    path = chapters.write(
        with_figure(survey, "So:\n\n*What to see (left): 2 * 3\nrises.* The next *one* too.")
    )
    notebook = lessons.read_text(path)
    number = next(k for k, cell in enumerate(notebook.cells) if "curves" in cell.source)
    assert figures.what_to_see(notebook, number) == "2 * 3 rises."


@pytest.mark.parametrize(
    ("see", "change", "problem"),
    [
        ("Nothing.", described, "cell 3: expected a line `*What to see: ...*`"),
        (SEE.format(""), show, "stale: not what a build makes of the text"),
    ],
)
def test_a_lesson_needs_its_alternative_texts(chapters, survey, see, change, problem):
    path = chapters.write(with_figure(survey, see, tags=""))
    chapters.fake(path, change)
    found = [one for one in lesson_checks.check_lesson(path) if "hide-input" not in one]
    assert len(found) == 1 and problem in found[0], found


def test_each_form_of_a_figure_has_to_be_described(chapters, survey):
    def half(notebook):
        described(notebook)
        cell = next(cell for cell in notebook.cells if "plots.curves" in cell.source)
        del cell.outputs[0].data["text/html"]

    path = chapters.write(with_figure(survey))
    chapters.fake(path, half)
    (problem,) = lesson_checks.check_lesson(path)
    assert "expected an alternative text in HTML, too" in problem


def test_tagged_cells_are_folded_and_a_cell_that_only_plots_has_to_be_tagged(chapters, survey):
    path = chapters.write(with_figure(survey))
    chapters.fake(path, described)
    assert shown(path).metadata["jupyter"] == {"source_hidden": True}
    assert lesson_checks.stale_problems(path) == []
    chapters.fake(path, lambda notebook: notebook.cells[2].metadata.pop("jupyter"))
    assert len(lesson_checks.stale_problems(path)) == 1
    chapters.write(with_figure(survey, tags=""))
    chapters.fake(path, described)
    assert "jupyter" not in shown(path).metadata
    (problem,) = problems_of(path)
    assert "cell 3: expected the tag hide-input on a cell that only plots or checks" in problem


def problems_of(path):
    return figures.problems(
        path.with_suffix(".ipynb"), lessons.read_notebook(path.with_suffix(".ipynb"))
    )


def test_the_cell_of_an_answer_stays_open(chapters, survey):
    text = with_figure(survey).replace("plots.curves(", "# your code here\nplots.curves(")
    path = chapters.write(text)
    chapters.fake(path, described)
    assert any("expected an open cell for the reader's answer" in one for one in problems_of(path))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plots.curves(a)\nexact('a.b', 'A.', True)", True),
        ("exact('a.b', 'A.', True)\nassert x == 1, 'no'", True),
        ("exact('a.b', 'A.', True)\nevidence('a.b')", False),
        ("plots.use_style()", False),
        ("model = plots.curves(a)", False),
        ("%matplotlib inline", False),
        ("", False),
        ("check('a.b', answer)", False),
    ],
)
def test_what_only_plots_or_checks(source, expected):
    assert figures.only_plots_or_checks(source) is expected


def test_a_figure_that_the_kernel_could_not_draw_is_named(chapters, survey):
    def named(notebook):
        show(notebook)
        (output,) = next(c for c in notebook.cells if "plots.curves" in c.source).outputs
        output.data = {"text/plain": "<Figure size 700x250 with 1 Axes>"}

    path = chapters.write(with_figure(survey))
    chapters.fake(path, named)
    found = lesson_checks.check_lesson(path)
    assert sum("expected a figure, got its name alone" in line for line in found) == 1


@pytest.mark.parametrize(
    ("outputs", "withheld", "faults"),
    [
        ([], [], ["cell 4: expected an output above `*What to see: ...*`, got none"]),
        ([{FRAMES: {}}], [], ["cell 3: expected an output that a viewer", "cell 4: expected an"]),
        ([], [{"text/plain": "4"}], ["cell 3: expected an output that a", "cell 4: expected an"]),
        ([{FRAMES: {}, "text/html": "<p>It is 2.</p>"}], [], []),
        ([{"text/plain": "Run this cell."}], [{"text/plain": "4"}], []),
    ],
)
def test_no_cell_is_empty_until_it_is_run(chapters, survey, outputs, withheld, faults):
    path = chapters.write(with_figure(survey))

    def showing(notebook):
        figures.describe_figures(notebook)
        shown = next(one for one in notebook.cells if "plots.curves" in one.source)
        shown.outputs = [new_output("display_data", data=data) for data in outputs]
        if withheld:
            kept = [new_output("display_data", data=data) for data in withheld]
            shown.metadata[figures.WITHHELD] = kept

    chapters.fake(path, showing)
    found = problems_of(path)
    assert len(found) == len(faults)
    assert all(fault in one for fault, one in zip(faults, found, strict=True))


def test_pixels_are_no_paths_of_this_machine(chapters, survey):
    def change(notebook):
        described(notebook)
        cell = next(cell for cell in notebook.cells if "plots.curves" in cell.source)
        html = cell.outputs[0].data["text/html"]
        cell.outputs[0].data["text/html"] = html.replace(PIXELS, "iVBOR=/tmp/x/y+/root/z")

    path = chapters.write(with_figure(survey))
    chapters.fake(path, change)
    assert lesson_checks.check_lesson(path) == []
