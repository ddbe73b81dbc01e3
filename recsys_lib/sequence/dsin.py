"""DSIN: sessions first, then the sessions' sequence.

Behaviours of one sitting belong together, and the next sitting may be about something else. Each
session becomes one interest vector by self-attention among its behaviours; a bidirectional LSTM
lets the sessions know of each other; the candidate weighs both kinds of vectors.

    I_k = mean over real steps of block(Q_k + bias encoding),    H_k = [LSTM ->, LSTM <-](I)_k
    U^I = sum_k softmax_k(I_k W^I v) I_k,    U^H = sum_k softmax_k(H_k W^H v) H_k

The block's heads slice the embedding, as the paper has it: head h sees the h-th part of each vector
and no other, and projects that part. Transformers project the whole vector once for each head, so
that a head may look at any of its entries (``head_inputs="whole"``). With one head both are the
same.

Source: Feng et al. 2019, "Deep Session Interest Network for Click-Through Rate Prediction",
sections 3.2 to 3.5 (equations 2 to 12).
Taught in chapter 04, "DSIN".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
import tensorflow as tf
from keras import ops

from recsys_lib.checks import check_bool, check_choice, check_integer
from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import Configured, HistoryOptions, options_for, shared_options
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.parts import (
    SCALES,
    STEP_SCALES,
    BilinearAttention,
    Unrolled,
    is_short,
    normalized,
    score,
    step_scale,
    weighted_sum,
    weights_of_steps,
)
from recsys_lib.sequence.transformer import TransformerBlock

UNITS = ("bilinear", "tanh")


@keras.saving.register_keras_serializable("recsys_lib")
class BiasEncoding(keras.layers.Layer):
    """Adds what is learned about a session's place, a step's place and a unit's place.

        Q_ktc + w_session_k + w_position_t + w_unit_c

    Call arguments:
        sessions: ``(batch, sessions, steps, width)``.

    Returns:
        The same shape.

    Source: Feng et al. 2019, equation 3.
    """

    def build(self, sessions_shape):
        _, sessions, steps, width = sessions_shape
        small = keras.initializers.RandomUniform(-0.05, 0.05)
        self.session = self.add_weight(name="session", shape=(sessions, 1, 1), initializer=small)
        self.position = self.add_weight(name="position", shape=(steps, 1), initializer=small)
        self.unit = self.add_weight(name="unit", shape=(width,), initializer=small)

    def call(self, sessions):
        return sessions + self.session + self.position + self.unit


@keras.saving.register_keras_serializable("recsys_lib")
class SessionMean(keras.layers.Layer):
    """Mean over the real steps of each session; zeros for a session without one.

    Call arguments:
        sessions: ``(batch, sessions, steps, width)``.
        step_mask: ``(batch, sessions, steps)``.

    Returns:
        ``(batch, sessions, width)``.
    """

    def call(self, sessions, step_mask):
        total = ops.sum(sessions * ops.expand_dims(step_mask, -1), axis=2)
        count = ops.maximum(ops.sum(step_mask, axis=2), 1.0)
        return total / ops.expand_dims(count, -1)


@keras.saving.register_keras_serializable("recsys_lib")
class StepLSTM(Unrolled, keras.layers.LSTM):
    """Keras's LSTM without cuDNN; of its options it takes those of ``StepGRU``."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{**kwargs, "use_cudnn": False})

    def projected(self, sequences):
        return ops.matmul(sequences, self.cell.kernel) + self.cell.bias

    def step(self, inputs, states):
        state, carry = states
        gates = inputs + ops.matmul(state, self.cell.recurrent_kernel)
        enter, keep, candidate, leave = tf.split(gates, 4, axis=1)
        carry = tf.sigmoid(keep) * carry + tf.sigmoid(enter) * tf.tanh(candidate)
        return [tf.sigmoid(leave) * tf.tanh(carry), carry]


@keras.saving.register_keras_serializable("recsys_lib")
class SessionLSTM(keras.layers.Bidirectional):
    """Keras's bidirectional LSTM whose mask ends here: later layers are told theirs.

    What it returns at sessions without a behaviour is not zero.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        # Keras would write zeros there, and where it unrolls the backward LSTM it writes them with
        # the mask the wrong way round.
        self.forward_layer.zero_output_for_mask = False
        self.backward_layer.zero_output_for_mask = False

    def compute_mask(self, _, mask):
        return None


@keras.saving.register_keras_serializable("recsys_lib")
class TanhAttention(Configured):
    """The lecture notes' unit: ``softmax_k(tanh(w . [h_k, v] + b))``.

    Its scores lie in (-1, 1), so no session can get more than e^2 times the share of another.

    Args:
        scale: of the scores, see ``weights_of_steps``.

    Call arguments and result: as for ``BilinearAttention``.
    """

    def __init__(self, scale="softmax", **kwargs):
        super().__init__(**kwargs)
        self.scale = check_choice("scale", scale, STEP_SCALES)

    def build(self, states_shape, candidate_shape, step_mask_shape):
        width = states_shape[-1] + candidate_shape[-1]
        self.kernel = self.add_weight(name="kernel", shape=(width, 1))
        self.bias = self.add_weight(name="bias", shape=(), initializer="zeros")

    def call(self, states, candidate, step_mask):
        units = states.shape[-1]
        of_states = ops.matmul(states, self.kernel[:units])[..., 0]  # (batch, sessions)
        of_candidate = ops.matmul(candidate, self.kernel[units:])  # (batch, 1)
        scores = ops.tanh(of_states + of_candidate + self.bias)
        return weights_of_steps(scores, step_mask, self.scale)


@shared_options()
def build_dsin(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_sessions: int = 5,
    num_heads: int = 2,
    head_inputs: str = "slice",
    feed_forward_units: int | None = None,
    bias_encoding: bool = True,
    attention: str = "bilinear",
    scale: str = "softmax",
    **common: Unpack[HistoryOptions],
) -> keras.Model:
    """DSIN: one interest for each session, and the candidate weighs the sessions.

    Args:
        feature_columns: columns with at least one history laid out in sessions: ``num_sessions``
            sessions side by side, oldest first, each of ``max_length / num_sessions`` steps with
            id 0 behind the last real one, and sessions without a behaviour behind the real ones
            (see ``recsys_lib.data.sessions``).
        tasks: the task, see ``recsys_lib.layers.heads``.
        num_sessions: sessions of a row.
        num_heads, feed_forward_units: see ``TransformerBlock``; one block serves all sessions.
        head_inputs: ``"slice"``, the paper's: a head reads its own part of each vector;
            ``"whole"``: all of it, see ``SelfAttention``.
        bias_encoding: whether places are learned, see ``BiasEncoding``.
        attention: ``"bilinear"``, the paper's, or ``"tanh"``, see ``TanhAttention``.
        scale: of the two sums over sessions: ``"softmax"``, the paper's; ``"raw"``: the scores
            themselves are the weights; ``"length"``: divided by the number of sessions with a
            behaviour; ``"batch_normalization"``: the raw sums, each normalised over the batch
            before the network, see ``InterestNormalization``. A session's interest stays the mean.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``HistoryOptions``. ``activation`` is
            the network's; the block keeps ReLU. A product, of U^I and of U^H, asks for an even
            width; it is not in the paper.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``session_interests`` holds I ``(batch, sessions, width)``, ``session_states`` H,
        ``interest_attention`` and ``state_attention`` the weights ``(batch, sessions)``,
        ``activated_interest`` and ``activated_state`` U^I and U^H ``(batch, width)``,
        ``session_mask`` which sessions are real.

    Raises:
        ValueError: no history, several tasks, an unknown option, a length that the sessions do not
            divide, a width that the heads do not divide or that is odd beside ``product``, or
            counts of an unknown table.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 20, table="movie_id"),
        ... ]
        >>> model = build_dsin(columns, num_sessions=4)
        >>> [model.get_layer(f"session_{name}").output.shape for name in ("interests", "mask")]
        [(None, 4, 16), (None, 4)]
    """
    check_choice("attention", attention, UNITS)
    check_choice("scale", scale, SCALES)
    num_sessions = check_integer("num_sessions", num_sessions)
    request = read_request(feature_columns, **options_for(read_request, common))
    length, width = request.behaviours.shape[1:]
    if length % num_sessions:
        raise ValueError(
            f"num_sessions: expected a divisor of the history's max_length {length}, got "
            f"{num_sessions}"
        )
    steps = length // num_sessions
    sessions = ops.reshape(request.behaviours, (-1, num_sessions, steps, width))
    step_mask = ops.reshape(request.mask, (-1, num_sessions, steps))
    session_mask = keras.layers.Identity(name="session_mask")(ops.max(step_mask, axis=-1))
    if check_bool("bias_encoding", bias_encoding):
        sessions = BiasEncoding(name="bias_encoding")(sessions)
    block = TransformerBlock(
        num_heads,
        feed_forward_units=feed_forward_units,
        head_inputs=head_inputs,
        name="session_block",
    )
    interests = SessionMean(name="session_interests")(block(sessions, step_mask), step_mask)
    # Half the width in each direction, so that both together are as wide as an interest.
    lstm = StepLSTM(max(1, width // 2), return_sequences=True, unroll=is_short(num_sessions))
    states = SessionLSTM(lstm, name="session_states")(
        interests, mask=ops.cast(session_mask, "bool")
    )
    unit = BilinearAttention if attention == "bilinear" else TanhAttention
    activated = []
    for name, vectors in (("interest", interests), ("state", states)):
        attend = unit(step_scale(scale), name=f"{name}_attention")
        weights = attend(vectors, request.candidate, session_mask)
        interest = weighted_sum(weights, vectors, name=f"activated_{name}")
        activated.append(normalized(request, interest, scale, f"activated_{name}"))
    output = score(request, activated, tasks, common)
    return keras.Model(request.inputs, output, name="dsin")
