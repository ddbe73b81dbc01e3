"""Training speed of several models in one process, in alternation."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras

from benchmarks.inputs import BATCH_SIZE
from recsys_lib.data import Dataset
from recsys_lib.training import Adam, Trainer

EPOCH = {"epochs": 1, "batch_size": BATCH_SIZE, "patience": None, "progress": False}


def measure_speeds(
    dataset: Dataset,
    builds: Mapping[str, Callable],
    num_rounds: int,
    balancing: Mapping[str, Any] | None = None,
    objectives: Mapping[str, Any] | None = None,
) -> dict[str, dict]:
    """Build, trace and train the named models: one epoch of each in turn, after one to warm up.

    Args:
        dataset: ``Dataset``; a round is one epoch of its training rows.
        builds: name to function of the feature columns.
        num_rounds: epochs of each that count.
        balancing, objectives: name to balancing method and to objective, for those that have one.

    Returns:
        Dict of name to ``{"parameters", "graph_seconds": to build and trace, "trace_seconds",
        "speeds": examples per second of each round, "examples_per_second": of the fastest, which
        the rest of the machine disturbed least}``.
    """
    trainers, results = {}, {}
    for name, build in builds.items():
        keras.utils.set_random_seed(0)
        started = time.perf_counter()
        model = build(dataset.feature_columns)
        options = {
            "balancing": (balancing or {}).get(name),
            "objective": (objectives or {}).get(name),
        }
        trainers[name] = Trainer(model, dataset, Adam(1e-3), **options)
        trace = trainers[name].trace()
        graph = time.perf_counter() - started
        trainers[name].fit(dataset, **EPOCH)
        results[name] = {
            "parameters": model.count_params(),
            "graph_seconds": graph,
            "trace_seconds": trace,
            "speeds": [],
        }
    for _ in range(num_rounds):
        for name, trainer in trainers.items():
            results[name]["speeds"].append(trainer.fit(dataset, **EPOCH).examples_per_second)
    for result in results.values():
        result["examples_per_second"] = max(result["speeds"])
    return results
