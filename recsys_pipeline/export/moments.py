"""Computes sessions and ages of a history from the moments of its steps, as training did.

This module needs only NumPy, since it is copied into every export.
"""

import datetime
import itertools
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from recsys_lib.data.session_rules import LATEST_SECOND, age_ids, cut_sessions
from recsys_pipeline.export.fields import BadField, Place, as_list, number_of, shown

SESSIONS, NUMBERS, AGES = "sessions", "numbers", "ages"
"""What is computed from a history: its sessions in one column; for each step the number of its
session, counted back from 1, the most recent; and for each step its age."""

CUT = "a pause of more than `gap` seconds begins a session"
AGE = "the number of `edges` that are at most the seconds up to the request, 1 at least"
"""The rules that this module follows, as a description states them."""

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BEGINNING = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def seconds_of(raw: Any, unit: float, place: Place, expected: str = "a number") -> float:
    """A moment that is a number, or the text of a number.

    Args:
        raw: the raw value.
        unit: seconds that a 1 stands for.
        place: where it stands.
        expected: what was expected, for a message.

    Returns:
        Seconds.

    Raises:
        BadField: it is not a number.
    """
    is_text = type(raw) is str and _NUMBER.fullmatch(raw)
    seconds = number_of(float(raw) if is_text else raw) * unit
    if math.isnan(seconds):
        raise BadField(place, f"expected {expected}, got {shown(raw)}")
    if seconds > LATEST_SECOND:
        raise BadField(
            place,
            f"expected {expected} in units of {unit:g} s, got {shown(raw)}, after the year 5000",
        )
    return seconds


def moment_of(raw: Any, rule: Mapping[str, Any], place: Place) -> float:
    """The request's own moment: a number, or a text as training read it.

    Args:
        raw: the raw value.
        rule: dict of ``unit``, the seconds in a unit, and ``format``, as ``strptime`` has it; None:
            numbers, or dates and times of day as ISO 8601 has them, UTC.
        place: where it stands.

    Returns:
        Seconds since 1970, UTC.

    Raises:
        BadField: it is not a moment.
    """
    form, text = rule["format"], str(raw) if type(raw) is int else raw
    expected = f"a time {form}" if form else "a number or a date (ISO 8601)"
    if form is None and (type(raw) is not str or _NUMBER.fullmatch(raw)):
        return seconds_of(raw, rule["unit"], place, expected)
    try:
        if form is None:
            moment = datetime.datetime.fromisoformat(text)
        else:
            moment = datetime.datetime.strptime(text, form)
    except (TypeError, ValueError):
        raise BadField(place, f"expected {expected}, got {shown(raw)}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment - _BEGINNING) // datetime.timedelta(microseconds=1) / 1e6


class History:
    """Reads a history with the moments of its steps, and computes columns from them.

    Args:
        spec: its entry in the description.
        column: reads its ids, a ``Column`` of ``recsys_pipeline.export.reading``.

    Raises:
        ValueError: a rule that this module does not know.
    """

    def __init__(self, spec: Mapping[str, Any], column: Any):
        self.times: str = spec["times"]
        self.column, self._unit = column, spec["unit"]
        self._sessions, self._ages = spec["sessions"], spec["ages"]
        for rule, known in ((self._sessions["rule"], CUT), (self._ages["rule"], AGE)):
            if rule != known:
                raise ValueError(
                    f"history {column.name!r}: expected the rule {known!r}, got {rule!r}"
                )

    def read(
        self, raw: Any, times: Any, now: float, of_ids: Place, of_times: Place
    ) -> dict[str, list[int]]:
        """The columns that are computed from one history.

        A step whose id is unknown is left out with its moment. As many of the others are kept as
        the column's length allows, and only these are checked.

        Args:
            raw: its ids, a list.
            times: their moments, a list.
            now: the request's moment in seconds.
            of_ids, of_times: paths of the two lists in the request.

        Returns:
            Dict of ``"sessions"``, ``"numbers"`` and ``"ages"`` to ids.

        Raises:
            BadField: values that are not lists, or lists of two lengths; a wrong id or moment; a
                step that is not before the request, or is before the step ahead of it.
        """
        column, length = self.column, self.column.length
        ids, moments = as_list(raw, of_ids), as_list(times, of_times)
        if len(ids) != len(moments):
            raise BadField(
                of_times, f"expected {len(ids)} moments, one for each id, got {len(moments)}"
            )
        known = column.ids(ids, lambda step: (*of_ids, step)).tolist()
        steps = [
            (one, seconds_of(moment, self._unit, (*of_times, step)), step)
            for step, (one, moment) in enumerate(zip(known, moments, strict=True))
        ]
        if column.newest_first:
            steps.reverse()
        known = np.array([step[0] for step in steps], bool)
        kept = column.cut(known, np.array([len(steps)]), length, lambda _: of_ids, "values")[0]
        steps = [steps[place] for place in kept]
        self._check(steps, moments, now, of_times)
        laid = np.zeros((1, length), np.int32)
        seconds = np.full((1, length), -np.inf)
        laid[0, : len(steps)] = [step[0] for step in steps]
        seconds[0, : len(steps)] = [step[1] for step in steps]
        rule = self._sessions
        sessions, numbers = cut_sessions(laid, seconds, rule["number"], rule["length"], rule["gap"])
        ages = age_ids(seconds, np.array([now]), self._ages["edges"])
        made = {SESSIONS: sessions, NUMBERS: numbers, AGES: ages}
        return {what: array[0].tolist() for what, array in made.items()}

    @staticmethod
    def _check(steps, moments, now, place):
        for _, seconds, step in steps:
            if seconds >= now:
                raise BadField(
                    (*place, step),
                    f"expected a moment before the request's own, got {shown(moments[step])}",
                )
        for (_, before, _), (_, seconds, step) in itertools.pairwise(steps):
            if seconds < before:
                raise BadField(
                    (*place, step),
                    f"expected moments in order of time, got an earlier one, "
                    f"{shown(moments[step])}",
                )
