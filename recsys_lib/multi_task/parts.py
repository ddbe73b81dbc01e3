"""What all multi-task models share: one input, and a tower for each task."""

from collections.abc import Sequence

import keras
from keras import KerasTensor

from recsys_lib.checks import check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs, check_l2, embed_groups
from recsys_lib.features.penalties import L2
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.network_stack import NetworkStack
from recsys_lib.layers.options import Activation, Initializer, Widths


def shared_input(
    feature_columns: Sequence[Column],
    embedding_dim: int,
    embeddings_initializer: Initializer = None,
    embedding_l2: L2 = 0.0,
) -> tuple[dict[str, KerasTensor], KerasTensor]:
    """The inputs, and all features side by side as the layer ``features``.

    Args:
        feature_columns: columns of any kind.
        embedding_dim: width of each column's vector, where the column states none.
        embeddings_initializer: of the tables.
        embedding_l2: penalty of the tables, a number or an ``EmbeddingL2``.

    Returns:
        The dict of column name to input, and ``(batch, width)``.
    """
    penalty = check_l2(feature_columns, embedding_l2)
    inputs = build_inputs(feature_columns)
    groups = embed_groups(
        inputs,
        feature_columns,
        embedding_dim,
        embeddings_initializer=embeddings_initializer,
        l2=penalty,
    )
    return inputs, keras.layers.Identity(name="features")(side_by_side(groups.values()))


def task_logits(
    representations: KerasTensor,
    tower_units: Widths,
    num_tasks: int,
    *,
    activation: Activation = "relu",
    dropout_rate: float = 0.0,
    batch_normalization: bool = False,
) -> KerasTensor:
    """One tower for each task, all in the one layer ``towers``.

    Args:
        representations: ``(batch, num_tasks, units)``, one for each task, or ``(batch, units)``,
            the same for all.
        tower_units: widths of each tower's layers; ``()``: a linear map alone.
        num_tasks: number of tasks.
        activation, dropout_rate, batch_normalization: as for ``NetworkStack``.

    Returns:
        ``(batch, num_tasks, 1)``; the heads add the biases.
    """
    towers = NetworkStack(
        num_tasks,
        check_widths("tower_units", tower_units, at_least=0),
        activation,
        output_units=1,
        dropout_rate=dropout_rate,
        batch_normalization=batch_normalization,
        name="towers",
    )
    return towers(representations)
