"""Training speed of the sequence models over the length of the history, beside their loops.

``python -m benchmarks.sequences LENGTH`` measures all models at one length in one process,
in alternation, and prints JSON. Embeddings of width 16, hidden layers of 64 and 32, batch 1024,
Adam; DSIN cuts the history into five sessions. The time to build and trace is reported beside the
speed: that is where an unrolled loop is paid for first.
"""

import functools
import sys
import time

import keras

from benchmarks.process import report
from recsys_lib.data import simulator
from recsys_lib.loops.crosses import looped
from recsys_lib.sequence import (
    build_bst,
    build_dien,
    build_din,
    build_dsin,
    build_gru,
    build_pooled,
)
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.trainer import Trainer

BATCH_SIZE, NUM_STEPS, ROUNDS = 1024, 8, 3
LENGTHS = (20, 50, 200)
MODELS = {
    "mean pooling": build_pooled,
    "GRU": build_gru,
    "DIN, ReLU": functools.partial(build_din, activation="relu"),
    "DIN, Dice": build_din,
    "DIEN": build_dien,
    "DIEN, no auxiliary loss": functools.partial(build_dien, auxiliary_weight=0),
    "DSIN": functools.partial(build_dsin, num_sessions=5),
    "BST": build_bst,
}
"""Builders by the name in the table."""

LOOPED = ("DIEN, no auxiliary loss", "DSIN")
LONGEST_LOOP = 50
"""Unrolled forms are measured up to this length: building them takes minutes beyond."""


def loop_name(name):
    """Name of the measurement of a model's looped form."""
    return f"{name} (loop)"


def build(name, feature_columns):
    """The model of a measurement: one of ``MODELS``, or its looped form."""
    for base in LOOPED:
        if name == loop_name(base):
            return looped(MODELS[base](feature_columns))
    return MODELS[name](feature_columns)


def names_at(length):
    """What is measured at a length."""
    loops = [loop_name(name) for name in LOOPED] if length <= LONGEST_LOOP else []
    return [*MODELS, *loops]


def measure_length(dataset, names, num_rounds=ROUNDS):
    """Build, trace and train the named models in alternation.

    Returns:
        Dict of name to ``{"parameters", "graph_seconds": to build and trace,
        "examples_per_second": of the fastest round, "two_epochs_seconds": from the start of
        building to the end of two epochs of the fastest kind}``.
    """
    options = {"epochs": 1, "batch_size": BATCH_SIZE, "patience": None, "progress": False}
    trainers, results = {}, {}
    for name in names:
        keras.utils.set_random_seed(0)
        started = time.perf_counter()
        model = build(name, dataset.feature_columns)
        trainers[name] = Trainer(model, dataset, Adam(1e-3))
        trainers[name].trace()
        graph = time.perf_counter() - started
        trainers[name].fit(dataset, **options)  # warms up
        results[name] = {
            "parameters": model.count_params(),
            "graph_seconds": graph,
            "examples_per_second": 0.0,
        }
    for _ in range(num_rounds):
        for name, trainer in trainers.items():
            speed = trainer.fit(dataset, **options).examples_per_second
            results[name]["examples_per_second"] = max(speed, results[name]["examples_per_second"])
    for result in results.values():
        epochs = 2 * len(dataset.train) / result["examples_per_second"]
        result["two_epochs_seconds"] = result["graph_seconds"] + epochs
    return results


def histories(length, num_rows=NUM_STEPS * BATCH_SIZE):
    """Simulated requests whose histories have that many behaviours."""
    return simulator.interests(
        num_rows=num_rows, history_length=length, num_valid_rows=64, num_test_rows=64
    )


def main():
    length = int(sys.argv[1])
    report(models=measure_length(histories(length), names_at(length)))


if __name__ == "__main__":
    main()
