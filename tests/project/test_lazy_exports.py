"""Lazy exports: what the packages offer is there, and is loaded only when it is used."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from bookmaker import PACKAGES
from recsys_lib import lazy

ROOT = Path(__file__).parents[2]


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): path.read_text(encoding="utf-8")
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("__init__.py"))
}
LAZY = [name for name, source in SOURCES.items() if lazy.homes(source)]


def run(code):
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize("package", LAZY)
def test_every_exported_name_is_there(package):
    module = importlib.import_module(package)
    assert module.__all__ == sorted(lazy.homes(SOURCES[package]))
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("package", LAZY)
def test_no_exported_name_is_a_module_of_its_package(package):
    # The import of such a module would put itself in the place of the name.
    modules = {path.stem for path in (ROOT / package.replace(".", "/")).iterdir()}
    assert not modules & set(lazy.homes(SOURCES[package]))


def test_other_names_are_refused():
    from recsys_lib import features

    with pytest.raises(AttributeError, match=r"'recsys_lib\.features' has no attribute 'colums'"):
        features.colums  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Column'"):
        from recsys_lib.features import Column  # noqa: F401


def test_an_exporting_module_is_found_without_an_import_of_its_own():
    code = "from recsys_lib import features; print(features.columns.GROUPS[0])"
    assert run(code).strip()


def test_exports_load_no_tensorflow():
    packages = ", ".join(LAZY)
    code = f"import sys, {packages}, recsys_pipeline.files.describe_command\n"
    code += "print('tensorflow' in sys.modules)"
    assert run(code) == "False\n"


def test_a_name_loads_its_own_module_and_no_other_of_the_package():
    code = (
        "import sys\n"
        "from recsys_lib.features import CategoricalColumn\n"
        "print(sorted(name for name in sys.modules if name.startswith('recsys_lib.features.')))"
    )
    assert run(code) == "['recsys_lib.features.columns']\n"


def test_metrics_and_columns_need_no_keras():
    code = (
        "import sys\n"
        "from recsys_lib.features import SequenceColumn\n"
        "from recsys_lib.data import Dataset, divide, movielens, simulator\n"
        "from recsys_lib.training import auc\n"
        "print('keras' in sys.modules)"
    )
    assert run(code) == "False\n"


def test_a_package_without_source_says_so(monkeypatch):
    import recsys_lib.features

    loader = recsys_lib.features.__spec__.loader
    monkeypatch.setattr(type(loader), "get_source", lambda self, name: None)
    with pytest.raises(ImportError, match="expected the source of its __init__"):
        lazy.lazy_exports("recsys_lib.features")
