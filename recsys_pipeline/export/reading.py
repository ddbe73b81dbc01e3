"""Reads the raw values of a request as the arrays that a model takes.

A column is an id, a list of ids, or a number. A value that training never saw becomes the id for
unknown values. This module needs only NumPy, since it is copied into every export.
"""

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recsys_pipeline.export.columns import Column
from recsys_pipeline.export.fields import BadField, as_list, shown
from recsys_pipeline.export.moments import History, moment_of

SHOWN_NAMES = 8


class Encoder:
    """Converts a request with raw values to arrays.

    Args:
        description: an export's description.
    """

    def __init__(self, description: Mapping[str, Any]):
        self.columns = {spec["name"]: Column(spec) for spec in description["columns"]}
        self.request_names = tuple(description["request"])
        self.candidate_names = tuple(n for n in self.columns if n not in self.request_names)
        self._beside: dict[str, tuple[str, ...]] = {}
        for names in description["side_by_side"]:
            self._beside |= dict.fromkeys(names, tuple(names))
        # Columns computed from histories with moments, and how the request's own moment is read.
        self._histories: dict[str, History] = {}
        self._now: Mapping[str, Any] | None = description.get("moment")
        for spec in description.get("histories", ()):
            ids = self.columns.get(spec["name"]) or Column(spec["column"])
            self._histories |= dict.fromkeys(spec["made"], History(spec, ids))

    def __call__(
        self, request: Any, candidates: Any
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Both sides, the request's and the candidates', as the model reads them.

        Args:
            request: dict of field to raw value, or to a list of them.
            candidates: dict of field to a list with one of these for each candidate.

        Returns:
            Arrays ``(1, ...)`` and ``(candidates, ...)`` by column name.

        Raises:
            BadField: missing or unknown fields, lists of different lengths, a value of another
                kind.
        """
        fields = self._fields(request, self.request_names, "request")
        of_candidates = self._fields(candidates, self.candidate_names, "candidates")
        count = self._count(of_candidates)
        now = None if self._now is None else self._moment(request, ("request",))
        once = {field: [raw] for field, raw in fields.items()}
        user = self._block(once, self.request_names, lambda field, row: ("request", field), [now])
        return user, self._block(
            of_candidates,
            self.candidate_names,
            lambda field, row: ("candidates", field, row),
            [now] * count,
        )

    def rows(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, np.ndarray]:
        """Whole rows as the model reads them: dict of every field to a list of raw values.

        Returns:
            Arrays ``(rows, ...)`` by column name.

        Raises:
            BadField: as for a request.
        """
        names = tuple(self.columns)
        fields = self._fields(rows, names, "rows")
        (count, *others) = {len(values) for values in fields.values()}
        if others:
            raise BadField(("rows",), "expected lists of one length")
        nows = [
            None if self._now is None else self._moment(rows, ("rows",), row)
            for row in range(count)
        ]
        return self._block(fields, names, lambda field, row: ("rows", field, row), nows)

    def unknown(
        self,
        fields: Mapping[str, Any],
        user: Mapping[str, np.ndarray],
        candidates: Mapping[str, np.ndarray],
    ) -> dict[str, list[Any]]:
        """The raw values of a request that have no id of their own.

        Args:
            fields: ``request`` and ``candidates``, raw.
            user, candidates: both as the model reads them.

        Returns:
            Dict of each column of ids that has some to these values, as often as they occur. A
            missing value, null, is one of them where training saw none.
        """
        found = {}
        for side, arrays in (("request", user), ("candidates", candidates)):
            for name, array in arrays.items():
                column = self.columns[name]
                if not column.has_ids:
                    continue
                raws = fields[side][column.source]
                raws = [raws] if side == "request" else raws
                if column.is_list:
                    for _ in range(1 + (column.sessions > 1 and column.made is None)):
                        raws = [*itertools.chain.from_iterable(raw or () for raw in raws)]
                    if len(raws) == np.count_nonzero(array):
                        continue
                    history = self._histories.get(name)
                    array = (history.column if history else column).ids(raws, lambda _: ())
                is_known = array != column.unknown
                if column.unknown:
                    is_known &= array != 0
                if not is_known.all():
                    found[name] = [raws[row] for row in np.flatnonzero(~is_known)]
        return found

    def _fields(self, given, names, side):
        """The fields of a side that its columns are read from; several may share one."""
        expected = dict.fromkeys(self.columns[name].source for name in names)
        expected |= dict.fromkeys(h.times for n, h in self._histories.items() if n in names)
        now = {} if self._now is None or side == "candidates" else {self._now["source"]: None}
        _check_names(given, expected | now, side)
        return {field: given[field] for field in (expected | now if side == "rows" else expected)}

    def _moment(self, given, place, row=None):
        field = self._now["source"]
        if row is None:
            return moment_of(given[field], self._now, (*place, field))
        return moment_of(given[field][row], self._now, (*place, field, row))

    def _count(self, candidates):
        count = None
        for field, values in candidates.items():
            place = ("candidates", field)
            if not isinstance(values, list) or not values:
                raise BadField(
                    place, f"expected a list with a value for each candidate, got {shown(values)}"
                )
            if count is not None and len(values) != count:
                first = next(iter(candidates))
                raise BadField(place, f"expected {count} values as in {first!r}, got {len(values)}")
            count = len(values)
        return count

    def _block(self, fields, names, place, nows):
        """Rows of every column.

        Args:
            fields: dict of field to the raw values of all rows.
            names: of the columns.
            place: function of a field and a row to a place in the request.
            nows: the moment of each row.
        """
        found: dict[str, np.ndarray] = {}
        for name in names:
            column = self.columns[name]
            at = functools.partial(place, column.source)
            if name in found:
                continue
            if not column.is_list:
                found[name] = column.read(fields[column.source], at)
            elif name in self._histories:
                history = self._histories[name]
                raws = zip(fields[column.source], fields[history.times], nows, strict=True)
                made = [
                    history.read(ids, times, now, at(row), place(history.times, row))
                    for row, (ids, times, now) in enumerate(raws)
                ]
                for other in names:
                    if self._histories.get(other) is history:
                        values = [row[self.columns[other].made] for row in made]
                        found[other] = np.array(values, np.int32)
            else:
                beside = [other for other in self._beside.get(name, (name,)) if other in names]
                found |= self._lists(beside, fields, place)
        return {name: found[name] for name in names}

    def _lists(self, names, fields, place):
        """Lists whose steps belong together: they lose the same steps, those unknown in one.

        Lists of all rows are read as one; ``lengths`` says where each ends.
        """
        columns = [self.columns[name] for name in names]
        first = columns[0]
        ats = [functools.partial(place, column.source) for column in columns]
        parts = [_flat(fields[c.source], at) for c, at in zip(columns, ats, strict=True)]
        sessions = None
        if first.sessions > 1:
            sessions = _check_lengths(names, parts, ats)
            ats = [_at_steps(at, sessions) for at in ats]
            parts = [_flat(flat, at) for (flat, _), at in zip(parts, ats, strict=True)]
        lengths = _check_lengths(names, parts, ats)
        read = [
            column.ids(flat, _at_steps(at, lengths))
            for column, (flat, _), at in zip(columns, parts, ats, strict=True)
        ]
        turned = [
            _turned(array, lengths) if column.newest_first else array
            for column, array in zip(columns, read, strict=True)
        ]
        width = first.length // first.sessions
        kept, row, step, counts = first.cut(
            np.all(turned, axis=0), lengths, width, ats[0], "values"
        )
        laid = np.zeros((len(columns), len(lengths), width), np.int32)
        laid[:, row, step] = np.array(turned)[:, kept]
        if sessions is None:
            return dict(zip(names, laid, strict=True))
        # A session without a known step is left out.
        order = np.arange(len(lengths))
        if first.newest_first:
            order = _turned(order, sessions)
        at = functools.partial(place, first.source)
        kept, row, step, _ = first.cut(counts[order] > 0, sessions, first.sessions, at, "sessions")
        whole = np.zeros((len(columns), len(sessions), first.sessions, width), np.int32)
        whole[:, row, step] = laid[:, order[kept]]
        return dict(zip(names, whole.reshape(len(columns), len(sessions), -1), strict=True))


def _flat(raws, at):
    """The elements of lists, one after the other, and the length of each list."""
    if {*map(type, raws)} != {list}:
        raws = [as_list(raw, at(row)) for row, raw in enumerate(raws)]
    lengths = np.fromiter(map(len, raws), int, len(raws))
    return [*itertools.chain.from_iterable(raws)], lengths


def _at_steps(at, lengths):
    """Function of a position among all lists' elements to its place."""
    ends = np.cumsum(lengths)

    def place(step):
        row = int(np.searchsorted(ends, step, side="right"))
        return (*at(row), int(step - ends[row] + lengths[row]))

    return place


def _turned(array, lengths):
    """The elements of lists, each list from its end to its beginning."""
    ends = np.cumsum(lengths)
    return array[np.repeat(2 * ends - lengths - 1, lengths) - np.arange(len(array))]


def _check_names(given, expected, side):
    if not isinstance(given, Mapping):
        raise BadField((side,), f"expected fields with values, got {shown(given)}")
    for name in given:
        if name not in expected:
            known = ", ".join([*expected][:SHOWN_NAMES]) + ", ..." * (len(expected) > SHOWN_NAMES)
            raise BadField((side, str(name)), f"no such field; expected {known or 'none'}")
    for name in expected:
        if name not in given:
            raise BadField((side, name), "this field is missing")


def _check_lengths(names, parts, ats):
    """The lengths that all lists of a group have."""
    expected = parts[0][1]
    for (_, lengths), at in zip(parts, ats, strict=True):
        if (wrong := lengths != expected).any():
            row = int(np.argmax(wrong))
            raise BadField(
                at(row), f"expected {expected[row]} steps as in {names[0]!r}, got {lengths[row]}"
            )
    return expected
