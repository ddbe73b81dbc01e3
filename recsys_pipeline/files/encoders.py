"""Encoders: they turn raw columns into features, fitted on training rows and fixed from then on.

Each encoder belongs to one column of the file. It is created fitted, it encodes any rows, and
``encoder_to_config`` describes it in JSON, so that a model in production reads features made as in
training. A value that training rows did not show often enough is id 0.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from recsys_lib.features.columns import (
    CategoricalColumn,
    Column,
    NumericColumn,
    column_from_config,
    column_to_config,
)
from recsys_pipeline.files.arrays import as_numbers, categories_of
from recsys_pipeline.files.sequence_encoder import SequenceEncoder
from recsys_pipeline.files.vocabulary import MISSING, Vocabulary


@dataclasses.dataclass(frozen=True)
class CategoricalEncoder:
    """One id per row.

    Args:
        source: name of the column in the file.
        column: the feature column.
        vocabulary: of its table.
    """

    source: str
    column: CategoricalColumn
    vocabulary: Vocabulary

    @property
    def columns(self) -> tuple[Column, ...]:
        """The feature columns that it fills."""
        return (self.column,)

    def encode(self, raw: Mapping[str, pa.ChunkedArray]) -> dict[str, np.ndarray]:
        """The features of rows.

        Args:
            raw: dict of the columns of the file.
        """
        return {self.column.name: self.vocabulary.ids(categories_of(raw[self.source]))}


@dataclasses.dataclass(frozen=True)
class NumericEncoder:
    """A number in the scale that the model reads, and whether it is missing.

    Args:
        source: name of the column in the file.
        column: the feature column.
        logarithm: whether sign(x) log(1 + abs(x)) is taken first.
        mean, spread: the mean is subtracted, then the result is divided by the spread.
        tells_missing: whether a further column, ``<name>_missing``, is 1 where a number is missing.
    """

    source: str
    column: NumericColumn
    logarithm: bool
    mean: float
    spread: float
    tells_missing: bool

    @property
    def columns(self) -> tuple[Column, ...]:
        """The feature columns that it fills."""
        if not self.tells_missing:
            return (self.column,)
        return (self.column, NumericColumn(f"{self.column.name}_missing", group=self.column.group))

    def encode(self, raw: Mapping[str, pa.ChunkedArray]) -> dict[str, np.ndarray]:
        """The features of rows; see ``CategoricalEncoder``."""
        values = as_numbers(raw[self.source])
        missing = np.isnan(values)
        scaled = (logarithm(values) if self.logarithm else values) - self.mean
        scaled = np.where(missing, 0, scaled / self.spread).astype(np.float32)
        features = {self.column.name: scaled}
        if self.tells_missing:
            features[f"{self.column.name}_missing"] = missing.astype(np.float32)
        return features


@dataclasses.dataclass(frozen=True)
class BinEncoder:
    """The bin of a number as an id: bin ``i`` is id ``i + 1``.

    Args:
        source: name of the column in the file.
        column: the feature column.
        edges: ascending; a number equal to an edge is in the bin above it.
        missing_id: id of rows without a number.
    """

    source: str
    column: CategoricalColumn
    edges: tuple[float, ...]
    missing_id: int

    @property
    def columns(self) -> tuple[Column, ...]:
        """The feature columns that it fills."""
        return (self.column,)

    @property
    def vocabulary(self) -> Vocabulary:
        """The range of each id, in words."""
        edges = [f"{edge:g}" for edge in self.edges]
        between = [f"{low} to {high}" for low, high in itertools.pairwise(edges)]
        words = [f"below {edges[0]}", *between, f"{edges[-1]} or more"]
        return Vocabulary(pa.array(words + [MISSING] * (self.missing_id > 0), pa.string()))

    def encode(self, raw: Mapping[str, pa.ChunkedArray]) -> dict[str, np.ndarray]:
        """The features of rows; see ``CategoricalEncoder``."""
        values = as_numbers(raw[self.source])
        bins = np.searchsorted(self.edges, values, side="right") + 1
        ids = np.where(np.isnan(values), self.missing_id, bins)
        return {self.column.name: ids.astype(np.int32)}


Encoder = CategoricalEncoder | NumericEncoder | BinEncoder | SequenceEncoder


def logarithm(values: np.ndarray) -> np.ndarray:
    """sign(x) log(1 + abs(x)): a long tail becomes short, and 0 stays 0."""
    return np.sign(values) * np.log1p(np.abs(values))


def encode_rows(encoders: Sequence[Encoder], raw: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The features of new rows, made like those of the training rows.

    Args:
        encoders: of all columns.
        raw: dict of the columns of the file to values: lists, arrays or Arrow arrays.

    Returns:
        Dict of feature column to array.

    Raises:
        ValueError: a missing column.
    """
    features: dict[str, np.ndarray] = {}
    for encoder in encoders:
        if encoder.source not in raw:
            raise ValueError(f"rows: expected a column {encoder.source!r}, got {sorted(raw)}")
        features |= encoder.encode(raw)
    return features


_ENCODERS = {kind.__name__: kind for kind in Encoder.__args__}


def encoder_to_config(encoder: Encoder) -> dict[str, Any]:
    """An encoder in types that JSON knows; a vocabulary is named by its table."""
    config: dict[str, Any] = {"kind": type(encoder).__name__}
    for field in dataclasses.fields(encoder):
        value = getattr(encoder, field.name)
        if field.name == "column":
            value = column_to_config(value)
        elif isinstance(value, Vocabulary) and not isinstance(encoder, NumericEncoder):
            value = encoder.column.table_name
        config[field.name] = list(value) if isinstance(value, tuple) else value
    return config


def encoder_from_config(
    config: Mapping[str, Any], vocabularies: Mapping[str, Vocabulary]
) -> Encoder:
    """The encoder that ``encoder_to_config`` described."""
    config = dict(config)
    kind = _ENCODERS[config.pop("kind")]
    config["column"] = column_from_config(config["column"])
    if "vocabulary" in config:
        config["vocabulary"] = vocabularies[config["vocabulary"]]
    for name in ("edges", "sessions"):
        if config.get(name) is not None:
            config[name] = tuple(config[name])
    return kind(**config)
