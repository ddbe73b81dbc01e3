"""Placeholders for feature columns: with a few ids each, known before a row is read."""

from recsys_lib.data.sessions import NUM_AGE_BUCKETS
from recsys_lib.features.columns import CategoricalColumn, Column, NumericColumn, SequenceColumn
from recsys_pipeline.files.description import ColumnDescription, Description, task_name
from recsys_pipeline.files.joining import open_tables
from recsys_pipeline.files.resolving import resolve
from recsys_pipeline.files.sources import files_of, format_of, open_sources

FEW = 3


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
    kind = format_of(first, description.format)
    if kind not in ("csv", "parquet"):
        return None
    (source,) = open_sources(
        [first], kind, header=description.header, separator=description.separator
    )
    found: list[Column] = []
    for name, column in resolve(description, source, open_tables(description)).items():
        found += _placeholders_of(task_name(name), column)
    return tuple(found)


def _placeholders_of(name: str, column: ColumnDescription) -> list[Column]:
    if column.kind == "numeric" and column.scaling != "bins":
        return [NumericColumn(name, group=column.group)]
    table = None if column.table is None else task_name(column.table)
    if column.kind != "sequence":
        dim = column.embedding_dim
        return [CategoricalColumn(name, FEW, column.group, table, dim)]
    assert column.max_length is not None
    sequence = SequenceColumn(
        name,
        FEW,
        column.max_length,
        column.group,
        table,
        column.embedding_dim,
        column.combiner,
        column.ordered,
    )
    if column.sessions is None:
        return [sequence]
    number, length = column.sessions
    return [
        sequence,
        SequenceColumn(
            f"session_{name}",
            FEW,
            number * length,
            column.group,
            table or name,
            column.embedding_dim,
            num_sessions=number,
        ),
        SequenceColumn(f"{name}_session", number + 1, column.max_length, column.group),
        SequenceColumn(f"{name}_age", NUM_AGE_BUCKETS, column.max_length, column.group),
    ]
