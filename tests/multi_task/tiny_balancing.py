"""A linear shared bottom of hand size, and its losses and gradients in float64."""

import keras
import numpy as np
from reference import double, sigmoid

from recsys_lib.data import Dataset, Split
from recsys_lib.features.columns import NumericColumn
from recsys_lib.multi_task import build_shared_bottom
from recsys_lib.training.trainer import Trainer

COLUMNS = (NumericColumn("x", 3),)
KINDS = {"click": "binary", "minutes": "regression"}
FROZEN = keras.optimizers.SGD
NUM_ROWS = 64


def make_data(kinds=None, scale=1.0, num_rows=NUM_ROWS, seed=0, equal_rows=False):
    """Rows with random labels; the regression labels times ``scale``."""
    kinds = KINDS if kinds is None else kinds
    splits, first = {}, 0
    for name in ("train", "valid", "test"):
        rng = np.random.default_rng([seed, first])
        x = rng.normal(size=(num_rows, 3)).astype(np.float32)
        labels = {}
        for task, kind in kinds.items():
            binary = rng.random(num_rows) < 0.4
            labels[task] = binary if kind == "binary" else scale * rng.normal(size=num_rows)
            labels[task] = labels[task].astype(np.float32)
        rows = np.zeros(num_rows, int) if equal_rows else np.arange(num_rows)
        splits[name] = Split(
            features={"x": x[rows]},
            labels={task: label[rows] for task, label in labels.items()},
            group=np.arange(num_rows) // 8,
            row_id=np.arange(first, first + num_rows),
        )
        first += num_rows
    return Dataset("numbers", COLUMNS, **splits, tasks=kinds)


def make_model(columns=COLUMNS, kinds=None, width=2):
    """``a_t . (W x + b) + c_t``, no activation anywhere."""
    return build_shared_bottom(
        columns,
        KINDS if kinds is None else kinds,
        hidden_units=(width,),
        tower_units=(),
        bottom_activation="linear",
    )


def make_trainer(data, balancing, optimizer=None, seed=0, width=2):
    keras.utils.set_random_seed(seed)
    model = make_model(kinds=data.tasks, width=width)
    optimizer = FROZEN(0.0) if optimizer is None else optimizer
    return Trainer(model, data, optimizer, balancing=balancing)


def losses_and_gradients(model, split, kinds):
    """Of every task, on the shared layer's kernel and bias, by the chain rule.

    Returns:
        ``(tasks,)`` losses and ``(tasks, 3 * width + width)`` gradients.
    """
    x = double(split.features["x"])
    kernel, bias = (double(w) for w in model.get_layer("shared_bottom").weights)
    hidden = x @ kernel + bias
    towers = model.get_layer("towers")
    losses, gradients = [], []
    for position, (task, kind) in enumerate(kinds.items()):
        tower = double(towers.kernels[0])[position, :, 0]
        offset = float(towers.biases[0].numpy()[position, 0]) + float(
            model.get_layer(task).bias.numpy()
        )
        logit, label = hidden @ tower + offset, double(split.labels[task])
        if kind == "binary":
            losses.append(np.logaddexp(0, np.where(label == 1, -logit, logit)).mean())
            slope = sigmoid(logit) - label
        else:
            losses.append(np.mean((logit - label) ** 2))
            slope = 2 * (logit - label)
        to_hidden = slope[:, None] * tower / len(x)  # (rows, width)
        gradients.append(np.concatenate([(x.T @ to_hidden).ravel(), to_hidden.sum(axis=0)]))
    return np.array(losses), np.array(gradients)
