"""MMoE: the tasks share experts, and each task's gate mixes them in its own way.

    e_k = f_k(x),    g_t(x) = softmax(W_t x),    h_t = sum_k g_tk(x) e_k,    y_t = tower_t(h_t)

With one gate for all tasks it is OMoE; with one expert it is Shared-Bottom. Of a user's history x
holds what pooling makes of it, or what DIN's unit does: ``interest="attention"``.

Source: Ma et al. 2018, "Modeling Task Relationships in Multi-task Learning with Multi-gate
Mixture-of-Experts", section 4 (equations 4 to 7).
Taught in chapter 05, "MMoE".
"""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.checks import check_bool, check_integer
from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks, check_tasks, predict_each
from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack, experts_of, task_logits
from recsys_lib.layers.options import options_for, shared_options
from recsys_lib.multi_task.parts import ExpertOptions, task_input


@shared_options()
def build_mmoe(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_experts: int = 4,
    one_gate: bool = False,
    **common: Unpack[ExpertOptions],
) -> keras.Model:
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        tasks: a name, names, or a dict of name to ``"binary"`` or ``"regression"``.
        num_experts: number of experts.
        one_gate: OMoE: one gate for all tasks.
        **common: see ``ExpertOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a prediction ``(batch,)``, or to a dict of task
        to prediction where ``tasks`` is no name. Layer ``experts`` holds ``(batch, num_experts,
        units)``, ``gates`` the mixtures ``(batch, tasks, num_experts)`` (``(batch, 1,
        num_experts)`` for OMoE), ``mixtures`` the towers' input, ``towers`` the logits. With
        attention ``history_weights`` holds the weights ``(batch, steps)``, ``interest`` their sum.

    Raises:
        ValueError: bad tasks, widths or numbers of experts; attention and no history.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> model = build_mmoe(columns, ("like", "love"), num_experts=3)
        >>> list(model.output)
        ['like', 'love']
        >>> model.get_layer("gates").output.shape
        (None, 2, 3)
    """
    num_tasks = len(check_tasks(tasks))
    num_experts = check_integer("num_experts", num_experts)
    one_gate = check_bool("one_gate", one_gate)
    inputs, features = task_input(feature_columns, common)
    experts = NetworkStack(num_experts, **experts_of(common), name="experts")(features)
    gates = Gates(1 if one_gate else num_tasks, num_experts, name="gates")(features)
    mixtures = Mixture(name="mixtures")(gates, experts)
    if one_gate:
        mixtures = mixtures[:, 0]  # every tower reads the one mixture
    logits = task_logits(mixtures, num_tasks=num_tasks, **options_for(task_logits, common))
    return keras.Model(inputs, predict_each(tasks, logits), name="omoe" if one_gate else "mmoe")


@shared_options()
def build_omoe(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_experts: int = 4,
    **common: Unpack[ExpertOptions],
) -> keras.Model:
    """MMoE with one gate for all tasks: ``build_mmoe(..., one_gate=True)``.

    Args:
        feature_columns, tasks, num_experts, **common: as for ``build_mmoe``.

    Returns:
        As ``build_mmoe``; layer ``gates`` holds ``(batch, 1, num_experts)``.

    Raises:
        ValueError: as ``build_mmoe``.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> build_omoe(columns, ("like", "love")).get_layer("gates").output.shape
        (None, 1, 4)
    """
    return build_mmoe(feature_columns, tasks, num_experts=num_experts, one_gate=True, **common)
