import nbformat
import pytest
from nbformat.v4 import new_output
from pair_text import core_text

from bookmaker.__main__ import main
from bookmaker.building import build as build_module
from bookmaker.building import inputs
from bookmaker.building.build import BuildError, build, is_stale
from bookmaker.checks.lesson_checks import check_lesson
from recsys_book.plotting import frames

FAKED = build_module.BuildTimes(1.0, None)
PROSE = ("The sum is four [", "The sum is surely four [")
TO_RUN = new_output("display_data", data={"text/plain": "Run this cell: it answers a guess."})
TAGS = ("tags: [hide-input]", "tags: [hide-input, long-cell]")


def run(chapters, *arguments):
    return main(["--chapters", str(chapters.folder), *arguments])


def cell(source, tags=""):
    options = f":tags: [{tags}]\n\n" if tags else ""
    return f"\n```{{code-cell}} ipython3\n{options}{source}\n```\n"


def test_two_builds_give_the_same_bytes_of_a_sound_notebook(chapters, survey):
    # Two writes to one stream arrive in one message or in two, as it happens.
    path = chapters.write(
        survey
        + cell("print(1, flush=True)\nprint(2, flush=True)")
        + cell("import ipywidgets\n\nipywidgets.IntSlider()", "nbval-ignore-output")
    )
    times = build(path)
    first = path.with_suffix(".ipynb").read_bytes()
    build(path)
    assert path.with_suffix(".ipynb").read_bytes() == first
    assert 0 < times.first_output < times.total

    notebook = nbformat.reads(first.decode(), as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "lesson"}
    assert notebook.metadata.language_info == {"name": "python"}
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == [1, 2, 3, 4]
    assert all(set(c.metadata) <= {"tags", "jupyter"} for c in code)
    assert code[0].outputs[0].text == "sum 4\n"
    assert '<tr id="small.sum"><td>≡</td>' in code[1].outputs[0].data["text/html"]
    assert code[2].outputs[0].text == "1\n2\n"
    assert code[3].outputs == []
    assert check_lesson(path) == []


def test_the_header_counts_figures_that_the_build_has_drawn(chapters, capsys):
    code = "from IPython.display import display\n\nfrom recsys_book import plots\n\n"
    code += "plots.use_style()\nfor _ in range(5):\n"
    code += '    display(plots.curves({"a": ([0, 1], [0, 1])}, "A line", "x", "y"))'
    seen = "*What to see: a line.*\n"
    text = core_text().replace("anatomy: core", "anatomy: survey").replace(":tags: [live]\n\n", "")
    path = chapters.write(text.replace("## The math", f"{cell(code)}\n{seen}\n## The math"))
    assert run(chapters, "cells") == 0
    before = path.read_text()
    assert run(chapters, "build") == 0, capsys.readouterr().err
    # Five figures are nearly four minutes more; all else is known before.
    assert "**Time.** 4 minutes to read;" in before and "7 minutes to read" in path.read_text()
    assert path.read_text() == before.replace("** 4 minutes to", "** 7 minutes to")
    assert check_lesson(path) == [] and not is_stale(path)
    assert inputs.built_with_others(chapters.folder) == []
    kept = path.with_suffix(".ipynb").read_bytes()
    assert run(chapters, "build") == 0
    assert path.with_suffix(".ipynb").read_bytes() == kept


def test_a_failing_cell_is_named_and_the_old_notebook_stays(chapters, survey, capsys):
    path = chapters.write()
    old = chapters.fake(path).read_bytes()
    chapters.write(survey.replace("2 + 2", "2 + 3"))
    assert run(chapters, "build") == 1
    message = capsys.readouterr().err
    assert f"{path}: cell 2 (`from recsys_book import checked_sentences, exact`) failed" in message
    assert "AssertionError: exact small.sum does not hold: The sum is four." in message
    assert 'exact("small.sum"' in message
    assert path.with_suffix(".ipynb").read_bytes() == old
    assert sorted(p.name for p in path.parent.iterdir()) == ["01_small.ipynb", "01_small.md"]


def test_a_lesson_inherits_nothing_that_the_library_should_set(chapters, survey, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    look = cell('import os\n\nprint("TF_CPP_MIN_LOG_LEVEL" in os.environ)')
    before, after = survey.split("## Predict", 1)
    path = chapters.write(f"{before}{look}\n## Predict{after}{look}")
    build(path)
    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [code[0].outputs[0].text, code[-1].outputs[0].text] == ["False\n", "True\n"]


def test_what_answers_a_guess_is_not_in_the_built_notebook(chapters, survey):
    tags = "answer, nbval-ignore-output"
    path = chapters.write(survey + cell("print(4)", tags) + cell("x = 1", tags))
    build(path)
    answer, silent = nbformat.read(path.with_suffix(".ipynb"), as_version=4).cells[-2:]
    assert answer.outputs == [TO_RUN] and answer.execution_count == 3
    assert silent.outputs == [], "it shows nothing when it is run"
    # The website folds it.
    assert [one.text for one in answer.metadata.withheld] == ["4\n"]
    assert check_lesson(path) == []
    path.write_text(path.read_text().replace(*PROSE))
    assert build_module.refresh(path)
    kept = nbformat.read(path.with_suffix(".ipynb"), as_version=4).cells[-2]
    assert (kept.outputs, kept.metadata) == ([TO_RUN], answer.metadata)
    path.write_text(path.read_text().replace("answer, nbval-ignore-output", "answer"))
    with pytest.raises(BuildError, match="has the tag answer and so no output"):
        build(path)


def test_the_website_finds_frames_and_results_and_a_change_of_prose_keeps_them(chapters, survey):
    source = """\
from matplotlib.figure import Figure

from recsys_book import explore, resolve

resolve("a_sum", 4, "points")
explore(lambda value: (Figure(figsize=(value, 1)), f"It is {value}."), "value", [1, 2], 2)"""
    path = chapters.write(survey + cell(source, "answer, nbval-ignore-output"))
    build(path)
    results = [{"name": "a_sum", "value": "4.0", "unit": "points"}]
    last = nbformat.read(path.with_suffix(".ipynb"), as_version=4).cells[-1]
    assert (last.metadata.results, last.outputs) == (results, [TO_RUN])
    assert len(frames.frames_in(last.metadata.withheld[1]["data"])) == 2
    path.write_text(path.read_text().replace("answer, nbval", "nbval").replace(*PROSE))
    build(path)
    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(notebook)
    printed, slider = notebook.cells[-1].outputs
    assert printed.text == "a_sum: 4.0 points\n"
    assert [one["sentence"] for one in slider.data[frames.FRAMES]["frames"]] == [
        "It is 1.",
        "It is 2.",
    ]
    assert slider.data["text/html"].startswith('<p>It is 2.</p><img alt="It is 2." ')
    path.write_text(path.read_text().replace(*reversed(PROSE)))
    assert build_module.refresh(path)
    kept = nbformat.read(path.with_suffix(".ipynb"), as_version=4).cells[-1]
    assert (kept.metadata.results, kept.outputs) == (results, [printed, slider])


def test_an_untagged_widget_is_refused(chapters, survey):
    path = chapters.write(survey + cell("import ipywidgets\n\nipywidgets.IntSlider()"))
    with pytest.raises(BuildError, match=r"cell 6 \(`import ipywidgets`\) shows a widget"):
        build(path)
    assert not path.with_suffix(".ipynb").exists()


def test_a_cell_that_never_ends_is_named(chapters, survey, monkeypatch):
    monkeypatch.setattr(build_module, "CELL_TIMEOUT_SECONDS", 1)
    endless = cell("while True:\n    pass")
    path = chapters.write(survey.replace("## Predict", f"{endless}\n## Predict"))
    with pytest.raises(BuildError, match=r"cell 2 \(`while True:`\) ran longer than 1 s"):
        build(path)


def test_a_dead_kernel_is_named(chapters, survey):
    path = chapters.write(survey + cell("import os\n\nos._exit(1)"))
    with pytest.raises(BuildError, match=r"the kernel died in cell 6 \(`import os`\)"):
        build(path)


def test_only_changed_lessons_are_stale(chapters, survey):
    path = chapters.write()
    assert is_stale(path)
    chapters.fake(path)
    assert not is_stale(path)
    chapters.write(survey.replace(*PROSE))
    assert is_stale(path)
    chapters.write(survey.replace("seconds: 3", "seconds: 4"))
    assert is_stale(path)
    chapters.write()
    chapters.fake(path, lambda notebook: notebook.cells[1].update(execution_count=None))
    assert is_stale(path)
    path.with_suffix(".ipynb").write_text("{")
    assert is_stale(path)


@pytest.mark.parametrize(
    ("old", "new", "runs"),
    [
        (*PROSE, False),
        ("## References\n\nNone.", "## References\n\n+++\n\nNone.\n\n+++\n\nNone.", False),
        ("  seconds: 3\n  anatomy: survey", "  anatomy: survey\n  seconds: 3", False),
        ("total = 2 + 2", "total = 1 + 3", True),
        (*TAGS, True),
        ("## In short", "```{code-cell} ipython3\n1 + 1\n```\n\n## In short", True),
    ],
    ids=["prose", "more cells of prose", "front matter", "source", "tag", "another cell"],
)
def test_a_change_of_prose_alone_runs_nothing(chapters, survey, monkeypatch, old, new, runs):
    path = chapters.write()
    before = nbformat.read(chapters.fake(path), as_version=4)
    recorded = inputs.read_built(chapters.folder)
    assert old in survey
    chapters.write(survey.replace(old, new))
    built = []
    monkeypatch.setattr("bookmaker.__main__.build", lambda path: built.append(path) or FAKED)
    assert run(chapters, "build") == (1 if runs else 0)  # nothing was executed in truth
    assert built == ([path] if runs else [])
    if not runs:
        after = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
        assert not is_stale(path) and check_lesson(path) == []
        shown = [[c for c in n.cells if c.cell_type == "code"] for n in (before, after)]
        assert shown[0] == shown[1] and shown[1][0].outputs
        assert inputs.read_built(chapters.folder) == recorded


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total = 2 + 2", "total = 1 + 3"),
        TAGS,
    ],
    ids=["source", "tag"],
)
def test_other_cells_of_code_get_no_outputs(chapters, survey, old, new):
    path = chapters.write()
    before = chapters.fake(path).read_bytes()
    assert old in survey
    chapters.write(survey.replace(old, new))
    assert not build_module.refresh(path)
    assert path.with_suffix(".ipynb").read_bytes() == before
    chapters.write()
    chapters.fake(path, lambda notebook: notebook.cells[1].update(execution_count=None))
    assert not build_module.refresh(path), "a cell that was never executed shows nothing"


@pytest.mark.parametrize("other", ["inputs", "outputs"])
def test_outputs_that_may_not_be_todays_are_not_kept(chapters, survey, monkeypatch, other):
    path = chapters.write()
    notebook = chapters.fake(path)
    chapters.write(survey.replace(*PROSE))
    if other == "inputs":
        monkeypatch.setattr(inputs, "inputs_of", lambda path: "of a library that has changed")
    else:
        notebook.write_text(notebook.read_text().replace("sum 4", "sum 5"))
    built = []
    monkeypatch.setattr("bookmaker.__main__.build", lambda path: built.append(path) or FAKED)
    run(chapters, "build")
    assert built == [path]


def test_what_a_text_lacks_is_said_before_anything_runs(chapters, survey, monkeypatch, capsys):
    chapters.write()
    for name, text in (
        ("02_parts", survey.replace("## In short", "## In sum")),
        ("03_ticks", survey.replace(" [≡](#small.sum)", "")),
        ("04_exercises", survey + cell('exercise("small.gone")')),
    ):
        chapters.write(text.replace("small.sum", f"small.{name}"), name=name)
    monkeypatch.setattr("bookmaker.__main__.build", lambda path: pytest.fail(f"{path} ran"))
    assert run(chapters, "build") == 1
    said = capsys.readouterr().err
    for lacking in (
        "02_parts.md: heading `## In short` appears 0 times",
        "03_ticks.md: exact small.03_ticks is checked; no sentence",
        "04_exercises.md: shows the exercise small.gone, but",
        "nothing was built",
    ):
        assert lacking in said


def test_build_skips_and_only_names_what_has_to_be_built(chapters, monkeypatch, capsys):
    built = []
    monkeypatch.setattr("bookmaker.__main__.build", lambda path: built.append(path))
    first = chapters.write(name="01_x")
    chapters.write(name="02_y")
    chapters.fake(first)
    assert run(chapters, "build", "--check") == 1
    assert run(chapters, "build", "--check", "01_x") == 0
    assert built == []
    assert "01_x: up to date\n02_y: has to be built" in capsys.readouterr().out


def test_zero_lessons_are_no_error(chapters, capsys):
    assert run(chapters, "build") == 0
    assert "no lessons" in capsys.readouterr().out


def test_an_unknown_lesson_is_an_error(chapters, capsys):
    assert run(chapters, "build", "09_none") == 1
    assert "09_none: no lesson of this name" in capsys.readouterr().err
