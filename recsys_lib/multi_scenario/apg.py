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
from collections.abc import Sequence
from typing import Unpack

import keras
import numpy as np
import tensorflow as tf

from recsys_lib.checks import check_bool, check_choice, check_integer, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import MLP, BatchNormalization, check_dropout
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import Configured, Widths, options_for, shared_options, tables
from recsys_lib.multi_scenario.parts import (
    DeepScenarioOptions,
    features_and_part,
    ids_of_groups,
    plain_activation,
    scenario_inputs,
)

CONDITIONS = ("group", "mix", "self")


def _flat_identity(shape, dtype=None):
    return tf.reshape(tf.eye(int(np.sqrt(shape[0])), dtype=dtype or "float32"), [-1])


@keras.saving.register_keras_serializable("recsys_lib")
class APGDense(Configured):
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
        activation: Keras activation, see ``plain_activation``.
        dropout_rate: share of units dropped after each activation, the condition's hidden layers'
            among them, in training only.
        batch_normalization: normalise before each of these activations (momentum 0.9, as in
            ``MLP``).
        condition_activation: of the hidden layers from the condition to the core.

    Raises:
        ValueError: a width below 1, a rank above the input's or the output's width, inner units
            below the rank, or a rate out of range.
    """

    def __init__(
        self,
        units,
        rank=8,
        inner_units=None,
        condition_units=(32,),
        activation="relu",
        dropout_rate=0.0,
        batch_normalization=False,
        condition_activation="relu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = check_integer(f"{self.name}, units", units)
        self.rank = check_integer(f"{self.name}, rank", rank)
        if inner_units is not None:
            inner_units = check_integer(f"{self.name}, inner_units", inner_units)
        if inner_units is not None and inner_units < self.rank:
            raise ValueError(
                f"{self.name}: expected inner_units of the rank {rank} or more, got {inner_units}"
            )
        self.inner_units = inner_units
        self.condition_units = check_widths("condition_units", condition_units, at_least=0)
        self.activation = plain_activation(activation)
        self.condition_activation = plain_activation(condition_activation)
        self.dropout_rate = check_dropout("dropout_rate", dropout_rate)
        self.batch_normalization = check_bool("batch_normalization", batch_normalization)
        self.hidden = self.normalization = None
        if self.condition_units:
            self.hidden = MLP(
                self.condition_units,
                self.condition_activation,
                dropout_rate,
                batch_normalization,
                name="hidden",
            )
        self.generator = keras.layers.Dense(
            self.rank**2, bias_initializer=_flat_identity, name="generator"
        )
        if batch_normalization:
            self.normalization = BatchNormalization(momentum=0.9, name="normalization")
        self.dropout = keras.layers.Dropout(self.dropout_rate) if self.dropout_rate else None

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
        if self.normalization is not None:
            self.normalization.build((None, self.units))

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
        """S of each row, ``(batch, k, k)``; in a call Keras hands ``training`` on."""
        hidden = condition if self.hidden is None else self.hidden(condition)
        return tf.reshape(self.generator(hidden), [-1, self.rank, self.rank])

    def matrices(self, condition):
        """Each row's whole matrix W, ``(batch, units, features)``, to look at."""
        v, u = self.folded()
        return tf.einsum("ku,bkl,fl->buf", u, self.core(condition), v)

    def call(self, inputs, condition, training=None):
        v, u = self.folded()
        inside = tf.matmul(self.core(condition), (inputs @ v)[:, :, None])[:, :, 0]
        outputs = inside @ u + self.bias
        if self.normalization is not None:
            outputs = self.normalization(outputs, training=training)
        outputs = self.activation(outputs)
        return outputs if self.dropout is None else self.dropout(outputs, training=training)

    def compute_output_spec(self, inputs, condition, training=None):
        return keras.KerasTensor((inputs.shape[0], self.units), self.compute_dtype)


@shared_options()
def build_apg(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    rank: int = 8,
    inner_units: int | None = 32,
    condition: str = "group",
    condition_columns: Sequence[str] | None = None,
    condition_units: Widths = (32,),
    **common: Unpack[DeepScenarioOptions],
) -> keras.Model:
    """APG: every layer's weights are generated for each row, from the condition that it is in.

    The network reads all features, the scenario among them. An unknown scenario has the zero
    vector: in ``group`` its weights come from the generator's biases alone.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        rank: side of each layer's core; at most the smallest width of a layer or of its input.
        inner_units: width inside U and V in training, or None, see ``APGDense``.
        condition: ``"group"``: weights by scenario. ``"mix"``: by several ids, their vectors side
            by side. ``"self"``: by the layer's input.
        condition_columns: names of the columns of ``"mix"``; default: the categorical ones of the
            groups ``user`` and ``item``.
        condition_units: widths of the hidden layers from the condition to a core; may be empty.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``ScenarioOptions``. At least
            one layer is generated; the last, linear map to the logit is a plain one. The layers
            from the condition to a core have the same activation, one without weights of its own,
            the same dropout and ``batch_normalization``, True or False.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers ``features``
        and, from 1, ``apg_l``, an ``APGDense`` each.

    Raises:
        ValueError: no scenario column, no other, several tasks, an unknown condition, no column to
            mix, or bad widths.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn
        >>> surface = CategoricalColumn("surface", 4, group="scenario")
        >>> columns = [surface, CategoricalColumn("item_id", 100, group="item")]
        >>> model = build_apg(columns, rank=4)
        >>> v, u = model.get_layer("apg_1").folded()
        >>> tuple(v.shape), tuple(u.shape)
        ((32, 4), (4, 64))
    """
    check_choice("condition", condition, CONDITIONS)
    if condition_columns is not None and condition != "mix":
        raise ValueError(f"condition_columns: only for the condition 'mix', got {condition!r}")
    hidden_units = check_widths("hidden_units", common["hidden_units"])
    options = {**options_for(APGDense, common), "condition_activation": common["activation"]}
    given = scenario_inputs(feature_columns, common["scenario"])
    names = [given.column.name] if condition == "group" else []
    if condition == "mix":
        of_groups = ids_of_groups(given.others, ("user", "item"))
        names = of_groups if condition_columns is None else condition_columns
        if not names:
            raise ValueError(
                "condition_columns: expected names of columns, or a categorical one of user or item"
            )
    of_tables = tables(feature_columns, common)
    current, read = features_and_part(given.values, feature_columns, names, **of_tables)
    for layer, units in enumerate(hidden_units, start=1):
        dense = APGDense(units, rank, inner_units, condition_units, **options, name=f"apg_{layer}")
        current = dense(current, current if condition == "self" else read)
    logit = keras.layers.Dense(1, use_bias=False, name="network_logit")(current)
    return keras.Model(given.inputs, predict_one(tasks, logit), name="apg")


def fold_apg(model: keras.Model) -> keras.Model:
    """The same model for inference: U and V of every layer multiplied out, in a new model.

    Args:
        model: what ``build_apg`` returned, trained or not; it stays as it is.

    Returns:
        ``keras.Model`` with the same layers and predictions, and fewer weights where the layers had
        ``inner_units``.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn
        >>> surface = CategoricalColumn("surface", 4, group="scenario")
        >>> model = build_apg([surface, CategoricalColumn("item_id", 100, group="item")])
        >>> len(model.get_layer("apg_1").v), len(fold_apg(model).get_layer("apg_1").v)
        (2, 1)
    """

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
