"""The board: runs every model, prints the scores of each when it is done, and gives verdicts."""

import dataclasses
import os
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

import recsys_lib
from recsys_lib.data import Dataset
from recsys_lib.training.baselines import base_rate
from recsys_lib.training.evaluation import score_task
from recsys_pipeline.leaderboard.estimate import estimate, in_words, told
from recsys_pipeline.leaderboard.judging import MARGIN, Verdict, log_of, measured, verdicts
from recsys_pipeline.leaderboard.planning import Line, Plan
from recsys_pipeline.leaderboard.runs import Candidate, Run
from recsys_pipeline.leaderboard.store import Store, checksum

CHANCE = 0.505
"""An AUC up to here is no better than chance, whatever the log loss is."""

REMARK = "no better than the base rate"

SCORES = ("auc", "gauc", "log_loss", "calibration_error")
COSTS = ("parameters", "epochs", "seconds", "milliseconds", "examples_per_second")


@dataclasses.dataclass(frozen=True)
class Board:
    """The measured scores, and the verdicts on them.

    Args:
        table: a row for every run, and one for each slice of the test rows: scores, and costs.
            GAUC is there where a group is given.
        summary: a row for each model, the best first: means over runs, spreads where there are
            several, the difference to the best with its interval, the verdict, the published AUC.
        verdicts: measure to model to ``Verdict``.
        left_out: model to the reason why it was not run.
        chosen: model to the values that validation rows chose from its grid, if it has one.
        seeds: number of initialisations.
        margin: the least difference of AUC that matters.
        unit: the unit that is drawn for intervals, ``"users"`` or ``"rows"``.
        num_units: number of these units.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    verdicts: Mapping[str, Mapping[str, Verdict]]
    left_out: Mapping[str, str]
    chosen: Mapping[str, Mapping[str, Any]]
    seeds: int
    margin: float
    unit: str
    num_units: int


def check_task(dataset: Dataset, task: str | None) -> str:
    """The task that is scored.

    Args:
        dataset: ``Dataset``.
        task: its name; None: the first one.

    Returns:
        Its name.

    Raises:
        ValueError: there is no such task, or it is not a binary one.
    """
    tasks = dataset.tasks or {}
    task = next(iter(tasks)) if task is None else task
    if tasks.get(task) != "binary":
        binary = [name for name, kind in tasks.items() if kind == "binary"]
        raise ValueError(f"task: expected a binary one of {binary}, got {task!r}")
    return task


class _Progress:
    """Prints a line for each finished model."""

    def __init__(self, show: Callable[[str], None], columns: list[tuple[str, int, str]]) -> None:
        self.show, self.columns = show, columns

    def heading(self) -> None:
        self.show(
            "".join(
                f"{heading:{'<' if i == 0 else '>'}{abs(width)}}"
                for i, (heading, width, _) in enumerate(self.columns)
            )
        )

    def line(self, values: Mapping[str, Any], remark: str = "") -> None:
        text = "".join(form.format(values) for _, _, form in self.columns)
        self.show(text + (f"   {remark}" if remark else ""))


def _columns(width: int, several_seeds: bool, groups: bool) -> list[tuple[str, int, str]]:
    """Heading, width and format of each column of the table."""
    columns = [("model", width, f"{{0[model]:{width}}}"), ("AUC", 9, "{0[auc]:>9.5f}")]
    columns += [("+-", 9, "{0[auc_sd]:>9.5f}")] * several_seeds
    columns += [("GAUC", 9, "{0[gauc]:>9.5f}")] * groups
    columns += [("log loss", 10, "{0[log_loss]:>10.5f}")]
    columns += [("+-", 9, "{0[log_loss_sd]:>9.5f}")] * several_seeds
    return [
        *columns,
        ("parameters", 13, "{0[parameters]:>13,.0f}"),
        ("epochs", 8, "{0[epochs]:>8.1f}"),
        ("seconds", 9, "{0[seconds]:>9.1f}"),
        ("examples/s", 12, "{0[examples_per_second]:>12,.0f}"),
        ("left", 10, "{0[left]:>10}"),
    ]


def run(
    dataset: Dataset,
    plan: Plan,
    *,
    task: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    margin: float = MARGIN,
    keep_models: bool = True,
    only_estimate: bool = False,
    show: Callable[[str], None] = print,
) -> Board | None:
    """Train and score every model of a plan, one after the other.

    Args:
        dataset: ``Dataset``, however it was loaded.
        plan: of ``make_plan``.
        task: the binary task that is scored; default: the first. Models of several tasks are
            trained on all.
        folder: for every run, its model and its predictions, so that a board that was killed can
            go on.
        output: CSV file that holds the table of all runs so far, rewritten after each model.
        margin: differences of AUC below it do not count.
        keep_models: whether the folder keeps the trained models.
        only_estimate: print how long it would take, and return None.
        show: function that takes a line of text.

    Returns:
        ``Board``. A model that cannot be built for these columns is left out.

    Raises:
        ValueError: no such task, a folder of another board, or no model is left.
        OSError: folder or output cannot be written.
    """
    task = check_task(dataset, task)
    _check_classes(dataset, task)
    if output is not None:
        pathlib.Path(output).absolute().parent.mkdir(parents=True, exist_ok=True)
    store = Store(folder, _made_of(dataset, task), keep_models)
    lines, left_out = plan.lines(dataset)

    def leave_out(name: str, reason: str) -> None:
        left_out[name] = reason
        show(f"{name} left out: {reason}")

    for name, reason in left_out.items():
        show(f"{name} left out: {reason}")
    costs, candidates = estimate(lines, dataset, task, plan.seeds, store, leave_out)
    if not costs:
        raise ValueError(next(iter(left_out.values()), "models: expected at least one, got none"))
    show(told(costs) + "\n")
    if only_estimate:
        return None
    groups = len(np.unique(dataset.test.group)) > 1
    base = score_task(dataset.test, task, base_rate(dataset, task)(dataset.test))
    first = {"model": "base rate", "task": task, "slice": "all", **base, "parameters": 0}
    width = max(16, *(len(cost.line.name) + 2 for cost in costs))
    progress = _Progress(show, _columns(width, plan.seeds > 1, groups))
    progress.heading()
    rows, predictions, chosen = [first], {}, {}
    started, to_come = time.perf_counter(), [cost.most_seconds for cost in costs]
    expected = sum(to_come)
    for place, cost in enumerate(costs):
        try:
            best, found = _runs_of(cost.line, dataset, task, plan.seeds, store, candidates)
        except FloatingPointError as error:  # one model that diverges does not end the board
            leave_out(cost.line.name, str(error))
            continue
        if cost.line.grid:
            chosen[cost.line.name] = _choice(cost.line, best)
        rows += [row for one in found for row in (one.row, *one.slices)]
        predictions[cost.line.name] = [one.prediction for one in found]
        spent, done = time.perf_counter() - started, sum(to_come[: place + 1])
        pace = min(1.0, spent / done) if done else 0.0
        values = _means(pd.DataFrame([one.row for one in found]))
        values |= {"model": cost.line.name, "left": in_words(pace * (expected - done))}
        progress.line(values, "" if _learned(values, first) else REMARK)
        table = _table(rows, groups)
        if output is not None:
            table.to_csv(output, index=False)
    if not predictions:
        raise ValueError(f"models: none is left: {left_out}")
    show("")
    results = _verdicts(dataset, task, predictions, groups, margin)
    summary = _summary(table, results, plan.published, first)
    units = _num_units(dataset, task, groups)
    unit = "users" if groups else "rows"
    return Board(table, summary, results, left_out, chosen, plan.seeds, margin, unit, units)


def _check_classes(dataset: Dataset, task: str) -> None:
    """Raise ``ValueError`` unless models can be validated and scored."""
    for name in ("valid", "test"):
        split = dataset.splits[name]
        labels = split.labels[task][split.rows_of(task)]
        if not len(labels) or np.ptp(labels) == 0:
            raise ValueError(
                f"{name}, labels[{task!r}]: expected labels of both classes to score by, got "
                f"{len(labels)} of one class only"
            )


def _made_of(dataset: Dataset, task: str) -> dict[str, Any]:
    return {"data": checksum(dataset), "task": task, "version": recsys_lib.__version__}


def _runs_of(
    line: Line,
    dataset: Dataset,
    task: str,
    seeds: int,
    store: Store,
    candidates: dict[str, Candidate],
) -> tuple[Line, list[Run]]:
    """All runs of a model, those of its grid first; finished runs are read from the store."""
    best = _best_trial(line, dataset, task, store)
    candidate, found = candidates.pop(line.name, None), []
    for seed in range(seeds):
        one = store.get(best, seed, f"seed_{seed}")
        if one is None:
            candidate = candidate or Candidate(best, dataset, task)
            one = candidate.run(seed, store.checkpoint(best, f"seed_{seed}"))
            store.put(best, seed, f"seed_{seed}", one)
            one = dataclasses.replace(one, model=None)
        found.append(one)
    return best, found


def _best_trial(line: Line, dataset: Dataset, task: str, store: Store) -> Line:
    """The combination of the grid whose validation score is best with the first seed."""
    trials = line.trials()
    if len(trials) == 1:
        return trials[0]
    scores = []
    for place, trial in enumerate(trials):
        what = f"trial_{place}"
        one = store.get(trial, 0, what)
        if one is None:
            one = Candidate(trial, dataset, task).run(
                0, store.checkpoint(trial, what), tested=False
            )
            store.put(trial, 0, what, one)
        scores.append(one.valid_score)
    return trials[int(np.argmax(scores))]


def _choice(line: Line, best: Line) -> dict[str, Any]:
    said = {**best.options, **best.fit}
    return {name: said[name] for name in line.grid}


def _means(rows: pd.DataFrame) -> dict[str, Any]:
    scores = [name for name in SCORES if name in rows]
    values = {name: float(rows[name].mean()) for name in (*scores, *COSTS)}
    return values | {f"{name}_sd": float(rows[name].std(ddof=1)) for name in scores}


def _learned(values: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    return bool(values["auc"] > CHANCE and values["log_loss"] < base["log_loss"])


def _table(rows: Sequence[Mapping[str, Any]], groups: bool) -> pd.DataFrame:
    table = pd.DataFrame(list(rows))
    table.insert(1, "seed", table.pop("seed").astype("Int64"))
    if not groups:  # all rows are one group: GAUC would repeat AUC
        table = table.drop(columns=["gauc", "one_class_groups"])
    return table


def _num_units(dataset: Dataset, task: str, groups: bool) -> int:
    rows = dataset.test.rows_of(task)
    group = dataset.test.group[rows]
    return len(np.unique(group)) if groups else len(group)


def _verdicts(
    dataset: Dataset,
    task: str,
    predictions: Mapping[str, Sequence[np.ndarray]],
    groups: bool,
    margin: float,
) -> dict[str, dict[str, Verdict]]:
    test = dataset.test
    rows = test.rows_of(task)
    labels = test.labels[task][rows]
    log = log_of(labels, test.group[rows] if groups else None)
    of_rows = {name: [one[rows] for one in several] for name, several in predictions.items()}
    found = {}
    for measure in ("auc", "gauc") if groups else ("auc",):
        results = measured(log, of_rows, measure)
        if all(np.isfinite(own).all() for own, _ in results.values()):
            found[measure] = verdicts(results, log.num_users, margin)
    return found


def _summary(
    table: pd.DataFrame,
    results: Mapping[str, Mapping[str, Verdict]],
    published: Mapping[str, float],
    base: Mapping[str, Any],
) -> pd.DataFrame:
    """A row for each model, the best first."""
    rows = []
    for name, said in results["auc"].items():
        values = _means(table[(table["model"] == name) & (table["slice"] == "all")])
        row: dict[str, Any] = {"model": name, **values, "verdict": said.verdict}
        row |= {"auc_low": said.interval.low, "auc_high": said.interval.high}
        if said.to_best is not None:
            row |= {"to_best": said.to_best.mean}
            row |= {"to_best_low": said.to_best.low, "to_best_high": said.to_best.high}
        if "gauc" in results:
            row["verdict_gauc"] = results["gauc"][name].verdict
        if name in published:
            row |= {"published": published[name], "to_published": row["auc"] - published[name]}
        row["remark"] = "" if _learned(values, base) else REMARK
        rows.append(row)
    return pd.DataFrame(rows)
