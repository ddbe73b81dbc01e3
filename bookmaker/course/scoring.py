"""Trains one model of the zoo three times and prints its AUCs: ``... scoring '["din", {}]'``.

It runs in a process of its own, since the library that it imports is a copy with a fault.
"""

import json
import sys

import keras
import numpy as np

from recsys_lib import zoo
from recsys_lib.data import simulator
from recsys_lib.training import auc

SEEDS = (0, 1, 2)
SIZES = {"num_rows": 12_000, "num_valid_rows": 1_000, "num_test_rows": 5_000, "seed": 0}


def world_of(model: zoo.Model) -> simulator.SimulatedDataset:
    """Rows for a model with one task; histories have 2 to 12 steps, so that there is padding.

    Args:
        model: of the zoo.
    """
    if "history" not in model.needs:
        return simulator.scenarios(sizes=(0.5, 0.3, 0.2), **SIZES)
    topics = {"num_topics": 40, "items_per_topic": 3, "history_length": 12}
    world = simulator.interests(num_interests=2, **topics, **SIZES)
    for number, split in enumerate((world.train, world.test)):
        steps = np.random.default_rng(number).integers(2, 13, len(split))
        split.features["history"][np.arange(12) >= steps[:, None]] = 0
    return world


def main(asked: str) -> None:
    """Print the AUCs, one for each of `SEEDS`.

    Args:
        asked: JSON of the model's key and its options.
    """
    key, options = json.loads(asked)
    model = zoo.find(key)
    world = world_of(model)
    train, test = world.train, world.test
    found = []
    for seed in SEEDS:
        keras.utils.set_random_seed(seed)
        built = model.build(world.feature_columns, "click", embedding_dim=8, **options)
        built.compile(keras.optimizers.Adam(1e-2), loss="binary_crossentropy")
        built.fit(train.features, train.labels["click"], batch_size=128, epochs=2, verbose=0)
        scores = built.predict(test.features, batch_size=2_000, verbose=0)
        found.append(auc(test.labels["click"], scores))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
