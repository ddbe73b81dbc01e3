"""Do training and service read the same features of the same rows?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


def feature_skew(
    training: Mapping[str, Any], serving: Mapping[str, Any], tolerance: float = 1e-6
) -> pd.DataFrame:
    """Compare what training and service made of the same rows, column by column.

    A model is as good in service as its features are those that it was trained on, and no score
    tells when they are not: a vocabulary of yesterday, another end of a list that is cut, a number
    that is scaled twice.

    Args:
        training: dict of column name to array ``(rows, ...)``, as in a split's ``features``.
        serving: the same rows as the service reads them, in the same order; for example what
            ``Replay(folder).encode.rows(raw_rows)`` returns.
        tolerance: how far numbers may be apart.

    Returns:
        A frame with a row for each column, worst first: ``rows`` that differ, their ``share``,
        ``first`` row that differs (-1: none), and what either side has there.

    Raises:
        ValueError: a column that one side does not have, or another number of rows.

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
