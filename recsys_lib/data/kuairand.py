"""KuaiRand-Pure as a ``Dataset``: clicks, long views and likes on short videos in 15 scenarios.

Reads the official layout, whole or in part: whichever of the two standard logs are there, the
user features and the basic video features. The card ``data/kuairand_pure.md`` says what the data
can show.

Source: Gao et al., "KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed
Videos", CIKM 2022, https://doi.org/10.1145/3511808.3557624.
"""

import numpy as np
import pandas as pd

from recsys_lib.checks import check_integer
from recsys_lib.data import history, registry
from recsys_lib.data.dataset import Dataset, Split
from recsys_lib.data.describe import describe
from recsys_lib.data.sessions import session_columns
from recsys_lib.data.tables import bad_value, check_values, read_table
from recsys_lib.features.columns import CategoricalColumn, SequenceColumn, select

__all__ = ["LABELS", "LOGS", "describe", "load", "logs_present"]

LOGS = ("log_standard_4_08_to_4_21_pure.csv", "log_standard_4_22_to_5_08_pure.csv")
LABELS = {
    "click": "is_click",
    "long_view": "long_view",
    "like": "is_like",
    "follow": "is_follow",
    "comment": "is_comment",
    "forward": "is_forward",
    "hate": "is_hate",
    "profile_enter": "is_profile_enter",
}
"""Task to the log's column of zeros and ones."""

VALID_DAY, TEST_DAY = 20220505, 20220506
NUM_TABS = 15
DURATION_EDGES = (7, 15, 30, 60, 120, 300)
"""Seconds at which the buckets of the column ``duration`` begin; the first begins at 0."""

MISSING = ("", "UNKNOWN")
"""Texts that mean "not known" in the feature tables; they get id 0."""

_USER_COLUMNS = (
    *("user_active_degree", "is_lowactive_period", "is_live_streamer", "is_video_author"),
    *("follow_user_num_range", "fans_user_num_range", "friend_user_num_range"),
    "register_days_range",
    *(f"onehot_feat{number}" for number in range(18)),
)
_VIDEO_COLUMNS = (
    *("author_id", "video_type", "upload_dt", "upload_type", "visible_status"),
    *("server_width", "server_height", "music_id", "music_type"),
)
_CHINA_SECONDS = 8 * 3600


def logs_present(folder=None):
    """Names of the standard logs that ``load`` would read, in order of time.

    Args:
        folder: ``pathlib.Path``, in the official layout; default: where ``registry`` finds it.

    Returns:
        Tuple of some of ``LOGS``.
    """
    folder = registry.locate("kuairand_pure") if folder is None else folder
    return tuple(name for name in LOGS if (folder / "data" / name).is_file())


def load(
    max_history=20,
    columns=None,
    tasks=("click", "long_view", "like"),
    folder=None,
    sessions=None,
    new_ids=False,
    valid_days=1,
):
    """KuaiRand-Pure as a ``Dataset``, split by day.

    Training up to 2022-05-04, validation 05-05, test from 05-06, by the log's ``date``. A user,
    video or feature value that training never holds gets id 0, and so does a missing one.

    Args:
        max_history: length of the column ``history``: the videos that the user clicked before,
            strictly earlier than the row.
        columns: names of the feature columns to keep, in order; default: all.
        tasks: some of ``LABELS``.
        folder: as for ``logs_present``.
        sessions: ``(number, length)``: adds what the sequence models read about the history, its
            sessions and ages, see ``sessions.session_columns``.
        new_ids: whether values that the first days never hold get ids, too: for models that train
            on the later days. To any other model such an id is a row that nothing trained.
        valid_days: 1 to 5 days before the test for validation: one has 4,545 pairs of a
            user's rows, two have 20,464.

    Returns:
        A ``Dataset``; ``group`` is the log's user id, ``row_id`` the row over the logs that are
        there, ``time`` the seconds of ``time_ms``. ``as_of["history"]`` ``(N, max_history)``
        holds the seconds of the clicks, minus infinity in padding.

    Raises:
        ValueError: an unknown task or column, sessions that are none, or a malformed file (named
            with its line).
        DataUnavailable: the set is not on this machine; the message says how to get it.
    """
    tasks = tuple(tasks)
    if not tasks or any(task not in LABELS for task in tasks):
        raise ValueError(f"tasks: expected some of {tuple(LABELS)}, got {tasks}")
    check_integer("max_history", max_history)
    check_integer("valid_days", valid_days, 1, 5)
    folder = registry.locate("kuairand_pure") if folder is None else folder
    log = _read_logs(folder, tasks)
    users, videos = _read_features(folder)
    time = log["time_ms"].to_numpy() / 1000
    part = _split_by_day(log, valid_days)
    known = np.ones(len(log), bool) if new_ids else part == 0
    feature_columns, features, as_of = _features(log, users, videos, known, time, max_history)
    if sessions is not None:
        feature_columns += session_columns(sessions, feature_columns, features, as_of, time)
    whole = Split(
        features=features,
        labels={task: log[LABELS[task]].to_numpy(np.float32) for task in tasks},
        group=log["user_id"].to_numpy(),
        row_id=np.arange(len(log), dtype=np.int64),
        time=time,
        as_of=as_of,
    )
    dataset = Dataset(
        "kuairand_pure",
        feature_columns,
        *(whole.take(np.flatnonzero(part == number)) for number in range(3)),
    )
    return dataset if columns is None else dataset.with_columns(columns)


def _read_logs(folder, tasks):
    binary = list(dict.fromkeys(["is_click", *(LABELS[task] for task in tasks)]))
    wanted = dict.fromkeys(("user_id", "video_id", "date", "time_ms", *binary, "tab"), "integer")
    logs = []
    for name in logs_present(folder):
        path = folder / "data" / name
        log = read_table(path, wanted)
        for column in binary:
            check_values(path, log, column, ~log[column].isin((0, 1)), "0 or 1", 2)
        wrong = ~log["tab"].between(0, NUM_TABS - 1)
        check_values(path, log, "tab", wrong, f"0 to {NUM_TABS - 1}", 2)
        check_values(path, log, "time_ms", log["time_ms"] <= 0, "milliseconds since 1970", 2)
        logs.append(log)
    if not logs:
        raise registry.DataUnavailable(
            f"kuairand_pure: {folder / 'data'} lacks {' or '.join(LOGS)}; get the set with "
            "`python -m recsys_lib.data.download kuairand_pure`"
        )
    return pd.concat(logs, ignore_index=True)


def _read_features(folder):
    """User and video tables indexed by id, all values as text."""
    wanted = {"user_id": "integer", **dict.fromkeys(_USER_COLUMNS, "text")}
    users_path = folder / "data" / "user_features_pure.csv"
    users = read_table(users_path, wanted)
    columns = (*_VIDEO_COLUMNS, "video_duration", "tag")
    videos_path = folder / "data" / "video_features_basic_pure.csv"
    videos = read_table(videos_path, {"video_id": "integer", **dict.fromkeys(columns, "text")})
    for path, table, key in ((users_path, users, "user_id"), (videos_path, videos, "video_id")):
        check_values(path, table, key, table[key].duplicated(), "each id once", 2)
    duration = pd.to_numeric(videos["video_duration"].replace("", "nan"), errors="coerce")
    wrong = (~np.isfinite(duration) | (duration < 0)) & (videos["video_duration"] != "")
    check_values(videos_path, videos, "video_duration", wrong, "milliseconds or nothing", 2)
    bucket = np.searchsorted(DURATION_EDGES, duration / 1000, side="right") + 1
    videos["duration"] = np.where(duration.isna(), 0, bucket)
    wrong = ~videos["tag"].str.fullmatch(r"(\d+(,\d+)*)?")
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise bad_value(videos_path, row + 2, "tag", "numbers joined by ','", videos["tag"][row])
    return users.set_index("user_id"), videos.set_index("video_id")


def _split_by_day(log, valid_days):
    """0 train, 1 validation, 2 test, by the log's ``date``.

    A date begins up to an hour before midnight by ``time_ms``, not at the same moment for all
    users, but no user's rows go back over these two borders: ``Dataset`` checks it.
    """
    date = log["date"].to_numpy()
    begin = VALID_DAY - valid_days + 1  # all of them days of May
    part = (date >= begin).astype(np.int8) + (date >= TEST_DAY).astype(np.int8)
    last = f"{begin} to {VALID_DAY}" if valid_days > 1 else f"{begin}"
    for number, days in enumerate((f"before {begin}", last, f"from {TEST_DAY} on")):
        if not (part == number).any():
            raise ValueError(f"kuairand_pure: expected log rows dated {days}, got none")
    return part


def _features(log, users, videos, in_training, time, max_history):
    columns, features = [], {}

    def add(name, codes, num_values, group):
        features[name], size = history.known_ids(codes, num_values, in_training)
        columns.append(CategoricalColumn(name, max(size, 2), group=group))

    user_row = users.index.get_indexer(log["user_id"])
    video_row = videos.index.get_indexer(log["video_id"])
    for group, table, rows, key, names in (
        ("user", users, user_row, "user_id", _USER_COLUMNS),
        ("item", videos, video_row, "video_id", _VIDEO_COLUMNS),
    ):
        add(key, *history.codes_of(log[key].to_numpy()), group)
        for name in names:
            codes, values = pd.factorize(table[name].where(~table[name].isin(MISSING)), sort=True)
            add(name, np.append(codes, -1)[rows], len(values), group)
    duration = np.append(videos["duration"].to_numpy(), 0)[video_row]
    features["duration"] = duration.astype(np.int32)
    columns.append(CategoricalColumn("duration", len(DURATION_EDGES) + 2, group="item"))
    tags, num_tags = _tag_ids(videos["tag"], video_row, in_training)
    features["tags"] = tags
    columns.append(SequenceColumn("tags", num_tags, tags.shape[1], group="item", ordered=False))

    add("tab", log["tab"].to_numpy(), NUM_TABS, "scenario")
    local = (time + _CHINA_SECONDS).astype(np.int64)
    for name, values, size in (
        ("hour", local // 3600 % 24, 24),
        ("weekday", (local // 86400 + 3) % 7, 7),  # day 0 was a Thursday, Monday is 1
    ):
        features[name] = (values + 1).astype(np.int32)
        columns.append(CategoricalColumn(name, size + 1, group="context"))

    # A video that training never saw would be a hole of padding in the middle of a history.
    clicked = (log["is_click"].to_numpy() == 1) & (features["video_id"] > 0)
    rows = history.last_events(log["user_id"].to_numpy(), time, clicked, max_history)
    size = select(columns, names=["video_id"])[0].vocabulary_size
    columns.append(SequenceColumn("history", size, max_history, group="history", table="video_id"))
    features["history"] = history.gather(features["video_id"], rows, 0)
    as_of = {"history": history.gather(time, rows, -np.inf)}
    return tuple(columns), features, as_of


def _tag_ids(tag, video_row, in_training):
    """``(N, most tags of a video)``; tags that no training row has are dropped."""
    lists = [[int(value) for value in text.split(",") if value] for text in tag]
    values = sorted({value for row in lists for value in row})
    id_of = {value: number + 1 for number, value in enumerate(values)}
    trained = np.unique(video_row[in_training])
    known = {value for row in trained[trained >= 0] for value in lists[row]}
    kept = [[id_of[value] for value in row if value in known] for row in lists]
    # One more row, of a video that the features lack, and no row narrower for dropped tags.
    table = history.padded([*kept, []], max(1, *map(len, lists), 1))
    return table[video_row], max(len(values) + 1, 2)
