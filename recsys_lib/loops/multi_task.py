"""MMoE as the notes write it: a Python loop over experts, one over gates, one over towers.

Every expert, gate and tower is a network with variables of its own. The model computes the same
numbers as ``build_mmoe``, whose weights ``copy_weights`` cuts apart for it.
"""

from collections.abc import Sequence

import keras
from keras import ops

from recsys_lib.checks import check_integer
from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead, Tasks, check_tasks, task_outputs
from recsys_lib.layers.options import Widths
from recsys_lib.multi_task.parts import shared_input


def build_mmoe_loop(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    embedding_dim: int = 16,
    num_experts: int = 4,
    expert_units: Widths = (32,),
    tower_units: Widths = (16,),
) -> keras.Model:
    """MMoE with a loop wherever the formula has an index.

    Args:
        feature_columns, tasks, embedding_dim, num_experts, expert_units, tower_units: as for
            ``build_mmoe``; at least one layer in each tower.

    Returns:
        As ``build_mmoe``; layers ``expert_k``, ``<task>_gate``, ``<task>_tower``.

    Raises:
        ValueError: as ``build_mmoe``.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> build_mmoe_loop(columns, ("like", "love")).get_layer("love_gate").output.shape
        (None, 4)
    """
    kinds = check_tasks(tasks)
    num_experts = check_integer("num_experts", num_experts)
    inputs, features = shared_input(feature_columns, embedding_dim)
    experts = [MLP(expert_units, name=f"expert_{k}")(features) for k in range(num_experts)]
    stacked = ops.stack(experts, axis=1)  # (batch, num_experts, units)
    predictions = []
    for task, kind in kinds.items():
        gate = keras.layers.Dense(
            num_experts, activation="softmax", use_bias=False, name=f"{task}_gate"
        )(features)
        mixture = ops.einsum("be,bed->bd", gate, stacked)
        hidden = MLP(tower_units, name=f"{task}_tower")(mixture)
        logit = keras.layers.Dense(1, name=f"{task}_logit")(hidden)
        predictions.append(PredictionHead(kind, name=task)(logit))
    return keras.Model(inputs, task_outputs(tasks, predictions), name="mmoe_loop")


def copy_weights(batched: keras.Model, loop: keras.Model) -> None:
    """Give a model of ``build_mmoe_loop`` the weights of a model of ``build_mmoe``.

    Args:
        batched: of ``build_mmoe``, without batch normalization.
        loop: of ``build_mmoe_loop`` with the same columns, tasks and sizes.
    """
    experts, gates, towers = (batched.get_layer(name) for name in ("experts", "gates", "towers"))
    tasks = [layer.name for layer in batched.layers if isinstance(layer, PredictionHead)]
    for name in ("embedding", *tasks):
        loop.get_layer(name).set_weights(batched.get_layer(name).get_weights())
    for k in range(experts.count):
        own = [weight.numpy()[k] for weight in experts.weights]
        loop.get_layer(f"expert_{k}").set_weights(own)
    for position, task in enumerate(tasks):
        loop.get_layer(f"{task}_gate").set_weights([gates.kernel.numpy()[position]])
        own = [weight.numpy()[position] for weight in towers.weights]
        loop.get_layer(f"{task}_tower").set_weights(own[:-2])
        loop.get_layer(f"{task}_logit").set_weights(own[-2:])
