"""AFN: products of fields whose exponents are learned, by way of logarithms.

A sum of logarithms is the logarithm of a product. A logarithmic neuron j therefore is a product of
all fields, each to a power of its own, component by component:

    y_j = exp(sum_i w_ij ln |e_i|) = |e_1|^(w_1j) o ... o |e_F|^(w_Fj)

Powers of 0 leave a field out, 1 takes it in; they may be negative and broken, and their sum, the
order of the product, is learned, where cross layers have it from their depth. A network reads all
y_j side by side. AFN+ adds a network on vectors of its own.

The logarithm knows no sign and no zero: ``|e| + epsilon`` stands for e. The paper names 1e-7 for
zeros, its authors' code 1e-4, which is taken here: the vector of an unknown id, of padding, or of a
number 0 is ln(epsilon) in all components, and the further from all others the smaller epsilon is.
Where e is exactly zero, |e| has no slope: a table that starts at zeros never trains.

Batch normalization stands behind ln and behind exp, with one mean for all components of a field, or
of a neuron, as in the authors' code; other public code has one for each component. Without it the
model may not train at all. Exponents start around 0 as in that code. It also adds a bias to each
exponent, a factor of the product, which the second normalization takes out again; here is none. In
AFN+ that code gives both networks a loss of their own and then weighs their logits; here the logits
are added and train together.

Source: Cheng, Shen and Huang 2020, "Adaptive Factorization Network: Learning Adaptive-Order Feature
Interactions", the sections on the logarithmic transformation layer and on AFN+.
Taught in chapter 03, "Five models of 2020 to 2023".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_integer, check_number, check_shape, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs, embed_fields
from recsys_lib.layers.blocks import (
    deep_logit,
    flatten_fields,
    normalization_layer,
    read_normalization,
)
from recsys_lib.layers.heads import Tasks, in_full_precision, predict_one
from recsys_lib.layers.options import (
    Configured,
    DeepOptions,
    Widths,
    options_for,
    shared_options,
    tables,
)


@keras.saving.register_keras_serializable("recsys_lib")
class LogarithmicLayer(Configured):
    """``exp(sum_i w_ij ln(|e_i| + epsilon))`` for each neuron j, in the precision of the weights.

    Args:
        num_neurons: N.
        epsilon: above 0.
        batch_normalization: behind ln and exp, see ``read_normalization``.

    Call arguments:
        fields: ``(batch, num_fields, dim)``.

    Returns:
        ``(batch, dim, num_neurons)``.

    Attributes:
        kernel: the exponents ``w``, ``(num_fields, num_neurons)``.
    """

    def __init__(self, num_neurons, epsilon=1e-4, batch_normalization=True, **kwargs):
        super().__init__(**in_full_precision(kwargs))
        self.num_neurons = check_integer("num_neurons", num_neurons)
        self.epsilon = check_number("epsilon", epsilon, 0, exclude=(0,))
        self.batch_normalization = read_normalization(batch_normalization)
        if self.batch_normalization:
            self.after_ln, self.after_exp = (
                normalization_layer(self.batch_normalization, name, self.dtype_policy)
                for name in ("after_ln", "after_exp")
            )

    def build(self, input_shape):
        check_shape(self, input_shape, 3, "(batch, num_fields, dim)")
        num_rows, num_fields, dim = input_shape
        self.kernel = self.add_weight(
            name="kernel",
            shape=(num_fields, self.num_neurons),
            initializer=keras.initializers.RandomNormal(stddev=0.1),
        )
        if self.batch_normalization:
            self.after_ln.build((num_rows, dim, num_fields))
            self.after_exp.build((num_rows, dim, self.num_neurons))

    def call(self, fields, training=None):
        # Fields last: one matrix product serves all components.
        logarithms = ops.log(ops.abs(ops.transpose(fields, (0, 2, 1))) + self.epsilon)
        if self.batch_normalization:
            logarithms = self.after_ln(logarithms, training=training)
        products = ops.exp(ops.matmul(logarithms, self.kernel))  # (batch, dim, neurons)
        if self.batch_normalization:
            products = self.after_exp(products, training=training)
        return products

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2], self.num_neurons)


@shared_options(batch_normalization=True)
def build_afn(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_neurons: int = 64,
    epsilon: float = 1e-4,
    deep_units: Widths = (),
    **common: Unpack[DeepOptions],
) -> keras.Model:
    """Build AFN, or AFN+ where ``deep_units`` are given.

    Args:
        feature_columns: columns of any kind, none of which states another width; a number is a
            field, its value times a vector.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        num_neurons: N, products of all fields.
        epsilon: what is added to the size of each component before its logarithm.
        deep_units: widths of the network that AFN+ has beside the products, on tables of its own.
        **common: see ``TableOptions`` and ``NetworkOptions``, of the network on the products; the
            other one has its options but for the widths. Without hidden layers the logit is a
            linear map of the products. ``batch_normalization`` is also that of ln and exp.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers to look at:
        ``products``, ``(batch, dim, num_neurons)``, and in its ``kernel`` the exponents of all
        fields, in the order of ``field_names(feature_columns)``; ``afn`` and ``afn_logit``; in AFN+
        ``deep_embedding``, ``deep`` and ``deep_logit``.

    Raises:
        ValueError: an option out of range, a column with another width, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_afn(columns, "click", embedding_dim=4, num_neurons=5)
        >>> model.get_layer("products").output.shape
        (None, 4, 5)
    """
    deep_units = check_widths("deep_units", deep_units, at_least=0)
    of_tables, options = tables(feature_columns, common), options_for(deep_logit, common)
    inputs = build_inputs(feature_columns)
    fields = embed_fields(inputs, feature_columns, **of_tables)
    products = LogarithmicLayer(
        num_neurons, epsilon, common["batch_normalization"], name="products"
    )(fields)
    logits = [deep_logit(flatten_fields(products), **options, name="afn")]
    if deep_units:
        fields = embed_fields(inputs, feature_columns, **of_tables, name="deep_embedding")
        options["hidden_units"] = deep_units
        logits.append(deep_logit(flatten_fields(fields), **options))
    return keras.Model(inputs, predict_one(tasks, logits), name="afn")
