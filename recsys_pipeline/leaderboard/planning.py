"""A plan: recipe and command line together, model by model, before data are read.

A setting for one model overrides one for all models, and the command line overrides the recipe.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from recsys_pipeline.leaderboard.entries import Entry, chosen, every_model, fitting, missing, models
from recsys_pipeline.leaderboard.recipe_files import RecipeFile
from recsys_pipeline.leaderboard.settings import (
    DEFAULTS,
    FIT,
    as_python,
    check_fit,
    described,
    fit_settings,
    parameters,
    takes,
)

if TYPE_CHECKING:
    from recsys_lib.data import Dataset
    from recsys_lib.training import Recipe

Given = Iterable[tuple[str | None, str, Any]]


@dataclasses.dataclass(frozen=True)
class Line:
    """One model with all its settings.

    Args:
        entry: of a recipe, with its row of the zoo.
        options: of its builder.
        fit: of its training.
        grid: option or setting to the values that are compared on validation rows.
    """

    entry: Entry
    options: Mapping[str, Any]
    fit: Mapping[str, Any]
    grid: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """Printed name."""
        return self.entry.name

    @property
    def epochs(self) -> int:
        """Most epochs of one run."""
        return int(self.fit["epochs"])

    @property
    def batch_size(self) -> int:
        """Rows of one step."""
        return int(self.fit["batch_size"])

    def trials(self) -> list["Line"]:
        """One line for every combination of the grid's values; without a grid, the line itself."""
        found = []
        for values in itertools.product(*self.grid.values()):
            said = dict(zip(self.grid, values, strict=True))
            options = {**self.options, **{k: v for k, v in said.items() if k not in FIT}}
            fit = {**self.fit, **{k: v for k, v in said.items() if k in FIT}}
            found.append(dataclasses.replace(self, options=options, fit=fit, grid={}))
        return found

    def recipe(self, tasks: Any = None) -> "Recipe":
        """The library's ``Recipe`` that builds and trains it.

        Args:
            tasks: argument of the builder; None: its default.

        Raises:
            ValueError: a value that neither builder nor optimizer accepts.
        """
        settings = {name: as_python(name, value) for name, value in self.options.items()}
        if tasks is not None:
            settings["tasks"] = tasks
        return self.entry.model.recipe(**fit_settings(self.fit), **settings)

    def described(self) -> str:
        """All settings, in one line."""
        model = self.entry.model
        said = {**model.options, **self.options}
        return described({"model": model.key, "options": said, "fit": dict(self.fit)})


@dataclasses.dataclass(frozen=True)
class Plan:
    """The models and settings to run.

    Args:
        entries: of the board; None: every model that fits the data.
        known: the recipe's entries of single models, by printed name.
        seeds: number of initialisations.
        fit: settings of every training.
        options: of every model that has them, from the recipe.
        shared: the same from the command line.
        given: returned by ``read_option``; later options replace earlier ones.
        fit_given: settings from the command line; they override a model's own.
        published: printed name to the AUC that is published.
    """

    entries: Mapping[str, Entry] | None
    known: Mapping[str, Entry]
    seeds: int
    fit: Mapping[str, Any]
    options: Mapping[str, Any]
    shared: Mapping[str, Any]
    given: tuple[tuple[str | None, str, Any], ...]
    fit_given: Mapping[str, Any]
    published: Mapping[str, float]

    def lines(self, dataset: "Dataset | None" = None) -> tuple[list[Line], dict[str, str]]:
        """The lines of the board, in order, and the models whose needs the data do not meet.

        Args:
            dataset: ``Dataset``; None: the data are not known yet, and nothing is left out.

        Returns:
            The lines, and printed name to reason.
        """
        if self.entries is not None:
            entries = dict(self.entries)
        else:
            rows = models() if dataset is None else fitting(dataset)
            entries = {name: self.known.get(name) or Entry(name, row) for name, row in rows.items()}
            entries |= {name: entry for name, entry in self.known.items() if name not in entries}
        left_out = {}
        if dataset is not None:
            reasons = {name: missing(entry.model, dataset) for name, entry in entries.items()}
            left_out = {name: reason for name, reason in reasons.items() if reason is not None}
        return [self._line(e) for name, e in entries.items() if name not in left_out], left_out

    def _line(self, entry: Entry) -> Line:
        options = {k: v for k, v in self.options.items() if takes(entry.model, k)}
        options |= entry.options
        said = {k: v for k, v in self.shared.items() if takes(entry.model, k)}
        having = parameters(entry.model)
        for model, option, value in self.given:
            everyone = model is None and (option in having or option in FIT)
            if everyone or model in (entry.name, entry.model.key, entry.model.name):
                said[option] = value
        fit = {**self.fit, **entry.fit, **self.fit_given}
        fit |= {name: value for name, value in said.items() if name in FIT}
        said = {name: value for name, value in said.items() if name not in FIT}
        taken = {**said, **self.fit_given}
        grid = {name: values for name, values in entry.grid.items() if name not in taken}
        return Line(entry, {**options, **said}, fit, grid)


def make_plan(
    recipe: RecipeFile | None = None,
    names: Iterable[str] | None = None,
    *,
    seeds: int | None = None,
    fit: Mapping[str, Any] | None = None,
    shared: Mapping[str, Any] | None = None,
    given: Given = (),
) -> Plan:
    """Combine a recipe with further settings, and check all of it.

    Args:
        recipe: ``RecipeFile`` or None.
        names: printed names or keys of models, or of the recipe's entries; None: those of the
            recipe, or every model that fits the data.
        seeds: number of initialisations; None: the recipe's, or 3.
        fit: settings of every training that override the recipe's.
        shared: options for the models that have them.
        given: what ``read_option`` returned.

    Returns:
        ``Plan``.

    Raises:
        ValueError: an unknown model, option or setting, or a wrong value.
    """
    recipe = recipe or RecipeFile("none")
    given, fit_given = tuple(given), check_fit("options", dict(fit or {}))
    names = recipe.models if names is None else names
    entries = None if names is None else _named(list(names), recipe)
    plan = Plan(
        entries,
        recipe.entries,
        seeds if seeds is not None else recipe.seeds or 3,
        {**DEFAULTS, **recipe.fit},
        recipe.options,
        dict(shared or {}),
        given,
        fit_given,
        recipe.published,
    )
    _check_given(plan)
    for line in plan.lines()[0]:
        _check_options(line)
        for trial in line.trials():
            check_fit(line.name, trial.fit)
            trial.recipe()
    return plan


def _named(names: list[str], recipe: RecipeFile) -> dict[str, Entry]:
    """The entries that are asked for by name or key."""
    told = {entry.model.key for entry in recipe.entries.values()} | set(recipe.entries)
    unknown = [name for name in names if name not in told]
    if unknown or not names:
        chosen(unknown)  # raises for an unknown model
    found = {entry.name: entry for entry in map(recipe.entry, names)}
    if len(found) < len(names):
        raise ValueError(f"models: expected each one once, got {names}")
    return found


def _check_given(plan: Plan) -> None:
    """Check options of ``--option``: of a model on the board, or of all that have them."""
    everyone = every_model() | {name: entry.model for name, entry in plan.known.items()}
    rows = everyone
    if plan.entries is not None:
        rows = {name: entry.model for name, entry in plan.entries.items()}
    for option in plan.options:
        if not any(option in parameters(row) for row in everyone.values()):
            raise ValueError(f"recipe, options: expected what some model has, got {option!r}")
    for model, option, _ in plan.given:
        if model is None:
            if option not in FIT and not any(option in parameters(row) for row in rows.values()):
                raise ValueError(f"option: expected one that some model has, got {option!r}")
            continue
        if not any(model in (name, row.key, row.name) for name, row in rows.items()):
            chosen([model])  # raises for an unknown model
            raise ValueError(f"option: expected a model of {list(rows)}, got {model!r}")


def _check_options(line: Line) -> None:
    having = parameters(line.entry.model)
    for option in (*line.options, *line.grid):
        if option not in having and option not in FIT:
            raise ValueError(
                f"{line.name}: expected an option of {list(having)} or of the training, {FIT}, "
                f"got {option!r}"
            )
