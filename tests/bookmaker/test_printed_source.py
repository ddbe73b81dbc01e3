"""Source that a notebook prints is compared with the library's, without running the notebook."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from bookmaker import printed_source

MODULE = '''\
"""A module."""


def add(left, right):
    """The sum.

    Args:
        left, right: numbers.
    """
    total = left + right

    return total


class Adder:
    def call(self, left, right):
        if left:
            return add(left, right)
        return right
'''
ADD = """\
# library/adding.py, add
def add(left, right):
    total = left + right

    return total
"""
CALL = """\
# library/adding.py, Adder.call
def call(self, left, right):
    if left:
        return add(left, right)
    return right
"""
INNER = """\
# library/adding.py, Adder.call
if left:
    return add(left, right)
return right
"""


def problems(root, printed, source="excerpt(add)"):
    (root / "library").mkdir(exist_ok=True)
    (root / "library" / "adding.py").write_text(MODULE)
    output = new_output("stream", name="stdout", text=printed)
    cell = new_code_cell(source, outputs=[output])
    return printed_source.problems(root / "lesson.ipynb", new_notebook(cells=[cell]), root)


@pytest.mark.parametrize("printed", [ADD, CALL, INNER, ADD + CALL])
def test_source_that_stands_there_is_none(tmp_path, printed):
    assert problems(tmp_path, printed) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total = left", "total = 2 * left"),
        ("    total = left + right\n", ""),
        ("    return total", "    return total\n    # gone"),
        ("    return total", "return total"),
        ("# library/adding.py", "# library/multiplying.py"),
        ("adding.py, add", "adding.py, subtract"),
        ("adding.py, add", "adding.py, Adder.call"),
    ],
)
def test_source_that_does_not_is_named(tmp_path, old, new):
    [problem] = problems(tmp_path, CALL + ADD.replace(old, new))
    assert "lesson.ipynb: cell 0 prints source of " in problem
    assert "does not stand there" in problem


def test_other_lines_of_a_cell_that_prints_are_no_source(tmp_path):
    printed = ADD + "Adder\n" + CALL + "3 rows\n"
    assert problems(tmp_path, printed, "print(name)\nexcerpt(add)") == []
    assert len(problems(tmp_path, printed, "excerpt(add)")) == 2
    changed = printed.replace("total = left", "total = 2 * left")
    assert len(problems(tmp_path, changed, "print(name)\nexcerpt(add)")) == 1


def test_a_cell_without_an_excerpt_may_print_what_it_likes(tmp_path):
    assert problems(tmp_path, ADD.replace("total", "sum"), "print(text)") == []
