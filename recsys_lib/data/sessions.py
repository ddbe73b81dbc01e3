"""Sessions: a history cut wherever its user paused for long."""

import numpy as np

from recsys_lib.checks import check_integer
from recsys_lib.data.session_rules import (
    AGE_EDGES,
    GAP_SECONDS,
    LATEST_SECOND,
    age_ids,
    cut_sessions,
)
from recsys_lib.features.columns import SequenceColumn, select


def divide(ids, time, num_sessions, session_length, gap_seconds=GAP_SECONDS):
    """Lay the most recent sessions of each history side by side.

    Args:
        ids: ``(N, steps)`` integers, oldest first, 0 behind the last real one.
        time: ``(N, steps)`` seconds of each behaviour, in order; at padding anything.
        num_sessions: sessions kept, the most recent ones.
        session_length: behaviours kept of each session, the most recent ones.
        gap_seconds: a session ends where the next behaviour is later by more than this.

    Returns:
        Two arrays of the dtype of ``ids``: the sessions ``(N, num_sessions * session_length)``,
        oldest first, each from its first slot on, sessions without a behaviour last, 0 elsewhere;
        and the number of each behaviour's session ``(N, steps)``, counted back from 1, the most
        recent; older sessions than ``num_sessions`` count as that one; 0 at padding.

    Raises:
        ValueError: shapes that differ, padding before a behaviour, times that go back, or that
            cannot be seconds.
    """
    ids, time = np.asarray(ids), np.asarray(time, np.float64)
    if ids.ndim != 2 or ids.shape != time.shape:
        raise ValueError(
            f"ids and time: expected one shape (rows, steps), got {ids.shape} and {time.shape}"
        )
    check_integer("num_sessions", num_sessions)
    check_integer("session_length", session_length)
    if not gap_seconds > 0:
        raise ValueError(f"gap_seconds: expected more than 0, got {gap_seconds!r}")
    real = ids != 0
    holes = (real[:, 1:] & ~real[:, :-1]).any(axis=1)
    if holes.any():
        raise ValueError(
            f"ids: expected 0 behind the last behaviour only, row {int(np.argmax(holes))} has 0 "
            "before one"
        )
    _check_seconds(time[real])
    with np.errstate(invalid="ignore"):
        back = (real[:, 1:] & ~(time[:, 1:] >= time[:, :-1])).any(axis=1)
    if back.any():
        raise ValueError(
            f"time: expected behaviours in order, oldest first, row {int(np.argmax(back))} is not"
        )
    return cut_sessions(ids, time, num_sessions, session_length, gap_seconds)


def age_buckets(time, now):
    """How long ago each behaviour was, as an id: 1 + floor(log2(seconds)), seconds 1 or more.

    ``time`` and ``now`` are as for ``session_rules.age_ids``.

    Returns:
        ``(N, steps)`` int32; 0 at padding, 1 for one second, 2 for 2 and 3, 3 for 4 to 7, ...;
        the last one, 31, for all that is older too.

    Raises:
        ValueError: a behaviour that is not earlier than its row, or times that cannot be seconds.
    """
    time, now = np.asarray(time, np.float64), np.asarray(now, np.float64)
    _check_seconds(now)
    real = np.isfinite(time)
    age = np.where(real, now[:, None] - np.where(real, time, 0), 1)
    if (age <= 0).any():
        row = int(np.argmax((age <= 0).any(axis=1)))
        raise ValueError(f"time: expected behaviours before their row's moment, row {row} is not")
    return age_ids(time, now, AGE_EDGES)


def _check_seconds(moments):
    if (moments > LATEST_SECOND).any():
        raise ValueError(
            f"time: expected seconds, got {moments.max():.6g}, after the year 5000; milliseconds "
            "are divided by 1000"
        )


NUM_AGE_BUCKETS = len(AGE_EDGES) + 1
"""Vocabulary of ``age_buckets``, id 0 included: the last one begins at 2^30 seconds, 34 years."""


def session_columns(sessions, columns, features, as_of, time):
    """Columns that sequence models read beside a column ``history``: sessions and ages.

    Args:
        sessions: ``(number, length)`` of the sessions to lay side by side, see ``divide``.
        columns: the data set's feature columns, ``history`` among them.
        features: dict of column name to array; gets the arrays of the new columns.
        as_of: dict with the seconds of the behaviours in ``history``, minus infinity at padding;
            gets the newest moment in each new column.
        time: ``(N,)`` seconds of the rows.

    Returns:
        Three columns: ``session_history``, the most recent sessions side by side, with the table
        of ``history`` (a pause of more than 30 minutes begins a new one); ``history_session``, the
        number of each behaviour's session counted back from 1; ``history_age``, how long ago each
        behaviour was, see ``age_buckets``.

    Raises:
        ValueError: ``sessions`` is no pair of integers of 1 or more.
    """
    try:
        number, length = sessions
    except (TypeError, ValueError):
        raise ValueError(f"sessions: expected (number, length), got {sessions!r}") from None
    (history,) = select(columns, names=["history"])
    moments = as_of["history"]
    features["session_history"], features["history_session"] = divide(
        features["history"], moments, number, length
    )
    features["history_age"] = age_buckets(moments, time)
    # Which behaviours fell into which slot follows from the history; its newest moment bounds all.
    newest = np.max(moments, axis=1)
    as_of |= {"session_history": newest, "history_session": newest, "history_age": newest}
    steps, size, table = history.max_length, history.vocabulary_size, history.table
    return (
        SequenceColumn("session_history", size, number * length, table=table, num_sessions=number),
        SequenceColumn("history_session", number + 1, steps),
        SequenceColumn("history_age", NUM_AGE_BUCKETS, steps),
    )
