"""KuaiRand-Pure: made logs in the official layout, and the genuine part where it is there."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from recsys_lib.data import kuairand, pages, registry
from recsys_lib.data.registry import DataUnavailable
from recsys_lib.training import metrics

LOG_HEADER = (
    *("user_id", "video_id", "date", "hourmin", "time_ms", "is_click", "is_like", "is_follow"),
    *("is_comment", "is_forward", "is_hate", "long_view", "play_time_ms", "duration_ms"),
    *("profile_stay_time", "comment_stay_time", "is_profile_enter", "is_rand", "tab"),
)
MIDNIGHT = 1_651_593_600_000  # 2022-05-04 00:00 in China
DAY = 86_400_000
EARLY, LATE = kuairand.LOGS


def log_row(user, video, day, click=0, tab=1, moment=0):
    values = dict.fromkeys(LOG_HEADER, 0)
    values |= {"user_id": user, "video_id": video, "date": 20220504 + day, "tab": tab}
    values |= {"time_ms": MIDNIGHT + day * DAY + moment, "is_click": click}
    return [values[name] for name in LOG_HEADER]


SESSION_COLUMNS = ("session_history", "history_session", "history_age")
ROWS = [
    log_row(5, 30, 0, click=1, moment=1000),
    log_row(5, 10, 0, click=1, moment=2000),
    log_row(5, 20, 0, click=0, moment=2000),
    log_row(7, 10, 0, click=1, tab=14, moment=3500),
    log_row(5, 40, 1, click=1, moment=10),
    log_row(5, 10, 1, click=1, moment=20),
    log_row(9, 20, 2, click=0, tab=0),
    log_row(5, 30, 3, click=1),
]


def write(folder, log=ROWS, name=LATE):
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    user_header = ["user_id", *kuairand._USER_COLUMNS]
    users = [
        [user, "UNKNOWN" if user == 7 else "full_active", *["[10,50)"] * 7, *[""] * 18]
        for user in (5, 7)
    ]
    video_header = ["video_id", *kuairand._VIDEO_COLUMNS, "video_duration", "tag"]
    videos = [
        [10, *"abcdefghi", "8000.0", "3,12"],
        [20, *"abcdefghi", "", ""],
        [30, *"jbcdefghi", "400000.0", "3"],
        [40, *"kbcdefghi", "1000.0", "77"],
    ]
    for file, header, rows in (
        (name, LOG_HEADER, log),
        ("user_features_pure.csv", user_header, users),
        ("video_features_basic_pure.csv", video_header, videos),
    ):
        with open(data / file, "w", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows([header, *rows])
    return folder


def test_a_made_log_gives_the_expected_rows(tmp_path):
    dataset = kuairand.load(max_history=3, folder=write(tmp_path))
    train, valid, test = dataset.train, dataset.valid, dataset.test
    assert [split.row_id.tolist() for split in (train, valid, test)] == [
        [0, 1, 2, 3],
        [4, 5],
        [6, 7],
    ]
    assert train.group.tolist() == [5, 5, 5, 7]
    assert train.features["user_id"].tolist() == [1, 1, 1, 2]
    assert train.features["video_id"].tolist() == [3, 1, 2, 1]
    assert valid.features["video_id"].tolist() == [0, 1], "training never holds video 40"
    assert test.features["user_id"].tolist() == [0, 1], "training never holds user 9"
    assert train.features["history"].tolist() == [[0, 0, 0], [3, 0, 0], [3, 0, 0], [0, 0, 0]]
    assert test.features["history"].tolist() == [[0, 0, 0], [3, 1, 1]], "video 40 leaves no hole"
    assert train.as_of["history"][1].tolist() == [(MIDNIGHT + 1000) / 1000, -np.inf, -np.inf]
    assert train.features["tab"].tolist() == [2, 2, 2, 15]
    assert test.features["tab"].tolist() == [0, 2], "training never holds tab 0"
    assert train.features["hour"].tolist() == [1, 1, 1, 1]
    assert train.features["weekday"].tolist() == [3, 3, 3, 3], "a Wednesday"
    assert train.features["duration"].tolist() == [7, 2, 0, 2]
    assert valid.features["duration"].tolist() == [1, 2]
    assert train.features["tags"].tolist() == [[1, 0], [1, 2], [0, 0], [1, 2]]
    assert valid.features["tags"].tolist() == [[0, 0], [1, 2]], "training never holds tag 77"
    assert train.features["user_active_degree"].tolist() == [1, 1, 1, 0]
    assert train.features["onehot_feat4"].tolist() == [0, 0, 0, 0]
    assert train.labels["click"].tolist() == [1, 1, 0, 1]
    assert dataset.column("history").table_name == "video_id"
    assert dataset.column("tab").group == "scenario"


def test_new_ids_give_numbers_to_what_training_never_holds(tmp_path):
    write(tmp_path)
    usual, every = kuairand.load(folder=tmp_path), kuairand.load(folder=tmp_path, new_ids=True)
    for name, split in every.splits.items():
        for column in ("user_id", "video_id"):
            ids, before = split.features[column], usual.splits[name].features[column]
            assert (ids > 0).all()
            np.testing.assert_array_equal(ids[before > 0], before[before > 0])
    assert not usual.valid.features["video_id"][0] and every.valid.features["video_id"][0]
    assert every.feature_columns == usual.feature_columns
    new = every.valid.features["tags"][0]
    assert new.any() and not usual.valid.features["tags"][0].any()


def test_sessions_and_ages_follow_from_the_clicks_moments(tmp_path):
    rows = [*ROWS[:2], log_row(5, 20, 0, click=1, moment=1_802_001), *ROWS[2:]]
    dataset = kuairand.load(max_history=4, sessions=(2, 3), folder=write(tmp_path, rows))
    valid, test = dataset.valid, dataset.test
    assert valid.features["history"][0].tolist() == [3, 1, 2, 0]
    # Clicks after 1 s, 2 s and 1802.001 s: the second pause is a millisecond over 30 minutes.
    assert valid.features["history_session"].tolist() == [[2, 2, 1, 0]] * 2
    assert valid.features["session_history"].tolist() == [[3, 1, 0, 2, 0, 0]] * 2
    assert valid.features["history_age"].tolist() == [[17, 17, 17, 0]] * 2, "2^16 s to 2^17 s"
    # A day later there is a third session; of the two oldest only the newer one is laid out.
    assert test.features["history"].tolist() == [[0, 0, 0, 0], [3, 1, 2, 1]]
    assert test.features["history_session"].tolist() == [[0, 0, 0, 0], [2, 2, 2, 1]]
    assert test.features["session_history"].tolist() == [[0] * 6, [2, 0, 0, 1, 0, 0]]
    assert test.features["history_age"][1].tolist() == [18, 18, 18, 18], "2^17 s to 2^18 s"
    assert dataset.column("session_history").table_name == "video_id"
    newest = {name: moments[1] for name, moments in test.as_of.items() if name != "history"}
    assert newest == dict.fromkeys(SESSION_COLUMNS, (MIDNIGHT + DAY + 20) / 1000)
    plain = kuairand.load(max_history=4, folder=tmp_path)
    names = [column.name for column in plain.feature_columns]
    assert [column.name for column in dataset.feature_columns] == [*names, *SESSION_COLUMNS]


def test_both_logs_are_joined_in_order_of_time(tmp_path):
    early = [log_row(5, 20, -25, click=1)]
    write(tmp_path, early, EARLY)
    write(tmp_path, ROWS, LATE)
    assert kuairand.logs_present(tmp_path) == (EARLY, LATE)
    dataset = kuairand.load(folder=tmp_path, tasks=("click", "follow"))
    assert len(dataset.train) == 5
    assert dataset.train.features["history"][1, 0] == dataset.train.features["video_id"][0]
    assert set(dataset.tasks) == {"click", "follow"}


def test_altering_the_last_day_changes_nothing_before_it(tmp_path):
    before = kuairand.load(folder=write(tmp_path / "a"))
    changed = [*ROWS[:-1], log_row(5, 10, 3, click=0)]
    after = kuairand.load(folder=write(tmp_path / "b", changed))
    for name in ("train", "valid"):
        for column, values in before.splits[name].features.items():
            np.testing.assert_array_equal(values, after.splits[name].features[column], column)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("is_click", 2, r"line 3, column 'is_click': expected 0 or 1, got 2"),
        ("tab", 15, r"line 3, column 'tab': expected 0 to 14, got 15"),
        ("time_ms", 0, r"line 3, column 'time_ms': expected milliseconds .*, got 0"),
        ("user_id", "x", r"line 3, column 'user_id': expected an integer, got 'x'"),
    ],
)
def test_bad_log_values_name_file_and_line(tmp_path, column, value, message):
    rows = [list(row) for row in ROWS]
    rows[1][LOG_HEADER.index(column)] = value
    with pytest.raises(ValueError, match=r"log_standard_4_22_to_5_08_pure\.csv, " + message):
        kuairand.load(folder=write(tmp_path, rows))


def test_a_short_log_line_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"line 10: expected 19 fields separated by ',', got 2"):
        kuairand.load(folder=write(tmp_path, [*ROWS, [1, 2]]))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("8000.0", "long", r"line 2, column 'video_duration': expected milliseconds .*'long'"),
        ('"3,12"', "3;12", r"line 2, column 'tag': expected numbers joined by ',', got '3;12'"),
        ("\n20,", "\n10,", r"line 3, column 'video_id': expected each id once, got 10"),
        ("music_id", "music", r"line 1: expected the columns \['music_id'\]"),
    ],
)
def test_bad_video_features_name_file_and_line(tmp_path, old, new, message):
    write(tmp_path)
    path = tmp_path / "data" / "video_features_basic_pure.csv"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match=r"video_features_basic_pure\.csv, " + message):
        kuairand.load(folder=tmp_path)


def test_several_days_may_be_for_validation(tmp_path):
    earlier = log_row(7, 20, -1, click=1)
    found = kuairand.load(folder=write(tmp_path, [earlier, *ROWS]), valid_days=2)
    assert [len(split) for split in found.splits.values()] == [1, 6, 2]
    # What only the days of validation hold is unknown to training.
    assert (found.valid.features["video_id"] > 0).tolist() == [False, False, True, *[False] * 3]
    with pytest.raises(ValueError, match="expected log rows dated before 20220504, got none"):
        kuairand.load(folder=write(tmp_path), valid_days=2)


def test_a_log_without_test_days_is_named(tmp_path):
    with pytest.raises(ValueError, match="expected log rows dated from 20220506 on, got none"):
        kuairand.load(folder=write(tmp_path, ROWS[:6]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": ("click", "buy")}, r"tasks: expected some of .*got \('click', 'buy'\)"),
        ({"max_history": 0}, "max_history: expected an integer of 1 or more, got 0"),
        ({"sessions": 5}, r"sessions: expected \(number, length\), got 5"),
        ({"sessions": (5, 4, 3)}, r"sessions: expected \(number, length\), got \(5, 4, 3\)"),
        ({"sessions": (0, 4)}, "num_sessions: expected an integer of 1 or more, got 0"),
        ({"sessions": (5, 2.5)}, "session_length: expected an integer of 1 or more, got 2.5"),
        ({"valid_days": 6}, "valid_days: expected an integer from 1 to 5, got 6"),
        ({"columns": ("film",)}, "no feature column is named 'film'"),
    ],
)
def test_bad_arguments_are_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        kuairand.load(folder=write(tmp_path), **arguments)


def test_an_absent_set_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path))
    monkeypatch.setattr(registry, "cache_folder", lambda: tmp_path / "cache")
    with pytest.raises(
        DataUnavailable, match=r"python -m recsys_lib\.data\.download kuairand_pure"
    ):
        kuairand.load()
    write(tmp_path / "kuairand_pure")
    (tmp_path / "kuairand_pure" / "data" / LATE).unlink()
    with pytest.raises(DataUnavailable, match=r"lacks .*4_08_to_4_21.* or .*4_22_to_5_08"):
        kuairand.load()


@pytest.fixture(scope="module")
def genuine():
    if not os.environ.get(registry.ENVIRONMENT_VARIABLE):
        pytest.skip("RECSYS_DATA names no folder with the genuine KuaiRand-Pure")
    if registry.find("kuairand_pure") is None:
        pytest.skip("the folder that RECSYS_DATA names holds no KuaiRand-Pure")
    return kuairand.load(sessions=(5, 4))


def test_the_genuine_log_splits_into_the_stated_days(genuine):
    assert len(genuine.valid) == 13_390
    assert len(genuine.test) == 43_268
    table = kuairand.describe(genuine)
    if table.loc["train", "first_day"] == "2022-04-24":  # the part that begins on 04-25 in China
        assert len(genuine.train) == 171_671
    assert table.loc["test", "click_rate"] == pytest.approx(0.44, abs=0.01)
    assert table.loc["test", "long_view_rate"] == pytest.approx(0.31, abs=0.01)
    assert table.loc["test", "like_rate"] == pytest.approx(0.017, abs=0.002)
    assert 0 < table.loc["test", "unknown_video"] < 0.02


@pytest.mark.parametrize(("days", "pairs"), [(1, 4_545), (2, 20_464)])
def test_the_stated_pairs_of_validation_are_there(genuine, days, pairs):
    valid = kuairand.load(columns=["tab"], tasks=("click",), valid_days=days).valid
    assert metrics.num_pairs(valid.label, valid.group) == pairs
    assert f"{pairs:,}" in kuairand.load.__doc__


def test_rows_of_one_user_are_hardly_ever_a_page(genuine):
    test = genuine.test
    label, tab = test.labels["click"], test.features["tab"]
    groups = (
        test.group,
        pages(test.group, test.time, tab, gap="3650D"),
        pages(test.group, test.time, tab),
    )
    found = [metrics.num_pairs(label, group) for group in groups]
    assert found == [39_219, 30_646, 2_691]
    card = (Path(__file__).parents[2] / "data/kuairand_pure.md").read_text(encoding="utf-8")
    for number in (*found, len(np.unique(test.group))):
        assert f"{number:,}" in card


def test_genuine_histories_hold_clicked_videos_of_the_user(genuine):
    train = genuine.train
    clicked = set(
        zip(
            train.group[train.labels["click"] == 1],
            train.features["video_id"][train.labels["click"] == 1],
            train.time[train.labels["click"] == 1],
            strict=True,
        )
    )
    history, moments = train.features["history"], train.as_of["history"]
    for row in np.flatnonzero(history[:, 0])[::500]:
        length = (history[row] > 0).sum()
        assert (history[row, length:] == 0).all()
        assert (np.diff(moments[row, :length]) >= 0).all()
        for video, moment in zip(history[row, :length], moments[row, :length], strict=True):
            assert (train.group[row], video, moment) in clicked


def test_genuine_sessions_hold_the_end_of_the_history(genuine):
    features, moments = genuine.test.features, genuine.test.as_of["history"]
    laid_out = features["session_history"].reshape(len(genuine.test), 5, 4)
    for row in np.flatnonzero(features["history"][:, 0])[::500]:
        length = (features["history"][row] > 0).sum()
        number = features["history_session"][row, :length]
        pauses = np.diff(moments[row, :length]) > 30 * 60
        assert number[-1] == 1
        np.testing.assert_array_equal(np.diff(number) < 0, pauses & (number[1:] < 5))
        kept = [features["history"][row, :length][number == one][-4:] for one in (3, 2, 1)]
        used = (laid_out[row] > 0).any(axis=1).sum()
        for session, expected in zip(laid_out[row][:used][::-1], kept[::-1], strict=False):
            np.testing.assert_array_equal(session[session > 0], expected)
