"""FiBiNET: weigh the fields, then cross them through learned matrices.

A squeeze-and-excitation network (SENET) gives every field of a row a weight a_i. The original
vectors and the weighted ones are crossed, each by bilinear products of their own, and a network
reads all of them:

    z_i = mean(e_i),    a = ReLU(W_2 ReLU(W_1 z)),    v_i = a_i e_i
    p_ij = (e_i W) o e_j,    q_ij = (v_i W') o v_j    for i < j
    logit = w_0 + sum_i w_i x_i + w . MLP([p, q])

Source: Huang et al. 2019, "FiBiNET: Combining Feature Importance and Bilinear feature Interaction
for Click-Through Rate Prediction", sections 3.2 to 3.6.
Taught in chapter 02, "FiBiNET".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_choice, check_known, check_number, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import deep_logit, flatten_fields, glorot_of_one, linear_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import (
    Activation,
    Configured,
    DeepLinearOptions,
    options_for,
    shared_options,
    tables,
)
from recsys_lib.second_order.interactions import PairLayer, crossed_fields

BILINEAR_KINDS = ("all", "each", "interaction")


@keras.saving.register_keras_serializable("recsys_lib")
class FieldWeights(Configured):
    """SENET's weight of every field: squeeze to means, excite through a bottleneck.

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``.

    Returns:
        ``(batch, num_fields)``.

    Args:
        reduction_ratio: the bottleneck has ``max(1, num_fields / reduction_ratio)`` units.
        activation: of the weights, ``"relu"`` as in the paper; ``"sigmoid"`` keeps them in (0, 1)
            and, unlike ReLU, never leaves a field without a gradient.

    Raises:
        ValueError: a ratio below 1.

    Source: Huang et al. 2019, equations 2 and 3.
    """

    def __init__(self, reduction_ratio=3, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.reduction_ratio = check_number("reduction_ratio", reduction_ratio, 1)
        self.activation = check_known("activation", activation, keras.activations)

    def build(self, input_shape):
        num_fields = input_shape[1]
        bottleneck = max(1, int(num_fields / self.reduction_ratio))
        self.squeeze_kernel = self.add_weight(name="squeeze_kernel", shape=(num_fields, bottleneck))
        self.excite_kernel = self.add_weight(name="excite_kernel", shape=(bottleneck, num_fields))

    def call(self, fields):
        means = ops.mean(fields, axis=-1)  # (batch, fields)
        hidden = ops.relu(ops.matmul(means, self.squeeze_kernel))  # (batch, bottleneck)
        return self.activation(ops.matmul(hidden, self.excite_kernel))  # (batch, fields)


@keras.saving.register_keras_serializable("recsys_lib")
class BilinearInteraction(Configured, PairLayer):
    """Product of every pair through a matrix, ``(v_i W) o v_j`` for i < j.

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``.

    Returns:
        ``(batch, num_pairs, embedding_dim)``.

    Args:
        kind: which matrices there are: ``"all"``, one for all pairs; ``"each"``, one for every
            field that comes first in a pair, which is all but the last; ``"interaction"``, one
            for every pair.

    Raises:
        ValueError: an unknown kind.

    Source: Huang et al. 2019, section 3.3.
    """

    def __init__(self, kind="interaction", **kwargs):
        super().__init__(**kwargs)
        self.kind = check_choice("bilinear", kind, BILINEAR_KINDS)

    def build(self, input_shape):
        super().build(input_shape)
        count = {"all": (), "each": (self.num_fields - 1,), "interaction": (self.num_pairs,)}
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*count[self.kind], self.embedding_dim, self.embedding_dim),
            initializer=glorot_of_one(self.embedding_dim, self.embedding_dim),
        )

    def call(self, fields):
        if self.kind == "all":
            left = self.first(ops.matmul(fields, self.kernel))
        else:
            kernel, dim = self.kernel, self.embedding_dim
            if self.kind == "each":  # for every pair the matrix of its first field
                of_fields = ops.reshape(kernel, (1, -1, dim * dim))
                kernel = ops.reshape(self.first(of_fields), (-1, dim, dim))
            left = self.turn_first(fields, kernel)
        return left * self.second(fields)  # (batch, pairs, dim)


@shared_options()
def build_fibinet(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    bilinear: str = "interaction",
    reduction_ratio: float = 3,
    senet_activation: Activation = "relu",
    **common: Unpack[DeepLinearOptions],
) -> keras.Model:
    """Build FiBiNET.

    Args:
        feature_columns: columns of any kind, two fields at least.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        bilinear: ``"all"``, ``"each"`` or ``"interaction"``, see ``BilinearInteraction``.
        reduction_ratio, senet_activation: see ``FieldWeights``.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``LinearOptions``. Without hidden
            layers it is the paper's shallow form, which adds up all elements of p and q.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``senet_weights`` holds the fields' weights ``(batch, num_fields)``, ``senet_fields`` the
        weighted vectors, ``bilinear_original`` and ``bilinear_senet`` p and q, each
        ``(batch, num_pairs, embedding_dim)``, ``deep`` the network's last layer.

    Raises:
        ValueError: fewer than two fields, a column that states another width, an option out of
            range, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_fibinet(columns, "click", embedding_dim=4, hidden_units=(8,))
        >>> model.get_layer("senet_weights").output.shape
        (None, 2)
    """
    inputs = build_inputs(feature_columns)
    fields = crossed_fields(inputs, feature_columns, **tables(feature_columns, common))
    weights = FieldWeights(reduction_ratio, senet_activation, name="senet_weights")(fields)
    column = keras.layers.Reshape((-1, 1), name="senet_column")(weights)  # (batch, fields, 1)
    weighted = keras.layers.Multiply(name="senet_fields")([fields, column])
    # Two layers, two sets of matrices: the weighted vectors are crossed in their own way.
    products = [
        BilinearInteraction(bilinear, name="bilinear_original")(fields),
        BilinearInteraction(bilinear, name="bilinear_senet")(weighted),
    ]
    flat = flatten_fields(ops.concatenate(products, axis=1))  # (batch, 2 * num_pairs * dim)
    if check_widths("hidden_units", common["hidden_units"], at_least=0):
        logit = deep_logit(flat, **options_for(deep_logit, common))
    else:
        logit = ops.sum(flat, axis=1, keepdims=True)
    logits = [linear_logit(inputs, feature_columns, l2=common["linear_l2"]), logit]
    return keras.Model(inputs, predict_one(tasks, logits), name="fibinet")
