"""The rows of the zoo: each has the lesson that teaches it, its own tests and its mutants."""

import inspect
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from rows import CHECKED
from rows.checked import options_of

from recsys_lib import zoo
from recsys_lib.zoo import MODELS

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"


def mutants():
    """All recorded mutants."""
    command = [sys.executable, TESTS / "mutants" / "runner.py", "list"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


MUTANTS = mutants()


def test_keys_and_names_are_unique():
    for values in ([m.key for m in MODELS], [m.name for m in MODELS]):
        assert not [value for value, count in Counter(values).items() if count > 1]


def test_every_row_is_checked_and_nothing_else():
    assert list(CHECKED) == [model.key for model in MODELS]


def own_tests(model):
    """Test files of its package that name its builder, relative to the tests' folder."""
    package, function = model.builder.split(":")
    return [
        path.relative_to(TESTS).as_posix()
        for path in sorted((TESTS / package.split(".")[-1]).glob("test_*.py"))
        if function in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.key)
def test_a_lesson_teaches_it_and_tests_hold_it(model):
    lesson = ROOT / "chapters" / f"{model.lesson}.md"
    function = model.builder.split(":")[1]
    assert lesson.is_file()
    companion = lesson.with_suffix(".deeper.md")
    taught = [lesson, companion] if companion.is_file() else [lesson]
    text = "\n".join(path.read_text(encoding="utf-8") for path in taught)
    is_named = function in text or f'find("{model.key}")' in text
    assert is_named, (
        f'{model.lesson}: expected {function} or find("{model.key}") in its code, got neither'
    )
    assert own_tests(model), f"tests: expected a file that names {function}, got none"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.key)
def test_mistakes_in_it_are_recorded(model):
    file = Path(inspect.getsourcefile(inspect.unwrap(model.function)))
    file = file.relative_to(ROOT).as_posix()
    tests = own_tests(model)
    own = [
        mutant["name"]
        for mutant in MUTANTS
        if mutant["file"] == file or any(test.startswith(tuple(tests)) for test in mutant["tests"])
    ]
    assert own, f"mutants: expected some of {file} or {tests}, got none"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.key)
def test_its_options_are_the_builders(model):
    row = CHECKED[model.key]
    besides = [option.beside for option in row.acts.values()]
    for options in (model.options, row.small, row.smooth, row.acts, *besides):
        assert set(options) <= set(options_of(model))


@pytest.mark.parametrize("chapter", sorted({model.chapter for model in MODELS}))
def test_styles_are_distinct_within_a_chapter(chapter):
    rows = zoo.of_chapter(chapter)
    assert len({zoo.style(model) for model in rows}) == len(rows)
    colors_and_dashes = {(zoo.style(model).color, zoo.style(model).dash) for model in rows}
    assert len(colors_and_dashes) == len(rows)


def test_rows_are_found_by_key_name_and_chapter():
    assert zoo.find("deepfm") is zoo.find("DeepFM")
    assert {model.key for model in zoo.of_chapter("03")} >= {"dcn", "autoint"}
    with pytest.raises(ValueError, match=r"model: expected one of .*'deepfm'.*, got 'deeepfm'"):
        zoo.find("deeepfm")
    with pytest.raises(ValueError, match=r"chapter: expected one of .*, got '09'"):
        zoo.of_chapter("09")
    plain = {model.key for model in zoo.without()}
    assert "wide_and_deep" in plain and not plain & {"din", "mmoe", "star"}


def test_unknown_needs_are_refused():
    with pytest.raises(ValueError, match="zoo, 'x', needs: expected some of"):
        zoo.Model("x", "X", "a:b", "c/d", "paper", needs=("luck",))


def test_reading_the_zoo_imports_no_model():
    code = "import sys, recsys_lib.zoo; print('tensorflow' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "False"
