"""The public names: lessons use nothing else, and type checkers know them."""

import functools
import subprocess
import sys
from pathlib import Path

import pytest

from bookmaker import PACKAGES
from bookmaker.code import names
from bookmaker.code.imports import find_modules, imports_in
from bookmaker.lessons.lessons import code_of

ROOT = Path(__file__).parents[2]


@functools.cache
def offered_and_modules():
    """The names that each package offers, and all modules; reading both takes half a second."""
    packages = {
        package: {one.name for one in offered}
        for package, offered in names.offered_by_package().items()
    }
    return packages, find_modules(ROOT, PACKAGES)


def not_offered(codes):
    """What is imported from the packages of readers without being offered by one of them."""
    packages, modules = offered_and_modules()
    return [
        f"from {module} import {name}"
        for code in codes
        for module, name in imports_in(code)
        if module.split(".")[0] in PACKAGES
        and name is not None
        and name not in packages.get(module, ())
        # The module itself, as in `from recsys_lib.training import metrics`.
        and f"{module}.{name}" not in modules
    ]


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "chapters").rglob("*.md")),
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_lessons_and_exercises_import_offered_names_alone(path):
    assert not_offered(code_of(path)) == []


def test_an_import_that_nothing_offers_is_found():
    behind = "from recsys_lib.training.metrics import auc"
    missing = "from recsys_lib.training import no_such_name"
    good = "from recsys_lib.training import auc, metrics\nimport recsys_lib"
    assert not_offered([behind, missing, good]) == [behind, missing]


def test_type_checkers_see_lazy_exports(tmp_path):
    script = tmp_path / "service.py"
    script.write_text(
        "from recsys_lib.features import CategoricalColumn\n"
        'reveal_type(CategoricalColumn("user_id", 5).vocabulary_size)\n'
        "from recsys_lib.features import no_such_name\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
    command += ["--cache-dir", str(tmp_path / "cache"), str(script)]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    assert 'Revealed type is "int"' in found.replace("builtins.", "")
    assert 'Module "recsys_lib.features" has no attribute "no_such_name"' in found
