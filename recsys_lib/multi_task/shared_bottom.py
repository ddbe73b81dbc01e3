"""Shared-Bottom: one network for all tasks, and a small tower for each.

    y_t = f_t(g(x))

Of a user's history x holds what pooling makes of it, or what DIN's unit does,
``interest="attention"``.

Source: Caruana 1997, "Multitask Learning", section 1.1; in the form of Ma et al. 2018, section 3.1.
Taught in chapter 05, "Shared-Bottom".
"""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import Tasks, check_tasks, predict_each
from recsys_lib.layers.network_stack import task_logits
from recsys_lib.layers.options import Activation, Widths, options_for, shared_options
from recsys_lib.multi_task.parts import TowerOptions, task_input


@shared_options()
def build_shared_bottom(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    hidden_units: Widths = (64, 32),
    bottom_activation: Activation | None = None,
    **common: Unpack[TowerOptions],
) -> keras.Model:
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        tasks: a name, names, or a dict of name to ``"binary"`` or ``"regression"``.
        hidden_units: widths of the shared network's layers, at least one.
        bottom_activation: of the shared network; default: ``activation``.
        **common: see ``TowerOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a prediction ``(batch,)``, or to a dict of task
        to prediction where ``tasks`` is no name. Layer ``shared_bottom`` holds what the tasks
        share, ``(batch, hidden_units[-1])``, and ``towers`` their logits ``(batch, tasks, 1)``.
        With attention ``history_weights`` holds the weights ``(batch, steps)``, ``interest`` their
        sum.

    Raises:
        ValueError: bad tasks or widths; attention and no history.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> model = build_shared_bottom(columns, {"like": "binary", "minutes": "regression"})
        >>> list(model.output)
        ['like', 'minutes']
        >>> model.get_layer("shared_bottom").output.shape
        (None, 32)
    """
    num_tasks = len(check_tasks(tasks))
    inputs, features = task_input(feature_columns, common)
    of_bottom = options_for(MLP, common)
    if bottom_activation is not None:
        of_bottom["activation"] = bottom_activation
    shared = MLP(hidden_units, **of_bottom, name="shared_bottom")(features)
    logits = task_logits(shared, num_tasks=num_tasks, **options_for(task_logits, common))
    return keras.Model(inputs, predict_each(tasks, logits), name="shared_bottom_model")
