"""What the benchmarks train on: for every model of the zoo a data set that has what it needs."""

import dataclasses

import numpy as np

from recsys_lib.data import Dataset, movielens, simulator
from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.zoo import MODELS, NEEDS, Model

BATCH_SIZE, NUM_STEPS = 1024, 16
HISTORY, SCENARIOS = 20, 15
"""Steps of a history and number of scenarios where a section does not vary them."""

HAS = {
    "crosses": (),
    "sequences": ("history", "sessions"),
    "multi_task": ("several tasks", "two tasks", "chain of tasks"),
    "multi_scenario": ("scenario",),
    "requests": NEEDS,
}
"""What the data set of each kind has; a model is measured on the first kind that has its needs."""


def kind_of(model: Model) -> str:
    """The kind of data that a model is measured on."""
    return next(kind for kind, has in HAS.items() if set(model.needs) <= set(has))


def models_of(kind: str) -> dict[str, Model]:
    """The models of the zoo that are measured on a kind of data, by key."""
    return {model.key: model for model in MODELS if kind_of(model) == kind}


def tasks_for(model: Model, dataset: Dataset) -> str | tuple[str, ...]:
    """The tasks that a model is built for: all of the data set, or the first one."""
    tasks = tuple(dataset.tasks)
    return tasks if "several tasks" in model.needs else tasks[0]


def builder(model: Model, dataset: Dataset, **options):
    """A function of the feature columns that builds a model for a data set's tasks."""
    return lambda columns: model.build(columns, tasks_for(model, dataset), **options)


def crosses(num_rows: int = NUM_STEPS * BATCH_SIZE) -> Dataset:
    """MovieLens: will this user like this film?"""
    return _first_rows(movielens.load(), num_rows)


def sequences(length: int = HISTORY, num_rows: int = NUM_STEPS * BATCH_SIZE) -> Dataset:
    """Simulated requests whose histories have that many behaviours."""
    return simulator.interests(
        num_rows=num_rows, history_length=length, num_valid_rows=64, num_test_rows=64
    )


def multi_task(num_rows: int = NUM_STEPS * BATCH_SIZE) -> Dataset:
    """MovieLens with two labels. Who loves a film likes it, as who converts has clicked."""
    return _first_rows(movielens.load(tasks=("like", "love")), num_rows)


def multi_scenario(count: int = SCENARIOS, num_rows: int = NUM_STEPS * BATCH_SIZE) -> Dataset:
    """MovieLens, each row in a scenario that is drawn for it.

    The second scenario is half as likely as the first, the third a third as likely, and so on.
    """
    ratings, rng = crosses(num_rows), np.random.default_rng(0)
    chance = 1 / np.arange(1, count + 1)
    chance /= chance.sum()

    def placed(split):
        surface = 1 + rng.choice(count, len(split), p=chance).astype(np.int32)
        return dataclasses.replace(split, features={**split.features, "surface": surface})

    columns = (*ratings.feature_columns, CategoricalColumn("surface", count + 1, group="scenario"))
    splits = (ratings.train, ratings.valid, ratings.test)
    return Dataset(f"{count} scenarios", columns, *(placed(split) for split in splits))


def requests(num_rows: int = NUM_STEPS * BATCH_SIZE) -> Dataset:
    """The simulated platform: histories, surfaces, clicks and conversions."""
    return simulator.platform(num_rows - num_rows % 10, num_valid_rows=100, num_test_rows=100)


LOADERS = {
    "crosses": crosses,
    "sequences": sequences,
    "multi_task": multi_task,
    "multi_scenario": multi_scenario,
    "requests": requests,
}
"""Function that makes the data set of each kind."""


def _first_rows(dataset, num_rows):
    rows = np.arange(len(dataset.train)) < num_rows
    return dataclasses.replace(dataset, train=dataset.train.take(rows))
