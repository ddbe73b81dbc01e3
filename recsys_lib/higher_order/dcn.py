"""DCN and DCN-V2: each cross layer multiplies its input once more with the first input.

After L layers the cross network is a polynomial of degree L + 1 in the input x_0, the embeddings
and the numbers side by side:

    DCN     x_(l+1) = x_0 (x_l . w_l) + b_l + x_l          w_l, b_l in R^d
    DCN-V2  x_(l+1) = x_0 o (W_l x_l + b_l) + x_l          W_l in R^(d x d), or U_l V_l^T

A mixture of low-rank experts (DCN-Mix) replaces one matrix of low rank by several, weighed anew in
each row by a gate G; g is an activation, and C_i stands between its two uses:

    DCN-Mix x_(l+1) = sum_i G_i(x_l) E_i(x_l) + x_l
            E_i(x)  = x_0 o (U_i V_i^T x + b)              or x_0 o (U_i g(C_i g(V_i^T x)) + b)

A plain network runs beside it on the same input; one logistic layer reads both outputs.

Sources: Wang et al. 2017, "Deep & Cross Network for Ad Click Predictions", equation 3; Wang et
al. 2021, "DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to
Rank Systems", equation 1 and section 3.5 (low rank, and the mixture in both forms).
Taught in chapter 03, "DCN".
"""

from collections.abc import Callable, Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_choice, check_integer, check_known, check_shape, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.blocks import MLP, glorot_of_one, side_by_side
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import (
    Activation,
    Configured,
    DeepOptions,
    options_for,
    shared_options,
    tables,
)

GATES = {"softmax": ops.softmax, "sigmoid": ops.sigmoid}
"""The gates that a mixture of low-rank experts may have."""


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
class MatrixCrossLayer(Configured):
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
        else:
            _check_rank(self.rank, width)
            self.v = self.add_weight(name="v", shape=(width, self.rank))
            self.u = self.add_weight(name="u", shape=(width, self.rank))
        self.bias = self.add_weight(name="bias", shape=(width,), initializer="zeros")

    def call(self, first, current):
        if self.rank is None:
            product = ops.matmul(current, self.kernel)
        else:
            product = ops.matmul(ops.matmul(current, self.v), ops.transpose(self.u))
        return first * (product + self.bias) + current


@keras.saving.register_keras_serializable("recsys_lib")
class MixtureCrossLayer(Configured):
    """DCN-V2's mixture of low-rank experts, ``sum_i G_i(x_l) E_i(x_l) + x_l``.

    The experts' sum takes one product: ``x_0`` and ``b`` stand in all of them, and the hidden
    vectors, each times its gate, meet all ``U_i`` at once,

        sum_i G_i E_i = x_0 o (sum_i U_i (G_i h_i) + (sum_i G_i) b)

    Args:
        num_experts: K. A single expert has no gate: G is 1, as where the paper falls back to one
            matrix of low rank.
        rank: r of each expert, ``h_i`` in R^r.
        activation: None: ``h_i = V_i^T x``, which keeps each expert a polynomial. A Keras
            activation g: ``h_i = g(C_i g(V_i^T x))`` with ``C_i`` in R^(r x r), the paper's form
            that also learns in the projected space.
        gate: ``"softmax"`` over the experts, or a ``"sigmoid"`` for each, of one linear map of
            ``x_l``; the paper names both.

    Attributes:
        v, u: ``(num_experts, d, rank)``. c: ``(num_experts, rank, rank)``, with an activation.
        bias: ``(d,)``, one for all experts. gate_kernel: ``(d, num_experts)``.

    Call arguments, returns and raises as for ``CrossLayer``.

    Source: Wang et al. 2021, section 3.5.
    """

    def __init__(self, num_experts, rank, activation=None, gate="softmax", **kwargs):
        super().__init__(**kwargs)
        self.num_experts = check_integer("num_experts", num_experts)
        self.rank = check_integer("rank", rank)
        self.activation = activation and check_known("activation", activation, keras.activations)
        self.gate = check_choice("gate", gate, GATES)

    def build(self, first_shape, current_shape):
        width = _width(self, first_shape, current_shape)
        _check_rank(self.rank, width)
        for name in ("v", "u"):
            weight = self.add_weight(
                name=name,
                shape=(self.num_experts, width, self.rank),
                initializer=glorot_of_one(width, self.rank),
            )
            setattr(self, name, weight)
        if self.activation is not None:
            self.c = self.add_weight(
                name="c",
                shape=(self.num_experts, self.rank, self.rank),
                initializer=glorot_of_one(self.rank, self.rank),
            )
        if self.num_experts > 1:
            self.gate_kernel = self.add_weight(name="gate_kernel", shape=(width, self.num_experts))
        self.bias = self.add_weight(name="bias", shape=(width,), initializer="zeros")

    def call(self, first, current):
        width, num_hidden = first.shape[-1], self.num_experts * self.rank
        v = ops.reshape(ops.transpose(self.v, (1, 0, 2)), (width, num_hidden))
        u = ops.reshape(ops.transpose(self.u, (0, 2, 1)), (num_hidden, width))
        hidden = ops.reshape(ops.matmul(current, v), (-1, self.num_experts, self.rank))
        if self.activation is not None:
            hidden = self.activation(hidden)
            hidden = self.activation(self._through_c(hidden))
        bias = self.bias
        if self.num_experts > 1:
            gates = GATES[self.gate](ops.matmul(current, self.gate_kernel))  # (batch, experts)
            hidden = hidden * ops.expand_dims(gates, -1)
            # All gates of a softmax sum to one, those of a sigmoid do not.
            bias = bias * ops.sum(gates, axis=-1, keepdims=True)
        product = ops.matmul(ops.reshape(hidden, (-1, num_hidden)), u)  # (batch, d)
        return first * (product + bias) + current

    def _through_c(self, hidden):
        """``C_i g(V_i^T x)`` of each expert, ``(batch, experts, rank)``."""
        # One by one: a batched product of matrices this small takes 1.5 to 2 times as long.
        each = zip(
            ops.unstack(hidden, num=self.num_experts, axis=1),
            ops.unstack(ops.convert_to_tensor(self.c), num=self.num_experts, axis=0),
            strict=True,
        )
        return ops.stack([ops.matmul(part, ops.transpose(c)) for part, c in each], axis=1)

    def compute_output_shape(self, first_shape, current_shape):
        return current_shape


def _check_rank(rank, width):
    if rank > width:
        raise ValueError(f"rank: expected at most the input's width {width}, got {rank}")


def _width(layer, first_shape, current_shape):
    for shape in (first_shape, current_shape):
        check_shape(layer, shape, 2, "(batch, d)")
    if first_shape[-1] != current_shape[-1]:
        raise ValueError(
            f"{layer.name!r}: expected x_0 and x_l of one width, "
            f"got {first_shape[-1]} and {current_shape[-1]}"
        )
    return first_shape[-1]


@shared_options()
def build_dcn(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_cross_layers: int = 3,
    **common: Unpack[DeepOptions],
) -> keras.Model:
    """Build DCN.

    The input ``x_0`` holds the embeddings, pooled sequences and, as in the paper, numbers as they
    are (a number times a learned vector would only repeat it ``embedding_dim`` times). Embeddings
    may differ in width: a cross multiplies single components, not vectors.

    Args:
        feature_columns: columns of any kind.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        num_cross_layers: L, the crosses reach degree L + 1.
        **common: see ``TableOptions`` and ``NetworkOptions``. Without hidden layers the cross
            network is alone; the paper's experiments have batch normalization.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers to look at:
        ``cross_1`` ... ``cross_L`` with ``x_1`` ... ``x_L``, each ``(batch, d)``; ``deep``, the
        network's last layer; ``cross_input`` with ``x_0``; ``logit``, which reads both.

    Raises:
        ValueError: an option out of range, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, NumericColumn
        >>> columns = [CategoricalColumn("user_id", 6), NumericColumn("price")]
        >>> model = build_dcn(columns, "click", embedding_dim=4, num_cross_layers=2)
        >>> model.get_layer("cross_2").output.shape  # an embedding and a number side by side
        (None, 5)
    """
    return _build("dcn", CrossLayer, feature_columns, tasks, num_cross_layers, common)


@shared_options()
def build_dcn_v2(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_cross_layers: int = 3,
    rank: int | None = None,
    num_experts: int = 1,
    expert_activation: Activation | None = None,
    gate: str = "softmax",
    **common: Unpack[DeepOptions],
) -> keras.Model:
    """Build DCN-V2 in its parallel structure (its stacked one feeds the crosses to the network).

    Args:
        feature_columns, tasks, num_cross_layers, **common: as for ``build_dcn``.
        rank: of each cross layer's matrix; None for a full one.
        num_experts: matrices of that rank in each cross layer, mixed by a gate (DCN-Mix).
        expert_activation: None: every expert is ``U V^T``, the mixture's first form in the paper.
            A Keras activation g: ``U g(C g(V^T x))``, its second one, after which a cross is no
            longer a polynomial; ``"tanh"`` and ``"relu"`` are usual.
        gate: ``"softmax"`` over the experts, or a ``"sigmoid"`` for each.

    Returns:
        As ``build_dcn``.

    Raises:
        ValueError: as ``build_dcn``; a rank above the input's width, or experts without a rank.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_dcn_v2(columns, "click", embedding_dim=4, rank=2, num_experts=3)
        >>> model.get_layer("cross_1").output.shape
        (None, 8)
    """
    num_experts = check_integer("num_experts", num_experts)
    check_choice("gate", gate, GATES)
    if rank is None and (num_experts > 1 or expert_activation is not None):
        raise ValueError(
            f"rank: expected an integer with num_experts={num_experts} and "
            f"expert_activation={expert_activation!r}, got None"
        )

    def cross_layer(name):
        if num_experts == 1 and expert_activation is None:
            return MatrixCrossLayer(rank, name=name)
        return MixtureCrossLayer(num_experts, rank, expert_activation, gate, name=name)

    return _build("dcn_v2", cross_layer, feature_columns, tasks, num_cross_layers, common)


def _build(
    name: str,
    cross_layer: Callable[..., keras.layers.Layer],
    feature_columns: Sequence[Column],
    tasks: Tasks,
    num_cross_layers: int,
    common: DeepOptions,
) -> keras.Model:
    """L cross layers and a network beside them, both on ``x_0``."""
    num_cross_layers = check_integer("num_cross_layers", num_cross_layers)
    inputs = build_inputs(feature_columns)
    groups = embed_groups(inputs, feature_columns, **tables(feature_columns, common))
    first = keras.layers.Identity(name="cross_input")(side_by_side(groups.values()))
    current = first  # (batch, d)
    for depth in range(1, num_cross_layers + 1):
        current = cross_layer(name=f"cross_{depth}")(first, current)
    outputs = [current]
    if check_widths("hidden_units", common["hidden_units"], at_least=0):
        outputs.append(MLP(**options_for(MLP, common), name="deep")(first))
    # One logistic layer over both; its bias is the head's.
    logit = keras.layers.Dense(1, use_bias=False, name="logit")(side_by_side(outputs))
    return keras.Model(inputs, predict_one(tasks, logit), name=name)
