"""``grow``: the same model with room for the ids that a later day brings.

Ids of the earlier day keep their numbers: the later vocabulary must begin with the earlier one.
"""

import copy
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from recsys_lib.data.dataset import AnyDataset
from recsys_lib.features.columns import ID_COLUMNS, Column, NumericColumn, check_columns, select
from recsys_lib.features.crosses import CrossProduct
from recsys_lib.features.embedding import FusedEmbedding
from recsys_lib.keras_graphs import call_once, calls_of
from recsys_lib.keras_internals import layers_of
from recsys_lib.training.batches import model_columns
from recsys_lib.training.prediction import check_model, model_feature_columns

_CROSS_PRODUCT = "recsys_lib>CrossProduct"


class Grown(NamedTuple):
    """The result of ``grow``: ``model``, and ``optimizer``, None where none was given."""

    model: keras.Model
    optimizer: keras.Optimizer | None


def grow(
    model: keras.Model,
    data: AnyDataset | Iterable[Column],
    optimizer: keras.Optimizer | None = None,
) -> Grown:
    """A model for columns with more ids, which predicts the same for the old ones, bit for bit.

    All tables that a larger column reads grow, shared ones once: embeddings, first-order weights,
    weights of crosses, the vocabularies of each scenario. Rows of new ids hold the initial values
    of a fresh table, which follow ``keras.utils.set_random_seed``, and where an optimizer keeps
    statistics for each row, those that it begins with. All else is copied: other weights, moving
    averages, counts of rows, dropout's seeds, the optimizer's step. Crosses that are hashed stay
    hashed into as many buckets, and the others stay exact, however large they become. In a table
    penalised by ``id_counts`` a new id counts as met once.

    Training then goes on as that of a model which had the larger tables from the start, and the
    same values in the rows of ids that it had never met: but for what reads whole vocabularies,
    which are DIEN's negatives, penalties with ``rows="table"`` and optimizers of Keras's own.

    Args:
        model: functional Keras model of this library, trained or not. It is left as it is.
        data: ``Dataset`` or ``ChunkedDataset`` of the later day, or its feature columns.
        optimizer: the one that trained the model, whose statistics go with it.

    Returns:
        ``Grown``: a new model and a new optimizer, ready for ``fit``.

    Raises:
        ValueError: a column with fewer ids than before, in another table or of another kind; new
            scenarios, which need weights of their own: build a new model.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> from recsys_lib.memorization import build_logistic_regression
        >>> model = build_logistic_regression([CategoricalColumn("item_id", 3)])
        >>> _ = model.get_layer("linear").table.assign([[0.0], [1.0], [2.0]])
        >>> grown, _ = grow(model, [CategoricalColumn("item_id", 5)])
        >>> grown.get_layer("linear").table.numpy().ravel().tolist()
        [0.0, 1.0, 2.0, 0.0, 0.0]
    """
    check_model(model)
    if getattr(model, "inputs", None) is None:
        raise ValueError(f"grow: expected a functional model, got {type(model).__name__}")
    columns = data.feature_columns if isinstance(data, AnyDataset) else data
    sizes = _new_sizes(model, columns)
    moved = _add_own_columns(model, sizes)
    grown = _rebuild(model, sizes)
    twins = _twins(model, grown)
    new_optimizer = None
    if optimizer is not None:
        new_optimizer = type(optimizer).from_config(copy.deepcopy(optimizer.get_config()))
        if optimizer.built:
            # Before old values come in: FTRL, for one, wants tables that start at zero.
            new_optimizer.build([twins[id(variable)] for variable in model.trainable_variables])
    places = _places(model, grown, moved)
    for old in model.variables:
        _copy(old, twins[id(old)], places.get(id(old)))
    _keep_penalties_off(model, grown)
    if optimizer is not None and optimizer.built:
        tables = {
            variable.path.replace("/", "_"): places[id(variable)]
            for variable in model.trainable_variables
            if id(variable) in places
        }
        _copy_statistics(optimizer, new_optimizer, tables)
    call_once(grown)
    return Grown(grown, new_optimizer)


def _new_sizes(model: keras.Model, feature_columns: Iterable[Column]) -> dict[str, int]:
    """The vocabulary of each id column of the model from now on, by the column's name."""
    columns = model_columns(model, check_columns(feature_columns))
    known, sizes = model_feature_columns(model), {}
    fixed = {
        column.name
        for layer in layers_of(model)
        if getattr(layer, "has_weights_for_each_id", False)
        for column in layer.columns
    }
    for column in columns:
        own = known.get(column.name)
        if own is None or isinstance(own, NumericColumn):
            continue
        place = f"grow, column {column.name!r}"
        described = [
            (type(one).__name__, getattr(one, "table_name", None), one.input_shape)
            for one in (own, column)
        ]
        if described[0] != described[1]:
            raise ValueError(
                f"{place}: expected kind, table and shape {described[0]}, as the model "
                f"was built with, got {described[1]}"
            )
        if column.vocabulary_size < own.vocabulary_size:
            raise ValueError(
                f"{place}: expected {own.vocabulary_size} ids or more, as the model was built "
                f"with, got {column.vocabulary_size}"
            )
        if column.vocabulary_size > own.vocabulary_size and column.name in fixed:
            raise ValueError(
                f"{place}: expected {own.vocabulary_size} ids, got {column.vocabulary_size}; the "
                "model has weights for each scenario, which a new one lacks; build a new model"
            )
        sizes[column.name] = column.vocabulary_size
    return sizes


def _add_own_columns(model: keras.Model, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """Add to ``sizes`` the vocabularies that layers make of others, as one for each scenario.

    Returns:
        Dict of the name of a column that a layer made to where each of its ids goes.
    """
    moved: dict[str, np.ndarray] = {}
    for layer in layers_of(model):
        if not hasattr(layer, "own_columns"):
            continue
        later = type(layer).from_config(_with_sizes(layer.get_config(), sizes, {}))
        moved |= layer.moved_ids(later)
        for column in select(later.own_columns, kind=ID_COLUMNS):
            sizes[column.name] = column.vocabulary_size
    return moved


def _rebuild(model: keras.Model, sizes: Mapping[str, int]) -> keras.Model:
    """The model of the same configuration with other vocabularies."""
    # Layers that know a number of ids and no column: it is the column that they are called with.
    columns_of = {
        call.operation.name: call.inputs[0].name
        for call in calls_of(model)
        if hasattr(call.operation, "vocabulary_size")
    }
    config = _with_sizes(model.get_config(), sizes, columns_of)
    # A reader's own layers need not be registered. Keras's own must not stand here: an operation of
    # its may have the name of a layer.
    classes = {type(layer).__name__: type(layer) for layer in layers_of(model)}
    own = {name: kind for name, kind in classes.items() if not _is_of_keras(kind)}
    with keras.saving.custom_object_scope(own):
        return type(model).from_config(config)


def _with_sizes(value: Any, sizes: Mapping[str, int], columns_of: Mapping[str, str]) -> Any:
    """A configuration with the sizes of the columns that are described anywhere in it."""
    if isinstance(value, list | tuple):
        return type(value)(_with_sizes(entry, sizes, columns_of) for entry in value)
    if not isinstance(value, dict):
        return copy.deepcopy(value)
    changed = {key: _with_sizes(entry, sizes, columns_of) for key, entry in value.items()}
    if value.get("registered_name") == _CROSS_PRODUCT:
        first = {column["name"]: column["vocabulary_size"] for column in value["config"]["columns"]}
        changed["config"].setdefault("first_sizes", first)
    name = columns_of.get(str(value.get("name")), str(value.get("name")))
    if "vocabulary_size" in value and name in sizes:
        changed["vocabulary_size"] = sizes[name]
    return changed


def _is_of_keras(kind):
    return kind.__module__.split(".")[0] == "keras"


def _layers(model, grown):
    """Each layer, those inside others too, with its twin: models list them in different orders."""
    for layer in model.layers:
        twin = grown.get_layer(layer.name)
        yield layer, twin
        yield from zip(layers_of(layer), layers_of(twin), strict=True)


def _twins(model, grown):
    """Dict of the ``id`` of each variable of a model to the variable in its place."""
    return {
        id(old): new
        for layer in model.layers
        for old, new in zip(layer.variables, grown.get_layer(layer.name).variables, strict=True)
    }


def _places(
    model: keras.Model, grown: keras.Model, moved: Mapping[str, np.ndarray]
) -> dict[int, np.ndarray]:
    """Where each row of the old tables lies in the new ones, by the ``id`` of the old variable."""
    places: dict[int, np.ndarray] = {}
    for old, new in _layers(model, grown):
        if isinstance(old, FusedEmbedding):
            rows = _rows_of_embedding(old, new, moved)
            places[id(old.table)] = rows
            if old.l2.strength:
                places[id(old.penalty_shares)] = rows
        elif isinstance(old, CrossProduct):
            places[id(old.table)] = old.moved_rows(new)
    return places


def _rows_of_embedding(old, new, moved):
    rows = np.empty(old.num_rows, np.int64)
    for column in old.columns:
        ids = moved.get(column.name, np.arange(column.vocabulary_size))
        rows[old.rows_of(column.name)] = new.table_offsets[column.table_name] + ids
    return rows


def _copy(old, new, rows=None):
    if rows is None:
        if old.shape != new.shape:
            raise ValueError(f"grow: {old.path!r} depends on the number of ids and cannot grow")
        new.assign(old)
        return
    values = new.numpy()
    values[rows] = old.numpy()
    new.assign(values)


def _keep_penalties_off(model, grown):
    """A table that ``id_counts`` left out is not penalised; neither are its new rows."""
    for old, new in _layers(model, grown):
        if not isinstance(old, FusedEmbedding) or not old.l2.strength:
            continue
        before, shares = old.penalty_shares.numpy(), new.penalty_shares.numpy()
        for name in old.table_offsets:
            if not before[old.rows_of(name)].any():
                shares[new.rows_of(name)] = 0.0
        new.penalty_shares.assign(shares)


def _copy_statistics(old, new, tables):
    """Copy what optimizers keep: for each row of the tables, and everything else.

    ``tables`` is a dict of a table's path, as optimizers write it, to where its rows go.
    """
    for before, after in zip(old.variables, new.variables, strict=True):
        owners = [path for path in tables if before.name.startswith(f"{path}_")]
        rows = tables[max(owners, key=len)] if owners else None
        _copy(before, after, rows)
