"""Optional labs: checked and listed like lessons, run only where their data are."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from bookmaker.__main__ import main
from bookmaker.building import build as build_module
from bookmaker.building import index
from bookmaker.checks import lesson_checks
from bookmaker.lessons import lessons
from recsys_book.reader import labs, start_page
from recsys_lib.data import registry

ROOT = Path(__file__).parents[2]
NAME = "kuairand_pure"

LAB = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
lesson:
  title: A small lab
  question: Are the data here?
  minutes: 5
  library: recsys_lib.data
  seconds: 120
  anatomy: lab
  data: kuairand_pure
---

# A small lab

**Question.** Are the data here?

**Data.** KuaiRand-Pure.

**Prerequisites.** None.

**Time.** 5 minutes to read and try; the cells run in about 120 seconds on two idle cores.

**Library.** `recsys_lib.data`

```{code-cell} ipython3
from recsys_book import needs_data

needs_data("kuairand_pure")
```

```{code-cell} ipython3
%time rows = 3
print("ran")
raise_if_run = [][0] if rows == 3 else None
```

```{code-cell} ipython3
%%bash
exit 1
```

## References

None.
"""


@pytest.fixture
def absent(tmp_path, monkeypatch):
    """No data set is on this machine; returns the folder in which one would be found."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(folder))
    monkeypatch.setattr(registry, "cache_folder", lambda: tmp_path / "no cache")
    return folder


def provide(folder):
    """Write the files by which the registry knows the data set; nothing can be read of them."""
    entry = registry.entry(NAME)
    for name in (*entry.required_files, entry.any_of[0]):
        path = folder / entry.folders[0] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.fixture
def lab(chapters):
    path = chapters.write(LAB, name="lab_small")
    chapters.fake(path)
    return path


def test_labs_follow_the_lessons_of_their_chapter(chapters):
    lab = chapters.write(LAB, chapter="00_a", name="lab_a")
    lesson = chapters.write(chapter="00_a", name="02_x")
    later = chapters.write(chapter="01_b", name="01_y")
    assert lessons.find_texts(chapters.folder) == [lesson, lab, later]
    assert [lessons.is_lab(path) for path in (lesson, lab)] == [False, True]
    assert lessons.describe(lab).data == NAME
    assert lessons.describe(lesson).data is None


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("01_small", "", "", r"`lab_\.\.\.` go together, got 'lab'"),
        ("lab_small", "anatomy: lab", "anatomy: survey", "go together, got 'survey'"),
        ("lab_small", "  data: kuairand_pure\n", "", r"`lesson.data` must be one of .*, got None"),
        ("lab_small", "data: kuairand_pure", "data: [ml-1m]", r"must be one of .*\['ml-1m'\]"),
        ("01_small", "anatomy: lab", "anatomy: core", r"unknown keys: \['data', 'minutes'\]"),
    ],
)
def test_names_what_is_wrong_in_a_labs_front_matter(chapters, name, old, new, message):
    path = chapters.write(LAB.replace(old, new, 1) if old else LAB, name=name)
    with pytest.raises(lessons.LessonError, match=message):
        lessons.describe(path)


def test_a_sound_lab_has_no_problem(lab, absent):
    assert lesson_checks.check_lesson(lab) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("120", "181", "runs 181 s, at most 180 s"),
        ("**Data.**", "Data.", r"lacks `\*\*Data\.\*\*`"),
        ("## References", "## Sources", "heading `## References` appears 0 times"),
        ('data("kuairand_pure")', 'data("ml-1m")', r'not call needs_data\("kuairand_pure"\)'),
        ('print("ran")', 'exact("a.b", "S.", True)', "exact a.b is checked; no sentence"),
    ],
)
def test_finds_faults_of_a_lab(chapters, old, new, what):
    path = chapters.write(LAB.replace(old, new), name="lab_small")
    chapters.fake(path)
    with pytest.raises(AssertionError, match=what):
        assert lesson_checks.check_lesson(path) == []


def test_the_start_page_lists_labs_below_the_lessons(chapters):
    chapters.write(chapter="00_a", name="01_x")
    chapters.write(LAB, chapter="00_a", name="lab_small")
    chapters.write(LAB, chapter="01_b", name="lab_small")
    outline = chapters.folder / start_page.OUTLINE
    outline.write_text(index.rendered_outline(chapters.folder))
    text = start_page.render(chapters.folder, checks={})
    line = (
        "<p>Optional lab on the data set <code>kuairand_pure</code>: "
        '<a href="{}/lab_small.ipynb">A small lab</a>. '
        "Are the data here? (5 min to read, 120 s to run)</p></details>"
    )
    assert "<td>2 min</td><td></td></tr></tbody></table>" + line.format("00_a") in text
    assert "</thead><tbody></tbody></table>" + line.format("01_b") in text


def test_without_its_data_a_lab_says_so_once_and_does_nothing(lab, absent, monkeypatch):
    monkeypatch.setattr(build_module, "absence", lambda name: None)  # build it nevertheless
    provide_nothing = {registry.ENVIRONMENT_VARIABLE: str(absent)}
    if registry_in_a_new_process(provide_nothing):
        pytest.skip("the data set is in this checkout's cache")
    notebook, _ = build_module.run(lab)
    first, *others = [cell for cell in notebook.cells if cell.cell_type == "code"]
    (line,) = first.outputs[0].text.splitlines()
    assert line.startswith("kuairand_pure: not found in ")
    assert "`python -m recsys_lib.data.download kuairand_pure`" in line
    assert [cell.outputs for cell in others] == [[], []]


def registry_in_a_new_process(environment):
    code = f"from recsys_lib.data import registry; print(registry.find({NAME!r}))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return found.stdout.strip() != "None"


def test_cells_run_again_once_the_data_are_there(absent, capsys):
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.testing.globalipapp import start_ipython

    shell = start_ipython() or InteractiveShell.instance()
    count = len(shell.input_transformers_cleanup)
    try:
        ask = 'from recsys_book import needs_data\nneeds_data("kuairand_pure")'
        for _ in range(2):
            shell.run_cell(ask).raise_error()
            assert capsys.readouterr().out.startswith("kuairand_pure: not found")
        assert len(shell.input_transformers_cleanup) == count + 1
        for cell in ("lab_value = 1", "%%bash\nexit 1", "a syntax error"):
            shell.run_cell(cell).raise_error()
        assert "lab_value" not in shell.user_ns
        provide(absent)
        shell.run_cell(ask).raise_error()
        assert capsys.readouterr().out == "kuairand_pure: here, the lab can run.\n"
        shell.run_cell("lab_value = 1").raise_error()
        assert shell.user_ns["lab_value"] == 1
    finally:
        del shell.input_transformers_cleanup[count:]


def test_asking_for_an_unknown_set_is_an_error():
    with pytest.raises(ValueError, match=r"data set: expected one of .*, got 'kuairand'"):
        labs.needs_data("kuairand")


def test_no_build_touches_a_lab_without_its_data(lab, chapters, absent, capsys):
    before = lab.with_suffix(".ipynb").read_bytes()
    arguments = ["--chapters", str(chapters.folder), "build"]
    assert main(arguments) == 0, "up to date"
    assert main([*arguments, "--force", "lab_small"]) == 1
    assert f"{lab}: kuairand_pure: not found in" in capsys.readouterr().err
    assert lab.with_suffix(".ipynb").read_bytes() == before


def test_lists_the_labs_that_can_run(lab, chapters, absent, capsys):
    arguments = ["--chapters", str(chapters.folder), "labs"]
    assert main(arguments) == 0
    listed = capsys.readouterr()
    assert listed.out == ""
    assert listed.err.startswith("00_small/lab_small: left out; kuairand_pure: not found in")
    provide(absent)
    assert main(arguments) == 0
    assert capsys.readouterr() == (f"{lab.with_suffix('.ipynb')}\n", "")


def test_the_books_labs_are_committed_with_outputs():
    for text_path in filter(lessons.is_lab, lessons.find_texts()):
        notebook = nbformat.read(text_path.with_suffix(".ipynb"), as_version=4)
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        data = lessons.describe(text_path).data
        assert first.outputs[0].text == f"{data}: here, the lab can run.\n"
