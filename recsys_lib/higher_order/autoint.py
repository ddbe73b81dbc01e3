"""AutoInt: each field attends to all fields and is replaced by a mixture of them.

In every head h of an interacting layer, field m looks at field k with weight

    a^h_(m,k) = softmax_k <W_query^h e_m, W_key^h e_k>
    e'_m      = ReLU([sum_k a^h_(m,k) W_value^h e_k]_(all heads) + W_res e_m)

and a logistic layer reads all fields after the last layer. There is neither a linear term nor a
network (with one, the paper calls the model AutoInt+), and the dot product is not scaled.

The paper calls W_res the projection "in case of dimension mismatching"; its authors' code projects
in every layer, and so does this one unless ``identity_residual`` is set.

Source: Song et al. 2019, "AutoInt: Automatic Feature Interaction Learning via Self-Attentive
Neural Networks", equations 5 to 9.
Taught in chapter 03, "AutoInt".
"""

import math
from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_bool, check_integer, check_known, check_shape, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs, embed_fields
from recsys_lib.layers.blocks import check_dropout, deep_logit, flatten_fields
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import (
    Activation,
    Configured,
    DeepOptions,
    options_for,
    shared_options,
    tables,
)


@keras.saving.register_keras_serializable("recsys_lib")
class FieldAttention(Configured):
    """How much each field looks at each other one, head by head.

    Args:
        num_heads: number of heads.
        head_dim: width d' of queries and keys, **per head**.
        projection_activation: on queries and keys; default: none. The authors' code has ReLU.
        scale: divide the dot products by sqrt(d'), as the authors' code can; the paper does not.
        dropout_rate: share of the weights that are dropped in training, as the authors' code can.

    Call arguments:
        fields: ``(batch, num_fields, dim)``.

    Returns:
        ``(batch, num_heads, num_fields, num_fields)``: from field (third axis) to field (last
        axis); each row of the last axis sums to one.

    Attributes:
        query_kernel, key_kernel: ``(dim, num_heads * head_dim)``, head after head.
    """

    def __init__(
        self,
        num_heads,
        head_dim,
        projection_activation=None,
        scale=False,
        dropout_rate=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads = check_integer("num_heads", num_heads)
        self.head_dim = check_integer("head_dim", head_dim)
        self.projection_activation = check_known(
            "projection_activation", projection_activation, keras.activations
        )
        self.scale = check_bool("scale_attention", scale)
        self.dropout_rate = check_dropout("attention_dropout_rate", dropout_rate)
        if self.dropout_rate:
            self.dropout = keras.layers.Dropout(self.dropout_rate, name="dropout")

    def build(self, fields_shape):
        check_shape(self, fields_shape, 3, "(batch, num_fields, dim)")
        shape = (fields_shape[2], self.num_heads * self.head_dim)
        self.query_kernel = self.add_weight(name="query_kernel", shape=shape)
        self.key_kernel = self.add_weight(name="key_kernel", shape=shape)

    def call(self, fields, training=None):
        queries = split_heads(
            self.projection_activation(ops.matmul(fields, self.query_kernel)), self.num_heads
        )
        keys = split_heads(
            self.projection_activation(ops.matmul(fields, self.key_kernel)), self.num_heads
        )
        # (batch, heads, fields, head_dim) x (batch, heads, head_dim, fields)
        scores = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2)))
        if self.scale:
            scores = scores / math.sqrt(self.head_dim)
        weights = ops.softmax(scores, axis=-1)
        return self.dropout(weights, training=training) if self.dropout_rate else weights


@keras.saving.register_keras_serializable("recsys_lib")
class InteractingLayer(Configured):
    """Mix the fields' values by given attention weights, add the input, apply ReLU.

    Args:
        head_dim: width d' of a head's values; the new fields have ``num_heads * head_dim``.
        projection_activation: on the values and on the projected input; default: none.
        layer_normalization: normalise the new fields; the authors' code does, the paper does not.
        identity_residual: add the input as it is where it has the width of the new fields, and
            project it only where it has not. Default: it is projected in any case.

    Call arguments:
        fields: ``(batch, num_fields, dim)``.
        attention: ``(batch, num_heads, num_fields, num_fields)`` from ``FieldAttention``.

    Returns:
        ``(batch, num_fields, num_heads * head_dim)``.

    Attributes:
        value_kernel, residual_kernel: ``(dim, num_heads * head_dim)``, head after head; there is
            no residual kernel where the input is added as it is.
    """

    def __init__(
        self,
        head_dim,
        projection_activation=None,
        layer_normalization=False,
        identity_residual=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.head_dim = check_integer("head_dim", head_dim)
        self.projection_activation = check_known(
            "projection_activation", projection_activation, keras.activations
        )
        self.layer_normalization = check_bool("layer_normalization", layer_normalization)
        self.identity_residual = check_bool("identity_residual", identity_residual)
        if layer_normalization:
            self.normalization = keras.layers.LayerNormalization(name="normalization")

    def build(self, fields_shape, attention_shape):
        check_shape(self, fields_shape, 3, "(batch, num_fields, dim)")
        check_shape(self, attention_shape, 4, "(batch, num_heads, num_fields, num_fields)")
        width = attention_shape[1] * self.head_dim
        shape = (fields_shape[2], width)
        self.value_kernel = self.add_weight(name="value_kernel", shape=shape)
        self.is_projected = not self.identity_residual or fields_shape[2] != width
        if self.is_projected:
            self.residual_kernel = self.add_weight(name="residual_kernel", shape=shape)
        if self.layer_normalization:
            self.normalization.build((fields_shape[0], fields_shape[1], width))

    def call(self, fields, attention):
        num_heads = attention.shape[1]
        values = self.projection_activation(ops.matmul(fields, self.value_kernel))
        mixed = ops.matmul(attention, split_heads(values, num_heads))
        # (batch, heads, fields, head_dim) -> (batch, fields, heads * head_dim)
        mixed = ops.reshape(
            ops.transpose(mixed, (0, 2, 1, 3)), (-1, fields.shape[1], num_heads * self.head_dim)
        )
        residual = fields
        if self.is_projected:
            residual = self.projection_activation(ops.matmul(fields, self.residual_kernel))
        outputs = ops.relu(mixed + residual)
        return self.normalization(outputs) if self.layer_normalization else outputs

    def compute_output_shape(self, fields_shape, attention_shape):
        return (*fields_shape[:2], attention_shape[1] * self.head_dim)


def split_heads(vectors, num_heads):
    """``(batch, fields, heads * head_dim)`` to ``(batch, heads, fields, head_dim)``."""
    _, num_fields, width = vectors.shape
    vectors = ops.reshape(vectors, (-1, num_fields, num_heads, width // num_heads))
    return ops.transpose(vectors, (0, 2, 1, 3))


@shared_options(hidden_units=())
def build_autoint(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_layers: int = 3,
    num_heads: int = 2,
    head_dim: int = 16,
    projection_activation: Activation | None = None,
    scale_attention: bool = False,
    layer_normalization: bool = False,
    identity_residual: bool = False,
    attention_dropout_rate: float = 0.0,
    **common: Unpack[DeepOptions],
) -> keras.Model:
    """Build AutoInt, or AutoInt+ where ``hidden_units`` are given.

    The authors' code differs from the paper in three points, which are options here: ReLU on
    queries, keys, values and the projected input (``projection_activation="relu"``), scores
    divided by the square root of d', and layer normalization. It also drops attention weights
    (``attention_dropout_rate``).

    Args:
        feature_columns: columns of any kind, two fields at least; a number is a field, its value
            times a vector.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        num_layers: number of interacting layers.
        num_heads: heads of each.
        head_dim: width d' of queries, keys and values, **per head**: fields have width
            ``num_heads * head_dim`` after the first layer.
        projection_activation, scale_attention, layer_normalization: see above.
        identity_residual: see ``InteractingLayer``; the form of most published comparisons.
        attention_dropout_rate: dropout on the attention weights.
        **common: see ``TableOptions`` and ``NetworkOptions``, of a network beside the interacting
            layers, on the embeddings. By default it has no hidden layers and is not there, the
            paper's AutoInt. The interacting layers' ReLU is part of the model.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers to look at:
        ``attention_1``, ``attention_2``, ... each ``(batch, num_heads, num_fields, num_fields)``,
        fields in the order of ``field_names(feature_columns)``; ``interacting_1``, ... each
        ``(batch, num_fields, num_heads * head_dim)``; ``deep``, the network's last layer.

    Raises:
        ValueError: an option out of range, a column with another width, a single field, or several
            tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_autoint(columns, "click", num_layers=1, num_heads=2, head_dim=4)
        >>> model.get_layer("attention_1").output.shape  # heads, from field, to field
        (None, 2, 2, 2)
    """
    num_layers = check_integer("num_layers", num_layers)
    inputs = build_inputs(feature_columns)
    embedded = embed_fields(inputs, feature_columns, **tables(feature_columns, common))
    if embedded.shape[1] < 2:
        # A softmax over one key is 1 whatever the query: nothing would attend to anything.
        raise ValueError("AutoInt: expected at least two fields to attend to, got one")
    fields = embedded
    for depth in range(1, num_layers + 1):
        attention = FieldAttention(
            num_heads,
            head_dim,
            projection_activation,
            scale_attention,
            attention_dropout_rate,
            name=f"attention_{depth}",
        )(fields)
        fields = InteractingLayer(
            head_dim,
            projection_activation,
            layer_normalization,
            identity_residual,
            name=f"interacting_{depth}",
        )(fields, attention)
    logits = [keras.layers.Dense(1, use_bias=False, name="logit")(flatten_fields(fields))]
    if check_widths("hidden_units", common["hidden_units"], at_least=0):
        logits.append(deep_logit(flatten_fields(embedded), **options_for(deep_logit, common)))
    return keras.Model(inputs, predict_one(tasks, logits), name="autoint")
