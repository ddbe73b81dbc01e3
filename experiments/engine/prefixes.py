"""Prefixes: the data, the loss at the start and the first twenty losses of an arm's first cell.

They cost seconds where a cell costs many, and most mistakes of models, losses and lenses show.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from experiments.engine.arms import DEFAULTS, Arm
from experiments.engine.cells import data_of, dataset_of, priors_of, recipe_of, seed_of
from experiments.engine.declaration import Experiment
from recsys_lib.training.batches import PackedSplit
from recsys_lib.training.metrics import log_loss
from recsys_lib.training.restarts import build_with_seed
from recsys_lib.training.rows import order_of
from recsys_lib.training.trainer import Trainer

NUM_STEPS = 20
_ROWS_OF_ESTIMATORS = 5_000


def prefix(experiment: Experiment, arm: Arm, choice: Mapping[str, Any]) -> dict[str, Any]:
    """The prefix of an arm on its first world, at the first point of a sweep.

    Args:
        experiment: the declaration.
        arm: of it.
        choice: its tuned options at that point.

    Returns:
        ``{"data": hash of the packed training rows, "losses": of the steps}``. The first loss is
        that of the start. An estimator has one loss: on its first 5,000 training rows, after it
        was trained on them.
    """
    world = experiment.worlds_of(arm)[0]
    dataset = dataset_of(experiment, experiment.points[0], world)
    seed = seed_of(world, 0)
    if arm.is_estimator:
        return _of_estimator(arm, choice, dataset, seed)
    recipe = recipe_of(arm, choice, priors_of(experiment, arm, choice, dataset))
    data = recipe.data(dataset)
    model = build_with_seed(lambda: recipe(data.feature_columns), seed)
    weights = {"balancing": recipe.balancing, "loss_weights": recipe.fit.get("loss_weights")}
    weights["objective"] = recipe.objective
    trainer = Trainer(model, data, recipe.fresh_optimizer(), **weights)
    groups = None if trainer.objective is None else trainer.objective.see(data.train)
    packed = PackedSplit.of(data.train, trainer.layout, trainer.tasks, groups=groups)
    size = {**experiment.fit, **recipe.fit}.get("batch_size", DEFAULTS["batch_size"])
    order = order_of(seed, 0, len(packed.labels), groups=groups)
    step = tf.function(trainer.train_on_batch, autograph=False, reduce_retracing=True)
    losses = []
    for start in range(0, len(order), size)[:NUM_STEPS]:
        rows = order[start : start + size]
        every = (packed.ids, packed.numbers, packed.labels, packed.masks, packed.groups)
        batch = (None if array is None else tf.constant(array[rows]) for array in every)
        losses.append(float(step(*batch)[0]))
    return {"data": packed.digest(), "losses": losses}


def _of_estimator(arm, choice, dataset, seed):
    data = data_of(arm, dataset)
    few = data.train.take(np.arange(min(_ROWS_OF_ESTIMATORS, len(data.train))))
    data = dataclasses.replace(data, train=few)
    digest = hashlib.sha256()
    for values in (*(few.features[name] for name in sorted(few.features)), *few.labels.values()):
        digest.update(np.ascontiguousarray(values).data)
    predicted = arm.function(data, seed=seed, **arm.settings(choice))(few)
    losses = [log_loss(few.labels[task], values) for task, values in predicted.items()]
    return {"data": digest.hexdigest(), "losses": losses}
