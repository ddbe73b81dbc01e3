import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import record_made
from nbformat.v4 import new_output

from bookmaker import PACKAGES
from bookmaker.__main__ import main
from bookmaker.building import build, inputs
from bookmaker.code.imports import find_modules
from bookmaker.gate import selection
from bookmaker.lessons.lessons import LessonError, code_in, find_texts, read_text

FACE = """\
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.models.fm import build_fm
    from recsys_lib.models.dcn import build_dcn
"""
ZOO = 'ROWS = [("FM", "recsys_lib.models:build_fm"), ("DCN", "recsys_lib.models:build_dcn")]\n'


@pytest.fixture
def library(tmp_path):
    """The root of a small library with a face, a zoo, a lock and two data cards."""
    sources = {
        "recsys_lib/__init__.py": "",
        "recsys_lib/checks.py": "",
        "recsys_lib/models/__init__.py": FACE,
        "recsys_lib/models/fm.py": "def build_fm():\n    from recsys_lib import checks\n",
        "recsys_lib/models/dcn.py": "",
        "recsys_lib/zoo.py": ZOO,
        "recsys_lib/plots.py": "import recsys_lib.zoo\n",
        "recsys_book.py": "",
        "recsys_lib/data/__init__.py": "",
        "recsys_lib/data/kuairand.py": "",
        "constraints.txt": "numpy==2.5.5\n",
        "data/kuairand_pure.md": "# KuaiRand\n",
        "data/movielens.md": "# MovieLens\n",
    }
    for name, source in sources.items():
        path = tmp_path / "library" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path / "library"


def read(library, source):
    modules = find_modules(library, PACKAGES)
    return [name.removeprefix("recsys_lib.") for name in inputs.read_by([source], modules)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import numpy", []),
        ("from recsys_lib.models import build_fm", ["checks", "models", "models.fm"]),
        ("from recsys_lib.models import build_dcn", ["models", "models.dcn"]),
        ("from recsys_lib import models", ["checks", "models", "models.dcn", "models.fm"]),
        ("from recsys_lib.models import *", ["checks", "models", "models.dcn", "models.fm"]),
        ("import recsys_lib.models.dcn", ["models", "models.dcn"]),
        ("from recsys_lib.models import fm", ["checks", "models", "models.fm"]),
        ("from recsys_lib.zoo import ROWS", ["checks", "models", "models.dcn", "models.fm", "zoo"]),
        ("import recsys_lib.plots", ["plots", "zoo"]),
        ("this is no Python", []),
    ],
)
def test_follows_imports_through_faces_and_functions(library, source, expected):
    found = read(library, source)
    assert found == (["recsys_lib", *expected] if expected else [])


def test_a_module_that_is_not_there_is_named(library):
    with pytest.raises(ValueError, match=r"recsys_lib\.gone: no such module"):
        read(library, "from recsys_lib.gone import thing")


LESSON = """
```{code-cell} ipython3
:tags: [long-cell]

from recsys_lib.models import build_fm
from recsys_lib.data import kuairand
```
"""


@pytest.fixture
def lesson(chapters, survey):
    path = chapters.write(survey + LESSON)
    path.with_name("01_small.exercises.md").write_text(survey)
    return path


def appended(path, text="\n# one line more\n"):
    path.write_text(path.read_text() + text)


def test_the_hash_changes_with_every_input_and_with_nothing_else(library, lesson):
    before = inputs.inputs_of(lesson, library)
    assert inputs.inputs_of(lesson, library) == before
    for name in ("recsys_lib/models/dcn.py", "recsys_lib/zoo.py", "data/movielens.md"):
        appended(library / name)
    appended(lesson, "\nA sentence of prose.\n")
    assert inputs.inputs_of(lesson, library) == before

    seen = {before}
    for path in (
        library / "recsys_lib/__init__.py",
        library / "recsys_lib/checks.py",
        library / "recsys_lib/models/fm.py",
        library / "constraints.txt",
        library / "data/kuairand_pure.md",
        lesson.with_name("01_small.exercises.md"),
    ):
        appended(path, "\n# A comment.\nLATER = 1\n")
        seen.add(inputs.inputs_of(lesson, library))
    assert len(seen) == 7
    module = library / "recsys_lib/models/fm.py"
    module.write_text('"""What it is for."""\n' + module.read_text() + "\n# One comment more.\n")
    assert inputs.inputs_of(lesson, library) in seen
    for text in ("one", "another"):
        appended(module, f'\nTEXT = "{text}"\n')
        assert inputs.inputs_of(lesson, library) not in seen
        seen.add(inputs.inputs_of(lesson, library))
        module.write_text(module.read_text().partition("TEXT")[0])
    lesson.write_text(lesson.read_text().replace("long-cell", "nbval-ignore-output"))
    seen.add(inputs.inputs_of(lesson, library))
    lesson.write_text(lesson.read_text().replace("import kuairand", "import kuairand as data"))
    seen.add(inputs.inputs_of(lesson, library))
    assert len(seen) == 11


SHOWS = """
```{code-cell} ipython3
from recsys_book import evidence, finding

evidence("small.told")
```
"""


@pytest.mark.parametrize(
    "shown",
    [
        'evidence("small.told")',
        'finding("small.told.leads")',
        'recorded("small.told", model="DIN")',
        'checked_sentences("small.told.leads")',
    ],
)
def test_a_record_that_a_lesson_shows_is_an_input(library, chapters, survey, shown):
    results = library / inputs.RECORDS
    results.mkdir(parents=True)
    path = chapters.write(survey + SHOWS.replace('evidence("small.told")', shown))
    without = inputs.inputs_of(path, library)
    record_made.put(results, record_made.made(identifier="small.other"))
    assert inputs.inputs_of(path, library) == without
    record_made.put(results, record_made.made())
    first = inputs.inputs_of(path, library)
    record_made.put(results, record_made.made(record=2))
    second = inputs.inputs_of(path, library)
    assert len({without, first, second}) == 3
    record_made.put(results, record_made.made())
    assert inputs.inputs_of(path, library) == first


def test_a_new_record_forces_its_lessons_and_no_others(chapters, survey, monkeypatch, capsys):
    results = chapters.folder.parent / "experiments" / "results"
    results.mkdir(parents=True)
    record_made.put(results, record_made.made())
    monkeypatch.setattr(inputs, "RECORDS", str(results))
    shows = chapters.write(survey.replace("small.sum", "small.a") + SHOWS)
    other = chapters.write(survey.replace("small.sum", "small.b"), name="02_small")
    for path in (shows, other):
        chapters.fake(path)
    command = ["--chapters", str(chapters.folder), "build", "--changed", "--check"]
    assert main(command) == 0
    notebooks = [path.with_suffix(".ipynb") for path in (shows, other)]
    (chapters.folder / "constraints.txt").touch()
    green = selection.current(notebooks, chapters.folder, chapters.folder)

    record_made.put(results, record_made.made(record=2))
    capsys.readouterr()
    assert main(command) == 1
    assert "01_small: has to be built" in (out := capsys.readouterr().out)
    assert "02_small: up to date" in out
    assert inputs.built_with_others(chapters.folder) == [shows]
    now = selection.current(notebooks, chapters.folder, chapters.folder)
    assert [name for name in now if now[name] != green[name]] == [
        "chapters/00_small/01_small.ipynb"
    ]


def test_a_lesson_that_imports_what_is_gone_is_named(library, chapters, survey):
    path = chapters.write(survey + LESSON.replace("recsys_lib.data ", "recsys_lib.gone "))
    with pytest.raises(LessonError, match=r"01_small\.md: recsys_lib\.gone: no such module"):
        inputs.inputs_of(path, library)


def test_a_build_records_its_inputs_and_forgets_what_is_gone(chapters, monkeypatch, capsys):
    first, second = chapters.write(name="01_small"), chapters.write(name="02_small")

    def fake(text_path):
        chapters.fake(text_path)
        return build.BuildTimes(1.0, None)

    monkeypatch.setattr("bookmaker.__main__.build", fake)
    command = ["--chapters", str(chapters.folder), "build"]
    main(command)
    recorded = inputs.read_built(chapters.folder)
    assert {name: built["inputs"] for name, built in recorded.items()} == {
        f"00_small/{path.stem}": inputs.inputs_of(path) for path in (first, second)
    }
    assert inputs.problems(chapters.folder) == []
    assert inputs.built_with_others(chapters.folder) == []

    (chapters.folder / inputs.NAME).write_text(
        json.dumps({**recorded, "00_small/02_small": {}, "00_small/03_gone": {}})
    )
    (gone,) = inputs.problems(chapters.folder)
    assert "00_small/03_gone, which is not there" in gone
    capsys.readouterr()
    main(command)
    assert "02_small: up to date" in capsys.readouterr().out
    main([*command, "--changed"])
    out = capsys.readouterr().out
    assert "01_small: up to date" in out and "02_small: 1.0 s" in out
    assert inputs.read_built(chapters.folder) == recorded

    (chapters.folder / inputs.NAME).unlink()
    assert len(inputs.problems(chapters.folder)) == 2


def test_outputs_that_no_build_gave_are_not_kept(chapters):
    path = chapters.write()
    notebook = chapters.fake(path)
    read = inputs.inputs_of(path)
    assert inputs.is_built_with(path, read, chapters.folder)
    assert not inputs.is_built_with(path, "other", chapters.folder)
    notebook.write_text(notebook.read_text().replace("sum 4", "sum 5"))
    assert not inputs.is_built_with(path, read, chapters.folder)
    notebook.unlink()
    assert not inputs.is_built_with(path, read, chapters.folder)


def test_an_alternative_text_is_prose_and_a_figure_is_not(chapters):
    path = chapters.write()

    def hash_with(alt, image):
        figure = {"data": {"image/png": image}, "metadata": {"image/png": {"alt": alt}}}
        shown = [new_output("display_data", **figure)]
        return inputs.outputs_of(
            chapters.fake(path, lambda notebook: notebook.cells[1].update(outputs=shown))
        )

    assert hash_with("a rising line", "iVBO") == hash_with("a falling line", "iVBO")
    assert hash_with("a rising line", "iVBO") != hash_with("a rising line", "iVBP")


def test_builds_side_by_side_keep_each_others_notes(chapters, monkeypatch):
    texts = [chapters.write(name=f"0{number}_lesson") for number in range(1, 7)]
    for text in texts:
        chapters.fake(text)
    (chapters.folder / inputs.NAME).unlink()
    read = inputs.read_built

    def slowly(folder):
        found = read(folder)
        time.sleep(0.02)  # long enough for another to write in between
        return found

    monkeypatch.setattr(inputs, "read_built", slowly)
    with ThreadPoolExecutor(len(texts)) as threads:
        list(threads.map(lambda text: inputs.record_built(text, "read", chapters.folder), texts))
    assert len(read(chapters.folder)) == len(texts)


@pytest.mark.parametrize("path", find_texts(), ids=lambda path: path.stem)
def test_only_who_builds_from_the_zoo_imports_it_and_so_follows_from_every_model(path):
    code = "\n".join(code_in(read_text(path)))
    if re.search(r"import zoo|recsys_lib\.zoo", code):
        assert re.search(r"\bzoo\.(?!style|find\(\w+\)\.name)", code), "recsys_book.style"
        assert "zoo.style(zoo.find(" not in code
