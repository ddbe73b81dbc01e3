"""A ranker of the book's parts: history, surface, two tasks.

    interest = DIN(history, candidate)                              chapter 04
    x        = GateNU([e_s, sg(f)]) o f,   f = [profile, candidate, interest]    chapter 06
    h_t      = sum_k g_tk(x) expert_k(x)                            chapter 05, MMoE
    pCTR = sigmoid(tower_1(h_1)),  pCTCVR = pCTR sigmoid(tower_2(h_2))           chapter 05, ESMM

e_s is the vector of the surface, the scenario; sg lets no gradient through. Each part can be left
out, so that it can be measured what it is worth.

Sources: those of ``recsys_lib.sequence.din``, ``recsys_lib.multi_scenario.pepnet``,
``recsys_lib.multi_task.mmoe`` and ``recsys_lib.multi_task.esmm``.
Taught in chapter 07, "One request".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_bool, check_choice, check_integer, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import MLP, side_by_side
from recsys_lib.layers.gate_unit import GateNU
from recsys_lib.layers.heads import Tasks, check_tasks, predict_each
from recsys_lib.layers.loss_heads import predict_funnel
from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack, task_logits
from recsys_lib.layers.options import Widths, options_for, shared_options, tables
from recsys_lib.multi_scenario.parts import (
    KnownScenarios,
    ScenarioOptions,
    flat_features,
    scenario_column,
)
from recsys_lib.multi_task.parts import TowerOptions
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.din import attended_interest
from recsys_lib.sequence.parts import SCALES, with_products
from recsys_lib.sequence.pooling import SCALES_OF_POOLING, pooled_interest

INTERESTS = ("attention", "mean", "none")
SCENARIO_USES = ("gate", "feature", "none")


class RankerOptions(TowerOptions, ScenarioOptions):
    """``TowerOptions`` and ``ScenarioOptions``."""


@shared_options(interest="attention", scale=None, product=None, attention_activation="relu")
def build_ranker(
    feature_columns: Sequence[Column],
    tasks: Tasks = ("click", "conversion"),
    *,
    scenario_use: str = "gate",
    num_experts: int = 4,
    expert_units: Widths = (32,),
    gate_units: int = 32,
    **common: Unpack[RankerOptions],
) -> keras.Model:
    """The ranker: interest, surface, experts and towers for a click and a conversion behind it.

    Args:
        feature_columns: columns with a behaviour history, see ``behaviour_pairs``, and with one of
            group ``scenario``.
        tasks: the click and "clicked and converted", in this order; or one task: a model of it
            alone, whose probability is no product.
        scenario_use: ``"gate"``: EPNet's gate on all features; ``"feature"``: the scenario's vector
            is one more feature; ``"none"``: it is not read, and not an input of the model.
        num_experts: experts of MMoE; 1 is a Shared-Bottom.
        expert_units: widths of each expert's layers, at least one.
        gate_units: width of the hidden layer of EPNet's gate, which keeps its ReLU and its sigmoid.
        **common: see ``TowerOptions`` and ``ScenarioOptions``. ``interest`` is ``"attention"``:
            DIN's unit and weighted sum; ``"mean"``: the pooled history; or ``"none"``: the history
            is not read. ``scale`` and ``product``: see ``build_din`` and ``build_pooled``; None:
            theirs, ``"raw"`` and no product for attention, ``"length"`` and one for the mean.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of task to probability ``(batch,)``, or,
        where ``tasks`` is a name, to one. Layers: ``history_weights`` ``(batch, steps)``,
        ``interest`` and, where it is normalised, ``interest_normalization``; ``features`` and
        ``scenario_gate``, ``(batch, width)``; ``experts``, ``gates`` and ``mixtures``;
        ``conversion_given_click`` ``(batch,)``.

    Raises:
        ValueError: no history, no scenario column, an unknown option, more than two tasks, or one
            that is not binary.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("surface", 4, group="scenario"),
        ...     SequenceColumn("history", 100, 20, table="item_id"),
        ...     CategoricalColumn("item_id", 100, group="item"),
        ... ]
        >>> model = build_ranker(columns)
        >>> sorted(model.output), model.get_layer("history_weights").output.shape
        (['click', 'conversion'], (None, 20))
    """
    interest, scale, product = (common[name] for name in ("interest", "scale", "product"))
    is_pooled = check_choice("interest", interest, INTERESTS) == "mean"
    if scale is not None:
        check_choice("scale", scale, SCALES_OF_POOLING if is_pooled else SCALES)
    scale = scale or ("length" if is_pooled else "raw")
    product = is_pooled if product is None else check_bool("product", product)
    check_choice("scenario_use", scenario_use, SCENARIO_USES)
    num_tasks = len(check_tasks(tasks, only="binary"))
    if num_tasks > 2:
        raise ValueError(f"tasks: expected a click and a conversion, or one task, got {tasks}")
    num_experts = check_integer("num_experts", num_experts)
    check_widths("expert_units", expert_units)
    check_integer("gate_units", gate_units)
    of_tables, options = tables(feature_columns, common), options_for(NetworkStack, common)
    surface = scenario_column(feature_columns, common["scenario"])
    reading = options_for(read_request, common)
    request = read_request(feature_columns, left_out=surface.name, **reading)
    profile = [] if request.profile is None else [request.profile]
    features = [*profile, request.candidate]
    if interest == "mean":
        features += with_products(request, [pooled_interest(request, scale, "interest")], product)
    elif interest == "attention":
        unit = {**options, "activation": common["attention_activation"]}
        units = common["attention_units"]
        vector = attended_interest(request, scale, "interest", units, **unit)
        features += with_products(request, [vector], product)
    inputs = dict(request.inputs)
    if scenario_use != "none":
        inputs |= build_inputs([surface])
        known = KnownScenarios(surface, name="known_scenarios")(inputs[surface.name])
        of_tables |= {"name": "scenario_vector", "embedding": "scenario_embedding"}
        vector = flat_features({surface.name: known}, [surface], **of_tables)
        if scenario_use == "feature":
            features.append(vector)
    features = keras.layers.Identity(name="features")(side_by_side(features))
    if scenario_use == "gate":
        read = ops.concatenate([vector, ops.stop_gradient(features)], axis=-1)
        gate = GateNU(features.shape[-1], gate_units, name="scenario_gate")(read)
        features = keras.layers.Multiply(name="gated_features")([gate, features])
    hidden = _mixtures(features, num_experts, expert_units, num_tasks, options)
    logits = task_logits(hidden, num_tasks=num_tasks, **options_for(task_logits, common))
    if num_tasks == 2:
        outputs = predict_funnel(tasks, ops.unstack(logits, num=2, axis=1))
    else:
        outputs = predict_each(tasks, logits)
    names = [column.name for column in feature_columns if column.name in inputs]
    return keras.Model({name: inputs[name] for name in names}, outputs, name="ranker")


def _mixtures(features, num_experts, expert_units, num_tasks, options):
    """The towers' inputs: ``(batch, tasks, units)``, or ``(batch, units)`` for all of them."""
    if num_experts == 1:
        return MLP(expert_units, **options, name="experts")(features)
    experts = NetworkStack(num_experts, expert_units, **options, name="experts")(features)
    gates = Gates(num_tasks, num_experts, name="gates")(features)
    return Mixture(name="mixtures")(gates, experts)
