"""The four answers before multi-scenario models: together, with a feature, apart, and half-way.

    global           y = f(x)              one model that does not know the scenario
    scenario feature y = f(x, e_s)         one model that reads the scenario like any other column
    separate         y = f_s(x)            a model for each scenario, its own embeddings included
    shared bottom    y = f_s(g(x))         Shared-Bottom with a tower for each scenario

Sources: Sheng et al. 2021, "One Model to Serve All: Star Topology Adaptive Recommender for
Multi-Domain CTR Prediction", section 5.1 (the baselines); Caruana 1997, "Multitask Learning".
Taught in chapter 06, "Together or apart".
"""

import dataclasses

import keras
import tensorflow as tf

from recsys_lib.features.columns import (
    NumericColumn,
    SequenceColumn,
    check_columns,
    column_from_config,
    column_to_config,
)
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.multi_scenario.parts import (
    ScenarioNetworks,
    flat_features,
    scenario_column,
    scenario_inputs,
)


def _one_network(inputs, features, hidden_units, task, name):
    hidden = MLP(hidden_units, name="network")(features)
    logit = keras.layers.Dense(1, use_bias=False, name="network_logit")(hidden)
    return keras.Model(inputs, PredictionHead(name=task)(logit), name=name)


def build_global(
    feature_columns, embedding_dim=16, hidden_units=(64, 32), scenario=None, task="click"
):
    """One model for all rows, which does not read the scenario: known or not, ids do not matter.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        embedding_dim: width of each column's vector.
        hidden_units: widths of the network's layers.
        scenario: name of the scenario's column; default: the one of group ``scenario``.
        task: name of the output.

    Returns:
        ``keras.Model`` from the inputs of all columns but the scenario's to a probability
        ``(batch,)``.

    Raises:
        ValueError: no scenario column, or no other.
    """
    column = scenario_column(feature_columns, scenario)
    others = tuple(other for other in feature_columns if other.name != column.name)
    inputs = build_inputs(others)
    features = flat_features(inputs, others, embedding_dim)
    return _one_network(inputs, features, hidden_units, task, "global")


def build_scenario_feature(
    feature_columns, embedding_dim=16, hidden_units=(64, 32), scenario=None, task="click"
):
    """One model for all rows, which reads the scenario as one more embedding.

    An unknown scenario is the zero vector. Arguments and errors as for ``build_global``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``.
    """
    given = scenario_inputs(feature_columns, scenario)
    features = flat_features(given.values, feature_columns, embedding_dim)
    return _one_network(given.inputs, features, hidden_units, task, "scenario_feature")


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
    """

    def __init__(self, columns, count, **kwargs):
        super().__init__(**kwargs)
        self.columns, self.count = check_columns(columns), count

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


def build_separate(
    feature_columns, embedding_dim=16, hidden_units=(64, 32), scenario=None, task="click"
):
    """A model for each scenario, trained on its rows alone: no weight is shared.

    All of them run in one pass. An unknown scenario is answered by the model of the scenario with
    the most training rows; rows of id 0 in training train that model. Arguments and errors as for
    ``build_global``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``own_networks`` holds the networks.
    """
    given = scenario_inputs(feature_columns, scenario, unknown="largest")
    own = OwnIds(given.others, given.count, name="own_ids")
    values = own({column.name: given.inputs[column.name] for column in given.others}, given.ids)
    features = flat_features(values, own.own_columns, embedding_dim)
    networks = ScenarioNetworks(given.count, hidden_units, output_units=1, name="own_networks")
    # Each network's last layer has a bias; one that all share would tie them together.
    head = PredictionHead(name=task, trainable=False)
    output = head(networks(features, given.ids))
    return keras.Model(given.inputs, output, name="separate")


def build_scenario_shared_bottom(
    feature_columns,
    embedding_dim=16,
    hidden_units=(64, 32),
    tower_units=(16,),
    scenario=None,
    task="click",
):
    """Shared-Bottom: one network for all scenarios, and a small tower for each.

    An unknown scenario is answered by the tower of the scenario with the most training rows; rows
    of id 0 in training train that tower. Arguments and errors as for ``build_global``, and

    Args:
        tower_units: widths of each scenario's own layers; empty: a linear map alone.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``shared_bottom`` holds what the scenarios share, ``towers`` each row's logit.
    """
    given = scenario_inputs(feature_columns, scenario, unknown="largest")
    features = flat_features(given.values, given.others, embedding_dim)
    shared = MLP(hidden_units, name="shared_bottom")(features)
    towers = ScenarioNetworks(given.count, tower_units, output_units=1, name="towers")
    output = PredictionHead(name=task)(towers(shared, given.ids))
    return keras.Model(given.inputs, output, name="scenario_shared_bottom")
