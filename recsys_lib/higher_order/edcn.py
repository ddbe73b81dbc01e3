"""EDCN: the crosses and the network of DCN exchange what they found after every layer.

DCN's two towers run side by side and meet in the logit alone. Here a bridge f joins them after each
layer, and before each layer every tower weighs the fields by a gate of its own:

    x_l = x_0 (x'_l . w_l) + b_l + x'_l          h_l = ReLU(W_l h'_l + c_l)
    f_l = f(x_l, h_l)
    x'_(l+1), h'_(l+1) = f_l, each field's part of it times softmax(g / tau) of that field

The gates of layer 1 weigh the embeddings; what the crosses then read is their ``x_0``. The bridge
is x + h, x o h (the paper's best), ReLU(W [x, h] + b), or an attention a_x o x + a_h o h.

A bridge takes vectors of one width, so that all layers of the network have that of the crosses. The
weights of a gate add up to one, and are 1/F each at the start: each layer's input is F times
smaller than what it was made from, and a product of two such vectors smaller again. The network's
layers therefore have batch normalization, as in the paper's experiments; without it a model of
small embeddings may not train at all. Some public code normalises behind the gates instead.

Taken from public code, all of which agrees in it: the logit reads the last x, h and f, and the
attention's a = softmax(V ReLU(W x + b)) runs over the components of its vector.

Source: Chen et al. 2021, "Enhancing Explicit and Implicit Feature Interactions via Information
Sharing for Parallel Deep CTR Models", sections 4.1 to 4.3.
Taught in chapter 03, "Five models of 2020 to 2023".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_choice, check_integer, check_number, check_shape
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs, embed_fields
from recsys_lib.higher_order.dcn import CrossLayer
from recsys_lib.layers.blocks import MLP, flatten_fields, side_by_side
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import (
    Configured,
    HiddenOptions,
    TableOptions,
    options_for,
    shared_options,
    tables,
)

BRIDGES = ("sum", "product", "concatenation", "attention")


class TowerOptions(TableOptions, HiddenOptions):
    """``TableOptions`` and ``HiddenOptions``."""


@keras.saving.register_keras_serializable("recsys_lib")
class FieldGate(Configured):
    """Every field times its share of ``softmax(g / temperature)``; the g start equal.

    Args:
        temperature: tau, above 0.

    Call arguments:
        fields: ``(batch, num_fields, dim)``.

    Returns:
        The same shape.
    """

    def __init__(self, temperature=1.0, **kwargs):
        super().__init__(**kwargs)
        self.temperature = check_number("temperature", temperature, 0, exclude=(0,))

    def build(self, input_shape):
        check_shape(self, input_shape, 3, "(batch, num_fields, dim)")
        self.strengths = self.add_weight(
            name="strengths", shape=(input_shape[1], 1), initializer="ones"
        )

    def call(self, fields):
        shares = ops.softmax(self.strengths / self.temperature, axis=0)
        # Side by side: the gradient of one vector of factors is the faster one.
        factors = ops.reshape(ops.broadcast_to(shares, fields.shape[1:]), (-1,))
        return ops.reshape(flatten_fields(fields) * factors, (-1, *fields.shape[1:]))


@keras.saving.register_keras_serializable("recsys_lib")
class Bridge(Configured):
    """What the towers hand on together, ``f(x, h)``.

    Args:
        kind: one of ``BRIDGES``.

    Call arguments:
        cross, deep: ``(batch, d)`` each.

    Returns:
        ``(batch, d)``.

    Raises:
        ValueError: an unknown kind, or towers of different widths.
    """

    def __init__(self, kind="product", **kwargs):
        super().__init__(**kwargs)
        self.kind = check_choice("bridge", kind, BRIDGES)

    def build(self, cross_shape, deep_shape):
        width = cross_shape[-1]
        if deep_shape[-1] != width:
            raise ValueError(
                f"{self.name!r}: expected towers of one width, got {width} and {deep_shape[-1]}"
            )
        if self.kind == "concatenation":
            self.joined = keras.layers.Dense(width, "relu", name="joined")
            self.joined.build((cross_shape[0], 2 * width))
        elif self.kind == "attention":
            dense, towers = keras.layers.Dense, ("cross", "deep")
            self.hidden = [dense(width, "relu", name=f"hidden_{x}") for x in towers]
            self.shares = [dense(width, "softmax", False, name=f"shares_{x}") for x in towers]
            for layer in (*self.hidden, *self.shares):
                layer.build(cross_shape)

    def call(self, cross, deep):
        if self.kind == "sum":
            return cross + deep
        if self.kind == "product":
            return cross * deep
        if self.kind == "concatenation":
            return self.joined(side_by_side([cross, deep]))
        of_cross, of_deep = self.shares
        return of_cross(self.hidden[0](cross)) * cross + of_deep(self.hidden[1](deep)) * deep

    def compute_output_shape(self, cross_shape, deep_shape):
        return cross_shape


@shared_options(batch_normalization=True)
def build_edcn(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_cross_layers: int = 3,
    bridge: str | None = "product",
    temperature: float | None = 1.0,
    **common: Unpack[TowerOptions],
) -> keras.Model:
    """Build EDCN.

    The bridge ``"attention"`` has a network for each tower; FuxiCTR's code runs one over both.

    Args:
        feature_columns: columns of any kind, none of which states another width; a number is a
            field, its value times a vector.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        num_cross_layers: L, of the crosses and of the network.
        bridge: ``"product"``, ``"sum"``, ``"concatenation"`` or ``"attention"``; None: each tower
            reads its own layer before, and the logit the towers alone.
        temperature: tau of the gates, which are sharper the lower it is; None: no gates. With
            neither bridges nor gates it is DCN.
        **common: see ``TableOptions`` and ``HiddenOptions``. The network's widths are not free.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. For l from 1 the
        layers ``cross_gate_l`` and ``deep_gate_l``, ``(batch, fields, dim)``, whose ``strengths``
        are the g; ``cross_l``, ``deep_l`` and ``bridge_l``, ``(batch, fields * dim)``.

    Raises:
        ValueError: an option out of range, a column with another width, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_edcn(columns, "click", embedding_dim=4, num_cross_layers=2)
        >>> model.get_layer("cross_2").output.shape, model.get_layer("bridge_2").output.shape
        ((None, 8), (None, 8))
    """
    num_cross_layers = check_integer("num_cross_layers", num_cross_layers)
    inputs = build_inputs(feature_columns)
    fields = embed_fields(inputs, feature_columns, **tables(feature_columns, common))
    cross = deep = flatten_fields(fields)  # (batch, fields * dim)
    width, shape, options = cross.shape[1], (-1, *fields.shape[1:]), options_for(MLP, common)
    for layer in range(1, num_cross_layers + 1):
        if temperature is not None:
            gate = FieldGate(temperature, name=f"cross_gate_{layer}")
            cross = flatten_fields(gate(ops.reshape(cross, shape)))
            gate = FieldGate(temperature, name=f"deep_gate_{layer}")
            deep = flatten_fields(gate(ops.reshape(deep, shape)))
        if layer == 1:
            first = cross
        cross = CrossLayer(name=f"cross_{layer}")(first, cross)
        deep = MLP((width,), **options, name=f"deep_{layer}")(deep)
        found = [cross, deep]
        if bridge is not None:
            cross = deep = Bridge(bridge, name=f"bridge_{layer}")(cross, deep)
            found.append(cross)
    logit = keras.layers.Dense(1, use_bias=False, name="logit")(side_by_side(found))
    return keras.Model(inputs, predict_one(tasks, logit), name="edcn")
