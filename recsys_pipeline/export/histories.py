"""How an export describes histories with moments: how their sessions and ages are computed."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recsys_lib.data.session_rules import AGE_EDGES, GAP_SECONDS
from recsys_lib.features.columns import Column
from recsys_pipeline.export.describing import describe_column
from recsys_pipeline.export.encoders import values_of_encoders
from recsys_pipeline.export.moments import AGE, AGES, CUT, NUMBERS, SESSIONS
from recsys_pipeline.export.values import Values

if TYPE_CHECKING:
    from recsys_pipeline.files.sequence_encoder import SequenceEncoder


@dataclasses.dataclass(frozen=True)
class TimedHistory:
    """A history with moments, from which columns are computed that the model reads.

    Args:
        encoder: of its ids, their moments and its sessions.
        values: how its ids are read.
        made: dict of the computed columns that the model reads to their kinds: ``"sessions"``,
            ``"numbers"``, ``"ages"``.
        time_format: of the request's own moment, as ``strptime`` has it, or None.
    """

    encoder: "SequenceEncoder"
    values: Values
    made: Mapping[str, str]
    time_format: str | None

    @property
    def source(self) -> str:
        """Name of the field with its ids."""
        return self.values.source or self.encoder.column.name

    def moment(self, seconds: float) -> float | str:
        """The raw value of a request's moment."""
        if self.time_format is None:
            return self.raw(seconds)
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        return moment.strftime(self.time_format)

    def raw(self, seconds: float) -> float:
        """The raw value of a step's moment, as an integer if it is whole."""
        number = float(seconds) / self.encoder.unit
        return round(number) if round(number) * self.encoder.unit == seconds else number


def histories_of(
    columns: Iterable[Column], dataset: Any, given: Mapping[str, Values] | None
) -> list[TimedHistory]:
    """The histories of a data set from files whose moments matter to a model.

    Args:
        columns: the model's.
        dataset: a data set, or None.
        given: names of columns that the caller describes; they are read and not computed.

    Returns:
        Those of which the model reads at least one computed column.
    """
    encoders = getattr(dataset, "encoders", None) or ()
    given = given or {}
    read = {column.name for column in columns} - set(given)
    time = (getattr(dataset, "description", None) or {}).get("time") or {}
    found = []
    for encoder in encoders:
        if getattr(encoder, "sessions", None) is None:
            continue
        of, *others = encoder.columns
        kinds = zip(others, (SESSIONS, NUMBERS, AGES), strict=True)
        made = {column.name: what for column, what in kinds if column.name in read}
        if made:
            values = given.get(of.name) or values_of_encoders([encoder])[of.name]
            found.append(TimedHistory(encoder, values, made, time_format=time.get("format")))
    return found


def describe_histories(
    histories: Sequence[TimedHistory], columns: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The entries of a description for histories with moments; empty if there are none.

    Args:
        histories: what ``histories_of`` returned.
        columns: the columns' entries; computed columns get another ``values``.

    Returns:
        Dict of ``moment``, the request's own, and ``histories``.
    """
    if not histories:
        return {}
    made = {name: (history, what) for history in histories for name, what in history.made.items()}
    for spec in columns:
        if spec["name"] in made:
            history, what = made[spec["name"]]
            spec["values"] = {"source": history.source, "made": what}
    names, first = {spec["name"] for spec in columns}, histories[0].encoder
    form = histories[0].time_format
    return {
        "moment": {"source": first.time, "unit": first.unit, "format": form},
        "histories": [_described(history, names) for history in histories],
    }


def check_apart(groups: list[list[str]], histories: Iterable[TimedHistory]) -> list[list[str]]:
    """The groups of lists whose steps belong together, checked to have no history with moments.

    Raises:
        ValueError: there is one, or a column that is computed from it.
    """
    timed = {name for history in histories for name in (history.encoder.column.name, *history.made)}
    if both := sorted(timed & {name for names in groups for name in names}):
        raise ValueError(
            f"side_by_side: expected lists that are not read with their moments, got {both}"
        )
    return groups


def _described(history, names):
    encoder = history.encoder
    number, length = encoder.sessions
    spec = {
        "name": encoder.column.name,
        "times": encoder.times,
        "unit": float(encoder.unit),
        "made": list(history.made),
        "sessions": {"rule": CUT, "gap": float(GAP_SECONDS), "number": number, "length": length},
        "ages": {"rule": AGE, "edges": list(AGE_EDGES)},
    }
    # The model may read only the columns that are computed from it.
    if encoder.column.name not in names:
        spec["column"] = describe_column(encoder.column, history.values)
    return spec
