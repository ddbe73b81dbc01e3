"""The examples in the library's docstrings print what they say."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

from bookmaker import PACKAGES
from bookmaker.code.imports import find_modules

ROOT = Path(__file__).parents[2]


def with_examples(root):
    """The modules below a folder whose docstrings hold examples."""
    return [
        module
        for module, path in find_modules(root, (*PACKAGES, "bookmaker")).items()
        if re.search(r"^ +>>> ", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]


@pytest.mark.parametrize("module", with_examples(ROOT))
def test_examples(module, capsys):
    result = doctest.testmod(
        importlib.import_module(module),
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
    )
    assert result.failed == 0, capsys.readouterr().out
    assert result.attempted > 0
