"""Sets TensorFlow's environment before any test module imports TensorFlow; seeds every test."""

import random
import sys

import numpy as np
import pytest

import recsys_lib  # noqa: F401

SEED = 20240


@pytest.fixture(autouse=True)
def _same_random_numbers_in_every_run():
    """Seed Python and NumPy, and Keras where a test module has imported it."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002  what a test may reach through a library
    keras = sys.modules.get("keras")
    if keras is not None:
        keras.utils.set_random_seed(SEED)
