"""A small file for leaderboards: the label follows a product of user and item, no sum of them."""

import numpy as np
import pandas as pd

from recsys_pipeline import files

FAST = {"epochs": 3, "batch_size": 100, "learning_rate": 0.05}


def write_rows(path, num_rows=900, seed=0):
    """A CSV with the columns label, user, item and hour."""
    rng = np.random.default_rng(seed)
    user, item, hour = rng.integers(0, 7, (3, num_rows)) + 1
    sign = np.sign((user % 2 - 0.5) * (item % 2 - 0.5))
    label = rng.random(num_rows) < 1 / (1 + np.exp(-3 * sign))
    table = pd.DataFrame({"label": label.astype(int), "user": user, "item": item, "hour": hour})
    table.to_csv(path, index=False)
    return path


def load(path, **options):
    """The data set of such a file."""
    return files.load(path, **options)
