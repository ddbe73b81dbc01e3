"""Every arm gets as many trials, drawn before looking, and the choice follows from their scores."""

import dataclasses

import numpy as np
import pytest
from tiny_evidence import lens

from experiments.engine import cells, tuning
from experiments.engine.arms import Arm
from recsys_lib.data import simulator

GUESS = "tiny_evidence:guess"
WIDE = {"noise": (0.1, 0.2, 0.5, 1.0, 2.0), "reach": (0.25, 0.5, 1.0, 2.0)}


def arm(space, model=GUESS, **more):
    return Arm(name="one", model=model, space=space, **more)


def test_the_default_comes_first_and_no_trial_twice():
    found = tuning.trials(arm(WIDE))
    assert found[0] == {"noise": 0.5, "reach": 1.0}
    assert len(found) == 12 and len({tuple(sorted(one.items())) for one in found}) == 12
    assert all(one[name] in WIDE[name] for one in found for name in WIDE)


def test_trials_are_the_same_for_all_arms_and_on_every_run():
    assert tuning.trials(arm(WIDE)) == tuning.trials(arm(dict(reversed(WIDE.items()))))


def test_a_small_space_is_run_whole_and_no_space_is_one_trial():
    assert len(tuning.trials(arm({"noise": (0.1, 0.5, 1.0)}))) == 3
    assert tuning.trials(arm({})) == [{}]


def scaled(dataset, *, seed, scale="raw", noise=0.5, reach=1.0):
    raise NotImplementedError


scaled.fits_itself = True


def test_a_scale_is_worth_four_more_trials(monkeypatch):
    import tiny_evidence

    monkeypatch.setattr(tiny_evidence, "scaled", scaled, raising=False)
    space = WIDE | {"scale": ("raw", "length")}
    assert len(tuning.trials(arm(space, "tiny_evidence:scaled"))) == 16


def test_defaults_are_those_of_the_recipe_and_of_the_zoo_row():
    space = {"learning_rate": (1e-3, 1e-2), "embedding_dim": (8, 16)}
    assert arm(space, "fm").defaults() == {"learning_rate": 1e-3, "embedding_dim": 16}


def test_the_best_trials_are_those_of_lowest_loss():
    assert tuning.best([0.3, 0.1, None, 0.2, 0.1, 0.5]) == [1, 4, 3, 0]


def test_the_choice_has_the_lowest_mean_and_of_equals_the_earlier():
    one = arm({"noise": (0.1, 0.5, 1.0)})
    options = tuning.trials(one)
    scores = {0: [0.5, 0.5, 0.6], 1: [0.4, 0.5, 0.6], 2: [0.6, 0.5, 0.4]}
    chosen = tuning.choose(options, one.space, scores)
    assert chosen.options == options[1] and chosen.score == pytest.approx(0.5)
    assert tuning.choose(options, one.space, {0: [0.5, None, 0.5]}) is None


@pytest.mark.parametrize(
    ("values", "chosen", "beyond"),
    [
        ((1e-3, 3e-3, 1e-2), 1e-2, 3.33e-2),  # by the ratio of the last two
        ((1e-3, 3e-3, 1e-2), 1e-3, 3.33e-4),
        ((8, 16, 32), 32, 64),
        ((8, 16, 32), 8, 4),
        ((0.1, 0.3, 0.6), 0.6, 0.8),  # 1.2 would be no share: half of the way to one
        (((8,), (16,), (32,)), (32,), (64,)),
        (((8, 8), (16, 16), (32, 32)), (8, 8), (4, 4)),
        ((1, 2, 3), 1, None),  # one half of a layer is none
        ((-1.0, 0.0, 1.0), 1.0, None),  # nothing has a ratio to zero
    ],
)
def test_a_space_goes_on_beyond_its_edge_by_rule(values, chosen, beyond):
    choice = tuning.Choice({"option": chosen}, 0.5, ("option",))
    more, space = tuning.extended({"option": values}, choice)
    if beyond is None:
        assert more == [] and space == {"option": values}
    else:
        assert more == [{"option": beyond}] and set(space["option"]) == {*values, beyond}
        assert list(space["option"]) == sorted(space["option"])


def test_beyond_its_edges_a_space_gives_four_more_trials_and_each_is_new():
    options = {"noise": 2.0, "reach": 0.25}
    choice = tuning.Choice(options, 0.5, tuning.edges(WIDE, options))
    more, space = tuning.extended(WIDE, choice)
    assert len(more) == 4 and more[0] == {"noise": 4.0, "reach": 0.125}
    assert all(one["noise"] == 4.0 or one["reach"] == 0.125 for one in more)
    assert not [one for one in more if one in tuning.trials(arm(WIDE))]
    assert tuning.edges(space, options) == ()


@pytest.mark.parametrize(
    ("values", "chosen", "flagged"),
    [
        ((1e-3, 1e-2, 1e-1), 1e-1, True),
        ((1e-3, 1e-2, 1e-1), 1e-3, True),
        ((1e-3, 1e-2, 1e-1), 1e-2, False),
        ((0.0, 0.1, 0.2), 0.0, False),
        ((0.1, 0.2), 0.2, False),
        (("a", "b", "c"), "c", False),
        (((), (8,), (8, 8)), (), False),
        (((), (8,), (8, 8)), (8, 8), True),
    ],
)
def test_a_choice_at_the_edge_of_an_ordered_space_is_flagged(values, chosen, flagged):
    assert tuning.edges({"option": values}, {"option": chosen}) == (("option",) if flagged else ())


def test_who_tunes_sees_no_test_row():
    world = lens()
    shown = cells.for_tuning(world)
    assert np.array_equal(shown.test.label, world.valid.label)
    assert not np.intersect1d(shown.test.row_id, world.test.row_id).size
    assert len(shown.train) == len(world.train)


def test_the_score_of_one_task_is_its_log_loss():
    shown = cells.for_tuning(lens())
    rows = [{"task": "click", "slice": "all", "log_loss": 0.61}]
    assert cells.trial_score(shown, rows) == 0.61
    assert cells.trial_score(shown, [{"task": "click", "slice": "all"}]) is None


def test_the_score_of_several_tasks_is_the_mean_over_their_base_rates():
    world = simulator.tasks(num_rows=500, num_valid_rows=200, num_test_rows=50, biases=(-1.0, 0.5))
    shown = cells.for_tuning(world)
    losses = {task: place + 0.4 for place, task in enumerate(world.tasks)}
    rows = [{"task": task, "slice": "all", "log_loss": loss} for task, loss in losses.items()]
    wanted = []
    for task, loss in losses.items():
        rate = world.train.labels[task].mean(dtype=np.float64)
        base = -np.where(world.valid.labels[task] > 0.5, np.log(rate), np.log(1 - rate)).mean()
        wanted.append(loss / base)
    assert cells.trial_score(shown, rows) == pytest.approx(np.mean(wanted))


def test_the_score_of_several_scenarios_is_the_mean_over_their_own_base_rates():
    world = simulator.scenarios(num_rows=9_000, num_valid_rows=6_000, num_test_rows=100)
    shown = cells.for_tuning(world)
    parts = tuple(shown.test.slices)
    assert len(parts) == 4
    rows = [{"task": "click", "slice": "all", "log_loss": 9.0}]
    rows += [{"task": "click", "slice": part, "log_loss": 0.5} for part in parts]
    column = next(c.name for c in world.feature_columns if c.group == "scenario")
    wanted = []
    for value in np.unique(world.valid.features[column]):
        rate = world.train.label[world.train.features[column] == value].mean(dtype=np.float64)
        label = world.valid.label[world.valid.features[column] == value]
        wanted.append(0.5 / -np.where(label > 0.5, np.log(rate), np.log(1 - rate)).mean())
    assert cells.trial_score(shown, rows) == pytest.approx(np.mean(wanted))


def test_a_scenario_almost_without_clicks_does_not_judge():
    """Its base loss is next to zero, and would outweigh all others."""
    world = simulator.scenarios(num_rows=9_000, num_valid_rows=6_000, num_test_rows=100)
    column = next(c.name for c in world.feature_columns if c.group == "scenario")
    shown = cells.for_tuning(world)
    parts = tuple(shown.test.slices)
    values = np.unique(world.valid.features[column])

    def without_clicks(split, value):
        chosen = split.features[column] == value
        return dataclasses.replace(split, labels={"click": np.where(chosen, 0.0, split.label)})

    def rows(loss):
        found = {part: {"task": "click", "slice": part, "log_loss": 0.5} for part in parts}
        found[f"{column} {values[1]}"]["log_loss"] = loss
        return [{"task": "click", "slice": "all", "log_loss": 0.4}, *found.values()]

    for name in ("train", "test"):
        one = dataclasses.replace(shown, **{name: without_clicks(getattr(shown, name), values[1])})
        assert cells.trial_score(one, rows(0.001)) == cells.trial_score(one, rows(5.0)) < 2
    assert cells.trial_score(shown, rows(0.001)) != cells.trial_score(shown, rows(5.0))
    few = dataclasses.replace(shown, test=shown.test.take(np.arange(30)))
    assert cells.trial_score(few, rows(5.0)) == 0.4  # none of them is large enough: all rows judge


def test_drawn_knobs_follow_the_world_and_stay_in_their_range():
    from experiments.engine.contrasts import better
    from experiments.engine.declaration import Experiment

    guesses = [Arm(name=name, model=GUESS) for name in ("a", "b")]
    experiment = Experiment(
        identifier="small.drawn",
        question="Does it survive?",
        lens="memorization",
        knobs={"rule_share": 0.04, "num_items": 20},
        headline="wins",
        arms=guesses,
        contrasts=[better("wins", "One wins.", "a", "b")],
    )
    drawn = [cells.knobs_of(experiment, cells.VARIED, world) for world in range(100, 140)]
    assert cells.knobs_of(experiment, cells.VARIED, 100) == drawn[0] != drawn[1]
    for knobs in drawn:
        assert 0.03 <= knobs["rule_share"] <= 0.05
        assert -0.625 <= knobs["bias"] <= -0.375
        assert knobs["num_items"] == 20 and "num_segments" not in knobs
    assert np.std([knobs["rule_strength"] for knobs in drawn]) > 0.2
    assert cells.knobs_of(experiment, None, 100) == {"rule_share": 0.04, "num_items": 20}
