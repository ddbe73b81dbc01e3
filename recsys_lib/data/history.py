"""Counts, sums and last events before each moment, from strictly earlier rows only.

A row's features may draw on rows with a strictly smaller time. Rows of the same second do not
see each other: a log does not say which of them came first.
"""

import numpy as np


class Events:
    """Events of keys, sorted once; rows may ask for those before them in blocks of any size.

    Args:
        keys, time, is_event: as for ``last_events``.
    """

    def __init__(self, keys, time, is_event):
        rows = np.flatnonzero(is_event)
        keys, time = np.asarray(keys)[rows], np.asarray(time)[rows]
        order = np.lexsort((time, keys))  # stable: ties keep the order of the log
        self.rows = np.append(rows[order], -1).astype(np.int32)
        self._keys, self._moments = np.unique(keys), np.unique(time)
        self._codes = self._code(keys[order], time[order])

    def _code(self, keys, time):
        """Numbers in the order of key and moment; even ones are of keys without events."""
        who = np.searchsorted(self._keys, keys) + np.searchsorted(self._keys, keys, "right")
        return who * (len(self._moments) + 1) + np.searchsorted(self._moments, time)

    def span(self, keys, time):
        """The events of each key before each moment: ``self.rows[first:last]``, two ``(n,)``."""
        return [np.searchsorted(self._codes, self._code(keys, one)) for one in (-np.inf, time)]

    def before(self, keys, time, max_length):
        """``last_events`` of any rows, ``(n, max_length)``; rows' keys and times are ``(n,)``."""
        first, last = self.span(keys, time)
        step = np.arange(max_length)
        length = np.minimum(last - first, max_length)[:, None]
        return self.rows[np.where(step < length, last[:, None] - length + step, -1)]


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
    events = Events(keys, time, np.ones(len(keys), bool))
    first, last = events.span(keys, time)
    running = np.concatenate([[0], np.cumsum(np.asarray(values)[events.rows[:-1]], dtype=np.int64)])
    newest = np.full(len(keys), -np.inf)
    some = last > first
    newest[some] = np.asarray(time, np.float64)[events.rows[last[some] - 1]]
    return last - first, running[last] - running[first], newest


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


def codes_of(values):
    """Each value's place among the distinct ones in their order, ``(N,)``, and how many there are.

    Args:
        values: ``(N,)``.
    """
    distinct, codes = np.unique(values, return_inverse=True)
    return codes, len(distinct)


def known_ids(codes, num_values, in_training):
    """Ids ``code + 1`` of the values that training rows hold, else 0; and the vocabulary's size.

    Args:
        codes: ``(N,)``, from 0; -1 is missing, which is id 0.
        num_values: how many values there are.
        in_training: boolean ``(N,)``.

    Returns:
        ``(N,)`` int32, and ``num_values + 1``.
    """
    seen = np.zeros(num_values + 1, bool)
    seen[codes[in_training]] = True
    return np.where(seen[codes], codes + 1, 0).astype(np.int32), num_values + 1
