"""``compare``: several models, several seeds, one table with the best reachable score beside it."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import pandas as pd

from recsys_lib.training import baselines as trivial
from recsys_lib.training.batches import model_tasks
from recsys_lib.training.evaluation import predictions_of, score
from recsys_lib.training.metrics import share_of_gap
from recsys_lib.training.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to build and train one model of a comparison.

    Args:
        build: function of the feature columns that returns a Keras model.
        optimizer: function without arguments that returns a fresh optimizer; default Adam(1e-3).
        columns: names of the feature columns it gets; default: all.
        fit: keyword arguments of ``fit`` that differ from the comparison's own.
        balancing: balancing method of this model; the comparison's ``loss_weights`` and
            ``balancing`` do not count for it then.
    """

    build: Callable
    optimizer: Callable | None = None
    columns: tuple | None = None
    fit: dict = dataclasses.field(default_factory=dict)
    balancing: object | None = None

    def data(self, dataset):
        """The data set with the columns that the model gets."""
        return dataset if self.columns is None else dataset.with_columns(self.columns)

    def weighing(self, loss_weights, balancing, tasks):
        """What decides the weights of a model with these tasks, as arguments of ``Trainer``."""
        own = {"balancing": self.balancing} if self.balancing is not None else {}
        own |= {name: self.fit[name] for name in ("loss_weights", "balancing") if name in self.fit}
        if own:
            return own
        if balancing is not None and len(tasks) > 1:
            return {"balancing": balancing}
        weights = {task: w for task, w in (loss_weights or {}).items() if task in tasks}
        return {"loss_weights": weights or None}


def compare(
    models,
    dataset,
    seeds=3,
    *,
    slices=(),
    baselines=None,
    loss_weights=None,
    balancing=None,
    keep=None,
    keep_seeds=None,
    trainers=None,
    **fit_options,
):
    """Train every model with every seed and score it on the test split.

    Each model is traced once; a further seed only draws new weights, a new order of rows and new
    dropout masks, and gives the same result as a fresh build with that seed. With ``trainers`` the
    same holds for further data sets.

    Args:
        models: dict of name to builder (a function of the feature columns) or ``Recipe``.
        dataset: ``Dataset``.
        seeds: number of seeds (0, 1, ...), or a list of them.
        slices: names of the test split's slices to report on besides ``"all"``.
        baselines: dict of name to ``Baseline``, or to a list with one for each task; scored once.
            Default: ``base rate``, and ``oracle`` for the tasks whose true probability is known.
        loss_weights: dict of task to weight; each model takes those of its own tasks.
        balancing: method of ``recsys_lib.multi_task.balancing`` for the models of several tasks
            whose recipe has none; each seed starts it anew.
        keep: dict that receives the trained model of the last seed under each name, or None.
        keep_seeds: dict that receives the list of all seeds' trained models under each name, in
            the order of the seeds, or None.
        trainers: dict that keeps what was traced. A later call with the same dict trains a model of
            the same name, recipe, columns and weights of the tasks in it, and the numbers are those
            of a fresh build. Models that ``keep`` handed out would change under their owner, so the
            two exclude each other.
        **fit_options: as for ``fit``.

    Returns:
        Tidy ``DataFrame``, a row per model, seed, task and slice: ``model``, ``seed``, ``task``,
        ``slice``, ``rows``, ``auc``, ``gauc``, ``one_class_groups``, ``log_loss``,
        ``calibration_error``, ``auc_gap_closed`` and ``log_loss_gap_closed`` (share of the way
        from the base rate's score to the oracle's; missing where the truth is unknown);
        ``mean_squared_error`` and ``mean_squared_error_gap_closed`` instead for regression tasks;
        ``parameters``, ``epochs`` (the best one), ``seconds`` (training), ``trace_seconds``,
        ``examples_per_second``.
    """
    seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not seeds:
        raise ValueError("seeds: expected at least one, got none")
    if keep is not None and trainers is not None:
        raise ValueError("trainers: expected no keep beside it, since it goes on with the models")
    recipes = {
        name: recipe if isinstance(recipe, Recipe) else Recipe(recipe)
        for name, recipe in models.items()
    }
    if loss_weights and balancing is not None:
        raise ValueError(
            f"loss_weights: {balancing!r} chooses the weights, expected none beside it"
        )
    _check_weights(loss_weights or {}, recipes, dataset)
    parts = {"all": dataset.test, **{name: dataset.test.slice(name) for name in slices}}
    rows = []
    if baselines is None:
        baselines = _default_baselines(dataset)
    for name, of_tasks in baselines.items():
        for baseline in of_tasks if isinstance(of_tasks, list | tuple) else [of_tasks]:
            for row in _score(baseline, dataset, parts):
                rows.append({"model": name, "seed": None, **row, "parameters": 0})
    for name, recipe in recipes.items():
        data = recipe.data(dataset)
        options = {**fit_options, **recipe.fit}
        for weighing in ("loss_weights", "balancing"):
            options.pop(weighing, None)
        made_of = (recipe, data.feature_columns, data.tasks, loss_weights, balancing)
        before, trainer = (trainers or {}).get(name, (None, None))
        trainer = trainer if before == made_of else None
        for seed in seeds:
            if trainer is None:
                keras.utils.set_random_seed(seed)
                model = recipe.build(data.feature_columns)
                optimizer = recipe.optimizer() if recipe.optimizer else None
                weighing = recipe.weighing(loss_weights, balancing, model_tasks(model, data.tasks))
                trainer = Trainer(model, data, optimizer, **weighing)
            else:
                trainer.restart(lambda r=recipe, d=data: r.build(d.feature_columns), seed)
                model = trainer.model
            history = trainer.fit(data, seed=seed, **options)
            run = {
                "parameters": int(sum(np.prod(w.shape) for w in model.trainable_variables)),
                "epochs": history.best_epoch,
                "seconds": history.seconds,
                "trace_seconds": history.trace_seconds,
                "examples_per_second": history.examples_per_second,
            }
            for row in _score(model, dataset, parts):
                rows.append({"model": name, "seed": seed, **row, **run})
            if keep_seeds is not None:
                copy = recipe.build(data.feature_columns)
                for variable, value in zip(copy.variables, model.variables, strict=True):
                    variable.assign(value)
                keep_seeds.setdefault(name, []).append(copy)
        if keep is not None:
            keep[name] = model
        if trainers is not None:
            trainers[name] = (made_of, trainer)
    table = pd.DataFrame(rows)
    table["seed"] = table["seed"].astype("Int64")
    return table


def _check_weights(loss_weights, recipes, dataset):
    """Raise ``ValueError`` if weights name a task that no model has."""
    missing = set(loss_weights)
    for recipe in recipes.values():
        if not missing & set(dataset.tasks):
            break
        model = recipe.build(recipe.data(dataset).feature_columns)
        missing -= set(model_tasks(model, dataset.tasks))
    if missing and recipes:
        raise ValueError(
            f"loss_weights: no model has the tasks {sorted(missing)}; those of the data are "
            f"{list(dataset.tasks)}"
        )


def _default_baselines(dataset):
    baselines = {"base rate": [trivial.base_rate(dataset, task) for task in dataset.tasks]}
    known = [task for task in dataset.tasks if task in dataset.test.probability]
    if known:
        baselines["oracle"] = [trivial.oracle(dataset, task) for task in known]
    return baselines


def _score(model, dataset, parts):
    for slice_name, split in parts.items():
        for task, prediction in predictions_of(model, split).items():
            row = score(split.labels[task], prediction, split.group, dataset.tasks[task])
            if task in split.probability:
                row |= _gaps(dataset, split, task, row)
            yield {"task": task, "slice": slice_name, **row}


def _gaps(dataset, split, task, row):
    if np.ptp(split.labels[task]) == 0:  # no AUC, so no gap to close; missing like the AUC
        metrics = ("auc", "log_loss") if "auc" in row else ("mean_squared_error",)
        return {f"{metric}_gap_closed": np.nan for metric in metrics}
    bounds = trivial.score_bounds(dataset, split, task)
    return {
        f"{metric}_gap_closed": share_of_gap(row[metric], bound.trivial, bound.oracle)
        for metric, bound in bounds.items()
    }
