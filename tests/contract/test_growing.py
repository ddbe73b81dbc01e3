"""Every builder's models grow with their vocabularies: what was learned keeps its bits."""

import dataclasses

import keras
import numpy as np
import pytest
from world import (
    OWN,
    by_key,
    columns_by_key,
    dataset_of,
    features_of,
    inputs_of,
    settings_of,
    tasks_of,
)

from recsys_lib.features import NumericColumn
from recsys_lib.features.crosses import CrossProduct
from recsys_lib.features.embedding import FusedEmbedding
from recsys_lib.keras_internals import layers_of
from recsys_lib.memorization import wide_and_deep_optimizer
from recsys_lib.training import Adagrad, Adam, grow, predict
from recsys_lib.training.batches import PackedSplit
from recsys_lib.training.trainer import Trainer
from recsys_lib.zoo import MODELS

MORE = {"user_id": 3, "movie_id": 4, "category": 2, "genres": 1, "step_age": 2}
"""New ids of each table; a column that shares one grows with it."""


def larger(key, more=MORE):
    """The columns of the later day. DIEN draws negatives from whole vocabularies: see below."""
    columns = []
    for column in columns_by_key(key):
        if not isinstance(column, NumericColumn):
            size = column.vocabulary_size + more.get(column.table_name, 0)
            column = dataclasses.replace(column, vocabulary_size=size)
        columns.append(column)
    return tuple(columns)


def more_of(key):
    return {"user_id": 3, "genres": 1} if key == "dien" else MORE


def built(key, columns, seed=0):
    keras.utils.set_random_seed(seed)
    return by_key(key).build(columns, tasks_of(by_key(key)), **settings_of(by_key(key)))


def optimizer_of(key):
    if key == "wide_and_deep":
        return wide_and_deep_optimizer()
    return Adagrad(0.05) if key in ("fm", "din") else Adam(0.05)


def data_of(key, columns, seed):
    """A day's rows: of the first one ids that the first columns know."""
    data = dataset_of(key)
    splits = {
        name: dataclasses.replace(split, features=features_of(columns, len(split), seed=seed))
        for name, split in data.splits.items()
    }
    return dataclasses.replace(data, feature_columns=columns, **splits)


def train(trainer, data, steps=2):
    packed = PackedSplit.of(data.train, trainer.layout, trainer.tasks)
    for step in range(steps):
        rows = slice(8 * step, 8 * step + 8)
        batch = [keras.ops.convert_to_tensor(array[rows]) for array in packed.arrays]
        trainer.train_on_batch(*batch)


def ids_of_scenarios(name, count, before, after):
    """Where the ids of a vocabulary for each scenario go: scenario by scenario, id by id."""
    places = [0]
    for scenario in range(count):
        places += [scenario * (after - 1) + number for number in range(1, before)]
    return np.array(places)


def rows_of_old(old, new, key, more):
    """Where each row of an embedding table goes, from the columns and not from the library."""
    sizes = {c.name: c.vocabulary_size for c in columns_by_key(key) if hasattr(c, "table_name")}
    rows = np.zeros(old.num_rows, int)
    for column in old.columns:
        first = new.table_offsets[column.table_name]
        if column.name.startswith("own_"):
            before = sizes[column.name.removeprefix("own_")]
            after = before + more.get(column.table_name, 0)
            ids = ids_of_scenarios(column.name, 3, before, after)
        else:
            ids = np.arange(column.vocabulary_size)
        rows[old.rows_of(column.name)] = first + ids
    return rows


def tables_of(model):
    """The layers with tables, by name, in order of name."""
    found = [one for one in layers_of(model) if isinstance(one, FusedEmbedding | CrossProduct)]
    return {layer.name: layer for layer in sorted(found, key=lambda layer: layer.name)}


def twins_of(model, grown):
    """Dict of the ``id`` of each variable to the grown model's in its place, layer by layer."""
    twins = {}
    for layer in model.layers:
        later = grown.get_layer(layer.name).variables
        twins |= {id(a): b for a, b in zip(layer.variables, later, strict=True)}
    assert len(twins) == len(model.variables) == len(grown.variables)
    return twins


def copy_start(old_model, new_model, key, more):
    """The larger model gets the start of the smaller one, in rows of old ids and all else.

    Returns:
        Dict of the path of each table to which of its rows are new.
    """
    tables, is_new = {}, {}
    for old, new in zip(tables_of(old_model).values(), tables_of(new_model).values(), strict=True):
        if isinstance(old, FusedEmbedding):
            rows = tables[id(old.table)] = rows_of_old(old, new, key, more)
            is_new[new.table.path] = ~np.isin(np.arange(new.num_rows), rows)
        elif isinstance(old, CrossProduct):
            # All zero, so that no row has to be put anywhere.
            assert not old.table.numpy().any() and not new.table.numpy().any()
            tables[id(old.table)] = None
    for old, new in zip(old_model.variables, new_model.variables, strict=True):
        rows = tables.get(id(old), "all")
        if isinstance(rows, str):
            new.assign(old)
        elif rows is not None:
            values = new.numpy()
            values[rows] = old.numpy()
            new.assign(values)
    return is_new


@pytest.mark.parametrize("key", OWN)
def test_training_after_growth_is_that_of_the_larger_model_from_the_start(key):
    """Two days: ids of the second day are new. Bit by bit: weights, statistics, predictions."""
    more = more_of(key)
    columns, later_columns = columns_by_key(key), larger(key, more)
    first, second = data_of(key, columns, 5), data_of(key, later_columns, 6)
    model, optimizer = built(key, columns), optimizer_of(key)
    whole = built(key, later_columns, seed=1)
    is_new = copy_start(model, whole, key, more)
    first_in_whole = dataclasses.replace(first, feature_columns=later_columns)
    trainer = Trainer(model, first, optimizer)
    train(trainer, first)
    trained = Trainer(whole, first_in_whole, optimizer_of(key))
    train(trained, first_in_whole)

    before = predict(model, inputs_of(model, key))
    kept = [variable.numpy() for variable in model.variables]
    keras.utils.set_random_seed(1)
    grown, later = grow(model, second, optimizer)
    for variable, value in zip(model.variables, kept, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    after = predict(grown, inputs_of(model, key))
    for task, values in before.items():
        np.testing.assert_array_equal(after[task], values)

    twins = twins_of(model, grown)
    # Two builds list their variables alike, and so do optimizers of theirs.
    pairs = [
        (twins[id(old)], other) for old, other in zip(model.variables, whole.variables, strict=True)
    ]
    for variable, other in pairs:
        assert variable.shape == other.shape
        values, new_rows = variable.numpy(), is_new.get(other.path)
        if new_rows is not None:
            # Another draw of the same initializer: now they start alike.
            assert np.abs(values[new_rows]).max(initial=0) <= 0.05
            values[new_rows] = other.numpy()[new_rows]
            variable.assign(values)
        np.testing.assert_array_equal(values, other.numpy(), err_msg=variable.path)
    pairs_of_statistics = list(zip(later.variables, trained.optimizer.variables, strict=True))
    for variable, other in pairs_of_statistics:
        np.testing.assert_array_equal(variable.numpy(), other.numpy(), err_msg=variable.name)

    train(Trainer(grown, second, later), second)
    train(trained, second)
    for variable, other in [*pairs, *pairs_of_statistics]:
        np.testing.assert_array_equal(variable.numpy(), other.numpy(), err_msg=variable.name)
    assert int(later.iterations.numpy()) == 4
    assert any(old.shape != twins[id(old)].shape for old in model.variables)


# The one model for all scenarios does not read which it is.
SCENARIO_KEYS = [m.key for m in MODELS if "scenario" in m.needs and m.key != "global"]


@pytest.mark.parametrize("key", SCENARIO_KEYS)
def test_a_new_scenario_needs_another_model(key):
    columns = larger(key, {"surface": 1})
    with pytest.raises(ValueError, match="column 'surface': expected 4 ids, got 5; the model has"):
        grow(built(key, columns_by_key(key)), columns)
