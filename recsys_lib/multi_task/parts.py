"""Parts of all multi-task models: their options, one input, and a tower for each task.

All tasks share what is made of a history, as they share the tables; where a model has tables for
each task, each has what its own make of it.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import keras
from keras import KerasTensor

from recsys_lib.checks import check_choice, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs, check_l2, embed_groups
from recsys_lib.features.penalties import L2
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.network_stack import NetworkStack
from recsys_lib.layers.options import (
    Activation,
    HiddenOptions,
    Initializer,
    TableOptions,
    Widths,
    imported,
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
    return imported(INTERESTS[interest])(feature_columns, common, inputs, suffix)


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


def experts_of(common: ExpertOptions) -> dict[str, Any]:
    """Those of a builder's shared options that the experts' ``NetworkStack`` takes, checked."""
    options = options_for(NetworkStack, common)
    if common["expert_activation"] is not None:
        options["activation"] = common["expert_activation"]
    return {**options, "hidden_units": check_widths("expert_units", common["expert_units"])}


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
