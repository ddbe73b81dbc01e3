"""The longer run: where runs were cut short, three times the epochs say whether a finding stays."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from tiny_evidence import DECLARED, HereWorkers

from experiments import __main__ as command
from experiments.engine import cells, findings, longer, records, registry, running
from experiments.engine.arms import Arm
from experiments.engine.blocks import Refused
from experiments.engine.differences import table_of
from experiments.engine.store import Store

NAME = "small.factors"
RECORDS = Path(__file__).parent / "records"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A copy of the record of two trained models, whose runs ended at the cap."""
    monkeypatch.setattr(running, "Workers", HereWorkers)
    for path in RECORDS.iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.fixture
def trained(monkeypatch):
    """How often each arm was trained, for how many epochs; nothing is trained."""
    seen = []

    def run_arm(experiment, arm, choice, dataset, seed, parts, on_log=False, predictions=None):
        cap = experiment.cap_of(arm, choice)
        seen.append((arm.name, seed, cap, dataset.test.row_id[0] < 0))
        lead = 0.3 if arm.name == "FM" else 0.0
        row = {"task": "click", "slice": "all", "auc": 0.7, "epochs": cap, "cap": cap}
        return [row | {"auc_gap_closed": 0.4 + lead + 0.001 * cap * (arm.name == "FM")}]

    monkeypatch.setattr(cells, "run_arm", run_arm)
    return seen


def run(home, *arguments):
    places = ["--folder", str(DECLARED), "--results", str(home), "--build", str(home / "build")]
    return command.main([*places, *arguments])


def spoil(home, **changes):
    """The record's one finding as that of the second protocol whose runs were cut short."""
    record = records.read(NAME, home)
    record["findings"]["factors_help"] |= changes
    records.write_manifest(record, home)


def test_the_recipes_of_a_finding_are_trained_at_their_cap_and_three_times_as_long(home, trained):
    spoil(home, verdict="unfinished", otherwise="better", confirmed=False, at_cap={"FM": [3, 3]})
    assert run(home, "longer", NAME) == 0
    # Both arms on the three tuning worlds, whose test rows nobody reports.
    wanted = [(name, 1_000 * world) for world in range(3) for name in ("FM", "LR")]
    assert trained == [(*one, cap, False) for cap in (8, 24) for one in wanted]
    found = records.read(NAME, home)["findings"]["factors_help"]
    assert found["longer"] == {"before": 30.8, "after": 32.4, "settled": True}
    assert found["verdict"] == "better" and found["confirmed"] and "otherwise" not in found
    assert run(home, "longer", NAME) == 0 and len(trained) == 12  # nothing twice


def test_what_ended_before_the_cap_needs_no_longer_run(home, trained, monkeypatch):
    monkeypatch.setattr(findings, "at_cap", lambda *_: {})
    before = records.read(NAME, home)
    assert run(home, "longer", NAME) == 0
    assert not trained and records.read(NAME, home) == before


def test_a_stale_record_has_no_longer_run(home):
    other = dataclasses.replace(registry.load(NAME, DECLARED), fit={"epochs": 9})
    with pytest.raises(Refused, match="the declaration changed since the record"):
        longer.longer(other, running.Places(results=home))


def test_on_a_log_the_validation_rows_of_other_initialisations_judge(trained):
    arm = Arm(name="FM", model="fm", space={"epochs": (4, 10)})
    on_world = registry.load(NAME, DECLARED)
    on_log = dataclasses.replace(
        on_world, lens=None, knobs={}, data="movielens", split="per_user", headline=None, fit={}
    )
    for experiment, is_valid in ((on_world, False), (on_log, True)):
        with pytest.MonkeyPatch.context() as patch:
            data = cells.dataset_of(on_world, None, 0)
            patch.setattr(cells, "dataset_of", lambda *_, data=data: data)
            cells.measure(experiment, arm, {"epochs": 4}, None, 0, 10, None, 3)
        assert trained.pop() == ("FM", 10, 12, is_valid)


def test_a_cell_of_a_longer_run_is_another_cell(tmp_path):
    experiment = registry.load(NAME, DECLARED)
    store = Store(experiment, tmp_path)
    for times, value in ((None, 0.1), (3, 0.2)):
        kind = "cell" if times is None else "cell, 3 times the epochs"
        row = {"task": "click", "slice": "all", "auc": value}
        entry = {"key": [kind, "FM", None, 0, 0], "value": [row], "seconds": 1.0}
        store.add(entry | {"processor": "", "switches": ""})
    wanted = {(None, 0): [("FM", 0)]}
    assert table_of(experiment, store, wanted)["auc"].tolist() == [0.1]
    assert table_of(experiment, store, wanted, 3)["auc"].tolist() == [0.2]


def test_a_cell_says_its_best_epoch_and_the_last_one_allowed():
    experiment = registry.load(NAME, DECLARED)
    few = dataclasses.replace(
        experiment, fit={"epochs": 2, "batch_size": 100, "patience": None}, headline=None
    )
    (row,) = cells.measure(few, few.arm("LR"), {"learning_rate": 1e-2}, None, 0)
    assert row["cap"] == 2 and 1 <= row["epochs"] <= 2
