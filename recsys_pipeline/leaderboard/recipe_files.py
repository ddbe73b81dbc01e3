"""Recipes: files that state the models of a board, and how each is built and trained.

    title = "Frappe"                     # one line
    about = "..."                        # where the numbers are from
    models = ["lr", "fm", "..."]         # of the board; default: all that fit
    seeds = 3
    [fit]                                # of every training
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
    auc.afm = 0.97

Recipes for common public data sets come with the library; a name without a path means one of them.
"""

import dataclasses
import hashlib
import pathlib
import tomllib
from collections.abc import Mapping
from typing import Any

from recsys_lib import zoo
from recsys_lib.checks import check_integer, check_number
from recsys_pipeline.leaderboard.entries import Entry, chosen, every_model
from recsys_pipeline.leaderboard.settings import check_fit

SHIPPED = pathlib.Path(__file__).parent / "recipes"
_SECTIONS = ("title", "about", "models", "seeds", "fit", "options", "entries", "published")


@dataclasses.dataclass(frozen=True)
class RecipeFile:
    """The content of a recipe's file.

    Args:
        name: of the file, without folder and ending.
        title, about: of the board.
        entries: of single models, by printed name.
        models: printed names of the board's models; None: all models that fit the data.
        seeds: number of initialisations, or None.
        fit: settings of every training.
        options: of every model that has them.
        published: printed name to the AUC that is published.
        source: of the published scores.
        sha256: of the file.
    """

    name: str
    title: str = ""
    about: str = ""
    entries: Mapping[str, Entry] = dataclasses.field(default_factory=dict)
    seeds: int | None = None
    fit: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    published: Mapping[str, float] = dataclasses.field(default_factory=dict)
    source: str = ""
    sha256: str = ""
    models: tuple[str, ...] | None = None

    def entry(self, name: str) -> Entry:
        """The file's entry of a model, by printed name or key.

        Raises:
            ValueError: an unknown name.
        """
        return self.entries.get(name) or _told(self.entries, name) or Entry(*_row(name))


def _told(entries: Mapping[str, Entry], key: str) -> Entry | None:
    """The entry of a model's key that has the name of its model."""
    return next(
        (e for e in entries.values() if key == e.model.key and e.name == e.model.name), None
    )


def _row(name: str) -> tuple[str, zoo.Model]:
    (model,) = chosen([name]).values()
    return model.name, model


def shipped() -> dict[str, pathlib.Path]:
    """The recipes that come with the library.

    Returns:
        Dict of name to file.

    Example:
        >>> "frappe" in shipped()
        True
    """
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def read_recipe(name: str) -> RecipeFile:
    """Read a recipe.

    Args:
        name: of a shipped recipe, or a file.

    Returns:
        ``RecipeFile``.

    Raises:
        ValueError: an unknown recipe, or a wrong key or value, with file and place.

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
    digest = hashlib.sha256(content).hexdigest()
    return _parsed(path, table, digest)


def _parsed(path: pathlib.Path, table: dict[str, Any], digest: str) -> RecipeFile:
    where = path.name
    unknown = sorted(set(table) - set(_SECTIONS))
    if unknown:
        raise ValueError(f"{where}: expected some of {_SECTIONS}, got {unknown}")
    for name, kind in (("title", str), ("about", str), ("models", list)):
        if not isinstance(table.get(name, kind()), kind):
            raise ValueError(f"{where}, {name}: expected a {kind.__name__}, got {table[name]!r}")
    for name in ("fit", "options", "entries", "published"):
        if not isinstance(table.get(name, {}), dict):
            raise ValueError(f"{where}, {name}: expected a table, got {table[name]!r}")
    if "seeds" in table:
        check_integer(f"{where}, seeds", table["seeds"])
    entries = {}
    for key, settings in table.get("entries", {}).items():
        entry = _entry(where, key, settings)
        if entry.name in entries:
            raise ValueError(f"{where}: two entries are called {entry.name!r}")
        entries[entry.name] = entry
    published = table.get("published", {})
    if set(published) - {"source", "auc"}:
        raise ValueError(f"{where}, published: expected source and auc, got {sorted(published)}")
    scores = {
        _printed(where, name, entries): check_number(f"{where}, published, {name}", value, 0, 1)
        for name, value in published.get("auc", {}).items()
    }
    names = table.get("models")
    return RecipeFile(
        path.stem,
        table.get("title", ""),
        " ".join(table.get("about", "").split()),
        entries,
        table.get("seeds"),
        check_fit(f"{where}, fit", table.get("fit", {})),
        table.get("options", {}),
        scores,
        published.get("source", ""),
        digest,
        None if names is None else tuple(_printed(where, name, entries) for name in names),
    )


def _model(name: str) -> zoo.Model | None:
    return next(
        (model for model in every_model().values() if name in (model.key, model.name)), None
    )


def _entry(where: str, key: str, settings: Any) -> Entry:
    label = f"{where}, entries.{key}"
    if not isinstance(settings, dict):
        raise ValueError(f"{label}: expected a table, got {settings!r}")
    options = {k: v for k, v in settings.items() if k not in ("model", "fit", "grid")}
    asked = settings.get("model", key)
    model = _model(asked)
    if model is None:
        known = [model.key for model in every_model().values()]
        raise ValueError(f"{label}: expected a model of {known}, got {asked!r}")
    grid = settings.get("grid", {})
    if not isinstance(grid, dict) or not all(isinstance(v, list) and v for v in grid.values()):
        raise ValueError(f"{label}, grid: expected lists of values, got {grid!r}")
    fit = settings.get("fit", {})
    if not isinstance(fit, dict):
        raise ValueError(f"{label}, fit: expected a table, got {fit!r}")
    name = key if "model" in settings else model.name
    lists = {option: tuple(values) for option, values in grid.items()}
    return Entry(name, model, options, check_fit(f"{label}, fit", fit), lists)


def _printed(where: str, name: str, entries: Mapping[str, Entry]) -> str:
    """The printed name of an entry that a file calls by key or name."""
    if name in entries:
        return name
    model = _model(name)
    if model is None:
        raise ValueError(f"{where}: expected a model or an entry, got {name!r}")
    return model.name
