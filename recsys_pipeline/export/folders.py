"""``export`` a model as a folder that is served without this library."""

import ast
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

import recsys_lib
from recsys_lib.data import session_rules
from recsys_lib.locks import locked
from recsys_lib.training.prediction import predict
from recsys_pipeline import INSTALL
from recsys_pipeline.export import columns, fields, moments, reading, replay
from recsys_pipeline.export.calibration import Calibration, to_config
from recsys_pipeline.export.describing import (
    columns_of,
    describe_column,
    kinds_of_tasks,
    lists_side_by_side,
    request_side,
    values_of,
)
from recsys_pipeline.export.golden import golden_request
from recsys_pipeline.export.graphs import graphs_of, write_onnx, write_saved_model
from recsys_pipeline.export.histories import check_apart, describe_histories, histories_of
from recsys_pipeline.export.values import Values
from recsys_pipeline.export.verifying import ENCODING, SCRIPT

FORMAT = 1
TOLERANCE = 1e-5
"""How far a replayed score may be from the exported one: engines add up in different orders."""

_WRITERS = ("tensorflow-cpu", "tensorflow", "keras", "numpy", "tf2onnx", "onnx", "onnxruntime")


def export(
    model: keras.Model,
    folder: str | os.PathLike,
    dataset: Any = None,
    *,
    request_columns: Iterable[str] | None = None,
    values: Mapping[str, Values] | None = None,
    side_by_side: Iterable[Sequence[str]] | None = None,
    calibration: Iterable[Calibration] = (),
    onnx: bool = True,
) -> pathlib.Path:
    """Write a model as a folder from which it can be served; an incomplete folder never appears.

    ====================  =====================================================================
    ``saved_model/``      for TensorFlow, with the signatures ``rows`` and ``request``
    ``rows.onnx``         whole rows in, a score of each task out, by name
    ``request.onnx``      one request's columns once and those of its candidates in
    ``description.json``  columns, how their raw values are read, tasks, calibration, versions,
                          the digest of every file, and a checksum of all that
    ``encoding.json``     how training read raw values, of data from files; for ``verify_log``
    ``golden.json``       a request with raw values, what the model reads of it, and its scores
    ``verify.py``         replays the golden request with NumPy and onnxruntime or TensorFlow
    ====================  =====================================================================

    Every file is loaded and compared with ``predict`` before the folder appears.

    Args:
        model: Keras model of this library.
        folder: name of a folder that does not exist yet.
        dataset: the data that the model was trained on, or the ``Run`` that holds what was learned
            from them: its columns, how their raw values are read, and the golden request are taken
            from it. Without it raw ids are the model's own and numbers are read unscaled.
        request_columns: names of the columns that a request gives once; default: all but those of
            group ``item``. A model with numbers needs a data set for it: it keeps the groups of
            its ids alone.
        values: dict of column to ``Values``, which override the data set's. If they name a column
            that is computed from a history's moments, such as its ages, a request gives it.
        side_by_side: groups of lists whose steps belong together: a step that is unknown in one
            is left out of all. Default: ordered lists of one length, if they have equally many
            steps on all test rows. A history with moments may not be among them, since training
            reads it by itself.
        calibration: ``Sampling``, ``Platt`` and ``Curve``, applied one after the other.
        onnx: whether the ONNX files are written, which needs tf2onnx and onnxruntime.

    Returns:
        The folder.

    Raises:
        ValueError: the folder exists; columns, values or tasks that the model does not have; a file
            that cannot be converted, or whose scores are not those of ``predict``.
        TimeoutError: another process exports to this folder.

    Example:
        >>> import tempfile
        >>> from recsys_lib.features import CategoricalColumn
        >>> from recsys_lib.memorization import build_logistic_regression
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("item_id", 9, "item")]
        >>> model = build_logistic_regression(columns)
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     folder = export(model, f"{parent}/lr", request_columns=["user_id"], onnx=False)
        ...     sorted(path.name for path in folder.iterdir())
        ['description.json', 'golden.json', 'saved_model', 'verify.py']
    """
    folder = check_target(folder, onnx)
    columns = columns_of(model, dataset)
    request = request_side(columns, request_columns, is_known=dataset is not None)
    histories = histories_of(columns, dataset, values)
    values = values_of(columns, dataset, values)
    tasks = kinds_of_tasks(model, dataset)
    if both := sorted(set(tasks) & {column.name for column in columns}):
        raise ValueError(f"tasks: expected names that no column has, got {both}")
    description = {
        "format": FORMAT,
        "model": model.name,
        "tasks": tasks,
        "request": request,
        "side_by_side": check_apart(
            lists_side_by_side(columns, request, dataset, side_by_side), histories
        ),
        "columns": [describe_column(column, values[column.name]) for column in columns],
        "calibration": [to_config(step, tasks) for step in calibration],
        "tolerance": TOLERANCE,
        "versions": versions(),
    }
    description |= describe_histories(histories, description["columns"])
    golden = getattr(dataset, "golden", None) or golden_request(
        columns, values, request, dataset, histories
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _unfinished(folder) as place:
        graphs = graphs_of(model, request)
        write_saved_model(model, graphs, place / replay.SAVED_MODEL)
        for name in replay.SIGNATURES if onnx else ():
            _convert(graphs[name], place / f"{name}.onnx", model)
        _write(place / replay.GOLDEN, _scored(model, description, golden))
        if getattr(dataset, "encoders", None):
            _write(place / ENCODING, {**dataset.encoding(), "data": dataset.description})
        (place / SCRIPT).write_text(standalone(), encoding="utf-8")
        description["files"] = {
            path.relative_to(place).as_posix(): replay.digest(path)
            for path in sorted(place.rglob("*"))
            if path.is_file()
        }
        description["checksum"] = replay.checksum_of(description)
        _write(place / replay.DESCRIPTION, description)
        for engine in replay.ENGINES if onnx else ("tensorflow",):
            try:
                replay.Replay(place, engine).verify()
            except Exception as error:
                raise ValueError(
                    f"model {model.name!r}, its files for {engine}: {error}"
                ) from error
        os.replace(place, folder)
    return folder


def golden_of(model: keras.Model, dataset: Any) -> dict[str, Any]:
    """The golden request that ``export`` would make of a data set's rows, for a run to keep.

    Args:
        model, dataset: as for ``export``.

    Returns:
        Dict of ``request`` and ``candidates``, raw values.
    """
    columns = columns_of(model, dataset)
    values, histories = values_of(columns, dataset, None), histories_of(columns, dataset, None)
    request = request_side(columns, None)
    found = golden_request(columns, values, request, dataset, histories)
    return dict(zip(("request", "candidates"), found, strict=True))


@contextlib.contextmanager
def _unfinished(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """A new folder beside an export's, for one process at a time; removes a killed process's."""
    place = folder.with_name(f".{folder.name}.unfinished")
    with locked(folder.with_name(f".{folder.name}.lock"), seconds=0):
        try:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def checksum(folder: str | os.PathLike) -> str:
    """The checksum of an export: of its description and of every file.

    Args:
        folder: what ``export`` wrote.

    Raises:
        ValueError: it is not an export.
    """
    try:
        text = (pathlib.Path(folder) / replay.DESCRIPTION).read_text(encoding="utf-8")
        return str(json.loads(text)["checksum"])
    except (OSError, KeyError, TypeError, ValueError):
        raise ValueError(f"folder: expected what `export` wrote, got {folder}") from None


def check_target(folder: str | os.PathLike, onnx: bool = True) -> pathlib.Path:
    """Check what ``export`` needs besides a model, before there is a model.

    Args:
        folder, onnx: as for ``export``.

    Returns:
        The folder.

    Raises:
        ValueError: the folder exists, or the packages that write ONNX are not installed.

    Example:
        >>> check_target("exports/of_today", onnx=False).name
        'of_today'
    """
    folder = pathlib.Path(folder)
    if folder.exists():
        raise ValueError(f"folder: expected one that does not exist yet, got {folder}")
    for package in ("tf2onnx", "onnxruntime") if onnx else ():
        if importlib.util.find_spec(package) is None:
            raise ValueError(
                f"onnx: expected the package {package}, found none; {INSTALL} brings it, and "
                "onnx=False exports for TensorFlow alone"
            )
    return folder


def standalone() -> str:
    """The script that is written into exports: the modules that read and replay, in one text.

    They share one namespace there, so no two of them may define the same name.
    """
    kept = [f'"""{replay.__doc__}"""']
    for module in (session_rules, fields, moments, columns, reading, replay):
        source = pathlib.Path(str(module.__file__)).read_text(encoding="utf-8")
        lines = source.splitlines()
        body = ast.parse(source).body
        imports = [node for node in body if isinstance(node, ast.ImportFrom)]
        own = [node for node in imports if str(node.module).startswith("recsys_")]
        for node in reversed([body[0], *own]):  # the docstring too
            del lines[node.lineno - 1 : node.end_lineno]
        kept += lines
    return "\n".join(kept) + "\n"


def _convert(graph, path, model):
    try:
        write_onnx(graph, path)
    except Exception as error:  # the converter raises errors of many kinds
        reason = str(error).strip().splitlines() or [repr(error)]
        raise ValueError(
            f"model {model.name!r}, {path.name}: not converted: {reason[-1]}"
        ) from error


def _scored(model, description, golden):
    """The golden request with what the model reads of it and with its scores."""
    request, candidates = golden
    # Read from JSON, as a service reads them.
    request, candidates = json.loads(json.dumps([request, candidates]))
    user, encoded = reading.Encoder(description)(request, candidates)
    count = len(next(iter(encoded.values())))
    tiled = {name: np.repeat(array, count, 0) for name, array in user.items()}
    scores = predict(model, {**tiled, **encoded})
    answers = replay.calibrate(scores, description["calibration"])
    return {
        "request": request,
        "candidates": candidates,
        "features": {name: array.tolist() for name, array in {**user, **encoded}.items()},
        "scores": {task: array.tolist() for task, array in scores.items()},
        "answers": {task: array.tolist() for task, array in answers.items()},
    }


def _write(path, content):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write("\n")


def versions(packages: Iterable[str] = _WRITERS) -> dict[str, str]:
    """The versions of this library, of Python and of packages that are installed, by name."""
    found = {"recsys_lib": recsys_lib.__version__, "python": platform.python_version()}
    for name in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
