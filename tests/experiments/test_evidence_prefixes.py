"""A small record, committed with the tests, is replayed: recorded mistakes die here.

Renew it, when numbers change on purpose, from the root of the repository:

    rm -r tests/experiments/records build/experiments/small.factors
    PYTHONPATH=tests/shared python -m experiments --folder tests/experiments/declared \\
        --results tests/experiments/records run small.factors
"""

from pathlib import Path

import pytest
from tiny_evidence import DECLARED

from experiments.engine import prefixes, records, registry, replaying
from experiments.engine.arms import as_options

RESULTS = Path(__file__).parent / "records"
EXPERIMENT = registry.load("small.factors", DECLARED)
RECORD = records.read("small.factors", RESULTS)
ARMS = [arm.name for arm in EXPERIMENT.arms]


def again(name):
    options = as_options(RECORD["arms"][name]["choice"][""]["options"])
    return prefixes.prefix(EXPERIMENT, EXPERIMENT.arm(name), options)


def test_the_record_answers_for_its_declaration():
    assert records.stale(EXPERIMENT, RESULTS) is None


@pytest.mark.parametrize("name", ARMS)
def test_a_recorded_prefix_comes_out_again(name):
    """By the first steps, in which no processor moves such small models: mistakes die here."""
    recorded = RECORD["arms"][name]["prefix"]
    assert len(recorded["losses"]) == 20
    assert replaying.compare_prefix(recorded, again(name), steps=replaying.FIRST_STEPS) is None


def test_a_prefix_begins_with_the_loss_at_the_start():
    # At the start a model with small weights is close to guessing one half.
    assert RECORD["arms"]["FM"]["prefix"]["losses"][0] == pytest.approx(0.693, abs=0.02)


def test_a_recorded_cell_comes_out_again():
    task = replaying.Task(EXPERIMENT, "LR", True, RECORD)
    rows, same = replaying.cell_again(task, RESULTS)
    assert rows and replaying.compare_cells(rows, same) is None
    # Which measures are compared does not depend on the machine that runs this.
    cells = records.read_table("small.factors", RESULTS)
    cells = cells[(cells["model"] == "LR") & (cells["world"] == 100) & (cells["point"] == "")]
    assert rows[0].recorded == cells[cells["initialisation"] == 0]["auc"].item()


def test_another_initialisation_is_further_away_than_a_prefix_may_be(monkeypatch):
    monkeypatch.setattr(prefixes, "seed_of", lambda world, initialisation: 7)
    differs = replaying.compare_prefix(RECORD["arms"]["FM"]["prefix"], again("FM"))
    assert differs is not None and "the loss of step" in differs
