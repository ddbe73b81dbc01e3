"""FinalMLP: two plain networks, which see the features through gates, fused by a bilinear form.

Each of the two networks (streams) reads the features e times a gate of its own. The gate is made
from a condition x_n: the user's columns, the item's, or a vector that is learned:

    h_n = 2 sigmoid(Gate_n(x_n)) o e          o_n = MLP_n(h_n)          n = 1, 2

A gate of ones changes nothing. The outputs are cut into k heads, and only equal heads multiply:

    logit = b + w_1 . o_1 + w_2 . o_2 + sum_h o_1h W_h o_2h

With W = 0 it is the sum of two networks' logits, the paper's DualMLP where the gates are one.

The paper does not say whether a condition shares tables with e. The authors' code gives it tables
of its own, and so does this. The gate's network has one hidden layer; its depth is free there. A
learned condition starts at random as a table does, not at zero as in that code: with ReLU and
biases of zero, which that code has not, the gate's hidden layer would never get a gradient.

Source: Mao et al. 2023, "FinalMLP: An Enhanced Two-Stream MLP Model for CTR Prediction", the
sections on stream-specific feature selection and on stream-level interaction aggregation.
Taught in chapter 03, "Five models of 2020 to 2023".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_integer, check_widths
from recsys_lib.features.columns import Column, select
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.blocks import MLP, glorot_of_one, side_by_side
from recsys_lib.layers.gate_unit import GateNU
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import (
    Configured,
    DeepOptions,
    Widths,
    options_for,
    shared_options,
    tables,
)


@keras.saving.register_keras_serializable("recsys_lib")
class LearnedCondition(Configured):
    """A learned vector, the same for each row of ``inputs``: ``(batch, units)``.

    Args:
        units: its width.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = check_integer("embedding_dim", units)

    def build(self, input_shape):
        start = keras.initializers.RandomUniform(-0.05, 0.05)
        self.vector = self.add_weight(name="vector", shape=(self.units,), initializer=start)

    def call(self, inputs):
        return ops.zeros_like(inputs[:, :1]) + self.vector


@keras.saving.register_keras_serializable("recsys_lib")
class BilinearFusion(Configured):
    """``o_1h W_h o_2h`` for each head h.

    Args:
        num_heads: k, a divisor of both widths. One head has the full matrix, k heads a k-th of it.

    Call arguments:
        first, second: ``(batch, d_1)`` and ``(batch, d_2)``.

    Returns:
        ``(batch, num_heads)``.

    Attributes:
        kernel: ``(num_heads, d_1 / num_heads, d_2 / num_heads)``.

    Raises:
        ValueError: a width that the number of heads does not divide.
    """

    def __init__(self, num_heads=1, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = check_integer("num_heads", num_heads)

    def build(self, first_shape, second_shape):
        widths = first_shape[-1], second_shape[-1]
        if any(width % self.num_heads for width in widths):
            raise ValueError(
                f"num_heads: expected a divisor of the last widths {widths[0]} and {widths[1]}, "
                f"got {self.num_heads}"
            )
        self.parts = tuple(width // self.num_heads for width in widths)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.num_heads, *self.parts),
            initializer=glorot_of_one(*self.parts),
        )

    def call(self, first, second):
        first = ops.reshape(first, (-1, self.num_heads, self.parts[0]))
        second = ops.reshape(second, (-1, self.num_heads, self.parts[1]))
        return ops.sum(ops.einsum("bhi,hij->bhj", first, self.kernel) * second, axis=-1)


@shared_options()
def build_finalmlp(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    second_units: Widths | None = None,
    conditions: Sequence[str | None] | None = None,
    gate_units: int = 32,
    num_heads: int = 1,
    **common: Unpack[DeepOptions],
) -> keras.Model:
    """Build FinalMLP.

    Args:
        feature_columns: columns of any kind; numbers are part of e as they are.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        second_units: widths of the second network; None: those of the first, ``hidden_units``.
        conditions: of the two gates: the name of a group of columns, or None for a vector that is
            learned. Default: the groups ``user`` and ``item``, and a learned vector in the place
            of one that has no column.
        gate_units: width of every gate's hidden layer.
        num_heads: k, which divides both networks' last widths.
        **common: see ``TableOptions`` and ``NetworkOptions``; each network has a hidden layer at
            least. None of it changes a gate, which keeps ReLU and sigmoid.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``features``
        holds e; for n of 1 and 2 ``condition_n`` the condition, ``gate_n`` its gate with the width
        of e, and ``deep_n`` the network's last layer, ``(batch, units)``. ``fusion`` holds the
        heads' terms, ``(batch, num_heads)``; ``logit`` reads both networks.

    Raises:
        ValueError: conditions that are not two, a group without columns, no hidden layer, heads
            that do not divide a width, an option out of range, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6, group="user"), CategoricalColumn("hour", 9)]
        >>> model = build_finalmlp(columns, "click", hidden_units=(8, 6), num_heads=2)
        >>> model.get_layer("gate_2").output.shape, model.get_layer("fusion").output.shape
        ((None, 32), (None, 2))
    """
    groups = {column.group for column in feature_columns}
    if conditions is None:
        conditions = [group if group in groups else None for group in ("user", "item")]
    if len(conditions) != 2 or not {*conditions} <= {*groups, None}:
        raise ValueError(
            f"conditions: expected two, each None or one of {sorted(groups)}, got {conditions!r}"
        )
    widths = [check_widths("hidden_units", common["hidden_units"])] * 2
    if second_units is not None:
        widths[1] = check_widths("second_units", second_units)
    of_tables = tables(feature_columns, common)
    inputs = build_inputs(feature_columns)
    features = side_by_side(embed_groups(inputs, feature_columns, **of_tables).values())
    features = keras.layers.Identity(name="features")(features)  # e, (batch, width)
    outputs = []
    for n, (group, units) in enumerate(zip(conditions, widths, strict=True), start=1):
        if group is None:
            condition = LearnedCondition(common["embedding_dim"], name=f"condition_{n}")(features)
        else:
            columns, table = select(feature_columns, group=group), f"condition_{n}_embedding"
            (condition,) = embed_groups(inputs, columns, **of_tables, name=table).values()
            condition = keras.layers.Identity(name=f"condition_{n}")(condition)
        gate = GateNU(features.shape[1], gate_units, name=f"gate_{n}")(condition)
        network = MLP(**{**options_for(MLP, common), "hidden_units": units}, name=f"deep_{n}")
        outputs.append(network(gate * features))
    linear = keras.layers.Dense(1, use_bias=False, name="logit")(side_by_side(outputs))
    fused = BilinearFusion(num_heads, name="fusion")(*outputs)
    logits = [linear, ops.sum(fused, axis=1, keepdims=True)]
    return keras.Model(inputs, predict_one(tasks, logits), name="finalmlp")
