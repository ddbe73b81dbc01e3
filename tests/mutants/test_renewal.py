"""Rows whose text has moved are renewed, in a small repository; the tests of a row are recorded."""

import json
import shutil
import subprocess
import sys

import pytest
from finding import find
from mutant_rows import FOLDER, Mutant, nearest, read, write

SUMS = '''\
"""Sums."""


def halved(values, factor):
    total = sum(values)
    return total * factor / 2


def counted(values):
    found = len(values)
    return found + 1


def checked(value):
    if value < 0:
        raise ValueError("value: expected at least 0")
    return value
'''
HALF = ("half: of nothing", "lib/sums.py", "total * factor / 2", "total * factor", ["test_half"])
COUNT = ("count: one too few", "lib/sums.py", "return found + 1", "return found", ["test_count"])
CHECK = ("check: zero too", "lib/sums.py", "if value < 0:", "if value <= 0:", ["test_check"])
ROWS = {row[0]: row for row in (HALF, COUNT, CHECK)}


@pytest.fixture
def project(tmp_path):
    """The root of a repository with a module, its test file and three mutants."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sums.py").write_text(SUMS)
    mutants = tmp_path / "tests" / "mutants"
    mutants.mkdir(parents=True)
    for name in ("mutant_rows", "runner", "renewal", "merging", "finding"):
        shutil.copy(FOLDER / f"{name}.py", mutants)
    tests = "".join(f"def {row[4][0]}():\n    pass\n\n\n" for row in ROWS.values())
    (tmp_path / "tests" / "test_sums.py").write_text(tests)
    rows = [(*row[:4], [f"test_sums.py::{row[4][0]}"]) for row in ROWS.values()]
    write(mutants / "lib.json", [Mutant(*row) for row in rows])
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def git(folder, *command):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *command], cwd=folder, check=True, capture_output=True)


def commit(folder):
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a commit")


def renewed(folder):
    """Rows by name after the command, what it said, and its exit status."""
    command = [sys.executable, "tests/mutants/runner.py", "renew"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert not done.stderr
    return (
        {mutant.name: mutant for mutant in read(folder / "tests/mutants/lib.json")},
        done.stdout,
        done.returncode,
    )


def change(project, *pairs):
    path = project / "lib" / "sums.py"
    text = path.read_text()
    for old, new in pairs:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text)


@pytest.mark.parametrize("committed", [True, False])
def test_a_moved_file_and_moved_tests_are_followed(project, committed):
    (project / "other").mkdir()
    (project / "lib" / "sums.py").rename(project / "other" / "totals.py")
    (project / "tests" / "other").mkdir()
    (project / "tests" / "test_sums.py").rename(project / "tests" / "other" / "test_totals.py")
    if committed:
        commit(project)
    rows, said, status = renewed(project)
    assert status == 0 and "3 moved, 0 renewed, 0 renewed that" in said
    for name, (_, _, old, new, (test,)) in ROWS.items():
        tests = [f"other/test_totals.py::{test}"]
        assert rows[name] == Mutant(name, "other/totals.py", old, new, tests)


def test_rows_that_need_nothing_stay(project):
    before = (project / "tests/mutants/lib.json").read_bytes()
    assert renewed(project)[1].startswith("0 moved, 0 renewed, 0 renewed that")
    assert (project / "tests/mutants/lib.json").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "changes", "old", "new", "kind"),
    [
        (  # a longer line, broken by the formatter
            HALF[0],
            [("total * factor / 2", "(\n        total * options.factor / 2\n    )")],
            "total * options.factor / 2",
            "total * options.factor",
            "1 renewed, 0 renewed that",
        ),
        (  # a second place with the same text: the first one is meant
            CHECK[0],
            [("    return value\n", "    if value < 0:\n        return 0\n    return value\n")],
            "def checked(value):\n    if value < 0:",
            "def checked(value):\n    if value <= 0:",
            "1 renewed, 0 renewed that",
        ),
        (  # what the mistake takes away is another text now
            COUNT[0],
            [("found + 1", "found + options.more")],
            "return found + options.more",
            "return found",
            "0 renewed, 1 renewed that",
        ),
        (  # another indentation, another name
            CHECK[0],
            [
                ("def checked(value):", "class Checks:\n    def checked(self, number):"),
                ("    if value < 0:", "        if number < 0:"),
                ("        raise", "            raise"),
                ("    return value\n", "        return number\n"),
            ],
            "if number < 0:",
            "if number <= 0:",
            "1 renewed, 0 renewed that",
        ),
    ],
    ids=["longer", "twice", "other text", "renamed"],
)
def test_a_mistake_is_merged_into_changed_code(project, name, changes, old, new, kind):
    change(project, *changes)
    commit(project)
    rows, said, status = renewed(project)
    assert status == 0 and kind in said
    assert (rows[name].old, rows[name].new) == (old, new)
    assert [name for name in ROWS if rows[name].old != ROWS[name][2]] == [name]
    assert ("look: " in said) == kind.startswith("0 renewed, 1")


def test_what_is_gone_is_left_to_a_person_with_the_nearest_place(project):
    change(project, ("    found = len(values)\n    return found + 1\n", "    return len(values)\n"))
    rows, said, status = renewed(project)
    assert status == 1 and "1 not renewed" in said
    assert "its place was lib/sums.py:10; the nearest text is lib/sums.py:16: return value" in said
    assert rows[COUNT[0]].old == COUNT[2]


def test_a_test_that_nobody_defines_is_named(project):
    path = project / "tests" / "test_sums.py"
    path.write_text(path.read_text().replace("test_half", "test_a_half"))
    said = renewed(project)[1]
    assert "no test is called test_sums.py::test_half: runner.py find" in said


def test_the_nearest_text_is_named_where_a_text_is_gone():
    mutant = Mutant("x", "recsys_lib/features/crosses.py", "list(combinations(name, 2))", "", [])
    with pytest.raises(ValueError, match=r"crosses.py:\d+:\n    return list\(itertools.combina"):
        mutant.source()
    assert nearest("b = 2\nc = 4\n", "a = 1\nb = 2\nc = 3\n")[0][1:] == (2, "b = 2\nc = 3")


@pytest.mark.skipif(sys.platform != "linux", reason="forks after importing TensorFlow")
def test_the_tests_that_find_a_mutant_are_recorded(tmp_path, capsys):
    row = {"name": "pairs: none", "old": "    return list(itertools.combinations(names, 2))"}
    harmless = {
        **row,
        "name": "pairs: a list",
        "new": "    return [*itertools.combinations(names, 2)]",
    }
    group = {"file": "recsys_lib/features/crosses.py", "tests": "features/test_crosses.py"}
    path = tmp_path / "features.json"
    path.write_text(json.dumps([{**group, "mutants": [{**row, "new": "    return []"}, harmless]}]))
    assert find(["pairs: none", "pairs: a list"], tmp_path) == ["pairs: a list"]
    none, same = read(path)
    assert none.tests and all(test.startswith("features/test_crosses.py::") for test in none.tests)
    assert same.tests == ("features/test_crosses.py",)
    assert "pairs: a list: none of features/test_crosses.py" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no mutant is called 'unknown'"):
        find(["unknown"], tmp_path)
