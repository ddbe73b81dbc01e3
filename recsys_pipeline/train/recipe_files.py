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
import pathlib
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic

from recsys_lib import zoo
from recsys_pipeline.train.models import find
from recsys_pipeline.train.settings import Training, check

SHIPPED = pathlib.Path(__file__).parent / "recipes"

Grid = dict[str, Annotated[list[Any], pydantic.Field(min_length=1)]]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One model of a recipe: printed name, row of the zoo, and what the file says of it.

    ``options`` are of its builder, ``fit`` are fields of ``Training``; ``grid`` has the values of
    either that are compared on validation rows.
    """

    name: str
    model: zoo.Model
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fit: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    grid: Mapping[str, list[Any]] = dataclasses.field(default_factory=dict)

    def is_called(self, name: str) -> bool:
        """Whether a printed name, or the key of a model that has its own name, means this one."""
        return name == self.name or (name == self.model.key and self.name == self.model.name)


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

    def all_entries(self) -> list[Entry]:
        """The entries of single models; ``ValueError`` for two of one name."""
        found = [self._entry(key, dict(table)) for key, table in self.entries.items()]
        names = [entry.name for entry in found]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{self.name}: two entries are called {name!r}")
        return found

    def entry(self, name: str) -> Entry:
        """The entry of a model, by printed name or key; a model without one is its own entry."""
        for entry in self.all_entries():
            if entry.is_called(name):
                return entry
        model = find(name, "models")
        return Entry(model.name, model)

    def published_auc(self) -> dict[str, float]:
        """Printed name to the AUC that is published."""
        return {self.entry(name).name: value for name, value in self.published.auc.items()}

    def _entry(self, key: str, table: dict[str, Any]) -> Entry:
        where = f"{self.name}, entries.{key}"
        own_name, named = "model" in table, table.pop("model", key)
        model = find(named, where)
        fit, grid = table.pop("fit", {}), table.pop("grid", {})
        about = check(_Training, where, {"fit": fit, "grid": grid})
        stated = check(Training, f"{where}, fit", about.fit).model_dump(exclude_unset=True)
        return Entry(key if own_name else model.name, model, table, stated, about.grid)


class _Training(pydantic.BaseModel, strict=True):
    fit: dict[str, Any]
    grid: Grid


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
