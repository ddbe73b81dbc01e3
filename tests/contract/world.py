"""One small world with every kind of column, and one built model for each row of the zoo.

``history`` and ``history_category`` run side by side, three behaviours at most in each of two
sessions; rows have histories of every length, the first none at all.
"""

import dataclasses
import functools

import keras
import numpy as np
from reference import randomize
from rows import CHECKED
from rows.checked import options_of, small_options

from recsys_lib.data import Dataset, Split
from recsys_lib.features import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.zoo import MODELS

OWN = [key for key, row in CHECKED.items() if row.variant_of is None]
"""One row of each builder: it stands for the others in promises that cost most, of growth, exports
and half precision. ``test_options`` holds that it has the layers of the others, but for these."""
OTHERWISE_MADE = ("dcn_mix",)  # its layers stand in the place of DCN-V2's

NUM_ROWS = 12
TASKS = ("zeta", "alpha")  # not in alphabetical order
_STEPS = 6

_PLAIN = (
    CategoricalColumn("user_id", 6, group="user"),
    CategoricalColumn("movie_id", 9, group="item"),
    CategoricalColumn("category", 4, group="item"),
    CategoricalColumn("surface", 4, group="scenario"),
    SequenceColumn("genres", 5, 2, group="item", ordered=False, combiner="sum"),
    NumericColumn("price", group="item"),
    NumericColumn("weather", 2),
)


def columns_of(model, num_sessions=1):
    """The feature columns of a row's world: histories only where the model reads them."""
    if "histories" not in options_of(model):
        return _PLAIN
    sessions = {"num_sessions": num_sessions} if num_sessions > 1 else {}
    histories = (
        SequenceColumn("history", 9, _STEPS, table="movie_id", **sessions),
        SequenceColumn("history_category", 4, _STEPS, table="category", **sessions),
        SequenceColumn("step_age", 5, _STEPS, **sessions),
    )
    return (*_PLAIN, *histories)


def features_of(columns, num_rows=NUM_ROWS, seed=0):
    """Random values, the ids of known and unknown things among them."""
    rng = np.random.default_rng(seed)
    features = {}
    for column in columns:
        shape = (num_rows, *column.input_shape)
        if isinstance(column, NumericColumn):
            features[column.name] = rng.normal(size=shape).astype(np.float32)
        else:
            features[column.name] = rng.integers(0, column.vocabulary_size, shape, np.int32)
    # Both sessions are padded behind, so the arrays serve histories with and without sessions.
    real = np.zeros((num_rows, _STEPS), bool)
    for row in range(num_rows):
        real[row, : (0, 1, 3, 4, 5, 6)[row % 6]] = True
    for name in ("history", "history_category", "step_age"):
        if name in features:
            ids = np.maximum(features[name], 1)
            features[name] = np.where(real, ids, 0).astype(np.int32)
    return features


def tasks_of(model):
    """Tasks that every row of the zoo is built for, in no alphabetical order where it can."""
    return TASKS if "several tasks" in model.needs else "click"


def settings_of(model):
    """The options of the tests' model; a session layout has as many sessions as they say."""
    return small_options(model, CHECKED[model.key])


@functools.cache
def columns_by_key(key):
    model = by_key(key)
    return columns_of(model, settings_of(model).get("num_sessions", 1))


def by_key(key):
    return next(model for model in MODELS if model.key == key)


def fresh(key, seed=0, **options):
    """A row's model as this seed builds it."""
    model = by_key(key)
    keras.utils.set_random_seed(seed)
    return model.build(columns_by_key(key), tasks_of(model), **{**settings_of(model), **options})


@functools.cache
def built(key):
    """One model for each row, with random weights, shared by all tests that leave it alone."""
    model = fresh(key)
    randomize(model, seed=1)
    return model


@functools.cache
def features_by_key(key):
    return features_of(columns_by_key(key))


def inputs_of(model, key):
    """The features that the built model has inputs for."""
    features = features_by_key(key)
    return {tensor.name: features[tensor.name] for tensor in model.inputs}


def dataset_of(key, **changes):
    """A data set with random labels; a click and what follows it where the model is of two."""
    model = by_key(key)
    columns = columns_by_key(key)
    tasks = tasks_of(model)
    names = [tasks] if isinstance(tasks, str) else list(tasks)
    splits, first = {}, 0
    for number, (name, size) in enumerate({"train": 24, "valid": 12, "test": 12}.items()):
        rng = np.random.default_rng(number)
        labels, before = {}, np.ones(size, np.float32)
        for task in names:
            # Every later label lies inside the first: a conversion needs its click.
            drawn = (rng.random(size) < 0.6).astype(np.float32) * before
            drawn[0], drawn[1] = 1.0, 0.0
            labels[task] = drawn
            before = labels[names[0]]
        splits[name] = Split(
            features=features_of(columns, size, seed=number),
            labels=labels,
            group=np.arange(size) // 4,
            row_id=np.arange(first, first + size),
        )
        first += size
    return dataclasses.replace(Dataset("contract", columns, **splits), **changes)
