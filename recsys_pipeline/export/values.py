"""How the raw values of a column were encoded for training."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from recsys_lib.checks import check_choice
from recsys_lib.features.columns import Column, NumericColumn, SequenceColumn
from recsys_pipeline.export.fields import canonical_id


@dataclasses.dataclass(frozen=True)
class Values:
    """How the raw values of a column were encoded for training.

    Args:
        known: an id column's raw values in the order of their ids, as text; None: a raw value is
            the id itself.
        first: id of the first known value.
        unknown: id of a value that is not known.
        missing: id or number of a missing value; None, for a number: it is refused.
        source: name of the request's field; default: the column's.
        keep: which end of a list that is too long is read, ``"first"`` or ``"last"``; None: such a
            list is refused.
        newest_first: whether lists begin with the newest id.
        edges: an id column of numbers in bins: their rising inner edges; bin ``i`` holds the
            numbers from edge ``i - 1`` up to below edge ``i`` and has the id ``first + i``.
        logarithm: whether a number x became ``sign(x) log(1 + |x|)``.
        shift, scale: a number, after the logarithm, became ``(x - shift) / scale``.
        indicator: whether the number is 1 where its field is missing and else 0.
        canonical: whether an id is read in its only form, see
            ``recsys_pipeline.export.fields.canonical_id``; False: of data in which " a" and "a", or
            "1.0" and "1", are two ids.

    Raises:
        ValueError: an end that a list does not have, or a scale of 0 or less.
    """

    known: Sequence[Any] | None = None
    first: int = 1
    unknown: int = 0
    missing: float | None = 0
    source: str | None = None
    keep: str | None = None
    newest_first: bool = False
    edges: Sequence[float] | None = None
    logarithm: bool = False
    shift: float = 0.0
    scale: float = 1.0
    indicator: bool = False
    canonical: bool = True

    def __post_init__(self) -> None:
        check_choice("keep", self.keep, (None, "first", "last"))
        if not self.scale > 0:
            raise ValueError(f"scale: expected a number above 0, got {self.scale!r}")

    def to_config(self, column: Column) -> dict[str, Any]:
        """A column's entry in the description.

        Args:
            column: whose values they are.

        Raises:
            ValueError: ids outside the column's vocabulary, or a raw value that is there twice.
        """
        source = {} if self.source is None else {"source": self.source}
        if isinstance(column, NumericColumn):
            if self.indicator:
                return {**source, "indicator": True}
            return {
                **source,
                "logarithm": bool(self.logarithm),
                "shift": float(self.shift),
                "scale": float(self.scale),
                "missing": None if self.missing is None else float(self.missing),
            }
        place = f"values of column {column.name!r}"
        config: dict[str, Any] = {"unknown": int(self.unknown), "missing": int(self.missing or 0)}
        config |= source | {"canonical": self.canonical}
        last = 0
        if self.edges is not None:
            config |= {"edges": [float(edge) for edge in self.edges], "first": int(self.first)}
            last = self.first + len(self.edges)
        elif self.known is not None:
            known = [as_text(value) for value in self.known]
            known = [canonical_id(text) or "" for text in known] if self.canonical else known
            if len(set(known)) != len(known):
                raise ValueError(f"{place}: expected each value once, got one twice")
            config |= {"known": known, "first": int(self.first)}
            last = self.first + len(known) - 1
        if isinstance(column, SequenceColumn):
            config |= {"keep": self.keep, "newest_first": bool(self.newest_first)}
        if max(last, config["unknown"], config["missing"]) >= column.vocabulary_size:
            raise ValueError(
                f"{place}: expected ids below {column.vocabulary_size}, got "
                f"{max(last, config['unknown'], config['missing'])}"
            )
        return config


def as_text(value: Any) -> str:
    """A raw value as the text that a request may give, so that 7 and "7" are one value."""
    return str(value.item() if isinstance(value, np.generic) else value)
