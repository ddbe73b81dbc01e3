"""Intervals over users and initialisations cover the truth; the measures are scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from recsys_pipeline.leaderboard import resampling as users
from recsys_pipeline.leaderboard.resampling import Log, user_weights

NUM_USERS, ROWS_OF_A_USER = 120, 12


def log_of(random, num_users=NUM_USERS):
    """A log in which every user has an own base rate."""
    rate = random.beta(2, 3, num_users)
    of_rows = np.repeat(np.arange(num_users), ROWS_OF_A_USER)
    return Log((random.random(len(of_rows)) < rate[of_rows]).astype(float), of_rows)


@pytest.fixture(scope="module")
def log():
    return log_of(np.random.default_rng(0))


@pytest.fixture(scope="module")
def weights(log):
    return user_weights(log, 40)


def test_the_auc_of_a_draw_is_that_of_its_rows(log, weights):
    random = np.random.default_rng(1)
    scores = np.round(random.random(len(log.labels)), 1)  # many equal ones
    auc = users.weighted_auc(scores, log, weights)
    for draw in (0, 7, 39):
        of_rows = weights[draw][log.users]
        assert auc[draw] == pytest.approx(roc_auc_score(log.labels, scores, sample_weight=of_rows))


def test_whole_users_are_drawn(log, weights):
    assert weights.shape == (40, NUM_USERS) and (weights.sum(axis=1) == NUM_USERS).all()
    assert weights.std() == pytest.approx(1, abs=0.1)  # Poisson's, nearly
    assert (user_weights(log, 3) == user_weights(log, 3)).all()
    assert (user_weights(log, 3) != user_weights(log, 3, seed=1)).any()


def test_users_who_are_not_in_the_log_are_never_drawn():
    log = Log(np.array([0.0, 1.0]), np.array([1, 4]))
    assert log.num_users == 2
    assert (user_weights(log, 5)[:, [0, 2, 3]] == 0).all()


def logs_of_two_models(seed, initialisations):
    """Scores of two equally good models whose errors are the users' and the initialisations'."""
    random = np.random.default_rng(seed)
    log = log_of(random)
    truth = 0.4 * log.labels + random.normal(size=len(log.labels))

    def model():
        of_users = random.normal(size=NUM_USERS)[log.users] * 0.4
        return [
            truth + of_users + 0.15 * random.normal() * log.labels for _ in range(initialisations)
        ]

    return log, model(), model()


def test_intervals_cover_where_users_and_initialisations_differ():
    covered = []
    for seed in range(200):
        log, first, second = logs_of_two_models(seed, 5)
        weights = user_weights(log, 60, seed)
        measured = [users.measure(one, log, "auc", weights) for one in (first, second)]
        found = users.difference(*measured, log.num_users)
        covered.append(found.low <= 0 <= found.high)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_a_column_of_intervals_holds_together_where_single_ones_do_not():
    together, alone = [], []
    for seed in range(150):
        random = np.random.default_rng(seed)
        log = log_of(random, 60)
        base = random.normal(size=len(log.labels))
        models = {f"model {i}": [base + random.normal(size=60)[log.users]] for i in range(8)}
        weights = user_weights(log, 200, seed)
        measured = {name: users.measure(one, log, "auc", weights) for name, one in models.items()}
        # Every difference is zero in truth: labels do not depend on the scores.
        board = users.scoreboard(measured, "model 0", log.num_users)
        together.append(all(one.low <= 0 <= one.high for one in board.values()))
        reference = measured["model 0"]
        singles = [
            users.difference(one, reference, log.num_users)
            for name, one in measured.items()
            if name != "model 0"
        ]
        alone.append(all(one.low <= 0 <= one.high for one in singles))
    assert np.mean(together) >= 0.91
    assert np.mean(alone) < np.mean(together) - 0.05


def test_a_column_needs_its_reference(log, weights):
    one = users.measure([np.arange(len(log.labels))], log, "auc", weights)
    with pytest.raises(ValueError, match="reference: expected one of several models, got 'b'"):
        users.scoreboard({"a": one, "c": one}, "b", log.num_users)
    with pytest.raises(ValueError, match="name: expected one of"):
        users.measure([np.arange(3)], log, "accuracy", weights)
