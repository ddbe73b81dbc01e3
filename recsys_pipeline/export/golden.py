"""The golden request of an export: raw values with known scores, to replay on any machine."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from recsys_lib.data.session_rules import GAP_SECONDS
from recsys_lib.features.columns import Column, NumericColumn, SequenceColumn
from recsys_pipeline.export.histories import TimedHistory
from recsys_pipeline.export.values import Values, as_text

NUM_CANDIDATES = 16
NEVER_SEEN = "a value that no training row had"
_ROWS_LOOKED_AT = 1_000
_NOW = 1_704_067_200.0  # the moment of a drawn request, the beginning of 2024


def golden_request(
    columns: Iterable[Column],
    values: Mapping[str, Values],
    request: Iterable[str],
    dataset: Any,
    histories: Sequence[TimedHistory] = (),
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """A request with raw values, some of them unknown.

    Args:
        columns: the model's.
        values: how raw values of each column are read.
        request: names of the columns that a request gives once.
        dataset: a data set whose first test rows are used; without rows values are drawn.
        histories: those with moments, which the request gives.

    Returns:
        Dict of the request's fields to a value, and of the candidates' to a list of them; the
        last candidate's ids are unknown.
    """
    columns, request = tuple(columns), set(request)
    made = {name for history in histories for name in history.made}
    test = getattr(dataset, "test", None)
    features = _drawn(columns)
    if test is not None:
        features = {c.name: np.asarray(test.features[c.name])[:_ROWS_LOOKED_AT] for c in columns}
    rows = len(next(iter(features.values())))
    filled = np.zeros(rows, int)
    for column in columns:
        if isinstance(column, SequenceColumn) and column.name in request:
            filled += np.count_nonzero(features[column.name], axis=1)
    chosen = int(np.argmax(filled))  # the row with the longest lists
    latest = -np.inf
    once: dict[Any, Any] = {}
    each: dict[Any, list[Any]] = {}
    for column in sorted(columns, key=lambda column: values[column.name].indicator):
        if column.name in made:
            continue
        rule = values[column.name]
        field = rule.source or column.name
        if rule.indicator and field in {**once, **each}:
            continue  # its number has been given
        raw = [_raw(column, rule, row) for row in features[column.name]]
        if column.name in request:
            once[field] = raw[chosen]
            continue
        each[field] = raw[:NUM_CANDIDATES]
        if not isinstance(column, NumericColumn | SequenceColumn):
            each[field][-1] = _unknown(column, rule)
    for history in histories:
        ids, seconds, now = _timed(history, test, rows)
        raw = [_raw(history.encoder.column, history.values, row) for row in ids]
        times = [_times(history, moments) for moments in seconds]
        here = [chosen]
        if request & set(history.made):
            once[history.source], once[history.encoder.times] = raw[chosen], times[chosen]
        if set(history.made) - request:
            each[history.source] = raw[:NUM_CANDIDATES]
            each[history.encoder.times] = times[:NUM_CANDIDATES]
            here += range(min(NUM_CANDIDATES, rows))
        # One moment for the histories of the request and of its candidates.
        latest = max([latest, *now[here].tolist()])
        once[history.encoder.time] = history.moment(latest)
    return once, each


def _timed(history, test, rows):
    """Ids of a history's rows, their seconds, and the rows' own, from test rows or drawn."""
    name = history.encoder.column.name
    now = np.full(rows, _NOW) if test is None else np.asarray(test.time, np.float64)[:rows]
    if test is not None and name in test.features and name in test.as_of:
        ids, seconds = test.features[name][:rows], test.as_of[name][:rows]
        return np.asarray(ids), np.asarray(seconds), now
    draw = np.random.default_rng(0)
    ids = _drawn((history.encoder.column,), rows)[name]
    pauses = draw.integers(1, 2 * GAP_SECONDS, ids.shape)
    ages = np.cumsum(pauses[:, ::-1], axis=1)[:, ::-1]
    return ids, np.where(ids > 0, now[:, None] - ages, -np.inf), now


def _times(history, moments):
    found = [history.raw(seconds) for seconds in moments[np.isfinite(moments)]]
    return found[::-1] if history.values.newest_first else found


def _drawn(columns, rows=NUM_CANDIDATES):
    draw = np.random.default_rng(0)
    filled = draw.random(
        rows
    )  # the same share for all lists, since their steps may belong together
    features = {}
    for column in columns:
        shape = (rows, *column.input_shape)
        if isinstance(column, NumericColumn):
            features[column.name] = draw.normal(size=shape).round(3)
            continue
        ids = draw.integers(1, column.vocabulary_size, shape)
        if isinstance(column, SequenceColumn):
            steps = column.max_length // column.num_sessions
            step = np.arange(column.max_length) % steps
            ids = np.where(step < np.ceil(filled * steps)[:, None], ids, 0)
        features[column.name] = ids
    return features


def _raw(column, values, found):
    """The raw value of an encoded value."""
    if isinstance(column, NumericColumn):
        return _number(values, found) if not found.shape else [_number(values, x) for x in found]
    if not isinstance(column, SequenceColumn):
        return _value(column, values, int(found))
    steps = found.reshape(column.num_sessions, -1)
    lists = [[_value(column, values, int(step)) for step in part if step] for part in steps]
    if values.newest_first:
        lists = [part[::-1] for part in lists[::-1]]
    return lists[0] if column.num_sessions == 1 else [part for part in lists if part]


def _value(column, values, number):
    if values.edges is not None:
        place, edges = number - values.first, list(values.edges)
        if not 0 <= place <= len(edges):
            return None
        # Just above the lower edge of the bin, or below the first edge.
        return float(edges[place - 1]) if place else float(edges[0]) - 1.0
    if values.known is None:
        return number if number else _unknown(column, values)
    place = number - values.first
    if 0 <= place < len(values.known):
        known = values.known[place]
        return int(known) if isinstance(known, int | np.integer) else as_text(known)
    return None if number == values.missing and number != values.unknown else NEVER_SEEN


def _unknown(column, values):
    if values.edges is not None:
        return None
    return column.vocabulary_size if values.known is None else NEVER_SEEN


def _number(values, found):
    number = float(found) * values.scale + values.shift
    if values.logarithm:
        number = float(np.copysign(np.expm1(abs(number)), number))
    return number
