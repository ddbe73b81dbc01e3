"""The examples in the docstrings of the evidence's own modules give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

from experiments import engine

WITH_EXAMPLES = sorted(
    path.stem
    for path in Path(engine.__file__).parent.glob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_give_what_they_say(name):
    found = doctest.testmod(importlib.import_module(f"experiments.engine.{name}"))
    assert found.attempted and found.failed == 0
