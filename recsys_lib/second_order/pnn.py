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

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_choice, check_integer, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import (
    activation_layer,
    check_dropout,
    deep_logit,
    flatten_fields,
    glorot_of_one,
    normalization_layer,
    read_activation,
    read_normalization,
    side_by_side,
)
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import Configured, DeepOptions, options_for, shared_options, tables
from recsys_lib.second_order.interactions import (
    PairLayer,
    PairwiseInnerProduct,
    crossed_fields,
)

PRODUCTS = ("inner", "outer", "both")
SIGNALS = ("added", "pairs")


@keras.saving.register_keras_serializable("recsys_lib")
class InnerProductSignal(Configured):
    """Quadratic signal of IPNN, ``|| sum_i theta_i^n f_i ||^2`` for each unit n.

    Computed as ``sum_ij theta_i^n theta_j^n <f_i, f_j>``: a row has num_fields^2 inner products,
    and all units read the same ones, where a sum of weighted vectors would take
    ``units * embedding_dim`` numbers for each row.

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``.

    Returns:
        ``(batch, units)``, never negative but for rounding.

    Args:
        units: number D1 of units.

    Source: Qu et al. 2016, section III-B; the paper's closing formula leaves out the square.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = check_integer("units", units)

    def build(self, input_shape):
        # One weight per unit and *field*: theta weighs whole vectors, not their elements.
        self.theta = self.add_weight(name="theta", shape=(self.units, input_shape[1]))

    def call(self, fields):
        num_products = fields.shape[1] ** 2
        inner = ops.matmul(fields, ops.transpose(fields, (0, 2, 1)))  # (batch, fields, fields)
        weights = ops.expand_dims(self.theta, 2) * ops.expand_dims(self.theta, 1)
        weights = ops.reshape(weights, (self.units, num_products))
        return ops.matmul(ops.reshape(inner, (-1, num_products)), ops.transpose(weights))


@keras.saving.register_keras_serializable("recsys_lib")
class OuterProductSignal(Configured):
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
        self.units = check_integer("units", units)

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
class AddedSignals(Configured):
    """First hidden layer: ``f(l_z + l_p + b_1)``.

    Call arguments:
        signals: list of tensors ``(batch, units)``.

    Returns:
        ``(batch, units)``.

    Args:
        activation: f, a Keras activation, ``"dice"`` or ``"prelu"``; ReLU in the paper.
        batch_normalization: normalise the sum before the activation; see ``MLP``.

    Source: Qu et al. 2016, section III-A.
    """

    def __init__(self, activation="relu", batch_normalization=False, **kwargs):
        super().__init__(**kwargs)
        self.activation = read_activation(activation)
        self.activation_layer = activation_layer(self.activation, name="activation")
        self.batch_normalization = read_normalization(batch_normalization)
        if self.batch_normalization:
            self.normalization = normalization_layer(self.batch_normalization, "normalization")

    def build(self, input_shape):
        shape = tuple(input_shape[0])
        self.bias = self.add_weight(name="bias", shape=shape[-1:], initializer="zeros")
        if self.batch_normalization:
            self.normalization.build(shape)
        self.activation_layer.build(shape)

    def call(self, signals, training=None):
        total = sum(signals[1:], start=signals[0]) + self.bias
        if self.batch_normalization:
            total = self.normalization(total, training=training)
        return self.activation_layer(total)


@shared_options()
def build_pnn(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    products: str = "inner",
    signals: str = "added",
    **common: Unpack[DeepOptions],
) -> keras.Model:
    """Build a product-based neural network: IPNN, OPNN, both, or the extension of 2018.

    Args:
        feature_columns: columns of any kind, two fields at least.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        products: ``"inner"`` (IPNN), ``"outer"`` (OPNN) or ``"both"`` (the paper's PNN*; weighing
            the two products side by side is adding their signals).
        signals: ``"added"`` as in the paper of 2016, or ``"pairs"`` as in the extension of 2018:
            embeddings and the products of all pairs, side by side, into the network.
        **common: see ``TableOptions`` and ``NetworkOptions``. There is a hidden layer at least; the
            first is the product layer, of D1 units.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. The model has no
        linear term but l_z, as in the paper. Layers ``linear_signal``, ``inner_signal`` and
        ``outer_signal`` hold l_z and l_p, ``(batch, D1)``, ``product_layer`` holds l_1. With
        ``signals="pairs"`` the products are those of ``inner_products`` and ``outer_products``,
        ``(batch, num_pairs)``.

    Raises:
        ValueError: no hidden layer, an unknown kind of products or signals, fewer than two fields,
            a column that states another width, an option out of range, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_pnn(columns, "click", embedding_dim=4, hidden_units=(8, 3))
        >>> model.get_layer("product_layer").output.shape, model.get_layer("deep").output.shape
        ((None, 8), (None, 3))
    """
    hidden_units = check_widths("hidden_units", common["hidden_units"])
    check_choice("products", products, PRODUCTS)
    check_choice("signals", signals, SIGNALS)
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, **tables(feature_columns, common))
    flat = flatten_fields(fields)  # (batch, fields * dim)
    if signals == "pairs":
        parts = [flat]
        if products != "outer":
            parts.append(PairwiseInnerProduct(name="inner_products")(fields))
        if products != "inner":
            parts.append(PairwiseKernelProduct(name="outer_products")(fields))
        hidden = side_by_side(parts)
    else:
        parts = _signals(fields, flat, hidden_units[0], products)
        # The product layer adds the one bias of its units.
        product_layer = AddedSignals(**options_for(AddedSignals, common), name="product_layer")
        rate = check_dropout("dropout_rate", common["dropout_rate"])
        hidden = keras.layers.Dropout(rate, name="product_dropout")(product_layer(parts))
        hidden_units = hidden_units[1:]
    network = {**options_for(deep_logit, common), "hidden_units": hidden_units}
    logit = deep_logit(hidden, **network)
    return keras.Model(inputs, predict_one(tasks, logit), name="pnn")


def _signals(fields, flat, units, products):
    """l_z and the l_p that are asked for, each ``(batch, units)``."""
    signals = [keras.layers.Dense(units, use_bias=False, name="linear_signal")(flat)]
    if products != "outer":
        signals.append(InnerProductSignal(units, name="inner_signal")(fields))
    if products != "inner":
        signals.append(OuterProductSignal(units, name="outer_signal")(fields))
    return signals
