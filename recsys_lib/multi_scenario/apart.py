"""The scenarios apart: a network for each of them, or a tower for each on what they share.

    separate         y = f_s(x)            a model for each scenario, its own embeddings included
    shared bottom    y = f_s(g(x))         Shared-Bottom with a tower for each scenario

All networks run in one pass.

Sources: as of ``recsys_lib.multi_scenario.baselines``.
Taught in chapter 06, "Together or apart".
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Unpack

import keras
import numpy as np
import tensorflow as tf

from recsys_lib.checks import check_bool, check_integer, check_widths
from recsys_lib.features.columns import (
    Column,
    NumericColumn,
    SequenceColumn,
    check_columns,
    column_from_config,
    column_to_config,
)
from recsys_lib.layers.blocks import MLP, check_dropout, glorot_of_one
from recsys_lib.layers.heads import PredictionHead, Tasks, check_tasks, predict_one, task_outputs
from recsys_lib.layers.options import Configured, Widths, options_for, shared_options, tables
from recsys_lib.multi_scenario.by_scenario import PartitionedNormalization, RowsByScenario
from recsys_lib.multi_scenario.parts import (
    DeepScenarioOptions,
    flat_features,
    plain_activation,
    scenario_inputs,
)


@keras.saving.register_keras_serializable("recsys_lib")
class ScenarioNetworks(Configured):
    """A fully connected network for each scenario; every row goes through its own scenario's.

    Call arguments:
        inputs: ``(batch, features)``.
        ids: ``(batch,)`` from 1 to ``count``; 0 is answered by network 1.

    Returns:
        ``(batch, units of the last layer)``.

    Args:
        count: number of scenarios.
        hidden_units: widths of the activated layers; may be empty where there are output units.
        activation: Keras activation, see ``plain_activation``.
        output_units: width of a last, linear layer, or None for no such layer.
        dropout_rate: share of units dropped after each activation, in training only.
        batch_normalization: normalise each scenario's rows before each activation, with moments,
            scales and shifts of the scenario alone.

    Raises:
        ValueError: no scenario, no layer, a width below 1, or a rate out of range.
    """

    def __init__(
        self,
        count,
        hidden_units,
        activation="relu",
        output_units=None,
        dropout_rate=0.0,
        batch_normalization=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.count = check_integer(f"{self.name}, count", count)
        at_least = 1 if output_units is None else 0
        self.hidden_units = check_widths(f"{self.name}, hidden_units", hidden_units, at_least)
        if output_units is not None:
            output_units = check_integer(f"{self.name}, output_units", output_units)
        self.output_units = output_units
        self.activation = plain_activation(activation)
        self.dropout_rate = check_dropout("dropout_rate", dropout_rate)
        self.batch_normalization = check_bool("batch_normalization", batch_normalization)
        depth = len(self.hidden_units)
        self.own_normalizations = [
            PartitionedNormalization(self.count, shared=False, name=f"normalization_{position}")
            for position in range(depth if batch_normalization else 0)
        ]
        self.dropouts = [
            keras.layers.Dropout(self.dropout_rate, name=f"dropout_{position}")
            for position in range(depth if self.dropout_rate else 0)
        ]

    def build(self, inputs_shape, ids_shape):
        self.kernels, self.biases = [], []
        outputs = [] if self.output_units is None else [self.output_units]
        widths = [inputs_shape[-1], *self.hidden_units, *outputs]
        for position, (features, units) in enumerate(itertools.pairwise(widths)):
            shape, start = (self.count, features, units), glorot_of_one(features, units)
            self.kernels.append(self.add_weight(shape, start, name=f"kernel_{position}"))
            shape = (self.count, units)
            self.biases.append(self.add_weight(shape, "zeros", name=f"bias_{position}"))
        for layer, units in zip(self.own_normalizations, self.hidden_units, strict=False):
            layer.build((None, units), ids_shape)

    def call(self, inputs, ids, training=None):
        ids = tf.maximum(ids, 1)
        blocks = RowsByScenario(ids - 1, self.count)
        outputs = blocks.into(inputs)
        for position, weights in enumerate(zip(self.kernels, self.biases, strict=True)):
            outputs = blocks.linear(outputs, *weights)
            if position < len(self.hidden_units):
                if self.own_normalizations:  # as rows: padding has no part in the moments
                    normalize = self.own_normalizations[position]
                    rows = normalize(blocks.back(outputs), ids, training=training)
                    outputs = blocks.into(rows)
                outputs = self.activation(outputs)
                if self.dropouts:
                    outputs = self.dropouts[position](outputs, training=training)
        return blocks.back(outputs)

    def compute_output_spec(self, inputs, ids, training=None):
        units = self.output_units or self.hidden_units[-1]
        return keras.KerasTensor((inputs.shape[0], units), self.compute_dtype)


@keras.saving.register_keras_serializable("recsys_lib")
class OwnIds(keras.layers.Layer):
    """Number the ids of every column for each scenario apart: ``(s - 1) (V - 1) + id``.

    Call arguments:
        values: dict of column name to its values; numeric columns pass.
        ids: ``(batch,)`` scenarios from 1 to ``count``.

    Returns:
        Dict of the names of ``own_columns``; id 0 stays 0.

    Args:
        columns: feature columns.
        count: number of scenarios.

    Raises:
        ValueError: bad columns, or no scenario.
    """

    def __init__(self, columns, count, **kwargs):
        super().__init__(**kwargs)
        self.columns, self.count = check_columns(columns), check_integer("count", count)

    @property
    def own_columns(self):
        """The columns of the table behind this layer: a vocabulary for each scenario.

        They are called ``own_...``, their tables as before.
        """
        own = []
        for column in self.columns:
            changed = {"name": f"own_{column.name}"}
            if not isinstance(column, NumericColumn):
                changed["table"] = column.table_name
                changed["vocabulary_size"] = self.count * (column.vocabulary_size - 1) + 1
            own.append(dataclasses.replace(column, **changed))
        return tuple(own)

    def moved_ids(self, grown: "OwnIds") -> dict[str, np.ndarray]:
        """Where each id of ``own_columns`` goes when the vocabularies grow.

        Args:
            grown: the layer with the same columns and more ids.

        Returns:
            Dict of the name of an own column to ``(vocabulary_size,)``.
        """
        moved = {}
        for before, after in zip(self.columns, grown.columns, strict=True):
            if not isinstance(before, NumericColumn):
                known = before.vocabulary_size - 1
                ids = np.arange(self.count * known)
                later = ids // known * (after.vocabulary_size - 1) + ids % known + 1
                moved[f"own_{before.name}"] = np.concatenate([[0], later])
        return moved

    def call(self, values, ids):
        own = {}
        for column in self.columns:
            value = values[column.name]
            if not isinstance(column, NumericColumn):
                first = (tf.cast(ids, value.dtype) - 1) * (column.vocabulary_size - 1)
                first = first[:, None] if isinstance(column, SequenceColumn) else first
                value = tf.where(value > 0, value + first, 0)
            own[f"own_{column.name}"] = value
        return own

    def get_config(self):
        columns = [column_to_config(column) for column in self.columns]
        return {**super().get_config(), "columns": columns, "count": self.count}

    @classmethod
    def from_config(cls, config):
        columns = [column_from_config(column) for column in config["columns"]]
        return cls(**{**config, "columns": columns})


@shared_options()
def build_separate(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    **common: Unpack[DeepScenarioOptions],
) -> keras.Model:
    """A model for each scenario, trained on its rows alone: no weight is shared.

    All of them run in one pass. An unknown scenario is answered by the model of the scenario with
    the most training rows; rows of id 0 in training train that model.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``ScenarioOptions``. Each network
            has a hidden layer at least and an activation without weights of its own;
            ``batch_normalization``, True or False, takes each scenario's rows apart. An id has a
            row for each scenario, and ``id_counts`` are those of the rows: of a table with V ids
            ``(scenarios (V - 1) + 1,)``, numbered as ``OwnIds`` does.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``own_networks`` holds the networks.

    Raises:
        ValueError: no scenario column, no other, several tasks, or bad widths.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn
        >>> surface = CategoricalColumn("surface", 4, group="scenario")
        >>> columns = [surface, CategoricalColumn("item_id", 100, group="item")]
        >>> model = build_separate(columns)
        >>> tuple(model.get_layer("embedding").table.shape)  # 99 items a surface, and id 0
        (298, 16)
    """
    check_widths("hidden_units", common["hidden_units"])
    ((task, kind),) = check_tasks(tasks, exactly=1).items()
    given = scenario_inputs(feature_columns, common["scenario"], unknown="largest")
    own = OwnIds(given.others, given.count, name="own_ids")
    values = own({column.name: given.inputs[column.name] for column in given.others}, given.ids)
    features = flat_features(values, own.own_columns, **tables(feature_columns, common))
    options = options_for(ScenarioNetworks, common)
    networks = ScenarioNetworks(given.count, output_units=1, **options, name="own_networks")
    # Each network's last layer has a bias; one that all share would tie them together.
    head = PredictionHead(kind, name=task, trainable=False)
    output = task_outputs(tasks, [head(networks(features, given.ids))])
    return keras.Model(given.inputs, output, name="separate")


@shared_options()
def build_scenario_shared_bottom(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    tower_units: Widths = (16,),
    **common: Unpack[DeepScenarioOptions],
) -> keras.Model:
    """Shared-Bottom: one network for all scenarios, and a small tower for each.

    An unknown scenario is answered by the tower of the scenario with the most training rows; rows
    of id 0 in training train that tower.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        tower_units: widths of each scenario's own layers; ``()``: a linear map.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``ScenarioOptions``. What the
            scenarios share has a hidden layer at least. No activation has weights of its own.
            ``batch_normalization``, True or False, takes all rows in the bottom, in the towers each
            scenario's rows apart.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``shared_bottom`` holds what the scenarios share, ``towers`` each row's logit.

    Raises:
        ValueError: no scenario column, no other, several tasks, or bad widths.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn
        >>> surface = CategoricalColumn("surface", 4, group="scenario")
        >>> columns = [surface, CategoricalColumn("item_id", 100, group="item")]
        >>> model = build_scenario_shared_bottom(columns, tower_units=(8,))
        >>> [tuple(kernel.shape) for kernel in model.get_layer("towers").kernels]
        [(3, 32, 8), (3, 8, 1)]
    """
    check_widths("hidden_units", common["hidden_units"])
    check_widths("tower_units", tower_units, at_least=0)
    given = scenario_inputs(feature_columns, common["scenario"], unknown="largest")
    features = flat_features(given.values, given.others, **tables(feature_columns, common))
    shared = MLP(**options_for(MLP, common), name="shared_bottom")(features)
    options = {**options_for(ScenarioNetworks, common), "hidden_units": tower_units}
    towers = ScenarioNetworks(given.count, output_units=1, **options, name="towers")
    output = predict_one(tasks, towers(shared, given.ids))
    return keras.Model(given.inputs, output, name="scenario_shared_bottom")
