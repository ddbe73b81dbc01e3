"""The scenario lens: what it plants is what the rows hold, and each knob turns one thing."""

import itertools
import time

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import digest

from recsys_lib.data import simulator
from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.training import baselines

SMALL = {"num_rows": 8_000, "num_valid_rows": 2_000, "num_test_rows": 1_500}


def fields(split):
    """``(N, F)`` ids from 0."""
    named = [values for name, values in split.features.items() if name.startswith("field_")]
    return np.stack(named, axis=1) - 1


def value(truth, function, ids):
    """A function's value at one combination of ids."""
    total = sum(truth["main"][function, field, number] for field, number in enumerate(ids))
    for (i, j), table in zip(truth["pairs"][function], truth["interaction"][function], strict=True):
        total += table[ids[i], ids[j]]
    return total


def assert_same_fields(first, second):
    for name in ("train", "valid", "test"):
        np.testing.assert_array_equal(
            fields(first.splits[name]), fields(second.splits[name]), err_msg=name
        )


@pytest.fixture(scope="module")
def default():
    return simulator.scenarios()


@pytest.fixture(scope="module")
def small():
    return simulator.scenarios(**SMALL)


def test_the_default_is_recipe_sized_and_fast():
    start = time.perf_counter()
    dataset = simulator.scenarios()
    assert time.perf_counter() - start < 5  # 0.25 s on an idle machine
    assert [len(split) for split in dataset.splits.values()] == [120_000, 12_000, 40_000]
    assert dataset.feature_columns == (
        CategoricalColumn("scenario", 5, group="scenario"),
        *(CategoricalColumn(f"field_{field}", 31, group="user") for field in range(3)),
        *(CategoricalColumn(f"field_{field}", 31, group="item") for field in range(3, 6)),
    )
    for split in dataset.splits.values():
        for values in split.features.values():
            assert values.dtype == np.int32 and values.min() == 1


def test_scenarios_have_their_sizes_and_the_test_is_balanced(default):
    for split in (default.train, default.valid):
        counts = np.bincount(split.features["scenario"], minlength=5)[1:]
        expected = np.array([0.80, 0.15, 0.04, 0.01])
        error = np.sqrt(expected * (1 - expected) / len(split))
        assert (np.abs(counts / len(split) - expected) < 4.5 * error).all()
    np.testing.assert_array_equal(default.test.features["scenario"], np.repeat([1, 2, 3, 4], 10**4))
    for split in default.splits.values():
        for scenario in range(1, 5):
            np.testing.assert_array_equal(
                split.slices[f"scenario_{scenario}"], split.features["scenario"] == scenario
            )


def test_fields_are_drawn_alike_in_all_scenarios(default):
    for split in default.splits.values():
        ids, scenario = fields(split), split.features["scenario"]
        for field, number in itertools.product(range(6), (1, 2, 3, 4)):
            own = ids[scenario == number, field]
            error = np.sqrt((30**2 - 1) / 12 / len(own))
            assert abs(own.mean() - 14.5) < 4.5 * error
            assert set(own) <= set(range(30))


def test_a_group_is_an_id_of_the_first_field_in_a_scenario(small):
    for split in small.splits.values():
        pairs = np.stack([split.features["scenario"], split.features["field_0"]], axis=1)
        of_pairs = np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1)
        of_groups = np.unique(split.group, return_inverse=True)[1].reshape(-1)
        np.testing.assert_array_equal(of_pairs, of_groups)


@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_every_probability_is_the_stated_function_of_the_row(share):
    dataset = simulator.scenarios(**SMALL, share=share, strength=1.5)
    truth = dataset.truth
    for split in dataset.splits.values():
        ids, scenario = fields(split), split.features["scenario"]
        for row in range(0, len(split), 97):
            score = np.sqrt(share) * value(truth, 0, ids[row])
            score += np.sqrt(1 - share) * value(truth, scenario[row], ids[row])
            logit = truth["biases"][scenario[row] - 1] + 1.5 * score
            expected = 1 / (1 + np.exp(-logit))
            assert split.probability["click"][row] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("main_share", [0, 0.4, 1])
def test_functions_have_mean_zero_and_variance_one_over_all_combinations(main_share):
    truth = simulator.scenarios(
        **SMALL, num_fields=3, num_ids=5, num_pairs=2, main_share=main_share
    ).truth
    every = list(itertools.product(range(5), repeat=3))
    for function in range(5):
        values = np.array([value(truth, function, ids) for ids in every])
        assert abs(values.mean()) < 1e-12
        assert values.var() == pytest.approx(1)
        mains = [truth["main"][function, field] for field in range(3)]
        assert sum(main.var() for main in mains) == pytest.approx(main_share)
        # No main effect hides in an interaction.
        for axis in (1, 2):
            np.testing.assert_allclose(truth["interaction"][function].mean(axis=axis), 0, atol=1e-9)


def test_functions_and_their_pairs_differ(default):
    truth = default.truth
    assert truth["pairs"].shape == (5, 5, 2) and truth["interaction"].shape == (5, 5, 30, 30)
    for function in range(5):
        pairs = [tuple(pair) for pair in truth["pairs"][function]]
        assert len(set(pairs)) == 5 and all(i < j for i, j in pairs)
        for table in truth["interaction"][function]:
            assert np.linalg.matrix_rank(table) == 2
    flat = truth["main"].reshape(5, -1)
    correlations = np.corrcoef(flat)[~np.eye(5, dtype=bool)]
    assert np.abs(correlations).max() < 4.5 / np.sqrt(180)
    assert len({str(pairs) for pairs in truth["pairs"]}) > 1


def test_labels_follow_the_probability(default):
    split = default.train
    probability, label = split.probability["click"], split.labels["click"]
    for low in np.arange(0, 1, 0.1):
        chosen = (probability >= low) & (probability < low + 0.1)
        error = np.sqrt((probability * (1 - probability))[chosen].sum())
        assert abs(label[chosen].sum() - probability[chosen].sum()) < 4.5 * error


def test_the_oracle_of_another_scenario_is_worth_the_share():
    """What one scenario's truth says about another's: the shared part of the variance."""
    for share in (0.3, 0.7):
        dataset = simulator.scenarios(share=share, num_rows=100, num_ids=10)
        truth, ids = dataset.truth, fields(dataset.test)
        scores = [
            np.sqrt(share) * np.array([value(truth, 0, row) for row in ids[:1_000]])
            + np.sqrt(1 - share) * np.array([value(truth, number, row) for row in ids[:1_000]])
            for number in (1, 2)
        ]
        # Ten ids a field: functions of their own may agree by chance.
        assert np.corrcoef(scores)[0, 1] == pytest.approx(share, abs=0.25)
        bounds = baselines.score_bounds(dataset, dataset.test.slice("scenario_4"), "click")
        assert bounds["auc"].oracle == pytest.approx(0.85, abs=0.03)


def test_biases_have_the_stated_spread():
    many = (1,) * 200
    biases = simulator.scenarios(
        100, many, num_ids=3, num_pairs=1, num_test_rows=1, bias=-2, bias_sd=0.5
    ).truth["biases"]
    assert biases.mean() == pytest.approx(-2, abs=4.5 * 0.5 / np.sqrt(200))
    assert biases.std() == pytest.approx(0.5, abs=4.5 * 0.5 / np.sqrt(400))
    equal = simulator.scenarios(**SMALL, bias_sd=0).truth["biases"]
    np.testing.assert_array_equal(equal, -0.5)


def test_the_same_seed_gives_the_same_bytes(small):
    assert digest(simulator.scenarios(**SMALL)) == digest(small)
    assert digest(simulator.scenarios(**SMALL, seed=1)) != digest(small)


def test_another_process_gives_the_same_bytes(small):
    assert digest_elsewhere("scenarios", SMALL) == digest(small)


@pytest.mark.parametrize(
    "knobs",
    [{"share": 0.9}, {"strength": 1}, {"bias": -2}, {"bias_sd": 2}, {"attended": 3}],
    ids=str,
)
def test_what_is_planted_keeps_the_rows(small, knobs):
    other = simulator.scenarios(**SMALL, **knobs)
    assert_same_fields(small, other)
    for name, split in small.splits.items():
        np.testing.assert_array_equal(
            split.features["scenario"], other.splits[name].features["scenario"]
        )
        changed = split.probability["click"] != other.splits[name].probability["click"]
        assert changed.mean() > 0.99


def test_sizes_change_whose_row_it_is_and_no_field(small):
    other = simulator.scenarios(**SMALL, sizes=(5, 1, 2, 2))
    assert_same_fields(small, other)
    counts = np.bincount(other.train.features["scenario"])[1:] / 8_000
    np.testing.assert_allclose(counts, [0.5, 0.1, 0.2, 0.2], atol=0.03)
    np.testing.assert_array_equal(small.test.labels["click"], other.test.labels["click"])
    same = small.train.features["scenario"] == other.train.features["scenario"]
    np.testing.assert_array_equal(
        small.train.labels["click"][same], other.train.labels["click"][same]
    )


def test_a_longer_log_begins_with_the_shorter_one(small):
    longer = simulator.scenarios(**SMALL | {"num_rows": 9_000})
    for name, values in small.train.features.items():
        np.testing.assert_array_equal(longer.train.features[name][:8_000], values)
    np.testing.assert_array_equal(longer.train.labels["click"][:8_000], small.train.labels["click"])
    np.testing.assert_array_equal(longer.test.labels["click"], small.test.labels["click"])


@pytest.mark.parametrize("new_rows", [0, 300])
def test_a_new_scenario_comes_on_top(small, new_rows):
    other = simulator.scenarios(**SMALL, new_rows=new_rows)
    assert other.column("scenario").vocabulary_size == 6
    assert len(other.train) == 8_000 + new_rows
    for name, values in small.train.features.items():
        np.testing.assert_array_equal(other.train.features[name][:8_000], values)
    np.testing.assert_array_equal(other.train.labels["click"][:8_000], small.train.labels["click"])
    assert (other.train.features["scenario"][8_000:] == 5).all()
    assert (other.valid.features["scenario"] < 5).all()
    assert ("scenario_5" in other.train.slices) == (new_rows > 0)
    assert other.test.slices["scenario_5"].sum() == 1_500
    np.testing.assert_array_equal(other.test.labels["click"][:6_000], small.test.labels["click"])
    # It is the same scenario whatever the number of its rows, and of the others.
    fewer = simulator.scenarios(**SMALL, sizes=(0.9, 0.1), new_rows=10)
    np.testing.assert_array_equal(fewer.truth["main"][3], other.truth["main"][5])
    np.testing.assert_array_equal(fewer.truth["main"][:3], small.truth["main"][:3])
    assert fewer.truth["biases"][2] == other.truth["biases"][4]


def test_more_new_rows_add_to_the_fewer():
    few, many = (simulator.scenarios(**SMALL, new_rows=n) for n in (50, 400))
    for name, values in few.train.features.items():
        np.testing.assert_array_equal(many.train.features[name][:8_050], values)
    np.testing.assert_array_equal(many.train.labels["click"][:8_050], few.train.labels["click"])


@pytest.mark.parametrize(("attended", "turned"), [(3, 0), (6, 3), (1, 1)])
def test_scenarios_weigh_one_taste_by_the_fields_they_attend_to(attended, turned):
    one = simulator.scenarios(
        **SMALL, sizes=(1,) * 8, share=1, strength=2, attended=attended, turned=turned
    )
    weights = one.truth["weights"] * np.sqrt(attended)
    assert weights.shape == (8, 6)
    np.testing.assert_allclose((weights == 0).sum(axis=1), 6 - attended)
    np.testing.assert_allclose((np.isclose(weights, -1)).sum(axis=1), turned)
    np.testing.assert_allclose((np.isclose(weights, 1)).sum(axis=1), attended - turned)
    assert len({tuple(row) for row in weights.round()}) > 1
    test = one.test
    log_odds = np.log(test.probability["click"] / (1 - test.probability["click"]))
    for row in range(0, len(test), 997):
        s = test.features["scenario"][row] - 1
        taste = [
            table[number] / table.std()
            for table, number in zip(one.truth["main"][0], fields(test)[row], strict=True)
        ]
        expected = one.truth["biases"][s] + 2 * np.dot(weights[s], taste) / np.sqrt(attended)
        np.testing.assert_allclose(log_odds[row], expected, atol=1e-5)


def test_an_attended_taste_is_a_part_of_the_score_only(small):
    half = simulator.scenarios(**SMALL, attended=2)
    own = simulator.scenarios(**SMALL | {"share": 0.0}, attended=2)
    plain = simulator.scenarios(**SMALL | {"share": 0.0})
    assert half.knobs["share"] == 0.3
    np.testing.assert_array_equal(own.test.probability["click"], plain.test.probability["click"])


def test_the_knobs_are_kept(small):
    dataset = simulator.scenarios(**SMALL, sizes=[3, 1], new_rows=5, seed=5)
    assert dataset.knobs["sizes"] == (3.0, 1.0)
    assert digest(simulator.scenarios(**dataset.knobs)) == digest(dataset)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"num_rows": 0}, "num_rows: expected an integer of 1 or more, got 0"),
        ({"sizes": ()}, "sizes: expected a number for each scenario"),
        ({"sizes": 3}, "sizes: expected a number for each scenario, got 3"),
        ({"sizes": (1, 0)}, "sizes: expected a finite number from 0 excluding 0, got 0"),
        ({"share": 1.1}, "share: expected a finite number from 0 to 1, got 1.1"),
        ({"main_share": -0.1}, "main_share: expected a finite number from 0 to 1"),
        ({"strength": -1}, "strength: expected a finite number from 0, got -1"),
        ({"bias": None}, "bias: expected a finite number, got None"),
        ({"rank": 30}, "rank: expected less than num_ids, which is 30, got 30"),
        ({"num_pairs": 16}, "num_pairs: expected at most 15 of 6 fields, got 16"),
        ({"attended": 0}, "attended: expected an integer of 1 or more, got 0"),
        ({"attended": 7}, "attended: expected at most num_fields, which is 6, got 7"),
        ({"turned": 1}, "turned: expected 0 where no fields are attended, got 1"),
        ({"attended": 2, "turned": 3}, "turned: expected at most 2, which are attended, got 3"),
        ({"new_rows": -1}, "new_rows: expected an integer of 0 or more, got -1"),
        ({"seed": -1}, "seed: expected an integer of 0 or more, got -1"),
    ],
    ids=str,
)
def test_bad_knobs_are_named(knobs, message):
    with pytest.raises(ValueError, match=message):
        simulator.scenarios(**SMALL | knobs)
