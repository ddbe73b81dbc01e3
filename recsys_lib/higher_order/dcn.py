"""DCN and DCN-V2: each cross layer multiplies its input once more with the first input.

After L layers the cross network is a polynomial of degree L + 1 in the input x_0, the embeddings
and the numbers side by side:

    DCN     x_(l+1) = x_0 (x_l . w_l) + b_l + x_l          w_l, b_l in R^d
    DCN-V2  x_(l+1) = x_0 o (W_l x_l + b_l) + x_l          W_l in R^(d x d), or U_l V_l^T

A plain network runs beside it on the same input; one logistic layer reads both outputs.

Sources: Wang et al. 2017, "Deep & Cross Network for Ad Click Predictions", equation 3; Wang et
al. 2021, "DCN V2: Improved Deep & Cross Network", equation 1 and section 3.5 (low rank).
Taught in chapter 03, "DCN".
"""

import keras
from keras import ops

from recsys_lib.checks import check_integer, check_shape
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead


@keras.saving.register_keras_serializable("recsys_lib")
class CrossLayer(keras.layers.Layer):
    """DCN's layer: ``x_0 (x_l . w) + b + x_l``, with a weight and a bias vector of its own.

    ``x_l . w`` is one number per row, so the layer only stretches ``x_0``; the bias stands outside
    the product.

    Call arguments:
        first: ``x_0``, ``(batch, d)``.
        current: ``x_l``, ``(batch, d)``.

    Returns:
        ``x_(l+1)``, ``(batch, d)``.

    Raises:
        ValueError: the two differ in width.
    """

    def build(self, first_shape, current_shape):
        width = _width(self, first_shape, current_shape)
        self.kernel = self.add_weight(name="kernel", shape=(width, 1))
        self.bias = self.add_weight(name="bias", shape=(width,), initializer="zeros")

    def call(self, first, current):
        projection = ops.matmul(current, self.kernel)  # (batch, 1)
        return first * projection + self.bias + current


@keras.saving.register_keras_serializable("recsys_lib")
class MatrixCrossLayer(keras.layers.Layer):
    """DCN-V2's layer: ``x_0 o (W x_l + b) + x_l``; the bias is multiplied too.

    Args:
        rank: ``W = U V^T`` with ``U, V`` of shape ``(d, rank)``; None for a full matrix. Saves
            weights where ``2 * rank < d``.

    Call arguments, returns and raises as for ``CrossLayer``.
    """

    def __init__(self, rank=None, **kwargs):
        super().__init__(**kwargs)
        self.rank = None if rank is None else check_integer("rank", rank)

    def build(self, first_shape, current_shape):
        width = _width(self, first_shape, current_shape)
        if self.rank is None:
            # Stored transposed, as Dense does: rows are multiplied from the left.
            self.kernel = self.add_weight(name="kernel", shape=(width, width))
        elif self.rank > width:
            raise ValueError(f"rank: expected at most the input's width {width}, got {self.rank}")
        else:
            self.v = self.add_weight(name="v", shape=(width, self.rank))
            self.u = self.add_weight(name="u", shape=(width, self.rank))
        self.bias = self.add_weight(name="bias", shape=(width,), initializer="zeros")

    def call(self, first, current):
        if self.rank is None:
            product = ops.matmul(current, self.kernel)
        else:
            product = ops.matmul(ops.matmul(current, self.v), ops.transpose(self.u))
        return first * (product + self.bias) + current

    def get_config(self):
        return {**super().get_config(), "rank": self.rank}


def _width(layer, first_shape, current_shape):
    for shape in (first_shape, current_shape):
        check_shape(layer, shape, 2, "(batch, d)")
    if first_shape[-1] != current_shape[-1]:
        raise ValueError(
            f"{layer.name!r}: expected x_0 and x_l of one width, "
            f"got {first_shape[-1]} and {current_shape[-1]}"
        )
    return first_shape[-1]


def build_dcn(
    feature_columns,
    embedding_dim=16,
    num_cross_layers=3,
    hidden_units=(64, 32),
    dropout_rate=0.0,
    batch_normalization=False,
    embeddings_initializer=None,
    task="click",
):
    """Build DCN.

    The input ``x_0`` holds the embeddings, pooled sequences and, as in the paper, numbers as they
    are (a number times a learned vector would only repeat it ``embedding_dim`` times). Embeddings
    may differ in width: a cross multiplies single components, not vectors.

    Args:
        feature_columns: columns of any kind.
        embedding_dim: width of the embeddings, unless a column states its own.
        num_cross_layers: L, the crosses reach degree L + 1.
        hidden_units: widths of the network's layers; None: the cross network alone.
        dropout_rate: dropout after each of them.
        batch_normalization: in the network, as in the paper's experiments.
        embeddings_initializer: Keras initializer of the tables.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers to look at:
        ``cross_1`` ... ``cross_L`` with ``x_1`` ... ``x_L``, each ``(batch, d)``; ``deep``, the
        network's last layer; ``cross_input`` with ``x_0``.

    Raises:
        ValueError: an option out of range.
    """
    return _build(
        CrossLayer,
        "dcn",
        feature_columns,
        embedding_dim,
        num_cross_layers,
        hidden_units,
        dropout_rate,
        batch_normalization,
        embeddings_initializer,
        task,
    )


def build_dcn_v2(
    feature_columns,
    embedding_dim=16,
    num_cross_layers=3,
    hidden_units=(64, 32),
    rank=None,
    dropout_rate=0.0,
    batch_normalization=False,
    embeddings_initializer=None,
    task="click",
):
    """Build DCN-V2 in its parallel structure (its stacked one feeds the crosses to the network).

    Args:
        rank: of each cross layer's matrix; None for a full one.

    Other arguments, returns and raises as for ``build_dcn``.
    """
    return _build(
        lambda name: MatrixCrossLayer(rank, name=name),
        "dcn_v2",
        feature_columns,
        embedding_dim,
        num_cross_layers,
        hidden_units,
        dropout_rate,
        batch_normalization,
        embeddings_initializer,
        task,
    )


def _build(
    cross_layer,
    name,
    columns,
    embedding_dim,
    num_cross_layers,
    hidden_units,
    dropout_rate,
    batch_normalization,
    embeddings_initializer,
    task,
):
    check_integer("num_cross_layers", num_cross_layers)
    inputs = build_inputs(columns)
    groups = embed_groups(
        inputs, columns, embedding_dim, embeddings_initializer=embeddings_initializer
    )
    first = keras.layers.Identity(name="cross_input")(_side_by_side(list(groups.values())))
    current = first  # (batch, d)
    for depth in range(1, num_cross_layers + 1):
        current = cross_layer(name=f"cross_{depth}")(first, current)
    outputs = [current]
    if hidden_units is not None:
        network = MLP(
            hidden_units,
            dropout_rate=dropout_rate,
            batch_normalization=batch_normalization,
            name="deep",
        )
        outputs.append(network(first))
    # One logistic layer over both; its bias is the head's.
    logit = keras.layers.Dense(1, use_bias=False, name="logit")(_side_by_side(outputs))
    return keras.Model(inputs, PredictionHead(name=task)(logit), name=name)


def _side_by_side(vectors):
    return vectors[0] if len(vectors) == 1 else ops.concatenate(vectors, axis=-1)
