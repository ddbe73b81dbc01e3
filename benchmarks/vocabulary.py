"""Training speed against the size of the vocabularies: this library, and stock Keras.

``python -m benchmarks.vocabulary ours|deepfm|stock VOCABULARY STEPS`` prints one measurement.
Sixteen columns of width 8, hidden layers of 64 and 32, batch 1024, Adam. ``ours`` and ``stock`` are
the same plain network; ``deepfm`` has first-order weights besides.
"""

import functools
import statistics
import sys
import time

import keras
import numpy as np

from benchmarks.process import CONDITIONS, conditions, measure, report
from recsys_lib.data import Dataset, Split
from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.trainer import Trainer
from recsys_lib.zoo import find

NUM_COLUMNS, WIDTH, HIDDEN_UNITS, BATCH_SIZE = 16, 8, (64, 32), 1024
REPETITIONS = 5
SMALL, LARGE = 1_000, 1_000_000
ROUNDS = 3
STEPS = {
    **{(which, size): 200 for which in ("ours", "deepfm") for size in (SMALL, LARGE)},
    **{("stock", SMALL): 200, ("stock", LARGE): 4},
}
NAMES = {"ours": "recsys_lib", "deepfm": "DeepFM, recsys_lib", "stock": "stock Keras fit"}
RATIOS = (
    ("recsys_lib, 1,000,000 to 1,000 ids", ("ours", LARGE), ("ours", SMALL), 0.45),
    ("DeepFM, 1,000,000 to 1,000 ids", ("deepfm", LARGE), ("deepfm", SMALL), 0.55),
    ("recsys_lib to stock, 1,000,000 ids", ("ours", LARGE), ("stock", LARGE), 40),
    ("recsys_lib to stock, 1,000 ids", ("ours", SMALL), ("stock", SMALL), 1.8),
)


def make_rows(vocabulary_size, num_rows):
    draw = np.random.default_rng(0)
    names = [f"column_{number}" for number in range(NUM_COLUMNS)]
    features = {
        name: draw.integers(1, vocabulary_size, num_rows).astype(np.int32) for name in names
    }
    return features, draw.integers(0, 2, num_rows).astype(np.float32)


def build(columns):
    inputs = build_inputs(columns)
    vectors = embed_groups(inputs, columns, WIDTH)["context"]
    hidden = MLP(HIDDEN_UNITS)(vectors)
    logit = keras.layers.Dense(1, use_bias=False)(hidden)
    return keras.Model(inputs, PredictionHead(name="click")(logit))


def build_deepfm(columns):
    return find("deepfm").build(columns, embedding_dim=WIDTH, hidden_units=HIDDEN_UNITS)


def build_stock(columns):
    inputs, vectors = {}, []
    for column in columns:
        inputs[column.name] = keras.Input((), name=column.name, dtype="int32")
        layer = keras.layers.Embedding(column.vocabulary_size, WIDTH)
        vectors.append(layer(inputs[column.name]))
    hidden = keras.layers.Concatenate()(vectors)
    for units in HIDDEN_UNITS:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))


def time_ours(columns, features, labels, num_steps, build=build):
    """Examples per second of each repetition, tracing excluded."""
    rows = np.arange(len(labels))

    def split(start, stop):
        part = slice(start, stop)
        return Split(
            features={name: values[part] for name, values in features.items()},
            labels={"click": labels[part]},
            group=rows[part],
            row_id=rows[part],
        )

    trainer_rows = num_steps * BATCH_SIZE
    dataset = Dataset(
        "benchmark",
        columns,
        split(0, trainer_rows),
        split(trainer_rows, trainer_rows + 1),
        split(trainer_rows + 1, trainer_rows + 2),
    )
    trainer = Trainer(build(columns), dataset, Adam(1e-3))
    trainer.fit(dataset, epochs=1, batch_size=BATCH_SIZE, patience=None, progress=False)
    speeds = []
    for seed in range(REPETITIONS):
        history = trainer.fit(
            dataset, epochs=1, batch_size=BATCH_SIZE, patience=None, seed=seed, progress=False
        )
        speeds.append(history.examples_per_second)
    return speeds


def time_stock(columns, features, labels, num_steps):
    """Examples per second of each repetition of ``fit``, the first call excluded."""
    model = build_stock(columns)
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
    num_rows = num_steps * BATCH_SIZE
    features = {name: values[:num_rows] for name, values in features.items()}
    speeds = []
    for _ in range(REPETITIONS + 1):
        started = time.perf_counter()
        model.fit(features, labels[:num_rows], batch_size=BATCH_SIZE, epochs=1, verbose=0)
        speeds.append(num_rows / (time.perf_counter() - started))
    return speeds[1:]


def print_section():
    """Print the table: all cases in turn, each in processes of its own."""
    print("\nTraining, 16 id columns of width 8, hidden 64 and 32, Adam")
    print(f"{'':24}{CONDITIONS}{'ids a column':>14}{'examples/s':>14}{'peak MiB':>12}")
    results = {case: [] for case in STEPS}
    for _ in range(ROUNDS):
        for (which, size), num_steps in STEPS.items():
            if which == "stock" and size == LARGE and results[which, size]:
                continue  # half a minute each, and a hundredfold difference needs no repetition
            results[which, size].append(measure(__name__, which, size, num_steps))
    speed = {
        case: statistics.median(result["examples_per_second"] for result in measured)
        for case, measured in results.items()
    }
    for (which, size), value in speed.items():
        peak = max(result["peak_mib"] for result in results[which, size])
        how = conditions(BATCH_SIZE)
        print(f"{NAMES[which]:24}{how}{size:>14,}{value:>14,.0f}{peak:>12,.0f}")
    for text, top, bottom, goal in RATIOS:
        print(f"{text:38}{speed[top] / speed[bottom]:>14.2f}   goal: at least {goal}")


def main(which, vocabulary_size, num_steps):
    keras.utils.set_random_seed(0)
    columns = tuple(
        CategoricalColumn(f"column_{number}", vocabulary_size) for number in range(NUM_COLUMNS)
    )
    features, labels = make_rows(vocabulary_size, num_steps * BATCH_SIZE + 2)
    timer = {
        "ours": time_ours,
        "deepfm": functools.partial(time_ours, build=build_deepfm),
        "stock": time_stock,
    }[which]
    speeds = timer(columns, features, labels, num_steps)
    report(examples_per_second=statistics.median(speeds))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
