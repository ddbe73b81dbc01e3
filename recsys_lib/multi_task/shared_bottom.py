"""Shared-Bottom: one network for all tasks, and a small tower for each.

    y_t = f_t(g(x))

Source: Caruana 1997, "Multitask Learning", section 1.1; in the form of Ma et al. 2018, section 3.1.
Taught in chapter 05, "Shared-Bottom".
"""

import keras

from recsys_lib.layers.blocks import MLP
from recsys_lib.multi_task.parts import check_tasks, heads, shared_input, task_logits


def build_shared_bottom(
    feature_columns,
    tasks,
    embedding_dim=16,
    bottom_units=(64, 32),
    tower_units=(16,),
    bottom_activation="relu",
):
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        tasks: see ``check_tasks``.
        embedding_dim: width of each column's vector.
        bottom_units: widths of the shared network's layers.
        tower_units: widths of each task's own layers; empty: a linear map alone.
        bottom_activation: of the shared network.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of task to prediction ``(batch,)``. Layer
        ``shared_bottom`` holds what the tasks share, ``(batch, bottom_units[-1])``.

    Raises:
        ValueError: bad tasks or widths.
    """
    tasks = check_tasks(tasks)
    inputs, features = shared_input(feature_columns, embedding_dim)
    shared = MLP(bottom_units, activation=bottom_activation, name="shared_bottom")(features)
    outputs = heads(task_logits(shared, tower_units, len(tasks)), tasks)
    return keras.Model(inputs, outputs, name="shared_bottom_model")
