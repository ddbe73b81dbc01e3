"""Product-based neural network: products of fields enter the first hidden layer.

Each of the D1 units of the first layer adds a linear signal of all embeddings and a quadratic
signal of their products:

    l_1 = ReLU(l_z + l_p + b_1),    l_z^n = <W_z^n, [f_1, ..., f_N]>
    inner:  l_p^n = sum_ij theta_i^n theta_j^n <f_i, f_j> = || sum_i theta_i^n f_i ||^2
    outer:  l_p^n = <W_p^n, p>,    p = sum_ij f_i f_j^T = (sum_i f_i)(sum_i f_i)^T

The inner form replaces the weight matrix of a unit by one of rank one, theta theta^T; that is the
assumption that makes it cheap, and it leaves every inner signal without a negative value. The
outer form replaces one weight matrix per pair of fields by one for all pairs, applied to the sum
of their outer products (superposition); that is an approximation too.

Source: Qu et al. 2016, "Product-based Neural Networks for User Response Prediction", section III.
The extension of 2018 (Qu et al., "Product-based Neural Networks for User Response Prediction over
Multi-field Categorical Data") hands the pairs' products to the network side by side instead.
Taught in chapter 02, "PNN".
"""

import keras
from keras import ops

from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.layers.initializers import glorot_of_one
from recsys_lib.second_order.interactions import (
    PairLayer,
    PairwiseInnerProduct,
    crossed_fields,
)

PRODUCTS = ("inner", "outer", "both")
SIGNALS = ("added", "pairs")


@keras.saving.register_keras_serializable("recsys_lib")
class InnerProductSignal(keras.layers.Layer):
    """Quadratic signal of IPNN, ``|| sum_i theta_i^n f_i ||^2`` for each unit n.

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``.

    Returns:
        ``(batch, units)``, never negative.

    Args:
        units: number D1 of units.

    Source: Qu et al. 2016, section III-B; the paper's closing formula leaves out the square.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        # One weight per unit and *field*: theta weighs whole vectors, not their elements.
        self.theta = self.add_weight(name="theta", shape=(self.units, input_shape[1]))

    def call(self, fields):
        sums = ops.matmul(self.theta, fields)  # (units, fields) (batch, fields, dim)
        return ops.sum(ops.square(sums), axis=-1)  # (batch, units, dim) -> (batch, units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("recsys_lib")
class OuterProductSignal(keras.layers.Layer):
    """Quadratic signal of OPNN, ``<W^n, (sum_i f_i)(sum_i f_i)^T>`` for each unit n.

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``.

    Returns:
        ``(batch, units)``.

    Args:
        units: number D1 of units.

    Source: Qu et al. 2016, section III-C.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        width = input_shape[2]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.units, width, width),
            initializer=glorot_of_one(width**2, self.units),
        )

    def call(self, fields):
        width = fields.shape[2]
        total = ops.sum(fields, axis=1)  # (batch, dim)
        outer = ops.expand_dims(total, 2) * ops.expand_dims(total, 1)  # (batch, dim, dim)
        flat = ops.reshape(outer, (-1, width * width))
        kernel = ops.reshape(self.kernel, (self.units, width * width))
        return ops.matmul(flat, ops.transpose(kernel))  # (batch, units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("recsys_lib")
class PairwiseKernelProduct(PairLayer):
    """Outer products of the 2018 extension: ``v_i^T W_ij v_j``, one matrix per pair i < j.

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``.

    Returns:
        ``(batch, num_pairs)``.

    Source: Qu et al. 2018, the kernel product.
    """

    def build(self, input_shape):
        super().build(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.num_pairs, self.embedding_dim, self.embedding_dim),
            initializer=glorot_of_one(self.embedding_dim, self.embedding_dim),
        )

    def call(self, fields):
        return ops.sum(self.turn_first(fields, self.kernel) * self.second(fields), axis=-1)


@keras.saving.register_keras_serializable("recsys_lib")
class AddedSignals(keras.layers.Layer):
    """First hidden layer: ``ReLU(l_z + l_p + b_1)``.

    Call arguments:
        signals: list of tensors ``(batch, units)``.

    Returns:
        ``(batch, units)``.

    Source: Qu et al. 2016, section III-A.
    """

    def build(self, input_shape):
        self.bias = self.add_weight(name="bias", shape=(input_shape[0][-1],), initializer="zeros")

    def call(self, signals):
        return ops.relu(sum(signals[1:], start=signals[0]) + self.bias)


def build_pnn(
    feature_columns,
    embedding_dim=16,
    hidden_units=(64, 32),
    products="inner",
    signals="added",
    dropout_rate=0.0,
    task="click",
):
    """Build the model.

    Args:
        feature_columns: columns of any kind, two fields at least.
        embedding_dim: width of the vectors.
        hidden_units: widths of the layers; the first is D1, the number of units that read the
            products.
        products: ``"inner"`` (IPNN), ``"outer"`` (OPNN) or ``"both"`` (the paper's PNN*; weighing
            the two products side by side is adding their signals).
        signals: ``"added"`` as in the paper of 2016, or ``"pairs"`` as in the extension of 2018:
            embeddings and the products of all pairs, side by side, into the network.
        dropout_rate: dropout after each hidden layer.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. The model has no
        linear term but l_z, as in the paper. Layers ``linear_signal``, ``inner_signal`` and
        ``outer_signal`` hold l_z and l_p, ``(batch, D1)``, ``product_layer`` holds l_1. With
        ``signals="pairs"`` the products are those of ``inner_products`` and ``outer_products``,
        ``(batch, num_pairs)``.

    Raises:
        ValueError: no hidden layer, or an unknown kind of products or signals.
    """
    hidden_units = tuple(hidden_units)
    if not hidden_units or min(hidden_units) < 1:
        raise ValueError(f"hidden_units: expected widths of 1 or more, got {hidden_units}")
    if products not in PRODUCTS:
        raise ValueError(f"products: expected one of {PRODUCTS}, got {products!r}")
    if signals not in SIGNALS:
        raise ValueError(f"signals: expected one of {SIGNALS}, got {signals!r}")
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, embedding_dim)
    flat = keras.layers.Flatten(name="flat_fields")(fields)  # (batch, fields * dim)
    if signals == "pairs":
        parts = [flat]
        if products != "outer":
            parts.append(PairwiseInnerProduct(name="inner_products")(fields))
        if products != "inner":
            parts.append(PairwiseKernelProduct(name="outer_products")(fields))
        hidden = ops.concatenate(parts, axis=-1)
    else:
        hidden = _product_layer(fields, flat, hidden_units[0], products)
        hidden = keras.layers.Dropout(dropout_rate, name="product_dropout")(hidden)
        hidden_units = hidden_units[1:]
    if hidden_units:
        hidden = MLP(hidden_units, dropout_rate=dropout_rate, name="deep")(hidden)
    # The head adds the one bias of the model.
    logit = keras.layers.Dense(1, use_bias=False, name="deep_logit")(hidden)
    return keras.Model(inputs, PredictionHead(name=task)(logit), name="pnn")


def _product_layer(fields, flat, units, products):
    # The product layer adds the one bias of its units.
    parts = [keras.layers.Dense(units, use_bias=False, name="linear_signal")(flat)]
    if products != "outer":
        parts.append(InnerProductSignal(units, name="inner_signal")(fields))
    if products != "inner":
        parts.append(OuterProductSignal(units, name="outer_signal")(fields))
    return AddedSignals(name="product_layer")(parts)
