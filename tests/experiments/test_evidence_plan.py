"""The estimate before anything runs: cells, core-minutes, and what to warn of."""

import dataclasses

import pytest
from tiny_evidence import DECLARED, HereWorkers

from experiments import __main__ as command
from experiments.engine import planning, registry, running, tuning
from experiments.engine.arms import Arm
from experiments.engine.contrasts import better
from experiments.engine.store import Store

NAME = "small.guesses"


@pytest.fixture
def experiment():
    return registry.load(NAME, DECLARED)


class Log:
    """A log that holds what a test puts in."""

    def __init__(self, done=()):
        self.done = dict(done)

    def value(self, *key):
        return self.done[key]["value"]

    def seconds(self, *kinds):
        return [one["seconds"] for key, one in self.done.items() if key[0] in kinds]


def timed(**seconds):
    return Log({("tune", arm, 0, 1.0, 0, 0): {"seconds": s} for arm, s in seconds.items()})


def test_cells_are_counted_before_anything_is_known(experiment):
    found = planning.plan(experiment, Log())
    # Three points; three trials of the one tuned arm, one of the others, on three worlds each.
    assert found.tuning == 3 * (3 * 3 + 2 * 3)
    assert found.measuring == 3 * (3 * 4 + 3) + 4 * 3
    assert found.left == found.tuning + found.measuring and found.seconds == {}
    assert "102" not in next(found.lines()) and "not measured" in next(found.lines())


def test_the_count_is_that_of_the_units_that_run(experiment):
    first = running.trial_units(experiment, Log(), False)
    trials = sum(len(tuning.trials(arm)) for arm in running.tuned_arms(experiment))
    assert len(first) == 3 * trials
    # Defaults come first, so that the first ten cells say something of every arm.
    assert {unit["keys"][0][1] for unit in first[:3]} == {"sharp", "blurred", "aside"}


def test_minutes_follow_from_measured_seconds(experiment):
    found = planning.plan(experiment, timed(sharp=6.0, blurred=2.0))
    assert found.seconds == {"sharp": 6.0, "blurred": 2.0, "": 4.0}
    assert found.minutes == pytest.approx(102 * 4.0 / 60)
    line = next(found.lines())
    assert "4.0 s a cell, 6.8 core-minutes, 3.4 minutes on 2 processes" in line


def test_what_a_lesson_may_cost(experiment):
    side = [Arm(name=f"s{n}", model="tiny_evidence:guess", side=True) for n in range(9)]
    many = dataclasses.replace(experiment, arms=[*experiment.arms, *side])
    warnings = planning.plan(many, timed(sharp=21.0)).warnings
    assert "expected at most 8 side arms, got 10" in warnings
    assert "arm 'sharp': expected at most 20 s a cell, got 21.0" in warnings
    assert any("expected at most 30 core-minutes, got" in line for line in warnings)
    assert planning.plan(experiment, timed(sharp=1.0)).warnings == ()


def test_the_whole_book_is_added_up(experiment):
    one = planning.plan(experiment, timed(sharp=6.0))
    lines = list(planning.total_lines([one, planning.plan(experiment, Log())]))
    assert lines == ["together: 204 cells, 0.17 core-hours; 1 not measured"]
    lines = list(planning.total_lines([one._replace(seconds={"": 600.0})]))
    assert lines[1] == "  warning: expected at most 16 core-hours for the book"


def tuned(shares):
    """A log after tuning: gap shares of the chosen trials on the tuning worlds, in percent."""
    done = {
        ("bounds", point, world): {"value": [{"task": "click", "slice": "all", "gap": 0.2}]}
        for point in (None,)
        for world in range(3)
    }
    for arm, values in shares.items():
        for world, share in enumerate(values):
            row = {"task": "click", "slice": "all", "auc_gap_closed": share / 100}
            value = {"score": 0.5, "rows": [row]}
            done["tune", arm, 0, None, world, 0] = {"value": value, "seconds": 1.0}
    return Log(done)


@pytest.mark.parametrize(
    ("spread", "margin", "warned"), [(1.0, 0.7, True), (1.0, 0.8, False), (3.0, None, True)]
)
def test_a_margin_under_what_the_spread_allows_is_warned_of(experiment, spread, margin, warned):
    arms = [Arm(name=name, model="tiny_evidence:guess") for name in ("a", "b")]
    plain = dataclasses.replace(
        experiment,
        sweep=None,
        parts=(),
        arms=arms,
        contrasts=[better("wins", "It wins.", "a", "b", margin=margin)],
        worlds=(100, 120),
        side_worlds=(100, 110),
    )
    log = tuned({"a": [50 + spread, 50.0, 50 - spread], "b": [45.0, 45.0, 45.0]})
    lines = list(planning.margin_warnings(plain, log))
    assert len(lines) == warned
    if warned:
        assert "the least at which four of five true ties are level on 20 worlds" in lines[0]
        assert f"standard deviation {spread:.2g} on" in lines[0]


def test_a_margin_of_money_is_held_against_what_pages_earned_on_tuning_worlds(experiment):
    arms = [Arm(name=name, model="tiny_evidence:guess") for name in ("a", "b")]
    contrast = better("wins", "It wins.", "a", "b", measure="money", task="page", margin=0.7)
    shop = dataclasses.replace(experiment, sweep=None, parts=(), arms=arms, contrasts=[contrast])
    log = tuned({"a": [51.0, 50.0, 49.0], "b": [45.0, 45.0, 45.0]})
    for entry in (one for key, one in log.done.items() if key[0] == "tune"):
        (row,) = entry["value"]["rows"]
        page = {"task": "page", "slice": "all", "money_gap_closed": row["auc_gap_closed"]}
        entry["value"]["rows"].append(page)
    (line,) = planning.margin_warnings(shop, log)
    assert "the margin is 0.7 points" in line
    assert "standard deviation 1 on the tuning worlds" in line


def test_a_margin_that_is_missing_stops_a_run_before_the_fresh_worlds(experiment):
    log = tuned({})
    assert (
        planning.missing_margins(
            dataclasses.replace(
                experiment, sweep=None, contrasts=[better("wins", "It wins.", "sharp", "blurred")]
            ),
            log,
        )
        == []
    )
    for entry in log.done.values():
        entry["value"][0]["gap"] = 0.02
    (line,) = planning.missing_margins(
        dataclasses.replace(
            experiment, sweep=None, contrasts=[better("wins", "It wins.", "sharp", "blurred")]
        ),
        log,
    )
    assert line == "contrast 'wins': the unit is AUC, expected a declared margin"


def test_the_command_measures_ten_cells_and_keeps_them(tmp_path, monkeypatch, capsys, experiment):
    monkeypatch.setattr(running, "Workers", HereWorkers)
    places = ["--folder", str(DECLARED), "--build", str(tmp_path)]
    assert command.main([*places, "plan", NAME]) == 0
    printed = capsys.readouterr().out
    assert "45 cells of tuning, 57 on fresh worlds; 10 done" in printed
    assert "seconds a cell: sharp" in printed and "together: 102 cells" in printed
    log = Store(experiment, tmp_path)
    assert len(log.done) == 10 and {key[0] for key in log.done} == {"tune"}
    assert {key[4] for key in log.done} == {0}  # the first tuning world, no fresh one
    assert command.main([*places, "plan", NAME]) == 0
    assert Store(experiment, tmp_path).done == log.done


def test_wrong_names_are_one_line_on_stderr(capsys):
    assert command.main(["--folder", str(DECLARED), "plan", "large"]) == 1
    assert capsys.readouterr().err.startswith("experiment: expected one of ['small.factors'")
