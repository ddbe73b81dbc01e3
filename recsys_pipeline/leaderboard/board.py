"""The board: runs every model, prints the scores of each when it is done, and gives verdicts."""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

import recsys_lib
from recsys_lib.data import Dataset
from recsys_lib.data.splits import labels_of
from recsys_lib.locks import locked
from recsys_lib.training.baselines import base_rate
from recsys_lib.training.evaluation import score_task
from recsys_lib.training.metrics import num_pairs
from recsys_pipeline.leaderboard.judging import MARGIN, Verdict, log_of, measured, verdicts
from recsys_pipeline.leaderboard.resampling import Log
from recsys_pipeline.leaderboard.store import Run, Store, check_folder, checksum
from recsys_pipeline.train.planning import Plan
from recsys_pipeline.train.recipe_files import Line
from recsys_pipeline.train.runs import HEADINGS, Candidate, Show, at_the_cap, in_words, scores_of

CHANCE = 0.505  # an AUC up to here is no better than chance, whatever the log loss is
REMARK = "no better than the base rate"
SCORES = ("auc", "gauc", "log_loss", "calibration_error")
COSTS = ("parameters", "epochs", "seconds", "milliseconds", "examples_per_second")
STEPS = 3  # timed for the estimate, after as many to warm up
LIKELY_EPOCHS = 10  # of a run, for the likely time, until runs of this board are done
MOST_PARAMETERS = 50_000_000  # of models that are kept; others are built again for their runs


@dataclasses.dataclass(frozen=True)
class Board:
    """The measured scores, and the verdicts on them.

    Args:
        table: a row for every run, and one for each slice of the test rows: scores, and costs.
        summary: a row for each model, the best first: means and spreads over runs, the difference
            to the best with its interval, the verdict, the published AUC.
        verdicts: measure to model to ``Verdict``; GAUC is there where users are known.
        lines: printed name to the model's settings, also of models that earlier commands ran.
        left_out: model to the reason why it was not run.
        chosen: model to the values that validation rows chose from its grid.
        rank_by: the measure of the order.
        margin: the least difference that matters.
        group: what GAUC ranks within; None: the users.
        pairs: a sentence on the pairs of test rows that GAUC compares; empty without users.
        unit, num_units: what is drawn for intervals, ``"users"`` or ``"rows"``, and their number.
        rule: by which published scores were chosen.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    verdicts: Mapping[str, Mapping[str, Verdict]]
    lines: Mapping[str, Any]
    left_out: Mapping[str, str]
    chosen: Mapping[str, Mapping[str, Any]]
    rank_by: str
    margin: float
    unit: str
    num_units: int
    rule: str = ""
    group: str | None = None
    pairs: str = ""


def run(
    dataset: Dataset,
    plan: Plan,
    *,
    task: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    margin: float = MARGIN,
    rank_by: str | None = None,
    group: str | None = None,
    keep_models: bool = True,
    only_estimate: bool = False,
    show: Show = print,
) -> Board | None:
    """Train and score every model of a plan, one after the other.

    Args:
        dataset: ``Dataset``, however it was loaded.
        plan: of ``make_plan``.
        task: the binary task that is scored; default: the first of them. Models of several tasks
            are trained on all.
        folder: for every run, its model and its predictions, so that a board that was killed can
            go on; models that earlier commands ran there stay on the board.
        output: CSV file that holds the table of all runs so far, rewritten after each model.
        margin: differences below it do not count.
        rank_by: ``"gauc"`` or ``"auc"``; default: the recipe's, else GAUC where users are known.
        group: which of the data's groups GAUC ranks within; default: the first, of the user.
        keep_models: whether the folder keeps the trained models.
        only_estimate: print how long it would take, and return None.
        show: function that takes a line of text.

    Returns:
        ``Board``. A model that cannot be built for these columns is left out.

    Raises:
        ValueError: no such task, a folder of another board or one that another command is at work
            in, or no model is left.
        OSError: folder or output cannot be written.
    """
    if output is not None:
        check_folder(pathlib.Path(output).parent)
    with contextlib.ExitStack() as stack:
        try:
            if folder is not None:
                check_folder(folder)
                stack.enter_context(locked(pathlib.Path(folder) / ".lock", seconds=0))
        except TimeoutError:
            raise ValueError(
                f"{folder}: another command is at work there; wait for it, or name another folder"
            ) from None
        task = _scored(dataset, task)
        if rank_by == "gauc" and len(np.unique(dataset.test.group)) < 2:
            raise ValueError(
                "rank_by: expected users, within whom GAUC ranks, got none; name --group"
            )
        data = {"data": checksum(dataset), "task": task, "version": recsys_lib.__version__}
        store = Store(folder, data | {"group": group}, keep_models)
        work = _Work(dataset, plan, task, store, show, group)
        work.estimate()
        if only_estimate:
            return None
        return work.run(output, margin, rank_by)


def _scored(dataset: Dataset, task: str | None) -> str:
    """The task that is scored, the first binary one for None; ``ValueError`` if none can be."""
    tasks = dataset.tasks or {}
    binary = [name for name, kind in tasks.items() if kind == "binary"]
    task = next(iter(binary), None) if task is None else task
    if task is None or task not in binary:
        raise ValueError(f"task: expected a binary one of {binary}, got {task!r}")
    for name in ("valid", "test"):
        split = dataset.splits[name]
        labels = split.labels[task][split.rows_of(task)]
        if not len(labels) or np.ptp(labels) == 0:
            raise ValueError(
                f"{name}, labels[{task!r}]: expected labels of both classes to score by, got "
                f"{len(labels)} of one class only"
            )
    return task


class _Work:
    """The runs of one command."""

    def __init__(
        self,
        dataset: Dataset,
        plan: Plan,
        task: str,
        store: Store,
        show: Show,
        group: str | None,
    ) -> None:
        self.dataset, self.plan, self.task = dataset, plan, task
        self.store, self.show, self.group = store, show, group
        self.candidates: dict[str, Candidate] = {}
        self.done = store.tested()
        self.left_out: dict[str, str] = {}
        self.lines, left_out = plan.lines(dataset)
        for name, reason in left_out.items():
            self._leave_out(name, reason)
        self.each: dict[str, float] = {}  # seconds of an epoch of one run

    def _leave_out(self, name: str, reason: str) -> None:
        self.left_out[name] = reason
        self.show(f"{name} left out: {reason}")

    def _candidate(self, line: Line) -> Candidate:
        kinds = dict(self.dataset.tasks or {})
        several = "several tasks" in line.model.needs
        return Candidate(line, self.dataset, kinds if several else {self.task: kinds[self.task]})

    def _to_do(self, line: Line) -> int:
        """Runs that are still to be done, trials of a grid among them."""
        trials = line.trials()
        if len(trials) > 1:
            return self.plan.seeds + len(trials)
        return sum(self.store.get(line, f"seed_{s}") is None for s in range(self.plan.seeds))

    def _likely(self, line: Line) -> float:
        """Epochs that a run takes: as many as this board's runs took, of this model if there are.

        The middle of all runs counts for a model without runs.
        """
        took = {name: [one.row["trained"] for one in runs] for name, (_, runs) in self.done.items()}
        every = [epochs for some in took.values() for epochs in some] or [LIKELY_EPOCHS]
        return min(line.training.epochs, float(np.median(took.get(line.name) or every)))

    def estimate(self) -> None:
        """Build every model that has runs to do, time a few of its steps, and print the times."""
        rows, held = [], 0
        for line in self.lines:
            runs = self._to_do(line)
            if runs:
                try:
                    candidate = self._candidate(line.trials()[0])
                except ValueError as error:
                    self._leave_out(line.name, str(error))
                    continue
                step, row = candidate.step_seconds(STEPS)
                steps = -(-len(self.dataset.train) // line.training.batch_size)
                self.each[line.name] = step * steps + row * len(self.dataset.valid)
                held += candidate.num_parameters
                if held <= MOST_PARAMETERS and len(line.trials()) == 1:
                    self.candidates[line.name] = candidate
            each = self.each.setdefault(line.name, 0.0)
            rows.append((line.name, each, runs, self._likely(line), line.training.epochs))
        self.lines = [line for line in self.lines if line.name not in self.left_out]
        if not self.lines:
            raise ValueError(next(iter(self.left_out.values()), "models: expected one, got none"))
        table = pd.DataFrame(rows, columns=["model", "an epoch", "runs", "likely", "at most"])
        for name in ("likely", "at most"):
            table[name] *= table["an epoch"] * table["runs"]
        likely, most = (in_words(table[name].sum()) for name in ("likely", "at most"))
        for name in ("an epoch", "likely", "at most"):
            table[name] = table[name].map(in_words)
        self.show(as_lines(table))
        self.show(
            f"likely {likely} in all, with as many epochs as this board's runs "
            f"took, {LIKELY_EPOCHS} until there are some; {most} if none of "
            f"them stops early (measured on {STEPS} steps each)\n"
        )

    def run(self, output: Any, margin: float, rank_by: str | None) -> Board:
        """Do the runs that are missing, and judge all of the folder."""
        test, chosen, lines = self.dataset.test, {}, {}
        users = test.group if len(np.unique(test.group)) > 1 else None
        base = base_rate(self.dataset, self.task)(test)
        base = score_task(test, self.task, base, group=self.group)
        first = {"model": "base rate", "task": self.task, "slice": "all", **base, "parameters": 0}
        names = ["auc", *(["gauc"] if users is not None else []), "log_loss"]
        runs: dict[str, list[Run]] = {}
        for place, line in enumerate(self.lines):
            try:
                best, runs[line.name] = self._runs_of(line)
            except FloatingPointError as error:  # one model that diverges does not end the board
                self._leave_out(line.name, str(error))
                continue
            lines[line.name] = best.described()
            if line.grid:
                said = {**best.options, **best.training.model_dump()}
                chosen[line.name] = {name: said[name] for name in line.grid}
            self.done[line.name] = (lines[line.name], runs[line.name])
            later = self.lines[place + 1 :]
            left = sum(self.each[one.name] * self._to_do(one) * self._likely(one) for one in later)
            mean = _means(pd.DataFrame([one.row for one in runs[line.name]]))
            remark = "" if _learned(mean, first) else f"; {REMARK}"
            self.show(
                f"{line.name}: {', '.join(f'{HEADINGS[name]} {mean[name]:.5f}' for name in names)}"
                f", best epoch {mean['epochs']:.1f}, {mean['seconds']:.1f} s, "
                f"{mean['examples_per_second']:,.0f} examples/s{remark}; "
                f"likely {in_words(left)} left"
            )
            table = _table(first, runs, users is not None)
            if output is not None:
                table.to_csv(output, index=False)
        for name, (said, several) in self.store.tested().items():  # earlier commands' too
            runs[name], lines[name] = sorted(several, key=lambda one: one.row["seed"]), said
        if not runs:
            raise ValueError(f"models: none is left: {self.left_out}")
        self.show("")
        table = _table(first, runs, users is not None)
        rows = test.rows_of(self.task)
        users = users if users is None else users[rows]
        within = None if self.group is None else test.group_of(self.group)[rows]
        log = log_of(test.labels[self.task][rows], users, within)
        found = {}
        for measure in names[:-1]:
            told = {name: [one.prediction[rows] for one in some] for name, some in runs.items()}
            results = measured(log, told, measure)
            if all(np.isfinite(own).all() for own, _ in results.values()):
                found[measure] = verdicts(results, log.num_users, margin)
        rank_by = rank_by or self.plan.recipe.rank_by or "gauc"
        rank_by = rank_by if rank_by in found else "auc"
        summary = _summary(table, found, rank_by, self.plan.recipe.published_auc(), first)
        about = (rank_by, margin, "rows" if users is None else "users", log.num_users)
        pairs = "" if users is None else _pairs(log, self.group)
        last = (self.plan.recipe.published.rule, self.group, pairs)
        return Board(table, summary, found, lines, self.left_out, chosen, *about, *last)

    def _runs_of(self, line: Line) -> tuple[Line, list[Run]]:
        """All runs of a model, those of its grid first; finished runs are read from the store."""
        (best, *others) = trials = line.trials()
        if others:  # the combination whose validation score is best with the first seed
            scores = [self._run(one, 0, f"trial_{i}", False) for i, one in enumerate(trials)]
            best = trials[int(np.argmax([one.valid_score for one in scores]))]
        found = [self._run(best, seed, f"seed_{seed}", True) for seed in range(self.plan.seeds)]
        self.candidates.pop(line.name, None)
        return best, found

    def _run(self, line: Line, seed: int, what: str, tested: bool) -> Run:
        done = self.store.get(line, what)
        if done is not None:
            return done
        candidate = self.candidates.get(line.name)
        if candidate is None or candidate.line != line:
            candidate = self.candidates[line.name] = self._candidate(line)
        history = candidate.fit(seed, self.store.checkpoint(line, what), self.show)
        row: dict[str, Any] = {"model": line.name, "seed": seed}
        prediction, slices = np.empty(0, np.float32), []
        if tested:
            prediction = candidate.predict("test")[self.task]
            test = labels_of(self.dataset.test)
            scores = scores_of(test, self.task, prediction, group=self.group)
            row |= {"task": self.task}
            row, *slices = [row | {"slice": name} | found for name, found in scores.items()]
            row["milliseconds"] = 1e6 * candidate.scoring_seconds(self.dataset.test)
        row |= {
            "parameters": candidate.num_parameters,
            "epochs": history.best_epoch,
            "trained": len(history.epochs),
            "remark": at_the_cap(line, history.best_epoch),
            "seconds": history.seconds,
            "trace_seconds": history.trace_seconds,
            "examples_per_second": history.examples_per_second,
        }
        run = Run(row, prediction, float(history.epochs["valid_score"].max()), tuple(slices))
        self.store.put(line, what, run, candidate.model)
        return run


def _pairs(log: Log, group: str | None) -> str:
    """Rows and users of the test, and the pairs that GAUC compares."""
    of_users = num_pairs(log.labels, log.users)
    said = f"{len(log.labels):,} test rows of {log.num_users:,} users hold {of_users:,} pairs"
    said += " of a positive and a negative row of one user"
    if group is None:
        return f"{said}, which GAUC compares."
    within = num_pairs(log.labels, log.groups)
    share = within / max(of_users, 1)
    return f"{said}; GAUC compares the {within:,} of them within {group}, {share:.1%}."


def as_lines(table: pd.DataFrame) -> str:
    """A table of texts for a terminal, the models on the left."""
    return table.set_index("model").rename_axis(index=None, columns="model").to_string()


def _means(rows: pd.DataFrame) -> dict[str, Any]:
    scores = [name for name in SCORES if name in rows]
    values = {name: float(rows[name].mean()) for name in (*scores, *COSTS)}
    return values | {f"{name}_sd": float(rows[name].std(ddof=1)) for name in scores}


def _learned(values: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    return bool(values["auc"] > CHANCE and values["log_loss"] < base["log_loss"])


def _table(
    first: Mapping[str, Any], runs: Mapping[str, Sequence[Run]], groups: bool
) -> pd.DataFrame:
    rows = [row for several in runs.values() for one in several for row in (one.row, *one.slices)]
    table = pd.DataFrame([first, *rows])
    table.insert(1, "seed", table.pop("seed").astype("Int64"))
    if not groups:  # all rows are one group: GAUC would repeat AUC
        table = table.drop(columns=["gauc", "one_class_groups"])
    return table


def _summary(
    table: pd.DataFrame,
    results: Mapping[str, Mapping[str, Verdict]],
    rank_by: str,
    published: Mapping[str, float],
    base: Mapping[str, Any],
) -> pd.DataFrame:
    """A row for each model, the best first."""
    rows = []
    for name in results[rank_by]:
        own = table[(table["model"] == name) & (table["slice"] == "all")]
        row: dict[str, Any] = {"model": name, "runs": len(own), **_means(own)}
        for measure, found in results.items():
            said = found[name]
            row |= {f"{measure}_low": said.interval.low, f"{measure}_high": said.interval.high}
            row[f"verdict_{measure}"] = said.verdict
            if said.to_best is not None:
                ends = dict(zip(("", "_low", "_high"), said.to_best, strict=False))
                row |= {f"{measure}_to_best{end}": value for end, value in ends.items()}
        if name in published:
            row |= {"published": published[name], "to_published": row["auc"] - published[name]}
        remarks = [] if _learned(row, base) else [REMARK]
        row["remark"] = "; ".join([*remarks, *sorted({one for one in own["remark"] if one})])
        rows.append(row)
    return pd.DataFrame(rows)
