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


def last_events(keys, time, is_event, max_length):
    """Rows of the last events with the same key and a strictly earlier time.

    Args:
        keys, time: as for ``earlier``.
        is_event: boolean ``(N,)``: the rows that enter histories, for example liked films.
        max_length: the most recent events kept for each row.

    Returns:
        ``(N, max_length)`` int32 row positions, oldest first, -1 after the last one.
    """
    order, key_start, moment_start = _sorted_blocks(keys, time)
    is_event = np.asarray(is_event, bool)[order]
    event_rows = order[is_event].astype(np.int32)
    events_before = np.concatenate([[0], np.cumsum(is_event)])
    end = events_before[moment_start]
    length = np.minimum(end - events_before[key_start], max_length)
    step = np.arange(max_length)
    real = step < length[:, None]
    index = np.where(real, (end - length)[:, None] + step, 0)
    result = np.full((len(order), max_length), -1, np.int32)
    if len(event_rows):
        result[order] = np.where(real, event_rows[index], -1)
    return result


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
