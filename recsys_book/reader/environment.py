"""Check the environment that a lesson runs in, and say in one line each what is wrong."""

import importlib.metadata
import platform
import sys
from pathlib import Path

PYTHON_RANGE = ">=3.11,<3.14"
ADVICE = (
    'run `make lab` or `python -m pip install -e ".[book]" -c constraints.txt`, restart the kernel'
)
EXTRA = "book"
"""The packages that a reader installs on top of the library's own requirements."""
READY = "Environment ready: Python, TensorFlow, Keras and all packages are in their tested ranges."


def check_env():
    """Print `READY`, or one line for each fault, and how to mend it."""
    problems = environment_problems()
    if not problems:
        print(READY)
        return
    for problem in problems:
        print(problem)
    print(f"To mend this: {ADVICE}.")


def environment_problems(python_version=None, requirements=None, installed_version=None):
    """Return one line for each deviation from the tested ranges; none when all is well.

    Args:
        python_version: text such as ``"3.12.1"``; the running interpreter's by default.
        requirements: list of requirement lines; by default those of the installed package. Packages
            that only other extras than ``book`` need are left out.
        installed_version: function from a package's name to its installed version, raising
            `importlib.metadata.PackageNotFoundError` when it is missing.
    """
    try:
        from packaging.requirements import Requirement
        from packaging.specifiers import SpecifierSet
    except ModuleNotFoundError:
        return ["packaging: not installed, needed to check the other packages"]

    python_version = python_version or platform.python_version()
    requirements = _own_requirements() if requirements is None else requirements
    installed_version = installed_version or importlib.metadata.version

    problems = []
    if not SpecifierSet(PYTHON_RANGE).contains(python_version, prereleases=True):
        problems.append(f"Python: {python_version} at {sys.prefix}, needs {PYTHON_RANGE}")
    for line in requirements:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": EXTRA}):
            continue
        needed = str(requirement.specifier) or "any version"
        try:
            version = installed_version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            if requirement.name != "tensorflow-cpu":
                problems.append(f"{requirement.name}: not installed, needs {needed}")
                continue
            # With the GPU build, the plain package is installed instead.
            try:
                version = installed_version("tensorflow")
            except importlib.metadata.PackageNotFoundError:
                problems.append(f"{requirement.name}: not installed, needs {needed}")
                continue
        if not requirement.specifier.contains(version, prereleases=True):
            problems.append(f"{requirement.name}: {version} is installed, needs {needed}")
    return problems


def _own_requirements():
    try:
        return importlib.metadata.requires("recsys-lib") or []
    except importlib.metadata.PackageNotFoundError:
        lines = (Path(__file__).parents[2] / "requirements.txt").read_text().splitlines()
        return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
