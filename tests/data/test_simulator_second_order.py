"""The second-order lens: what it plants is what the rows hold, and each knob turns one thing."""

import time

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import assert_same_rows, digest

from recsys_lib.data import simulator

SMALL = {"num_rows": 8_000, "num_valid_rows": 2_000, "num_test_rows": 6_000, "num_ids": 20}


def ids(split):
    """``(F, N)``, from 0."""
    return np.stack([values - 1 for values in split.features.values()])


def held_out(dataset, split):
    """``(P, N)``: whether each planted pair's combination is held out of training."""
    rows = ids(split)
    return np.stack(
        [
            mask[rows[i], rows[j]]
            for (i, j), mask in zip(dataset.truth["pairs"], dataset.truth["held_out"], strict=True)
        ]
    )


def log_odds(dataset, split):
    truth, rows = dataset.truth, ids(split)
    logit = np.full(len(split), dataset.knobs["bias"])
    for field, effects in enumerate(truth["main"]):
        logit += effects[rows[field]]
    for (i, j), first, second, counts in zip(
        *(truth[name] for name in ("pairs", "first_factors", "second_factors", "counts")),
        strict=True,
    ):
        logit += (first[rows[i]] * second[rows[j]]).sum(axis=1) * counts[rows[-1]]
    return logit


@pytest.fixture(scope="module")
def default():
    return simulator.second_order()


@pytest.fixture(scope="module")
def small():
    return simulator.second_order(**SMALL)


def test_the_default_is_recipe_sized_and_fast():
    start = time.perf_counter()
    dataset = simulator.second_order()
    assert time.perf_counter() - start < 5  # 0.15 s on an idle machine
    assert [len(split) for split in dataset.splits.values()] == [150_000, 15_000, 60_000]
    assert [column.name for column in dataset.feature_columns] == [f"field_{f}" for f in range(8)]
    for column in dataset.feature_columns:
        assert (column.vocabulary_size, column.group) == (51, "context")
        values = dataset.train.features[column.name]
        assert (values.dtype, values.min(), values.max()) == (np.int32, 1, 50)
    np.testing.assert_array_equal(dataset.test.group, dataset.test.features["field_0"])


def test_the_same_seed_gives_the_same_bytes(small):
    assert digest(simulator.second_order(**SMALL)) == digest(small)
    assert digest(simulator.second_order(**SMALL, seed=1)) != digest(small)


def test_another_process_gives_the_same_bytes(small):
    assert digest_elsewhere("second_order", SMALL) == digest(small)


def test_every_probability_is_the_sigmoid_of_the_planted_log_odds(default):
    for split in default.splits.values():
        expected = 1 / (1 + np.exp(-log_odds(default, split)))
        np.testing.assert_allclose(split.probability["click"], expected, rtol=1e-12)


def test_interactions_have_the_stated_rank_spread_and_no_main_effects(default):
    truth = default.truth
    for first, second, interaction in zip(
        truth["first_factors"], truth["second_factors"], truth["interaction"], strict=True
    ):
        np.testing.assert_allclose(interaction, first @ second.T, atol=1e-12)
        assert interaction.std() == pytest.approx(1.0)
        assert np.linalg.matrix_rank(interaction) == 4
        for axis in (0, 1):
            np.testing.assert_allclose(interaction.mean(axis=axis), 0, atol=1e-12)


def test_main_effects_have_the_stated_spread(default):
    assert default.truth["main"].shape == (8, 50)
    np.testing.assert_allclose(default.truth["main"].mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(default.truth["main"].std(axis=1), 0.3)


def test_graded_gains_are_the_spread_and_the_map():
    truth = simulator.second_order(**SMALL, gains=(1.5, 1.0, 0.6)).truth
    np.testing.assert_allclose(truth["interaction"].std(axis=(1, 2)), [1.5, 1.0, 0.6])
    expected = np.zeros((8, 8))
    expected[[0, 1, 2, 3, 4, 5], [1, 0, 3, 2, 5, 4]] = [1.5, 1.5, 1.0, 1.0, 0.6, 0.6]
    np.testing.assert_array_equal(truth["pair_importance"], expected)
    fields = np.sqrt(0.3**2 + np.array([1.5, 1.5, 1.0, 1.0, 0.6, 0.6, 0, 0]) ** 2)
    np.testing.assert_allclose(truth["field_importance"], fields)


def test_one_gain_stands_for_all_pairs(small):
    assert digest(simulator.second_order(**SMALL, gains=1)) == digest(small)


def test_training_never_holds_a_held_out_combination(default):
    np.testing.assert_array_equal(default.truth["held_out"].sum(axis=(1, 2)), 750)
    for split in (default.train, default.valid):
        assert not held_out(default, split).any()
        assert set(split.slices) == {"seen"}


def test_unseen_rows_hold_three_held_out_combinations_and_seen_rows_none(default):
    mask = held_out(default, default.test)
    np.testing.assert_array_equal(default.test.slices["unseen"], mask.all(axis=0))
    np.testing.assert_array_equal(default.test.slices["seen"], ~mask.any(axis=0))
    share = default.test.slices["unseen"].mean()
    assert abs(share - 0.5) < 4 * 0.5 / np.sqrt(60_000)


def test_training_holds_the_other_combinations_alike(default):
    rows = ids(default.train)
    for (i, j), mask in zip(default.truth["pairs"], default.truth["held_out"], strict=True):
        counts = np.zeros((50, 50))
        np.add.at(counts, (rows[i], rows[j]), 1)
        seen = counts[~mask]
        mean = 150_000 / 1_750
        # Poisson counts: variance and mean agree up to mean * sqrt(2 / cells).
        assert abs(seen.var() - mean) < 4.5 * mean * np.sqrt(2 / 1_750 + 1 / (mean * 1_750))
        assert seen.mean() == pytest.approx(mean)


def test_pairs_that_are_not_planted_are_independent(default):
    rows = ids(default.train)
    planted = {tuple(pair) for pair in default.truth["pairs"]}
    for i in range(8):
        for j in range(i + 1, 8):
            counts = np.zeros((50, 50))
            np.add.at(counts, (rows[i], rows[j]), 1)
            expected = counts.sum(1)[:, None] * counts.sum(0)[None, :] / counts.sum()
            statistic = ((counts - expected) ** 2 / expected).sum()
            freedom = 49 * 49  # chi-squared: mean 2,401, standard deviation 69
            dependent = statistic > freedom + 5 * np.sqrt(2 * freedom)
            assert dependent == ((i, j) in planted)


def test_labels_are_calibrated_within_every_bin_of_probability(default):
    for split in default.splits.values():
        probability, label = split.probability["click"], split.labels["click"]
        for rows in np.array_split(np.argsort(probability), 20):
            error = np.sqrt((probability[rows] * (1 - probability[rows])).sum())
            assert abs(label[rows].sum() - probability[rows].sum()) < 4 * error


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("gains", 0.0),
        ("gains", (1.5, 1.0, 0.6)),
        ("main_sd", 0),
        ("bias", -1),
        ("switched", 1),
    ],
)
def test_gains_main_effects_bias_and_switch_keep_the_rows(small, knob, value):
    other = simulator.second_order(**SMALL, **{knob: value})
    assert_same_rows(small, other)
    np.testing.assert_array_equal(small.truth["held_out"], other.truth["held_out"])
    expected = 1 / (1 + np.exp(-log_odds(other, other.test)))
    np.testing.assert_allclose(other.test.probability["click"], expected, rtol=1e-12)
    assert (other.test.probability["click"] != small.test.probability["click"]).mean() > 0.99


def test_validation_rows_hold_unseen_combinations_where_it_is_said(small):
    other = simulator.second_order(**SMALL, valid_unseen_draws=0.5)
    unseen = other.valid.slices["unseen"]
    assert "unseen" not in small.valid.slices and abs(unseen.mean() - 0.5) < 0.1
    for out in held_out(other, other.valid):
        np.testing.assert_array_equal(out, unseen)
    for split in ("train", "test"):
        for name, values in small.splits[split].features.items():
            np.testing.assert_array_equal(values, other.splits[split].features[name])


def test_the_last_field_switches_every_second_pair_off_by_turns(small):
    assert small.truth["counts"].all()
    full = simulator.second_order(**SMALL, switched=1).truth["counts"]
    np.testing.assert_array_equal(full.sum(axis=1), [10, 10, 10])
    np.testing.assert_array_equal(full[0], ~full[1])
    np.testing.assert_array_equal(full[0], full[2])
    half = simulator.second_order(**SMALL, switched=0.5).truth["counts"]
    np.testing.assert_array_equal(half.sum(axis=1), [15, 15, 15])
    assert (full <= half).all()  # a larger share adds ids, which switch other pairs off
    other = simulator.second_order(**SMALL, switched=1, seed=1).truth["counts"]
    assert not np.array_equal(full, other)


def test_a_switched_pair_has_the_spread_that_its_map_states():
    dataset = simulator.second_order(**SMALL | {"num_rows": 60_000}, switched=1, held_out_share=0)
    truth, rows = dataset.truth, ids(dataset.train)
    for (i, j), interaction, counts in zip(
        truth["pairs"], truth["interaction"], truth["counts"], strict=True
    ):
        term = interaction[rows[i], rows[j]] * counts[rows[-1]]
        assert truth["pair_importance"][i, j] == pytest.approx(np.sqrt(0.5))
        assert term.std() == pytest.approx(np.sqrt(0.5), rel=0.02)


def test_labels_move_with_the_bias_only(small):
    higher = simulator.second_order(**SMALL, bias=0.5)
    assert (higher.train.label >= small.train.label).all()
    assert (higher.train.label > small.train.label).any()


def test_a_longer_log_begins_with_the_shorter_one(small):
    longer = simulator.second_order(**SMALL | {"num_rows": 9_000})
    for name, values in small.train.features.items():
        np.testing.assert_array_equal(longer.train.features[name][:8_000], values)
    np.testing.assert_array_equal(longer.train.label[:8_000], small.train.label)
    np.testing.assert_array_equal(longer.test.label, small.test.label)


def test_a_higher_rank_adds_factors(small):
    higher = simulator.second_order(**SMALL, rank=5)
    np.testing.assert_array_equal(
        higher.truth["second_factors"][:, :, :4], small.truth["second_factors"]
    )
    assert np.linalg.matrix_rank(higher.truth["interaction"][0]) == 5


def test_a_larger_share_adds_held_out_combinations(small):
    larger = simulator.second_order(**SMALL, held_out_share=0.5)
    assert larger.truth["held_out"][small.truth["held_out"]].all()
    assert larger.truth["held_out"].mean() == 0.5
    np.testing.assert_array_equal(larger.truth["interaction"], small.truth["interaction"])


def test_a_pair_keeps_its_plan_whatever_the_others_are(small):
    fewer = simulator.second_order(**SMALL, pairs=((2, 3),), gains=1.0)
    for name in ("interaction", "held_out"):
        np.testing.assert_array_equal(fewer.truth[name][0], small.truth[name][1])
    np.testing.assert_array_equal(fewer.truth["main"], small.truth["main"])
    for name in ("field_2", "field_3", "field_6"):
        np.testing.assert_array_equal(fewer.train.features[name], small.train.features[name])


def test_pairs_have_factors_of_their_own(small):
    for name in ("first_factors", "second_factors"):
        columns = np.concatenate(list(small.truth[name]), axis=1)  # (num_ids, pairs * rank)
        related = np.corrcoef(columns, rowvar=False) - np.eye(columns.shape[1])
        assert abs(related).max() < 0.95  # equal factors: 1; of 20 independent numbers: about 0.6


def test_nothing_held_out_leaves_no_unseen_rows():
    dataset = simulator.second_order(**SMALL, held_out_share=0)
    assert set(dataset.test.slices) == {"seen"}
    assert not dataset.truth["held_out"].any()


def test_the_knobs_are_kept():
    dataset = simulator.second_order(**SMALL, pairs=[[1, 4]], gains=2, seed=5)
    assert dataset.knobs["pairs"] == ((1, 4),)
    assert dataset.knobs["gains"] == (2.0,)
    assert digest(simulator.second_order(**dataset.knobs)) == digest(dataset)


def test_a_field_that_switches_is_in_no_pair():
    with pytest.raises(ValueError, match="switched: expected the last field, 5, in no pair"):
        simulator.second_order(**SMALL, num_fields=6, switched=0.1)


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("num_rows", 0, "num_rows: expected an integer of 1 or more, got 0"),
        ("num_fields", 1, "num_fields: expected an integer of 2 or more, got 1"),
        ("num_fields", 5, r"positions i < j below num_fields, which is 5, got \(4, 5\)"),
        ("num_ids", 1, "num_ids: expected an integer of 2 or more, got 1"),
        ("rank", 0, "rank: expected an integer of 1 or more, got 0"),
        ("rank", 20, "rank: expected less than num_ids, which is 20, got 20"),
        ("pairs", (), "pairs: expected at least one pair, got none"),
        ("pairs", (0, 1), r"pairs: expected pairs of field positions, got \(0, 1\)"),
        ("pairs", ((0, 1, 2),), r"pairs: expected two positions .* got \(0, 1, 2\)"),
        ("pairs", ((1, 0),), r"pairs: expected two positions i < j .* got \(1, 0\)"),
        ("pairs", ((0, -1),), "pairs: expected an integer of 0 or more, got -1"),
        (
            "pairs",
            ((0, 1), (1, 2)),
            r"pairs: expected each position .* got \(1, 2\) too",
        ),
        ("gains", (1.0, 1.0), "gains: expected a number for each of 3 pairs, got 2"),
        ("gains", (1.0, -1.0, 1.0), "gains: expected a finite number from 0, got -1.0"),
        ("gains", "high", "gains: expected a finite number from 0, got 'high'"),
        ("held_out_share", 1, "held_out_share: .* from 0 to 1 excluding 1, got 1"),
        ("held_out_share", 0.999, "held_out_share: 0.999 .* expected at least one combination"),
        ("main_sd", -0.1, "main_sd: expected a finite number from 0, got -0.1"),
        ("bias", float("nan"), "bias: expected a finite number, got nan"),
        ("unseen_draws", 1.5, "unseen_draws: expected a finite number from 0 to 1, got 1.5"),
        ("seed", -1, "seed: expected an integer of 0 or more, got -1"),
        ("switched", 1.5, "switched: expected a finite number from 0 to 1, got 1.5"),
    ],
)
def test_bad_knobs_are_named(knob, value, message):
    with pytest.raises(ValueError, match=message):
        simulator.second_order(**SMALL | {knob: value})
