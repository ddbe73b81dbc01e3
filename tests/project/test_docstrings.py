"""Docstrings of public names are complete, and what they lack is named."""

import docstrings
import pytest

COMPLETE = """\
def build_fm(feature_columns, tasks="click", *, embedding_dim=16, **kwargs):
    \"\"\"A factorization machine.

    Args:
        feature_columns: columns of the data.
        tasks, embedding_dim: as for every
            builder: the usual.

    Returns:
        A model.

    Raises:
        ValueError: no column.

    Example:
        >>> build_fm([])
    \"\"\"
    if not feature_columns:
        raise ValueError("feature_columns: expected some, got none")
    def inner():
        raise ValueError
    return feature_columns
"""
CLASS = """\
class Layer:
    \"\"\"A layer.

    Args:
        units: width.

    Raises:
        ValueError: units below 1.
    \"\"\"

    def __init__(self, units, **kwargs):
        if units < 1:
            raise ValueError("units")
"""


@pytest.fixture
def problems(tmp_path):
    def of(source, name):
        face = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        face += f"    from recsys_lib.a.b import {name}\n"
        folder = tmp_path / "recsys_lib" / "a"
        folder.mkdir(parents=True, exist_ok=True)
        (folder.parent / "__init__.py").write_text("")
        (folder / "__init__.py").write_text(f"{face}__all__ = ['{name}']\n")
        (folder / "b.py").write_text(source)
        return docstrings.problems(tmp_path).get(f"recsys_lib.a.b.{name}", [])

    return of


def test_docstrings_of_public_names_are_complete():
    assert docstrings.problems() == {}


def test_a_complete_docstring_lacks_nothing(problems):
    assert problems(COMPLETE, "build_fm") == []
    assert problems(CLASS, "Layer") == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("A factorization machine.", "", "says no purpose"),
        ("feature_columns: columns", "columns: columns", "names no feature_columns under Args"),
        ("tasks, embedding_dim", "tasks", "names no embedding_dim under Args"),
        ("    Returns:\n        A model.\n", "", "has no Returns"),
        ("    Raises:\n        ValueError: no column.\n", "", "has no Raises"),
        ("ValueError: no column", "KeyError: no column", "has no Raises"),
        (">>> ", "", "has no Example"),
        ("Returns:", "Result:", "has no Returns"),
    ],
)
def test_what_a_function_lacks_is_named(problems, old, new, expected):
    assert old in COMPLETE
    assert any(expected in line for line in problems(COMPLETE.replace(old, new), "build_fm"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("units: width", "width: width", "names no units under Args"),
        ("ValueError: units", "TypeError: units", "has no Raises"),
    ],
)
def test_what_a_class_lacks_is_named(problems, old, new, expected):
    assert any(expected in line for line in problems(CLASS.replace(old, new), "Layer"))


def test_fields_of_a_data_class_are_named_too(problems):
    source = 'class Pair:\n    """Two numbers.{}"""\n    first: int\n    second: int\n'
    (line,) = problems(source.format(""), "Pair")
    assert "names no first, second under Args or Attributes" in line
    assert problems(source.format(" ``first`` comes before ``second``."), "Pair") == []
    attributes = "\n\n    Attributes:\n        first, second: any.\n    "
    assert problems(source.format(attributes), "Pair") == []


def test_a_function_that_returns_nothing_needs_no_returns(problems):
    source = COMPLETE.replace("return feature_columns", "return").replace("Returns:", "Source:")
    assert problems(source, "build_fm") == []
