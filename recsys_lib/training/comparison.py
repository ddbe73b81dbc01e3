"""``compare``: several models, several seeds, one table with the best reachable score beside it."""

import copy
import os
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from recsys_lib.checks import check_integer
from recsys_lib.data.dataset import Dataset
from recsys_lib.training import baselines as trivial
from recsys_lib.training.batches import model_tasks
from recsys_lib.training.evaluation import predictions_of, score_task
from recsys_lib.training.metrics import share_of_gap
from recsys_lib.training.recipe import Recipe, as_recipe
from recsys_lib.training.restarts import build_with_seed
from recsys_lib.training.tables import by_seed, summarize
from recsys_lib.training.trainer import Trainer
from recsys_lib.training.weighting import check_balancing

Models = Mapping[str, Callable[..., keras.Model] | Recipe]


class Comparison:
    """Train every model with every seed and score it on the test split.

    Each model is traced once; a further seed, or a further data set with the same columns and
    tasks, only draws new weights, a new order of rows and new dropout masks, and gives the same
    result as a fresh build with that seed.

    Args:
        models: dict of name to builder (a function of the feature columns) or ``Recipe``.
        slices: names of the test split's slices to report on besides ``"all"``.
        baselines: dict of name to ``Baseline``, or to a list with one for each task; scored once.
            Default: ``base rate``, and ``oracle`` for the tasks whose true probability is known.
        loss_weights: as for ``fit``; each model takes those of its own tasks.
        balancing: as for ``fit``, of the models of several tasks whose recipe has none; each seed
            starts it anew.
        checkpoint: folder that holds a checkpoint for each model and seed, so that a comparison
            that was killed goes on where it stopped.
        epochs, batch_size, patience, watch, schedule, reduce_on_plateau, callbacks,
            checkpoint_steps, progress: as for ``fit``; each run gets copies of the callbacks.

    Raises:
        ValueError: no model, or one that is built already; no such option, weights of tasks that
            no model has, or weights and a balancing method.
    """

    def __init__(
        self,
        models: Models,
        *,
        slices: Iterable[str] = (),
        baselines: Mapping[str, Any] | None = None,
        loss_weights: Mapping[str, float] | None = None,
        balancing: Any = None,
        checkpoint: str | os.PathLike[str] | None = None,
        epochs: int = 10,
        batch_size: int = 1024,
        patience: int | None = 2,
        watch: str = "auc",
        schedule: Any = None,
        reduce_on_plateau: Any = None,
        callbacks: Sequence[Any] = (),
        checkpoint_steps: int | None = None,
        progress: bool | None = None,
    ) -> None:
        if isinstance(slices, str):
            raise ValueError(f"slices: expected names of slices, got the text {slices!r}")
        if not isinstance(models, Mapping) or not (models or baselines):
            raise ValueError(
                "models: expected a dict of name to builder or Recipe, such as {'FM': build_fm}, "
                f"got {models!r}"
            )
        check_balancing(balancing, loss_weights or None)
        self.recipes = {name: as_recipe(build) for name, build in models.items()}
        self.slices, self.baselines = tuple(slices), baselines
        self.loss_weights, self.balancing = dict(loss_weights or {}), balancing
        self.checkpoint = None if checkpoint is None else os.fspath(checkpoint)
        self._fit_options = {
            "epochs": epochs,
            "batch_size": batch_size,
            "patience": patience,
            "watch": watch,
            "schedule": schedule,
            "reduce_on_plateau": reduce_on_plateau,
            "callbacks": callbacks,
            "checkpoint_steps": checkpoint_steps,
            "progress": progress,
        }
        # The traced functions of each model, with the columns and tasks that they were traced for.
        self._trainers: dict[str, tuple[Any, Trainer]] = {}

    def on(
        self, dataset: Dataset, seeds: int | Iterable[int] = 3, *, keep: bool = True
    ) -> "ComparisonResult":
        """Run the comparison on one data set.

        Args:
            dataset: the data set.
            seeds: number of seeds (0, 1, ...), or a list of them.
            keep: whether the result keeps each run's weights, so that it can give the models.
        """
        seeds = _seeds(seeds)
        self._check_weights(dataset)
        parts = {"all": dataset.test, **{name: dataset.test.slice(name) for name in self.slices}}
        rows: list[dict[str, Any]] = []
        baselines = _default_baselines(dataset) if self.baselines is None else self.baselines
        for name, of_tasks in baselines.items():
            for baseline in of_tasks if isinstance(of_tasks, list | tuple) else [of_tasks]:
                for row in _score(baseline, dataset, parts):
                    rows.append({"model": name, "seed": None, **row, "parameters": 0})
        weights: dict[tuple[str, int], list[np.ndarray]] = {}
        for name, recipe in self.recipes.items():
            data = recipe.data(dataset)
            for seed in seeds:
                trainer = self._trainer(name, recipe, data, seed)
                options = {**self._fit_options, **recipe.fit}
                options.pop("loss_weights", None)
                options["callbacks"] = copy.deepcopy(options["callbacks"])
                history = trainer.fit(
                    data, seed=seed, checkpoint=self._checkpoint_file(name, seed), **options
                )
                run = {
                    "parameters": _count(trainer.model),
                    "epochs": history.best_epoch,
                    "seconds": history.seconds,
                    "trace_seconds": history.trace_seconds,
                    "examples_per_second": history.examples_per_second,
                }
                for row in _score(trainer.model, dataset, parts):
                    rows.append({"model": name, "seed": seed, **row, **run})
                if keep:
                    weights[name, seed] = [value.numpy() for value in trainer.model.variables]
        table = pd.DataFrame(rows)
        if "seed" in table:
            table["seed"] = table["seed"].astype("Int64")
        builders = {name: (recipe, recipe.data(dataset)) for name, recipe in self.recipes.items()}
        return ComparisonResult(table, seeds, builders, weights)

    def _trainer(self, name: str, recipe: Recipe, data: Dataset, seed: int) -> Trainer:
        """A trainer whose model and optimizer are as freshly built with this seed."""
        traced_for = (data.feature_columns, data.tasks)
        before, trainer = self._trainers.get(name, (None, None))
        if trainer is not None and before == traced_for:
            trainer.restart(lambda: recipe(data.feature_columns), seed)
            return trainer
        model = build_with_seed(lambda: recipe(data.feature_columns), seed)
        weighing = self._weighing(recipe, model_tasks(model, data.tasks))
        weighing |= {"objective": recipe.objective}
        trainer = Trainer(model, data, recipe.fresh_optimizer(), **weighing)
        self._trainers[name] = (traced_for, trainer)
        return trainer

    def _weighing(self, recipe: Recipe, tasks: Iterable[str]) -> dict[str, Any]:
        """The arguments of ``Trainer`` that decide the weights of a model with these tasks."""
        tasks = list(tasks)
        if recipe.balancing is not None:
            return {"balancing": recipe.balancing}
        if "loss_weights" in recipe.fit:
            return {"loss_weights": recipe.fit["loss_weights"]}
        if self.balancing is not None and len(tasks) > 1:
            return {"balancing": self.balancing}
        weights = {task: w for task, w in self.loss_weights.items() if task in tasks}
        return {"loss_weights": weights or None}

    def _checkpoint_file(self, name: str, seed: int) -> str | None:
        if self.checkpoint is None:
            return None
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        number = list(self.recipes).index(name)  # two names may be alike without their signs
        return os.path.join(self.checkpoint, f"{number:02d}_{plain}_seed_{seed}.npz")

    def _check_weights(self, dataset: Dataset) -> None:
        """Raise ``ValueError`` if weights name a task that no model has."""
        missing = set(self.loss_weights)
        for recipe in self.recipes.values():
            if not missing & set(dataset.tasks):
                break
            model = recipe(recipe.data(dataset).feature_columns)
            missing -= set(model_tasks(model, dataset.tasks))
        if missing and self.recipes:
            raise ValueError(
                f"loss_weights: no model has the tasks {sorted(missing)}; those of the data are "
                f"{list(dataset.tasks)}"
            )


class ComparisonResult:
    """The results of a comparison, and the models that it trained.

    Args:
        table, seeds: as below.
        builders, weights: from which ``model`` makes a trained model again.

    Attributes:
        table: tidy ``DataFrame``, a row per model, seed, task and slice: ``model``, ``seed``
            (missing for baselines), ``task``, ``slice``, ``rows``, ``auc``, ``gauc``,
            ``one_class_groups``, ``log_loss``, ``calibration_error``, ``auc_gap_closed`` and
            ``log_loss_gap_closed`` (share of the way from the base rate's score to the oracle's;
            missing where the truth is unknown); ``mean_squared_error`` and
            ``mean_squared_error_gap_closed`` instead for regression tasks; ``parameters``,
            ``epochs`` (the best one), ``seconds`` (training), ``trace_seconds``,
            ``examples_per_second``.
        seeds: tuple of the seeds.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        seeds: Sequence[int],
        builders: Mapping[str, tuple[Recipe, Dataset]],
        weights: Mapping[tuple[str, int], list[np.ndarray]],
    ) -> None:
        self.table, self.seeds = table, tuple(seeds)
        self._builders, self._weights = builders, weights

    def scores(self, metric: str = "auc", part: str = "all", task: str | None = None):
        """A metric as a frame with a row for each seed and a column for each model.

        The arguments are those of ``by_seed``.
        """
        return by_seed(self.table, metric, part=part, task=task)

    def summary(self, scores: Sequence[str] | None = None) -> pd.DataFrame:
        """Mean, spread and 95 % interval over seeds; see ``summarize``."""
        return summarize(self.table, scores, interval=True)

    def model(self, name: str, seed: int | None = None) -> keras.Model:
        """A trained model, built anew with the weights of that run.

        Args:
            name: of the model in the comparison.
            seed: of the run; default: the last.

        Raises:
            ValueError: no such model or seed, or the weights were not kept.
        """
        seed = self.seeds[-1] if seed is None else seed
        if name not in self._builders or seed not in self.seeds:
            raise ValueError(
                f"model: expected one of {list(self._builders)} and a seed of {self.seeds}, "
                f"got {name!r} and {seed!r}"
            )
        if (name, seed) not in self._weights:
            raise ValueError(f"model {name!r}: the comparison was told to keep no weights")
        recipe, data = self._builders[name]
        generator = random.getstate()
        model = recipe(data.feature_columns)
        # Keras drew seeds for values that are replaced here; what is built next starts as if not.
        random.setstate(generator)
        for variable, value in zip(model.variables, self._weights[name, seed], strict=True):
            variable.assign(value)
        return model

    @property
    def models(self) -> dict[str, keras.Model]:
        """Every model as the last seed trained it."""
        return {name: self.model(name) for name in self._builders}

    def models_by_seed(self, name: str) -> list[keras.Model]:
        """All runs' models of one name, in the order of the seeds."""
        return [self.model(name, seed) for seed in self.seeds]


def compare(
    models: Models,
    dataset: Dataset,
    seeds: int | Iterable[int] = 3,
    *,
    slices: Iterable[str] = (),
    baselines: Mapping[str, Any] | None = None,
    loss_weights: Mapping[str, float] | None = None,
    balancing: Any = None,
    checkpoint: str | os.PathLike[str] | None = None,
    epochs: int = 10,
    batch_size: int = 1024,
    patience: int | None = 2,
    watch: str = "auc",
    schedule: Any = None,
    reduce_on_plateau: Any = None,
    callbacks: Sequence[Any] = (),
    checkpoint_steps: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """The table of a comparison: ``Comparison(models, ...).on(dataset, seeds).table``.

    Args:
        models, slices, baselines, loss_weights, balancing, checkpoint, epochs, batch_size,
            patience, watch, schedule, reduce_on_plateau, callbacks, checkpoint_steps, progress:
            see ``Comparison``.
        dataset, seeds: see ``Comparison.on``.

    Returns:
        ``DataFrame``, see ``ComparisonResult.table``.

    Raises:
        ValueError: as ``Comparison``; no seed.

    Example:
        >>> from recsys_lib.data import simulator
        >>> from recsys_lib.memorization import build_logistic_regression
        >>> world = simulator.second_order(num_rows=500, num_valid_rows=200, num_test_rows=200)
        >>> table = compare({"LR": build_logistic_regression}, world, seeds=1, epochs=1)
        >>> list(table["model"])
        ['base rate', 'oracle', 'LR']
    """
    comparison = Comparison(
        models,
        slices=slices,
        baselines=baselines,
        loss_weights=loss_weights,
        balancing=balancing,
        checkpoint=checkpoint,
        epochs=epochs,
        batch_size=batch_size,
        patience=patience,
        watch=watch,
        schedule=schedule,
        reduce_on_plateau=reduce_on_plateau,
        callbacks=callbacks,
        checkpoint_steps=checkpoint_steps,
        progress=progress,
    )
    return comparison.on(dataset, seeds, keep=False).table


def _seeds(seeds: int | Iterable[int]) -> list[int]:
    if isinstance(seeds, Iterable):
        found = [check_integer("seeds", seed, 0) for seed in seeds]
    else:
        found = list(range(check_integer("seeds", seeds)))
    if not found:
        raise ValueError("seeds: expected at least one, got none")
    if len(set(found)) < len(found):
        raise ValueError(f"seeds: expected different ones, got {found}")
    return found


def _count(model):
    return int(sum(np.prod(weight.shape) for weight in model.trainable_weights))


def _default_baselines(dataset):
    baselines = {"base rate": [trivial.base_rate(dataset, task) for task in dataset.tasks]}
    known = [task for task in dataset.tasks if task in dataset.test.probability]
    if known:
        baselines["oracle"] = [trivial.oracle(dataset, task) for task in known]
    return baselines


def _score(model, dataset, parts):
    for slice_name, split in parts.items():
        for task, prediction in predictions_of(model, split).items():
            row = score_task(split, task, prediction, dataset.tasks[task])
            if task in split.probability:
                row |= _gaps(dataset, split, task, row)
            yield {"task": task, "slice": slice_name, **row}


def _gaps(dataset, split, task, row):
    labels = split.labels[task][split.rows_of(task)]
    if np.ptp(labels) == 0:  # no AUC, so no gap to close; missing like the AUC
        metrics = ("auc", "log_loss") if "auc" in row else ("mean_squared_error",)
        return {f"{metric}_gap_closed": np.nan for metric in metrics}
    bounds = trivial.score_bounds(dataset, split, task)
    return {
        f"{metric}_gap_closed": share_of_gap(row[metric], bound.trivial, bound.oracle)
        for metric, bound in bounds.items()
    }
