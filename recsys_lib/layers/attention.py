"""Attention over steps or sessions: a softmax that knows what is real, and the bilinear unit."""

import keras
import tensorflow as tf
from keras import KerasTensor, ops

from recsys_lib.checks import check_choice
from recsys_lib.layers.options import Configured

STEP_SCALES = ("raw", "length", "softmax")
"""How the scores of steps that are weighed and added up are scaled, see ``weights_of_steps``."""


def masked_softmax(logits: KerasTensor, mask: KerasTensor, axis: int = -1) -> KerasTensor:
    """Softmax over the entries whose mask is 1: zeros elsewhere, and zeros where there is none.

    Args:
        logits, mask: tensors of one shape; the mask holds 0 and 1.
        axis: the axis that sums to one.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import numpy as np
        >>> logits, mask = np.float32([[0, 0, 9], [1, 2, 3]]), np.float32([[1, 1, 0], [0, 0, 0]])
        >>> masked_softmax(logits, mask).numpy().tolist()
        [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    """
    logits = ops.convert_to_tensor(logits)
    mask = ops.cast(mask, logits.dtype)
    # The largest *real* logit is taken off: garbage at padding must not underflow the real ones.
    # Elsewhere stands the smallest number of the type: -1e9 is minus infinity in half precision,
    # and the difference of two infinities is no number.
    real = ops.where(mask > 0, logits, tf.as_dtype(logits.dtype).min)
    shifted = real - ops.stop_gradient(ops.max(real, axis=axis, keepdims=True))
    weights = ops.exp(shifted) * mask
    total = ops.sum(weights, axis=axis, keepdims=True)
    return weights / ops.where(total > 0, total, 1.0)


def weights_of_steps(scores: KerasTensor, mask: KerasTensor, scale: str) -> KerasTensor:
    """Weights of real steps from their scores: 0 at padding.

    Args:
        scores: ``(batch, steps)``.
        mask: ``(batch, steps)``, or one row of it for all: 1 for real steps.
        scale: ``"raw"``: the scores; ``"length"``: divided by the number of real steps;
            ``"softmax"``: over the real steps.

    Returns:
        ``(batch, steps)``.

    Example:
        >>> import numpy as np
        >>> scores, mask = np.float32([[3, -1, 9]]), np.float32([[1, 1, 0]])
        >>> weights_of_steps(scores, mask, "length").numpy().tolist()
        [[1.5, -0.5, 0.0]]
    """
    if scale == "softmax":
        return masked_softmax(scores, mask)
    weights = scores * mask
    if scale == "raw":
        return weights
    # Counted in whole numbers: half precision knows no lengths above 256 or 2,048.
    length = ops.sum(ops.cast(mask > 0, "int32"), axis=-1, keepdims=True)
    return weights / ops.cast(ops.maximum(length, 1), weights.dtype)


@keras.saving.register_keras_serializable("recsys_lib")
class BilinearAttention(Configured):
    """Share of attention that each state gets from the candidate: ``softmax_k(h_k W v)``.

    Args:
        scale: of the scores ``h_k W v``, see ``weights_of_steps``; the papers' is the softmax.

    Call arguments:
        states: ``(batch, steps, units)``.
        candidate: ``(batch, width)``; the widths may differ.
        step_mask: ``(batch, steps)``, 1 for real steps.

    Returns:
        ``(batch, steps)``: 0 at padding and in empty rows; a softmax sums to 1 over the real steps.

    Raises:
        ValueError: an unknown scale.

    Sources: Zhou et al. 2019, "Deep Interest Evolution Network", equation 8; Feng et al. 2019,
    "Deep Session Interest Network", section 3.5.
    """

    def __init__(self, scale="softmax", **kwargs):
        super().__init__(**kwargs)
        self.scale = check_choice("scale", scale, STEP_SCALES)

    def build(self, states_shape, candidate_shape, step_mask_shape):
        self.kernel = self.add_weight(name="kernel", shape=(states_shape[-1], candidate_shape[-1]))

    def call(self, states, candidate, step_mask):
        turned = ops.matmul(candidate, ops.transpose(self.kernel))  # (batch, units): W v
        scores = ops.einsum("btu,bu->bt", states, turned)
        return weights_of_steps(scores, step_mask, self.scale)

    def call_request(self, is_single, states, candidate, step_mask):
        """The shares of one request's states for many candidates; see ``RequestWalk``."""
        if is_single(candidate) or not is_single(states) or not is_single(step_mask):
            return NotImplemented
        turned = ops.matmul(candidate, ops.transpose(self.kernel))
        scores = ops.matmul(turned, ops.transpose(states[0]))
        return weights_of_steps(scores, step_mask, self.scale)


def weighted_sum(weights: KerasTensor, vectors: KerasTensor, name: str) -> KerasTensor:
    """``sum_j w_j e_j`` over the steps, as a named layer: ``(batch, width)``.

    Args:
        weights: ``(batch, steps)``, 0 at padding; where all are 0 the sum is the zero vector.
        vectors: ``(batch, steps, width)``.
        name: the layer's name.

    Example:
        >>> import numpy as np
        >>> weights, vectors = np.float32([[2, 1]]), np.float32([[[1, 0], [0, 3]]])
        >>> weighted_sum(weights, vectors, "interest").numpy().tolist()
        [[2.0, 3.0]]
    """
    return keras.layers.Dot(axes=1, name=name)([weights, vectors])
