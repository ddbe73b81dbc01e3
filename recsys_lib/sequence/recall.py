"""What the search in a long history found, and how much of what matters is among it."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from recsys_lib.checks import check_integer
from recsys_lib.data.splits import Split
from recsys_lib.sequence.search import TopSteps


def search_layer(model: keras.Model) -> TopSteps:
    """The search of a model.

    Args:
        model: of a builder with a search in it: SIM, ETA or TWIN.

    Returns:
        Its ``TopSteps`` layer.

    Raises:
        ValueError: a model without one, or with several.
    """
    found = [layer for layer in model.layers if isinstance(layer, TopSteps)]
    if len(found) != 1:
        raise ValueError(
            f"model {model.name!r}: expected one search, a layer TopSteps, got {len(found)}"
        )
    return found[0]


def found_positions(
    model: keras.Model, features: Mapping[str, Any], batch_size: int = 1024
) -> np.ndarray:
    """Which behaviours the search of a model found, row by row.

    Args:
        model: model with a search.
        features: column name to array ``(rows, ...)``; columns that the model does not read may
            be among them.
        batch_size: rows in one pass.

    Returns:
        ``(rows, k)`` int32: positions in the history, the highest score first, -1 for none.

    Raises:
        ValueError: a model without a search.
    """
    batch_size = check_integer("batch_size", batch_size)
    positions = search_layer(model).output
    names = [tensor.name for tensor in model.inputs]
    search = keras.Model(model.inputs, positions)
    run = tf.function(lambda inputs: search(inputs, training=False))
    num_rows = len(features[names[0]])
    found = [np.empty((0, positions.shape[1]), np.int32)]
    for first in range(0, num_rows, batch_size):
        rows = slice(first, first + batch_size)
        batch = {
            tensor.name: tf.convert_to_tensor(np.asarray(features[tensor.name])[rows], tensor.dtype)
            for tensor in model.inputs
        }
        found.append(run(batch).numpy())
    return np.concatenate(found)


def search_recall(
    model: keras.Model, split: Split, relevant: np.ndarray, batch_size: int = 1024
) -> np.ndarray:
    """Share of the behaviours that matter which the search of a model finds, row by row.

    Args:
        model: model with a search: SIM, ETA or TWIN.
        split: rows with the model's columns.
        relevant: booleans ``(rows, steps)``: the behaviours that matter for the row's candidate.
        batch_size: rows in one pass.

    Returns:
        ``(rows,)`` float64 in [0, 1]; not a number where nothing is relevant: ``np.nanmean`` takes
        the mean over the others. With more relevant steps than the search may find, the best
        possible share is below 1.

    Raises:
        ValueError: a model without a search, or ``relevant`` of another shape or type.

    Example:
        >>> from recsys_lib.data import simulator
        >>> from recsys_lib.sequence import build_sim
        >>> sizes = {"num_rows": 8, "num_valid_rows": 8, "num_test_rows": 8}
        >>> data = simulator.long_history(across=0.0, **sizes)
        >>> histories = ("history_category",)
        >>> model = build_sim(data.feature_columns, search="hard", histories=histories)
        >>> relevant = simulator.relevant_steps(data, data.test)
        >>> float(np.nanmean(search_recall(model, data.test, relevant)))
        1.0
    """
    layer = search_layer(model)
    shape = (len(split), layer.input[0].shape[1])
    relevant = np.asarray(relevant)
    if relevant.shape != shape or relevant.dtype != bool:
        raise ValueError(
            f"relevant: expected booleans of shape {shape}, got {relevant.dtype} of shape "
            f"{relevant.shape}"
        )
    positions = found_positions(model, split.features, batch_size)
    hits = np.take_along_axis(relevant, np.maximum(positions, 0), axis=1) & (positions >= 0)
    count = relevant.sum(axis=1)
    return np.where(count > 0, hits.sum(axis=1) / np.maximum(count, 1), np.nan)
