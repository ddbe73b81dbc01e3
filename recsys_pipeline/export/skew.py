"""Compare the features that training and service read for the same rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


def feature_skew(
    training: Mapping[str, Any], serving: Mapping[str, Any], tolerance: float = 1e-6
) -> pd.DataFrame:
    """Compare the features of the same rows in training and in service, column by column.

    A model needs the features that it was trained on, and no score shows when they differ: by a
    vocabulary of yesterday, by the other end of a list that is cut, by a number that is scaled
    twice.

    Args:
        training: dict of column name to array ``(rows, ...)``, as in a split's ``features``.
        serving: the same rows as the service reads them, in the same order; for example what
            ``Replay(folder).encode.rows(raw_rows)`` returns.
        tolerance: largest difference of numbers that count as equal.

    Returns:
        A frame with a row for each column, worst first: ``rows`` that differ, their ``share``,
        ``first`` row that differs (-1: none), and the values of both sides there.

    Raises:
        ValueError: a column that only one side has, or different numbers of rows.

    Example:
        >>> feature_skew({"item_id": [3, 7]}, {"item_id": [3, 0]}).loc["item_id", "share"].item()
        0.5
    """
    if set(training) != set(serving):
        raise ValueError(
            f"feature_skew: expected the columns {sorted(training)}, got {sorted(serving)}"
        )
    table = []
    for name in training:
        of_training, of_serving = np.asarray(training[name]), np.asarray(serving[name])
        if of_training.shape != of_serving.shape:
            raise ValueError(
                f"feature_skew, column {name!r}: expected the shape {of_training.shape}, got "
                f"{of_serving.shape}"
            )
        apart = of_training != of_serving
        if of_training.dtype.kind == "f":  # ids are equal or not
            apart &= ~np.isclose(of_training, of_serving, rtol=tolerance, atol=tolerance)
        rows = np.flatnonzero(apart.reshape(len(apart), -1).any(axis=1))
        first = int(rows[0]) if len(rows) else -1
        table.append(
            {
                "column": name,
                "rows": len(rows),
                "share": len(rows) / max(len(apart), 1),
                "first": first,
                "training": of_training[first].tolist() if len(rows) else None,
                "serving": of_serving[first].tolist() if len(rows) else None,
            }
        )
    frame = pd.DataFrame(table).set_index("column")
    return frame.sort_values("rows", ascending=False, kind="stable")
