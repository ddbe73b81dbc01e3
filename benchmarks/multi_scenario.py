"""Training speed and parameters of the multi-scenario models over the number of scenarios.

``python -m benchmarks.multi_scenario COUNT`` measures all models of chapter 06 with that many
scenarios in one process, in alternation, and prints JSON. MovieLens's rows, each in a scenario that
is drawn for it: the second half as likely as the first, the third a third as likely, and so on.
Embeddings of width 16, batch 1024, Adam; short rounds, of which the fastest counts, after one that
does not.
"""

import dataclasses
import functools
import sys

import numpy as np

from benchmarks.multi_task import BATCH_SIZE, NUM_STEPS, ROUNDS, measure_speeds
from benchmarks.process import report
from recsys_lib.data import movielens
from recsys_lib.data.dataset import Dataset
from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.multi_scenario import (
    build_adasparse,
    build_apg,
    build_global,
    build_hmoe,
    build_m2m,
    build_pepnet,
    build_scenario_feature,
    build_scenario_shared_bottom,
    build_separate,
    build_star,
)

TASK, COLUMN = "like", "surface"
COUNTS = (3, 15, 50)
PLAIN = "scenario as a feature"
"""The network that the others are measured against."""

MODELS = {
    PLAIN: build_scenario_feature,
    "global": build_global,
    "separate": build_separate,
    "shared bottom": build_scenario_shared_bottom,
    "HMoE": build_hmoe,
    "STAR": build_star,
    "PEPNet": functools.partial(build_pepnet, tasks=(TASK,)),
    "M2M": functools.partial(build_m2m, tasks=(TASK,)),
    "APG": build_apg,
    "AdaSparse": build_adasparse,
}
MODELS = {
    name: build if isinstance(build, functools.partial) else functools.partial(build, task=TASK)
    for name, build in MODELS.items()
}
"""Builders by the name in the table; each takes the feature columns."""


def platform(count, num_rows=NUM_STEPS * BATCH_SIZE):
    """MovieLens in that many scenarios, drawn at random; so many training rows."""
    ratings, rng = movielens.load(tasks=(TASK,)), np.random.default_rng(0)
    chance = 1 / np.arange(1, count + 1)
    chance /= chance.sum()

    def placed(split):
        surface = 1 + rng.choice(count, len(split), p=chance).astype(np.int32)
        return dataclasses.replace(split, features={**split.features, COLUMN: surface})

    few = ratings.train.take(np.arange(len(ratings.train)) < num_rows)
    columns = (*ratings.feature_columns, CategoricalColumn(COLUMN, count + 1, group="scenario"))
    splits = (few, ratings.valid, ratings.test)
    return Dataset(f"{count} scenarios", columns, *(placed(split) for split in splits))


def measure_count(dataset, names=tuple(MODELS), num_rounds=ROUNDS):
    """Train the named models in alternation.

    Returns:
        Dict of name to what ``multi_task.measure_speeds`` says, and ``"to_plain"``, the speed
        beside that of the network that reads the scenario as a feature.
    """
    measured = {name: (MODELS[name], None) for name in {PLAIN: None, **dict.fromkeys(names)}}
    results = measure_speeds(dataset, measured, num_rounds)
    reference = results[PLAIN]["examples_per_second"]
    for result in results.values():
        result["to_plain"] = result["examples_per_second"] / reference
    return results


def growth(results, name):
    """How many times longer a step takes with the most scenarios than with the fewest.

    In steps of the plain network, which differs between processes only as the machine does.

    Args:
        results: dict of count to what ``measure_count`` returned.
        name: of a model.
    """
    few, many = min(results), max(results)
    return results[few][name]["to_plain"] / results[many][name]["to_plain"]


def main():
    report(models=measure_count(platform(int(sys.argv[1]))))


if __name__ == "__main__":
    main()
