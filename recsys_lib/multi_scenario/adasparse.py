"""AdaSparse: one network, of which every row's scenario switches neurons off or weighs them.

    v_l  = W_l [e_s, h_l] + b_l                          the pruner of layer l
    pi_l = 1 where sigmoid(alpha v_l) > epsilon, else 0  binarization
    pi_l = beta sigmoid(alpha v_l)                       scaling
    pi_l = w where w > epsilon, else 0,  w = beta sigmoid(alpha v_l)    fusion
    h_(l+1) = f(W (pi_l o h_l) + b)

The pruner reads its own layer's output, so neurons go by the row, not by the scenario alone. With
all its weights zero (and a beta of 2) every factor is one and the model is the plain network that
reads the scenario as a feature.

A loss keeps the share r of pruned neurons between bounds: outside of them every layer adds
``lambda (r - middle)^2``, the mean over rows; inside, nothing. A threshold has no slope,
so its gradient is passed straight through to the sigmoid below it: a pruned neuron still learns
whether it is missed.

The paper raises alpha and lambda while the model trains; here both stay as they are given. It has
no bias in the pruner, and leaves open whether the embeddings are pruned too: here only hidden
layers are.

Source: Yang et al. 2022, "AdaSparse: Learning Adaptively Sparse Structures for Multi-Domain
Click-Through Rate Prediction", the sections on the domain-aware pruner, on its three forms and on
the sparsity regularization.
Taught in chapter 06, "Multi-scenario models compared".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
import numpy as np
from keras import ops

from recsys_lib.checks import check_choice, check_number, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import MLP, check_dropout
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import Configured, options_for, shared_options, tables
from recsys_lib.multi_scenario.parts import (
    DeepScenarioOptions,
    features_and_part,
    scenario_inputs,
)
from recsys_lib.replicas import share_of_mean

FORMS = ("binarization", "scaling", "fusion")


def _straight_through(hard, soft):
    """The value of ``hard``, bit by bit, with the gradient of ``soft``."""
    return ops.stop_gradient(hard) + (soft - ops.stop_gradient(soft))


@keras.saving.register_keras_serializable("recsys_lib")
class Pruner(Configured):
    """A factor for each neuron of a layer, from the scenario and what the layer says.

    While it trains it adds the loss of the module's docstring, except in the form ``scaling``,
    which prunes nothing.

    Call arguments:
        condition: ``(batch, width)``, the scenario's vector.
        hidden: ``(batch, units)``, the layer's output.

    Returns:
        ``(batch, units)``: 0 or 1 (binarization), from 0 to ``beta`` (scaling), or 0 or from
        ``epsilon`` to ``beta`` (fusion).

    Args:
        form: one of ``FORMS``.
        alpha: steepness of the sigmoid.
        beta: largest factor.
        epsilon: factors up to it are none; in binarization those of a sigmoid without beta.
        pruned_share: lower and upper bound of the share of pruned neurons of a row.
        sparsity_weight: lambda; 0: no such loss.

    Raises:
        ValueError: an unknown form, a number out of its range, or bounds that are none.
    """

    def __init__(
        self,
        form="fusion",
        alpha=1.0,
        beta=2.0,
        epsilon=0.25,
        pruned_share=(0.15, 0.25),
        sparsity_weight=0.01,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.form = check_choice("form", form, FORMS)
        self.alpha = check_number("alpha", alpha, 0, exclude=(0,))
        self.beta = check_number("beta", beta, 0, exclude=(0,))
        highest = 1 if form == "binarization" else self.beta
        self.epsilon = check_number("epsilon", epsilon, 0, highest, exclude=(highest,))
        if np.shape(pruned_share) != (2,):
            raise ValueError(f"pruned_share: expected two numbers, got {pruned_share!r}")
        low, high = (check_number("pruned_share", end, 0, 1) for end in pruned_share)
        if low > high:
            raise ValueError(f"pruned_share: expected low <= high, got {pruned_share}")
        self.pruned_share = (low, high)
        self.sparsity_weight = check_number("sparsity_weight", sparsity_weight, 0)

    def build(self, condition_shape, hidden_shape):
        self.map = keras.layers.Dense(hidden_shape[-1], name="map")
        self.map.build((None, condition_shape[-1] + hidden_shape[-1]))

    def call(self, condition, hidden, training=False):
        v = self.map(ops.concatenate([condition, hidden], axis=-1))
        sigmoid = ops.sigmoid(self.alpha * v)
        if self.form == "scaling":
            return self.beta * sigmoid
        soft = sigmoid if self.form == "binarization" else self.beta * sigmoid
        is_kept = ops.cast(soft > self.epsilon, soft.dtype)
        if training and self.sparsity_weight:
            self.add_loss(self._penalty(_straight_through(is_kept, sigmoid)))
        hard = is_kept if self.form == "binarization" else is_kept * soft
        return _straight_through(hard, soft)

    def _penalty(self, is_kept):
        """``(batch, units)`` of zeros and ones to the loss of this layer."""
        low, high = self.pruned_share
        is_kept = ops.cast(is_kept, self.variable_dtype)  # half precision moves the bounds
        share = ops.mean(1 - is_kept, axis=-1)  # (batch,); 1 - mean would round across a bound
        outside = ops.cast((share < low) | (share > high), share.dtype)
        return self.sparsity_weight * share_of_mean(outside * (share - (low + high) / 2) ** 2)

    def compute_output_spec(self, condition, hidden, training=False):
        return keras.KerasTensor(hidden.shape, self.compute_dtype)


@shared_options()
def build_adasparse(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    form: str = "fusion",
    alpha: float = 1.0,
    beta: float = 2.0,
    epsilon: float = 0.25,
    pruned_share: tuple[float, float] = (0.15, 0.25),
    sparsity_weight: float = 0.01,
    **common: Unpack[DeepScenarioOptions],
) -> keras.Model:
    """AdaSparse: one network, of which every row's scenario switches neurons off or weighs them.

    The network reads all features, the scenario among them. An unknown scenario has the zero
    vector: its neurons are weighed by what the layers say alone.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        form: ``"binarization"``: neurons are on or off. ``"scaling"``: weighed. ``"fusion"``: off
            or weighed.
        alpha, beta, epsilon: see ``Pruner``.
        pruned_share, sparsity_weight: bounds of the share of pruned neurons in a layer, and what
            leaving them costs.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``ScenarioOptions``. There is
            a hidden layer at least, and every one has a pruner, which reads the layer before its
            units are dropped. ReLU is the paper's.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers ``features``
        and, for layers l from 1, ``hidden_l``, ``pruner_l`` (the factors) and ``pruned_l``,
        ``(batch, units)``.

    Raises:
        ValueError: no scenario column, no other, several tasks, bad widths, or numbers out of
            range.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn
        >>> surface = CategoricalColumn("surface", 4, group="scenario")
        >>> columns = [surface, CategoricalColumn("item_id", 100, group="item")]
        >>> build_adasparse(columns, form="binarization").get_layer("pruner_2").output.shape
        (None, 32)
    """
    hidden_units = check_widths("hidden_units", common["hidden_units"])
    dropout_rate = check_dropout("dropout_rate", common["dropout_rate"])
    options = {**options_for(MLP, common), "dropout_rate": 0.0}  # units drop behind the pruner
    given = scenario_inputs(feature_columns, common["scenario"])
    names, of_tables = [given.column.name], tables(feature_columns, common)
    current, domain = features_and_part(given.values, feature_columns, names, **of_tables)
    for layer, units in enumerate(hidden_units, start=1):
        options["hidden_units"] = (units,)
        hidden = MLP(**options, name=f"hidden_{layer}")(current)
        pruner = Pruner(
            form, alpha, beta, epsilon, pruned_share, sparsity_weight, name=f"pruner_{layer}"
        )
        current = keras.layers.Multiply(name=f"pruned_{layer}")([pruner(domain, hidden), hidden])
        if dropout_rate:
            current = keras.layers.Dropout(dropout_rate, name=f"dropout_{layer}")(current)
    logit = keras.layers.Dense(1, use_bias=False, name="network_logit")(current)
    return keras.Model(given.inputs, predict_one(tasks, logit), name="adasparse")
