"""A golden request: raw values whose scores are known, to be replayed wherever a model runs."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from recsys_lib.export.values import Values, as_text
from recsys_lib.features.columns import Column, NumericColumn, SequenceColumn

NUM_CANDIDATES = 16
NEVER_SEEN = "a value that no training row had"
_ROWS_LOOKED_AT = 1_000


def golden_request(
    columns: Iterable[Column], values: Mapping[str, Values], request: Iterable[str], dataset: Any
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """A request with raw values, unknown ones among them.

    Args:
        columns: the model's.
        values: how raw values of each column are read.
        request: names of the columns that a request says once.
        dataset: a data set whose first test rows are taken; None: values are drawn.

    Returns:
        Dict of the request's columns to a value, and of the candidates' to a list of them; the
        last candidate's ids are unknown.
    """
    columns, request = tuple(columns), set(request)
    features = _drawn(columns) if dataset is None else _of_test_rows(columns, dataset)
    rows = len(next(iter(features.values())))
    filled = np.zeros(rows, int)
    for column in columns:
        if isinstance(column, SequenceColumn) and column.name in request:
            filled += np.count_nonzero(features[column.name], axis=1)
    chosen = int(np.argmax(filled))  # the row with the longest lists
    once: dict[str, Any] = {}
    each: dict[str, list[Any]] = {}
    for column in sorted(columns, key=lambda column: values[column.name].indicator):
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
    return once, each


def _of_test_rows(columns, dataset):
    return {c.name: np.asarray(dataset.test.features[c.name])[:_ROWS_LOOKED_AT] for c in columns}


def _drawn(columns):
    draw = np.random.default_rng(0)
    filled = draw.random(NUM_CANDIDATES)  # one share for all lists: they may run side by side
    features = {}
    for column in columns:
        shape = (NUM_CANDIDATES, *column.input_shape)
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
    """The raw value behind what a row holds."""
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
        # Behind the edge in front of the bin, or in front of the first edge.
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
