"""Parts of all multi-scenario models: the scenario of a row, and weights of each scenario.

A batch mixes scenarios, and each row needs the matrix of its own one. Gathering a matrix for every
row writes ``batch * in * out`` numbers; splitting the batch takes a loop. ``Blocks`` does neither:
it sorts the rows by scenario, cuts each scenario's rows into blocks of equal size, the last one
padded, and gathers one matrix for each block. A layer is then one batched product.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, NamedTuple, TypedDict

import keras
import tensorflow as tf
from keras import KerasTensor

from recsys_lib.checks import check_choice, check_known
from recsys_lib.features.columns import (
    CategoricalColumn,
    Column,
    check_columns,
    column_from_config,
    column_to_config,
    select,
)
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.features.penalties import L2
from recsys_lib.layers.blocks import LAYERS, side_by_side
from recsys_lib.layers.options import (
    Activation,
    DeepOptions,
    HiddenOptions,
    Initializer,
    TableOptions,
)
from recsys_lib.replicas import sum_over_replicas

BLOCK_SIZE = 32
"""Rows of a block: more of them pad more, fewer gather more matrices."""


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
    column = scenario_column(feature_columns, scenario)
    inputs = build_inputs(feature_columns)
    known = KnownScenarios(column, unknown, name="known_scenarios")
    ids = known(inputs[column.name])
    others = tuple(other for other in feature_columns if other.name != column.name)
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


class Blocks:
    """The rows of a batch sorted into blocks, each with rows of one scenario only.

    Args:
        ids: ``(batch,)`` int32 from 0 to ``count - 1``.
        count: number of different ids.
        block_size: rows of a block.
    """

    def __init__(self, ids, count, block_size=BLOCK_SIZE):
        self.count, self.block_size = count, block_size
        num_rows = tf.size(ids)
        order = tf.argsort(ids, stable=True)
        sizes = tf.math.bincount(ids, minlength=count, maxlength=count)
        blocks = (sizes + block_size - 1) // block_size
        self.scenario = tf.repeat(tf.range(count), blocks)  # (blocks,)
        # A row's place is its rank within the scenario, counted from the scenario's first block.
        start = tf.cumsum(blocks, exclusive=True) * block_size - tf.cumsum(sizes, exclusive=True)
        place = tf.range(num_rows) + tf.gather(start, tf.gather(ids, order))
        num_places = tf.size(self.scenario) * block_size
        self._place = tf.scatter_nd(order[:, None], place, [num_rows])  # of each row
        row = tf.scatter_nd(place[:, None], order + 1, [num_places])  # in each place, from 1
        self._row, self._filled = tf.maximum(row - 1, 0), (row > 0)[:, None]

    def _into(self, rows):
        padded = tf.gather(rows, self._row) * tf.cast(self._filled, rows.dtype)
        return tf.reshape(padded, [-1, self.block_size, rows.shape[-1]])

    def _back(self, blocks):
        return tf.gather(tf.reshape(blocks, [-1, blocks.shape[-1]]), self._place)

    def into(self, rows):
        """``(batch, features)`` as ``(blocks, block_size, features)``, zero where it is padded."""

        @tf.custom_gradient  # a gather too, where that of a gather is a slow sum over segments
        def move(rows):
            return self._into(rows), self._back

        return move(rows)

    def back(self, blocks):
        """``(blocks, block_size, features)`` as ``(batch, features)``, in the batch's order."""

        @tf.custom_gradient
        def move(blocks):
            return self._back(blocks), self._into

        return move(blocks)

    def pick(self, weights):
        """Each block's own entry of ``(count, ...)`` weights, ``(blocks, ...)``."""

        @tf.custom_gradient
        def move(weights):
            return tf.gather(weights, self.scenario), self._sum

        return move(tf.convert_to_tensor(weights))

    def _sum(self, of_blocks):
        """Sum over each scenario's blocks, ``(count, ...)``: they lie side by side, in order."""
        sums = tf.math.segment_sum(of_blocks, self.scenario)  # up to the last scenario of the batch
        absent = [[0, self.count - tf.shape(sums)[0]]] + [[0, 0]] * (len(sums.shape) - 1)
        return tf.ensure_shape(tf.pad(sums, absent), [self.count, *of_blocks.shape[1:]])

    def linear(self, blocks, kernels, biases):
        """A linear layer with the weights of each block's scenario.

        Args:
            blocks: ``(blocks, block_size, in)``, as ``into`` gives them.
            kernels, biases: ``(count, in, out)`` and ``(count, out)``.

        Returns:
            ``(blocks, block_size, out)``.
        """
        return _plus(tf.matmul(blocks, self.pick(kernels)), self.pick(biases))


@tf.custom_gradient
def _plus(blocks, bias):
    """``(blocks, rows, units)`` plus ``(blocks, units)``, with a faster sum than broadcasting's."""
    return blocks + bias[:, None], lambda gradient: (gradient, tf.reduce_sum(gradient, 1))
