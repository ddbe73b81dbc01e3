"""MMoE: the tasks share experts, and each task's gate mixes them in its own way.

    e_k = f_k(x),    g_t(x) = softmax(W_t x),    h_t = sum_k g_tk(x) e_k,    y_t = tower_t(h_t)

With one gate for all tasks it is OMoE; with one expert it is Shared-Bottom.

Source: Ma et al. 2018, "Modeling Task Relationships in Multi-task Learning with Multi-gate
Mixture-of-Experts", section 4 (equations 4 to 7).
Taught in chapter 05, "MMoE".
"""

import keras

from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack
from recsys_lib.multi_task.parts import check_tasks, heads, shared_input, task_logits


def build_mmoe(
    feature_columns,
    tasks,
    embedding_dim=16,
    num_experts=4,
    expert_units=(32,),
    tower_units=(16,),
    expert_activation="relu",
    one_gate=False,
):
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        tasks: see ``check_tasks``.
        embedding_dim: width of each column's vector.
        num_experts: number of experts.
        expert_units: widths of each expert's layers.
        tower_units: widths of each task's own layers.
        expert_activation: of the experts.
        one_gate: OMoE: one gate for all tasks.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of task to prediction ``(batch,)``. Layer
        ``experts`` holds ``(batch, num_experts, units)``, ``gates`` the mixtures ``(batch, tasks,
        num_experts)`` (``(batch, 1, num_experts)`` for OMoE), ``mixtures`` the towers' input.

    Raises:
        ValueError: bad tasks, widths or numbers of experts.
    """
    tasks = check_tasks(tasks)
    inputs, features = shared_input(feature_columns, embedding_dim)
    experts = NetworkStack(num_experts, expert_units, expert_activation, name="experts")(features)
    gates = Gates(1 if one_gate else len(tasks), num_experts, name="gates")(features)
    mixtures = Mixture(name="mixtures")(gates, experts)
    if one_gate:
        mixtures = mixtures[:, 0]  # every tower reads the one mixture
    outputs = heads(task_logits(mixtures, tower_units, len(tasks)), tasks)
    return keras.Model(inputs, outputs, name="omoe" if one_gate else "mmoe")


def build_omoe(feature_columns, tasks, **options):
    """MMoE with one gate for all tasks. Arguments as for ``build_mmoe``."""
    return build_mmoe(feature_columns, tasks, one_gate=True, **options)
