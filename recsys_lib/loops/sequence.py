"""Sequence layers as the notes write them: a Python loop over steps, a Python loop over sessions.

Each takes the weights of the layer that it replaces and computes the same numbers. The traced graph
grows with every step, which the library's recurrences allow for short histories only, and what
needs no loop, the projection of the inputs and the attention inside a session, is repeated in it.
"""

import keras
from keras import ops

from recsys_lib.sequence.recurrence import AttentionalGRU
from recsys_lib.sequence.transformer import TransformerBlock


@keras.saving.register_keras_serializable("recsys_lib")
class LoopedAttentionalGRU(AttentionalGRU):
    """AUGRU and its siblings, one step after the other, each step projected on its own."""

    def call(self, sequence, scores, step_mask):
        cell = self.recurrence.cell
        state = ops.zeros_like(sequence[:, 0, :1]) * ops.zeros(
            (1, self.units), dtype=sequence.dtype
        )
        states = []
        for step in range(sequence.shape[1]):
            score, real = scores[:, step : step + 1], step_mask[:, step : step + 1]
            current = sequence[:, step]
            if self.kind == "aigru":
                current = score * current
            inputs = ops.concatenate([self.projection(current), score], axis=-1)
            after, _ = cell(inputs, [state])
            state = real * after + (1 - real) * state
            states.append(state)
        return ops.stack(states, axis=1)


@keras.saving.register_keras_serializable("recsys_lib")
class LoopedTransformerBlock(TransformerBlock):
    """DSIN's block over sessions, one session after the other."""

    def call(self, sequence, step_mask, training=None):
        if len(sequence.shape) == 3:
            return super().call(sequence, step_mask, training=training)
        outputs = [
            super(LoopedTransformerBlock, self).call(
                sequence[:, session], step_mask[:, session], training=training
            )
            for session in range(sequence.shape[1])
        ]
        return ops.stack(outputs, axis=1)
