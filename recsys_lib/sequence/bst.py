"""BST: the candidate takes its place at the end of the history, and a transformer reads both.

    E = [(e_1, p_1), ..., (e_T, p_T), (v, p_0)],    logit = w . MLP([profile, block(E)])

p_i stands for how long ago behaviour i was. All T + 1 outputs of the block go to the network, so
the weight of a place is learned, not pooled away.

Source: Chen et al. 2019, "Behavior Sequence Transformer for E-commerce Recommendation in
Alibaba", sections 2.1 to 2.3 (equations 1 to 6).
Taught in chapter 04, in the comparison.
"""

import keras
from keras import ops

from recsys_lib.sequence.behaviours import RecencyEmbedding, read_request, score
from recsys_lib.sequence.transformer import TransformerBlock


@keras.saving.register_keras_serializable("recsys_lib")
class AppendCandidate(keras.layers.Layer):
    """Put the candidate behind the history, each vector with its position beside it.

    Call arguments:
        behaviours: ``(batch, steps, width)``.
        candidate: ``(batch, width)``.
        positions: ``(batch, steps, position width)``.

    Returns:
        ``(batch, steps + 1, width + position width)``; the candidate's position is learned.

    Source: Chen et al. 2019, section 2.2.1.
    """

    def build(self, behaviours_shape, candidate_shape, positions_shape):
        self.position = self.add_weight(
            name="position",
            shape=(positions_shape[-1],),
            initializer=keras.initializers.RandomUniform(-0.05, 0.05),
        )

    def call(self, behaviours, candidate, positions):
        own = ops.ones_like(candidate[:, :1]) * self.position  # (batch, position width)
        last = ops.concatenate([candidate, own], axis=-1)
        history = ops.concatenate([behaviours, positions], axis=-1)
        return ops.concatenate([history, ops.expand_dims(last, 1)], axis=1)


def build_bst(
    feature_columns,
    embedding_dim=16,
    hidden_units=(64, 32),
    num_heads=2,
    feed_forward_units=None,
    activation="leaky_relu",
    histories=None,
    step_context=(),
    dropout_rate=0.0,
    task="click",
):
    """Build the model.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        embedding_dim: width of each column's vector and of the positions.
        hidden_units: widths of the network.
        num_heads: heads of the block, each as wide as a step, as in the paper.
        feed_forward_units: see ``TransformerBlock``.
        activation: of the block and of the network, ``"leaky_relu"`` as in the paper.
        histories: see ``read_request``.
        step_context: names of the sequence columns that hold each behaviour's position: the
            paper's is the time between the behaviour and now. Default: how many behaviours ago.
        dropout_rate: dropout in the block and after each hidden layer.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``bst_block``
        holds the block's outputs ``(batch, steps + 1, width)``, the candidate's last.

    Raises:
        ValueError: no history.
    """
    request = read_request(feature_columns, embedding_dim, histories, step_context)
    positions = request.context
    if positions is None:
        positions = RecencyEmbedding(embedding_dim, name="recency")(request.mask)
    sequence = AppendCandidate(name="sequence")(request.behaviours, request.candidate, positions)
    mask = ops.concatenate([request.mask, ops.ones_like(request.mask[:, :1])], axis=1)
    width = sequence.shape[-1]
    block = TransformerBlock(
        num_heads, width, feed_forward_units, activation, dropout_rate, name="bst_block"
    )
    outputs = block(sequence, mask) * ops.expand_dims(mask, -1)  # nothing of padding goes on
    flat = ops.reshape(outputs, (-1, sequence.shape[1] * width))
    output = score(request, [flat], hidden_units, activation, dropout_rate, task)
    return keras.Model(request.inputs, output, name="bst")
