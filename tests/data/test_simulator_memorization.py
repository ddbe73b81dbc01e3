"""The memorization lens: what it plants is what the rows hold, and each knob turns one thing."""

import hashlib
import time

import numpy as np
import pytest
from lens_processes import digest_elsewhere

from recsys_lib.data import simulator

SMALL = {"num_rows": 20_000, "num_valid_rows": 3_000, "num_test_rows": 9_000}
SMALL |= {"num_segments": 40, "num_items": 100}


def digest(dataset):
    """A hash of every array of the data set, with its name and type."""
    total = hashlib.sha256()

    def add(name, values):
        total.update(f"{name} {values.dtype.str} {values.shape}".encode())
        total.update(np.ascontiguousarray(values).tobytes())

    for split_name, split in dataset.splits.items():
        for kind in ("features", "labels", "probability", "slices"):
            for name, values in getattr(split, kind).items():
                add(f"{split_name} {kind} {name}", values)
        for name in ("group", "row_id", "time"):
            add(f"{split_name} {name}", getattr(split, name))
    for name, values in dataset.truth.items():
        add(name, values)
    return total.hexdigest()


def pairs(split):
    return split.features["segment"] - 1, split.features["item"] - 1


def assert_same_rows(first, second):
    for split_name in first.splits:
        for name, values in first.splits[split_name].features.items():
            np.testing.assert_array_equal(values, second.splits[split_name].features[name])


@pytest.fixture(scope="module")
def default():
    return simulator.memorization()


@pytest.fixture(scope="module")
def small():
    return simulator.memorization(**SMALL)


def test_the_default_is_recipe_sized_and_fast():
    start = time.perf_counter()
    dataset = simulator.memorization()
    assert time.perf_counter() - start < 5  # 0.1 s on an idle machine
    assert [len(split) for split in dataset.splits.values()] == [300_000, 30_000, 60_000]
    segment, item = dataset.feature_columns
    assert (segment.name, segment.vocabulary_size, segment.group) == ("segment", 201, "user")
    assert (item.name, item.vocabulary_size, item.group) == ("item", 501, "item")
    for values in dataset.train.features.values():
        assert values.dtype == np.int32 and values.min() == 1
    np.testing.assert_array_equal(dataset.test.group, dataset.test.features["segment"])


def test_the_same_seed_gives_the_same_bytes(small):
    assert digest(simulator.memorization(**SMALL)) == digest(small)
    assert digest(simulator.memorization(**SMALL, seed=1)) != digest(small)


def test_another_process_gives_the_same_bytes(small):
    assert digest_elsewhere("memorization", SMALL) == digest(small)


def test_the_global_random_state_is_neither_read_nor_moved(small):
    np.random.seed(7)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert digest(simulator.memorization(**SMALL)) == digest(small)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_every_probability_is_the_sigmoid_of_the_planted_log_odds(default):
    truth = default.truth
    taste = truth["segment_taste"] @ truth["item_taste"].T
    np.testing.assert_allclose(truth["taste"], taste, atol=1e-12)
    for split in default.splits.values():
        segment, item = pairs(split)
        logit = -0.5 + taste[segment, item] + truth["rule"][segment, item]
        expected = 1 / (1 + np.exp(-logit))
        np.testing.assert_allclose(split.probability["click"], expected, rtol=1e-12)


def test_planted_structure(default):
    truth = default.truth
    assert truth["taste"].shape == (200, 500)
    assert truth["taste"].std() == pytest.approx(1.2)
    assert np.linalg.matrix_rank(truth["taste"]) == 3
    assert truth["unseen_pair"].sum() == 30_000
    assert set(np.unique(truth["rule"])) == {-3.0, 0.0, 3.0}
    np.testing.assert_array_equal(truth["rule"] != 0, truth["rule_pair"])
    assert not (truth["rule_pair"] & truth["unseen_pair"]).any()
    # 5,000 rule pairs less those that fall on the 30 % unseen: hypergeometric, sd 31.6.
    assert abs(truth["rule_pair"].sum() - 3_500) < 4 * 31.6
    positive = (truth["rule"] > 0).sum() / truth["rule_pair"].sum()
    assert abs(positive - 0.5) < 4 * 0.5 / np.sqrt(3_500)


def test_no_low_rank_explains_the_rules(default):
    values = np.linalg.svd(default.truth["rule"], compute_uv=False) ** 2
    assert values[:3].sum() / values.sum() < 0.06
    values = np.linalg.svd(default.truth["taste"], compute_uv=False) ** 2
    assert values[:3].sum() / values.sum() > 0.999


def test_unseen_pairs_are_in_the_test_split_only(default):
    unseen = default.truth["unseen_pair"]
    for split in (default.train, default.valid):
        assert not unseen[pairs(split)].any()
        assert set(split.slices) == {"seen_rules", "seen_plain"}
    np.testing.assert_array_equal(default.test.slices["unseen_plain"], unseen[pairs(default.test)])


def test_slices_part_each_split_by_what_was_planted(default):
    for split in default.splits.values():
        np.testing.assert_array_equal(sum(mask.astype(int) for mask in split.slices.values()), 1)
        rule = default.truth["rule_pair"][pairs(split)]
        np.testing.assert_array_equal(split.slices["seen_rules"], rule)


@pytest.mark.parametrize(
    ("split_name", "expected"), [("train", 0.5), ("valid", 0.5), ("test", 1 / 3)]
)
def test_rule_pairs_occur_at_the_stated_frequency(default, split_name, expected):
    mask = default.splits[split_name].slices["seen_rules"]
    assert abs(mask.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / len(mask))


def test_pairs_of_a_kind_are_drawn_alike(default):
    segment, item = pairs(default.train)
    counts = np.zeros((200, 500))
    np.add.at(counts, (segment, item), 1)
    rule, unseen = default.truth["rule_pair"], default.truth["unseen_pair"]
    for kind in (rule, ~rule & ~unseen):
        mean = counts[kind].mean()
        # Poisson counts: the variance equals the mean; its standard error for m cells and mean c
        # is close to c * sqrt(2 / m + 1 / (c * m)).
        error = mean * np.sqrt(2 / kind.sum() + 1 / (mean * kind.sum()))
        assert abs(counts[kind].var() - mean) < 4.5 * error
    assert 40 < counts[rule].mean() < 50
    assert 2 < counts[~rule & ~unseen].mean() < 2.5


def test_labels_are_calibrated_within_every_bin_of_probability(default):
    for split in default.splits.values():
        probability, label = split.probability["click"], split.labels["click"]
        assert label.dtype == np.float32
        order = np.argsort(probability)
        for rows in np.array_split(order, 20):
            error = np.sqrt((probability[rows] * (1 - probability[rows])).sum())
            assert abs(label[rows].sum() - probability[rows].sum()) < 4 * error


def test_splits_follow_each_other_in_time(default):
    times = [split.time for split in default.splits.values()]
    assert (np.diff(np.concatenate(times)) > 0).all()


def test_rule_strength_changes_rule_rows_only(small):
    weaker = simulator.memorization(**SMALL, rule_strength=1.0)
    assert_same_rows(small, weaker)
    for name in ("taste", "rule_pair", "unseen_pair"):
        np.testing.assert_array_equal(small.truth[name], weaker.truth[name])
    np.testing.assert_array_equal(small.truth["rule"], 3 * weaker.truth["rule"])
    for split_name, split in small.splits.items():
        other = weaker.splits[split_name]
        rules = split.slices["seen_rules"]
        for kind in ("labels", "probability"):
            first, second = getattr(split, kind)["click"], getattr(other, kind)["click"]
            np.testing.assert_array_equal(first[~rules], second[~rules])
            assert (first[rules] != second[rules]).any()
        change = split.labels["click"] - other.labels["click"]
        sign = np.sign(small.truth["rule"][pairs(split)])
        assert (change * sign >= 0).all()  # common random numbers: labels move with the rule only


def test_strength_zero_switches_the_rules_off_and_keeps_the_rows(small):
    without = simulator.memorization(**SMALL, rule_strength=0)
    assert_same_rows(small, without)
    assert not without.truth["rule"].any()
    assert without.test.slices["seen_rules"].any()


@pytest.mark.parametrize("knob", ["bias", "taste_sd"])
def test_bias_and_taste_keep_the_rows(small, knob):
    other = simulator.memorization(**SMALL, **{knob: 0.25})
    assert_same_rows(small, other)
    np.testing.assert_array_equal(small.truth["rule"], other.truth["rule"])
    assert (small.truth["probability"] != other.truth["probability"]).all()


def test_shares_add_pairs_to_those_already_chosen(small):
    more_rules = simulator.memorization(**SMALL, rule_share=0.1)
    np.testing.assert_array_equal(more_rules.truth["taste"], small.truth["taste"])
    np.testing.assert_array_equal(more_rules.truth["unseen_pair"], small.truth["unseen_pair"])
    same = small.truth["rule_pair"]
    np.testing.assert_array_equal(more_rules.truth["rule"][same], small.truth["rule"][same])
    assert more_rules.truth["rule_pair"].sum() > 1.5 * same.sum()

    more_unseen = simulator.memorization(**SMALL, unseen_share=0.5)
    np.testing.assert_array_equal(more_unseen.truth["taste"], small.truth["taste"])
    assert more_unseen.truth["unseen_pair"][small.truth["unseen_pair"]].all()
    seen = ~more_unseen.truth["unseen_pair"]
    np.testing.assert_array_equal(more_unseen.truth["rule"][seen], small.truth["rule"][seen])


def test_a_longer_log_begins_with_the_shorter_one(small):
    longer = simulator.memorization(**SMALL | {"num_rows": 25_000})
    for name, values in small.train.features.items():
        np.testing.assert_array_equal(longer.train.features[name][:20_000], values)
    np.testing.assert_array_equal(longer.train.label[:20_000], small.train.label)
    np.testing.assert_array_equal(longer.test.label, small.test.label)


def test_a_higher_rank_adds_dimensions(small):
    higher = simulator.memorization(**SMALL, taste_rank=4)
    ratio = higher.truth["item_taste"][:, :3] / small.truth["item_taste"]
    np.testing.assert_allclose(ratio, ratio[0, 0])
    assert np.linalg.matrix_rank(higher.truth["taste"]) == 4


def test_without_unseen_pairs_all_test_rows_are_seen():
    dataset = simulator.memorization(**SMALL, unseen_share=0)
    assert set(dataset.test.slices) == {"seen_rules", "seen_plain"}
    assert not dataset.truth["unseen_pair"].any()


def test_the_knobs_are_kept():
    dataset = simulator.memorization(**SMALL, rule_strength=2, seed=5)
    assert dataset.knobs["rule_strength"] == 2.0
    assert dataset.knobs["seed"] == 5
    assert digest(simulator.memorization(**dataset.knobs)) == digest(dataset)


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("num_rows", 0, "num_rows: expected an integer of 1 or more, got 0"),
        ("num_valid_rows", 2.5, "num_valid_rows: expected an integer of 1 or more, got 2.5"),
        ("num_test_rows", -1, "num_test_rows: expected an integer of 1 or more, got -1"),
        ("num_segments", 1, "num_segments: expected an integer of 2 or more, got 1"),
        ("num_items", True, "num_items: expected an integer of 2 or more, got True"),
        ("taste_rank", 0, "taste_rank: expected an integer of 1 or more, got 0"),
        ("seed", -1, "seed: expected an integer of 0 or more, got -1"),
        ("rule_strength", -3, "rule_strength: expected a finite number from 0, got -3"),
        ("taste_sd", float("nan"), "taste_sd: expected a finite number from 0, got nan"),
        ("bias", float("inf"), "bias: expected a finite number, got inf"),
        ("rule_share", 0, "rule_share: .* from 0 to 1 excluding 0 and 1, got 0"),
        ("rule_share", 1, "rule_share: .* from 0 to 1 excluding 0 and 1, got 1"),
        ("unseen_share", 1.0, "unseen_share: .* from 0 to 1 excluding 1, got 1.0"),
        ("rule_draws", 1.5, "rule_draws: expected a finite number from 0 to 1, got 1.5"),
        ("unseen_draws", "half", "unseen_draws: .* from 0 to 1, got 'half'"),
        ("rule_share", 1e-9, "rule_share: 1e-09 .* expected at least one rule pair, got none"),
        ("unseen_share", 0.9999, "expected at least one .* got none"),
    ],
)
def test_bad_knobs_are_named(knob, value, message):
    with pytest.raises(ValueError, match=message):
        simulator.memorization(**SMALL | {knob: value})
