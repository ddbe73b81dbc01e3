"""Reads the raw values of a request's columns: ids, lists of ids, numbers.

Values of many rows are read at once. This module needs only NumPy, since it is copied into every
export.
"""

import array
import contextlib
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from recsys_pipeline.export.fields import (
    LARGEST,
    BadField,
    BadNumber,
    Place,
    canonical_id,
    number_of,
    shown,
)
from recsys_pipeline.export.moments import AGES, NUMBERS

At = Callable[[int], Place]
"""A function of a value's position to its place in the request."""

_TEXTS = {str, int, type(None)}
_NUMBERS = {int, float, type(None)}
_FINITE = "expected a number finite in float32"


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

    def read(self, raws: list[Any], at: At) -> np.ndarray:
        """Values as the model reads them: ids or numbers, ``(values, ...)``.

        Args:
            raws: one raw value for each row.
            at: function of a value's position to its place in the request.

        Raises:
            BadField: one cannot be read.
        """
        if not self.is_number:
            return self.ids(raws, at)
        if self._rule.get("indicator"):
            return np.array([raw is None for raw in raws], np.float32)
        if self.length == 1:
            return self._scaled(raws, at)
        for row, raw in enumerate(raws):
            if not isinstance(raw, list) or len(raw) != self.length:
                expected = f"expected a list of {self.length} numbers, got {shown(raw)}"
                raise BadField(at(row), expected)
        flat = [*itertools.chain.from_iterable(raws)]
        found = self._scaled(flat, lambda step: (*at(step // self.length), step % self.length))
        return found.reshape(-1, self.length)

    def ids(self, raws: list[Any], at: At) -> np.ndarray:
        """The ids of raw values, ``(values,)`` int32; the arguments are those of ``read``.

        What training never saw has the id for unknown values.
        """
        rule = self._rule
        if "edges" in rule:
            # Numbers in bins: the first bin is below the first edge.
            numbers = self._numbers(raws, at)
            bins = rule["first"] + np.searchsorted(rule["edges"], numbers, side="right")
            return np.where(np.isnan(numbers), rule["missing"], bins).astype(np.int32)
        found = self._known_ids(raws) if self._ids is not None else self._own_ids(raws)
        seen: dict[Any, int] = {}
        for row in np.flatnonzero(found < 0).tolist():
            key = (type(raws[row]), raws[row])
            try:
                found[row] = seen[key]
            except (KeyError, TypeError):  # not seen yet, or a list
                found[row] = seen[key] = self._id_of(raws[row], at(row))
        return found.astype(np.int32, copy=False)

    def _known_ids(self, raws):
        """Ids by the vocabulary, without a step of Python for each; -1 where it has none."""
        texts = raws
        if raws and type(raws[0]) is not str and {*map(type, raws)} <= _TEXTS:
            texts = [raw if raw is None else str(raw) for raw in raws]
        try:
            return np.fromiter(map(self._ids.get, texts, itertools.repeat(-1)), int, len(raws))
        except TypeError:  # a list or an object among them
            return np.full(len(raws), -1)

    def _own_ids(self, raws):
        """Values that are ids themselves; all -1 if one is not an integer of 32 bits."""
        try:
            found = np.frombuffer(array.array("i", raws), np.int32)
        except (TypeError, OverflowError):
            return np.full(len(raws), -1)
        if bool in {*map(type, raws)}:
            return np.full(len(raws), -1)
        is_one = (found > 0) & (found < self._size)
        return found if is_one.all() else np.where(is_one, found, self.unknown)

    def id_of(self, raw: Any, place: Place) -> int:
        """The id of one raw value at a place of the request; see ``ids``."""
        return int(self.ids([raw], lambda _: place)[0])

    def _id_of(self, raw, place):
        rule = self._rule
        if raw is None:
            return rule["missing"]
        # Exports from before there was one form of an id are read as they always were.
        is_canonical = rule.get("canonical", False)
        if self._ids is not None:
            text = (
                canonical_id(raw) if is_canonical else str(raw) if type(raw) in (int, str) else None
            )
            if text is None:
                raise BadField(place, f"expected text or an integer, got {shown(raw)}")
            return self._ids.get(text, rule["unknown"])
        if is_canonical and type(raw) is float and raw.is_integer():
            raw = int(raw)
        if type(raw) is not int:
            raise BadField(place, f"expected an integer, got {shown(raw)}")
        return raw if 0 < raw < self._size else rule["unknown"]

    def _scaled(self, raws, at):
        rule, numbers = self._rule, self._numbers(raws, at)
        absent = np.isnan(numbers)
        if rule.get("missing") is None and absent.any():
            raise BadField(at(int(np.argmax(absent))), "expected a number, got null")
        if rule.get("logarithm"):
            numbers = np.copysign(np.log1p(np.abs(numbers)), numbers)
        with np.errstate(over="ignore"):
            scaled = (numbers - rule.get("shift", 0.0)) / rule.get("scale", 1.0)
        if (wrong := np.abs(scaled) > LARGEST).any():
            row = int(np.argmax(wrong))
            raise BadNumber(at(row), f"{_FINITE}, got {shown(raws[row])}")
        return np.where(absent, rule.get("missing"), scaled).astype(np.float32)

    def _numbers(self, raws, at):
        """Numbers that are finite in float32; NaN where there is none."""
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            found = np.array(raws, np.float64)
            if {*map(type, raws)} <= _NUMBERS and found.ndim == 1:
                if np.count_nonzero(np.abs(found) <= LARGEST) + raws.count(None) == len(raws):
                    return found
        for row, raw in enumerate(raws):
            if raw is not None and math.isnan(number_of(raw)):
                kind = BadNumber if type(raw) in (int, float) else BadField
                raise kind(at(row), f"{_FINITE}, got {shown(raw)}")
        return np.array([math.nan if raw is None else number_of(raw) for raw in raws])

    @property
    def unknown(self) -> int:
        """The id of values that are unknown."""
        return self._rule.get("unknown", 0)

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

    def cut(
        self, known: np.ndarray, lengths: np.ndarray, most: int, at: At, what: str
    ) -> tuple[np.ndarray, ...]:
        """The steps of lists that are read.

        Args:
            known: of the steps of all lists, one after the other and the oldest first, which are
                known.
            lengths: of the lists.
            most: so many known steps of a list are read.
            at: function of a list's position to its place in the request.
            what: name of the steps, for a message.

        Returns:
            Positions of the steps that are read; the list of each; its place there; and the number
            of known steps of each list.

        Raises:
            BadField: there are more, and it is not described which are kept.
        """
        places = np.flatnonzero(known)
        of = np.repeat(np.arange(len(lengths)), lengths)[places]
        counts = np.bincount(of, minlength=len(lengths))
        step = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
        if (over := counts > most).any():
            if self.keeps is None:
                row = int(np.argmax(over))
                raise BadField(at(row), f"expected at most {most} {what}, got {counts[row]}")
            if self.keeps == "last":
                step -= np.maximum(counts - most, 0)[of]
        kept = (step >= 0) & (step < most)
        return places[kept], of[kept], step[kept], counts
