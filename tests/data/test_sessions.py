"""Dividing a history into sessions, against a loop over its behaviours; ages in buckets."""

import numpy as np
import pytest

from recsys_lib.data import movielens
from recsys_lib.data.sessions import NUM_AGE_BUCKETS, age_buckets, divide


def by_loop(ids, time, num_sessions, session_length, gap):
    """Sessions of one history as lists, most recent last, and each behaviour's number."""
    sessions = []
    for step, item in enumerate(ids):
        if item == 0:
            break
        if step == 0 or time[step] - time[step - 1] > gap:
            sessions.append([])
        sessions[-1].append(item)
    number = [
        min(len(sessions) - position, num_sessions)
        for position, session in enumerate(sessions)
        for _ in session
    ]
    laid_out = np.zeros((num_sessions, session_length), int)
    for slot, session in enumerate(sessions[-num_sessions:]):
        kept = session[-session_length:]
        laid_out[slot, : len(kept)] = kept
    return laid_out.ravel(), np.pad(number, (0, len(ids) - len(number))).astype(int)


@pytest.mark.parametrize("num_sessions", [1, 2, 5])
@pytest.mark.parametrize("session_length", [1, 3, 12])
def test_sessions_equal_the_loop(num_sessions, session_length):
    rng = np.random.default_rng(num_sessions)
    rows, steps = 300, 12
    length = rng.integers(0, steps + 1, rows)
    ids = np.where(np.arange(steps) < length[:, None], rng.integers(1, 90, (rows, steps)), 0)
    # Pauses on both sides of the gap, and exactly at it.
    pauses = rng.choice([0, 5, 1799, 1800, 1801, 90_000], (rows, steps))
    time = np.cumsum(pauses, axis=1).astype(float)
    time[ids == 0] = rng.choice([-np.inf, np.inf, np.nan, -5.0], (ids == 0).sum())
    sessions, number = divide(ids.astype(np.int32), time, num_sessions, session_length)
    assert sessions.dtype == number.dtype == np.int32
    for row in range(rows):
        expected = by_loop(ids[row], time[row], num_sessions, session_length, 1800)
        np.testing.assert_array_equal(sessions[row], expected[0])
        np.testing.assert_array_equal(number[row], expected[1])


def test_a_pause_of_exactly_the_gap_does_not_divide():
    ids, time = np.array([[1, 2, 3]]), np.array([[0.0, 1800.0, 3601.0]])
    sessions, number = divide(ids, time, 2, 2)
    np.testing.assert_array_equal(sessions, [[1, 2, 3, 0]])
    np.testing.assert_array_equal(number, [[2, 2, 1]])
    np.testing.assert_array_equal(divide(ids, time, 2, 3, gap_seconds=4000)[1], [[1, 1, 1]])


@pytest.mark.parametrize(
    ("ids", "time", "options", "message"),
    [
        ([[1, 0, 2]], [[0, 1, 2]], {}, "row 0 has 0 before one"),
        ([[1, 2]], [[5, 4]], {}, "row 0 is not"),
        ([[1, 2]], [[5, np.nan]], {}, "row 0 is not"),
        ([[1, 2]], [[5]], {}, r"expected one shape \(rows, steps\)"),
        ([1, 2], [5, 6], {}, r"expected one shape \(rows, steps\)"),
        ([[1]], [[1]], {"num_sessions": 0}, "num_sessions: expected an integer of 1 or more"),
        ([[1]], [[1]], {"session_length": 1.5}, "session_length: expected an integer"),
        ([[1]], [[1]], {"gap_seconds": 0}, "gap_seconds: expected more than 0"),
    ],
)
def test_bad_input_is_named(ids, time, options, message):
    with pytest.raises(ValueError, match=message):
        divide(np.array(ids), np.array(time), **{"num_sessions": 2, "session_length": 2, **options})


def test_milliseconds_are_not_seconds():
    ids, time = np.array([[1, 2, 0]]), np.array([[1.65e12, 1.65e12 + 5, np.inf]])
    with pytest.raises(ValueError, match=r"time: expected seconds, got 1\.65e\+12, after the year"):
        divide(ids, time, 2, 2)
    with pytest.raises(ValueError, match=r"time: expected seconds, got .* divided by 1000"):
        age_buckets(time[:, :2], np.array([1.65e12 + 60]))


def test_ages_fall_into_buckets_of_doubling_width():
    now = np.array([1000.0])
    ages = np.array([[1, 2, 3, 4, 7, 8, 900, 0.2]])
    buckets = age_buckets(now[:, None] - ages, now)
    np.testing.assert_array_equal(buckets, [[1, 2, 2, 3, 3, 4, 10, 1]])
    assert age_buckets(np.array([[0.0]]), np.array([2.0**30 + 1]))[0, 0] == NUM_AGE_BUCKETS - 1
    np.testing.assert_array_equal(age_buckets(np.array([[-np.inf, 999]]), now), [[0, 1]])


def test_a_bucket_begins_exactly_at_its_edge_and_the_last_one_has_no_end():
    ages = [np.nextafter(2.0**20, 0), 2.0**20, np.nextafter(2.0**30, 0), 2.0**30, 2.0**31, 1e11]
    buckets = age_buckets(np.zeros((len(ages), 1)), np.array(ages))
    np.testing.assert_array_equal(buckets[:, 0], [20, 21, 30, 31, 31, NUM_AGE_BUCKETS - 1])


def test_a_behaviour_that_is_not_earlier_is_refused():
    with pytest.raises(ValueError, match="row 1 is not"):
        age_buckets(np.array([[1.0], [5.0]]), np.array([2.0, 5.0]))


def test_movielens_sessions_follow_from_history_and_times():
    ratings = movielens.load(sessions=(4, 6))
    plain = movielens.load()
    assert [c.name for c in ratings.feature_columns][: len(plain.feature_columns)] == [
        column.name for column in plain.feature_columns
    ]
    names = ("session_history", "history_session", "history_age")
    for name, split in ratings.splits.items():
        time = plain.splits[name].as_of["history"]
        rows = np.random.default_rng(0).choice(len(split), 300, replace=False)
        history = split.features["history"]
        np.testing.assert_array_equal(history, plain.splits[name].features["history"])
        for row in rows:
            expected = by_loop(history[row], time[row], 4, 6, 1800)
            np.testing.assert_array_equal(split.features["session_history"][row], expected[0])
            np.testing.assert_array_equal(split.features["history_session"][row], expected[1])
            real = history[row] > 0
            ages = split.time[row] - time[row][real]
            found = split.features["history_age"][row]
            np.testing.assert_array_equal(found[real], 1 + np.floor(np.log2(ages)))
            assert (found[~real] == 0).all()
        assert all(name in split.as_of for name in names)
    assert ratings.column("session_history").table_name == "movie_id"
    counts = np.bincount(ratings.test.features["history_session"].max(axis=1), minlength=5)
    assert (counts[1:] > 500).all()  # bursts: one, two, three and more sessions all occur


def test_movielens_names_a_bad_sessions_argument():
    with pytest.raises(ValueError, match=r"sessions: expected \(number, length\), got 5"):
        movielens.load(sessions=5)
