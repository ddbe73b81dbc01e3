"""Reads the raw values of a request as the arrays that a model takes.

A column is an id, a list of ids, or a number. A value that training never saw becomes the id for
unknown values. This module needs only NumPy, since it is copied into every export.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recsys_pipeline.export.fields import (
    BadField,
    Place,
    as_list,
    canonical_id,
    number_of,
    shown,
)
from recsys_pipeline.export.moments import AGES, NUMBERS, History, moment_of

SHOWN_NAMES = 8


class Column:
    """Reads the raw values of one column.

    Args:
        spec: the column's entry in the description.
    """

    def __init__(self, spec: Mapping[str, Any]):
        self.name: str = spec["name"]
        self.source: str = spec["values"].get("source") or spec["name"]
        self.is_number: bool = spec["kind"] == "number"
        self.is_list: bool = spec["kind"] == "list"
        self.length: int = spec["length"]
        self.sessions: int = spec.get("sessions", 1)
        self.dtype = np.float32 if self.is_number else np.int32
        self.shape = (self.length,) if self.is_list or self.length > 1 else ()
        self._rule: Mapping[str, Any] = spec["values"]
        self._size: int = spec.get("vocabulary_size", 0)
        self._ids: dict[str, int] | None = None
        if "known" in self._rule:
            first = self._rule["first"]
            self._ids = {text: first + place for place, text in enumerate(self._rule["known"])}
            # An empty cell of a file is a missing value.
            self._ids.setdefault("", self._rule["missing"])

    def read(self, raw: Any, place: Place) -> Any:
        """One value as the model reads it: an id, a number, or a list of numbers.

        Raises:
            BadField: it cannot be read.
        """
        if not self.is_number:
            return self.id_of(raw, place)
        if self._rule.get("indicator"):
            return float(raw is None)
        if self.length == 1:
            return self._number(raw, place)
        if not isinstance(raw, list) or len(raw) != self.length:
            raise BadField(place, f"expected a list of {self.length} numbers, got {shown(raw)}")
        return [self._number(value, (*place, step)) for step, value in enumerate(raw)]

    def id_of(self, raw: Any, place: Place) -> int:
        """The id of a raw value; the id for unknown values if training never saw it."""
        rule = self._rule
        if raw is None:
            return rule["missing"]
        if "edges" in rule:
            # Numbers in bins: the first bin is below the first edge.
            number = self._finite(raw, place)
            return rule["first"] + int(np.searchsorted(rule["edges"], number, side="right"))
        # Exports from before there was one form of an id are read as they always were.
        is_canonical = rule.get("canonical", False)
        if self._ids is not None:
            text = str(raw) if type(raw) in (int, str) else None
            if text not in self._ids and is_canonical:
                text = canonical_id(raw)
            if text is None:
                raise BadField(place, f"expected text or an integer, got {shown(raw)}")
            return self._ids.get(text, rule["unknown"])
        if is_canonical and type(raw) is float and raw.is_integer():
            raw = int(raw)
        if type(raw) is not int:
            raise BadField(place, f"expected an integer, got {shown(raw)}")
        return raw if 0 < raw < self._size else rule["unknown"]

    def _number(self, raw, place):
        rule = self._rule
        if raw is None:
            if rule.get("missing") is None:
                raise BadField(place, "expected a number, got null")
            return rule["missing"]
        number = self._finite(raw, place)
        if rule.get("logarithm"):
            number = math.copysign(math.log1p(abs(number)), number)
        scaled = number_of((number - rule.get("shift", 0.0)) / rule.get("scale", 1.0))
        return self._finite(scaled, place, raw)

    def _finite(self, raw, place, given=None):
        number = number_of(raw)
        if math.isnan(number):
            given = raw if given is None else given
            raise BadField(place, f"expected a number finite in float32, got {shown(given)}")
        return number

    @property
    def unknown(self) -> tuple[int, ...]:
        """The ids of values that are unknown or missing."""
        return tuple({self._rule["unknown"], 0})

    @property
    def newest_first(self) -> bool:
        """Whether a list begins with the newest id."""
        return self._rule.get("newest_first", False)

    @property
    def keeps(self) -> str | None:
        """Which end of a long list is read, ``"first"`` or ``"last"``; None: neither."""
        return self._rule.get("keep")

    @property
    def made(self) -> str | None:
        """Its kind if it is computed from a history's moments, such as ``"ages"``; else None."""
        return self._rule.get("made")

    @property
    def has_ids(self) -> bool:
        """Whether it has a vocabulary of raw values."""
        return not self.is_number and self.made not in (NUMBERS, AGES)

    def cut(self, steps: list[Any], length: int, place: Place, what: str) -> list[Any]:
        """The steps of a list that are read.

        Args:
            steps: the known steps, the oldest first.
            length: most steps that are read.
            place: where the list stands.
            what: name of the steps, for a message.

        Raises:
            BadField: there are more, and it is not described which are kept.
        """
        keeps = self.keeps
        if len(steps) <= length:
            return steps
        if keeps is None:
            raise BadField(place, f"expected at most {length} {what}, got {len(steps)}")
        return steps[:length] if keeps == "first" else steps[-length:]


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
        user = {
            name: np.asarray([values], self.columns[name].dtype)
            for name, values in self._row(fields, self.request_names, "request", (), now).items()
        }
        nows = [now] * count
        return user, self._block(of_candidates, self.candidate_names, count, "candidates", nows)

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
        return self._block(fields, names, count, "rows", nows)

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

    def _block(self, fields, names, count, where, nows):
        """Rows of every column; ``nows``: the moment of each row."""
        found, lists = {}, [name for name in names if self.columns[name].is_list]
        for name in names:
            if name not in lists:
                column = self.columns[name]
                found[name] = [
                    column.read(raw, (where, column.source, row))
                    for row, raw in enumerate(fields[column.source])
                ]
        if lists:
            read = {self.columns[name].source for name in lists}
            read |= {self._histories[name].times for name in lists if name in self._histories}
            rows = [
                self._row({field: fields[field][row] for field in read}, lists, where, (row,), now)
                for row, now in enumerate(nows)
            ]
            found |= {name: [row[name] for row in rows] for name in lists}
        return {name: np.asarray(found[name], self.columns[name].dtype) for name in names}

    def _row(self, fields, columns, where, at, now):
        """Every column of one row; lists whose steps belong together lose the same steps."""
        found = {}
        values = {name: fields[self.columns[name].source] for name in columns}
        for name, raw in values.items():
            place = (where, self.columns[name].source, *at)
            if name in found:
                continue
            if not self.columns[name].is_list:
                found[name] = self.columns[name].read(raw, place)
                continue
            if name in self._histories:
                history = self._histories[name]
                of_times = (where, history.times, *at)
                made = history.read(raw, fields[history.times], now, place, of_times)
                for other, one in self._histories.items():
                    if one is history and other in values:
                        found[other] = made[self.columns[other].made]
                continue
            names = [n for n in self._beside.get(name, (name,)) if n in values]
            places = {n: (where, self.columns[n].source, *at) for n in names}
            lists = {n: self._list(n, values[n], places[n]) for n in names}
            found |= self._steps(names, lists, places)
        return {name: found[name] for name in values}

    def _list(self, name, raw, place):
        raw = as_list(raw, place)
        return raw[::-1] if self.columns[name].newest_first else raw

    def _steps(self, names, lists, places):
        first = self.columns[names[0]]
        if first.sessions == 1:
            filled = self._one_list(names, lists, places, first.length)
            return {name: [*ids, *[0] * (first.length - len(ids))] for name, ids in filled.items()}
        length = first.length // first.sessions
        counts = {name: len(values) for name, values in lists.items()}
        _check_lengths(names, counts, places)
        sessions = []
        for number in range(counts[names[0]]):
            inner = {name: (*places[name], number) for name in names}
            parts = {n: self._list(n, lists[n][number], inner[n]) for n in names}
            filled = self._one_list(names, parts, inner, length)
            if filled[names[0]]:  # a session without a known step is left out
                sessions.append(filled)
        sessions = self._cut(sessions, first.sessions, names[0], places, "sessions")
        found = {name: [0] * first.length for name in names}
        for number, filled in enumerate(sessions):
            for name, ids in filled.items():
                found[name][number * length : number * length + len(ids)] = ids
        return found

    def _one_list(self, names, lists, places, length):
        """Ids of lists whose steps belong together, without steps that are unknown in one."""
        _check_lengths(names, {name: len(values) for name, values in lists.items()}, places)
        ids = {
            name: [
                self.columns[name].id_of(raw, (*places[name], step))
                for step, raw in enumerate(lists[name])
            ]
            for name in names
        }
        steps = [step for step in zip(*ids.values(), strict=True) if 0 not in step]
        steps = self._cut(steps, length, names[0], places, "values")
        return {name: [step[place] for step in steps] for place, name in enumerate(names)}

    def _cut(self, steps, length, name, places, what):
        return self.columns[name].cut(steps, length, places[name], what)


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


def _check_lengths(names, counts, places):
    for name in names[1:]:
        if counts[name] != counts[names[0]]:
            raise BadField(
                places[name],
                f"expected {counts[names[0]]} steps as in {names[0]!r}, got {counts[name]}",
            )
