"""Verdicts: who is behind, who is level, who cannot be told apart; over users and over runs."""

import numpy as np
import pytest

from recsys_lib.training.metrics import auc, gauc
from recsys_pipeline.leaderboard.judging import (
    MARGIN,
    log_of,
    measured,
    verdicts,
)
from recsys_pipeline.leaderboard.resampling import weighted_gauc


def rows_of(seed=0, num_users=150, each=20):
    """Labels, users, and the scores that a good model gives."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(num_users), each)
    taste = rng.normal(size=num_users)[user] + rng.normal(size=len(user))
    label = (rng.random(len(user)) < 1 / (1 + np.exp(-taste))).astype(np.float32)
    return label, user, taste


def noisy(scores, noise, seeds, first=0):
    return [
        scores + noise * np.random.default_rng(100 + first + seed).normal(size=len(scores))
        for seed in range(seeds)
    ]


def test_gauc_of_a_draw_is_that_of_its_users():
    label, user, scores = rows_of(num_users=30, each=7)
    scores = np.round(scores, 1)  # many equal ones
    log = log_of(label, user)
    rng = np.random.default_rng(1)
    weights = rng.integers(0, 3, (4, 30))
    found = weighted_gauc(scores, log, weights)
    for draw in range(4):
        drawn = [np.flatnonzero(user == u) for u in range(30) for _ in range(weights[draw, u])]
        rows = np.concatenate(drawn)
        names = np.concatenate([np.full(len(part), i) for i, part in enumerate(drawn)])
        assert found[draw] == pytest.approx(gauc(label[rows], scores[rows], names).value)
    assert weighted_gauc(scores, log, np.ones((1, 30)))[0] == pytest.approx(
        gauc(label, scores, user).value
    )


def test_own_scores_are_those_of_the_rows_and_draws_lie_around_them():
    label, user, scores = rows_of()
    several = noisy(scores, 1.0, 3)
    log = log_of(label, user)
    own, drawn = measured(log, {"a": several}, num_draws=120)["a"]
    np.testing.assert_allclose(own, [auc(label, one) for one in several])
    assert drawn.shape == (120,) and len(np.unique(drawn)) == 120
    assert drawn.mean() == pytest.approx(own.mean(), abs=3 * drawn.std() / np.sqrt(120))


def test_where_no_group_is_given_rows_are_drawn_and_users_widen_the_interval():
    label, user, _ = rows_of(each=40)
    # A model that knows nothing but the user: its rows stand and fall together.
    of_user = np.random.default_rng(3).normal(size=150)[user]
    widths = {}
    for name, group in (("users", user), ("rows", None)):
        log = log_of(label, group)
        _, drawn = measured(log, {"a": [of_user]}, num_draws=300)["a"]
        widths[name] = drawn.std()
    assert log.num_users == len(label)
    assert widths["users"] > 2 * widths["rows"]


def test_a_worse_model_is_behind_an_equal_one_level_and_a_close_one_unclear():
    label, user, scores = rows_of(num_users=600, each=40)
    models = {
        "behind": noisy(scores, 2.0, 3, first=10),
        "best": noisy(scores, 0.02, 3),
        "level": noisy(scores, 0.021, 3, first=20),
    }
    log = log_of(label, user)
    found = verdicts(measured(log, models, num_draws=200), log.num_users)
    assert list(found)[-1] == "behind"
    assert [one.verdict for one in found.values()] == ["best", "level", "behind"]
    best, level, behind = found.values()
    assert best.to_best is None
    assert behind.to_best.high < -MARGIN and -MARGIN < level.to_best.low <= level.to_best.high
    assert behind.score == pytest.approx(np.mean([auc(label, one) for one in models["behind"]]))
    few = log_of(label[:400], user[:400])
    close = {"best": [scores[:400]] * 2, "close": noisy(scores[:400], 0.5, 2)}
    unclear = verdicts(measured(few, close, num_draws=200), few.num_users)
    assert list(unclear.values())[1].verdict == "cannot tell"


def test_the_spread_of_initialisations_widens_the_interval():
    label, user, scores = rows_of()
    log = log_of(label, user)
    models = {"a": noisy(scores, 0.1, 3), "b": noisy(scores, 1.0, 3, first=10)}
    results = measured(log, models, num_draws=100)
    alone = {name: (own[:1], drawn) for name, (own, drawn) in results.items()}
    spread = {
        name: (own + np.array([-0.05, 0.0, 0.05]), drawn) for name, (own, drawn) in results.items()
    }
    widths = [
        list(verdicts(r, 150).values())[1].to_best.half_width for r in (alone, results, spread)
    ]
    assert widths[0] < widths[2] and widths[1] < widths[2]


def test_one_model_alone_is_the_best():
    label, user, scores = rows_of(num_users=20)
    log = log_of(label, user)
    (only,) = verdicts(measured(log, {"a": [scores]}, num_draws=100), 20).values()
    assert only.verdict == "best" and only.interval.low < only.score < only.interval.high
    with pytest.raises(ValueError, match="verdicts: expected at least one model, got none"):
        verdicts({}, 20)
