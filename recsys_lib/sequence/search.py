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

import keras
import tensorflow as tf
from keras import KerasTensor, ops

from recsys_lib.checks import check_bool, check_integer
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
class HashCodes(Configured):
    """The signs of a vector's projections on random directions, as +1 and -1 (of zero: +1).

    Call arguments:
        vectors: ``(..., width)``.

    Returns:
        ``(..., num_bits)``; no gradient comes back.

    Args:
        num_bits: directions, m.

    Raises:
        ValueError: fewer than one.

    Source: Charikar 2002, section 3; Chen et al. 2021, section 3.
    """

    def __init__(self, num_bits=32, **kwargs):
        super().__init__(**kwargs)
        self.num_bits = check_integer("num_bits", num_bits)

    def build(self, vectors_shape):
        self.directions = self.add_weight(
            name="directions",
            shape=(vectors_shape[-1], self.num_bits),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
        )

    def call(self, vectors):
        projected = ops.matmul(ops.stop_gradient(vectors), self.directions)
        return ops.where(projected >= 0, 1.0, -1.0)

    def compute_output_shape(self, vectors_shape):
        return (*vectors_shape[:-1], self.num_bits)


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
