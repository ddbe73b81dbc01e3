"""Every command of the README is run here, as far as a test may: none is left unknown."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

_PROGRAMS = ("make", "conda", "python", "python3.12", "py", "jupyter", "git")
_PYTHON = re.compile(r"(?:\.venv/bin/|\.venv\\Scripts\\)?python(?:3\.12)?|py")


def commands(text):
    """All commands of a text's shell blocks, and those in its other code that name a program."""
    found = []
    for block in re.findall(r"^```bash\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        lines = block.replace("\\\n", " ").splitlines()
        found += [line.split("  #")[0].strip() for line in lines if line.strip()]
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    for code in re.findall(r"`([^`\n]+)`", outside):
        first = code.split()[0]
        if len(code.split()) > 1 and (first in _PROGRAMS or first.startswith(".venv")):
            found.append(code)
    return sorted(set(found))


def run(words, **options):
    finished = subprocess.run(words, capture_output=True, text=True, **options)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def run_make(words, tmp_path):
    """Without doing it, but with all that make itself must find: target, variables, rules."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    assert run(["make", "--dry-run", *words[1:]], cwd=ROOT)


def run_module(words, tmp_path):
    """A module of ours is asked for its help; an environment is made in a folder of the test's."""
    module, *rest = words[2:]
    if module == "venv":
        run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / rest[0])])
    elif module == "pip":
        run_pip(rest, tmp_path)
    else:
        taken = [word for word in rest if word.isalpha()]
        assert run([sys.executable, "-m", module, *taken, "--help"], cwd=ROOT).startswith("usage:")


def run_pip(words, tmp_path):
    """What is installed has to be there: the project with its extras, and the lock."""
    assert words[0] in ("install", "uninstall")
    helped = run([sys.executable, "-m", "pip", words[0], "--help"])
    options = [word for word in words[1:] if word.startswith("-")]
    assert all(re.search(rf"(?<![\w-]){option}\b", helped) for option in options)
    rest = [word for word in words[1:] if not word.startswith("-")]
    for name in rest:
        if name.startswith("."):
            extras = re.fullmatch(r"\.(?:\[([\w,]+)\])?", name)[1]
            assert set((extras or "book").split(",")) <= set(PROJECT["optional-dependencies"])
        elif name.endswith(".txt"):
            assert (ROOT / name).is_file()
        else:
            known = PROJECT["optional-dependencies"]["train"]
            assert any(name.split("[")[0].split("==")[0] in one for one in known)


def run_conda(words, tmp_path):
    """conda is not here: the file that it is given must be one, and name what is activated."""
    import yaml

    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    if words[1] == "activate":
        assert words[2:] == [environment["name"]]
    else:
        assert words[1:] == ["env", "create", "-f", "environment.yml"]


def run_git(words, tmp_path):
    """In a clone of a small repository that has a lesson, changed by a reader."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    book, clone = tmp_path / "book", tmp_path / "clone"
    lesson = Path("chapters") / "lesson.ipynb"
    (book / lesson).parent.mkdir(parents=True)
    (book / lesson).write_text("published")
    run(["git", "init", "-q"], cwd=book)
    run(["git", "add", "."], cwd=book)
    author = ["-c", "user.name=author", "-c", "user.email=author@example.org"]
    run(["git", *author, "commit", "-qm", "a lesson"], cwd=book)
    run(["git", "clone", "-q", str(book), str(clone)])
    if words[1] == "checkout":
        (clone / lesson).write_text("changed")
    run(words, cwd=clone)
    assert (clone / lesson).read_text() == "published"


def runner(command):
    words = shlex.split(command.replace("\\", "/") if "Scripts" in command else command)
    if words[0] == "make":
        return run_make, words
    if words[0] == "conda":
        return run_conda, words
    if words[0] == "git":
        return run_git, words
    if words[0] == "py":
        words = ["python", *words[2:]]
    if _PYTHON.fullmatch(words[0].replace("/Scripts/", "/bin/")) and words[1] == "-m":
        return run_module, words
    return None, words


def test_both_commands_stand_first():
    first = README.split("```bash\n", 1)[1].split("```", 1)[0].splitlines()
    assert [line.split("#")[0].strip() for line in first] == ["make lab", "make test"]


@pytest.mark.parametrize("command", commands(README))
def test_a_command_of_the_readme_runs(command, tmp_path, monkeypatch):
    # What a surrounding `make test FULL=1` was given must not reach the make that runs here.
    for name in [*os.environ]:
        if name.startswith("MAKE") or name in ("FULL", "WEEKLY", "LESSON", "PYTEST_ARGS"):
            monkeypatch.delenv(name)
    run_it, words = runner(command)
    assert run_it is not None, f"{command}: expected make, python, conda or git"
    run_it(words, tmp_path)


@pytest.mark.parametrize("command", ["make labs", "python -m recsys_lib.nothing", "sh install"])
def test_a_command_that_does_not_run_is_found(command, tmp_path):
    run_it, words = runner(command)
    if run_it is None:
        return
    with pytest.raises(AssertionError):
        run_it(words, tmp_path)
