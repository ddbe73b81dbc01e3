"""What replay lets pass and what it does not, and whom it takes first."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_evidence import DECLARED

from experiments.engine import cells, prefixes, records, registry, replaying, workers
from experiments.engine.replaying import CellRow, Task, compare_cells, compare_means, compare_prefix

RESULTS = Path(__file__).parent / "records"
NAME = "small.factors"
RECORDED = {"data": "abc", "losses": [0.7 - 0.01 * step for step in range(20)]}


def off(step, share):
    losses = list(RECORDED["losses"])
    losses[step] *= 1 + share
    return {"data": "abc", "losses": losses}


def test_tolerance_grows_from_the_start_to_the_twentieth_step():
    found = [replaying.tolerance(step) for step in range(20)]
    assert found == sorted(found)
    assert math.isclose(found[0], replaying.START_TOLERANCE)
    assert math.isclose(found[19], replaying.END_TOLERANCE)
    elsewhere = [replaying.tolerance(step, elsewhere=True) for step in range(20)]
    assert elsewhere == sorted(elsewhere)
    assert all(there > here for there, here in zip(elsewhere, found, strict=True))


@pytest.mark.parametrize("step", [0, 10, 19])
def test_a_loss_may_be_off_by_its_tolerance_and_no_more(step):
    share = replaying.tolerance(step)
    assert compare_prefix(RECORDED, off(step, 0.9 * share)) is None
    assert compare_prefix(RECORDED, off(step, -0.9 * share)) is None
    assert f"the loss of step {step + 1} is" in compare_prefix(RECORDED, off(step, 1.1 * share))
    assert compare_prefix(RECORDED, off(step, math.nan)) is not None


def test_of_a_few_steps_only_these_are_compared():
    first = {"steps": replaying.FIRST_STEPS}
    assert compare_prefix(RECORDED, off(replaying.FIRST_STEPS, 0.1), **first) is None
    late = compare_prefix(RECORDED, off(replaying.FIRST_STEPS - 1, 0.1), **first)
    assert f"the loss of step {replaying.FIRST_STEPS} is" in late


def test_other_rows_and_other_numbers_of_steps_differ():
    assert compare_prefix(RECORDED, RECORDED | {"data": "abd"}) == "the training rows differ"
    few = RECORDED | {"losses": RECORDED["losses"][:19]}
    assert compare_prefix(RECORDED, few) == "expected 20 losses, got 19"


def test_on_the_same_machine_every_bit_agrees_elsewhere_six_spreads_are_allowed():
    near = CellRow(0.75, 0.7501, 0.002)
    assert compare_cells([CellRow(0.75, 0.75, 0.002)], True) is None
    assert "on this machine" in compare_cells([near], True)
    assert compare_cells([near, CellRow(0.75, 0.7619, 0.002)], False) is None
    assert "within 6 times" in compare_cells([near, CellRow(0.75, 0.7621, 0.002)], False)
    # What draws nothing has no spread, and still rounds.
    assert compare_cells([CellRow(0.75, 0.7503, 0.0)], False) is None
    assert compare_cells([CellRow(0.75, math.nan, 0.1)], False) is not None


def test_cells_of_another_machine_agree_in_the_mean():
    random = np.random.default_rng(0)
    spread = 0.003
    deviations = spread * np.sqrt(2) * random.normal(size=12)
    assert compare_means([CellRow(0.7, 0.7 + d, spread) for d in deviations]) is None
    # Each within six spreads, all on one side.
    shifted = [CellRow(0.7, 0.7 + d + 2 * spread, spread) for d in deviations]
    assert "standard deviations in the mean, expected at most 1.63" in compare_means(shifted)
    assert compare_means([]) is None


def some_tasks():
    experiment = registry.load(NAME, DECLARED)
    return [Task(experiment, f"arm {number}", number in (3, 17), {}) for number in range(30)]


def test_changed_code_comes_first_and_the_rest_is_drawn_by_the_commit():
    first, other = replaying.drawn(some_tasks(), 1), replaying.drawn(some_tasks(), 2)
    for turns in (first, other):
        assert {task.arm for task in turns[:2]} == {"arm 3", "arm 17"}
        assert sorted(task.arm for task in turns) == sorted(task.arm for task in some_tasks())
    assert first == replaying.drawn(some_tasks(), 1) != other


def test_the_seed_of_the_draw_follows_from_the_commit(tmp_path):
    assert replaying.commit_seed() == replaying.commit_seed()
    assert replaying.commit_seed(tmp_path) == 0 or replaying.commit_seed(tmp_path) > 0


@pytest.fixture
def results(tmp_path):
    shutil.copytree(RESULTS, tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def no_training(monkeypatch):
    """Prefixes and cells as they are recorded, or as ``change`` makes them."""
    record = records.read(NAME, RESULTS)
    table = records.read_table(NAME, RESULTS)
    changes = {"prefix": [], "cell": [], "diverged": [], "steps": {}}

    def prefix(experiment, arm, choice):
        found = dict(record["arms"][arm.name]["prefix"])
        for step in changes["steps"].get(arm.name, ()):
            found["losses"] = [*found["losses"][:step], 9.0, *found["losses"][step + 1 :]]
        return found | ({"data": "other"} if arm.name in changes["prefix"] else {})

    def measure(experiment, arm, choice, point, world, initialisation=0):
        rows = table[(table["model"] == arm.name) & (table["world"] == world)]
        rows = rows[(rows["initialisation"] == initialisation) & (rows["point"] == "")]
        shift = 0.2 if arm.name in changes["cell"] else 0.0
        measures = [] if arm.name in changes["diverged"] else ["auc", "gauc", "log_loss"]
        wanted = ["task", "slice", *measures]
        found = rows[wanted].to_dict("records")
        return [row | {"auc": row["auc"] - shift} if "auc" in row else row for row in found]

    monkeypatch.setattr(prefixes, "prefix", prefix)
    monkeypatch.setattr(cells, "measure", measure)
    return changes


def change_code(results, *arms):
    record = records.read(NAME, results)
    for arm in record["arms"]:
        own = records.code_of(registry.load(NAME, DECLARED), _arm(arm))
        record["arms"][arm]["code"] = "another" if arm in arms else own
    records.write_manifest(record, results)


def _arm(name):
    return registry.load(NAME, DECLARED).arm(name)


def test_all_is_well_and_changed_code_is_confirmed(results, no_training):
    change_code(results, "FM")
    before = records.read(NAME, results)
    outcome = replaying.replay(DECLARED, results, seed=0, full=True)
    assert outcome.problems == [] and (outcome.prefixes, outcome.cells, outcome.left) == (3, 3, 0)
    assert [task.arm for task in outcome.confirmed] == ["FM"]
    assert list(replaying.confirm(outcome.confirmed, results)) == [f"{NAME}, FM: confirmed"]
    after = records.read(NAME, results)
    assert after["arms"]["FM"]["code"] == records.code_of(registry.load(NAME, DECLARED), _arm("FM"))
    after["arms"]["FM"]["code"] = "another"
    assert after == before  # every number is kept
    assert not [task for task in replaying.tasks(DECLARED, results)[0] if task.changed]


def test_changed_code_whose_prefix_differs_is_a_problem_and_not_confirmed(results, no_training):
    change_code(results, "FM")
    no_training["prefix"].append("FM")
    outcome = replaying.replay(DECLARED, results, seed=0, full=True)
    assert outcome.problems == [f"{NAME}, FM: the training rows differ"]
    assert outcome.confirmed == []


@pytest.mark.parametrize("other", ["processor", "versions"])
def test_elsewhere_a_late_step_that_differs_is_a_warning_that_names_both_processors(
    results, no_training, monkeypatch, other
):
    change_code(results, "FM", "DeepFM")
    no_training["steps"] = {"FM": [19], "DeepFM": [replaying.FIRST_STEPS - 1]}
    if other == "processor":
        monkeypatch.setattr(workers, "processor", lambda: "a new one")
    else:
        versions = records.versions() | {"keras": "99"}
        monkeypatch.setattr(records, "versions", lambda: versions)
    outcome = replaying.replay(DECLARED, results, seed=0, full=True)
    (warning,) = outcome.warnings
    assert warning.startswith(f"{NAME}, FM: the loss of step 20 is 9, expected")
    assert warning.endswith(f"this is {workers.processor()})") and "recorded on" in warning
    (problem,) = outcome.problems
    assert problem.startswith(f"{NAME}, DeepFM: the loss of step {replaying.FIRST_STEPS} is 9")
    assert outcome.confirmed == []  # the other processor may not be the reason


def test_on_the_processor_of_the_record_every_step_is_held(results, no_training, monkeypatch):
    record = records.read(NAME, results)
    (recorded,) = set(records.read_table(NAME, results)["processor"])
    monkeypatch.setattr(workers, "processor", lambda: recorded)
    monkeypatch.setattr(records, "versions", lambda: record["versions"])
    no_training["steps"] = {"FM": [19]}
    outcome = replaying.replay(DECLARED, results, seed=0, full=True)
    assert outcome.warnings == []
    assert [problem.split(" is ")[0] for problem in outcome.problems] == [
        f"{NAME}, FM: the loss of step 20"
    ]


def test_changed_code_forces_a_whole_cell_which_sees_what_no_prefix_sees(
    results, no_training, monkeypatch
):
    change_code(results, "DeepFM")
    monkeypatch.setattr(replaying, "NUM_CELLS", 1)
    no_training["cell"].append("DeepFM")
    for seed in range(5):
        outcome = replaying.replay(DECLARED, results, seed=seed, full=True)
        assert outcome.cells == 1 and outcome.confirmed == []
        assert len(outcome.problems) >= 1 and "DeepFM: a cell is" in outcome.problems[0]


def test_a_cell_that_has_no_numbers_any_more_is_a_problem(results, no_training):
    """A run that diverges today and did not then has rows without a measure."""
    change_code(results, "FM")
    no_training["diverged"].append("FM")
    outcome = replaying.replay(DECLARED, results, seed=0, full=True)
    (problem,) = outcome.problems
    assert f"{NAME}, FM: a cell is nan, expected" in problem and outcome.confirmed == []


def test_a_sixth_is_replayed_changed_code_first_unless_all_is_asked_for(
    results, no_training, monkeypatch
):
    change_code(results, "FM")
    for seed in range(5):
        said = []
        outcome = replaying.replay(DECLARED, results, seed=seed, say=said.append)
        assert (outcome.prefixes, outcome.cells, outcome.left) == (1, 1, 2)
        assert said[0] == f"{NAME}, FM: prefix agrees"
    monkeypatch.setattr(replaying, "SIXTH", 2)
    assert replaying.replay(DECLARED, results, seed=0).prefixes == 2
    outcome = replaying.replay(DECLARED, results, seed=0, seconds=0.0, full=True)
    assert (outcome.prefixes, outcome.cells, outcome.left) == (3, 1, 0), "time is up after a cell"


def test_every_changed_arm_is_confirmed_where_that_is_asked_for(results, no_training):
    changed = ["DeepFM", "FM"]
    change_code(results, *changed)
    asked = {"full": True, "every_cell": True}
    outcome = replaying.replay(DECLARED, results, seed=0, seconds=0.0, **asked)
    assert (outcome.prefixes, outcome.cells, outcome.left) == (3, 2, 0)
    assert sorted(task.arm for task in outcome.confirmed) == changed


def test_what_is_not_recorded_is_not_replayed(tmp_path):
    assert replaying.tasks(DECLARED, tmp_path) == ([], [])


def test_where_data_are_absent_replay_is_skipped_with_one_line(results, monkeypatch):
    from experiments import logs

    monkeypatch.setattr(logs, "missing", lambda name: "kuairand_pure: not found")
    found, skipped = replaying.tasks(DECLARED, results)
    assert found == [] and skipped == [f"{NAME}: not replayed, kuairand_pure: not found"]


def test_an_estimator_has_a_prefix_too():
    experiment = registry.load("small.guesses", DECLARED)
    arm = experiment.arm("sharp")
    found = prefixes.prefix(experiment, arm, {"reach": 1.0})
    assert found == prefixes.prefix(experiment, arm, {"reach": 1.0})
    other = prefixes.prefix(experiment, arm, {"reach": 0.5})
    assert found["data"] == other["data"] and found["losses"] != other["losses"]
