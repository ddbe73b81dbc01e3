"""CI's replay of what is recorded: a sixth of the prefixes, another in each commit, then cells.

``WEEKLY=1`` replays all prefixes. What another processor than the record's may move is a warning.
"""

import os
import warnings

import pytest

from experiments.engine import replaying


def test_todays_code_gives_what_is_recorded():
    found, skipped = replaying.tasks()
    if not found:
        pytest.skip("; ".join(skipped) or "nothing is recorded yet")
    outcome = replaying.replay(full=bool(os.environ.get("WEEKLY")))
    for line in outcome.skipped:
        print(line)
    for line in outcome.warnings:
        warnings.warn(line, stacklevel=1)
    print(f"{outcome.prefixes} prefixes, {outcome.cells} cells; {outcome.left} prefixes left")
    assert not outcome.problems, "\n".join(outcome.problems)
    assert outcome.prefixes and outcome.cells
