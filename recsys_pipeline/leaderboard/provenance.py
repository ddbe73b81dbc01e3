"""The provenance of a board: what someone else needs to make it again."""

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Mapping
from typing import Any

import recsys_lib
from recsys_lib.data import Dataset
from recsys_pipeline.leaderboard.planning import Plan
from recsys_pipeline.leaderboard.recipe_files import RecipeFile
from recsys_pipeline.leaderboard.store import checksum

PACKAGES = ("tensorflow", "keras", "numpy", "pandas", "scipy")


def provenance_of(
    dataset: Dataset, plan: Plan, recipe: RecipeFile | None, said: Mapping[str, Any]
) -> dict[str, Any]:
    """Versions, data, recipe and settings.

    Args:
        dataset: ``Dataset``.
        plan: that was run.
        recipe: or None.
        said: further lines, such as margin and draws.

    Returns:
        JSON-ready dict, in the order of a reader's questions.
    """
    lines, left_out = plan.lines(dataset)
    tasks = dict(dataset.tasks or {})
    return {
        "made": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "recsys_lib": recsys_lib.__version__,
        "versions": {"python": platform.python_version()} | {n: _version(n) for n in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "data": {
            "name": dataset.name,
            "rows": {name: len(split) for name, split in dataset.splits.items()},
            "columns": len(dataset.feature_columns),
            "tasks": tasks,
            "sha256": checksum(dataset),
        },
        "recipe": _recipe(recipe),
        "seeds": list(range(plan.seeds)),
        "models": {line.name: line.described() for line in lines},
        "grids": {line.name: dict(line.grid) for line in lines if line.grid},
        "left_out": left_out,
        **said,
    }


def _recipe(recipe: RecipeFile | None) -> dict[str, str] | None:
    if recipe is None:
        return None
    told = {"name": recipe.name, "title": recipe.title, "about": recipe.about}
    return told | {"published": recipe.source, "sha256": recipe.sha256}


def _version(package: str) -> str:
    for name in (package, f"{package}-cpu"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"
