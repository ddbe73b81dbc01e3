"""``make check``: the list of pre-commit's file, and the fast tests of what was touched."""

import subprocess
import sys

import pytest

from bookmaker.gate import hooks, selection

LIST = """\
repos:
  - repo: local
    hooks:
      - &all
        id: bad
        name: a bad one
        entry: python -c "raise SystemExit(3)"
      - <<: *all
        id: good
        name: a good one
        entry: python -c "open('ran', 'a').write('x')"
"""
TESTS = ("pipeline/serve/test_slow.py", "pipeline/serve/test_quick.py", "pipeline/serve/test_b.py")
TESTS += ("pipeline/test_a.py", "sequence/test_din.py", "test_locks.py", "project/test_texts.py")


def test_the_whole_list_runs_and_what_failed_is_named(tmp_path, capfd):
    (tmp_path / hooks.LIST).write_text(LIST)
    assert hooks.run(root=tmp_path) == ["a bad one"]
    assert (tmp_path / "ran").read_text() == "x", "also what stands behind a failure"
    said = capfd.readouterr().out.splitlines()
    assert [line.split(" in ")[0] for line in said] == ["a bad one: FAILED", "a good one: passed"]
    assert hooks.run(["good"], root=tmp_path) == []
    with pytest.raises(ValueError, match=r"expected some of \['bad', 'good'\], got \['best'\]"):
        hooks.run(["best"], root=tmp_path)


@pytest.fixture
def project(tmp_path):
    for name in TESTS:
        path = tmp_path / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "tests" / "nbval_sanitize.cfg").touch()
    seconds = {f"tests/{name}": 15 for name in TESTS} | {f"tests/{TESTS[0]}": 70}
    selection.write_record({}, seconds, anew=True, root=tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("touched", "chosen"),
    [
        ("recsys_pipeline/serve/answering.py", {TESTS[1], TESTS[2], TESTS[3]}),
        (f"tests/{TESTS[3]}", {TESTS[3], TESTS[5]}),
        ("recsys_lib/sequence/din.py", {TESTS[4], TESTS[5]}),
        ("recsys_lib/locks.py", {TESTS[5]}),
        ("docs/serving.md", {TESTS[6]}),
        ("Makefile", {TESTS[6]}),
        ("chapters/04_sequence_models/01_din.md", set()),
    ],
)
def test_the_tests_are_those_of_the_folder(project, touched, chosen):
    found = hooks.fast_tests([touched], project)
    assert set(found) == {f"tests/{name}" for name in chosen}


def test_the_quickest_are_taken_and_what_is_green_is_not_run_again(project):
    serve = ["recsys_pipeline/serve/answering.py"]
    assert f"tests/{TESTS[0]}" not in hooks.fast_tests(serve, project)
    slow, *others = (f"tests/{name}" for name in TESTS[:4])
    tree = selection.Tree(project)
    green = {name: tree.hash_of(name) for name in others}
    selection.write_record(green, {}, anew=False, root=project)
    assert hooks.fast_tests(serve, project) == []
    selection.write_record({}, {slow: 10}, anew=False, root=project)
    assert hooks.fast_tests(serve, project) == [slow]


def git(folder, *words):
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)


def test_touched_is_what_differs_from_the_commit_with_the_record(project):
    assert hooks.touched(project) == set(), "no history"
    git(project, "init", "-q")
    for number, name in enumerate((selection.RECORD, "tests/test_locks.py")):
        git(project, "add", name)
        git(project, "commit", "-qm", str(number))
    git(project, "add", "tests")
    git(project, "commit", "-qm", "all")
    (project / "tests" / TESTS[4]).write_text("LATER = 1")
    (project / "ein neues Büchlein.md").write_text("")
    later = {f"tests/{name}" for name in TESTS} | {"tests/nbval_sanitize.cfg"}
    assert hooks.touched(project) == later | {"ein neues Büchlein.md"}
    git(project, "rm", "-q", "--cached", selection.RECORD)
    git(project, "commit", "-qm", "forgotten")
    git(project, "add", selection.RECORD, "tests")
    git(project, "commit", "-qm", "recorded")
    assert hooks.touched(project) == {"ein neues Büchlein.md"}


def test_the_fast_tests_run_and_a_failure_is_one(project, monkeypatch):
    ran = []

    def runs(command, **options):
        ran.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(hooks, "touched", lambda root: {"Makefile"})
    monkeypatch.setattr(hooks.subprocess, "run", runs)
    assert hooks.run_fast_tests(project) == 1
    assert ran[0][0] == sys.executable and ran[0][-1] == f"tests/{TESTS[6]}"
    monkeypatch.setattr(hooks, "touched", lambda root: set())
    assert hooks.run_fast_tests(project) == 0 and len(ran) == 1
