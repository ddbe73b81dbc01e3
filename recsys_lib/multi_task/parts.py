"""What all multi-task models share: one input, a tower for each task, a head for each task."""

import keras
from keras import ops

from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.layers.network_stack import NetworkStack


def shared_input(feature_columns, embedding_dim):
    """The inputs, and all features side by side, ``(batch, width)``, as the layer ``features``."""
    inputs = build_inputs(feature_columns)
    groups = list(embed_groups(inputs, feature_columns, embedding_dim).values())
    flat = groups[0] if len(groups) == 1 else ops.concatenate(groups, axis=-1)
    return inputs, keras.layers.Identity(name="features")(flat)


def task_logits(representations, tower_units, num_tasks):
    """One tower for each task, all in one stack.

    Args:
        representations: ``(batch, num_tasks, units)``, one for each task, or ``(batch, units)``,
            the same for all.
        tower_units: widths of each tower's layers; empty: a linear map alone.
        num_tasks: number of tasks.

    Returns:
        ``(batch, num_tasks, 1)``; the heads add the biases.
    """
    towers = NetworkStack(num_tasks, tower_units, output_units=1, name="towers")
    return towers(representations)


def heads(logits, tasks):
    """Dict of task to its output ``(batch,)``, from ``(batch, num_tasks, 1)``."""
    return {
        task: PredictionHead(kind, name=task)(logits[:, position])
        for position, (task, kind) in enumerate(tasks.items())
    }
