"""CGC and PLE: every task has experts of its own beside the shared ones, level upon level.

    level l, task t:  g_t = softmax(W_t x_t),  h_t = sum over own and shared experts
    level l, shared:  g_s = softmax(W_s x_s),  h_s = sum over all experts    (inner levels only)
    x_t^(l+1) = h_t^l,    x_s^(l+1) = h_s^l,    x_t^1 = x_s^1 = x

Own experts read their task's input, shared experts the shared one. One level is CGC. Of a user's
history x holds what pooling makes of it, or what DIN's unit does: ``interest="attention"``.

The paper's training, each task on its own rows and with a weight that decays, is not part of the
model: see ``Split.label_masks`` and ``recsys_lib.multi_task.balancing.DecayingWeights``.

Source: Tang et al. 2020, "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning Model
for Personalized Recommendations", sections 4.1 (CGC, equations 2 and 3) and 4.2 (PLE, equations 5
to 7).
Taught in chapter 05, "CGC and PLE".
"""

from collections.abc import Mapping, Sequence
from typing import Unpack

import keras
import numpy as np
from keras import KerasTensor, ops

from recsys_lib.checks import check_integer, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks, check_tasks, predict_each
from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack, experts_of, task_logits
from recsys_lib.layers.options import options_for, shared_options
from recsys_lib.multi_task.parts import ExpertOptions, task_input

Counts = int | Sequence[int]
"""A number of experts, the same on every level or one for each."""


def experts_seen(
    num_tasks: int, num_task_experts: Counts, num_shared_experts: int
) -> list[list[int]]:
    """Positions of the experts that each task's gate sees: its own, then the shared ones.

    Experts are numbered task by task, the shared ones last.

    Args:
        num_tasks: number of tasks.
        num_task_experts: own experts of each task: one number for all, or one for each.
        num_shared_experts: number of shared experts.

    Returns:
        A list for each task.

    Example:
        >>> experts_seen(2, 2, 1)
        [[0, 1, 4], [2, 3, 4]]
        >>> experts_seen(2, (1, 2), 1)
        [[0, 3], [1, 2, 3]]
    """
    own = [num_task_experts] * num_tasks if np.ndim(num_task_experts) == 0 else num_task_experts
    ends = np.cumsum(own).tolist()
    shared = list(range(ends[-1], ends[-1] + num_shared_experts))
    return [[*range(end - count, end), *shared] for end, count in zip(ends, own, strict=True)]


def _on_each_level(name, counts, num_levels):
    """A number of experts for each level."""
    if np.ndim(counts) == 0:
        return (check_integer(name, counts),) * num_levels
    counts = check_widths(name, counts)
    if len(counts) != num_levels:
        raise ValueError(f"{name}: expected a number for each of {num_levels} levels, got {counts}")
    return counts


def _of_tasks_on_each_level(counts, tasks, num_levels):
    """For each level a number of own experts for each task."""
    name = "num_task_experts"
    if not isinstance(counts, Mapping):
        counts = dict.fromkeys(tasks, counts)
    if set(counts) != set(tasks):
        raise ValueError(f"{name}: expected the tasks {list(tasks)}, got {list(counts)}")
    each = [_on_each_level(f"{name}, {task!r}", counts[task], num_levels) for task in tasks]
    return list(zip(*each, strict=True))


def _extraction(
    inputs: tuple[KerasTensor, KerasTensor | None],
    level: int,
    is_last: bool,
    own: tuple[int, ...],
    num_shared: int,
    stack_options: Mapping,
) -> tuple[KerasTensor, KerasTensor | None]:
    """One level: what the tasks read, and what the shared experts read, of the next one.

    Args:
        inputs: ``(batch, tasks, width)`` and ``(batch, 1, width)``; on the first level ``(batch,
            width)``, the same for all, and None.
        level: from 1.
        is_last: without a shared gate.
        own: number of experts of each task.
        num_shared: number of shared experts.
        stack_options: of the experts' ``NetworkStack``.

    Returns:
        As ``inputs``; on the last level None for the shared experts.
    """
    of_tasks, of_shared = inputs
    of_experts = of_tasks
    if of_shared is None:
        of_shared = of_tasks
    else:
        of_experts = ops.concatenate([of_tasks, of_shared], axis=1)
    total = sum(own) + num_shared
    experts = NetworkStack(
        total, **stack_options, readers=(*own, num_shared), name=f"experts_{level}"
    )(of_experts)
    seen = experts_seen(len(own), own, num_shared)
    gates = Gates(len(own), [len(row) for row in seen], name=f"gates_{level}")(of_tasks)
    mixtures = Mixture(seen, name=f"mixtures_{level}")(gates, experts)
    if is_last:
        return mixtures, None
    # The shared gate sees the experts of all tasks too: that is how tasks meet again.
    gate = Gates(1, total, name=f"shared_gate_{level}")(of_shared)
    return mixtures, Mixture(name=f"shared_mixture_{level}")(gate, experts)


@shared_options()
def build_ple(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_levels: int = 2,
    num_task_experts: Counts | Mapping[str, Counts] = 2,
    num_shared_experts: Counts = 2,
    **common: Unpack[ExpertOptions],
) -> keras.Model:
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        tasks: a name, names, or a dict of name to ``"binary"`` or ``"regression"``.
        num_levels: extraction levels; 1 is CGC.
        num_task_experts: experts of each task: a number, a sequence with one for each level, or a
            dict of task to either.
        num_shared_experts: shared experts: a number, or a sequence with one for each level.
        **common: see ``ExpertOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a prediction ``(batch,)``, or to a dict of task
        to prediction where ``tasks`` is no name. Layers of level l from 1: ``experts_l`` ``(batch,
        experts, units)`` numbered task by task and the shared ones last, ``gates_l`` ``(batch,
        tasks, own + shared)`` (behind the last expert of a task that has fewer there are zeros),
        ``mixtures_l``; and on inner levels ``shared_gate_l`` ``(batch, 1, experts)``. With
        attention ``history_weights`` holds the weights ``(batch, steps)``, ``interest`` their sum.

    Raises:
        ValueError: bad tasks, widths, or numbers of levels or experts; attention and no history.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> own = {"like": 1, "minutes": (3, 2)}
        >>> kinds = {"like": "binary", "minutes": "regression"}
        >>> model = build_ple(columns, kinds, num_task_experts=own, num_shared_experts=1)
        >>> [model.get_layer(f"experts_{level}").output.shape for level in (1, 2)]
        [(None, 5, 32), (None, 4, 32)]
    """
    names = list(check_tasks(tasks))
    num_levels = check_integer("num_levels", num_levels)
    own = _of_tasks_on_each_level(num_task_experts, names, num_levels)
    shared = _on_each_level("num_shared_experts", num_shared_experts, num_levels)
    of_experts = experts_of(common)
    inputs, features = task_input(feature_columns, common)
    current = (features, None)
    for level in range(1, num_levels + 1):
        is_last = level == num_levels
        counts = own[level - 1], shared[level - 1]
        current = _extraction(current, level, is_last, *counts, of_experts)
    logits = task_logits(current[0], num_tasks=len(names), **options_for(task_logits, common))
    outputs = predict_each(tasks, logits)
    return keras.Model(inputs, outputs, name="cgc" if num_levels == 1 else "ple")


@shared_options()
def build_cgc(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_task_experts: int | Mapping[str, int] = 2,
    num_shared_experts: int = 2,
    **common: Unpack[ExpertOptions],
) -> keras.Model:
    """PLE with one level: ``build_ple(..., num_levels=1)``.

    Args:
        feature_columns, tasks, num_task_experts, num_shared_experts, **common: as for
            ``build_ple``.

    Returns:
        As ``build_ple``; the layers are those of level 1.

    Raises:
        ValueError: as ``build_ple``.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> build_cgc(columns, ("like", "love")).get_layer("gates_1").output.shape
        (None, 2, 4)
    """
    return build_ple(
        feature_columns,
        tasks,
        num_levels=1,
        num_task_experts=num_task_experts,
        num_shared_experts=num_shared_experts,
        **common,
    )
