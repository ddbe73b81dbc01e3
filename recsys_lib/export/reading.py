"""Reads the raw values of a request as the arrays that a model takes.

One column is an id, a list of ids, or a number. What training never saw becomes the id for unknown
values. Nothing but NumPy is needed here: the module goes into every export.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SHOWN_NAMES = 8

Place = tuple[str | int, ...]


class BadField(ValueError):
    """A value of a request that cannot be read.

    Args:
        place: where it stands: ``("candidates", "item_id", 3)``.
        message: what was expected there, and what came.
    """

    def __init__(self, place: Place, message: str):
        super().__init__(f"{'.'.join(map(str, place))}: {message}")
        self.place, self.message = place, message


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
            # An empty cell of a file is no value.
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
            raise BadField(place, f"expected a list of {self.length} numbers, got {_shown(raw)}")
        return [self._number(value, (*place, step)) for step, value in enumerate(raw)]

    def id_of(self, raw: Any, place: Place) -> int:
        """The id of a raw value; of one that training never saw, the id for unknown ones."""
        rule = self._rule
        if raw is None:
            return rule["missing"]
        if "edges" in rule:
            # Numbers in bins: the first bin is for what lies below the first edge.
            number = self._finite(raw, place)
            return rule["first"] + int(np.searchsorted(rule["edges"], number, side="right"))
        if self._ids is not None:
            if type(raw) is str:
                return self._ids.get(raw, rule["unknown"])
            if type(raw) is int:
                return self._ids.get(str(raw), rule["unknown"])
            raise BadField(place, f"expected text or an integer, got {_shown(raw)}")
        if type(raw) is not int:
            raise BadField(place, f"expected an integer, got {_shown(raw)}")
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
        return (number - rule.get("shift", 0.0)) / rule.get("scale", 1.0)

    def _finite(self, raw, place):
        if type(raw) not in (int, float) or not math.isfinite(raw):
            raise BadField(place, f"expected a finite number, got {_shown(raw)}")
        return float(raw)

    @property
    def unknown(self) -> tuple[int, ...]:
        """The ids that say that nothing is known of a value."""
        return tuple({self._rule["unknown"], 0})

    @property
    def newest_first(self) -> bool:
        """Whether a list comes the other way round."""
        return self._rule.get("newest_first", False)

    @property
    def keeps(self) -> str | None:
        """Which end of a list that is too long is read, ``"first"`` or ``"last"``; None: no."""
        return self._rule.get("keep")


class Encoder:
    """Makes arrays of a request with raw values.

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

    def __call__(
        self, request: Any, candidates: Any
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Both sides as the model reads them.

        Args:
            request: dict of field to raw value, or to a list of them.
            candidates: dict of field to a list with one of these for each candidate.

        Returns:
            Arrays ``(1, ...)`` and ``(candidates, ...)`` by column name.

        Raises:
            BadField: fields missing or unknown, lists of other lengths, a value of another kind.
        """
        request = self._by_column(request, self.request_names, "request")
        candidates = self._by_column(candidates, self.candidate_names, "candidates")
        count = self._count(candidates)
        user = {
            name: np.asarray([values], self.columns[name].dtype)
            for name, values in self._row(request, "request", ()).items()
        }
        return user, self._block(candidates, count, "candidates")

    def rows(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, np.ndarray]:
        """Whole rows as the model reads them: dict of every field to a list of raw values.

        Returns:
            Arrays ``(rows, ...)`` by column name.

        Raises:
            BadField: as for a request.
        """
        found = self._by_column(rows, tuple(self.columns), "rows")
        (count, *others) = {len(values) for values in found.values()}
        if others:
            raise BadField(("rows",), "expected lists of one length")
        return self._block(found, count, "rows")

    def _by_column(self, given, names, side):
        """What was given for each column; several columns may be read from one field."""
        _check_names(given, dict.fromkeys(self.columns[name].source for name in names), side)
        return {name: given[self.columns[name].source] for name in names}

    def _count(self, candidates):
        count = None
        for name, values in candidates.items():
            place = ("candidates", self.columns[name].source)
            if not isinstance(values, list) or not values:
                raise BadField(
                    place, f"expected a list with a value for each candidate, got {_shown(values)}"
                )
            if count is not None and len(values) != count:
                first = self.columns[self.candidate_names[0]].source
                raise BadField(place, f"expected {count} values as in {first!r}, got {len(values)}")
            count = len(values)
        return count

    def _block(self, values, count, where):
        found, lists = {}, [name for name in values if self.columns[name].is_list]
        for name in values:
            if name not in lists:
                column = self.columns[name]
                found[name] = [
                    column.read(raw, (where, column.source, row))
                    for row, raw in enumerate(values[name])
                ]
        if lists:
            rows = [
                self._row({name: values[name][row] for name in lists}, where, (row,))
                for row in range(count)
            ]
            found |= {name: [row[name] for row in rows] for name in lists}
        return {name: np.asarray(found[name], self.columns[name].dtype) for name in values}

    def _row(self, values, where, at):
        """Every column of one row; the lists that run side by side lose the same steps."""
        found = {}
        for name, raw in values.items():
            place = (where, self.columns[name].source, *at)
            if name in found:
                continue
            if not self.columns[name].is_list:
                found[name] = self.columns[name].read(raw, place)
                continue
            names = [n for n in self._beside.get(name, (name,)) if n in values]
            places = {n: (where, self.columns[n].source, *at) for n in names}
            lists = {n: self._list(n, values[n], places[n]) for n in names}
            found |= self._steps(names, lists, places)
        return {name: found[name] for name in values}

    def _list(self, name, raw, place):
        if raw is None:
            return []
        if not isinstance(raw, list):
            raise BadField(place, f"expected a list, got {_shown(raw)}")
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
            if filled[names[0]]:  # a session of which nothing is known is none
                sessions.append(filled)
        sessions = self._cut(sessions, first.sessions, names[0], places, "sessions")
        found = {name: [0] * first.length for name in names}
        for number, filled in enumerate(sessions):
            for name, ids in filled.items():
                found[name][number * length : number * length + len(ids)] = ids
        return found

    def _one_list(self, names, lists, places, length):
        """Ids of lists that run side by side, without the steps that are unknown in any of them."""
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
        keeps = self.columns[name].keeps
        if len(steps) <= length:
            return steps
        if keeps is None:
            raise BadField(places[name], f"expected at most {length} {what}, got {len(steps)}")
        return steps[:length] if keeps == "first" else steps[-length:]


def _check_names(given, expected, side):
    if not isinstance(given, Mapping):
        raise BadField((side,), f"expected fields with values, got {_shown(given)}")
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


def _shown(value):
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."
