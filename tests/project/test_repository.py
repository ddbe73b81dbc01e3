"""The repository as a whole: its targets, its sizes, and nothing of one machine in it."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from bookmaker.building import inputs
from bookmaker.checks import lesson_checks

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400


def tracked(*patterns):
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_the_book_passes_its_checks():
    problems = lesson_checks.check_book()
    assert not problems, "\n".join(problems)


def test_no_source_file_is_longer_than_a_reader_bears():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in tracked("*.py")
    }
    assert lengths
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_tracked_file_names_a_folder_of_this_machine():
    # A checkout directly below the root would forbid words, not paths.
    if len(ROOT.parts) < 3:
        pytest.skip("the checkout's path is too short to be searched for")
    naming = []
    for path in tracked():
        if path.suffix in {".png", ".zip", ".gz", ".keras"}:
            continue
        if f"{ROOT}/" in path.read_text(encoding="utf-8", errors="ignore"):
            naming.append(path.name)
    assert naming == []


def test_what_git_must_ignore():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    for path in (
        ".venv/bin/python",
        "chapters/.ipynb_checkpoints/x",
        "recsys_lib/__pycache__/x",
        "work/index.ipynb",
    ):
        asked = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT)
        assert asked.returncode == 0, path


@pytest.fixture
def make():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")

    def run(*arguments, **environment):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
        return subprocess.run(
            ["make", "--no-print-directory", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={**inherited, **environment},
        )

    return run


def test_help_has_one_line_for_each_target(make):
    lines = make("help").stdout.splitlines()
    targets = [line.split()[0] for line in lines]
    for target in ("help", "lab", "test", "bench", "book", "format", "lint", "clean"):
        assert targets.count(target) == 1
    assert all(len(line) <= 100 and len(line.split()) > 2 for line in lines)


def test_ci_script_is_valid_bash_and_executable():
    script = ROOT / ".ci" / "run"
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    assert script.stat().st_mode & 0o111


def test_every_notebook_of_the_book_is_tested():
    notebooks, left_out = inputs.notebooks_to_test()
    committed = set(tracked("chapters/*.ipynb"))
    assert set(notebooks) <= committed
    missing = {path.relative_to(ROOT / "chapters").as_posix() for path in committed}
    missing -= {path.relative_to(ROOT / "chapters").as_posix() for path in notebooks}
    # A lab is left out, with a reason, where its data are not.
    assert missing == {f"{line.split(':')[0]}.ipynb" for line in left_out}


def test_files_of_tests_have_names_of_their_own():
    # pytest imports them by their name alone: two of one name cannot run together.
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py"))
    assert not [name for name, count in names.items() if count > 1 and name != "conftest.py"]
