"""A plan: recipe and command line together, model by model, before data are read.

A setting for one model overrides one for all models, and the command line overrides the recipe.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from recsys_lib import zoo
from recsys_pipeline.files.checks_of_values import nearest
from recsys_pipeline.train import models
from recsys_pipeline.train.recipe_files import Line, RecipeFile
from recsys_pipeline.train.settings import FIELDS

if TYPE_CHECKING:
    from recsys_lib.data import Dataset
    from recsys_pipeline.files.description import Description

Given = tuple[str | None, str, Any]
"""Model (None: all that have the option), option or field of ``Training``, and value."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The models and settings to run.

    Without ``entries`` they are every model that fits the data. Later ``given`` settings replace
    earlier ones.
    """

    recipe: RecipeFile
    entries: tuple[Line, ...] | None
    seeds: int
    given: tuple[Given, ...]

    def lines(self, dataset: "Dataset | None" = None) -> tuple[list[Line], dict[str, str]]:
        """The lines of the board, in order, and a dict of each model left out to the reason.

        A model is left out whose needs the data do not meet. Without data none is.
        """
        entries = self.entries
        if entries is None:
            known = {entry.name: entry for entry in self.recipe.all_entries()}
            rows = models.plain_models() if dataset is None else models.every_model()
            entries = tuple((known | {n: known.get(n) or Line(n, rows[n]) for n in rows}).values())
        if dataset is None:
            return [self._line(entry) for entry in entries], {}
        there = models.provided(dataset.feature_columns, dataset.tasks or {}, dataset)
        reasons = {entry.name: models.missing(entry.model, there) for entry in entries}
        lines = [self._line(entry) for entry in entries if reasons[entry.name] is None]
        asked = self.entries is not None
        return lines, {name: why for name, why in reasons.items() if asked and why is not None}

    def _line(self, entry: Line) -> Line:
        said = {}
        for model, name, value in self.given:
            everyone = model is None and (name in FIELDS or models.takes(entry.model, name))
            if everyone or model in (entry.name, entry.model.key, entry.model.name):
                said[name] = value
        options = {k: v for k, v in self.recipe.options.items() if models.takes(entry.model, k)}
        options |= entry.options
        fit = {**self.recipe.fit, **entry.fit}
        grid = {name: values for name, values in entry.grid.items() if name not in said}
        return dataclasses.replace(entry, options=options, fit=fit, grid=grid).but(said)


def make_plan(
    recipe: RecipeFile | None = None,
    names: Iterable[str] | None = None,
    *,
    seeds: int | None = None,
    given: Iterable[Given] = (),
    **settings: Any,
) -> Plan:
    """Combine a recipe with further settings, and check all of it.

    Args:
        recipe: ``RecipeFile`` or None.
        names: printed names or keys of models, or of the recipe's entries; None: those of the
            recipe, or every model that fits the data.
        seeds: number of initialisations; None: the recipe's, or 3.
        given: further settings, of one model or of all; what ``read_option`` returned.
        **settings: fields of ``Training`` and options of builders, for all models.

    Returns:
        ``Plan``.

    Raises:
        ValueError: an unknown model, option or setting, or a wrong value.
    """
    recipe = RecipeFile(seeds=None) if recipe is None else recipe
    names = recipe.models if names is None else list(names)
    entries = None if names is None else tuple(recipe.entry(name) for name in names)
    if entries is not None and len({entry.name for entry in entries}) < max(1, len(names or ())):
        raise ValueError(f"models: expected each one once, got {names}")
    said = (*((None, name, value) for name, value in settings.items()), *given)
    plan = Plan(recipe, entries, seeds or recipe.seeds or 3, said)
    _check_names(plan, settings)
    for line in plan.lines()[0]:
        for option in (*line.options, *line.grid):
            known = [*models.parameters(line.model), *(FIELDS if option in line.grid else ())]
            if option not in known:
                raise ValueError(f"{line.name}: unknown option {option!r}{nearest(option, known)}")
        for trial in line.trials():
            if line.grid and trial.training.patience is None:
                raise ValueError(
                    f"{line.name}: expected a patience, to choose from a grid, got none"
                )
            try:
                trial.recipe()
            except ValueError as error:
                raise ValueError(f"{line.name}: {error}") from None
    return plan


def _check_names(plan: Plan, settings: Iterable[str]) -> None:
    """Check what is said for all models, and which models something is said for."""
    rows = models.every_model()
    if plan.entries is not None:
        rows = {entry.name: entry.model for entry in plan.entries}
    options = {
        name for row in rows.values() for name in models.parameters(row) if models.takes(row, name)
    }
    everyone = {name for row in models.every_model().values() for name in models.parameters(row)}
    where = f"{plan.recipe.name}, options"
    for option in plan.recipe.options:
        if option not in everyone:
            raise ValueError(f"{where}: unknown option {option!r}{nearest(option, everyone)}")
    for model, option, _ in plan.given:
        if model is None:
            known = {*FIELDS, *(everyone if option in settings else options)}
            if option not in known:
                raise ValueError(f"option: unknown name {option!r}{nearest(option, sorted(known))}")
        elif not any(model in (name, row.key, row.name) for name, row in rows.items()):
            models.find(model, "option")
            raise ValueError(f"option: expected a model of {list(rows)}, got {model!r}")


def tasks_of(
    model: zoo.Model, labels: Mapping[str, str], asked: Iterable[str] | None = None
) -> dict[str, str]:
    """The labels that a model predicts, task to kind: those asked for, in their order, or all.

    Raises:
        ValueError: an unknown label, or several labels for a model of one.
    """
    if asked is not None:
        for task in (asked := tuple(asked)):
            if task not in labels:
                raise ValueError(f"tasks: unknown {task!r}{nearest(task, labels)}")
        return {task: labels[task] for task in asked}
    if "several tasks" in model.needs or len(labels) == 1:
        return dict(labels)
    raise ValueError(
        f"{model.key}: the data have the labels {list(labels)}; name those that it predicts in "
        "tasks"
    )


def check_with(line: Line, tasks: Mapping[str, str], description: "Description") -> None:
    """Build a model once, for columns with few ids, before a row is read.

    Raises:
        ValueError: data that lack what the model needs; a value that builder, optimizer or
            balancing method refuses.
    """
    from recsys_lib.training.weighting import FixedWeights
    from recsys_pipeline.files.placeholders import placeholders

    known, objective = ["user", *description.groups], line.training.asked()
    for name in ("objective", "watch"):
        group = (getattr(line.training, name) or "").partition(":")[2]
        if group and group not in known:
            raise ValueError(f"{name}: expected a group of {known}, got {group!r}")
    if unknown := set(line.training.loss_weights or {}) - set(tasks):
        raise ValueError(f"loss_weights: expected tasks of {list(tasks)}, got {unknown}")
    columns = placeholders(description)
    if columns is None:
        return
    if lacking := models.missing(line.model, models.provided(columns, tasks)):
        raise ValueError(f"{line.model.key}: {lacking}")
    recipe = line.recipe(tasks, columns)
    try:
        chosen = recipe.columns or [column.name for column in columns]
        built = recipe([column for column in columns if column.name in chosen])
        weights = recipe.balancing or FixedWeights(line.training.loss_weights)
        weights.start(built, tasks)
        if objective is not None:
            objective.start(built, tasks)
        recipe.fresh_optimizer().build(built.trainable_variables)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{line.model.key}: {error}") from None
