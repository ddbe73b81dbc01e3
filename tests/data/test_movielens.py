"""MovieLens: what each row may know, how rows are split, and what the real log holds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recsys_lib.data import movielens
from recsys_lib.features.columns import CategoricalColumn

PAST = ("user_count", "user_like_rate", "item_count", "item_like_rate", "history")


@pytest.fixture(scope="module")
def ratings():
    return movielens.load(tasks=("like", "love"))


@st.composite
def logs(draw, min_rows=12, max_rows=40):
    """Small logs, out of order and with many ties; five rows a user so that no split is empty."""
    num_rows = draw(st.integers(min_rows, max_rows))
    integers = st.lists(st.integers(0, 9), min_size=num_rows, max_size=num_rows)
    log = pd.DataFrame(
        {
            "user": np.array(draw(integers)) % 3 + 10,
            "movie": np.array(draw(integers)) % 6 + 100,
            "rating": np.array(draw(integers)) * 0.5 + 0.5,
            "timestamp": np.array(draw(integers)) * 1000,
        }
    )
    log["title"], log["year"], log["genres"] = "", np.nan, "Drama|War"
    log.loc[: min_rows // 2, "user"] = 10
    return log


def in_log_order(dataset):
    """The features of all three splits, joined and put back into the order of the log."""
    parts = list(dataset.splits.values())
    order = np.argsort(np.concatenate([part.row_id for part in parts]))
    return {
        name: np.concatenate([part.features[name] for part in parts])[order]
        for name in dataset.train.features
    }


@settings(max_examples=60, deadline=None)
@given(logs())
def test_features_equal_a_loop_over_the_past(log):
    dataset = movielens.from_ratings(log, max_history=3)
    features = in_log_order(dataset)
    trained = set(log["movie"][dataset.train.row_id])
    numbers = {movie: n + 1 for n, movie in enumerate(sorted(set(log["movie"])))}
    for row, now in log.iterrows():
        past = log[log["timestamp"] < now["timestamp"]].sort_values("timestamp", kind="stable")
        for side, key in (("user", "user"), ("item", "movie")):
            own = past[past[key] == now[key]]
            rate = ((own["rating"] >= 4).sum() + 2.5) / (len(own) + 5)
            assert features[f"{side}_count"][row] == pytest.approx(np.log10(1 + len(own)))
            assert features[f"{side}_like_rate"][row] == pytest.approx(rate)
        liked = past[(past["user"] == now["user"]) & (past["rating"] >= 4)]["movie"]
        history = [numbers[movie] for movie in liked if movie in trained][-3:]
        assert features["history"][row].tolist() == history + [0] * (3 - len(history))
        known = numbers[now["movie"]] if now["movie"] in trained else 0
        assert features["movie_id"][row] == known


@settings(max_examples=60, deadline=None)
@given(logs(), st.integers(0, 9), st.floats(0.5, 5.0))
def test_altering_later_ratings_changes_no_earlier_row(log, cut, rating):
    # Ids are fixed by which films training holds, not by ratings, so only the past can move.
    before = in_log_order(movielens.from_ratings(log))
    later = (log["timestamp"] >= cut * 1000).to_numpy()
    changed = log.assign(rating=np.where(later, rating, log["rating"]))
    after = in_log_order(movielens.from_ratings(changed))
    unaffected = (log["timestamp"] <= cut * 1000).to_numpy()
    for name in PAST:
        np.testing.assert_array_equal(before[name][unaffected], after[name][unaffected], name)


@settings(max_examples=60, deadline=None)
@given(logs(), st.integers(1, 9))
def test_removing_later_rows_changes_no_earlier_count(log, cut):
    keep = (log["timestamp"] <= cut * 1000).to_numpy()
    assume(keep.any())
    names = ("user_count", "user_like_rate", "item_count", "item_like_rate")
    columns, whole, _ = movielens._features(log, np.ones(len(log), bool), 4)
    shorter = log[keep].reset_index(drop=True)
    _, part, _ = movielens._features(shorter, np.ones(len(shorter), bool), 4)
    for name in names:
        np.testing.assert_array_equal(whole[name][keep], part[name], name)
    assert {column.name for column in columns} == set(whole)


@settings(max_examples=100, deadline=None)
@given(logs(), st.sampled_from(movielens.SPLITS), st.integers(0, 3))
def test_splits_are_disjoint_complete_and_ordered(log, split, seed):
    part = movielens.assign_split(log, split, seed)
    assert part.shape == (len(log),)
    assert set(part) <= {0, 1, 2}
    time = log["timestamp"].to_numpy()
    if split == "per_user":
        for user in log["user"].unique():
            rows = (log["user"] == user).to_numpy()
            sizes = np.bincount(part[rows], minlength=3)
            assert sizes[1] == sizes[2] == rows.sum() // 5
            in_time = part[rows][np.argsort(time[rows], kind="stable")]
            assert (np.diff(in_time) >= 0).all()
    elif split == "global":
        for earlier, later in ((0, 1), (1, 2)):
            if (part == earlier).any() and (part >= later).any():
                assert time[part == earlier].max() < time[part >= later].min()
    else:
        assert np.bincount(part, minlength=3)[0] == int(0.6 * len(log))


def test_users_with_fewer_than_five_ratings_are_only_trained_on():
    log = pd.DataFrame({"user": [1] * 4 + [2] * 5, "timestamp": [4, 3, 2, 1, 9, 8, 7, 6, 5]})
    assert movielens.assign_split(log).tolist() == [0, 0, 0, 0, 2, 1, 0, 0, 0]


def test_the_real_log_has_the_stated_rows_and_rates(ratings):
    rows = {name: len(split) for name, split in ratings.splits.items()}
    assert rows == {"train": 60498, "valid": 19753, "test": 19753}
    table = movielens.describe(ratings)
    assert table.loc["test", "unknown_user"] == 0
    assert table["users"].tolist() == [671, 671, 671]
    assert table["like_rate"].tolist() == [0.5346, 0.5045, 0.4689]
    assert (table["love_rate"] < table["like_rate"]).all()
    assert table["unknown_movie"].tolist() == [0.0, 0.0709, 0.1024]


def test_most_test_rows_of_a_global_split_come_from_unseen_users(ratings):
    table = movielens.describe(movielens.load(split="global"))
    assert table["unknown_user"].tolist() == [0.0, 0.8325, 0.9208]
    assert table.loc["test", "first_day"] >= table.loc["valid", "last_day"]
    assert (table.loc["valid":"test", "unknown_movie"] > 0).all()


def test_a_random_split_trains_on_the_future_and_says_so():
    dataset = movielens.load(split="random")
    assert dataset.allow_time_overlap
    assert dataset.train.time.max() > dataset.test.time.min()
    again = movielens.load(split="random")
    np.testing.assert_array_equal(dataset.test.row_id, again.test.row_id)
    other = movielens.load(split="random", seed=1)
    assert not np.array_equal(dataset.test.row_id, other.test.row_id)


@pytest.mark.parametrize("split", ["per_user", "global"])
def test_time_respecting_splits_are_checked_as_such(split):
    assert not movielens.load(split=split).allow_time_overlap


def test_every_run_gives_the_same_bytes(ratings):
    again = movielens.load(tasks=("like", "love"))
    for name, split in ratings.splits.items():
        for column, values in split.features.items():
            assert values.tobytes() == again.splits[name].features[column].tobytes()


def test_past_derived_columns_prove_their_moments(ratings):
    for split in ratings.splits.values():
        assert set(split.as_of) == set(PAST)
        history_time = split.as_of["history"]
        real = split.features["history"] > 0
        assert (np.isfinite(history_time) == real).all()
        assert (real[:, :-1] | ~real[:, 1:]).all(), "padding lies at the end only"
        steps_back = history_time[:, 1:] < history_time[:, :-1]
        assert not (steps_back & real[:, 1:]).any(), "oldest first"
        assert (split.time[:, None] > history_time).all()


def test_history_shares_the_table_of_films_and_types_are_as_stated(ratings):
    history, movie = ratings.column("history"), ratings.column("movie_id")
    assert history.table_name == movie.table_name == "movie_id"
    for column in ratings.feature_columns:
        values = ratings.train.features[column.name]
        expected = np.float32 if column.name.endswith(("_count", "_rate")) else np.int32
        assert values.dtype == expected, column.name
    assert ratings.train.labels["like"].dtype == np.float32


def test_catalogue_names_the_films_of_the_ids(ratings):
    films = movielens.catalogue()
    assert len(films) + 1 == ratings.column("movie_id").vocabulary_size
    log = movielens.ratings()
    for row in (0, 500, 20_000):
        movie = log["movie"][ratings.train.row_id[row]]
        assert films["movie"][ratings.train.features["movie_id"][row]] == movie
    assert films["title"][1] == "Toy Story"
    assert films["year"].isna().sum() == (films["title"] == "").sum() == 5


def test_films_without_a_year_have_no_decade_and_1995_is_the_tenth():
    decade = movielens._decade_ids(np.array([np.nan, 1902.0, 1995.0, 2016.0, 1890.0]))
    assert decade.tolist() == [0, 1, 10, 12, 1]


def test_hours_and_weekdays_are_utc():
    log = movielens.ratings().head(3).assign(timestamp=[0, 1260759144, 3600 * 24 * 4])
    _, features, _ = movielens._features(log, np.ones(3, bool), 2)
    moments = pd.to_datetime(log["timestamp"], unit="s")
    assert features["hour"].tolist() == (moments.dt.hour + 1).tolist()
    assert features["weekday"].tolist() == (moments.dt.day_of_week + 1).tolist()
    assert movielens.WEEKDAYS[features["weekday"][0] - 1] == "Thursday"


def test_columns_select_and_order(ratings):
    small = movielens.load(columns=("movie_id", "user_count"))
    assert [column.name for column in small.feature_columns] == ["movie_id", "user_count"]
    assert set(small.test.as_of) == {"user_count"}
    np.testing.assert_array_equal(
        small.test.features["movie_id"], ratings.test.features["movie_id"]
    )


def test_an_era_is_a_scenario():
    dataset = movielens.load(scenario="era")
    assert dataset.feature_columns[-1] == CategoricalColumn("era", 6, group="scenario")
    log = movielens.ratings()
    for split in dataset.splits.values():
        year, era = log["year"].to_numpy()[split.row_id], split.features["era"]
        first, last = [0, 1960, 1980, 1990, 2000], [1959, 1979, 1989, 1999, 3000]
        for number in range(1, 6):
            expected = (year >= first[number - 1]) & (year <= last[number - 1])
            np.testing.assert_array_equal(era == number, expected)
            np.testing.assert_array_equal(split.slices[f"era_{number}"], expected)
        np.testing.assert_array_equal(era == 0, np.isnan(year))
    assert (dataset.train.features["era"] == 0).any()
    sizes = np.bincount(dataset.train.features["era"])[1:] / len(dataset.train)
    np.testing.assert_allclose(sizes, [0.056, 0.094, 0.153, 0.444, 0.253], atol=6e-4)


def test_an_era_changes_nothing_else(ratings):
    dataset = movielens.load(tasks=("like", "love"), scenario="era")
    assert dataset.feature_columns[:-1] == ratings.feature_columns
    for name, split in ratings.splits.items():
        for column, values in split.features.items():
            np.testing.assert_array_equal(values, dataset.splits[name].features[column])
        assert split.slices == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": "decade"}, "scenario: expected 'era' or None, got 'decade'"),
        ({"source": "ml-25m"}, r"source: expected one of .*got 'ml-25m'"),
        ({"split": "time"}, r"split: expected one of .*got 'time'"),
        ({"tasks": ("click",)}, r"tasks: expected some of .*got \('click',\)"),
        ({"tasks": ()}, r"tasks: expected some of"),
        ({"max_history": 0}, r"max_history: expected an integer of 1 or more, got 0"),
        ({"columns": ("film",)}, r"no feature column is named 'film'"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        movielens.load(**arguments)


@pytest.mark.parametrize("split", movielens.SPLITS)
def test_an_empty_log_is_refused(split):
    with pytest.raises(ValueError, match="rating log: expected at least one row, got none"):
        movielens.from_ratings(movielens.ratings().head(0), split)


def test_an_unknown_genre_is_named():
    log = movielens.ratings().head(20).assign(genres="Drama|Opera")
    with pytest.raises(ValueError, match=r"column 'genres': .*got 'Opera'"):
        movielens.from_ratings(log)
