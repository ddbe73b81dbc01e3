"""Counts, sums and last events before each moment, from strictly earlier rows only.

A row's features may draw on rows with a strictly smaller time. Rows of the same second do not
see each other: a log does not say which of them came first.
"""

import numpy as np


def _sorted_blocks(keys, time):
    """Order by (key, time, row); for each sorted row, where its key and its moment begin."""
    keys, time = np.asarray(keys), np.asarray(time)
    order = np.lexsort((time, keys))  # stable: ties keep the order of the log
    sorted_keys, sorted_time = keys[order], time[order]
    position = np.arange(len(order))
    new_key = np.ones(len(order), bool)
    new_key[1:] = sorted_keys[1:] != sorted_keys[:-1]
    new_moment = new_key.copy()
    new_moment[1:] |= sorted_time[1:] != sorted_time[:-1]
    key_start = np.maximum.accumulate(np.where(new_key, position, 0))
    moment_start = np.maximum.accumulate(np.where(new_moment, position, 0))
    return order, key_start, moment_start


def earlier(keys, time, values):
    """Count and sum of the rows with the same key and a strictly earlier time.

    Args:
        keys: ``(N,)`` integers, for example user ids.
        time: ``(N,)`` seconds.
        values: ``(N,)`` integers or booleans to sum.

    Returns:
        Three arrays ``(N,)``: the number of earlier rows (int64), the sum of their values (int64)
        and the time of the newest of them (float64, minus infinity where there is none).
    """
    order, key_start, moment_start = _sorted_blocks(keys, time)
    running = np.concatenate([[0], np.cumsum(np.asarray(values)[order], dtype=np.int64)])
    count = np.empty(len(order), np.int64)
    total = np.empty(len(order), np.int64)
    newest = np.full(len(order), -np.inf)
    count[order] = moment_start - key_start
    total[order] = running[moment_start] - running[key_start]
    some = moment_start > key_start
    sorted_time = np.asarray(time, np.float64)[order]
    newest[order[some]] = sorted_time[moment_start[some] - 1]
    return count, total, newest


class Events:
    """Events of keys, such as a user's clicks, which are looked up before any moment.

    They are sorted once. Rows may then ask in blocks of any size: only the events stay in memory,
    20 bytes each.

    Args:
        keys: ``(N,)``, for example user ids.
        time: ``(N,)`` seconds.
        is_event: boolean ``(N,)``: the rows that are events, for example liked films.

    Example:
        >>> clicks = Events(np.array([7, 7, 8]), np.array([1, 2, 2]), np.array([True, True, False]))
        >>> clicks.before(np.array([7, 7, 8]), np.array([2, 3, 9]), 2).tolist()
        [[0, -1], [0, 1], [-1, -1]]
    """

    def __init__(self, keys, time, is_event):
        rows = np.flatnonzero(is_event)
        keys, time = np.asarray(keys)[rows], np.asarray(time)[rows]
        order = np.lexsort((time, keys))  # stable: ties keep the order of the log
        self.rows = rows[order].astype(np.int32 if len(is_event) < 2**31 else np.int64)
        self._keys, self._moments = np.unique(keys), np.unique(time)
        self._codes = self._code(keys[order], time[order])

    def _code(self, keys, time):
        """Numbers in the order of (key, moment); a moment between two events has the later's."""
        who, when = np.searchsorted(self._keys, keys), np.searchsorted(self._moments, time)
        return who * (len(self._moments) + 1) + when

    def span(self, keys, time):
        """The events of each key before each moment: ``self.rows[first:last]``, two ``(n,)``."""
        keys = np.asarray(keys)
        last = np.searchsorted(self._codes, self._code(keys, time))
        who = np.searchsorted(self._keys, keys)
        first = np.searchsorted(self._codes, who * (len(self._moments) + 1))
        if len(self._keys):
            is_known = self._keys[np.minimum(who, len(self._keys) - 1)] == keys
            last = np.where(is_known, last, first)
        return first, last

    def before(self, keys, time, max_length):
        """Rows of the last events of each key strictly before each moment.

        Args:
            keys, time: ``(n,)``, not necessarily those of the events.
            max_length: the most recent events kept.

        Returns:
            ``(n, max_length)`` row positions, oldest first, -1 after the last one.
        """
        first, last = self.span(keys, time)
        length = np.minimum(last - first, max_length)
        step = np.arange(max_length)
        real = step < length[:, None]
        if not len(self.rows):
            return np.full(real.shape, -1, np.int32)
        index = np.where(real, (last - length)[:, None] + step, 0)
        return np.where(real, self.rows[index], -1)


def last_events(keys, time, is_event, max_length):
    """Rows of the last events with the same key and a strictly earlier time.

    Args:
        keys, time: as for ``earlier``.
        is_event: boolean ``(N,)``: the rows that enter histories, for example liked films.
        max_length: the most recent events kept for each row.

    Returns:
        ``(N, max_length)`` int32 row positions, oldest first, -1 after the last one.
    """
    return Events(keys, time, is_event).before(keys, time, max_length)


def padded(lists, width):
    """Lists of ids as ``(len(lists), width)`` int32, each padded with 0 behind its last one."""
    table = np.zeros((len(lists), width), np.int32)
    for row, ids in zip(table, lists, strict=True):
        row[: len(ids)] = ids
    return table


def gather(values, rows, padding):
    """``values[rows]`` with ``padding`` where ``rows`` is -1, as ``last_events`` returns them."""
    values = np.asarray(values)
    return np.where(rows >= 0, values[np.maximum(rows, 0)], values.dtype.type(padding))
