"""``make check``: the list in ``.pre-commit-config.yaml``, in two minutes.

The commands of the list are the environment's own tools, so that nothing is fetched; who has
pre-commit installed runs the same list at each commit.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import yaml

from bookmaker.building.inputs import ROOT
from bookmaker.gate import selection

LIST = ".pre-commit-config.yaml"
SECONDS = 60
UNKNOWN, BEFORE = 2, 1
"""Seconds that the fast tests may take, that a file takes which is not recorded, and that imports
take before the tests of any file, which are not recorded."""
_OTHERS = {"recsys_lib": "tests", "docs": "project", ".ci": "project", ".github": "project"}


def run(only: Iterable[str] = (), root: Path = ROOT) -> list[str]:
    """Run the list to its end, whatever fails, and say how long each took.

    Args:
        only: ids; default: all.
        root: the folder that holds the list.

    Returns:
        The names of those that failed.

    Raises:
        ValueError: an id that the list does not have.
    """
    listed = yaml.safe_load((root / LIST).read_text(encoding="utf-8"))["repos"]
    hooks = {hook["id"]: hook for repository in listed for hook in repository["hooks"]}
    if unknown := set(only) - set(hooks):
        raise ValueError(f"hooks: expected some of {list(hooks)}, got {sorted(unknown)}")
    failed = []
    for hook in (hooks[one] for one in only or hooks):
        words, started = shlex.split(hook["entry"]), time.monotonic()
        command = [sys.executable if words[0] == "python" else words[0], *words[1:]]
        code = subprocess.run(command, cwd=root).returncode
        said = "FAILED" if code else "passed"
        print(f"{hook['name']}: {said} in {time.monotonic() - started:.0f} s", flush=True)
        failed += [hook["name"]] if code else []
    return failed


def run_fast_tests(root: Path = ROOT) -> int:
    """Run the fast tests of the folders that were touched; pytest's exit status."""
    if not (chosen := fast_tests(touched(root), root)):
        return 0
    threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), "1")
    options = ["-q", "-p", "no:nbval", "-n", "2", "--dist", "loadfile"]
    command = [sys.executable, "-m", "pytest", *options, *chosen]
    return subprocess.run(command, cwd=root, env={**os.environ, **threads}).returncode


def fast_tests(names: Iterable[str], root: Path = ROOT) -> list[str]:
    """Files of tests, the quickest first, in the folders of what was touched.

    What is recorded as green with today's contents is left out.

    Args:
        names: the files that were touched.
        root: the folder that holds the packages and ``tests``.

    Raises:
        LessonError: a file that a test follows from is no Python.
    """
    folders = {folder for name in names for folder in _folders_of(name)}
    record, tree = selection.read_record(root), selection.Tree(root)
    seconds, chosen, left = record["seconds"], [], SECONDS
    found = [path.relative_to(root).as_posix() for path in root.glob("tests/**/test_*.py")]
    found = [one for one in found if Path(one).parent.name in folders]
    found = [one for one in found if not selection.is_by_case(one)]
    for test in sorted(found, key=lambda one: (seconds.get(one, UNKNOWN), one)):
        took = seconds.get(test, UNKNOWN) + BEFORE
        if took <= left and tree.hash_of(test) != record["green"].get(test):
            chosen.append(test)
            left -= took
    return chosen


def _folders_of(name):
    """Folders of tests: ``serve``, ``pipeline`` of ``recsys_pipeline/serve/answering.py``."""
    parts = Path(name).parts[:-1]
    mine = {part.removeprefix("recsys_") for part in parts}
    return mine | {_OTHERS[part] for part in parts[:1] if part in _OTHERS} or {"project"}


def touched(root: Path = ROOT) -> set[str]:
    """Files that differ from the commit that recorded what is green, or that git does not know.

    Args:
        root: of the repository; where there is no git or no history, none.
    """
    if shutil.which("git") is None:
        return set()

    def git(*words):
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
        return done.stdout.split("\0" if "-z" in words else "\n")

    recorded = git("log", "-1", "--format=%H", "--", selection.RECORD)[0]
    changed = git("diff", "--name-only", "-z", recorded or "HEAD")
    return {*changed, *git("ls-files", "-z", "--others", "--exclude-standard")} - {""}
