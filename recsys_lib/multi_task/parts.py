"""Parts of all multi-task models: their options, and one input.

All tasks share what is made of a history, as they share the tables; where a model has tables for
each task, each has what its own make of it.
"""

from collections.abc import Sequence
from pkgutil import resolve_name
from typing import Annotated

import keras
from keras import KerasTensor

from recsys_lib.checks import check_choice
from recsys_lib.features.columns import L2, Column, check_l2
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.options import (
    Activation,
    HiddenOptions,
    Initializer,
    TableOptions,
    Widths,
    options_for,
)

INTERESTS = {
    "pooled": "recsys_lib.multi_task.parts:pooled_input",
    "attention": "recsys_lib.multi_task.interest:attended_input",
}
"""How a history is read: as every list, or by DIN's unit; imported on use, and with it DIN."""


class TaskOptions(TableOptions, HiddenOptions, total=False):
    """Of every multi-task model: ``TableOptions``, ``HiddenOptions``, and how a history is read.

    ``dropout_rate`` and ``batch_normalization``, True or False, are those of DIN's unit too, over
    real steps.

    Args:
        interest: ``"pooled"``: every list is one feature, pooled by the column's combiner;
            ``"attention"``: the sum of the behaviours, weighed by DIN's activation unit, which sees
            each beside the candidate. Other ordered lists are then no inputs. The options below
            are of ``"attention"`` alone.
        attention_units, attention_activation: of the unit's network.
        scale: of the weights, see ``build_din``.
        product: whether the tasks also read each interest times the candidate, component by
            component.
        histories: names of the sequence columns that are read as behaviours, see
            ``behaviour_pairs``; None: all that can be.
    """

    interest: Annotated[str, "pooled"]
    attention_units: Annotated[Widths, (32, 16)]
    attention_activation: Annotated[Activation, "dice"]
    scale: Annotated[str, "raw"]
    product: Annotated[bool, False]
    histories: Annotated[Sequence[str] | None, None]


class TowerOptions(TaskOptions, total=False):
    """``TaskOptions``, and a tower for each task.

    Args:
        tower_units: widths of each task's own layers; ``()``: a linear map alone.
    """

    tower_units: Annotated[Widths, (16,)]


class ExpertOptions(TowerOptions, total=False):
    """``TowerOptions``, and experts, whose gates have no options.

    Args:
        expert_units: widths of each expert's layers, at least one.
        expert_activation: of the experts; None: ``activation``.
    """

    expert_units: Annotated[Widths, (32,)]
    expert_activation: Annotated[Activation | None, None]


def task_input(
    feature_columns: Sequence[Column],
    common: TaskOptions,
    inputs: dict[str, KerasTensor] | None = None,
    suffix: str = "",
) -> tuple[dict[str, KerasTensor], KerasTensor]:
    """The inputs and all features side by side, a history pooled or read by DIN's unit.

    Args:
        feature_columns: columns of any kind; for ``"attention"`` with a behaviour history, see
            ``behaviour_pairs``.
        common: the builder's shared options.
        inputs: of an earlier call, to be read once more, by tables and a unit of their own.
        suffix: ending of the names of all layers of this call.

    Returns:
        The dict of column name to input, in the order of the columns, and the layer ``features``,
        ``(batch, width)``. With attention layer ``history_weights`` holds the weights ``(batch,
        steps)``, ``interest`` the weighted sum, and ``interest_normalization``, where there is one,
        what is read in its place.

    Raises:
        ValueError: an unknown option; attention and no history.
    """
    interest = check_choice("interest", common["interest"], INTERESTS)
    return resolve_name(INTERESTS[interest])(feature_columns, common, inputs, suffix)


def pooled_input(
    feature_columns: Sequence[Column],
    common: TaskOptions,
    inputs: dict[str, KerasTensor] | None = None,
    suffix: str = "",
) -> tuple[dict[str, KerasTensor], KerasTensor]:
    """``task_input`` where a history is one feature among the others: see there."""
    return shared_input(
        feature_columns, **options_for(shared_input, common), inputs=inputs, suffix=suffix
    )


def shared_input(
    feature_columns: Sequence[Column],
    embedding_dim: int,
    embeddings_initializer: Initializer = None,
    embedding_l2: L2 = 0.0,
    inputs: dict[str, KerasTensor] | None = None,
    suffix: str = "",
) -> tuple[dict[str, KerasTensor], KerasTensor]:
    """The inputs, and all features side by side as the layer ``features``.

    Args:
        feature_columns: columns of any kind.
        embedding_dim, embeddings_initializer, embedding_l2: see ``TableOptions``.
        inputs, suffix: see ``task_input``.

    Returns:
        The dict of column name to input, and ``(batch, width)``.
    """
    inputs = build_inputs(feature_columns) if inputs is None else inputs
    groups = embed_groups(
        inputs,
        feature_columns,
        embedding_dim,
        name=f"embedding{suffix}",
        embeddings_initializer=embeddings_initializer,
        l2=check_l2(feature_columns, embedding_l2),
    )
    return inputs, keras.layers.Identity(name=f"features{suffix}")(side_by_side(groups.values()))
