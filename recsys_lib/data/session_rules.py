"""The rules of sessions and ages: what training makes of moments, every export makes by these too.

Nothing but NumPy is needed here, and nothing is checked: the module goes into every export, whose
description states the numbers. ``recsys_lib.data.sessions`` is what to call.
"""

import numpy as np

GAP_SECONDS = 30 * 60
"""A longer pause than this begins a new session (Feng et al. 2019, section 3.2)."""

LATEST_SECOND = 1e11
"""In the year 5138: a later moment was not counted in seconds, but in milliseconds perhaps."""

AGE_EDGES = tuple(2.0**power for power in range(31))
"""Seconds at which the buckets of ages begin; the first one holds what is younger too."""


def cut_sessions(
    ids: np.ndarray,
    time: np.ndarray,
    num_sessions: int,
    session_length: int,
    gap_seconds: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Lay the most recent sessions of each history side by side; see ``divide``.

    Args:
        ids: ``(N, steps)`` integers, oldest first, 0 behind the last real one.
        time: ``(N, steps)`` float64 seconds, in order; at padding anything.
        num_sessions, session_length, gap_seconds: as for ``divide``.

    Returns:
        The sessions ``(N, num_sessions * session_length)`` and the number of each behaviour's
        session ``(N, steps)``.
    """
    num_rows, steps = ids.shape
    real = ids != 0
    length = real.sum(axis=1)
    starts = real.copy()
    with np.errstate(invalid="ignore"):  # padding may hold infinities
        starts[:, 1:] &= time[:, 1:] - time[:, :-1] > gap_seconds
    session = np.cumsum(starts, axis=1) - 1  # from 0, oldest first
    total = starts.sum(axis=1)
    number = np.where(real, np.minimum(total[:, None] - session, num_sessions), 0)

    step = np.arange(steps)
    first = np.maximum.accumulate(np.where(starts, step, 0), axis=1)
    # The next session's first step, found from the right; the last session ends with the history.
    ends = np.where(starts, step, steps)
    following = np.full((num_rows, steps), steps)
    following[:, :-1] = np.minimum.accumulate(ends[:, :0:-1], axis=1)[:, ::-1]
    end = np.minimum(following, length[:, None])
    size = end - first
    slot = session - np.maximum(total - num_sessions, 0)[:, None]
    place = step - first - np.maximum(size - session_length, 0)
    kept = real & (slot >= 0) & (place >= 0)
    rows = np.broadcast_to(np.arange(num_rows)[:, None], ids.shape)
    sessions = np.zeros((num_rows, num_sessions, session_length), ids.dtype)
    sessions[rows[kept], slot[kept], place[kept]] = ids[kept]
    return sessions.reshape(num_rows, -1), number.astype(ids.dtype)


def age_ids(time: np.ndarray, now: np.ndarray, edges: tuple[float, ...]) -> np.ndarray:
    """How long ago each behaviour was, as the id of its bucket; see ``age_buckets``.

    Args:
        time: ``(N, steps)`` seconds, minus infinity at padding.
        now: ``(N,)`` seconds.
        edges: rising seconds; bucket ``i``, from 1, begins at edge ``i - 1``.

    Returns:
        ``(N, steps)`` int32, 0 at padding.
    """
    real = np.isfinite(time)
    age = np.where(real, now[:, None] - np.where(real, time, 0), edges[0])
    # Found among the edges and not by a logarithm, whose last digit is another on other machines.
    buckets = np.searchsorted(edges, np.maximum(age, edges[0]), side="right")
    return np.where(real, buckets, 0).astype(np.int32)
