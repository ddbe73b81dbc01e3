"""A lens, models and an experiment so small that the machinery of evidence runs in seconds."""

from pathlib import Path

import numpy as np

from recsys_lib.data import simulator

DECLARED = Path(__file__).parents[1] / "experiments" / "declared"
"""Folder of experiments that tests run."""


def lens(num_rows=600, gain=1.0, seed=0):
    """The lens of second-order crosses with few rows and ids."""
    return simulator.second_order(
        num_rows=num_rows,
        num_fields=4,
        num_ids=6,
        rank=2,
        pairs=((0, 1),),
        gains=(gain,),
        main_sd=1.0,
        num_valid_rows=200,
        num_test_rows=400,
        seed=seed,
    )


def guess(dataset, *, seed, noise=0.5, reach=1.0):
    """The true log-odds with noise of its own, shrunk by ``reach``."""
    random = np.random.default_rng(seed)

    def predict(split):
        p = split.probability["click"]
        logit = np.log(p / (1 - p)) * reach + noise * random.normal(size=len(p))
        return {"click": 1 / (1 + np.exp(-logit))}

    return predict


guess.fits_itself = True
