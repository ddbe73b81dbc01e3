"""The values of a table's ids: collected on training rows, looked up for all rows."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.files.arrays import Codes, canonical, number_values

MISSING = None
"""The name of a missing value in a vocabulary."""


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The values of a table's ids; id ``i`` is value ``i - 1``.

    Args:
        values: Arrow array of texts or whole numbers; a null at its end is the missing value.
        canonical: whether texts are in the only form of an id, into which other values are brought
            before they are looked up; False: of a model that was trained before there was one.
    """

    values: pa.Array
    canonical: bool = True

    def __len__(self) -> int:
        return len(self.values)

    @property
    def array(self) -> np.ndarray:
        """The values; ``None`` is the missing one."""
        if pa.types.is_integer(self.values.type) and not self.values.null_count:
            return self.values.to_numpy()
        return np.array(self.values.to_pylist(), object)

    def ids(self, column: pa.ChunkedArray) -> np.ndarray:
        """The ids of values, ``(N,)`` int32; 0 for unknown values."""
        found = number_values(column)
        found = canonical(found) if self.canonical else found
        known, values = found.values, self.values
        if known.type != values.type:
            known, values = known.cast(pa.string()), values.cast(pa.string())
        place = pc.index_in(known, values)
        ids = np.zeros(len(found.values) + 1, np.int32)
        ids[:-1] = pc.fill_null(place, -1).to_numpy(zero_copy_only=False) + 1
        ids[:-1][np.asarray(known.is_null())] = 0
        ids[-1] = self.missing_id
        return ids[found.codes]  # code -1, a missing value, reads the last entry

    @property
    def missing_id(self) -> int:
        """The id of a missing value; 0 if the vocabulary has none for it."""
        found = np.flatnonzero(np.asarray(self.values.is_null()))
        return int(found[0]) + 1 if len(found) else 0

    def config(self) -> dict[str, Any]:
        """The values in types that JSON knows."""
        return {
            "type": str(self.values.type),
            "values": self.values.to_pylist(),
            "canonical": self.canonical,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Vocabulary":
        """The vocabulary that ``config`` described."""
        kind = {"string": pa.string(), "int64": pa.int64()}[config["type"]]
        is_canonical = config.get("canonical", kind == pa.int64())
        return cls(pa.array(config["values"], kind), is_canonical)


def fit_vocabulary(streams: Sequence[tuple[Codes, bool]], min_count: int) -> Vocabulary:
    """The values of some columns of training rows that become ids.

    Args:
        streams: for each column its values, row by row, and whether a missing one has an id.
        min_count: fewest occurrences of a value, in all columns together.

    Returns:
        The values in the order in which they appear, column after column, the missing one last.
    """
    kinds = {codes.values.type for codes, _ in streams}
    kind = kinds.pop() if len(kinds) == 1 else pa.string()
    joint = pa.concat_arrays([codes.values.cast(kind) for codes, _ in streams])
    joint = joint.dictionary_encode()
    missing = len(joint.dictionary)
    place = np.append(joint.indices.to_numpy(zero_copy_only=False), -1)
    seen, start = [], 0
    for codes, has_missing in streams:
        of_column = place[start : start + len(codes.values)]
        start += len(codes.values)
        found = np.append(of_column, missing if has_missing else missing + 1)[codes.codes]
        seen.append(found)
    stream = np.concatenate(seen)
    counts = np.bincount(stream, minlength=missing + 2)
    first = np.full(missing + 2, len(stream))
    first[stream[::-1]] = np.arange(len(stream))[
        ::-1
    ]  # the last write wins, and that is of the first occurrence
    known = (counts >= min_count) & (counts > 0)
    has_missing = bool(known[missing])
    known[missing:] = False
    order = np.argsort(np.where(known, first, len(stream) + 1), kind="stable")[: known.sum()]
    values = joint.dictionary.take(pa.array(order))
    return Vocabulary(pa.concat_arrays([values, pa.nulls(int(has_missing), kind)]))
