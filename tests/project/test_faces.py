"""Faces of the library's packages: what they offer is there, and is loaded only when used."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from recsys_lib import lazy

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "recsys_lib"


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FACES = {
    module_name(path): path
    for path in sorted(LIBRARY.rglob("__init__.py"))
    if path.parent != LIBRARY
}
LAZY = [name for name, path in FACES.items() if lazy.homes(path.read_text(encoding="utf-8"))]


def offered(path):
    """What ``__all__`` of the file lists."""
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == "__all__":
            return ast.literal_eval(statement.value)
    return []


def run(code):
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize("package", FACES)
def test_every_name_of_a_face_is_there(package):
    face = importlib.import_module(package)
    names = offered(FACES[package])
    assert names, f"{package} offers nothing"
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(face, name) is not None
    assert set(names) <= set(dir(face))


@pytest.mark.parametrize("package", LAZY)
def test_a_lazy_face_lists_exactly_what_it_imports(package):
    homes = lazy.homes(FACES[package].read_text(encoding="utf-8"))
    assert sorted(homes) == sorted(offered(FACES[package]))


@pytest.mark.parametrize("package", LAZY)
def test_no_name_of_a_lazy_face_is_a_module_of_its_package(package):
    # The import of such a module would put itself in the place of the name.
    modules = {path.stem for path in FACES[package].parent.iterdir()}
    assert not modules & set(offered(FACES[package]))


def test_a_lazy_face_refuses_other_names():
    from recsys_lib import features

    with pytest.raises(AttributeError, match=r"'recsys_lib\.features' has no attribute 'colums'"):
        features.colums  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Column'"):
        from recsys_lib.features import Column  # noqa: F401


def test_a_module_behind_a_face_is_found_without_an_import_of_its_own():
    code = "from recsys_lib import features; print(features.columns.GROUPS[0])"
    assert run(code).strip()


def test_faces_load_no_tensorflow():
    faces = ", ".join(LAZY)
    code = f"import sys, {faces}, recsys_pipeline.files.describe_command\n"
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
        lazy.face("recsys_lib.features")
