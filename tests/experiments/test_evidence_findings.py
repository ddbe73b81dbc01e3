"""From a table of cells to findings: units, pairs by world, verdicts, runs that failed."""

import math

import numpy as np
import pandas as pd
import pytest

from experiments.engine import differences
from experiments.engine.arms import Arm, Sweep, point_text
from experiments.engine.cells import bounds
from experiments.engine.contrasts import better, level, trend
from experiments.engine.declaration import Experiment
from experiments.engine.findings import failed_runs, finding_of, finished
from experiments.engine.records import summary
from experiments.engine.registry import load
from recsys_lib.training.intervals import t_interval

GUESS = "tiny_evidence:guess"
NOISE = np.array([-0.3, 0.1, 0.4, -0.2, 0.0, 0.2, -0.1, -0.1])
WORLDS = range(100, 108)


def experiment(*contrasts, sweep=False, protocol=1, **more):
    return Experiment(
        protocol=protocol,
        identifier="small.made",
        question="What follows?",
        lens="tiny_evidence:lens",
        sweep=Sweep("gain", (1.0, 2.0, 3.0)) if sweep else None,
        arms=[
            Arm(name="a", model=GUESS),
            Arm(name="b", model=GUESS),
            Arm(name="c", model=GUESS, side=True, **more),
        ],
        contrasts=contrasts,
        worlds=(100, 108),
        side_worlds=(100, 104),
    )


def table(points, part="all", **shares):
    """Cells whose gap shares, in percent, are given by arm: a number, or one for each world."""
    rows = []
    for point in points:
        for model, value in shares.items():
            value = value(point) if callable(value) else value
            values = value if np.ndim(value) else value + NOISE
            for world, share in zip(WORLDS, values, strict=False):
                if model == "c" and world >= 104:
                    continue
                row = {"model": model, "point": point_text(point), "world": world}
                row |= {"initialisation": 0, "task": "click", "slice": part}
                row |= {"auc_gap_closed": share / 100, "auc": 0.5 + share / 400}
                row |= {"log_loss": 0.7 - share / 1_000, "log_loss_gap_closed": share / 100}
                row |= {"epochs": 5, "cap": 10}
                rows.append(row)
    return pd.DataFrame(rows).reindex(columns=differences.COLUMNS)


GAPS = {("", "click", "all"): 0.25} | {
    (point_text(p), "click", "all"): 0.25 for p in (1.0, 2.0, 3.0)
}


def find(contrast, frame, gaps=GAPS, **more):
    compared = differences.Compared(experiment(contrast, **more), contrast, frame)
    return finding_of(compared, gaps)


def test_a_difference_is_paired_by_world():
    spread = 10 * NOISE
    frame = table([None], a=50 + spread, b=45 + spread + NOISE)
    found = find(better("wins", "It wins.", "a", "b"), frame)
    wanted = t_interval(5 - NOISE)
    assert found["verdict"] == "better" and found["confirmed"] and found["unit"] == "points"
    assert found["effect"] == round(wanted.mean, 2) and found["worlds"] == 8
    assert found["interval"] == [round(wanted.low, 2), round(wanted.high, 2)]


def test_a_side_arm_is_compared_on_the_worlds_that_both_ran():
    found = find(better("wins", "It wins.", "a", "c"), table([None], a=50.0, c=40.0))
    assert found["worlds"] == 4 and found["effect"] == 10.0


def test_further_initialisations_do_not_enter_a_difference():
    frame = table([None], a=50.0, b=45.0)
    more = frame[frame["world"] == 100].assign(initialisation=1, auc_gap_closed=0.0)
    found = find(better("wins", "It wins.", "a", "b"), pd.concat([frame, more]))
    assert found["effect"] == 5.0


@pytest.mark.parametrize(
    ("lead", "verdict", "is_reversed"),
    [(5.0, "better", False), (0.0, "level", False), (-5.0, "cannot tell", True)],
)
def test_what_is_said_of_a_lead(lead, verdict, is_reversed):
    wavy = np.concatenate([NOISE[4:], NOISE[:4]])
    frame = table([None], a=50 + lead + NOISE, b=50 + wavy)
    found = find(better("wins", "It wins.", "a", "b"), frame)
    assert found["verdict"] == verdict and found["confirmed"] == (verdict == "better")
    assert found.get("reversed", False) == is_reversed


def test_a_lead_is_reversed_where_the_whole_interval_is():
    for lead, is_reversed in ((-2.5, False), (-4.0, True)):
        frame = table([None], a=50 + lead + 5 * NOISE, b=np.full(8, 50.0))
        found = find(better("wins", "It wins.", "a", "b"), frame)
        assert found["interval"][0] < -2 and found.get("reversed", False) == is_reversed


@pytest.mark.parametrize(
    ("gaps", "unit"),
    [
        ({(None, "click", "all"): differences.LEAST_GAP}, "points"),
        ({(None, "click", "all"): 0.02}, "AUC"),
        ({(None, "click", "all"): 0.2, (None, "click", "hard"): 0.01}, "points"),
        ({(None, "click", "all"): 0.2, (2.0, "click", "all"): 0.01}, "points"),
        ({(None, "click", "all"): 0.2, (None, "like", "all"): 0.01}, "AUC"),
    ],
)
def test_the_unit_follows_from_the_smallest_gap_at_its_point_on_its_slice(gaps, unit):
    gaps = {(point_text(point), *rest): gap for (point, *rest), gap in gaps.items()}
    assert differences.unit_of(better("wins", "It wins.", "a", "b"), gaps) == unit


def test_a_small_gap_makes_auc_the_unit_and_asks_for_a_margin_in_it():
    small = {("", "click", "all"): 0.02}
    frame = table([None], a=50.0, b=45.0)
    with pytest.raises(ValueError, match="the unit is AUC, expected a declared margin"):
        find(better("wins", "It wins.", "a", "b"), frame, small)
    with pytest.raises(ValueError, match="expected a margin in it, got 2"):
        find(better("wins", "It wins.", "a", "b", margin=2.0), frame, small)
    found = find(better("wins", "It wins.", "a", "b", margin=0.002), frame, small)
    assert found["unit"] == "AUC" and found["effect"] == 0.0125 and found["verdict"] == "better"


def test_one_tuning_world_with_a_small_gap_is_enough():
    from experiments.engine.store import Store

    store = Store.__new__(Store)
    rows = [[{"task": "click", "slice": "all", "gap": gap}] for gap in (0.4, 0.02, 0.3)]
    store.done = {("bounds", None, world): {"value": row} for world, row in enumerate(rows)}
    assert differences.smallest_gaps(store) == {("", "click", "all"): 0.02}


def test_a_task_whose_labels_are_equal_in_a_part_has_no_gap_there():
    found = {(row["task"], row["slice"]) for row in bounds(load("multi_task.funnel"), 0.4, 0)}
    assert ("click", "clicked") not in found
    assert {("click", "all"), ("conversion", "all"), ("conversion", "clicked")} <= found


def test_losses_count_the_other_way_round():
    frame = table([None], a=50.0, b=40.0)
    found = find(better("w", "It wins.", "a", "b", measure="log_loss", margin=0.005), frame)
    assert found["unit"] == "nats" and found["effect"] == 0.01 and found["verdict"] == "better"
    found = find(better("w", "It wins.", "a", "b", measure="log_loss_gap"), frame)
    assert found["unit"] == "points" and found["effect"] == 10.0


def test_a_trend_is_the_slope_within_each_world_over_the_sweep():
    wander = 20 * NOISE  # of worlds, which a slope does not see
    frame = table([1.0, 2.0, 3.0], a=lambda x: 40 + 3 * x + wander, b=lambda x: 40 - wander)
    found = find(trend("grows", "It grows.", "a"), frame, sweep=True)
    assert found["verdict"] == "better" and found["effect"] == 6.0
    assert found["interval"] == [6.0, 6.0]
    against = find(trend("grows", "It grows.", "b", "a"), frame, sweep=True)
    assert against["effect"] == -6.0 and against["verdict"] == "cannot tell"


def test_where_runs_fail_there_is_no_verdict_and_the_others_are_told_apart():
    shares = 50 + NOISE
    shares[2] = 0.0
    frame = table([None], a=shares, b=45.0)
    found = find(better("wins", "It wins.", "a", "b"), frame)
    assert found["verdict"] == "cannot tell" and not found["confirmed"]
    assert found["failed"] == {"a": {"runs": [1, 8], "interval": [0.003, 0.527]}}
    assert found["effect"] == 5.0 and found["worlds"] == 7


def test_one_failed_run_in_twenty_is_enough_and_each_arms_worlds_are_left_out():
    first_eight = table([None], a=50.0, b=45.0)
    more = [first_eight.assign(world=first_eight["world"] + 8 * i) for i in range(3)]
    frame = pd.concat(more, ignore_index=True)
    frame = frame[frame["world"] < 120]
    failed = [("a", 101), ("b", 115)]
    for model, world in failed:
        frame.loc[(frame["model"] == model) & (frame["world"] == world), "auc"] = 0.5
    found = find(better("wins", "It wins.", "a", "b"), frame)
    assert {name: one["runs"] for name, one in found["failed"].items()} == {
        "a": [1, 20],
        "b": [1, 20],
    }
    assert found["worlds"] == 18 and found["verdict"] == "cannot tell"


def test_an_arm_without_a_finite_number_leaves_the_verdict_open():
    frame = table([None], a=50.0, c=40.0)
    frame.loc[frame["model"] == "c", ["auc", "auc_gap_closed"]] = np.nan
    found = find(better("leads", "It leads.", "a", "c"), frame, at_base_rate=True)
    assert found["verdict"] == "cannot tell" and found["effect"] is None and found["worlds"] == 0


def test_a_diverged_run_has_failed():
    frame = table([None], a=50.0, b=45.0)
    frame.loc[(frame["model"] == "b") & (frame["world"] == 103), ["auc", "auc_gap_closed"]] = np.nan
    found = find(better("wins", "It wins.", "a", "b"), frame)
    assert found["failed"]["b"]["runs"] == [1, 8] and found["worlds"] == 7


def test_a_page_has_money_and_no_auc_and_without_money_has_failed():
    frame = table([None], a=50.0, b=45.0)
    frame["money_gap_closed"] = frame["auc_gap_closed"]
    frame[["auc", "auc_gap_closed"]] = np.nan
    contrast = better("earns", "It earns more.", "a", "b", measure="money")
    found = find(contrast, frame)
    assert "failed" not in found and found["verdict"] == "better" and found["effect"] == 5.0
    frame.loc[(frame["model"] == "b") & (frame["world"] == 103), "money_gap_closed"] = np.nan
    assert find(contrast, frame)["failed"]["b"]["runs"] == [1, 8]


def test_a_slice_that_nobody_can_rank_is_no_failure():
    frame = pd.concat([table([None], a=50.0, b=45.0), table([None], "hard", a=1.0, b=-20.0)])
    contrast = better("wins", "It wins.", "a", "b", part="hard")
    found = find(contrast, frame, {("", "click", "hard"): 0.2})
    assert "failed" not in found and found["verdict"] == "better"
    assert found["effect"] == 21.0


def test_an_arm_that_is_expected_at_the_base_rate_does_not_fail():
    contrast = better("wins", "It wins.", "a", "c")
    frame = table([None], a=50.0, c=0.0)
    assert find(contrast, frame)["failed"]["c"]["runs"] == [4, 4]
    found = find(contrast, frame, at_base_rate=True)
    assert "failed" not in found and found["verdict"] == "better"


def test_where_order_is_compared_a_run_without_order_has_failed():
    frame = table([None], a=50.0, b=45.0).assign(gauc=0.65)
    frame.loc[frame["model"] == "b", "auc"] = 0.49
    assert failed_runs(frame).sum() == 8 and not failed_runs(frame, "gauc").any()
    frame.loc[frame["world"] == 103, "gauc"] = 0.5
    assert set(frame.loc[failed_runs(frame, "gauc_gap"), "world"]) == {103}


def test_of_several_tasks_one_has_to_be_named():
    frame = table([None], a=50.0, b=45.0)
    frame = pd.concat([frame, frame.assign(task="like", auc_gap_closed=0.1)])
    gaps = GAPS | {("", "like", "all"): 0.2}
    with pytest.raises(ValueError, match=r"task: expected one of \['click', 'like'\], got none"):
        find(better("wins", "It wins.", "a", "b"), frame, gaps)
    assert find(level("ties", "A tie.", "a", "b", task="like"), frame, gaps)["effect"] == 0.0


LOW_HIGH = np.array([2.0, 95.0, 1.0, 96.0, 94.0, 3.0, 97.0, 1.0])
WINS = better("wins", "It wins.", "a", "b")


def test_an_arm_whose_runs_span_more_than_forty_points_is_judged_by_what_leaves_the_plateau():
    frame = table([None], a=95 + NOISE, b=LOW_HIGH)
    found = find(WINS, frame, protocol=2)
    # The mean would say +46 points; four of eight runs of b leave, all of a do.
    assert found["unit"] == "runs" and found["margin"] == 0 and found["effect"] == 0.5
    assert found["unstable"]["b"]["left"] == [4, 8] and found["unstable"]["a"]["left"] == [8, 8]
    assert found["unstable"]["b"]["runs"] == LOW_HIGH.tolist()
    assert found["unstable"]["b"]["interval"] == [0.157, 0.843]
    # In four worlds out of four a is ahead: not enough for an exact test.
    assert found["interval"] == [-0.10236, 0.5] and found["verdict"] == "cannot tell"
    assert "unstable" not in find(WINS, frame) and find(WINS, frame)["verdict"] != "better"


def test_enough_runs_that_leave_the_plateau_are_a_verdict():
    many = [table([None], a=95 + NOISE, b=np.where(NOISE > 0.3, 90.0, 1.0)) for _ in range(2)]
    frame = pd.concat([one.assign(world=one["world"] + 8 * n) for n, one in enumerate(many)])
    found = find(WINS, frame, protocol=2)
    assert found["verdict"] == "better" and found["confirmed"] and found["effect"] == 0.875
    turned = find(better("wins", "It wins.", "b", "a"), frame, protocol=2)
    assert turned["verdict"] == "cannot tell" and turned["reversed"]
    # That runs at the base rate failed is said beside it, and does not forbid this verdict.
    assert found["failed"]["b"]["runs"] == [14, 16]


def test_forty_points_are_not_too_many():
    frame = table([None], a=95 + NOISE, b=np.linspace(50, 90, 8))
    assert "unstable" not in find(WINS, frame, protocol=2)
    frame = table([None], a=95 + NOISE, b=np.linspace(49.9, 90, 8))
    assert "unstable" in find(WINS, frame, protocol=2)


def test_the_best_arm_sets_the_plateau_even_if_nobody_names_it():
    frame = table([None], a=30 + 50 * (NOISE > 0.15), b=30.0 + NOISE, c=95.0)
    found = find(WINS, frame, protocol=2)
    # Half of c's median is 47.5: the runs of a at 30 points are still on the plateau.
    assert found["unstable"]["a"]["left"] == [2, 8] and found["unstable"]["b"]["left"] == [0, 8]


def test_unstable_arms_leave_a_trend_open():
    frame = table([1.0, 2.0, 3.0], a=lambda x: 30 * x + NOISE, b=lambda x: 5.0)
    steep = find(trend("grows", "It grows.", "a"), frame, sweep=True, protocol=2)
    assert "unstable" not in steep and steep["verdict"] == "better"  # a slope is no span of runs
    frame = table([1.0, 2.0, 3.0], a=lambda x: LOW_HIGH if x > 2 else 1.0 + NOISE, b=lambda x: 5.0)
    found = find(trend("grows", "It grows.", "a"), frame, sweep=True, protocol=2)
    assert found["unit"] == "runs" and found["verdict"] == "cannot tell"


def capped(runs):
    """Cells of 20 worlds, where the best epoch of so many runs of b is the last one allowed."""
    three = [table([None], a=50.0, b=45.0) for _ in range(3)]
    frame = pd.concat([one.assign(world=one["world"] + 8 * n) for n, one in enumerate(three)])
    frame = frame[frame["world"] < 120]
    frame.loc[(frame["model"] == "b") & (frame["world"] < 100 + runs), "epochs"] = 10
    return frame


def test_a_finding_of_runs_that_were_cut_short_is_unfinished():
    found = find(WINS, capped(3), protocol=2)
    assert found["verdict"] == "unfinished" and not found["confirmed"]
    assert found["at_cap"] == {"b": [3, 20]} and found["otherwise"] == "better"
    for fine in (find(WINS, capped(2), protocol=2), find(WINS, capped(20))):
        assert fine["verdict"] == "better" and "at_cap" not in fine


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (5.0, 5.6, "better"),  # moved by less than a third of the margin of two points
        (5.0, 4.3, "unfinished"),
        (9.0, 6.1, "better"),  # more than two margins above the margin
        (9.0, 5.9, "unfinished"),
    ],
)
def test_a_longer_run_gives_an_unfinished_finding_its_verdict(before, after, verdict):
    found = finished(find(WINS, capped(20), protocol=2), WINS, before, after)
    assert found["verdict"] == verdict and found["confirmed"] == (verdict == "better")
    assert found["longer"] == {"before": before, "after": after, "settled": verdict == "better"}
    # A second, still longer one may settle it.
    assert finished(found, WINS, 5.0, 5.0)["verdict"] == "better"


def test_a_far_lead_settles_no_tie():
    ties = level("ties", "They tie.", "a", "b")
    frame = capped(20).replace({"b": "b"})
    frame.loc[frame["model"] == "a", "auc_gap_closed"] -= 0.05
    found = find(ties, frame, protocol=2)
    assert found["otherwise"] == "level"
    assert finished(found, ties, 0.0, 9.0)["verdict"] == "unfinished"


def test_the_summary_says_who_is_behind_the_best_and_ranks_nobody():
    rows = {row["model"]: row for row in summary(table([None], a=50.0, b=50.0 - NOISE, c=40.0))}
    assert rows["a"]["behind"] is False and rows["b"]["behind"] is False
    assert rows["c"]["behind"] is True and rows["c"]["worlds"] == 4
    wanted = t_interval(50 + NOISE)
    assert rows["a"]["points"] == [round(x, 2) for x in (wanted.mean, wanted.low, wanted.high)]
    assert math.isclose(rows["a"]["auc"][0], 0.625)


def test_the_summary_of_pages_says_what_they_earn_and_who_earns_less():
    frame = table([None], a=50.0, b=40.0)
    frame["money_gap_closed"] = frame["auc_gap_closed"]
    frame[["auc", "auc_gap_closed"]] = np.nan
    rows = {row["model"]: row for row in summary(frame)}
    assert rows["a"]["money_points"][0] == 50.0 and "points" not in rows["a"]
    assert not rows["a"]["behind"] and rows["b"]["behind"]


def test_an_arm_that_wraps_a_model_of_the_book_keeps_its_look():
    from experiments.engine.arms import Arm
    from experiments.engine.records import style_of
    from recsys_lib import zoo

    wrapped = Arm(name="Wide & Deep", model="experiments.memorization._rules:wide_and_deep")
    assert style_of(wrapped)["style"] == list(zoo.style(zoo.find("wide_and_deep")))
    other = Arm(name="click rate", model="experiments.memorization._guessing:click_rate")
    assert style_of(other) == {}
