"""HMoE: experts mixed by a gate, and scenarios that also listen to each other's scores.

    e_k = f_k(x),    g = softmax(G x),    m = sum_k g_k e_k,    S_j = tower_j(m)
    w   = softmax(W x),    score of a row of scenario t = w_t S_t + sum_(j != t) w_j stop(S_j)

Scores S_j are logits. The gradient of a row reaches all of W, but experts, gate and towers through
its own scenario's score only: that is the paper's task-constrained back-propagation.

Source: Li et al. 2020, "Improving Multi-Scenario Learning to Rank in E-commerce by Exploiting Task
Relationships in the Label Space", section 3. The softmax over W is our choice, and so is
``own_weight``: with the equal weights that a softmax starts from, towers drift apart and cancel.
Taught in chapter 06, "HMoE".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
import tensorflow as tf

from recsys_lib.checks import check_bool, check_integer, check_number, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack
from recsys_lib.layers.options import Configured, Widths, options_for, shared_options, tables
from recsys_lib.multi_scenario.parts import ExpertScenarioOptions, flat_features, scenario_inputs


@keras.saving.register_keras_serializable("recsys_lib")
class OwnGate(keras.layers.Layer):
    """Each row's own gate of several; a row of id 0 gets the mean of all.

    Call arguments:
        gates: ``(batch, count, size)``.
        ids: ``(batch,)`` from 0 to ``count``.

    Returns:
        ``(batch, size)``.
    """

    def call(self, gates, ids):
        own = tf.gather(gates, tf.maximum(ids - 1, 0), axis=1, batch_dims=1)
        return tf.where(ids[:, None] > 0, own, tf.reduce_mean(gates, axis=1))


@keras.saving.register_keras_serializable("recsys_lib")
class OwnFirst(Configured):
    """Raise the odds of each row's own entry; ``factor`` times what they were, sums stay one.

    Call arguments:
        weights: ``(batch, count)``, each row sums to one.
        ids: ``(batch,)`` from 0 to ``count``; a row of id 0 is left alone.

    Returns:
        ``(batch, count)``.

    Args:
        factor: positive number; ``log(factor)`` is what a softmax's own logit would be raised by.

    Raises:
        ValueError: a factor that is not positive.
    """

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = check_number("factor", factor, 0, exclude=(0,))

    def call(self, weights, ids):
        own = tf.one_hot(ids - 1, weights.shape[-1], dtype=weights.dtype)
        raised = weights * (1 + (self.factor - 1) * own)
        return raised / tf.reduce_sum(raised, axis=-1, keepdims=True)


@keras.saving.register_keras_serializable("recsys_lib")
class LabelSpaceScore(keras.layers.Layer):
    """``sum_j w_j S_j`` where the scores of other scenarios than the row's own are constants.

    Call arguments:
        weights, scores: ``(batch, count)``.
        ids: ``(batch,)`` from 0 to ``count``; of a row of id 0 all scores are constants.

    Returns:
        ``(batch, 1)``.
    """

    def call(self, weights, scores, ids):
        own = tf.one_hot(ids - 1, scores.shape[-1], dtype=scores.dtype)  # zero for id 0
        detached = own * scores + (1 - own) * tf.stop_gradient(scores)
        return tf.reduce_sum(weights * detached, axis=-1, keepdims=True)


@shared_options()
def build_hmoe(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_experts: int = 4,
    expert_units: Widths = (32,),
    tower_units: Widths = (16,),
    own_gates: bool = False,
    own_weight: float | None = None,
    **common: Unpack[ExpertScenarioOptions],
) -> keras.Model:
    """HMoE: experts mixed by a gate, a tower for each scenario, and weights over all their scores.

    An unknown scenario is scored by all towers with the weights that its features ask for, its
    embedding being zero; such a row trains those weights alone.

    Args:
        feature_columns: columns of any kind, among them the scenario's, which is a feature too.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        num_experts: number of experts.
        expert_units: widths of each expert's layers, at least one.
        tower_units: widths of each scenario's own layers; ``()``: a linear map.
        own_gates: a gate over the experts for each tower, and weights over the scores for each
            scenario, instead of one of either as in the paper.
        own_weight: weight of a row's own score where the others are equal, between 0 and 1: the
            odds of the own score are raised to it, once and for all. Default: not raised, so that
            training starts from weights near ``1 / scenarios``.
        **common: see ``TableOptions``, ``HiddenOptions`` and ``ScenarioOptions``. The hidden layers
            are those of experts and towers. Each of them reads all rows of a batch, and so do its
            moments where ``batch_normalization``, True or False, asks for them.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers ``experts``
        ``(batch, num_experts, units)``, ``gates`` ``(batch, 1 or scenarios, num_experts)``,
        ``mixtures``, ``towers`` (the scores ``(batch, scenarios, 1)``), ``label_weights``
        ``(batch, scenarios)``.

    Raises:
        ValueError: no scenario column, no other, several tasks, bad widths, numbers of experts or
            own weight.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn
        >>> surface = CategoricalColumn("surface", 4, group="scenario")
        >>> model = build_hmoe([surface, CategoricalColumn("item_id", 100, group="item")])
        >>> model.get_layer("label_weights").output.shape
        (None, 3)
    """
    check_integer("num_experts", num_experts)
    check_widths("expert_units", expert_units)
    check_widths("tower_units", tower_units, at_least=0)
    if own_weight is not None:
        own_weight = check_number("own_weight", own_weight, 0, 1, exclude=(0, 1))
    options = options_for(NetworkStack, common)
    given = scenario_inputs(feature_columns, common["scenario"])
    count, num_gates = given.count, given.count if check_bool("own_gates", own_gates) else 1
    features = flat_features(given.values, feature_columns, **tables(feature_columns, common))
    experts = NetworkStack(num_experts, expert_units, **options, name="experts")(features)
    gates = Gates(num_gates, num_experts, name="gates")(features)
    mixtures = Mixture(name="mixtures")(gates, experts)
    if not own_gates:
        mixtures = mixtures[:, 0]  # every tower reads the one mixture
    towers = NetworkStack(count, tower_units, output_units=1, **options, name="towers")(mixtures)
    weights = Gates(num_gates, count, name="weight_networks")(features)
    weights = OwnGate(name="own_gate")(weights, given.ids) if own_gates else weights[:, 0]
    if own_weight is None or count == 1:
        weights = keras.layers.Identity(name="label_weights")(weights)
    else:
        factor = (count - 1) * own_weight / (1 - own_weight)
        weights = OwnFirst(factor, name="label_weights")(weights, given.ids)
    logit = LabelSpaceScore(name="score")(weights, towers[:, :, 0], given.ids)
    return keras.Model(given.inputs, predict_one(tasks, logit), name="hmoe")
