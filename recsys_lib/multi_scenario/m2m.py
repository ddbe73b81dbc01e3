"""M2M: the scenario writes the weights of an attention over experts and of every task's tower.

    knowledge    s = MLP([scenario, profile])
    meta unit    h_i = f(W_i(s) h_(i-1) + b_i(s)),    W_i(s) = reshape(A_i s + a_i),  b_i alike
    attention    a_tk = v . meta_t([E_k, T_t]),    R_t = sum_k softmax_k(a_tk) E_k
    tower        L_t0 = R_t,    L_tj = f(meta_tj(L_t(j-1)) + L_t(j-1))

E_k are experts that all tasks share, and T_t is a layer over the embedding of task t. A meta unit
has no residual; the tower has one around each of its units. Every task has meta units of its own.

Source: Zhang et al. 2022, "Leaving No One Behind: A Multi-Scenario Multi-Task Meta Learning
Approach for Advertiser Modeling", the sections on the meta unit, on the meta attention module and
on the meta residual tower module. Its backbone, a transformer over the advertiser's history, is
left to the columns' pooling.
Taught in chapter 06, "M2M and APG".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_bool, check_integer, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import MLP, BatchNormalization, check_dropout, glorot_of_one
from recsys_lib.layers.heads import Tasks, check_tasks, predict_each
from recsys_lib.layers.network_stack import Mixture, NetworkStack
from recsys_lib.layers.options import Configured, Widths, options_for, shared_options, tables
from recsys_lib.multi_scenario.parts import (
    ExpertScenarioOptions,
    features_and_part,
    ids_of_groups,
    plain_activation,
    scenario_inputs,
    scenario_vector,
)


@keras.saving.register_keras_serializable("recsys_lib")
class MetaUnit(Configured):
    """Fully connected layers whose kernels and biases are linear maps of each row's knowledge.

    Call arguments:
        inputs: ``(batch, num_tasks, features)``, or ``(batch, num_tasks, items, features)`` with
            the same weights for all items of a row and task.
        knowledge: ``(batch, width)``, or one row for the whole batch.

    Returns:
        The inputs' shape with ``units`` as its last axis.

    Args:
        units: width of each layer, all of them activated.
        num_layers: number of layers.
        activation: Keras activation, see ``plain_activation``.

    Raises:
        ValueError: fewer than 1 unit or layer.
    """

    def __init__(self, units, num_layers=1, activation="leaky_relu", **kwargs):
        super().__init__(**kwargs)
        self.units = check_integer(f"{self.name}, units", units)
        self.num_layers = check_integer(f"{self.name}, num_layers", num_layers)
        self.activation = plain_activation(activation)

    def build(self, inputs_shape, knowledge_shape):
        num_tasks, features, width = inputs_shape[1], inputs_shape[-1], knowledge_shape[-1]
        self.maps, self.starts = [], []
        for position in range(self.num_layers):
            for kind, shape, start in (
                ("kernel", (num_tasks, features, self.units), glorot_of_one(features, self.units)),
                ("bias", (num_tasks, self.units), "zeros"),
            ):
                outputs = shape[-1] if kind == "bias" else features * self.units
                self.maps.append(
                    self.add_weight(
                        name=f"{kind}_map_{position}",
                        shape=(width, *shape),
                        initializer=glorot_of_one(width, outputs),
                    )
                )
                self.starts.append(
                    self.add_weight(name=f"{kind}_{position}", shape=shape, initializer=start)
                )
            features = self.units

    def generated(self, knowledge):
        """Kernel ``(batch, tasks, in, out)`` and bias ``(batch, tasks, out)`` of every layer."""
        weights = []
        for of_knowledge, start in zip(self.maps, self.starts, strict=True):
            flat = knowledge @ ops.reshape(of_knowledge, (of_knowledge.shape[0], -1))
            weights.append(ops.reshape(flat, (-1, *start.shape)) + start)
        return list(zip(weights[::2], weights[1::2], strict=True))

    def call(self, inputs, knowledge):
        outputs = inputs if len(inputs.shape) == 4 else inputs[:, :, None]
        for kernel, bias in self.generated(knowledge):
            outputs = self.activation(ops.matmul(outputs, kernel) + bias[:, :, None])
        return outputs if len(inputs.shape) == 4 else outputs[:, :, 0]

    def compute_output_spec(self, inputs, knowledge):
        return keras.KerasTensor((*inputs.shape[:-1], self.units), self.compute_dtype)


@keras.saving.register_keras_serializable("recsys_lib")
class MetaAttention(Configured):
    """How much each task reads of each expert: ``softmax_k(v . meta_t([E_k, T_t]))``.

    Call arguments:
        experts: ``(batch, num_experts, units)``.
        knowledge: ``(batch, width)``, or one row for the whole batch.

    Returns:
        ``(batch, num_tasks, num_experts)``, sums to one over the experts.

    Args:
        num_tasks: number of tasks.
        num_layers, activation: of the meta units, which are as wide as an expert.

    Raises:
        ValueError: fewer than 1 task or layer.
    """

    def __init__(self, num_tasks, num_layers=1, activation="leaky_relu", **kwargs):
        super().__init__(**kwargs)
        self.num_tasks = check_integer(f"{self.name}, num_tasks", num_tasks)
        self.num_layers = check_integer(f"{self.name}, num_layers", num_layers)
        self.activation = plain_activation(activation)

    def build(self, experts_shape, knowledge_shape):
        _, num_experts, units = experts_shape
        self.task_embedding = self.add_weight(
            name="task_embedding", shape=(self.num_tasks, units), initializer="glorot_uniform"
        )
        self.task_layer = keras.layers.Dense(units, self.activation, name="task_layer")
        self.task_layer.build((self.num_tasks, units))
        self.meta = MetaUnit(units, self.num_layers, self.activation, name="meta_unit")
        self.meta.build((None, self.num_tasks, num_experts, 2 * units), knowledge_shape)
        self.v = self.add_weight(name="v", shape=(units, 1), initializer="glorot_uniform")

    def call(self, experts, knowledge):
        tasks = self.task_layer(ops.convert_to_tensor(self.task_embedding))[None, :, None]
        experts = experts[:, None]
        pairs = ops.concatenate(
            [experts + ops.zeros_like(tasks), tasks + ops.zeros_like(experts)], axis=-1
        )  # (batch, tasks, experts, 2 units)
        scores = ops.matmul(self.meta(pairs, knowledge), self.v)[..., 0]
        return ops.softmax(scores, axis=-1)

    def compute_output_spec(self, experts, knowledge):
        shape = (experts.shape[0], self.num_tasks, experts.shape[1])
        return keras.KerasTensor(shape, self.compute_dtype)


@keras.saving.register_keras_serializable("recsys_lib")
class Residual(Configured):
    """A layer of the towers, from what its meta unit made of its input: ``f(outputs + inputs)``.

    Call arguments:
        outputs, inputs: of the meta unit, ``(batch, num_tasks, units)`` each.

    Returns:
        ``(batch, num_tasks, units)``.

    Args:
        activation: Keras activation, see ``plain_activation``.
        dropout_rate: share of units dropped after the activation, in training only.
        batch_normalization: normalise each unit of each task before the activation.

    Raises:
        ValueError: a rate out of range.
    """

    def __init__(
        self, activation="leaky_relu", dropout_rate=0.0, batch_normalization=False, **kwargs
    ):
        super().__init__(**kwargs)
        self.activation = plain_activation(activation)
        self.dropout_rate = check_dropout("dropout_rate", dropout_rate)
        self.batch_normalization = check_bool("batch_normalization", batch_normalization)
        self.normalization = (
            BatchNormalization(momentum=0.9, name="normalization") if batch_normalization else None
        )
        self.dropout = keras.layers.Dropout(self.dropout_rate) if self.dropout_rate else None

    def build(self, outputs_shape, inputs_shape):
        if self.normalization is not None:
            self.normalization.build((None, outputs_shape[1] * outputs_shape[2]))

    def call(self, outputs, inputs, training=None):
        # Not Keras's Add, which takes an empty batch of one task for a bias and fails.
        total = outputs + inputs
        if self.normalization is not None:
            _, num_tasks, units = total.shape
            flat = ops.reshape(total, (-1, num_tasks * units))
            flat = self.normalization(flat, training=training)
            total = ops.reshape(flat, (-1, num_tasks, units))
        total = self.activation(total)
        return total if self.dropout is None else self.dropout(total, training=training)


@shared_options(activation="leaky_relu")
def build_m2m(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_experts: int = 4,
    expert_units: Widths = (32,),
    num_tower_layers: int = 2,
    num_meta_layers: int = 1,
    knowledge_units: Widths = (16,),
    profile: Sequence[str] | None = None,
    **common: Unpack[ExpertScenarioOptions],
) -> keras.Model:
    """M2M: scenario and profile write the attention over experts and every task's tower.

    An unknown scenario has the zero vector: its weights are written by the profile alone.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        tasks: one or several, see ``recsys_lib.layers.heads``.
        num_experts: number of experts.
        expert_units: widths of each expert's layers, at least one. Meta units and towers are as
            wide as the last one; a row's weights take its square, so keep it small.
        num_tower_layers: meta units of each tower, each with a residual around it.
        num_meta_layers: layers of each meta unit.
        knowledge_units: widths of the layers from scenario and profile to the knowledge, at least
            one.
        profile: names of the columns that the knowledge holds beside the scenario, may be empty;
            default: the categorical columns of the group ``user``. Their vectors are those of the
            features.
        **common: see ``TableOptions``, ``HiddenOptions`` and ``ScenarioOptions``. All layers have
            the paper's leaky ReLU or another activation without weights of its own. There is
            dropout, and normalization if ``batch_normalization`` is True, behind the knowledge's
            layers, the experts' and the towers', where each task has its moments; none inside a
            meta unit.

    Returns:
        ``keras.Model`` from the columns' inputs to a prediction ``(batch,)``, or to a dict of task
        to prediction. Layers ``knowledge`` ``(batch, width)``, ``experts``
        ``(batch, experts, units)``, ``attention`` ``(batch, tasks, experts)``, ``mixtures`` and,
        from 1, ``meta_unit_l`` and ``tower_l`` ``(batch, tasks, units)``.

    Raises:
        ValueError: no scenario column, no other, bad tasks, widths or numbers of experts or layers.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn
        >>> surface = CategoricalColumn("surface", 4, group="scenario")
        >>> columns = [surface, CategoricalColumn("item_id", 100, group="item")]
        >>> model = build_m2m(columns, ("click", "like"))
        >>> model.get_layer("attention").output.shape
        (None, 2, 4)
    """
    num_tasks = len(check_tasks(tasks))
    check_integer("num_experts", num_experts)
    expert_units = check_widths("expert_units", expert_units)
    check_integer("num_tower_layers", num_tower_layers)
    check_integer("num_meta_layers", num_meta_layers)
    check_widths("knowledge_units", knowledge_units)
    of_tables, options = tables(feature_columns, common), options_for(Residual, common)
    given = scenario_inputs(feature_columns, common["scenario"])
    names = ids_of_groups(given.others, ("user",)) if profile is None else profile
    features, person = features_and_part(given.values, given.others, names, **of_tables)
    facts = scenario_vector(given, **of_tables)
    if person is not None:
        facts = ops.concatenate([facts, person], axis=-1)
    knowledge = MLP(knowledge_units, **options, name="knowledge")(facts)
    experts = NetworkStack(num_experts, expert_units, **options, name="experts")(features)
    meta = {"num_layers": num_meta_layers, "activation": common["activation"]}
    attention = MetaAttention(num_tasks, **meta, name="attention")
    current = Mixture(name="mixtures")(attention(experts, knowledge), experts)
    for layer in range(1, num_tower_layers + 1):
        unit = MetaUnit(expert_units[-1], **meta, name=f"meta_unit_{layer}")
        outputs = unit(current, knowledge)
        current = Residual(**options, name=f"tower_{layer}")(outputs, current)
    logits = NetworkStack(num_tasks, (), output_units=1, name="task_logits")(current)
    return keras.Model(given.inputs, predict_each(tasks, logits), name="m2m")
