"""MaskNet: what a layer reads is first multiplied by a mask that all features of the row make.

A network only adds up what it reads; a MaskBlock multiplies it before, component by component:

    mask   = W_2 ReLU(W_1 e + b_1) + b_2                    e: all embeddings side by side
    block  = ReLU(LN(W (mask o h)))                         W without a bias

In the first block h is e, each field's vector normalised by itself, LN(e_i); the mask always reads
e as it is. SerMaskNet stacks blocks, each of which masks what the block before returned. In
ParaMaskNet several blocks read the normalised embeddings, and a network reads what they return.

A mask has no sigmoid: it may turn a sign, and exceed 1. As in the paper a number is a field, its
value times a vector. LN(e_i) keeps little more of it than its sign; the size acts by the masks.

The paper leaves open whether the fields share the gain and bias of their normalization; here each
has its own, as in public code, some of which however normalises all fields as one. The epsilon is
not said, either: it is 1e-5 here, since embeddings start with a variance below Keras's 1e-3.

Source: Wang, She and Zhang 2021, "MaskNet: Introducing Feature-Wise Multiplication to CTR Ranking
Models by Instance-Guided Mask", equations 5 to 16.
Taught in chapter 03, "Five models of 2020 to 2023".
"""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.checks import check_bool, check_integer, check_known, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs, embed_fields
from recsys_lib.layers.blocks import check_dropout, deep_logit, flatten_fields, side_by_side
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import (
    Configured,
    DeepOptions,
    options_for,
    shared_options,
    tables,
)

EPSILON = 1e-5
"""Of all layer normalizations."""


@keras.saving.register_keras_serializable("recsys_lib")
class MaskedLayer(Configured):
    """``f(LN(W (mask o h)))``, without a bias: the normalization has one.

    Args:
        units: width.
        activation: f, of Keras.
        dropout_rate: share of units dropped behind f, in training.
        layer_normalization: False leaves LN out.

    Call arguments:
        factors, hidden: the mask, and what it masks, ``(batch, features)`` each.

    Returns:
        ``(batch, units)``.
    """

    def __init__(
        self, units, activation="relu", dropout_rate=0.0, layer_normalization=True, **kwargs
    ):
        super().__init__(**kwargs)
        self.units = check_integer("units", units)
        self.activation = check_known("activation", activation, keras.activations)
        self.dropout_rate = check_dropout("dropout_rate", dropout_rate)
        self.layer_normalization = check_bool("layer_normalization", layer_normalization)
        self.dense = keras.layers.Dense(self.units, use_bias=False, name="dense")
        if layer_normalization:
            self.normalization = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm")
        self.dropout = keras.layers.Dropout(self.dropout_rate, name="dropout")

    def build(self, factors_shape, hidden_shape):
        self.dense.build(hidden_shape)
        if self.layer_normalization:
            self.normalization.build((hidden_shape[0], self.units))

    def call(self, factors, hidden, training=None):
        outputs = self.dense(factors * hidden)
        if self.layer_normalization:
            outputs = self.normalization(outputs)
        return self.dropout(self.activation(outputs), training=training)


@shared_options(hidden_units=())
def build_masknet(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    block_units: Sequence[int] = (64, 64),
    parallel: bool = False,
    mask_ratio: int = 2,
    layer_normalization: bool = True,
    **common: Unpack[DeepOptions],
) -> keras.Model:
    """Build MaskNet, by default the serial one.

    Args:
        feature_columns: columns of any kind, none of which states another width.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        block_units: widths of the blocks, one block or more.
        parallel: False: the blocks stand one behind the other (SerMaskNet). True: side by side
            (ParaMaskNet, where the paper's have equal widths and a network behind them).
        mask_ratio: how many times as wide as a mask its hidden layer is.
        layer_normalization: False leaves out those of the fields and of the blocks.
        **common: see ``TableOptions`` and ``NetworkOptions``, of a network behind the blocks. By
            default it is not there. The blocks have its ``activation`` and ``dropout_rate``, too;
            layer normalization takes the place of the batch's.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers to look at:
        ``mask_1``, ``mask_2``, ... with the width of what they mask; ``block_1``, ... each
        ``(batch, units)``; ``field_normalization``, ``(batch, fields * dim)``.

    Raises:
        ValueError: no block, an option out of range, a column with another width, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_masknet(columns, "click", embedding_dim=4, block_units=(5, 3))
        >>> model.get_layer("mask_1").output.shape, model.get_layer("mask_2").output.shape
        ((None, 8), (None, 5))
    """
    block_units = check_widths("block_units", block_units)
    mask_ratio = check_integer("mask_ratio", mask_ratio)
    check_bool("parallel", parallel)
    inputs = build_inputs(feature_columns)
    fields = embed_fields(inputs, feature_columns, **tables(feature_columns, common))
    embeddings = normalized = flatten_fields(fields)  # (batch, fields * dim)
    if check_bool("layer_normalization", layer_normalization):
        # A group for each field: its vector is normalised by itself.
        norm = keras.layers.GroupNormalization(
            fields.shape[1], epsilon=EPSILON, name="field_normalization"
        )
        normalized = norm(embeddings)
    options = options_for(MaskedLayer, {**common, "layer_normalization": layer_normalization})
    blocks: list[keras.KerasTensor] = []
    for depth, units in enumerate(block_units, start=1):
        hidden = normalized if parallel or not blocks else blocks[-1]
        width, dense = hidden.shape[1], keras.layers.Dense
        mask = dense(mask_ratio * width, "relu", name=f"mask_{depth}_hidden")(embeddings)
        mask = dense(width, name=f"mask_{depth}")(mask)
        blocks.append(MaskedLayer(units, **options, name=f"block_{depth}")(mask, hidden))
    last = side_by_side(blocks) if parallel else blocks[-1]
    logit = deep_logit(last, **options_for(deep_logit, common))
    return keras.Model(inputs, predict_one(tasks, logit), name="masknet")
