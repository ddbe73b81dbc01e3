"""Recipes: files that state models, and how each is built and trained.

    title = "Frappe"                     # one line
    about = "..."                        # where the numbers are from
    models = ["lr", "fm", "..."]         # of the board; default: all that fit
    seeds = 3
    group = "field_1"                    # the user, where the files do not say it
    rank_by = "auc"                      # default: gauc where users are known
    [fit]                                # of every training: the fields of Training
    epochs = 100
    [options]                            # of every model that has them
    embedding_dim = 10
    [entries.afm]                        # of one model: its key, or a name of your own ...
    attention_dim = 128
    [entries.afm.fit]                    # ... its training ...
    learning_rate = 0.01
    [entries.afm.grid]                   # ... and values compared on validation rows
    attention_dropout_rate = [0.0, 0.2]
    [entries."AFM, wide"]                # a second form of a model
    model = "afm"
    [published]                          # scores to compare the board with
    source = "..."
    rule = "mean of five runs"           # by which all of them were chosen; the heading says it
    auc.afm = 0.97

Recipes for common public data sets come with the package; a name without a path means one of them.
"""

import dataclasses
import hashlib
import itertools
import pathlib
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pydantic

from recsys_lib import zoo
from recsys_pipeline.train.models import find, read_by
from recsys_pipeline.train.settings import FIELDS, Training, as_python, check

if TYPE_CHECKING:
    from recsys_lib.training import Recipe

SHIPPED = pathlib.Path(__file__).parent / "recipes"


@dataclasses.dataclass(frozen=True)
class Line:
    """One model with its settings: what a recipe's entry says of it, or all that holds for it.

    Args:
        name: as tables print it.
        model: row of the zoo.
        options: of its builder.
        fit: fields of ``Training``, those that are stated.
        grid: values of either that are compared on validation rows.
    """

    name: str
    model: zoo.Model
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fit: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    grid: Mapping[str, list[Any]] = dataclasses.field(default_factory=dict)
    training: Training = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "training", check(Training, self.name, self.fit))

    def but(self, said: Mapping[str, Any]) -> "Line":
        """The line with other values of some settings."""
        fit = {name: value for name, value in said.items() if name in FIELDS}
        options = {name: value for name, value in said.items() if name not in FIELDS}
        options, fit = {**self.options, **options}, {**self.fit, **fit}
        return dataclasses.replace(self, options=options, fit=fit)

    def trials(self) -> list["Line"]:
        """One line for every combination of the grid's values; without a grid, the line itself."""
        plain = dataclasses.replace(self, grid={})
        several = itertools.product(*self.grid.values())
        return [plain.but(dict(zip(self.grid, values, strict=True))) for values in several]

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


class Published(pydantic.BaseModel, extra="forbid"):
    """Scores to compare a board with: their source, the one rule by which all were chosen."""

    source: str = ""
    rule: str = "published"
    auc: dict[str, Annotated[float, pydantic.Field(ge=0, le=1)]] = {}


class RecipeFile(pydantic.BaseModel, extra="forbid", strict=True):
    """The content of a recipe's file; see the module's text."""

    title: str = ""
    about: str = ""
    models: list[str] | None = None
    seeds: int | None = pydantic.Field(None, ge=1)
    group: str | None = None
    rank_by: Literal["auc", "gauc"] | None = None
    fit: dict[str, Any] = {}
    options: dict[str, Any] = {}
    entries: dict[str, dict[str, Any]] = {}
    published: Published = Published()
    name: str = ""
    sha256: str = ""

    def all_entries(self) -> list[Line]:
        """The entries of single models; ``ValueError`` for two of one name."""
        found: dict[str, Line] = {}
        for key, table in self.entries.items():
            entry = self._entry(key, dict(table))
            if found.setdefault(entry.name, entry) is not entry:
                raise ValueError(f"{self.name}: two entries are called {entry.name!r}")
        return list(found.values())

    def entry(self, name: str) -> Line:
        """The entry of a model, by printed name or key; a model without one is its own entry."""
        for entry in self.all_entries():
            own = entry.name == entry.model.name  # and no second form of a model
            if name == entry.name or (own and name == entry.model.key):
                return entry
        model = find(name, "models")
        return Line(model.name, model)

    def published_auc(self) -> dict[str, float]:
        """Printed name to the AUC that is published."""
        return {self.entry(name).name: value for name, value in self.published.auc.items()}

    def _entry(self, key: str, table: dict[str, Any]) -> Line:
        where = f"{self.name}, entries.{key}"
        own_name, named = "model" in table, table.pop("model", key)
        model = find(named, where)
        fit, grid = table.pop("fit", {}), table.pop("grid", {})
        about = check(_Training, where, {"fit": fit, "grid": grid})
        stated = check(Training, f"{where}, fit", about.fit).model_dump(exclude_unset=True)
        return Line(key if own_name else model.name, model, table, stated, about.grid)


class _Training(pydantic.BaseModel, strict=True):
    fit: dict[str, Any]
    grid: dict[str, Annotated[list[Any], pydantic.Field(min_length=1)]]


def shipped() -> dict[str, pathlib.Path]:
    """The recipes that come with the package, name to file.

    Example:
        >>> "frappe" in shipped()
        True
    """
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def read_recipe(name: str) -> RecipeFile:
    """Read and check a recipe.

    Args:
        name: of a shipped recipe, or a file.

    Returns:
        Its content, a ``RecipeFile``.

    Raises:
        ValueError: an unknown recipe, or a wrong name or value, with its place.

    Example:
        >>> read_recipe("frappe").fit["epochs"]
        100
    """
    path = shipped().get(name, pathlib.Path(name))
    if not path.is_file():
        raise ValueError(f"recipe: expected a file or one of {list(shipped())}, got {name!r}")
    content = path.read_bytes()
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: not a readable TOML file ({error})") from None
    recipe = check(RecipeFile, path.name, table)
    recipe.name, recipe.sha256 = path.stem, hashlib.sha256(content).hexdigest()
    check(Training, f"{path.name}, fit", recipe.fit)
    recipe.about = " ".join(recipe.about.split())
    recipe.all_entries(), recipe.published_auc()
    for model in recipe.models or ():
        recipe.entry(model)
    return recipe
