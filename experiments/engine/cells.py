"""Cells: one arm, trained once on one world, and the numbers that this gives.

What is measured here is what records hold: a change of this file makes every arm's code changed.
"""

import dataclasses
import functools
import json
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments import logs
from experiments.engine.arms import DEFAULTS, PRIOR, VARIED, Arm, sha256_of
from experiments.engine.declaration import Experiment, lens_reference
from experiments.engine.judging import order_score, scored
from recsys_lib import zoo
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.simulator.lenses import LENSES
from recsys_lib.features.columns import EmbeddingL2
from recsys_lib.sequence.regularization import count_ids
from recsys_lib.training.baselines import Baseline, score_bounds
from recsys_lib.training.comparison import Comparison
from recsys_lib.training.evaluation import predictions_of
from recsys_lib.training.objectives import read_objective
from recsys_lib.training.recipe import Recipe

REACH = 0.25
"""How far it is drawn, as a share of its value."""

FEWEST = 20
"""Rows of each label that a scenario needs, among those for training and those for judging."""

MEASURED = (
    *("rows", "auc", "gauc", "log_loss", "calibration_error", "mean_squared_error"),
    *("auc_gap_closed", "log_loss_gap_closed", "mean_squared_error_gap_closed"),
)
"""What a cell says of each task and slice."""

_KEPT: dict[str, Comparison] = {}
_MOST_KEPT = 24

Row = dict[str, Any]


def seed_of(world: int, initialisation: int) -> int:
    """The seed of initial values and of the order of rows: another one in every cell."""
    return 1_000 * world + initialisation


def knobs_of(experiment: Experiment, point: Any, world: int) -> dict[str, Any]:
    """The knobs of a world.

    Args:
        experiment: the declaration.
        point: of the sweep, None, or ``VARIED``.
        world: number of the world, from which drawn knobs follow.

    Returns:
        Dict of knob to value, the lens's own defaults left out unless they are drawn.
    """
    knobs = dict(experiment.knobs)
    if point != VARIED:
        return knobs if experiment.sweep is None else knobs | {experiment.sweep.knob: point}
    if experiment.sweep is not None:
        knobs[experiment.sweep.knob] = experiment.chief.at
    random = np.random.default_rng([world, 25])

    def draw(knob: Any, value: float) -> float:
        drawn = value * (1 + REACH * random.uniform(-1, 1))
        drawn = float(np.clip(drawn, knob.minimum, knob.maximum))
        return float(value) if drawn in knob.exclude else drawn

    for knob in LENSES[str(experiment.lens)].knobs.values():
        value = knobs.get(knob.name, knob.default)
        if knob.kind == "number":
            knobs[knob.name] = draw(knob, value)
        elif knob.kind == "numbers":
            knobs[knob.name] = tuple(draw(knob, one) for one in value)
    return knobs


def dataset_of(experiment: Experiment, point: Any, world: int) -> Dataset:
    """The rows of a world, or of the log.

    Args:
        experiment: the declaration.
        point: of the sweep, None, or ``VARIED``.
        world: the lens's seed; of no matter on real data.
    """
    if experiment.data is not None:
        return _log(experiment.data, json.dumps(dict(experiment.knobs), sort_keys=True))
    knobs = json.dumps(knobs_of(experiment, point, world), sort_keys=True)
    return _world(lens_reference(str(experiment.lens)), knobs, world)


@functools.lru_cache(maxsize=3)
def _world(reference: str, knobs: str, world: int) -> Dataset:
    return pkgutil.resolve_name(reference)(**json.loads(knobs), seed=world)


@functools.lru_cache(maxsize=1)
def _log(name: str, knobs: str) -> Dataset:
    dataset = logs.load(name, **json.loads(knobs))
    return dataclasses.replace(dataset, test=_in_scenarios(dataset, dataset.test))


def _in_scenarios(dataset, split, **changed):
    """A split, its slices the scenarios: ``"tab 2"`` by column and id."""
    ids = {c.name: split.features[c.name] for c in dataset.feature_columns if c.group == "scenario"}
    slices = {f"{name} {one}": of == one for name, of in ids.items() for one in np.unique(of)}
    return dataclasses.replace(split, slices=slices, **changed)


def for_tuning(dataset: Dataset) -> Dataset:
    """The same data with the validation rows in the place of the test rows.

    Whoever chooses a trial gets this and cannot see a test row. Scenarios become slices.

    Args:
        dataset: any.

    Returns:
        A ``Dataset``.
    """
    shown = _in_scenarios(dataset, dataset.valid, row_id=-1 - dataset.valid.row_id)
    return dataclasses.replace(dataset, test=shown, allow_time_overlap=True)


def priors_of(
    experiment: Experiment, arm: Arm, choice: Mapping[str, Any], dataset: Dataset
) -> dict[str, EmbeddingL2]:
    """The penalties that a Normal prior for ids is, by the builder's option.

    Args:
        experiment: the declaration.
        arm: with a builder.
        choice: its tuned options, of which the precisions and ``free`` count here.
        dataset: whose training rows are counted.
    """
    settings = DEFAULTS | arm.settings(choice)
    wanted = [part for part in ("embedding", "linear") if settings[f"{part}_precision"]]
    counts = count_ids(dataset, arm.columns) if wanted else {}
    held = {table: of for table, of in counts.items() if table not in settings["free"]}
    rows = experiment.option_of(arm, choice, "batch_size")
    strengths = {part: settings[f"{part}_precision"] / rows for part in wanted}
    return {f"{part}_l2": EmbeddingL2(strengths[part], id_counts=held) for part in wanted}


def recipe_of(
    arm: Arm, choice: Mapping[str, Any], priors: Mapping[str, EmbeddingL2] | None = None
) -> Recipe:
    """How an arm is built and trained.

    Args:
        arm: with a builder. A builder with the mark ``recipe`` makes its recipe itself, where
            options are those of an optimizer.
        choice: its tuned options.
        priors: as ``priors_of`` gives them; default: none.
    """
    row = {} if ":" in arm.model else dict(zoo.find(arm.model).options)
    settings = {k: v for k, v in (row | arm.settings(choice)).items() if k not in PRIOR}
    settings |= priors or {}
    if "objective" in settings:
        settings["objective"] = read_objective(settings["objective"])
    make = getattr(arm.function, "recipe", Recipe)
    return make(arm.function, columns=arm.columns, **settings)


def comparison_of(
    experiment: Experiment,
    arm: Arm,
    choice: Mapping[str, Any],
    parts: tuple[str, ...],
    dataset: Dataset,
) -> Comparison:
    """The comparison of one arm, kept, so that a process traces a model once.

    Args:
        experiment: the declaration.
        arm: with a builder.
        choice: its tuned options.
        parts: slices beside ``"all"``.
        dataset: whose training rows are counted where the arm has a prior for ids.
    """
    priors = priors_of(experiment, arm, choice, dataset)
    counted = [sorted(one.id_counts.items()) for one in priors.values() if one.id_counts]
    seen = [sha256_of(of.tobytes()) for tables in counted for _, of in tables]
    named = [experiment.sha256(), arm.name, arm.settings(choice), parts, seen]
    key = json.dumps(named, sort_keys=True, default=repr)
    if key not in _KEPT:
        while len(_KEPT) >= _MOST_KEPT:
            del _KEPT[next(iter(_KEPT))]
        fit = {"baselines": {}, "progress": False, "watch": experiment.watch, **experiment.fit}
        recipe = recipe_of(arm, choice, priors)
        _KEPT[key] = Comparison({arm.name: recipe}, slices=parts, **fit)
    return _KEPT[key]


def run_arm(
    experiment: Experiment,
    arm: Arm,
    choice: Mapping[str, Any],
    dataset: Dataset,
    seed: int,
    parts: tuple[str, ...],
    on_log: bool = False,
    predictions: Path | None = None,
) -> list[Row]:
    """Train an arm once and score it on the test rows of the data set.

    Args:
        experiment: the declaration.
        arm: of it.
        choice: its tuned options.
        dataset: a world, the log, or one of these for tuning.
        seed: of this run.
        parts: slices beside ``"all"``.
        on_log: whether the test rows are those of a log, where GAUC is of rows whose columns of
            user and history are held still, and ``gauc_moving`` of rows as they are.
        predictions: file for the predictions of a log's test rows, as they are and held still, of
            one task after the other in alphabetical order.

    Returns:
        A row for each task and slice: ``task``, ``slice``, those of ``MEASURED`` that there are,
        ``parameters``, ``epochs`` (the best one), ``cap`` (the last one allowed). A run whose loss
        was not finite has none of the measures.
    """
    if arm.is_estimator:
        predict, rows = _run_estimator(arm, choice, dataset, seed, parts)
        return scored(experiment, dataset, rows, predict, on_log, predictions)
    comparison = comparison_of(experiment, arm, choice, parts, dataset)
    keep = on_log or experiment.protocol > 2
    try:
        result = comparison.on(dataset, [seed], keep=keep)
    except FloatingPointError:
        tasks = list(dataset.tasks or ())
        return [{"task": task, "slice": part} for part in ("all", *parts) for task in tasks]
    cap = {"cap": experiment.cap_of(arm, choice)}
    rows = [_plain(row) | cap for row in result.table.to_dict("records")]
    if not keep:
        return rows
    predict = functools.partial(predictions_of, result.model(arm.name))
    return scored(experiment, dataset, rows, predict, on_log, predictions)


def data_of(arm: Arm, dataset: Dataset) -> Dataset:
    """The data set with the columns that an estimator gets."""
    return dataset if arm.columns is None else dataset.with_columns(list(arm.columns))


def _run_estimator(arm, choice, dataset, seed, parts):
    data = data_of(arm, dataset)
    predict = arm.function(data, seed=seed, **arm.settings(choice))
    # A comparison scores what needs no training, gaps included, as it scores models.
    fitted = [
        Baseline(arm.name, task, lambda split, task=task: predict(split)[task], kind)
        for task, kind in data.tasks.items()
        if task == arm.options.get("task", task)
    ]
    table = Comparison({}, slices=parts, baselines={arm.name: fitted}).on(data, [0]).table
    rows = [_plain(row) | {"epochs": 0} for row in table.to_dict("records")]
    return predict, rows + (predict.rows(("all", *parts)) if hasattr(predict, "rows") else [])


def _plain(row: Mapping[str, Any]) -> Row:
    """A row of a comparison as JSON has it; what is not a number is left out."""
    found: Row = {"task": row["task"], "slice": row["slice"]}
    for name in (*MEASURED, "parameters", "epochs"):
        if (value := row.get(name)) is not None and np.isfinite(value):
            whole = name in ("rows", "parameters", "epochs")
            found[name] = int(value) if whole else float(value)
    return found


def measure(
    experiment: Experiment,
    arm: Arm,
    choice: Mapping[str, Any],
    point: Any,
    world: int,
    initialisation: int = 0,
    predictions: Path | None = None,
    times: int | None = None,
) -> list[Row]:
    """One cell: the rows that a record holds of it.

    Args:
        experiment: the declaration.
        arm: of it.
        choice: its tuned options at this point.
        point: of the sweep, None, or ``VARIED``.
        world: fresh.
        initialisation: 0 but for the spread between initialisations, and on real data.
        predictions: as for ``run_arm``.
        times: of a longer run on a tuning world, how often its cap is allowed; on real data it is
            scored on the validation rows.

    Returns:
        Rows as ``run_arm`` gives them.
    """
    dataset = dataset_of(experiment, point, world)
    seed = seed_of(world, initialisation)
    if times is not None and experiment.is_real:
        dataset = for_tuning(dataset)
    if times is not None and not arm.is_estimator:
        more = {"epochs": times * experiment.cap_of(arm, choice)}
        if experiment.protocol > 2:
            more["patience"] = times * experiment.option_of(arm, choice, "patience")
        arm = dataclasses.replace(arm, options=arm.settings(choice) | more, space={})
    parts, on_log = experiment.all_parts[1:], experiment.is_real and times is None
    return run_arm(experiment, arm, choice, dataset, seed, parts, on_log, predictions)


def bounds(experiment: Experiment, point: Any, world: int) -> list[Row]:
    """The gap between the trivial score and the oracle's in a world, for each task and slice.

    Args:
        experiment: of a lens.
        point: of the sweep, or None.
        world: its number.

    Returns:
        Rows ``task``, ``slice``, ``gap``: of AUC, or of the squared error. None where all labels
        of a task are equal.
    """
    dataset = dataset_of(experiment, point, world)
    rows = []
    for part in experiment.all_parts:
        split = dataset.test if part == "all" else dataset.test.slice(part)
        # Among clicked rows a click has no gap.
        for task in (t for t in dataset.tasks or () if np.ptp(split.labels[t][split.rows_of(t)])):
            ends = score_bounds(dataset, split, task)
            found = ends.get("auc") or ends["mean_squared_error"]
            rows.append({"task": task, "slice": part, "gap": abs(found.oracle - found.trivial)})
    return rows


def trial_score(dataset: Dataset, rows: list[Row], group: str | None = None) -> float | None:
    """What a trial is judged by: its validation loss, the lower the better.

    The order within a group, where one is declared and holds enough pairs: see ``order_score``.

    Log loss, or the squared error of a regression task; with several tasks or scenarios the mean
    of each one's loss over that of its own base rate. A scenario with fewer than ``FEWEST`` rows of
    a label does not judge: its base loss is chance, and next to zero where a label is missing. A
    task that no scenario judges is judged by all its rows.

    Args:
        dataset: as ``for_tuning`` gives it.
        rows: of ``run_arm`` on it, with the slices of all scenarios.
        group: within which order chooses, if it does.

    Returns:
        The score; None where the loss was not finite.
    """
    if (found := order_score(dataset.test, rows, group)) is not None:
        return found
    judged = []
    for task in dict.fromkeys(r["task"] for r in rows if r["task"] in (dataset.tasks or ())):
        own = {row["slice"]: row for row in rows if row["task"] == task}
        whole = own.pop("all")
        judged += [row for row in own.values() if _is_large(dataset, row)] or [whole]
    losses = []
    for row in judged:
        if (loss := row.get("log_loss", row.get("mean_squared_error"))) is None:
            return None
        losses.append(loss if len(judged) == 1 else loss / _base_loss(dataset, row))
    return float(np.mean(losses))


def _labels(dataset, row):
    """Labels of a row's task and slice among the rows for training and for judging."""
    task = row["task"]
    for split in (dataset.train, dataset.test):
        chosen = split.label_masks.get(task, np.ones(len(split), bool))
        if row["slice"] != "all":
            column, value = row["slice"].rsplit(" ", 1)
            chosen = chosen & (split.features[column] == int(value))
        yield split.labels[task][chosen].astype(np.float64)


def _is_large(dataset, row):
    if dataset.tasks[row["task"]] == "regression":
        return all(len(labels) >= FEWEST for labels in _labels(dataset, row))
    positive = [(labels.sum(), len(labels)) for labels in _labels(dataset, row)]
    return all(FEWEST <= number <= rows - FEWEST for number, rows in positive)


def _base_loss(dataset, row):
    train, judging = _labels(dataset, row)
    mean = train.mean()
    if dataset.tasks[row["task"]] == "regression":
        return float(np.mean((judging - mean) ** 2))
    rate, mean = judging.mean(), np.clip(mean, 1e-6, 1 - 1e-6)
    return float(-(rate * np.log(mean) + (1 - rate) * np.log1p(-mean)))
