"""STEM-Net: every task has tables of its own beside the shared ones, and experts that read them.

    x_t = E_t(ids),    x_S = E_S(ids)                              tables of the task, and shared
    e_k = f_k(x_t) for the experts of task t,    f_k(x_S) for the shared ones
    g_t = softmax(W_t (x_t + x_S)),    h_t = sum_k g_tk e_k        over all experts
    y_t = tower_t(h_t)

A gate sees the experts of every task, so that what one task has learned reaches the others. Going
back, the experts of other tasks are constants ("all forward, task-specific backward"): the loss of
task t trains the experts and tables of t and the shared ones, gate and tower of t, and nothing of
another task. So the vector of an id says in each table what it is to one task.

Numbers have no tables and stand in every x as they are. Of a user's history each x holds what
pooling makes of its vectors, or what a unit of DIN of its own does: ``interest="attention"``.

Taken from the authors' code are the sum that a gate reads, and one level. Its gates have hidden
layers; here they are one linear map, as those of MMoE and PLE in this library.

Source: Su et al. 2024, "STEM: Unleashing the Power of Embeddings for Multi-Task Recommendation",
the sections on shared and task-specific embeddings and on the all forward task-specific backward
gating network.
Taught in chapter 05, "CGC and PLE".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
import numpy as np
from keras import ops

from recsys_lib.checks import check_integer
from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks, check_tasks, predict_each
from recsys_lib.layers.network_stack import Gates, NetworkStack, experts_of, task_logits
from recsys_lib.layers.options import Configured, options_for, shared_options
from recsys_lib.multi_task.parts import ExpertOptions, task_input
from recsys_lib.multi_task.ple import experts_seen


@keras.saving.register_keras_serializable("recsys_lib")
class OwnGradientMixture(Configured):
    """``h_t = sum_k g_tk e_k`` over all experts, of which each gate trains some alone.

    Call arguments:
        gates: ``(batch, num_gates, num_experts)``.
        experts: ``(batch, num_experts, units)``.

    Returns:
        ``(batch, num_gates, units)``.

    Args:
        seen: for every gate the positions of the experts that its gradient reaches; to it all
            others are constants. The gates' own gradients are whole.
    """

    def __init__(self, seen, **kwargs):
        super().__init__(**kwargs)
        self.seen = [[int(k) for k in row] for row in seen]

    def build(self, gates_shape, experts_shape):
        self.is_own = np.zeros(gates_shape[1:], bool)
        for row, positions in zip(self.is_own, self.seen, strict=True):
            row[positions] = True

    def call(self, gates, experts):
        # One of the two products for each pair of gate and expert: the same expert is a constant
        # to one gate and not to the next.
        own = ops.cast(self.is_own, gates.dtype)
        trained = ops.matmul(gates * own, experts)
        return trained + ops.matmul(gates * (1 - own), ops.stop_gradient(experts))


@shared_options()
def build_stem(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_task_experts: int = 2,
    num_shared_experts: int = 2,
    **common: Unpack[ExpertOptions],
) -> keras.Model:
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        tasks: a name, names, or a dict of name to ``"binary"`` or ``"regression"``.
        num_task_experts: experts of each task.
        num_shared_experts: shared experts.
        **common: see ``ExpertOptions``; the tables' options are those of all sets of tables.

    Returns:
        ``keras.Model`` from the columns' inputs to a prediction ``(batch,)``, or to a dict of task
        to prediction where ``tasks`` is no name. Layers ``embedding`` and ``features`` are of the
        shared tables, ``embedding_t`` and ``features_t`` of those of task t, from 1 on. ``experts``
        holds ``(batch, experts, units)``, numbered task by task and the shared ones last, ``gates``
        the weights ``(batch, tasks, experts)``, ``mixtures`` the towers' input, ``towers`` the
        logits. With attention ``history_weights`` and ``history_weights_t`` hold the weights
        ``(batch, steps)``, ``interest`` and ``interest_t`` their sums.

    Raises:
        ValueError: bad tasks, widths or numbers of experts; attention and no history.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> model = build_stem(columns, ("like", "love"), num_shared_experts=3)
        >>> model.get_layer("gates").output.shape
        (None, 2, 7)
    """
    num_tasks = len(check_tasks(tasks))
    num_own = check_integer("num_task_experts", num_task_experts)
    num_shared = check_integer("num_shared_experts", num_shared_experts)
    of_experts = experts_of(common)
    inputs, shared = task_input(feature_columns, common)
    own = [task_input(feature_columns, common, inputs, f"_{t + 1}")[1] for t in range(num_tasks)]
    sets = ops.stack([*own, shared], axis=1)  # (batch, tasks + 1, width)
    readers = (*[num_own] * num_tasks, num_shared)
    experts = NetworkStack(sum(readers), **of_experts, readers=readers, name="experts")(sets)
    gates = Gates(num_tasks, sum(readers), name="gates")(sets[:, :-1] + sets[:, -1:])
    seen = experts_seen(num_tasks, num_own, num_shared)
    mixtures = OwnGradientMixture(seen, name="mixtures")(gates, experts)
    logits = task_logits(mixtures, num_tasks=num_tasks, **options_for(task_logits, common))
    return keras.Model(inputs, predict_each(tasks, logits), name="stem")
