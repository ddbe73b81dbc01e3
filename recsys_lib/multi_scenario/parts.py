"""Parts of all multi-scenario models: the scenario of a row, its vector, and other features."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, NamedTuple, TypedDict

import keras
import tensorflow as tf
from keras import KerasTensor

from recsys_lib.checks import check_choice, check_known
from recsys_lib.features.columns import (
    L2,
    CategoricalColumn,
    Column,
    Columns,
    check_columns,
    column_from_config,
    column_to_config,
    select,
)
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.blocks import LAYERS, side_by_side
from recsys_lib.layers.options import (
    Activation,
    DeepOptions,
    HiddenOptions,
    Initializer,
    TableOptions,
)
from recsys_lib.replicas import sum_over_replicas


class ScenarioOptions(TypedDict, total=False):
    """Of every model of several scenarios.

    Args:
        scenario: name of the scenario's column, a categorical one; None: the one of group
            ``scenario``.
    """

    scenario: Annotated[str | None, None]


class DeepScenarioOptions(DeepOptions, ScenarioOptions):
    """``DeepOptions`` and ``ScenarioOptions``."""


class ExpertScenarioOptions(TableOptions, HiddenOptions, ScenarioOptions):
    """``TableOptions``, ``HiddenOptions`` and ``ScenarioOptions``: networks of their own widths."""


def scenario_column(
    feature_columns: Sequence[Column], scenario: str | None = None
) -> CategoricalColumn:
    """The column that says which scenario a row belongs to.

    Args:
        feature_columns: columns of any kind.
        scenario: its name; default: the only column of group ``scenario``.

    Raises:
        ValueError: no such column, several of them, one that holds no single id, or no other
            column beside it.
    """
    columns = check_columns(feature_columns)
    if scenario is not None:
        found = select(columns, names=[scenario])
    else:
        found = select(columns, group="scenario")
        if len(found) != 1:
            raise ValueError(
                "scenario: expected one column of group 'scenario' or the name of one, got "
                f"{[column.name for column in found]}"
            )
    if not isinstance(found[0], CategoricalColumn):
        raise ValueError(f"column {found[0].name!r}: a scenario must be a CategoricalColumn")
    if len(columns) == 1:
        raise ValueError(f"feature columns: expected others beside {found[0].name!r}, got none")
    return found[0]


@keras.saving.register_keras_serializable("recsys_lib")
class KnownScenarios(keras.layers.Layer):
    """Replace ids of scenarios that no training row came from, so that no untrained weight answers.

    The layer counts the rows of each scenario while the model trains. As long as it has counted
    none at all (weights set by hand), every id from 1 on passes.

    Call arguments:
        ids: ``(batch,)``; 0 is unknown.

    Returns:
        ``(batch,)`` int32. With ``unknown="zero"`` unknown ids become 0, and what the model makes
        of 0 is its fallback. With ``unknown="largest"`` they, and 0, become the scenario with the
        most training rows so far (of equal ones the lowest id): ids run from 1 to ``count``.

    Args:
        column: the scenario's column.
        unknown: ``"zero"`` or ``"largest"``.
    """

    has_weights_for_each_id = True
    """Tells ``recsys_lib.training.grow`` that the models behind it have, so no id can be added."""

    def __init__(self, column, unknown="zero", **kwargs):
        super().__init__(**kwargs)
        self.columns = (column,)
        self.unknown = check_choice("unknown", unknown, ("zero", "largest"))
        self.count = column.vocabulary_size - 1

    def build(self, ids_shape):
        self.rows = self.add_weight(
            name="rows",
            shape=(self.count + 1,),
            initializer="zeros",
            dtype="int64",
            trainable=False,
        )

    def call(self, ids, training=False):
        ids = tf.cast(ids, tf.int32)
        rows = tf.convert_to_tensor(self.rows)
        if training:
            size = self.count + 1
            found = tf.math.bincount(ids, minlength=size, maxlength=size, dtype=tf.int64)
            rows += sum_over_replicas(found)
            self.rows.assign(rows)
        of_scenarios = rows[1:]
        known = tf.concat([[False], (of_scenarios > 0) | ~tf.reduce_any(of_scenarios > 0)], 0)
        fallback = 0
        if self.unknown == "largest":
            fallback = 1 + tf.argmax(of_scenarios, output_type=tf.int32)
        return tf.where(tf.gather(known, ids), ids, fallback)

    def compute_output_spec(self, ids, training=False):
        return keras.KerasTensor(ids.shape, "int32")

    def get_config(self):
        column = column_to_config(self.columns[0])
        return {**super().get_config(), "column": column, "unknown": self.unknown}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "column": column_from_config(config["column"])})


class ScenarioInputs(NamedTuple):
    """The result of ``scenario_inputs``.

    ``inputs``: dict of column name to the model's input. ``values``: the same to look up, the
    scenario's ids replaced by ``ids``. ``ids``: ``(batch,)`` int32. ``count``: number of scenarios.
    ``column``: the scenario's column. ``others``: all other columns.
    """

    inputs: dict[str, KerasTensor]
    values: dict[str, KerasTensor]
    ids: KerasTensor
    count: int
    column: CategoricalColumn
    others: tuple[Column, ...]


def scenario_inputs(
    feature_columns: Sequence[Column], scenario: str | None = None, unknown: str = "zero"
) -> ScenarioInputs:
    """The inputs of a model, and each row's scenario as the layer ``known_scenarios``.

    Args:
        feature_columns, scenario: see ``scenario_column``.
        unknown: what becomes of ids that no training row had, see ``KnownScenarios``.

    Returns:
        ``ScenarioInputs``.
    """
    columns = check_columns(feature_columns)
    column = scenario_column(columns, scenario)
    inputs = build_inputs(columns)
    known = KnownScenarios(column, unknown, name="known_scenarios")
    ids = known(inputs[column.name])
    others = Columns(other for other in columns if other.name != column.name)
    return ScenarioInputs(inputs, {**inputs, column.name: ids}, ids, known.count, column, others)


def flat_features(
    values: Mapping[str, KerasTensor],
    columns: Sequence[Column],
    embedding_dim: int,
    name: str = "features",
    embedding: str = "embedding",
    embeddings_initializer: Initializer = None,
    l2: L2 = 0.0,
) -> KerasTensor:
    """All features of the columns side by side, as the layer ``name``.

    Args:
        values: dict of column name to values.
        columns: feature columns.
        embedding_dim: width of each column's vector.
        name: of the layer that holds the result.
        embedding: name of the layer of the tables.
        embeddings_initializer, l2: see ``embed_groups``.

    Returns:
        ``(batch, width)``.
    """
    groups = embed_groups(values, columns, embedding_dim, embedding, embeddings_initializer, l2)
    return keras.layers.Identity(name=name)(side_by_side(groups.values()))


def scenario_vector(
    given: ScenarioInputs,
    embedding_dim: int,
    embeddings_initializer: Initializer = None,
    l2: L2 = 0.0,
) -> KerasTensor:
    """The scenario's own embedding as the layer ``scenario_vector``, zero for id 0.

    Args:
        given: ``ScenarioInputs``.
        embedding_dim: width of the vector.
        embeddings_initializer, l2: see ``embed_groups``.

    Returns:
        ``(batch, embedding_dim)``.
    """
    names = ("scenario_vector", "scenario_embedding")
    return flat_features(
        given.values, [given.column], embedding_dim, *names, embeddings_initializer, l2
    )


def plain_activation(activation: Activation) -> Callable:
    """A Keras activation that has no weights or statistics: those would be of no one scenario.

    Raises:
        ValueError: ``"dice"`` or ``"prelu"``, or no activation at all.
    """
    if isinstance(activation, str) and activation in LAYERS:
        raise ValueError(f"activation: expected one without weights of its own, got {activation!r}")
    return check_known("activation", activation, keras.activations)


def features_and_part(
    values: Mapping[str, KerasTensor],
    columns: Sequence[Column],
    names: Sequence[str],
    embedding_dim: int,
    embeddings_initializer: Initializer = None,
    l2: L2 = 0.0,
) -> tuple[KerasTensor, KerasTensor | None]:
    """All features side by side, and those of some columns once more, from the same tables.

    Args:
        values: dict of column name to values.
        columns: feature columns.
        names: of the columns to pick.
        embedding_dim: width of each column's vector.
        embeddings_initializer, l2: see ``embed_groups``.

    Returns:
        ``(batch, width)`` as the layer ``features``, and ``(batch, width of the picked ones)``, or
        None where nothing is to be picked.

    Raises:
        ValueError: a name that no column has.
    """
    chosen = {column.name for column in select(columns, names=names)}
    # Columns of one group come out side by side: the chosen ones get groups of their own, under
    # names that no group has yet.
    groups, prefix = {column.group for column in columns}, "chosen_"
    taken = groups | {column.name for column in columns}
    while any(f"{prefix}{group}" in taken for group in groups):
        prefix += "chosen_"
    regrouped = [
        dataclasses.replace(column, group=f"{prefix}{column.group}")
        if column.name in chosen
        else column
        for column in columns
    ]
    vectors_of = embed_groups(
        values,
        regrouped,
        embedding_dim,
        embeddings_initializer=embeddings_initializer,
        l2=l2,
    )
    of_chosen = {column.group for column in regrouped if column.name in chosen}
    part = [vectors for group, vectors in vectors_of.items() if group in of_chosen]
    features = keras.layers.Identity(name="features")(side_by_side(vectors_of.values()))
    return features, side_by_side(part) if part else None


def ids_of_groups(columns: Sequence[Column], groups: Collection[str]) -> list[str]:
    """Names of the categorical columns of some groups.

    Args:
        columns: feature columns.
        groups: names of the groups.

    Returns:
        List of names, in the order of the columns.
    """
    ids = select(columns, kind=CategoricalColumn)
    return [column.name for column in ids if column.group in groups]
