"""Records: a table of cells and what follows from it, committed, read by lessons and by CI.

``experiments/results/ID.csv`` holds the cells, ``ID.json`` all else. Both are replaced in one step
each; the second holds the hash of the first.
"""

import contextlib
import functools
import json
import platform
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bookmaker import PACKAGES as OURS
from bookmaker.building.inputs import ROOT, hash_of, parts_read
from bookmaker.code.imports import code_alone, find_modules
from experiments import logs
from experiments.engine import blocks, contrasts, differences, findings, real, running
from experiments.engine.arms import VARIED, Arm, as_options, point_text, sha256_of
from experiments.engine.declaration import DATA_MARGINS, Experiment, lens_reference
from experiments.engine.differences import MORE, Compared
from experiments.engine.registry import FOLDER, RESULTS
from experiments.engine.store import Store
from recsys_book.base.paths import write_atomically
from recsys_lib import zoo
from recsys_lib.training.intervals import t_interval

PACKAGES = ("python", "tensorflow", "keras", "numpy", "scipy", "scikit-learn")
_TRAINING = ("recsys_lib.training:Comparison", "recsys_lib.training:Trainer")
_LOADERS = {name: f"recsys_lib.data.{name.removesuffix('_pure')}:load" for name in DATA_MARGINS}
_CELLS = ("engine/cells.py", "engine/judging.py", "estimators.py", "logs.py")
_TEXTS = ["model", "point", "task", "slice", "processor", "switches"]
_WHOLE = ("world", "initialisation")
_SUMMARISED = {
    "points": ("auc_gap_closed", 100.0),
    "error_points": ("mean_squared_error_gap_closed", 100.0),
    "money_points": ("money_gap_closed", 100.0),
    "gauc_points": ("gauc_gap_closed", 100.0),
    "log_loss_platt": ("log_loss_platt", 1.0),
    "auc": ("auc", 1.0),
    "log_loss": ("log_loss", 1.0),
}


def paths(identifier: str, results: Path = RESULTS) -> tuple[Path, Path]:
    """Where a record's table and its manifest are."""
    return Path(results) / f"{identifier}.csv", Path(results) / f"{identifier}.json"


def users_path(identifier: str, results: Path = RESULTS, task: str = "") -> Path:
    """Where the sums of the users of a record on real data are; of several tasks those of one."""
    return Path(results) / f"{identifier}{task and '.'}{task}.users.npz"


def orders_path(identifier: str, results: Path = RESULTS) -> Path:
    """Where the order of each user's rows is, of a record on real data with pages."""
    return Path(results) / f"{identifier}.orders.npz"


def read(identifier: str, results: Path = RESULTS) -> dict[str, Any] | None:
    """A record's manifest; None where nothing is recorded.

    Args:
        identifier: of the experiment.
        results: folder of the records.

    Raises:
        ValueError: the file is no JSON.
    """
    _, path = paths(identifier, results)
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name}: expected JSON, {error}") from None


def read_table(identifier: str, results: Path = RESULTS) -> pd.DataFrame:
    """A record's cells, every number as it was measured."""
    path, _ = paths(identifier, results)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column in table.columns.difference(_TEXTS):
        # Python reads back the very number that was written.
        numbers = [float(text) if text else np.nan for text in table[column]]
        table[column] = np.asarray(numbers, np.int64 if column in _WHOLE else np.float64)
    return table


def stale(experiment: Experiment, results: Path = RESULTS) -> str | None:
    """Why a record does not answer for its declaration, in one line; None where it does.

    Text of the library that changed is no reason: replay sees what changed in numbers.

    Args:
        experiment: the declaration.
        results: folder of the records.
    """
    record = read(experiment.identifier, results)
    if record is None:
        return f"{experiment.identifier}: nothing is recorded"
    if record["declaration_sha256"] != experiment.sha256():
        return f"{experiment.identifier}: the declaration changed since the record"
    path, _ = paths(experiment.identifier, results)
    if not path.exists() or sha256_of(path.read_bytes()) != record["table_sha256"]:
        return f"{experiment.identifier}: the table is not that of the record"
    return None


def answering(experiment: Experiment, results: Path = RESULTS) -> dict[str, Any]:
    """The manifest that answers for a declaration.

    Args:
        experiment: the declaration.
        results: folder of the records.

    Raises:
        blocks.Refused: there is none.
    """
    record, reason = read(experiment.identifier, results), stale(experiment, results)
    if record is None or reason is not None:
        raise blocks.Refused(f"{reason}; expected a record that answers for the declaration")
    return record


def code_of(experiment: Experiment, arm: Arm, root: Path = ROOT) -> str:
    """A hash of the code that an arm's cells follow from: builder, lens, training, locks.

    Args:
        experiment: the declaration.
        arm: of it.
        root: the folder that holds the library.
    """
    data = experiment.data
    source = lens_reference(str(experiment.lens)) if data is None else _LOADERS[data]
    references = [arm.reference, source, *_TRAINING]
    if "objective" in arm.options:
        references.append("recsys_lib.training.objectives:read_objective")
    lines = ["from {} import {}".format(*one.split(":")) for one in references]
    # A lens that no lesson uses may stand beside its declaration.
    modules = find_modules(root, (*OURS, "experiments"))
    parts = parts_read(["\n".join(lines)], modules, root)
    own = [FOLDER / name for name in _CELLS]
    texts = ((path.name, code_alone(path.read_text(encoding="utf-8")).encode()) for path in own)
    return hash_of([*parts, *texts])


def versions() -> dict[str, str]:
    """Python and the packages that decide numbers."""
    installed = {one.name.lower().replace("_", "-"): one.version for one in distributions()}
    found = {name: installed.get(name) or installed[f"{name}-cpu"] for name in PACKAGES[1:]}
    return {"python": platform.python_version()} | found


def make(experiment: Experiment, store: Store, results: Path, reason: str = "") -> dict[str, Any]:
    """The manifest of a finished run, and its table beside it; nothing is written.

    Args:
        experiment: the declaration.
        store: a log in which nothing is missing.
        results: folder of the records; a former one's findings are kept in the new one.
        reason: why there is a new record.

    Returns:
        ``{"manifest": dict, "table": text}``, on real data also ``"users"``, as ``real.Users``, and
        where rows have pages ``"orders"``, as ``real.orders_of``.
    """
    table = differences.table_of(experiment, store)
    text = table.to_csv(index=False, lineterminator="\n")
    gaps = differences.smallest_gaps(store)
    former = read(experiment.identifier, results) or {"record": 0, "amendments": []}
    sha = experiment.sha256()
    amended = former["record"] and former["declaration_sha256"] != sha
    manifest: dict[str, Any] = {
        "identifier": experiment.identifier,
        "question": experiment.question,
        "record": former["record"] + 1,
        "declaration_sha256": sha,
        "declaration": experiment.declared(),
        "worlds": None if experiment.is_real else list(experiment.worlds),
        "amendments": former["amendments"] + [{"declaration": sha, "reason": reason}] * amended,
        "table_sha256": sha256_of(text.encode()),
        "versions": versions(),
        "seconds": round(sum(store.seconds("tune", "bounds", "cell", "prefix")), 1),
        "cells": len(store.seconds("tune", "cell")),
        "gaps": [[*name, round(gap, 4)] for name, gap in sorted(gaps.items())],
        "arms": {arm.name: _arm(experiment, arm, store, table) for arm in experiment.arms},
    }
    if experiment.is_real:
        from experiments.engine.cells import dataset_of  # imports TensorFlow

        test, of = dataset_of(experiment, None, 0).test, real.UserSums.of
        kept = real.predictions_of(experiment, store, table)
        users = {task: of(real.log_of(test, task), arms) for task, arms in kept.items()}
        manifest |= _of_log(experiment, users, table)
        more: dict[str, Any] = {"users": users}
        if "page" in test.groups:
            manifest["log"] = logs.about(test)
            more["orders"] = real.orders_of(test, next(iter(kept.values())))
        # How often tuned models were scored on the test rows of the log.
        manifest["looks"] = former.get("looks", former["record"]) + 1
    else:
        manifest["findings"] = {
            one.finding: findings.finding_of(Compared(experiment, one, table), gaps)
            for one in experiment.contrasts
        }
        if experiment.headline is not None:
            varied = Compared(experiment, experiment.chief, table, VARIED)
            manifest["varied"] = {experiment.headline: findings.finding_of(varied, gaps)}
        manifest["summary"] = summary(table)
    for contrast in experiment.contrasts:
        manifest["findings"][contrast.finding]["sentence"] = contrast.sentence
    manifest["history"] = _history(former, reason) if former["record"] else []
    return {"manifest": manifest, "table": text} | (more if experiment.is_real else {})


def write(made: Mapping[str, Any], results: Path = RESULTS) -> None:
    """Write what ``make`` made, each file in one step, the manifest last."""
    manifest = made["manifest"]
    table_path, _ = paths(manifest["identifier"], results)
    table_path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(table_path, made["table"])
    for task, users in made.get("users", {}).items():
        users.write(users_path(manifest["identifier"], results, task))
    if "orders" in made:
        np.savez_compressed(orders_path(manifest["identifier"], results), **made["orders"])
    write_manifest(manifest, results)


def write_manifest(manifest: Mapping[str, Any], results: Path = RESULTS) -> None:
    """Write a manifest in one step, always in the same letters."""
    _, path = paths(manifest["identifier"], results)
    write_atomically(path, json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def initialisation_spread(table: pd.DataFrame, arm: str) -> float:
    """Standard deviation of an arm's AUC, or error's gap share, between initialisations."""
    of_arm = (table["model"] == arm) & (table["slice"] == "all")
    rows = table[of_arm & (table["point"] != VARIED)]
    first = rows[rows["initialisation"] > 0]
    rows = rows.merge(first[["point", "world"]].head(1))
    column = "auc" if rows["auc"].notna().any() else "mean_squared_error_gap_closed"
    return float(np.sqrt(rows.groupby("task")[column].var(ddof=1).mean()))


def summary(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Means with intervals of each arm at each point, for each task and slice.

    Args:
        table: cells on fresh worlds.
    """
    found = []
    rows = table[table["initialisation"] == 0].reindex(columns=[*dict.fromkeys([*table, *MORE])])
    for keys, here in rows.groupby(["point", "task", "slice"], sort=False):
        for model, part in here.groupby("model", sort=False):
            row = {"model": model, **dict(zip(("point", "task", "slice"), keys, strict=True))}
            row |= {"worlds": len(part), "behind": _is_behind(here, model)}
            for name, (column, factor) in _SUMMARISED.items():
                values = part[column].dropna().to_numpy() * factor
                if len(values) > 1:
                    unit = contrasts.POINTS if name.endswith("points") else name
                    row[name] = [findings.rounded(end, unit) for end in t_interval(values)[:3]]
            found.append(row)
    return found


def _is_behind(here: pd.DataFrame, model: Any) -> bool:
    """Whether an arm is shown to be behind the best: the interval of the difference says so."""
    judging = (("gauc_gap_closed", 1), ("auc", 1), ("mean_squared_error", -1))
    for column, sign in (*judging, ("money_gap_closed", 1)):
        wide = sign * here.pivot(index="world", columns="model", values=column)
        means = wide.mean().dropna()
        if model in means:
            if means.idxmax() == model:
                return False
            lead = (wide[means.idxmax()] - wide[model]).dropna()
            return len(lead) > 1 and t_interval(lead).low > 0
    return False


def options_of(
    experiment: Experiment, record: Mapping[str, Any], arm: str, point: Any
) -> dict[str, Any]:
    """The tuned options of an arm at a point, as the record holds them."""
    choice = record["arms"][arm]["choice"]
    return as_options(choice[point_text(experiment.tuned_at(point))]["options"])


def verdicts_again(experiment: Experiment, results: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """The findings on a log, computed again from what is committed; the log need not be there.

    Args:
        experiment: on real data, recorded with the sums of its users.
        results: folder of the records.
    """
    table, read = read_table(experiment.identifier, results), real.UserSums.read
    path_of = functools.partial(users_path, experiment.identifier, results)
    users = {task: read(path_of(task)) for task in real.tasks_of(table)}
    return _of_log(experiment, users, table)["findings"]


def _of_log(experiment: Experiment, users: real.Users, table: pd.DataFrame) -> dict[str, Any]:
    results, summaries = real.measured(users, table), []
    for task, (rows, _, arms) in users.items():
        count = len(rows)
        for arm in arms:
            row: dict[str, Any] = {"model": arm, "point": "", "task": task, "slice": "all"}
            for name in real.ON_LOG:
                runs = real.runs_of(table, arm, task)[name]
                row[name] = [findings.rounded(runs.mean(), name)]
                row[f"{name}_sd"] = findings.rounded(runs.std(ddof=1), name)
            summaries.append(row)
    return {
        "data": experiment.data,
        "users": count,
        "findings": real.findings(experiment, results, table, count),
        "scoreboard": real.scoreboards(results, experiment.references, count),
        "resolution": real.resolution(results, count),
        "summary": summaries,
    }


def _arm(experiment: Experiment, arm: Arm, store: Store, table: pd.DataFrame) -> dict[str, Any]:
    chosen = running.choices(experiment, store)[arm.name]
    scores: dict[str, list[dict[str, Any]]] = {}
    if arm.inherits is None:
        for point in experiment.tuning_points:
            options, of_trials, _ = running.tried(experiment, store, arm, point)
            pairs = zip(options, of_trials, strict=True)
            scores[point_text(point)] = [{"options": one, "scores": of} for one, of in pairs]
    seconds = [one["seconds"] for key, one in store.done.items() if key[:2] == ("cell", arm.name)]
    return style_of(arm) | {
        "model": arm.model,
        "inherits": arm.inherits,
        "trials": scores,
        "choice": {
            point_text(point): choice._asdict() | {"edges": list(choice.edges)}
            for point, choice in chosen.items()
        },
        "prefix": store.value("prefix", arm.name, experiment.worlds_of(arm)[0]),
        "code": code_of(experiment, arm),
        "seconds": round(float(np.mean(seconds)), 2),
        "spread": round(initialisation_spread(table, arm.name), 6),
    }


def style_of(arm: Arm) -> dict[str, Any]:
    """How the arm is drawn.

    Args:
        arm: a model of the zoo, or what wraps one and has its name.

    Returns:
        ``{"style": ...}``, colour, marker and dash; empty for what is no model of the book.
    """
    with contextlib.suppress(ValueError):
        return {"style": list(zoo.style(zoo.find(arm.name if ":" in arm.model else arm.model)))}
    return {}


def _history(former: Mapping[str, Any], reason: str) -> list[dict[str, Any]]:
    kept = {
        name: {field: finding[field] for field in ("verdict", "effect", "interval", "unit")}
        for name, finding in former["findings"].items()
    }
    last = {name: former[name] for name in ("record", "declaration_sha256", "worlds")}
    return [*former["history"], last | {"replaced": reason, "findings": kept}]
