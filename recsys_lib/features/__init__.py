"""Feature columns and the layers that turn their ids and numbers into vectors and logits."""

from recsys_lib.features.columns import (
    CategoricalColumn,
    NumericColumn,
    SequenceColumn,
    check_columns,
    select,
)

__all__ = ["CategoricalColumn", "NumericColumn", "SequenceColumn", "check_columns", "select"]
