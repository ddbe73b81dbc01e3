"""The music app of the experiment on strength: what decides a click, and what tells it."""

import numpy as np
import pytest

from experiments.engine import registry
from experiments.sequence import _plays
from experiments.sequence._plays import LENGTH, MOST_PLAYS, SONGS_OF_TOPIC, plays


def topic_of(songs):
    return (np.asarray(songs) - 1) // SONGS_OF_TOPIC


def parts(split):
    """Of each row: plays of the candidate's topic, real plays, and the true probability."""
    history = split.features["history"]
    real = history > 0
    own = real & (topic_of(history) == topic_of(split.features["item_id"])[:, None])
    return own.sum(axis=1), real.sum(axis=1), split.probability["click"]


@pytest.fixture(scope="module")
def worlds():
    return {filled: plays(2_000, filled, 500, 4_000, seed=7) for filled in (0.0, 0.5, 1.0)}


@pytest.mark.parametrize("filled", [0.0, 0.5, 1.0])
def test_a_click_depends_on_the_number_of_matching_plays_alone(worlds, filled):
    for split in worlds[filled].splits.values():
        own, _, probability = parts(split)
        assert set(own) == set(range(MOST_PLAYS + 1))
        np.testing.assert_allclose(np.log(probability / (1 - probability)), -2 + 0.7 * own)
        np.testing.assert_array_equal(split.slices["match"], own > 0)


def test_in_open_histories_the_share_of_the_match_tells_nothing(worlds):
    own, real, _ = parts(worlds[0.0].test.slice("match"))
    np.testing.assert_array_equal(real, 2 * own)


def test_in_filled_histories_the_share_tells_the_number(worlds):
    _, real, _ = parts(worlds[1.0].test)
    assert (real == LENGTH).all()


def test_filled_is_a_share_of_the_histories(worlds):
    own, real, _ = parts(worlds[0.5].test.slice("match"))
    few = own < MOST_PLAYS
    assert (real[few] == LENGTH).mean() == pytest.approx(0.5, abs=0.05)


def test_padding_is_behind_and_songs_stand_in_any_order(worlds):
    history = worlds[0.0].test.features["history"]
    real = history > 0
    assert (np.diff(real.astype(int), axis=1) <= 0).all()
    both = history[real.sum(axis=1) == LENGTH]
    first = topic_of(both) == topic_of(both[:, :1])
    assert first[:, 1:].mean(axis=0) == pytest.approx(5 / 11, abs=0.08)


def test_worlds_differ_and_come_out_again(worlds):
    again, other = plays(2_000, 1.0, 500, 4_000, seed=7), plays(2_000, 1.0, 500, 4_000, seed=8)
    for name, split in worlds[1.0].splits.items():
        for column, values in split.features.items():
            np.testing.assert_array_equal(again.splits[name].features[column], values)
            assert (other.splits[name].features[column] != values).any()
        rate = split.labels["click"].mean()
        assert rate == pytest.approx(split.probability["click"].mean(), abs=0.05)


def test_the_declared_lens_is_this_one():
    experiment = registry.load("sequence.strength")
    module, name = str(experiment.lens).split(":")
    assert module == _plays.__name__ and getattr(_plays, name) is plays
