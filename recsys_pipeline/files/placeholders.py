"""Placeholders for feature columns: with a few ids each, known before a row is read."""

import pyarrow as pa

from recsys_lib.features.columns import Column, NumericColumn
from recsys_pipeline.files.description import ColumnDescription, Description, task_name
from recsys_pipeline.files.fitting import ids_column
from recsys_pipeline.files.joining import open_tables
from recsys_pipeline.files.resolving import resolve
from recsys_pipeline.files.sequence_encoder import SequenceEncoder
from recsys_pipeline.files.sources import files_of, format_of, open_sources
from recsys_pipeline.files.vocabulary import Vocabulary

FEW = 3
_NO_VALUES = Vocabulary(pa.nulls(0))


def placeholders(description: Description) -> tuple[Column, ...] | None:
    """Columns to try a model with, of the right names, kinds, groups, tables and lengths.

    Args:
        description: of the data.

    Returns:
        The columns; None for a format whose columns are known only once it is read.

    Raises:
        ValueError: a missing file, columns that are not described.
    """
    files = files_of(description)
    first = next(iter(files.values()))[0]
    if format_of(first, description.format) not in ("csv", "parquet"):
        return None
    (source,) = open_sources([first], description)
    found: list[Column] = []
    for name, column in resolve(description, source, open_tables(description)).items():
        found += _placeholders_of(name, column)
    return tuple(found)


def _placeholders_of(name: str, column: ColumnDescription) -> tuple[Column, ...]:
    if column.kind == "numeric" and column.scaling != "bins":
        return (NumericColumn(task_name(name), group=column.group),)
    feature = ids_column(name, column, FEW)
    if column.kind != "sequence":
        return (feature,)
    return SequenceEncoder(name, feature, _NO_VALUES, sessions=column.sessions).columns
