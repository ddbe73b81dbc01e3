"""A guess: the click rate of the training rows for every row."""

import numpy as np

from experiments.estimators import Predict
from recsys_lib.data.dataset import Dataset


def click_rate(dataset: Dataset, *, seed: int) -> Predict:
    """The share of clicks among the training rows, whatever the row.

    Args:
        dataset: with one binary task.
        seed: of no matter here.

    Returns:
        Function of a split.
    """
    task, *_ = dataset.tasks or ("",)
    rate = float(np.mean(dataset.train.labels[task], dtype=np.float64))
    return lambda split: {task: np.full(len(split), rate)}


click_rate.fits_itself = True  # type: ignore[attr-defined]
