"""The search in a long history: which few of thousands of behaviours the attention gets to see.

A first stage gives every behaviour a score for this candidate that is cheap to compute; the k
behaviours of the highest score go to a second stage, which looks at them closely. What the first
stage leaves out is lost, so its recall can be measured where it is known which behaviours matter.

    A = the k real steps of the highest score,    interest = attention over A

No derivative goes through the choice: positions are whole numbers.

Sources: Pi et al. 2020, "Search-based User Interest Modeling with Lifelong Sequential Behavior
Data for Click-Through Rate Prediction", section 3; Chen et al. 2021, "End-to-End User Behavior
Retrieval in Click-Through Rate Prediction Model", section 3; Chang et al. 2023, "TWIN: TWo-stage
Interest Network for Lifelong User Behavior Modeling in CTR Prediction at Kuaishou", section 4.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import KerasTensor, ops

from recsys_lib.checks import check_bool, check_integer
from recsys_lib.data.splits import Split
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.options import Configured
from recsys_lib.sequence.behaviours import RecencyEmbedding, Request

NOTHING = -1
"""Where the search found fewer steps than it may, in the place of a position."""


@keras.saving.register_keras_serializable("recsys_lib")
class TopSteps(Configured):
    """The positions of the steps of the highest score; of equal scores the latest steps.

    Call arguments:
        scores: ``(batch, steps)``, or ``(batch, steps, heads)``, whose mean over the heads counts.
        step_mask: ``(batch, steps)``, 1 for the steps that may be found.

    Returns:
        ``(batch, k)`` int32, the highest score first; -1 where there are fewer such steps. k is
        ``found_steps`` or the number of steps, whichever is less. No gradient reaches the scores.

    Args:
        found_steps: how many steps are found at most.

    Raises:
        ValueError: fewer than one.
    """

    def __init__(self, found_steps=100, **kwargs):
        super().__init__(**kwargs)
        self.found_steps = check_integer("found_steps", found_steps)

    def call(self, scores, step_mask):
        scores = ops.stop_gradient(scores)
        if len(scores.shape) == 3:
            scores = ops.mean(scores, axis=-1)
        steps = scores.shape[1]
        nothing = tf.as_dtype(scores.dtype).min
        scores = ops.where(step_mask > 0, scores, nothing)
        # Of equal scores `top_k` takes the first one: the latest, if the last step comes first.
        found, backwards = ops.top_k(ops.flip(scores, axis=1), min(self.found_steps, steps))
        return ops.where(found > nothing, steps - 1 - ops.cast(backwards, "int32"), NOTHING)

    def compute_output_shape(self, scores_shape, step_mask_shape):
        return (scores_shape[0], min(self.found_steps, scores_shape[1]))

    def compute_output_spec(self, scores, step_mask):
        shape = self.compute_output_shape(scores.shape, step_mask.shape)
        return keras.KerasTensor(shape, dtype="int32")


@keras.saving.register_keras_serializable("recsys_lib")
class FoundSteps(keras.layers.Layer):
    """Gather the vectors at the positions that the search found.

    Call arguments:
        vectors: ``(batch, steps, width)``.
        positions: ``(batch, k)``, -1 for none.

    Returns:
        ``(batch, k, width)``, zeros where nothing was found.
    """

    def call(self, vectors, positions):
        found = tf.gather(vectors, ops.maximum(positions, 0), batch_dims=1)
        return ops.where(ops.expand_dims(positions >= 0, -1), found, 0)

    def compute_output_shape(self, vectors_shape, positions_shape):
        return (*positions_shape, vectors_shape[-1])


def step_features(request: Request, recency: bool, embedding_dim: int) -> KerasTensor | None:
    """Return what a step has beside its behaviour, for example its age.

    Args:
        request: ``Request``, whose context is a part.
        recency: whether a learned vector of how many behaviours ago it was is another one.
        embedding_dim: width of that vector.

    Returns:
        ``(batch, steps, width)``, or None where there is nothing.
    """
    parts = [] if request.context is None else [request.context]
    if check_bool("recency", recency):
        parts.append(RecencyEmbedding(embedding_dim, name="recency")(request.mask))
    return side_by_side(parts) if parts else None


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
