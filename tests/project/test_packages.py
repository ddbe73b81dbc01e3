"""The packages of readers: one constant names them, and whatever walks them notices each."""

import dataclasses
import importlib
import io
import shutil
import sys
import tomllib
from pathlib import Path

import docstrings
import pytest
from test_arrows import OURS, graph_of, upward
from test_doctests import with_examples

from bookmaker import PACKAGES
from bookmaker.building.inputs import parts_read
from bookmaker.code import names
from bookmaker.code.imports import find_modules
from bookmaker.gate import selection
from bookmaker.grading import sandbox
from bookmaker.grading.student_process import Student
from experiments.engine import records, registry

ROOT = Path(__file__).parents[2]
BROKEN = '''\
"""A module that is wrong in every way."""

import bookmaker


def offered(x: int) -> str:
    """Give it back.

    Example:
        >>> offered(1)
        2
    """
    return x
'''
LAZY = """\
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from {package}.broken import offered
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
"""


@pytest.fixture(params=PACKAGES)
def package(request):
    return request.param


@pytest.fixture
def tree(package, tmp_path):
    """The packages, one of which has a module that is wrong in every way and offers a function."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("bookmaker", "constraints.txt", "data", "experiments"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / package / "broken.py").write_text(BROKEN)
    (tmp_path / package / "__init__.py").write_text(LAZY.format(package=package))
    return tmp_path


def test_its_modules_are_inputs_of_what_imports_it(package, tree):
    parts = parts_read([f"from {package} import offered"], find_modules(tree, PACKAGES), tree)
    assert f"{package}.broken" in dict(parts)


def test_records_know_its_code(package, tree):
    experiment = registry.load("sequence.strength")
    arm = dataclasses.replace(experiment.arms[0], model=f"{package}.broken:offered", space={})
    before = records.code_of(experiment, arm, tree)
    (tree / package / "broken.py").write_text(BROKEN + "\nCHANGED = 1\n")
    assert records.code_of(experiment, arm, tree) != before


def test_what_it_offers_is_a_public_name_with_a_docstring(package, tree):
    assert [one.name for one in names.offered_by_package(tree)[package]] == ["offered"]
    assert f"{package}.broken.offered" in docstrings.problems(tree)


def test_its_imports_and_examples_are_looked_at(package, tree):
    assert f"{package}.broken imports bookmaker" in upward(graph_of(find_modules(tree, OURS)))
    assert f"{package}.broken" in with_examples(tree)


def test_its_types_are_checked_and_it_is_installed(package):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert package in settings["mypy"]["files"]
    assert f"{package}*" in settings["setuptools"]["packages"]["find"]["include"]
    ignored = (ROOT / ".containerignore").read_text(encoding="utf-8").split()
    assert not any(line.startswith(package) for line in ignored)


def test_tests_of_it_are_selected(package, tree):
    (tree / "tests" / "it").mkdir(parents=True)
    (tree / "tests" / "it" / "test_it.py").write_text(f"from {package} import offered\n")
    before = selection.Tree(tree).hash_of("tests/it/test_it.py")
    (tree / package / "broken.py").write_text(BROKEN + "\nCHANGED = 1\n")
    assert selection.Tree(tree).hash_of("tests/it/test_it.py") != before


FUNCTIONS = {
    "recsys_lib": "recsys_lib.checks.check_bool",
    "recsys_book": "recsys_book.base.paths.write_atomically",
    "recsys_pipeline": "recsys_pipeline.export.fields.as_list",
}


def test_the_grader_copies_and_guards_it(package, monkeypatch):
    copied = Path(sandbox.library_copy(), package, "__init__.py").read_text(encoding="utf-8")
    assert copied == (ROOT / package / "__init__.py").read_text(encoding="utf-8")
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    module, _, function = FUNCTIONS[package].rpartition(".")
    monkeypatch.setattr(FUNCTIONS[package], getattr(importlib.import_module(module), function))
    student = Student(io.BytesIO(), io.BytesIO())
    assert student.answer({"run": f"import {module}", "name": "1"})["patched"] == []
    answer = student.answer({"run": f"{FUNCTIONS[package]} = None", "name": "2"})
    assert answer["patched"] == [FUNCTIONS[package]]
