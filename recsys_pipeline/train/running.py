"""Carry out a plan for one model: train, score, and write the results."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import Split, labels_of
from recsys_lib.features.columns import column_to_config
from recsys_lib.training.baselines import base_rate
from recsys_lib.training.evaluation import score_task
from recsys_lib.training.serving import load, save
from recsys_pipeline.export.calibration import lines_of, scores_of_lines
from recsys_pipeline.export.folders import check_target, checksum, golden_of, versions
from recsys_pipeline.export.folders import export as write_export
from recsys_pipeline.files import FileDataset
from recsys_pipeline.train.recipe_files import Line
from recsys_pipeline.train.runs import HEADINGS, Candidate, at_the_cap, plain, scores_of, write
from recsys_pipeline.workers.distributed import is_chief, join_workers

SCORES = "scores.json"
"""The file that is written last: a folder that has it is finished."""
EXPORTED = "exported.json"
"""Folder and checksum of the export, for a run that has written its export and not its scores."""


def train(
    line: Line,
    dataset: FileDataset,
    output: str | Path,
    *,
    tasks: Mapping[str, str],
    seed: int = 0,
    predictions: str = "csv",
    export: str | Path | None = None,
    calibrate: bool = False,
    group: str | None = None,
) -> dict[str, Any]:
    """Train one model and write the results into a folder.

    Args:
        line: the model with all its settings.
        dataset: the data.
        output: the folder; a run that was killed there goes on.
        tasks: task to kind, those that the model predicts, in its order.
        seed: of initial weights, dropout and the order of rows.
        predictions: ``"csv"``, ``"parquet"`` or ``"none"``.
        export: folder for the export, see ``recsys_pipeline.export``; None: no export.
        calibrate: whether the export answers with calibrated probabilities, for each binary task by
            Platt's line, fitted on the validation rows. Predictions and scores of this run are not
            calibrated.
        group: which of the data's groups GAUC ranks within; default: the first, of the user.

    Returns:
        The content of ``scores.json``. If there are several workers, the chief writes and returns
        it, and the others return nothing.

    Raises:
        ValueError: a folder that holds a finished run; data that the model does not fit; a folder
            for the export that exists.
    """
    check_folders(output, export)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    strategy = join_workers()
    with strategy.scope():
        candidate = Candidate(line, dataset, tasks, seed)
        history = candidate.fit(seed, folder / "checkpoint")
        if not is_chief():
            return {}
        save(candidate.model, folder / "model.keras")
    if strategy.num_replicas_in_sync > 1:
        # From here on only the chief works, with a model that belongs to no strategy.
        candidate.model = load(folder / "model.keras")
    data = candidate.data
    told = {name: candidate.predict(name) for name in ("valid", "test")}
    said = {"model": line.model.key, "options": dict(line.options), "tasks": dict(tasks)}
    about = {"name": dataset.name, **said, **dataset.encoding(), "left_out": dataset.left_out}
    about["columns"] = [column_to_config(column) for column in dataset.feature_columns]
    about |= {"remarks": list(dataset.warnings), "data": dataset.description}
    about["golden"] = golden_of(candidate.model, data)  # an export does not read the data again
    write(folder / "description.json", about)
    history.epochs.to_csv(folder / "history.csv", index=False)
    if predictions != "none":
        _write_predictions(folder, data.test, told["test"], predictions)
    lines, failed = lines_of(data, told["valid"]) if calibrate else ({}, {})
    if export is not None:
        if own_export(export, folder):  # this run wrote it before it was killed
            shutil.rmtree(export)
        write_export(candidate.model, export, data, calibration=lines.values())
        write(folder / EXPORTED, [str(Path(export).resolve()), checksum(export)])
    scores = {
        **said,
        "training": line.training.model_dump(mode="json", exclude_none=True),
        "seed": seed,
        "data": {"name": data.name, "rows": {n: len(s) for n, s in data.splits.items()}},
        "parameters": int(candidate.model.count_params()),
        "epochs_trained": len(history.epochs),
        "best_epoch": history.best_epoch,
        "watched": history.watched,
        "remark": at_the_cap(line, history.best_epoch),
        "seconds": history.seconds,
        "examples_per_second": history.examples_per_second,
        "scores": _scores(data, told, group),
        "base_rate": {
            task: score_task(data.test, task, base_rate(data, task)(data.test), kind, group)
            for task, kind in (data.tasks or {}).items()
        },
        "calibration": scores_of_lines(data, told["test"], lines) | failed,
        "versions": versions(),
    }
    if "pairs_lost" in history.epochs:
        scores["pairs_lost"] = float(history.epochs["pairs_lost"].mean())
    if group is not None:
        scores["group"] = group
    scores = plain(scores)
    write(folder / SCORES, scores)
    for name in ("checkpoint", EXPORTED):
        (folder / name).unlink(missing_ok=True)
    return scores


def check_folders(output: str | Path, export: str | Path | None) -> None:
    """Raise ``ValueError`` if a run or its export could not be written there, or is there."""
    folder = Path(output)
    if (folder / SCORES).exists():
        raise ValueError(f"{folder}: holds a finished run; give another --output")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder, got a file")
    if export is not None and Path(export).resolve() == folder.resolve():
        raise ValueError(f"export: expected another folder than that of the run, got {export}")
    try:
        if export is not None and not own_export(export, folder):
            check_target(export)
    except ValueError as error:
        raise ValueError(f"export, {error}") from None


def own_export(folder: str | Path, output: str | Path) -> bool:
    """Whether the run of ``output`` wrote an export before it was killed, and may replace it."""
    try:
        said = json.loads((Path(output) / EXPORTED).read_text(encoding="utf-8"))
        return said == [str(Path(folder).resolve()), checksum(folder)]
    except (OSError, ValueError):
        return False


def _scores(
    data: Dataset, told: Mapping[str, Mapping[str, np.ndarray]], group: str | None
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, predictions in told.items():
        split, kinds = labels_of(data.splits[name]), data.tasks or {}
        of = {
            task: scores_of(split, task, one, kinds[task], group)
            for task, one in predictions.items()
        }
        found[name] = {
            part: {task: scores[part] for task, scores in of.items() if part in scores}
            for part in ("all", *split.slices)
        }
    return found


def _write_predictions(
    folder: Path, split: Split, told: Mapping[str, np.ndarray], kind: str
) -> None:
    columns = {"row_id": split.row_id, "group": split.group}
    for task, prediction in told.items():
        exists = split.label_masks.get(task, True)
        columns[f"label_{task}"] = np.where(exists, split.labels[task], np.nan)
        columns[task] = prediction
    table, path = pd.DataFrame(columns), folder / f"predictions.{kind}"
    table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path)


def report(scores: Mapping[str, Any]) -> str:
    """A few lines about what ``train`` returned."""
    rows = [
        {
            "split": split_name if part == "all" else f"{split_name}, {part}",
            "task": task,
            **{told: values.get(name) for name, told in HEADINGS.items() if name in values},
        }
        for split_name, parts in scores["scores"].items()
        for part, tasks in parts.items()
        for task, values in tasks.items()
    ]
    remarks = [scores["remark"]] if scores["remark"] else []
    if scores.get("watched", "auc") not in (None, "auc"):
        remarks.append(f"the validation score that chose the epoch: {scores['watched']}")
    if "pairs_lost" in scores:
        remarks.append(f"pairs that borders of batches cut: {scores['pairs_lost']:.2%}")
    if "group" in scores:
        remarks.append(f"GAUC is within {scores['group']}")
    for task, line in scores.get("calibration", {}).items():
        if "remark" in line:
            remarks.append(f"not calibrated: {line['remark']}")
        else:
            about = {"split": "test, calibrated", "log loss": line["test"]["log_loss"]}
            rows.append({"task": task, **about})
    first = (
        f"{scores['model']}: {scores['parameters']:,} parameters, best of "
        f"{scores['epochs_trained']} epochs: {scores['best_epoch']}, {scores['seconds']:.1f} s, "
        f"{scores['examples_per_second']:,.0f} examples/s"
    )
    table = pd.DataFrame(rows).to_string(index=False, na_rep="", float_format="%.5f")
    return "\n".join([first, *remarks, table])
