"""Training speed of the multi-task models, and what balancing their losses costs, on MovieLens.

``python -m benchmarks.multi_task`` measures all of them in one process, in alternation, and
prints JSON: the six architectures; MMoE with 8 experts beside the loop form of the notes; and the
step of each balancing method beside that of fixed weights, on Shared-Bottom and on MMoE. Tasks
"like" and "love", embeddings of width 16, batch 1024, Adam; short rounds, of which the fastest
counts, after one that does not.
"""

import dataclasses
import functools

import keras
import numpy as np

from benchmarks.process import report
from recsys_lib.data import movielens
from recsys_lib.loops.multi_task import build_mmoe_loop
from recsys_lib.multi_task import (
    build_cgc,
    build_esmm,
    build_mmoe,
    build_omoe,
    build_ple,
    build_shared_bottom,
)
from recsys_lib.multi_task.balancing import GradNorm, ParetoWeights, UncertaintyWeighting
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.trainer import Trainer

BATCH_SIZE, NUM_STEPS, ROUNDS = 1024, 16, 8
TASKS = ("like", "love")
MODELS = {
    "Shared-Bottom": functools.partial(build_shared_bottom, tasks=TASKS),
    "OMoE": functools.partial(build_omoe, tasks=TASKS),
    "MMoE": functools.partial(build_mmoe, tasks=TASKS),
    "CGC": functools.partial(build_cgc, tasks=TASKS),
    "PLE": functools.partial(build_ple, tasks=TASKS),
    # Who loves a film likes it: a funnel like that of clicks and conversions.
    "ESMM": functools.partial(build_esmm, click_task="like", conversion_task="love"),
}
"""Builders by the name in the table; each takes the feature columns."""

EIGHT = {"tasks": TASKS, "num_experts": 8}
BATCHED, LOOP = "MMoE, 8 experts", "MMoE, 8 experts (loop)"
EXPERTS = {
    BATCHED: functools.partial(build_mmoe, **EIGHT),
    LOOP: functools.partial(build_mmoe_loop, **EIGHT),
}
BALANCED = ("Shared-Bottom", "MMoE")
FIXED = "fixed weights"
METHODS = {
    FIXED: None,
    "uncertainty weighting": UncertaintyWeighting(),
    "GradNorm": GradNorm(),
    "Pareto": ParetoWeights(),
    "Pareto, the paper's way": ParetoWeights(method="paper"),
}


def cases():
    """What is measured: dict of name to builder and balancing method."""
    measured = {name: (build, None) for name, build in (MODELS | EXPERTS).items()}
    for model in BALANCED:
        for method, balancing in METHODS.items():
            if balancing is not None:
                measured[case_name(model, method)] = (MODELS[model], balancing)
    return measured


def case_name(model, method):
    """Name of the measurement of a model with a balancing method."""
    return model if method == FIXED else f"{model}, {method}"


def measure_speeds(dataset, measured, num_rounds=ROUNDS):
    """Train the cases in alternation.

    Returns:
        Dict of name to ``{"examples_per_second": of the fastest round, "parameters",
        "trace_seconds"}``.
    """
    options = {"epochs": 1, "batch_size": BATCH_SIZE, "patience": None, "progress": False}
    trainers, results = {}, {}
    for name, (build, balancing) in measured.items():
        keras.utils.set_random_seed(0)
        model = build(dataset.feature_columns)
        trainers[name] = Trainer(model, dataset, Adam(1e-3), balancing=balancing)
        results[name] = {
            "parameters": model.count_params(),
            "trace_seconds": trainers[name].fit(dataset, **options).trace_seconds,
            "examples_per_second": 0.0,
        }
    for _ in range(num_rounds):
        for name, trainer in trainers.items():
            speed = trainer.fit(dataset, **options).examples_per_second
            results[name]["examples_per_second"] = max(speed, results[name]["examples_per_second"])
    return results


def overheads(results):
    """Dict of model and method to the length of a step beside that with fixed weights."""
    speed = {name: result["examples_per_second"] for name, result in results.items()}
    return {
        model: {method: speed[model] / speed[case_name(model, method)] for method in METHODS}
        for model in BALANCED
    }


def main():
    ratings = movielens.load(tasks=TASKS)
    rows = np.arange(len(ratings.train)) < NUM_STEPS * BATCH_SIZE
    ratings = dataclasses.replace(ratings, train=ratings.train.take(rows))
    results = measure_speeds(ratings, cases())
    speed = {name: result["examples_per_second"] for name, result in results.items()}
    report(
        models={name: results[name] for name in (*MODELS, *EXPERTS)},
        overheads=overheads(results),
        to_loop=speed[BATCHED] / speed[LOOP],
    )


if __name__ == "__main__":
    main()
