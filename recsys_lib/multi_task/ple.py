"""CGC and PLE: every task has experts of its own beside the shared ones, level upon level.

    level l, task t:  g_t = softmax(W_t x_t),  h_t = sum over own and shared experts
    level l, shared:  g_s = softmax(W_s x_s),  h_s = sum over all experts    (inner levels only)
    x_t^(l+1) = h_t^l,    x_s^(l+1) = h_s^l,    x_t^1 = x_s^1 = x

Own experts read their task's input, shared experts the shared one. One level is CGC.

Source: Tang et al. 2020, "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning Model
for Personalized Recommendations", sections 4.1 (CGC, equations 2 and 3) and 4.2 (PLE, equations 5
to 7).
Taught in chapter 05, "CGC and PLE".
"""

import keras
import numpy as np
from keras import ops

from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack
from recsys_lib.multi_task.parts import check_tasks, heads, shared_input, task_logits


def experts_seen(num_tasks, num_task_experts, num_shared_experts):
    """Positions of the experts that each task's gate sees: its own, then the shared ones.

    Experts are numbered task by task, the shared ones last.

    Returns:
        ``(num_tasks, num_task_experts + num_shared_experts)`` integers.
    """
    own = np.arange(num_tasks * num_task_experts).reshape(num_tasks, num_task_experts)
    shared = num_tasks * num_task_experts + np.arange(num_shared_experts)
    return np.concatenate([own, np.tile(shared, (num_tasks, 1))], axis=1)


def _extraction(inputs, level, is_last, num_tasks, counts, expert_units, activation):
    """One level: ``(batch, tasks + 1, width)``, the shared input last, to the same of the next.

    The first level's input is ``(batch, width)``, the same for all.
    """
    num_task_experts, num_shared_experts = counts
    total = num_tasks * num_task_experts + num_shared_experts
    sizes = [num_task_experts] * num_tasks + [num_shared_experts]
    owner = np.repeat(np.arange(num_tasks + 1), sizes)  # whose input an expert reads
    if len(inputs.shape) == 2:
        of_experts = of_tasks = of_shared = inputs
    else:
        places = np.eye(num_tasks + 1, dtype=np.float32)[owner]
        of_experts = ops.einsum("bti,nt->bni", inputs, places)
        of_tasks, of_shared = inputs[:, :num_tasks], inputs[:, num_tasks:]
    experts = NetworkStack(total, expert_units, activation, name=f"experts_{level}")(of_experts)
    seen = experts_seen(num_tasks, num_task_experts, num_shared_experts)
    gates = Gates(num_tasks, seen.shape[1], name=f"gates_{level}")(of_tasks)
    tasks = Mixture(seen, name=f"mixtures_{level}")(gates, experts)
    if is_last:
        return tasks
    # The shared gate sees the experts of all tasks too: that is how tasks meet again.
    gate = Gates(1, total, name=f"shared_gate_{level}")(of_shared)
    shared = Mixture(name=f"shared_mixture_{level}")(gate, experts)
    return ops.concatenate([tasks, shared], axis=1)


def build_ple(
    feature_columns,
    tasks,
    embedding_dim=16,
    num_levels=2,
    num_task_experts=2,
    num_shared_experts=2,
    expert_units=(32,),
    tower_units=(16,),
    expert_activation="relu",
):
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        tasks: see ``check_tasks``.
        embedding_dim: width of each column's vector.
        num_levels: extraction levels; 1 is CGC.
        num_task_experts, num_shared_experts: experts of each task, and shared ones, per level.
        expert_units: widths of each expert's layers.
        tower_units: widths of each task's own layers.
        expert_activation: of the experts.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of task to prediction ``(batch,)``.
        Layers of level l from 1: ``experts_l`` ``(batch, experts, units)`` numbered task by task
        and the shared ones last, ``gates_l`` ``(batch, tasks, own + shared)``, ``mixtures_l``;
        and on inner levels ``shared_gate_l`` ``(batch, 1, experts)``.

    Raises:
        ValueError: bad tasks, widths, or numbers of levels or experts.
    """
    tasks = check_tasks(tasks)
    for name, value in (
        ("num_levels", num_levels),
        ("num_task_experts", num_task_experts),
        ("num_shared_experts", num_shared_experts),
    ):
        if value < 1:
            raise ValueError(f"{name}: expected 1 or more, got {value}")
    inputs, features = shared_input(feature_columns, embedding_dim)
    current = features
    for level in range(1, num_levels + 1):
        current = _extraction(
            current,
            level,
            level == num_levels,
            len(tasks),
            (num_task_experts, num_shared_experts),
            expert_units,
            expert_activation,
        )
    outputs = heads(task_logits(current, tower_units, len(tasks)), tasks)
    return keras.Model(inputs, outputs, name="cgc" if num_levels == 1 else "ple")


def build_cgc(feature_columns, tasks, **options):
    """PLE with one level. Arguments as for ``build_ple`` without ``num_levels``."""
    return build_ple(feature_columns, tasks, num_levels=1, **options)
