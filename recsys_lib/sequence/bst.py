"""BST: the candidate takes its place at the end of the history, and a transformer reads both.

    E = [(e_1, p_1), ..., (e_T, p_T), (v, p_0)],    logit = w . MLP([profile, block(E)])

p_i stands for how long ago behaviour i was. All T + 1 outputs of the block go to the network, so
the weight of a place is learned, not pooled away.

Source: Chen et al. 2019, "Behavior Sequence Transformer for E-commerce Recommendation in
Alibaba", sections 2.1 to 2.3 (equations 1 to 6).
Taught in chapter 04, in the comparison.
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import StepOptions, options_for, shared_options
from recsys_lib.sequence.behaviours import RecencyEmbedding, read_request
from recsys_lib.sequence.parts import score
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


@shared_options(activation="leaky_relu")
def build_bst(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_heads: int = 2,
    feed_forward_units: int | None = None,
    **common: Unpack[StepOptions],
) -> keras.Model:
    """BST: a transformer block reads the history with the candidate as its last step.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        num_heads: heads of the block, each as wide as a step, as in the paper.
        feed_forward_units: see ``TransformerBlock``.
        **common: see ``TableOptions``, ``NetworkOptions``, ``HistoryOptions`` and ``StepOptions``.
            ``embedding_dim`` is the positions' width too. The context holds each behaviour's
            position, in the paper the time between the behaviour and now; default: how many
            behaviours ago. ``activation``, the paper's leaky ReLU, and dropout are those of the
            block too, which has layer normalization, as in the paper. A product is that of an
            output's entries that held a behaviour's vector; not in the paper.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``bst_block``
        holds the block's outputs ``(batch, steps + 1, width)``, the candidate's last.

    Raises:
        ValueError: no history, several tasks, an option out of range, or counts of an unknown
            table.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 20, table="movie_id"),
        ... ]
        >>> build_bst(columns, embedding_dim=8).get_layer("bst_block").output.shape
        (None, 21, 16)
    """
    request = read_request(feature_columns, **options_for(read_request, common))
    positions = request.context
    if positions is None:
        positions = RecencyEmbedding(common["embedding_dim"], name="recency")(request.mask)
    sequence = AppendCandidate(name="sequence")(request.behaviours, request.candidate, positions)
    mask = ops.concatenate([request.mask, ops.ones_like(request.mask[:, :1])], axis=1)
    width = sequence.shape[-1]
    hidden = options_for(TransformerBlock, common)
    block = TransformerBlock(num_heads, width, feed_forward_units, **hidden, name="bst_block")
    outputs = block(sequence, mask) * ops.expand_dims(mask, -1)  # nothing of padding goes on
    output = score(request, [outputs], tasks, common)
    return keras.Model(request.inputs, output, name="bst")
