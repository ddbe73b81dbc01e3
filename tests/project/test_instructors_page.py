"""The page for instructors names what there is: targets, commands, columns, pictures."""

import re
from pathlib import Path

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


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists()
