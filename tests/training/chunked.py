"""The small model trained on chunks: one traced trainer for all tests, started over for each."""

import functools

import keras
import tiny

from recsys_lib.data import ChunkedDataset
from recsys_lib.training import Adam, fit
from recsys_lib.training.restarts import build_with_seed
from recsys_lib.training.trainer import Trainer
from recsys_pipeline.chunks import ArrayChunks

DATA = tiny.make_dataset(tiny.SMALL)  # 150 training rows
OPTIONS = {"epochs": 2, "batch_size": 16, "seed": 4, "patience": None}


def in_chunks(data, sizes, valid=None):
    """The training rows in chunks, and the validation rows where sizes are given for them."""
    validated = data.valid if valid is None else ArrayChunks(data.valid, valid)
    parts = (ArrayChunks(data.train, sizes), validated, data.test)
    return ChunkedDataset(data.name, data.feature_columns, *parts, tasks=data.tasks)


@functools.cache
def kept():
    """One traced trainer of the small model; ``fresh`` starts it over."""
    return Trainer(build_with_seed(tiny.build_small, 7), DATA, Adam(0.05))


def fresh(seed=7):
    kept().restart(tiny.build_small, seed)
    return kept()


def trained(data, build=None, optimizer=None, **options):
    """A trained model and its history; the small model where no other is to be built."""
    options = {**OPTIONS, **options}
    if build is None:
        history = fresh().fit(data, **options)
        return Weights(kept().model), history
    keras.utils.set_random_seed(7)
    model = build()
    return model, fit(model, data, optimizer or Adam(0.05), **options)


class Weights:
    """What the kept trainer's model held when a run had ended."""

    def __init__(self, model):
        self.variables = [Value(variable.numpy()) for variable in model.variables]


class Value:
    def __init__(self, value):
        self.value = value

    def numpy(self):
        return self.value
