"""MMoE as the notes write it: a Python loop over experts, one over gates, one over towers.

Every expert, gate and tower is a network with variables of its own. The model computes the same
numbers as ``build_mmoe``, whose weights ``copy_weights`` cuts apart for it.
"""

import keras
from keras import ops

from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.multi_task.parts import check_tasks, shared_input


def build_mmoe_loop(
    feature_columns, tasks, embedding_dim=16, num_experts=4, expert_units=(32,), tower_units=(16,)
):
    """MMoE with a loop wherever the formula has an index. Arguments as for ``build_mmoe``."""
    tasks = check_tasks(tasks)
    inputs, features = shared_input(feature_columns, embedding_dim)
    experts = [MLP(expert_units, name=f"expert_{k}")(features) for k in range(num_experts)]
    stacked = ops.stack(experts, axis=1)  # (batch, num_experts, units)
    outputs = {}
    for task, kind in tasks.items():
        gate = keras.layers.Dense(
            num_experts, activation="softmax", use_bias=False, name=f"{task}_gate"
        )(features)
        mixture = ops.einsum("be,bed->bd", gate, stacked)
        hidden = MLP(tower_units, name=f"{task}_tower")(mixture)
        logit = keras.layers.Dense(1, name=f"{task}_logit")(hidden)
        outputs[task] = PredictionHead(kind, name=task)(logit)
    return keras.Model(inputs, outputs, name="mmoe_loop")


def copy_weights(batched, loop):
    """Give the model of ``build_mmoe_loop`` the weights of a model of ``build_mmoe``."""
    experts, gates, towers = (batched.get_layer(name) for name in ("experts", "gates", "towers"))
    for name in ("embedding", *batched.output):
        loop.get_layer(name).set_weights(batched.get_layer(name).get_weights())
    for k in range(experts.count):
        own = [weight.numpy()[k] for weight in experts.weights]
        loop.get_layer(f"expert_{k}").set_weights(own)
    for position, task in enumerate(batched.output):
        loop.get_layer(f"{task}_gate").set_weights([gates.kernel.numpy()[position]])
        own = [weight.numpy()[position] for weight in towers.weights]
        loop.get_layer(f"{task}_tower").set_weights(own[:-2])
        loop.get_layer(f"{task}_logit").set_weights(own[-2:])
