"""``FileDataset``: a data set that can encode further rows as its own were encoded."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from recsys_lib.data.dataset import Dataset
from recsys_lib.features.columns import CategoricalColumn
from recsys_pipeline.files.encoders import (
    CategoricalEncoder,
    Encoder,
    NumericEncoder,
    encode_rows,
    encoder_from_config,
    encoder_to_config,
)
from recsys_pipeline.files.sequence_encoder import SequenceEncoder
from recsys_pipeline.files.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class FileDataset(Dataset):
    """A ``Dataset`` that was read from files.

    Args:
        vocabularies: name of a column of ids to the values of the ids; id ``i`` is entry
            ``i - 1``, and None is the missing value.
        left_out: name of each column that carries no information to the reason.
        unknown: of each list, and of each joined table's file: dict of split to the share of the
            list's ids that training never showed, or of the rows whose key the table lacks.
        encoders: of the files' columns; ``encode`` applies them.
        warnings: sentences about what you should look at before you train a model.
        description: of the files.

    The other arguments, and the errors, are those of ``Dataset``.
    """

    vocabularies: dict = dataclasses.field(default_factory=dict)
    left_out: dict = dataclasses.field(default_factory=dict)
    unknown: dict = dataclasses.field(default_factory=dict)
    encoders: tuple[Encoder, ...] = ()
    warnings: tuple[str, ...] = ()
    description: dict = dataclasses.field(default_factory=dict)

    def encode(self, raw: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The features of other rows, encoded like the training rows.

        Args:
            raw: dict of the files' columns to values, such as a data frame's columns.

        Returns:
            Dict of feature column to array, as models and ``predict`` take it.

        Raises:
            ValueError: a missing column.
        """
        return encode_rows(self.encoders, raw)

    def encoding(self) -> dict[str, Any]:
        """All that ``encoders_from`` needs to encode rows elsewhere, in types that JSON knows."""
        tables = {
            encoder.column.table_name: encoder.vocabulary.config()
            for encoder in self.encoders
            if isinstance(encoder, CategoricalEncoder | SequenceEncoder)
        }
        return {
            "vocabularies": tables,
            "encoders": [encoder_to_config(encoder) for encoder in self.encoders],
        }


def encoders_from(encoding: Mapping[str, Any]) -> tuple[Encoder, ...]:
    """The encoders that ``FileDataset.encoding`` described.

    Args:
        encoding: its return value, or that value after it was written to JSON and read.

    Returns:
        The encoders; ``encode_rows`` applies them.
    """
    vocabularies = {
        table: Vocabulary.from_config(config) for table, config in encoding["vocabularies"].items()
    }
    return tuple(encoder_from_config(one, vocabularies) for one in encoding["encoders"])


def describe(dataset: FileDataset) -> pd.DataFrame:
    """Rows, share or mean of each label and, for each id column, share of unknown ids.

    Args:
        dataset: what ``load`` returned.

    Returns:
        A frame with a row for each split: ``rows``, ``<task>_rate`` of binary tasks or
        ``<task>_mean``, over the rows that have the label, ``<task>_rows`` if not all have it, and
        ``unknown_<column>``, for the file of a joined table ``unknown_<file>``.
    """
    table = []
    for split_name, part in dataset.splits.items():
        row: dict[str, Any] = {"split": split_name, "rows": len(part)}
        for task, kind in (dataset.tasks or {}).items():
            known = part.labels[task][part.rows_of(task)]
            what = "rate" if kind == "binary" else "mean"
            row[f"{task}_{what}"] = float(known.mean(dtype=np.float64)) if len(known) else np.nan
            if task in part.label_masks:
                row[f"{task}_rows"] = len(known)
        for column in dataset.feature_columns:
            if isinstance(column, CategoricalColumn):
                row[f"unknown_{column.name}"] = float((part.features[column.name] == 0).mean())
        row |= {f"unknown_{name}": shares[split_name] for name, shares in dataset.unknown.items()}
        table.append(row)
    return pd.DataFrame(table).set_index("split")


def vocabularies_of(encoders: Iterable[Encoder]) -> dict[str, np.ndarray]:
    """Dict of each column of ids to the values of its ids."""
    return {
        encoder.column.name: encoder.vocabulary.array
        for encoder in encoders
        if not isinstance(encoder, NumericEncoder)
    }
