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


def world_of(model: zoo.Model) -> tuple:
    """Columns, features and labels of training and test rows for a model.

    Histories have 2 to 12 steps, so that there is padding.

    Args:
        model: of the zoo.
    """
    if "history" in model.needs:
        topics = {"num_topics": 40, "items_per_topic": 3, "history_length": 12}
        world = simulator.interests(num_interests=2, **topics, **SIZES)
    elif {"several tasks", "two tasks"} & set(model.needs):
        world = simulator.funnel(num_users=200, num_items=200, **SIZES)
    else:
        world = simulator.scenarios(sizes=(0.5, 0.3, 0.2), **SIZES)
    splits = []
    for number, split in enumerate((world.train, world.test)):
        features = dict(split.features)
        if "history" in features:
            steps = np.random.default_rng(number).integers(2, 13, len(split))
            real = np.arange(12) < steps[:, None]
            features["history"] = np.where(real, features["history"], 0)
        splits.append((features, split.labels))
    return world.feature_columns, *splits


def main(asked: str) -> None:
    """Print the AUCs of the first task, one for each of `SEEDS`.

    Args:
        asked: JSON of the model's key and its options.
    """
    key, options = json.loads(asked)
    model = zoo.find(key)
    columns, (features, labels), (test_features, test_labels) = world_of(model)
    tasks = tuple(labels) if len(labels) > 1 and "chain of tasks" not in model.needs else "click"
    found = []
    for seed in SEEDS:
        keras.utils.set_random_seed(seed)
        built = model.build(columns, tasks, embedding_dim=8, **options)
        built.compile(keras.optimizers.Adam(1e-2), loss="binary_crossentropy")
        wanted = labels if isinstance(tasks, tuple) else labels["click"]
        built.fit(features, wanted, batch_size=128, epochs=2, verbose=0)
        scores = built.predict(test_features, batch_size=2_000, verbose=0)
        # The last task: what is below the first one shows in it, too.
        last = list(test_labels)[-1] if isinstance(tasks, tuple) else "click"
        found.append(auc(test_labels[last], scores[last] if isinstance(scores, dict) else scores))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
