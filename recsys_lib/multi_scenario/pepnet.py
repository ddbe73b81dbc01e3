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

import keras
from keras import ops

from recsys_lib.layers.network_stack import NetworkStack
from recsys_lib.multi_scenario.conditions import features_and_part, ids_of_groups
from recsys_lib.multi_scenario.parts import scenario_inputs, scenario_vector
from recsys_lib.multi_task.parts import check_tasks, heads


@keras.saving.register_keras_serializable("recsys_lib")
class GateNU(keras.layers.Layer):
    """``gamma sigmoid(W' ReLU(W x + b) + b')``: a factor from 0 to ``gamma`` for each unit.

    Call arguments:
        inputs: ``(batch, features)``.

    Returns:
        ``(batch, units)``, or ``(batch, num_tasks, units)``: the tasks share the hidden layer.

    Args:
        units: numbers to be scaled.
        hidden_units: width of the hidden layer.
        num_tasks: tasks that get a gate of their own, or None for one gate without that axis.
        gamma: the largest factor.

    Raises:
        ValueError: a width below 1, or a gamma that is not positive.
    """

    def __init__(self, units, hidden_units=32, num_tasks=None, gamma=2.0, **kwargs):
        super().__init__(**kwargs)
        if min(units, hidden_units, 1 if num_tasks is None else num_tasks) < 1:
            raise ValueError(
                f"{self.name}: expected widths and tasks of 1 or more, got {units} and "
                f"{hidden_units} units and {num_tasks} tasks"
            )
        if gamma <= 0:
            raise ValueError(f"{self.name}: expected a gamma above 0, got {gamma}")
        self.units, self.hidden_units, self.num_tasks = units, hidden_units, num_tasks
        self.gamma = gamma
        self.hidden = keras.layers.Dense(hidden_units, "relu", name="hidden")
        self.factors = keras.layers.Dense((num_tasks or 1) * units, "sigmoid", name="factors")

    def build(self, input_shape):
        self.hidden.build(input_shape)
        self.factors.build((*input_shape[:-1], self.hidden_units))

    def call(self, inputs):
        factors = self.gamma * self.factors(self.hidden(inputs))
        if self.num_tasks is None:
            return factors
        return ops.reshape(factors, (-1, self.num_tasks, self.units))

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "hidden_units": self.hidden_units,
            "num_tasks": self.num_tasks,
            "gamma": self.gamma,
        }


def build_pepnet(
    feature_columns,
    tasks=("click",),
    embedding_dim=16,
    hidden_units=(64, 32),
    gate_units=32,
    prior=None,
    scenario=None,
):
    """Build the model.

    An unknown scenario has the zero vector: EPNet's gate is then made of the other features alone.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        tasks: see ``recsys_lib.multi_task.parts.check_tasks``.
        embedding_dim: width of each column's vector.
        hidden_units: widths of each task's layers.
        gate_units: width of every gate's hidden layer.
        prior: names of the columns that PPNet's gates read; default: the categorical columns of
            the groups ``user`` and ``item``. Their vectors are those of the features.
        scenario: name of the scenario's column; default: the one of group ``scenario``.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of task to prediction ``(batch,)``.
        Layers ``features`` (E) and ``scenario_vector``; ``epnet_gate`` and ``gated_features``
        (O_ep), ``(batch, width)``; for layers l from 1 ``hidden_l``, ``ppnet_gate_l`` and
        ``gated_l``, ``(batch, tasks, units)``.

    Raises:
        ValueError: no scenario column, no other, no prior, bad tasks or bad widths.
    """
    tasks = check_tasks(tasks)
    if not hidden_units:
        raise ValueError("hidden_units: expected at least one layer, got none")
    given = scenario_inputs(feature_columns, scenario)
    names = ids_of_groups(given.others, ("user", "item")) if prior is None else prior
    if not names:
        raise ValueError("prior: expected names of columns, or a categorical one of user or item")
    features, personal = features_and_part(given.values, given.others, names, embedding_dim)
    domain = scenario_vector(given, embedding_dim)
    read = ops.concatenate([domain, ops.stop_gradient(features)], axis=-1)
    gate = GateNU(features.shape[-1], gate_units, name="epnet_gate")(read)
    current = embedded = keras.layers.Multiply(name="gated_features")([gate, features])
    read = ops.concatenate([personal, ops.stop_gradient(embedded)], axis=-1)
    for layer, units in enumerate(hidden_units, start=1):
        hidden = NetworkStack(len(tasks), (units,), name=f"hidden_{layer}")(current)
        gate = GateNU(units, gate_units, len(tasks), name=f"ppnet_gate_{layer}")(read)
        current = keras.layers.Multiply(name=f"gated_{layer}")([gate, hidden])
    logits = NetworkStack(len(tasks), (), output_units=1, name="task_logits")(current)
    return keras.Model(given.inputs, heads(logits, tasks), name="pepnet")
