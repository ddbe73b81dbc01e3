"""The lens of several tasks: the rows hold what it plants, and each knob turns one thing."""

import numpy as np
import pytest
from lens_processes import digest_elsewhere
from test_simulator_memorization import assert_same_rows, digest

from recsys_lib.data import simulator
from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.training import baselines

SMALL = {"num_rows": 8_000, "num_valid_rows": 2_000, "num_test_rows": 4_000}


def scores(dataset, split):
    """Each task's score, looked up row by row in the planted tables: ``(3, N)``."""
    truth, c = dataset.truth, dataset.knobs["correlation"]
    ids = np.stack(list(split.features.values()), axis=1) - 1
    found = np.zeros((3, len(ids)))
    for task, row in np.ndindex(*found.shape):
        for field, number in enumerate(ids[row]):
            found[task, row] += truth["main"][task, field, number]
        tables = zip(truth["pairs"][task], truth["interaction"][task], strict=True)
        for (i, j), table in tables:
            found[task, row] += table[ids[row, i], ids[row, j]]
    found[1:] = c * found[0] + np.sqrt(1 - c**2) * found[1:]
    return found


@pytest.fixture(scope="module")
def default():
    return simulator.task_tastes()


@pytest.fixture(scope="module")
def small():
    return simulator.task_tastes(**SMALL)


def test_the_default_has_three_tasks_and_six_fields(default):
    assert [len(split) for split in default.splits.values()] == [40_000, 10_000, 30_000]
    groups = ["user"] * 3 + ["item"] * 3
    assert default.feature_columns == tuple(
        CategoricalColumn(f"field_{field}", 31, group=group) for field, group in enumerate(groups)
    )
    assert default.tasks == {"click": "binary", "like": "binary", "watch": "regression"}
    rates = [default.train.labels[task].mean() for task in ("click", "like")]
    np.testing.assert_allclose(rates, [0.33, 0.08], atol=0.02)  # as the docstring says


def test_the_same_seed_gives_the_same_bytes_in_any_process(small):
    assert digest_elsewhere("task_tastes", SMALL) == digest(small)
    assert digest(simulator.task_tastes(**SMALL, seed=1)) != digest(small)


@pytest.mark.parametrize("correlation", [1, 0.6, 0, -0.6])
def test_every_row_has_the_stated_probabilities_and_watch_time(correlation):
    biases = {"click_bias": -0.5, "like_bias": -2}
    more = {"strength": 1.5, "watch_scale": 60.0, "correlation": correlation}
    dataset = simulator.task_tastes(300, **biases, **more, num_valid_rows=9, num_test_rows=200)
    for split in dataset.splits.values():
        click, like, watch = scores(dataset, split)
        for task, bias, score in (("click", -0.5, click), ("like", -2, like)):
            expected = 1 / (1 + np.exp(-bias - 1.5 * score))
            np.testing.assert_allclose(split.probability[task], expected, rtol=1e-10)
        np.testing.assert_allclose(split.probability["watch"], 60 * watch, atol=1e-9)


def test_functions_have_mean_zero_variance_one_and_the_stated_correlation(default):
    main, interaction = default.truth["main"], default.truth["interaction"]
    np.testing.assert_allclose(main.mean(axis=2), 0, atol=1e-12)
    for axis in (2, 3):
        np.testing.assert_allclose(interaction.mean(axis=axis), 0, atol=1e-12)
    variance = (main**2).mean(axis=2).sum(axis=1) + (interaction**2).mean(axis=(2, 3)).sum(axis=1)
    np.testing.assert_allclose(variance, 1)
    p = default.train.probability
    odds = [np.log(p[task] / (1 - p[task])) for task in ("click", "like")]
    found = np.corrcoef([*odds, p["watch"]])
    # The three functions are independent draws: over 30 ids they correlate by chance a little.
    np.testing.assert_allclose(found, [[1, 0.5, 0.5], [0.5, 1, 0.25], [0.5, 0.25, 1]], atol=0.15)


def test_watch_time_is_known_of_clicked_rows_only_and_has_the_stated_noise(default):
    for split in default.splits.values():
        clicked = split.labels["click"] == 1
        np.testing.assert_array_equal(split.label_masks["watch"], clicked)
        assert set(split.label_masks) == {"watch"}
        assert not split.labels["watch"][~clicked].any()
        noise = (split.labels["watch"] - split.probability["watch"])[clicked]
        assert abs(noise.mean()) < 4 / np.sqrt(len(noise))
        assert abs(noise.std() - 1) < 4 / np.sqrt(2 * len(noise))
        assert abs(np.corrcoef(noise, split.probability["click"][clicked])[0, 1]) < 0.05


def test_labels_follow_the_probability_and_not_each_other(default):
    split, surprise = default.train, []
    for task in ("click", "like"):
        p, label = split.probability[task], split.labels[task]
        for low in np.arange(0, 1, 0.1):
            rows = (p >= low) & (p < low + 0.1)
            assert abs((label - p)[rows].sum()) < 4.5 * np.sqrt((p * (1 - p))[rows].sum())
        surprise.append(label - p)
    assert abs(np.corrcoef(surprise)[0, 1]) < 4 / np.sqrt(len(split))


def test_knobs_of_scores_and_labels_change_no_row(small):
    turned = {"correlation": -0.3, "click_bias": 0.0, "like_bias": -1.0, "strength": 1.0}
    other = simulator.task_tastes(**SMALL, **turned, noise_sd=2.0, watch_scale=10.0)
    assert_same_rows(small, other)
    unit = simulator.task_tastes(**SMALL, watch_scale=10.0)
    np.testing.assert_allclose(
        unit.train.labels["watch"], 10 * small.train.labels["watch"], rtol=1e-5
    )
    np.testing.assert_array_equal(unit.train.labels["like"], small.train.labels["like"])


def test_more_rows_come_at_the_end(small):
    more = simulator.task_tastes(**SMALL | {"num_rows": 9_000})
    for name, values in small.train.features.items():
        np.testing.assert_array_equal(more.train.features[name][:8_000], values)
    for task, values in small.train.labels.items():
        np.testing.assert_array_equal(more.train.labels[task][:8_000], values)


def test_all_three_tasks_can_be_known(default):
    for task, width in (("click", 0.3), ("like", 0.3)):
        assert baselines.score_bounds(default, default.test, task)["auc"].oracle > 0.5 + width
    squared = baselines.score_bounds(default, default.test, "watch")["mean_squared_error"]
    assert squared.oracle < squared.trivial - 0.5


def test_knobs_out_of_range_are_named():
    with pytest.raises(ValueError, match="correlation: expected"):
        simulator.task_tastes(correlation=1.1)
    with pytest.raises(ValueError, match="num_pairs: expected at most 3 of 3 fields, got 4"):
        simulator.task_tastes(num_fields=3, num_pairs=4)
