"""The third protocol: models stop and are chosen by what judges, the order within a group."""

import dataclasses

import numpy as np
import pytest
from test_evidence_findings import WINS, capped, find

from experiments.engine import cells, judging, prefixes
from experiments.engine.arms import Arm
from experiments.engine.contrasts import better
from experiments.engine.declaration import Experiment
from recsys_lib.data import simulator
from recsys_lib.training.baselines import oracle
from recsys_lib.training.metrics import gauc, log_loss
from recsys_lib.training.objectives import Pairs

ITEM = ("kind", "numbers")
ROWS = Arm(name="rows", model="lr", columns=ITEM, options={"watch": "log_loss"})
PAIRS = Arm(name="pairs", model="lr", columns=ITEM, options={"objective": "pairs:page"})
SIZES = {"num_rows": 2_000, "num_valid_rows": 20_000, "num_test_rows": 2_000}


def declare(**changes):
    fields = {
        "identifier": "small.order",
        "question": "Which order?",
        "lens": "shown_by_level",
        "knobs": SIZES,
        "arms": [ROWS, PAIRS],
        "contrasts": [better("pairs_order", "Pairs order.", "pairs", "rows", measure="gauc_gap")],
        "fit": {"epochs": 2, "batch_size": 100, "patience": 2},
        "protocol": 3,
        "group": "page",
    }
    return Experiment(**(fields | changes))


@pytest.fixture(scope="module")
def world():
    return simulator.shown_by_level(**SIZES)


def test_what_judges_is_what_an_arm_stops_by_unless_it_says_otherwise(world):
    one = declare()
    assert one.watch == "gauc:page" and declare(group=None).watch == "log_loss"
    former = declare(protocol=2, group=None, contrasts=[better("a", "A.", "pairs", "rows")])
    assert former.watch == "auc"
    comparison = cells.comparison_of(one, PAIRS, {}, (), world)
    assert comparison._fit_options["watch"] == "gauc:page"
    recipe = cells.recipe_of(ROWS, {})
    assert recipe.fit["watch"] == "log_loss" and recipe.objective is None
    assert cells.recipe_of(PAIRS, {}).objective == Pairs("page")
    assert one.ordering_group(PAIRS, {}) == "page" and one.ordering_group(ROWS, {}) is None


def test_a_cell_says_the_order_within_the_group_and_the_loss_after_a_line(world):
    rows = cells.run_arm(declare(), PAIRS, {}, world, 0, ())
    comparison = cells.comparison_of(declare(), PAIRS, {}, (), world)
    model = comparison.on(world, [0]).model("pairs")
    label, page = world.test.label, world.test.group_of("page")
    from recsys_lib.training.evaluation import predictions_of

    p = predictions_of(model, world.test)["click"]
    (row,) = rows
    assert row["gauc"] == gauc(label, p, page).value != gauc(label, p, world.test.group).value
    best = gauc(label, world.test.probability["click"], page).value
    assert row["gauc_gap_closed"] == pytest.approx((row["gauc"] - 0.5) / (best - 0.5))
    base = np.full(len(label), world.valid.label.mean())
    assert row["log_loss"] > row["log_loss_platt"]
    assert row["log_loss_platt"] == pytest.approx(log_loss(label, base), abs=0.03)


def test_the_truth_needs_no_line_and_orders_best(world):
    truth = oracle(world)
    rows = [{"task": "click", "slice": "all", "log_loss": 0.1}]
    (row,) = judging.judged(world, rows, lambda split: {"click": truth(split)}, "page")
    assert row["gauc_gap_closed"] == pytest.approx(1)
    loss = log_loss(world.test.label, world.test.probability["click"])
    assert row["log_loss_platt"] == pytest.approx(loss, abs=0.003)
    bent = judging.judged(world, rows, lambda split: {"click": truth(split) ** 3}, "page")
    assert bent[0]["log_loss_platt"] == pytest.approx(loss, abs=0.01)


def test_scores_that_fall_with_the_label_have_no_line(world):
    truth = oracle(world)
    rows = [{"task": "click", "slice": "all", "log_loss": 0.1}]
    (row,) = judging.judged(world, rows, lambda split: {"click": 1 - truth(split)}, "page")
    assert "log_loss_platt" not in row and row["gauc_gap_closed"] == pytest.approx(-1)


def test_order_chooses_trials_where_its_group_has_enough_pairs(world):
    shown = cells.for_tuning(world)
    rows = [{"task": "click", "slice": "all", "log_loss": 0.6, "gauc": 0.7}]
    assert cells.trial_score(shown, rows, "page") == -0.7
    assert cells.trial_score(shown, rows) == 0.6
    few = dataclasses.replace(shown, test=shown.test.take(np.arange(2_000)))
    assert cells.trial_score(few, rows, "page") == 0.6
    assert cells.trial_score(shown, [{"task": "click", "slice": "all"}], "page") is None


def test_the_prefix_of_an_objective_takes_whole_groups():
    found = prefixes.prefix(declare(), PAIRS, {})
    assert len(found["losses"]) == 20
    assert found["losses"][0] == pytest.approx(np.log(2), abs=1e-6)
    assert found["losses"][-1] < found["losses"][0]
    assert found["data"] != prefixes.prefix(declare(), ROWS, {})["data"]


@pytest.mark.parametrize(("protocol", "patience"), [(2, 2), (3, 6)])
def test_a_longer_run_is_more_patient_too(monkeypatch, protocol, patience):
    seen = []

    def run_arm(experiment, arm, *_):
        seen.append((arm.options["epochs"], experiment.option_of(arm, {}, "patience")))
        return []

    monkeypatch.setattr(cells, "run_arm", run_arm)
    monkeypatch.setattr(cells, "dataset_of", lambda *_: None)
    contrasts = [better("a", "A.", "pairs", "rows")]
    one = declare(protocol=protocol, contrasts=contrasts, group=None)
    cells.measure(one, ROWS, {}, None, 0, times=3)
    assert seen == [(6, patience)]


def stuck(count, epochs=1, share=0.3):
    """A winner whose first runs ended early and low."""
    frame = capped(0).reset_index(drop=True)
    of_b = frame.index[frame["model"] == "b"][:count]
    frame.loc[of_b, "epochs"] = epochs
    frame.loc[of_b, "auc_gap_closed"] = share
    return frame


def test_runs_that_stopped_early_and_low_leave_a_finding_unfinished():
    found = find(WINS, stuck(3), protocol=3)
    assert found["cut_short"] == {"b": [3, 20]} and found["verdict"] == "unfinished"
    assert found["otherwise"] == "better"
    early_only = stuck(3)
    early_only.loc[early_only["model"] == "b", "auc_gap_closed"] = 0.44
    for fine in (stuck(2), stuck(3, epochs=3), early_only):
        assert "cut_short" not in find(WINS, fine, protocol=3)
    assert "cut_short" not in find(WINS, stuck(3), protocol=2)
