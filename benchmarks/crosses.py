"""Training speed of the models that cross features, on MovieLens, beside a plain network.

``python -m benchmarks.crosses`` measures all of them in one process, in alternation, and
prints JSON. Embeddings of width 16, hidden layers of 64 and 32, batch 1024, Adam; short rounds, of
which the fastest counts, after one that does not.

FiBiNET's first hidden layer reads two products of width 16 for each of 55 pairs, 1,760 numbers
where the plain network reads 116; that layer alone costs more than the whole plain network.
"""

import dataclasses
import functools

import keras
import numpy as np

from benchmarks.process import report
from recsys_lib.data import movielens
from recsys_lib.higher_order import (
    build_autoint,
    build_cin,
    build_dcn,
    build_dcn_v2,
    build_xdeepfm,
)
from recsys_lib.loops.crosses import looped
from recsys_lib.memorization import build_deep
from recsys_lib.second_order import (
    build_afm,
    build_deepfm,
    build_fibinet,
    build_fm,
    build_fwfm,
    build_nfm,
    build_pnn,
    build_polynomial,
)
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.trainer import Trainer

WIDTH, HIDDEN_UNITS, BATCH_SIZE, NUM_STEPS, ROUNDS = 16, (64, 32), 1024, 16, 8
REFERENCE = "plain network"


def _deep(build, **options):
    return functools.partial(build, embedding_dim=WIDTH, hidden_units=HIDDEN_UNITS, **options)


def _flat(build, **options):
    return functools.partial(build, embedding_dim=WIDTH, **options)


MODELS = {
    REFERENCE: _deep(build_deep),
    "polynomial": build_polynomial,
    "FM": _flat(build_fm),
    "FwFM": _flat(build_fwfm),
    "AFM": _flat(build_afm),
    "NFM": _deep(build_nfm),
    "IPNN": _deep(build_pnn, products="inner"),
    "OPNN": _deep(build_pnn, products="outer"),
    "PNN, both products": _deep(build_pnn, products="both"),
    "FiBiNET, all": _deep(build_fibinet, bilinear="all"),
    "FiBiNET, each": _deep(build_fibinet, bilinear="each"),
    "FiBiNET, interaction": _deep(build_fibinet, bilinear="interaction"),
    "DeepFM": _deep(build_deepfm),
    "DCN": _deep(build_dcn),
    "DCN-V2": _deep(build_dcn_v2),
    "DCN-V2, rank 16": _deep(build_dcn_v2, rank=16),
    "CIN": _flat(build_cin),
    "xDeepFM": _deep(build_xdeepfm),
    "AutoInt": _flat(build_autoint),
    "AutoInt+": _deep(build_autoint),
}
"""Builders by the name in the table; each takes ``(feature_columns, task=...)``."""

LOOPED = ("IPNN", "FiBiNET, all", "FiBiNET, each", "FiBiNET, interaction", "CIN")
"""Models whose looped form is measured too."""


def loop_name(name):
    """Name of the measurement of a model's looped form."""
    return f"{name} (loop)"


def build(name, feature_columns, task):
    """The model of a measurement: one of ``MODELS``, or its looped form."""
    for base in LOOPED:
        if name == loop_name(base):
            return looped(MODELS[base](feature_columns, task=task))
    return MODELS[name](feature_columns, task=task)


def measure_speeds(dataset, names, num_rounds=ROUNDS):
    """Train the named models in alternation.

    Returns:
        Dict of name to ``{"speeds": examples per second of each round, "parameters": count,
        "trace_seconds": seconds}``.
    """
    trainers, results = {}, {}
    options = {"epochs": 1, "batch_size": BATCH_SIZE, "patience": None, "progress": False}
    for name in names:
        keras.utils.set_random_seed(0)
        model = build(name, dataset.feature_columns, next(iter(dataset.tasks)))
        trainers[name] = Trainer(model, dataset, Adam(1e-3))
        warm_up = trainers[name].fit(dataset, **options)
        results[name] = {
            "parameters": model.count_params(),
            "trace_seconds": warm_up.trace_seconds,
            "speeds": [],
        }
    for _ in range(num_rounds):
        for name, trainer in trainers.items():
            history = trainer.fit(dataset, **options)
            results[name]["speeds"].append(history.examples_per_second)
    return results


def best(result):
    """Examples per second of the round that the rest of the machine disturbed least."""
    return max(result["speeds"])


def main():
    ratings = movielens.load()
    rows = np.arange(len(ratings.train)) < NUM_STEPS * BATCH_SIZE
    ratings = dataclasses.replace(ratings, train=ratings.train.take(rows))
    names = [*MODELS, *map(loop_name, LOOPED)]
    results = measure_speeds(ratings, names)
    rates = {
        name: {
            "examples_per_second": best(result),
            "to_reference": best(result) / best(results[REFERENCE]),
            "parameters": result["parameters"],
            "trace_seconds": result["trace_seconds"],
        }
        for name, result in results.items()
    }
    ratios = {name: best(results[name]) / best(results[loop_name(name)]) for name in LOOPED}
    report(models=rates, to_loop=ratios)


if __name__ == "__main__":
    main()
