"""The page for instructors names what there is: targets, commands, columns, pictures."""

import re
from pathlib import Path

import numpy as np

from bookmaker.__main__ import _parser
from bookmaker.grading import report, roster

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, flags=re.MULTILINE))
LARGEST_PICTURE = 150_000


def test_every_target_of_make_is_there():
    lines = re.findall(r"`make ([^`]+)`|^make (.+)$", PAGE, flags=re.MULTILINE)
    named = [word for one in lines for word in re.findall(r"^[a-z ]+", one[0] or one[1])]
    targets = {target for words in named for target in words.split()}
    assert {"assignment", "collect", "grade", "formgrader", "feedback", "export"} <= targets
    assert targets <= TARGETS


def test_every_variable_of_make_is_read():
    for name in re.findall(r"\b([A-Z]{4,})=", PAGE):
        assert f"$({name})" in MAKEFILE


def test_every_command_is_there():
    known = set(_parser()._subparsers._group_actions[0].choices)
    named = set(re.findall(r"python -m\s+bookmaker ([a-z]+)", PAGE))
    assert {"assignment", "variants", "exercises", "grade"} <= named <= known


def test_the_columns_are_those_of_the_code():
    assert ",".join(roster.COLUMNS) in PAGE
    for name in (*report._CANVAS, *report._MOODLE):
        assert f"`{name}`" in PAGE


def test_pictures_are_there_and_small():
    pictures = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", PAGE)
    assert len(pictures) == 2
    for text, name in pictures:
        assert len(text) > 30
        assert 5_000 < (ROOT / "docs" / name).stat().st_size < LARGEST_PICTURE


def test_the_lines_on_hard_exercises_read_what_is_exported(tmp_path, monkeypatch, capsys):
    # Three exercises of a lesson and one of another; dan's third answer waits for a person.
    points = {"ann": (2, 2, 3), "ben": (2, 2, 0), "cyd": (1, 0, 1), "dan": (0, 0, None)}
    rows = []
    for student, given in points.items():
        names = ("a.one", "a.two", "a.three")
        parts = {
            name: "pending" if one is None else str(one)
            for name, one in zip(names, given, strict=True)
        }
        row = {"student": student, "points": "0", "pending": "0", "of": "7"}
        rows.append(row | {"lesson": "01_small", "remark": "late, but here"} | parts)
        rows.append(row | {"lesson": "02_other", "b.one": "1"})
    folder = tmp_path / "build" / "course" / "grades"
    folder.mkdir(parents=True)
    (folder / "grades.csv").write_text(report._csv(report._GRADES, rows))
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(lines, {})
    head, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head == ["points", "discrimination"]
    own = {"a.one": [2, 2, 1, 0], "a.two": [2, 2, 0, 0], "a.three": [3, 0, 1]}
    rest = {"a.one": [5, 2, 1, 0], "a.two": [5, 2, 2, 0], "a.three": [4, 4, 1]}
    expected = [np.corrcoef(own[name], rest[name])[0, 1] for name in own]
    shares = [5 / 8, 4 / 8, 4 / 9, 1]
    assert [row[0] for row in rows] == [*own, "b.one"]
    np.testing.assert_allclose([float(row[1]) for row in rows], shares, atol=0.006)
    np.testing.assert_allclose([float(row[2]) for row in rows[:3]], expected, atol=0.006)
    assert rows[3][2] == "NaN"


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists()
