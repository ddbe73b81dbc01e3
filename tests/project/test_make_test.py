"""What ``make test`` runs, in a clone whose folder has spaces and foreign letters."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bookmaker import PACKAGES
from bookmaker.building import inputs
from bookmaker.gate import selection
from recsys_lib.data import registry

ROOT = Path(__file__).parents[2]
COPIED = ("bookmaker", "data", *PACKAGES)
CHAPTERS = ("00_the_ranking_stage", "04_sequence_models")
FILES = (".gitignore", "Makefile", "README.md", "constraints.txt", "pyproject.toml")
FILES += ("requirements.txt",)
TESTS = ("bookmaker", "contract", "sequence", "shared")
CHANGED = "04_sequence_models/01_din"
# Its companion shares the exercises and the model with it.
BOTH = {f"chapters/{CHANGED}.ipynb", f"chapters/{CHANGED}.deeper.ipynb"}
DIN = "recsys_lib/sequence/din.py"
MUTANTS_OF_DIN = f"mutants of {DIN}: sequence/test_din.py"

# Runs the commands that choose notebooks; of all others it only says what they were given.
PYTHON = """\
#!/bin/bash
case "$2 $3" in
    "bookmaker changed") exec "{python}" "$@" ;;
esac
if [ "$2" = pytest ]; then printf "%s\\n" "$@"; exit "${{PYTEST_STATUS:-0}}"; fi
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clone") / "Ein Bücherregal, mit Lücken"
    left_out = shutil.ignore_patterns("__pycache__", ".*", "cache")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    for name in CHAPTERS:
        shutil.copytree(ROOT / "chapters" / name, folder / "chapters" / name, ignore=left_out)
    for page in (ROOT / "chapters").glob("index.*"):
        shutil.copy(page, folder / "chapters")
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    for name in TESTS:
        shutil.copytree(ROOT / "tests" / name, folder / "tests" / name, ignore=left_out)
    (folder / "tests" / "mutants").mkdir()
    mutants = [f"mutants/{name}" for name in ("runner.py", "mutant_rows.py", "sequence.json")]
    for name in ("nbval_sanitize.cfg", "conftest.py", *mutants):
        shutil.copy(ROOT / "tests" / name, folder / "tests" / name)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON.format(python=sys.executable))
    python.chmod(0o755)
    return folder


@pytest.fixture
def make_test(clone, tmp_path):
    """Runs ``make test`` in the clone; returns what ran and the process."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")

    def run(*arguments, **environment):
        # The environment is in place, also for a lock that has changed.
        for mark in (".developer-ready", ".reader-ready"):
            (clone / ".venv" / mark).touch()
        # What a surrounding `make test FULL=1` was given reaches its children by the environment.
        given = {"FULL", "WEEKLY", "LESSON", "MFLAGS", "PYTEST_ARGS", "CHOSEN", "WORKERS"}
        inherited = {
            k: v for k, v in os.environ.items() if k not in given and not k.startswith("MAKE")
        }
        finished = subprocess.run(
            ["make", "--no-print-directory", "test", f"CHOSEN={tmp_path}/chosen.json", *arguments],
            cwd=clone,
            capture_output=True,
            text=True,
            env={**inherited, "RECSYS_DATA": str(tmp_path), **environment},
        )
        lines = finished.stdout.splitlines()
        ran = {Path(line).relative_to(clone) for line in lines if line.endswith(".ipynb")}
        return {path.as_posix().removeprefix("chapters/") for path in ran}, finished

    return run


def units(clone):
    """All units of the clone, with the hashes of today."""
    chapters = clone / "chapters"
    return selection.current(inputs.notebooks_to_test(chapters)[0], chapters, clone)


@pytest.fixture(scope="module")
def green(clone):
    """The units of a clone in which everything is recorded as green."""
    for text in inputs.texts(clone / "chapters"):
        inputs.record_built(text, inputs.inputs_of(text, clone), clone / "chapters")
    found = units(clone)
    seconds = dict.fromkeys(found, 1)
    selection.write_record(found, seconds, anew=True, root=clone)
    return found


@pytest.fixture
def fresh(green, make_test, tmp_path):
    """Runs ``make test`` as in a fresh clone: the units that ran."""

    def run():
        finished = make_test()[1]
        assert finished.returncode == 0, finished.stderr
        return json.loads((tmp_path / "chosen.json").read_text())["run"]

    return run


def notebooks(clone):
    found = (path.relative_to(clone / "chapters") for path in clone.rglob("chapters/**/*.ipynb"))
    return {path.as_posix() for path in found}


def labs(clone):
    return {name for name in notebooks(clone) if "/lab_" in name}


def test_a_run_of_all_takes_every_notebook_and_a_failure_is_one(clone, make_test):
    ran, finished = make_test("FULL=1", PYTEST_STATUS="1")
    assert finished.returncode != 0
    assert ran == notebooks(clone) - labs(clone)


@pytest.mark.parametrize("present", [True, False])
def test_labs_are_tested_once_a_week_where_their_data_are(
    clone, green, make_test, tmp_path, present
):
    entry = registry.entry("kuairand_pure")
    data = tmp_path / "Daten von früher"
    data.mkdir()
    for name in (*entry.required_files, entry.any_of[0]) if present else ():
        path = data / entry.folders[0] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    ran, finished = make_test("FULL=1", "WEEKLY=1", RECSYS_DATA=str(data))
    assert finished.returncode == 0, finished.stderr
    assert ran == (notebooks(clone) if present else notebooks(clone) - labs(clone))
    assert ("left out" in finished.stderr) == (not present and bool(labs(clone)))
    if present:
        assert make_test("FULL=1", RECSYS_DATA=str(data))[0] == notebooks(clone) - labs(clone)


def test_where_nothing_changed_the_same_tenth_runs_in_every_clone(green, fresh):
    ran = fresh()
    assert ran.items() <= green.items()
    assert len(ran) == -(-len([unit for unit in green if "/lab_" not in unit]) // 10)
    assert fresh() == ran


def test_other_masks_force_every_notebook_in_a_fresh_clone(clone, fresh):
    path = clone / "tests" / "nbval_sanitize.cfg"
    before = path.read_bytes()
    try:
        path.write_bytes(before + b"\n")
        ran = fresh()
    finally:
        path.write_bytes(before)
    assert {f"chapters/{name}" for name in notebooks(clone) - labs(clone)} <= ran.keys()


@pytest.mark.parametrize(
    ("changed", "forced", "left"),
    [
        (
            DIN,
            {*BOTH, MUTANTS_OF_DIN, "contract of din", "tests/sequence/test_din.py"},
            {"chapters/index.ipynb", "contract of fm", "tests/bookmaker/test_build.py"},
        ),
        (
            "data/movielens.md",
            {"chapters/04_sequence_models/05_sequence_comparison.ipynb"},
            {*BOTH, MUTANTS_OF_DIN},
        ),
        (
            f"chapters/{CHANGED}.exercises.md",
            {*BOTH, f"grading of {CHANGED}", "tests/bookmaker/test_build.py"},
            {"chapters/index.ipynb", MUTANTS_OF_DIN, "contract of din"},
        ),
        ("README.md", {"tests/bookmaker/test_index.py"}, {*BOTH, "contract of din"}),
        ("constraints.txt", {*BOTH, "contract of din", "tests/sequence/test_din.py"}, set()),
    ],
    ids=["model", "data card", "exercises", "questions of the start page", "lock"],
)
def test_what_changed_is_forced(clone, green, changed, forced, left):
    path = clone / changed
    before = path.read_bytes()
    try:
        path.write_bytes(before + b"\nLATER = 1\n")
        record = selection.read_record(clone, clone / "chapters")
        found = selection.changed(units(clone), record)
    finally:
        path.write_bytes(before)
    assert forced <= set(found) and not left & set(found)
