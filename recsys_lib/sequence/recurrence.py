"""Recurrences over a user's behaviours: the GRU, and the ones whose gate the candidate moves.

No recurrence uses cuDNN's kernels: these refuse a batch in which a row has no real step, and an
empty history is ordinary.
"""

import keras
import tensorflow as tf
from keras import KerasTensor, ops

from recsys_lib.checks import check_choice, check_integer
from recsys_lib.layers.options import Configured
from recsys_lib.sequence.parts import Unrolled, is_short

KINDS = ("augru", "agru", "aigru")


@keras.saving.register_keras_serializable("recsys_lib")
class StepGRU(Unrolled, keras.layers.GRU):
    """Keras's GRU without cuDNN, whose mask ends here: later layers are told theirs.

    Of Keras's options it takes ``units``, ``unroll`` and what it returns.
    """

    def __init__(self, *args, **kwargs):
        # Here and not where the layer is made: Keras does not save this argument.
        super().__init__(*args, **{**kwargs, "use_cudnn": False})

    def projected(self, sequences):
        return ops.matmul(sequences, self.cell.kernel) + self.cell.bias[0]

    def step(self, inputs, states):
        (state,), units = states, self.units
        of_state = ops.matmul(state, self.cell.recurrent_kernel) + self.cell.bias[1]
        gates, candidate = tf.split(inputs, [2 * units, units], axis=1)
        of_gates, of_candidate = tf.split(of_state, [2 * units, units], axis=1)
        keep, reset = tf.split(tf.sigmoid(gates + of_gates), 2, axis=1)
        return [keep * state + (1 - keep) * tf.tanh(candidate + reset * of_candidate)]

    def compute_mask(self, _, mask):
        return None


@keras.saving.register_keras_serializable("recsys_lib")
class StepRNN(Unrolled, keras.layers.RNN):
    """Keras's RNN whose mask ends here: later layers are told theirs."""

    def compute_mask(self, _, mask):
        return None


@keras.saving.register_keras_serializable("recsys_lib")
class AttentionalGRUCell(Configured):
    """One step of a GRU whose update gate listens to an attention score.

        u = sigmoid(x_u + h U_u),    r = sigmoid(x_r + h U_r),    c = tanh(x_c + r o (h U_c))
        augru: u' = a u      agru: u' = a      aigru: u' = u (the score has scaled the input)
        h' = (1 - u') o h + u' o c

    ``x_u``, ``x_r`` and ``x_c`` are the input's projections, bias included.

    Args:
        units: width of the state.
        kind: one of ``KINDS``: what the score does to the update gate.

    Call arguments:
        inputs: ``(batch, 3 * units + 1)``: the three projections and the score a.
        states: list of one ``(batch, units)``, h.

    Returns:
        h' and a list of it.

    Source: Zhou et al. 2019, "Deep Interest Evolution Network for Click-Through Rate Prediction",
    equations 2 to 5 (GRU), 9 (AIGRU), 10 (AGRU), 11 and 12 (AUGRU).
    """

    def __init__(self, units, kind="augru", **kwargs):
        super().__init__(**kwargs)
        self.units = check_integer("units", units)
        self.kind = check_choice("evolution", kind, KINDS)
        self.state_size = self.units

    def build(self, input_shape):
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(self.units, 3 * self.units), initializer="orthogonal"
        )

    def call(self, inputs, states, training=None):
        (state,) = states
        score = inputs[:, -1:]
        update, reset, candidate = ops.split(inputs[:, :-1], 3, axis=-1)
        of_update, of_reset, of_candidate = ops.split(
            ops.matmul(state, self.recurrent_kernel), 3, axis=-1
        )
        reset = ops.sigmoid(reset + of_reset)
        candidate = ops.tanh(candidate + reset * of_candidate)
        # The *update* gate is scaled: at a score of zero the state stays as it is.
        if self.kind == "agru":
            update = score
        else:
            update = ops.sigmoid(update + of_update)
            update = score * update if self.kind == "augru" else update
        state = (1 - update) * state + update * candidate
        return state, [state]


@keras.saving.register_keras_serializable("recsys_lib")
class AttentionalGRU(Configured):
    """The evolution of the interest that belongs to the candidate.

    Call arguments:
        sequence: ``(batch, steps, width)``.
        scores: ``(batch, steps)``, attention to each step.
        step_mask: ``(batch, steps)``, 1 for real steps, which come first.

    Returns:
        States ``(batch, steps, units)``; at padding the last real step's state is repeated, and a
        row without a real step has zeros.

    Args:
        units: width of the state.
        kind: ``"augru"``, ``"agru"`` or ``"aigru"``, see ``AttentionalGRUCell``.
        unroll: whether the graph holds every step; default: where the history is short.

    Raises:
        ValueError: an unknown kind.
    """

    def __init__(self, units, kind="augru", unroll=None, **kwargs):
        super().__init__(**kwargs)
        self.unroll = unroll
        cell = AttentionalGRUCell(units, kind, name="cell")
        self.units, self.kind = cell.units, cell.kind
        self.projection = keras.layers.Dense(3 * self.units, name="projection")
        self.recurrence = StepRNN(cell, return_sequences=True, name="recurrence")

    def build(self, sequence_shape, scores_shape, step_mask_shape):
        given = self.unroll is not None
        self.recurrence.unroll = self.unroll if given else is_short(sequence_shape[1])
        self.projection.build(sequence_shape)
        self.recurrence.build((*sequence_shape[:2], 3 * self.units + 1))

    def call(self, sequence, scores, step_mask):
        column = ops.expand_dims(scores, -1)  # (batch, steps, 1)
        projected = self.projection(column * sequence if self.kind == "aigru" else sequence)
        return self.recurrence(
            ops.concatenate([projected, column], axis=-1), mask=ops.cast(step_mask, "bool")
        )


@keras.saving.register_keras_serializable("recsys_lib")
class LastState(keras.layers.Layer):
    """The state at each row's last real step; zeros where there is none.

    Call arguments:
        states: ``(batch, steps, units)``.
        step_mask: ``(batch, steps)``, 1 for real steps, which come first.

    Returns:
        ``(batch, units)``.
    """

    def call(self, states, step_mask):
        # Counted in whole numbers: half precision knows no lengths above 256 or 2,048.
        length = ops.sum(ops.cast(step_mask > 0, "int32"), axis=1)  # (batch,)
        last = tf.gather(states, ops.maximum(length - 1, 0), axis=1, batch_dims=1)
        return last * ops.cast(ops.expand_dims(length > 0, -1), last.dtype)


def gru_states(
    sequence: KerasTensor, mask: KerasTensor, units: int, name: str = "gru"
) -> KerasTensor:
    """Keras's GRU over the real steps.

    Args:
        sequence: ``(batch, steps, width)``.
        mask: ``(batch, steps)``, 1 for real steps, which come first.
        units: width of the state.
        name: the layer's name.

    Returns:
        ``(batch, steps, units)``; at padding the last real step's state is repeated.
    """
    layer = StepGRU(units, return_sequences=True, unroll=is_short(sequence.shape[1]), name=name)
    return layer(sequence, mask=ops.cast(mask, "bool"))


def last_state(states: KerasTensor, mask: KerasTensor, name: str = "last_state") -> KerasTensor:
    """``LastState`` as a named layer."""
    return LastState(name=name)(states, mask)
