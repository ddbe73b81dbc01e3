"""Carry out a plan: train, score, and write the results."""

import dataclasses
import json
import math
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

import recsys_lib
from recsys_lib.data.chunks import ROWS_PER_CHUNK, labels_of
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import column_to_config
from recsys_lib.training.baselines import base_rate
from recsys_lib.training.evaluation import predictions_of, score_task
from recsys_lib.training.serving import load, save
from recsys_lib.training.trainer import fit
from recsys_pipeline.chunks import in_chunks
from recsys_pipeline.export.calibration import Platt, fit_platt, to_config
from recsys_pipeline.export.folders import checksum
from recsys_pipeline.export.folders import export as write_export
from recsys_pipeline.export.replay import calibrate as calibrated
from recsys_pipeline.files import FileDataset
from recsys_pipeline.train.planning import (
    EXPORTED,
    SCORES,
    Plan,
    check_export,
    check_output,
    own_export,
)
from recsys_pipeline.workers.distributed import is_chief, join_workers

MIN_SLICE_ROWS = 2


def train(
    plan: Plan,
    dataset: FileDataset,
    output: str | Path,
    *,
    predictions: str = "csv",
    export: str | Path | None = None,
    calibrate: bool = False,
) -> dict[str, Any]:
    """Train the model of a plan and write the results into a folder.

    Args:
        plan: what ``make_plan`` returned.
        dataset: the data.
        output: the folder; a run that was killed there goes on.
        predictions: ``"csv"``, ``"parquet"`` or ``"none"``.
        export: folder for the export, see ``recsys_pipeline.export``; None: no export.
        calibrate: whether the export answers with calibrated probabilities, for each binary task by
            Platt's line, fitted on the validation rows. Predictions and scores of this run are not
            calibrated.

    Returns:
        The content of ``scores.json``. If there are several workers, the chief writes and returns
        it, and the others return nothing.

    Raises:
        ValueError: a folder that holds a finished run; data that the model does not fit; a folder
            for the export that exists.
    """
    check_output(output)
    if export is not None:
        check_export(export, output)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    data = of_tasks(dataset, tuple(plan.tasks))
    rows = data if len(data.train) <= ROWS_PER_CHUNK else in_chunks(data)
    strategy = join_workers()
    with strategy.scope():
        keras.utils.set_random_seed(plan.seed)
        model = plan.build(data.feature_columns)
        history = fit(
            model,
            rows,
            plan.settings.fresh_optimizer(),
            seed=plan.seed,
            checkpoint=folder / "checkpoint",
            **plan.fit,
            **plan.settings.of_fit(),
        )
        if not is_chief():
            return {}
        save(model, folder / "model.keras")
    if strategy.num_replicas_in_sync > 1:
        # From here on only the chief works, with a model that belongs to no strategy.
        model = load(folder / "model.keras")
    told = {
        name: predictions_of(model, split) for name, split in rows.splits.items() if name != "train"
    }
    _write_json(folder / "description.json", _description(plan, dataset))
    history.epochs.to_csv(folder / "history.csv", index=False)
    if predictions != "none":
        _write_predictions(folder, data.test, told["test"], predictions)
    lines, failed = _lines(data, told["valid"]) if calibrate else ({}, {})
    if export is not None:
        _export(model, Path(export), folder, data, lines)
    scores = {
        "model": plan.model.key,
        "options": {name: _plain(value) for name, value in plan.options.items()},
        "tasks": dict(plan.tasks),
        **plan.fit,
        **_plain(plan.settings.record()),
        "seed": plan.seed,
        "data": {"name": data.name, "rows": {n: len(s) for n, s in data.splits.items()}},
        "parameters": int(model.count_params()),
        "epochs_trained": len(history.epochs),
        "best_epoch": history.best_epoch,
        "seconds": history.seconds,
        "examples_per_second": history.examples_per_second,
        "scores": _scores(data, told),
        "base_rate": _base_rates(data),
        **({"calibration": _of_lines(data, told["test"], lines) | failed} if calibrate else {}),
        "versions": {
            "recsys_lib": recsys_lib.__version__,
            "keras": keras.__version__,
            "python": sys.version.split()[0],
        },
    }
    _write_json(folder / SCORES, scores)
    for name in ("checkpoint", EXPORTED):
        (folder / name).unlink(missing_ok=True)
    return scores


def _export(
    model: keras.Model, export: Path, folder: Path, data: Dataset, lines: Mapping[str, Platt]
) -> None:
    """Write the export, and replace one that this run wrote before it was killed."""
    if own_export(export, folder):
        shutil.rmtree(export)
    write_export(model, export, data, calibration=lines.values())
    _write_json(folder / EXPORTED, [str(export.resolve()), checksum(export)])


def of_tasks(dataset: Dataset, tasks: tuple[str, ...]) -> Any:
    """The same data with some of their labels, in this order."""

    def of_split(split: Split) -> Split:
        return dataclasses.replace(
            split,
            labels={task: split.labels[task] for task in tasks},
            label_masks={t: mask for t, mask in split.label_masks.items() if t in tasks},
        )

    kinds = dataset.tasks or {}
    return dataclasses.replace(
        dataset,
        tasks={task: kinds[task] for task in tasks},
        train=of_split(dataset.train),
        valid=of_split(dataset.valid),
        test=of_split(dataset.test),
    )


def _scores(data: Dataset, told: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, predictions in told.items():
        split = labels_of(data.splits[name])
        parts = {"all": np.ones(len(split), bool), **split.slices}
        found[name] = {
            part: {
                task: score_task(split.take(rows), task, prediction[rows], kind)
                for task, prediction in predictions.items()
                if (kind := (data.tasks or {})[task])
                and rows[split.rows_of(task)].sum() >= MIN_SLICE_ROWS
            }
            for part, rows in parts.items()
        }
    return _plain(found)


def _lines(
    data: Dataset, told: Mapping[str, np.ndarray]
) -> tuple[dict[str, Platt], dict[str, dict[str, str]]]:
    """Platt's line of each binary task on the validation rows, or the reason why there is none."""
    lines, failed = {}, {}
    for task, kind in (data.tasks or {}).items():
        if kind == "binary":
            rows = data.valid.rows_of(task)
            try:
                lines[task] = fit_platt(task, data.valid.labels[task][rows], told[task][rows])
            except ValueError as error:
                failed[task] = {"remark": str(error)}
    return lines, failed


def _of_lines(
    data: Dataset, told: Mapping[str, np.ndarray], lines: Mapping[str, Platt]
) -> dict[str, Any]:
    """The lines, and the test rows' scores with them."""
    tasks = dict(data.tasks or {})
    found = {}
    for task, line in lines.items():
        prediction = calibrated({task: told[task]}, [to_config(line, tasks)])[task]
        score = score_task(data.test, task, prediction, "binary")
        found[task] = {"slope": line.slope, "intercept": line.intercept, "test": _plain(score)}
    return found


def _base_rates(data: Dataset) -> dict[str, Any]:
    """The test scores of a model that predicts the training rows' mean label."""
    found = {}
    for task, kind in (data.tasks or {}).items():
        baseline = base_rate(data, task)
        found[task] = score_task(data.test, task, baseline(data.test), kind)
    return _plain(found)


def _description(plan: Plan, dataset: FileDataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "tasks": dict(plan.tasks),
        "model": plan.model.key,
        "options": {name: _plain(value) for name, value in plan.options.items()},
        "columns": [column_to_config(column) for column in dataset.feature_columns],
        **dataset.encoding(),
        "left_out": dataset.left_out,
        "remarks": list(dataset.warnings),
        "data": dataset.description,
    }


def _write_predictions(
    folder: Path, split: Split, told: Mapping[str, np.ndarray], kind: str
) -> None:
    columns = {"row_id": split.row_id, "group": split.group}
    for task, prediction in told.items():
        exists = np.zeros(len(split), bool)
        exists[split.rows_of(task)] = True
        columns[f"label_{task}"] = pa.array(split.labels[task], mask=~exists)
        columns[task] = prediction
    table = pa.table(columns)
    path = folder / f"predictions.{kind}"
    if kind == "csv":
        pa.csv.write_csv(table, path)
    else:
        pa.parquet.write_table(table, path)


def _plain(value: Any) -> Any:
    """A value in types that JSON knows; NaN becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def _write_json(path: Path, value: Any) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(json.dumps(value, indent=1), encoding="utf-8")
    os.replace(temporary, path)


def report(scores: Mapping[str, Any]) -> str:
    """A few lines about what ``train`` returned."""
    lines = [
        f"{scores['model']}: {scores['parameters']:,} parameters, best of "
        f"{scores['epochs_trained']} epochs: {scores['best_epoch']}, {scores['seconds']:.1f} s, "
        f"{scores['examples_per_second']:,.0f} examples/s"
    ]
    for split_name, parts in scores["scores"].items():
        for part, tasks in parts.items():
            for task, values in tasks.items():
                where = split_name if part == "all" else f"{split_name}, {part}"
                told = {"auc": "AUC", "gauc": "GAUC", "log_loss": "log loss"}
                told["mean_squared_error"] = "mean squared error"
                text = ", ".join(
                    f"{told[name]} {values[name]:.5f}"
                    for name in told
                    if values.get(name) is not None
                )
                lines.append(f"{where:28}{task:16}{text}")
    for task, line in scores.get("calibration", {}).items():
        text = line.get("remark") or f"log loss {line['test']['log_loss']:.5f}"
        lines.append(f"{'test, calibrated':28}{task:16}{text}")
    return "\n".join(lines)
