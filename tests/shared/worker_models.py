"""What the processes of ``worker_program.py`` train, and one process beside them."""

import dataclasses
import functools

import keras
import numpy as np
from halved_data import COLUMNS, PLAIN, TASKS, dataset_of

from recsys_lib.data import ChunkedDataset, Split
from recsys_lib.multi_scenario import build_star
from recsys_lib.multi_task import build_mmoe
from recsys_lib.multi_task.balancing import GradNorm
from recsys_lib.second_order import build_deepfm
from recsys_lib.sequence import build_din
from recsys_lib.training import Adam, Ftrl, Trainer, fit, optimizer_per_group
from recsys_lib.training.objectives import JRC, Pairs
from recsys_pipeline.chunks import ArrayChunks

BATCH = 32
NUM_ROWS = 20 * BATCH - 5
"""Twenty steps, of which the last is short and divides unevenly."""
SMALL = {"embedding_dim": 4, "hidden_units": (8,)}


def crossing():
    """Rows in chunks, batch penalties, and an optimizer for the first-order weights alone."""
    data = dataset_of(PLAIN, NUM_ROWS)
    parts = [ArrayChunks(split, (250, NUM_ROWS - 250)) for split in (data.train, data.valid)]
    data = ChunkedDataset(data.name, PLAIN, *parts, data.test, tasks=data.tasks)
    model = build_deepfm(data.feature_columns, **SMALL, embedding_l2=0.1)
    optimizer = optimizer_per_group({"linear.*": Ftrl(0.05), "(?!linear).*": Adam(1e-3)})
    return model, data, {"optimizer": optimizer}


def sequence():
    """DIN with Dice in its attention and behind it."""
    data = dataset_of(COLUMNS, NUM_ROWS)
    return build_din(data.feature_columns, **SMALL, attention_units=(6,)), data, {}


def multi_task():
    """MMoE, a label on some rows only, and weights that follow the gradients."""
    data = dataset_of(PLAIN, NUM_ROWS, TASKS, masks=True)
    model = build_mmoe(
        data.feature_columns, TASKS, embedding_dim=4, expert_units=(6,), tower_units=(4,)
    )
    return model, data, {"balancing": GradNorm()}


def multi_scenario():
    """STAR with its partitioned normalization."""
    data = dataset_of(PLAIN, NUM_ROWS)
    return build_star(data.feature_columns, **SMALL, auxiliary_units=(4,)), data, {}


def in_groups(data):
    """The rows of whole batches and of one whose last worker has none, in groups of four."""
    rows = np.arange(19 * BATCH + BATCH // 2 - 4)
    splits = {
        name: dataclasses.replace(split.take(rows), groups={"user": rows, "page": rows // 4})
        for name, split in data.splits.items()
    }
    return dataclasses.replace(data, **splits)


def pairs():
    """Pairs of groups that no border of a batch or a worker cuts, and rows beside them."""
    data = in_groups(dataset_of(PLAIN, NUM_ROWS))
    model = build_deepfm(data.feature_columns, **SMALL)
    return model, data, {"objective": Pairs("page", rows=0.5)}


def jrc():
    """Rows in chunks, of which some have a label, and a second unit."""
    data = in_groups(dataset_of(PLAIN, NUM_ROWS, masks=True))
    train = ArrayChunks(data.train, (248, len(data.train) - 248))
    data = ChunkedDataset(data.name, PLAIN, train, data.valid, data.test, tasks=data.tasks)
    return build_deepfm(PLAIN, **SMALL), data, {"objective": JRC("page")}


CASES = {
    function.__name__: function
    for function in (crossing, sequence, multi_task, multi_scenario, pairs, jrc)
}


def train(case):
    """Ten long steps and twenty shorter ones of one case, from a seed.

    Returns:
        The model and the ``History`` of the twenty.
    """
    keras.utils.set_random_seed(4)
    model, data, options = CASES[case]()
    trainer = Trainer(model, data, **options)
    for batch_size in (2 * BATCH, BATCH):  # of one compiled function
        history = trainer.fit(data, epochs=1, batch_size=batch_size, seed=2, patience=1)
    return model, history


def state_of(model, history):
    """Weights and what the history says, as one dict of arrays."""
    arrays = {f"weight_{n}": variable.numpy() for n, variable in enumerate(model.variables)}
    table = history.epochs.drop(columns="seconds")
    return {**arrays, "history": table.to_numpy(np.float64)}


def build_with_dropout():
    """A model that draws: dropout in its network."""
    keras.utils.set_random_seed(6)
    data = dataset_of(PLAIN, 7 * BATCH)
    return build_deepfm(data.feature_columns, **SMALL, dropout_rate=0.4), data


def train_on_equal_rows(num_rows, batch_size, dropout_rate=0.5):
    """Ten steps on one row over and over; returns the weights."""
    keras.utils.set_random_seed(8)
    data, row = dataset_of(PLAIN, 20), np.full(num_rows, 3)
    train = Split(
        features={name: values[row] for name, values in data.train.features.items()},
        labels={name: values[row] for name, values in data.train.labels.items()},
        group=np.arange(num_rows),
        row_id=np.arange(num_rows),
    )
    data = dataclasses.replace(data, train=train)
    model = build_deepfm(data.feature_columns, **SMALL, dropout_rate=dropout_rate)
    fit(model, data, epochs=1, batch_size=batch_size, patience=None)
    return np.concatenate([variable.numpy().ravel() for variable in model.trainable_variables])


train_with_dropout = functools.partial(fit, epochs=4, batch_size=BATCH, seed=5, patience=4)
