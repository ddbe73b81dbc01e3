"""The files that say which packages a machine needs agree with each other and with the code."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import MatchSpec

ROOT = Path(__file__).parents[2]
MODULE_OF = {"scikit-learn": "sklearn", "tensorflow-cpu": "tensorflow"}
# The book's builds and checks are for authors and CI: their packages come with the extras.
AUTHORS_PACKAGES = {"jupytext", "nbclient", "nbformat", "traitlets", "nbgrader", "nbconvert"}


def requirement_lines(text):
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def reader_requirements():
    return [
        Requirement(line) for line in requirement_lines((ROOT / "requirements.txt").read_text())
    ]


def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def extra_requirements():
    extras = pyproject()["project"]["optional-dependencies"]
    return [Requirement(line) for lines in extras.values() for line in lines]


def locked():
    pins = {}
    for line in requirement_lines((ROOT / "constraints.txt").read_text()):
        pin = Requirement(line)
        pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


def environment(python_version, platform="linux", machine="x86_64"):
    return {
        "python_version": python_version,
        "python_full_version": f"{python_version}.1",
        "sys_platform": platform,
        "platform_machine": machine,
        "extra": "",
    }


def test_constraints_are_exact_pins_and_nothing_else():
    for line in requirement_lines((ROOT / "constraints.txt").read_text()):
        assert re.fullmatch(r"[a-z0-9._-]+==[A-Za-z0-9.+!]+( ; [a-z_ .0-9'=<>!()-]+)?", line, re.I)


@pytest.mark.parametrize("requirement", [*reader_requirements(), *extra_requirements()], ids=str)
def test_the_lock_satisfies_every_requirement_on_every_python(requirement):
    pins = locked()[canonicalize_name(requirement.name)]
    for python_version in ("3.11", "3.12", "3.13"):
        markers = environment(python_version)
        if requirement.marker is not None and not requirement.marker.evaluate(markers):
            markers = environment(python_version, "darwin", "arm64")
        fitting = [pin for pin in pins if pin.marker is None or pin.marker.evaluate(markers)]
        assert len(fitting) == 1
        (version,) = fitting[0].specifier
        assert requirement.specifier.contains(version.version, prereleases=True)


@pytest.mark.parametrize(
    ("platform", "machine", "expected"),
    [
        ("linux", "x86_64", "tensorflow-cpu"),
        ("linux", "aarch64", "tensorflow"),
        ("darwin", "arm64", "tensorflow"),
        ("win32", "AMD64", "tensorflow"),
    ],
)
def test_one_tensorflow_on_each_platform(platform, machine, expected):
    markers = environment("3.12", platform, machine)
    chosen = [
        requirement.name
        for requirement in reader_requirements()
        if requirement.name.startswith("tensorflow") and requirement.marker.evaluate(markers)
    ]
    assert chosen == [expected]


def imported_packages(folder):
    found = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            else:
                continue
            for name in names:
                found.setdefault(name.split(".")[0], path)
    return {name: path for name, path in found.items() if name not in sys.stdlib_module_names}


def test_the_library_imports_only_what_readers_install():
    declared = {MODULE_OF.get(r.name, r.name).replace("-", "_") for r in reader_requirements()}
    # What ipykernel and matplotlib always bring along.
    declared |= {"recsys_lib", "IPython", "traitlets", "cycler"}
    undeclared = {
        name: str(path.relative_to(ROOT))
        for name, path in imported_packages(ROOT / "recsys_lib").items()
        if name not in declared | AUTHORS_PACKAGES
    }
    assert undeclared == {}


def test_authors_packages_are_imported_by_the_books_machinery_alone():
    for folder in sorted(ROOT.glob("recsys_lib/*/")):
        if folder.name != "book":
            assert not AUTHORS_PACKAGES & set(imported_packages(folder)), folder


def test_the_python_range_is_stated_alike():
    from recsys_lib.book.environment import PYTHON_RANGE

    ranges = SpecifierSet(pyproject()["project"]["requires-python"])
    assert ranges == SpecifierSet(PYTHON_RANGE)
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    (python,) = [d for d in conda["dependencies"] if str(d).startswith("python ")]
    assert SpecifierSet(python.removeprefix("python ")) == ranges


def test_conda_accepts_the_environment():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    plain = [entry for entry in conda["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict)]
    assert {MatchSpec(entry, strict=True).name.normalized for entry in plain} == {"python", "pip"}
    assert pip == ["-c constraints.txt", "-e ."]


def test_conda_specs_can_be_rejected():
    with pytest.raises(Exception, match="version"):
        MatchSpec("python >=3.11,<<3.14", strict=True)
