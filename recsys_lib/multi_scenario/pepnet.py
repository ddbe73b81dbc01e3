"""PEPNet: gates made of priors scale the embeddings by scenario and the hidden units by person.

    Gate NU  gate(x) = gamma sigmoid(W' ReLU(W x + b) + b'),  gamma = 2
    EPNet    O_ep = gate([e_s, sg(E)]) o E
    PPNet    H_1 = f(W_0 O_ep + b_0),  H_(l+1) = f(W_l (gate_l([prior, sg(O_ep)]) o H_l) + b_l)

E holds all features but the scenario e_s; the prior holds the ids that say whose row it is; sg lets
no gradient through. A gate of ones is the plain network, and zero weights in a gate's last layer
make one. Every task has a network, and its own gates on every hidden layer.

Source: Chang et al. 2023, "PEPNet: Parameter and Embedding Personalized Network for Infusing with
Personalized Prior Information", the sections on the Gate Neural Unit, on EPNet and on PPNet.
Taught in chapter 06, "PEPNet".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_integer, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.layers.gate_unit import GateNU
from recsys_lib.layers.heads import Tasks, check_tasks, predict_each
from recsys_lib.layers.network_stack import NetworkStack
from recsys_lib.layers.options import options_for, shared_options, tables
from recsys_lib.multi_scenario.parts import (
    DeepScenarioOptions,
    features_and_part,
    ids_of_groups,
    scenario_inputs,
    scenario_vector,
)


@shared_options()
def build_pepnet(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    gate_units: int = 32,
    prior: Sequence[str] | None = None,
    **common: Unpack[DeepScenarioOptions],
) -> keras.Model:
    """PEPNet: gates scale the embeddings by scenario, and every task's hidden units by person.

    An unknown scenario has the zero vector: EPNet's gate is then made of the other features alone.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        tasks: one or several, see ``recsys_lib.layers.heads``.
        gate_units: width of every gate's hidden layer.
        prior: names of the columns that PPNet's gates read; default: the categorical columns of
            the groups ``user`` and ``item``. Their vectors are those of the features.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``ScenarioOptions``. Each task
            has a hidden layer at least, and ``batch_normalization`` True or False. None of it
            changes a gate, which keeps the paper's ReLU and sigmoid.

    Returns:
        ``keras.Model`` from the columns' inputs to a prediction ``(batch,)``, or to a dict of task
        to prediction. Layers ``features`` (E) and ``scenario_vector``; ``epnet_gate`` and
        ``gated_features`` (O_ep), ``(batch, width)``; for layers l from 1 ``hidden_l``,
        ``ppnet_gate_l`` and ``gated_l``, ``(batch, tasks, units)``.

    Raises:
        ValueError: no scenario column, no other, no prior, bad tasks or bad widths.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn
        >>> surface = CategoricalColumn("surface", 4, group="scenario")
        >>> columns = [surface, CategoricalColumn("item_id", 100, group="item")]
        >>> model = build_pepnet(columns, ("click", "like"))
        >>> model.get_layer("ppnet_gate_1").output.shape
        (None, 2, 64)
    """
    num_tasks = len(check_tasks(tasks))
    hidden_units = check_widths("hidden_units", common["hidden_units"])
    check_integer("gate_units", gate_units)
    of_tables, options = tables(feature_columns, common), options_for(NetworkStack, common)
    given = scenario_inputs(feature_columns, common["scenario"])
    names = ids_of_groups(given.others, ("user", "item")) if prior is None else prior
    if not names:
        raise ValueError("prior: expected names of columns, or a categorical one of user or item")
    features, personal = features_and_part(given.values, given.others, names, **of_tables)
    domain = scenario_vector(given, **of_tables)
    read = ops.concatenate([domain, ops.stop_gradient(features)], axis=-1)
    gate = GateNU(features.shape[-1], gate_units, name="epnet_gate")(read)
    current = embedded = keras.layers.Multiply(name="gated_features")([gate, features])
    read = ops.concatenate([personal, ops.stop_gradient(embedded)], axis=-1)
    for layer, units in enumerate(hidden_units, start=1):
        options["hidden_units"] = (units,)
        hidden = NetworkStack(num_tasks, **options, name=f"hidden_{layer}")(current)
        gate = GateNU(units, gate_units, num_tasks, name=f"ppnet_gate_{layer}")(read)
        current = keras.layers.Multiply(name=f"gated_{layer}")([gate, hidden])
    logits = NetworkStack(num_tasks, (), output_units=1, name="task_logits")(current)
    return keras.Model(given.inputs, predict_each(tasks, logits), name="pepnet")
