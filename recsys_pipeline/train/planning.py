"""A plan: recipe and command line together, model by model, before data are read.

A setting for one model overrides one for all models, and the command line overrides the recipe.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from recsys_lib import zoo
from recsys_pipeline.files.checks_of_values import nearest
from recsys_pipeline.train.models import (
    every_model,
    find,
    missing,
    parameters,
    plain_models,
    provided,
    read_by,
    takes,
)
from recsys_pipeline.train.recipe_files import Entry, RecipeFile
from recsys_pipeline.train.settings import Training, as_python, check

if TYPE_CHECKING:
    from recsys_lib.data import Dataset
    from recsys_lib.training import Recipe
    from recsys_pipeline.files.description import Description

Given = tuple[str | None, str, Any]
"""Model (None: all that have the option), option or field of ``Training``, and value."""


@dataclasses.dataclass(frozen=True)
class Line:
    """One model with all its settings; ``grid`` is empty but where values are to be chosen."""

    name: str
    model: zoo.Model
    options: Mapping[str, Any]
    training: Training
    grid: Mapping[str, list[Any]] = dataclasses.field(default_factory=dict)

    def trials(self) -> list["Line"]:
        """One line for every combination of the grid's values; without a grid, the line itself."""
        found = []
        for values in itertools.product(*self.grid.values()):
            said = dict(zip(self.grid, values, strict=True))
            fit = {name: value for name, value in said.items() if name in Training.NAMES}
            stated = self.training.model_dump(exclude_unset=True)
            training = check(Training, self.name, {**stated, **fit})
            options = {**self.options, **{k: v for k, v in said.items() if k not in fit}}
            found.append(Line(self.name, self.model, options, training))
        return found

    def recipe(self, tasks: Mapping[str, str] | None = None, columns: Any = ()) -> "Recipe":
        """The library's ``Recipe`` that builds and trains it.

        Args:
            tasks: task to kind; None: the builder's default.
            columns: the feature columns, of which it may read histories.

        Raises:
            ValueError: a value that the optimizer or the balancing method refuses.
        """
        said = {name: as_python(name, value) for name, value in self.options.items()}
        said = {**read_by(self.model, columns, said), **said}
        if tasks is not None:
            # A model of one binary task names its output by it.
            plain = len(tasks) == 1 and "several tasks" not in self.model.needs
            plain = plain and "binary" in tasks.values()
            said["tasks"] = next(iter(tasks)) if plain else dict(tasks)
        return self.model.recipe(**self.training.arguments(), **said)

    def described(self) -> dict[str, Any]:
        """All settings, in types that JSON knows."""
        options = {**self.model.options, **self.options}
        return {"model": self.model.key, "options": options, "fit": self.training.model_dump()}


@dataclasses.dataclass(frozen=True)
class Plan:
    """The models and settings to run.

    Without ``entries`` they are every model that fits the data. Later ``given`` settings replace
    earlier ones.
    """

    recipe: RecipeFile
    entries: tuple[Entry, ...] | None
    seeds: int
    given: tuple[Given, ...]

    def lines(self, dataset: "Dataset | None" = None) -> tuple[list[Line], dict[str, str]]:
        """The lines of the board, in order, and the models that were asked for to the reason why
        the data do not meet their needs. Without data nothing is left out.
        """
        entries = self.entries
        if entries is None:
            known = {entry.name: entry for entry in self.recipe.all_entries()}
            rows = plain_models() if dataset is None else every_model()
            entries = tuple((known | {n: known.get(n) or Entry(n, rows[n]) for n in rows}).values())
        if dataset is None:
            return [self._line(entry) for entry in entries], {}
        there = provided(dataset.feature_columns, dataset.tasks or {}, dataset)
        reasons = {entry.name: missing(entry.model, there) for entry in entries}
        lines = [self._line(entry) for entry in entries if reasons[entry.name] is None]
        asked = self.entries is not None
        return lines, {name: why for name, why in reasons.items() if asked and why is not None}

    def _line(self, entry: Entry) -> Line:
        said = {}
        for model, name, value in self.given:
            everyone = model is None and (name in Training.NAMES or takes(entry.model, name))
            if everyone or model in (entry.name, entry.model.key, entry.model.name):
                said[name] = value
        options = {k: v for k, v in self.recipe.options.items() if takes(entry.model, k)}
        options |= {**entry.options, **{k: v for k, v in said.items() if k not in Training.NAMES}}
        fit = {**self.recipe.fit, **entry.fit}
        fit |= {name: value for name, value in said.items() if name in Training.NAMES}
        grid = {name: values for name, values in entry.grid.items() if name not in said}
        return Line(entry.name, entry.model, options, check(Training, entry.name, fit), grid)


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
    said = [(None, name, value) for name, value in settings.items()]
    seeds = seeds if seeds is not None else recipe.seeds or 3
    plan = Plan(recipe, entries, seeds, (*said, *given))
    _check_names(plan, settings)
    for line in plan.lines()[0]:
        for option in (*line.options, *line.grid):
            known = [*parameters(line.model), *(Training.NAMES if option in line.grid else ())]
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
    rows = every_model()
    if plan.entries is not None:
        rows = {entry.name: entry.model for entry in plan.entries}
    options = {name for row in rows.values() for name in parameters(row) if takes(row, name)}
    everyone = {name for row in every_model().values() for name in parameters(row)}
    where = f"{plan.recipe.name}, options"
    for option in plan.recipe.options:
        if option not in everyone:
            raise ValueError(f"{where}: unknown option {option!r}{nearest(option, everyone)}")
    for model, option, _ in plan.given:
        if model is None:
            known = {*Training.NAMES, *(everyone if option in settings else options)}
            if option not in known:
                raise ValueError(f"option: unknown name {option!r}{nearest(option, sorted(known))}")
        elif not any(model in (name, row.key, row.name) for name, row in rows.items()):
            find(model, "option")
            raise ValueError(f"option: expected a model of {list(rows)}, got {model!r}")


def tasks_of(
    model: zoo.Model, labels: Mapping[str, str], asked: Iterable[str] | None = None
) -> dict[str, str]:
    """The labels that a model predicts, task to kind: those asked for, in their order, or all.

    Raises:
        ValueError: an unknown label, or several labels for a model of one.
    """
    if asked is not None:
        for task in (names := tuple(asked)):
            if task not in labels:
                raise ValueError(f"tasks: unknown {task!r}{nearest(task, labels)}")
        return {task: labels[task] for task in names}
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

    if unknown := set(line.training.loss_weights or {}) - set(tasks):
        raise ValueError(f"loss_weights: expected tasks of {list(tasks)}, got {unknown}")
    columns = placeholders(description)
    if columns is None:
        return
    if lacking := missing(line.model, provided(columns, tasks)):
        raise ValueError(f"{line.model.key}: {lacking}")
    recipe = line.recipe(tasks, columns)
    try:
        chosen = recipe.columns or [column.name for column in columns]
        built = recipe([column for column in columns if column.name in chosen])
        weights = recipe.balancing or FixedWeights(line.training.loss_weights)
        weights.start(built, tasks)
        recipe.fresh_optimizer().build(built.trainable_variables)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{line.model.key}: {error}") from None
