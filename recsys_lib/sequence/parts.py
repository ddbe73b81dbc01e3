"""Parts of all sequence models: weighted sums over steps, their scale, the network, unrolling.

A model of a table differs from the others in how it makes its interest, so everything behind the
interest is one for all of them:

    logit = w . MLP([profile, v, interest])                  product=False
    logit = w . MLP([profile, v, interest, interest o v])    product=True

Models that weigh steps and add them up also choose how long their sum is: ``scale``. For scores a_j
of n real steps

    raw                   sum_j a_j e_j
    length                sum_j a_j e_j / n
    softmax               sum_j softmax_j(a) e_j
    batch_normalization   BN(sum_j a_j e_j)

The sum itself grows with the history, and a network has to learn that two lengths mean one thing.

Sources: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section 4.3
(the raw sum); Ioffe and Szegedy 2015, "Batch Normalization", section 3. The authors' code of DIEN
has the products and normalises all that the network reads.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import KerasTensor, ops

from recsys_lib.checks import check_bool, check_choice, check_number
from recsys_lib.layers.blocks import deep_logit, side_by_side
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import Configured, HistoryOptions, options_for
from recsys_lib.replicas import sum_over_replicas, sums_over_replicas
from recsys_lib.sequence.behaviours import Request

STEP_SCALES = ("raw", "length", "softmax")
"""How the scores of steps that are weighed and added up are scaled, see ``weights_of_steps``."""

SCALES = (*STEP_SCALES, "batch_normalization")


def masked_softmax(logits: KerasTensor, mask: KerasTensor, axis: int = -1) -> KerasTensor:
    """Softmax over the entries whose mask is 1: zeros elsewhere, and zeros where there is none.

    Args:
        logits: the scores.
        mask: of that shape, or broadcast to it but along ``axis``; it holds 0 and 1.
        axis: the axis that sums to one.

    Returns:
        A tensor of the logits' shape.

    Example:
        >>> import numpy as np
        >>> logits, mask = np.float32([[0, 0, 9], [1, 2, 3]]), np.float32([[1, 1, 0], [0, 0, 0]])
        >>> masked_softmax(logits, mask).numpy().tolist()
        [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    """
    logits = ops.convert_to_tensor(logits)
    is_real = mask > 0
    # Garbage at padding must not underflow the real logits: elsewhere stands the smallest number of
    # the type, since -1e9 is minus infinity in half precision and a row of these no number.
    real = ops.where(is_real, logits, tf.as_dtype(logits.dtype).min)
    return ops.softmax(real, axis=axis) * ops.cast(
        ops.any(is_real, axis=axis, keepdims=True), logits.dtype
    )


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


def step_scale(scale: str) -> str:
    """How the scores themselves are scaled: a normalised interest is made of the raw sum."""
    return "raw" if scale == "batch_normalization" else scale


@keras.saving.register_keras_serializable("recsys_lib")
class InterestNormalization(Configured):
    """Batch normalization of an interest, whose statistics count the rows with a behaviour.

        gamma o (interest - mean) / sqrt(variance + epsilon) + beta

    A row without a behaviour has an interest of zeros whatever was learned: counted, the statistics
    would tell how many of these a batch has. It is mapped like any other row.

    Args:
        momentum: share of the moving statistics that a step keeps; see ``MLP``.
        epsilon: added to the variance.

    Raises:
        ValueError: a momentum outside 0 to 1, or an epsilon below 0.

    Call arguments:
        interest: ``(batch, width)``.
        step_mask: ``(batch, steps)``, 1 for real steps.

    Returns:
        ``(batch, width)``. Where no row of a batch counts, the moving statistics stay as they are.

    Source: Ioffe and Szegedy 2015, algorithm 1.
    """

    def __init__(self, momentum=0.9, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.momentum = check_number(f"{self.name}, momentum", momentum, 0, 1)
        self.epsilon = check_number(f"{self.name}, epsilon", epsilon, 0)

    def build(self, interest_shape, step_mask_shape):
        # Not cast by Keras: statistics and the normalisation stay in single precision at least.
        options = {"shape": (interest_shape[-1],), "autocast": False}
        self.gamma = self.add_weight(name="gamma", initializer="ones", **options)
        self.beta = self.add_weight(name="beta", initializer="zeros", **options)
        options["trainable"] = False
        self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **options)
        self.moving_variance = self.add_weight(
            name="moving_variance", initializer="ones", **options
        )

    def call(self, interest, step_mask, training=None):
        interest = ops.cast(interest, keras.backend.result_type(interest.dtype, "float32"))
        mean, variance, gamma, beta = (
            ops.cast(weight, interest.dtype)
            for weight in (self.moving_mean, self.moving_variance, self.gamma, self.beta)
        )
        if training:
            mean, variance = self._batch_statistics(interest, step_mask)
        outputs = (interest - mean) * ops.rsqrt(variance + self.epsilon) * gamma + beta
        return ops.cast(outputs, self.compute_dtype)

    def _batch_statistics(self, interest, step_mask):
        """Mean and variance over the rows that count; moves the moving ones."""
        is_real = ops.cast(ops.max(step_mask, axis=-1, keepdims=True) > 0, interest.dtype)
        sums = ops.sum(is_real * interest, axis=0)
        sums, total = sums_over_replicas(sums, ops.sum(is_real))  # of (batch, 1)
        count = ops.maximum(total, 1.0)
        mean = sums / count  # (width,)
        squares = ops.sum(is_real * ops.square(interest - mean), axis=0)
        variance = sum_over_replicas(squares) / count
        # A batch without a behaviour has no statistics to move towards.
        share = (1.0 - self.momentum) * ops.cast(total > 0, interest.dtype)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            step = share * (ops.stop_gradient(value) - ops.cast(moving, interest.dtype))
            moving.assign_add(ops.cast(step, moving.dtype))
        return mean, variance

    def compute_output_shape(self, interest_shape, step_mask_shape):
        return interest_shape


def normalized(request: Request, interest: KerasTensor, scale: str, name: str) -> KerasTensor:
    """The interest, behind a layer ``<name>_normalization`` where the scale asks for it.

    Args:
        request: ``Request``.
        interest: ``(batch, width)``, the raw sum where it is to be normalised.
        scale: one of ``SCALES``.
        name: of the interest's layer.

    Returns:
        ``(batch, width)``.
    """
    if scale != "batch_normalization":
        return interest
    return InterestNormalization(name=f"{name}_normalization")(interest, request.mask)


def with_products(
    request: Request, interests: Iterable[KerasTensor], product: bool
) -> list[KerasTensor]:
    """Return the network's inputs from the interests: each, then its product with the candidate.

    Args:
        request: ``Request``.
        interests: ``(batch, width)`` each, as wide as the candidate; or ``(batch, steps, width)``,
            steps that begin with what stands where the behaviours' vectors stood. Of these the
            first entries, as many as the candidate has, are multiplied.
        product: whether there are products.

    Returns:
        List of ``(batch, width)``; steps lie side by side.

    Raises:
        ValueError: ``product`` is neither True nor False, or an interest is too narrow for it.
    """
    check_bool("product", product)
    found = []
    for interest in interests:
        found.append(_flat(interest))
        if product:
            found.append(_flat(_product(interest, request.candidate)))
    return found


def _flat(interest):
    if len(interest.shape) == 2:
        return interest
    return ops.reshape(interest, (-1, interest.shape[1] * interest.shape[2]))


def _product(interest, candidate):
    width = candidate.shape[-1]
    if len(interest.shape) == 3:
        return ops.multiply(interest[..., :width], ops.expand_dims(candidate, 1))
    if interest.shape[-1] != width:
        raise ValueError(
            f"product: expected an interest as wide as the candidate, {width}, got one of "
            f"{interest.shape[-1]}; an even embedding_dim makes both alike"
        )
    return ops.multiply(interest, candidate)


def score(
    request: Request,
    interests: Sequence[KerasTensor],
    tasks: Tasks,
    common: HistoryOptions,
    predict: Callable[..., Any] = predict_one,
) -> KerasTensor | dict[str, KerasTensor]:
    """The network behind the interest: reads profile, candidate and interests, gives a prediction.

    Args:
        request: ``Request``.
        interests: what the model made of the behaviours, see ``with_products``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        common: the builder's shared options: of the network ``deep``, and ``product``. Without
            hidden layers the logit is a linear map.
        predict: function of ``tasks`` and the logit ``(batch, 1)``.

    Returns:
        The model's output: ``(batch,)``, or a dict of the task to it.

    Raises:
        ValueError: several tasks, or an option out of range.
    """
    parts = [] if request.profile is None else [request.profile]
    interests = with_products(request, interests, common["product"])
    features = side_by_side([*parts, request.candidate, *interests])
    # The head adds the one bias of the model.
    logit = deep_logit(features, **options_for(deep_logit, common))
    return predict(tasks, logit)


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


LONGEST_UNROLLED = 32
"""Steps up to which a recurrence is unrolled."""


def is_short(num_steps: int) -> bool:
    """Whether a recurrence over so many steps is unrolled.

    Short histories run step after step in the traced graph, long ones in one compiled loop: the
    loop costs time in every step of training, the unrolled graph once, when it is traced. Measured
    on DIEN at 10, 20, 30 and 50 steps, unrolling makes training 1.4, 1.4, 1.35 and 1.2 times as
    fast, and tracing at 50 steps takes two seconds longer.
    """
    return num_steps <= LONGEST_UNROLLED


class Unrolled:
    """Beside a recurrent layer of Keras: how it is unrolled.

    Keras's own way repeats the projection of the inputs in every step, and copies the mask for
    every state: the graph is three times as large, and slower to trace and to run.
    """

    def projected(self, sequences):
        """What no step has to wait for, ``(batch, steps, ...)``."""
        return sequences

    def step(self, inputs, states):
        """New states from a step of ``projected`` and the states before; the output first."""
        return self.cell.call(inputs, states)[1]

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if not self.unroll or mask is None:
            return super().inner_loop(sequences, initial_state, mask, training)
        order = range(sequences.shape[1])
        order = reversed(order) if self.go_backwards else order
        inputs, real = tf.unstack(self.projected(sequences), axis=1), tf.unstack(mask, axis=1)
        states, outputs = tf.nest.flatten(initial_state), []
        for step in order:
            after = self.step(inputs[step], states)
            # By row: a mask of the states' shape would be one more array in every step.
            rows = real[step]
            states = [
                tf.compat.v1.where(rows, new, old) for new, old in zip(after, states, strict=True)
            ]
            outputs.append(states[0])
        return outputs[-1], tf.stack(outputs, axis=1), states
