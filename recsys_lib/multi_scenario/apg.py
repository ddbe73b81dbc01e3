"""APG: the weights of every layer are generated for each row, from the condition that it is in.

    y = f(W(z) x + b),    W(z) = U S(z) V,    S(z) = reshape(MLP(z))    one k x k core per row
    U = U_l U_r,  V = V_l V_r    in training, wider than k inside; folded for inference

A full matrix for each row would take a generator with ``in * out`` outputs; with U and V shared it
takes k * k, and the layer is two shared products around a small one, ``U (S (V x))``. The condition
z is the scenario (``group``), several ids at once (``mix``) or the layer's own input (``self``).

Source: Yan et al. 2022, "APG: Adaptive Parameter Generation Network for Click-Through Rate
Prediction", the sections on the low-rank parameterization, the decomposed feed-forwarding, the
parameter sharing, the over parameterization and the condition design.
Taught in chapter 06, "M2M and APG".
"""

import itertools

import keras
import numpy as np
import tensorflow as tf

from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.multi_scenario.conditions import features_and_part, ids_of_groups
from recsys_lib.multi_scenario.parts import scenario_inputs

CONDITIONS = ("group", "mix", "self")


def _flat_identity(shape, dtype=None):
    return tf.reshape(tf.eye(int(np.sqrt(shape[0])), dtype=dtype or "float32"), [-1])


@keras.saving.register_keras_serializable("recsys_lib")
class APGDense(keras.layers.Layer):
    """A fully connected layer with a weight matrix of rank k for each row, ``f(U S(z) V x + b)``.

    The core S starts near the identity: its generator's last bias is one. A row whose condition is
    the zero vector then has a layer that works, and trains, like any other.

    Call arguments:
        inputs: ``(batch, features)``.
        condition: ``(batch, width)``.

    Returns:
        ``(batch, units)``.

    Args:
        units: width of the output.
        rank: k, side of the core.
        inner_units: width between ``U_l`` and ``U_r``, and between ``V_l`` and ``V_r``; None: U and
            V are one weight each.
        condition_units: widths of the hidden layers from the condition to the core; may be empty.
        activation: Keras activation.

    Raises:
        ValueError: a width below 1, a rank above the input's or the output's width, or inner units
            below the rank.
    """

    def __init__(
        self, units, rank=8, inner_units=None, condition_units=(32,), activation="relu", **kwargs
    ):
        super().__init__(**kwargs)
        if min(units, rank) < 1:
            raise ValueError(
                f"{self.name}: expected units and a rank of 1 or more, got {units} and {rank}"
            )
        if inner_units is not None and inner_units < rank:
            raise ValueError(
                f"{self.name}: expected inner_units of the rank {rank} or more, got {inner_units}"
            )
        self.units, self.rank, self.inner_units = units, rank, inner_units
        self.condition_units = tuple(condition_units)
        self.activation = keras.activations.get(activation)
        self.hidden = MLP(self.condition_units, name="hidden") if self.condition_units else None
        self.generator = keras.layers.Dense(
            rank * rank, bias_initializer=_flat_identity, name="generator"
        )

    def build(self, inputs_shape, condition_shape):
        features = inputs_shape[-1]
        if self.rank > min(features, self.units):
            raise ValueError(
                f"{self.name}: expected a rank up to {min(features, self.units)}, the smaller of "
                f"input and output, got {self.rank}"
            )
        self.v = self._factors("v", features, self.rank)
        self.u = self._factors("u", self.rank, self.units)
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        width = condition_shape[-1]
        if self.hidden is not None:
            self.hidden.build((None, width))
            width = self.condition_units[-1]
        self.generator.build((None, width))

    def _factors(self, name, rows, columns):
        """Weights whose product is the transpose of U or V."""
        inner = [] if self.inner_units is None else [self.inner_units]
        widths = [rows, *inner, columns]
        return [
            self.add_weight(
                name=f"{name}_{position}" if inner else name,
                shape=shape,
                initializer="glorot_uniform",
            )
            for position, shape in enumerate(itertools.pairwise(widths))
        ]

    def folded(self):
        """The shared matrices as rows multiply them: V ``(features, k)`` and U ``(k, units)``."""
        return [
            factors[0] @ factors[1] if len(factors) == 2 else tf.convert_to_tensor(factors[0])
            for factors in (self.v, self.u)
        ]

    def core(self, condition):
        """S of each row, ``(batch, k, k)``."""
        hidden = condition if self.hidden is None else self.hidden(condition)
        return tf.reshape(self.generator(hidden), [-1, self.rank, self.rank])

    def matrices(self, condition):
        """Each row's whole matrix W, ``(batch, units, features)``, to look at."""
        v, u = self.folded()
        return tf.einsum("ku,bkl,fl->buf", u, self.core(condition), v)

    def call(self, inputs, condition):
        v, u = self.folded()
        inside = tf.matmul(self.core(condition), (inputs @ v)[:, :, None])[:, :, 0]
        return self.activation(inside @ u + self.bias)

    def compute_output_spec(self, inputs, condition):
        return keras.KerasTensor((inputs.shape[0], self.units), inputs.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "rank": self.rank,
            "inner_units": self.inner_units,
            "condition_units": list(self.condition_units),
            "activation": keras.activations.serialize(self.activation),
        }


def build_apg(
    feature_columns,
    embedding_dim=16,
    hidden_units=(64, 32),
    rank=8,
    inner_units=32,
    condition="group",
    condition_columns=None,
    condition_units=(32,),
    scenario=None,
    task="click",
):
    """Build the model.

    The network reads all features, the scenario among them. An unknown scenario has the zero
    vector: in ``group`` its weights come from the generator's biases alone.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        embedding_dim: width of each column's vector.
        hidden_units: widths of the generated layers; the last, linear map to the logit is a plain
            one.
        rank: side of each layer's core; at most the smallest width of a layer or of its input.
        inner_units: width inside U and V in training, or None, see ``APGDense``.
        condition: ``"group"``: weights by scenario. ``"mix"``: by several ids, their vectors side
            by side. ``"self"``: by the layer's input.
        condition_columns: names of the columns of ``"mix"``; default: the categorical ones of the
            groups ``user`` and ``item``.
        condition_units: widths of the hidden layers from the condition to a core.
        scenario: name of the scenario's column; default: the one of group ``scenario``.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers ``features``
        and, from 1, ``apg_l``, an ``APGDense`` each.

    Raises:
        ValueError: no scenario column, no other, an unknown condition, no column to mix, or bad
            widths.
    """
    if condition not in CONDITIONS:
        raise ValueError(f"condition: expected one of {CONDITIONS}, got {condition!r}")
    if condition_columns is not None and condition != "mix":
        raise ValueError(f"condition_columns: only for the condition 'mix', got {condition!r}")
    if not hidden_units:
        raise ValueError("hidden_units: expected at least one layer, got none")
    given = scenario_inputs(feature_columns, scenario)
    names = [given.column.name] if condition == "group" else []
    if condition == "mix":
        of_groups = ids_of_groups(given.others, ("user", "item"))
        names = of_groups if condition_columns is None else condition_columns
        if not names:
            raise ValueError(
                "condition_columns: expected names of columns, or a categorical one of user or item"
            )
    current, read = features_and_part(given.values, feature_columns, names, embedding_dim)
    for layer, units in enumerate(hidden_units, start=1):
        dense = APGDense(units, rank, inner_units, condition_units, name=f"apg_{layer}")
        current = dense(current, current if condition == "self" else read)
    logit = keras.layers.Dense(1, use_bias=False, name="network_logit")(current)
    return keras.Model(given.inputs, PredictionHead(name=task)(logit), name="apg")


def fold_apg(model):
    """The same model for inference: U and V of every layer multiplied out, in a new model."""

    def cloned(layer):
        config = layer.get_config()
        if isinstance(layer, APGDense):
            config["inner_units"] = None
        return type(layer).from_config(config)

    folded = keras.models.clone_model(model, clone_function=cloned)
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, APGDense):
            num_factors = len(layer.v) + len(layer.u)
            weights = [np.asarray(matrix) for matrix in layer.folded()] + weights[num_factors:]
        folded.get_layer(layer.name).set_weights(weights)
    return folded
