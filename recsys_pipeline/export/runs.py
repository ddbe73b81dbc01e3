"""What an export takes from a run: its columns, its encoding, its golden request, its predictions.

The run's ``description.json`` holds all that was learned from the rows of its data: the ids of
values, means, scales and edges of numbers, how histories are made. Nothing is learned again from
data that are given beside a run; they are only compared with it.
"""

import dataclasses
import json
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from recsys_lib.features.columns import Column, column_from_config
from recsys_pipeline.files.description import Description, task_name, to_json
from recsys_pipeline.files.encoders import BinEncoder, CategoricalEncoder, Encoder, NumericEncoder
from recsys_pipeline.files.joining import open_tables
from recsys_pipeline.files.resolving import names_of, resolve
from recsys_pipeline.files.sources import files_of, open_sources
from recsys_pipeline.files.tables import encoders_from

MODEL, DESCRIPTION = "model.keras", "description.json"
SCORES, PREDICTIONS = "scores.json", "predictions"
_NEEDED = ("columns", "tasks", "vocabularies", "encoders", "left_out", "data")


@dataclasses.dataclass(frozen=True)
class Run:
    """What ``export`` needs to know of the data of a run, in place of a data set.

    Args:
        feature_columns: of the data that it was trained on.
        tasks: task to kind.
        encoders: how it read raw values.
        left_out: columns of the files that carried no information, with the reason.
        description: of the files, as ``Description.as_dict`` returned it.
        golden: a request, and its candidates, of its test rows; None in a run that kept none.
        said: the content of ``description.json``.
    """

    feature_columns: tuple[Column, ...]
    tasks: Mapping[str, str]
    encoders: tuple[Encoder, ...]
    left_out: Mapping[str, str]
    description: Mapping[str, Any]
    golden: tuple[Any, Any] | None
    said: Mapping[str, Any]

    def encoding(self) -> dict[str, Any]:
        """All that ``encoders_from`` needs, as ``FileDataset.encoding`` returned it in training."""
        return {name: self.said[name] for name in ("vocabularies", "encoders")}


def read_run(folder: str | os.PathLike[str], paths: Iterable[str] = ()) -> Run:
    """What a run says of its data; the model is not loaded.

    Args:
        folder: what ``recsys train`` wrote.
        paths: the files that it was trained on, for a message.

    Raises:
        ValueError: no run, or one that does not hold its encoding, with the command that trains it
            again.
    """
    if not Path(folder, MODEL).is_file():
        raise ValueError(f"--run: expected a folder with {MODEL} in it, got {folder}")
    said = _read(Path(folder, DESCRIPTION))
    if lacking := [name for name in _NEEDED if name not in said]:
        raise ValueError(
            f"--run: expected a run that holds its encoding, got {folder}, whose {DESCRIPTION} has "
            f"no {lacking}; train it again: {_again(folder, paths)}"
        )
    golden = said.get("golden")
    return Run(
        feature_columns=tuple(map(column_from_config, said["columns"])),
        tasks=said["tasks"],
        encoders=encoders_from(said),
        left_out=said["left_out"],
        description=said["data"],
        golden=None if golden is None else (golden["request"], golden["candidates"]),
        said=said,
    )


def _read(path):
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _again(folder, paths):
    scores = _read(Path(folder, SCORES))
    data = [str(path) for path in paths] or ["DATA"]
    words = ["recsys", "train", *data, "--model", scores.get("model", "MODEL")]
    if scores.get("tasks"):
        words += ["--tasks", ",".join(scores["tasks"])]
    for name, value in scores.get("training", {}).items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    for name, value in scores.get("options", {}).items():
        words += ["--option", f"{name}={value}"]
    return shlex.join([*words, "--seed", str(scores.get("seed", 0)), "--output", f"{folder}_again"])


def check_data(run: Run, said: Description) -> None:
    """Check that data are described as those of a run. No row is read.

    Which rows they are, in which order and part, may differ.

    Raises:
        ValueError: another column, label or time; the first one is named.
    """
    paths = [path for part in files_of(said).values() for path in part]
    (source,) = open_sources(paths[:1], said)
    tables = open_tables(said)
    names, known = names_of(source, tables), {one.source: one for one in run.encoders}
    trained = Description.from_dict(run.description)
    made = {history.name for history in trained.histories}
    for name in known:
        if name not in (*names, *made):
            raise ValueError(f"{source.path}: expected the run's column {name!r}, got {names}")
    others = "categorical" if trained.other_columns == "categorical" else "ignore"
    trained = dataclasses.replace(trained, slices=(), group=None, groups={}, other_columns=others)
    expected = {}
    for name, column in resolve(trained, source, tables).items():
        if name in known:
            expected[name] = to_json(column) | {"kind": _kind(known[name])}
        elif task_name(name) in run.left_out:
            expected[name] = to_json(column)
    got = to_json(resolve(said, source, tables))
    for name in dict.fromkeys((*expected, *got)):
        _compare(f"{source.path}, column {name!r}", expected.get(name), got.get(name))
    for what in ("labels", "time"):
        _compare(
            f"{source.path}, {what}", to_json(getattr(trained, what)), to_json(getattr(said, what))
        )


def _kind(encoder):
    if isinstance(encoder, NumericEncoder | BinEncoder):
        return "numeric"
    return "categorical" if isinstance(encoder, CategoricalEncoder) else "sequence"


def _compare(where, expected, got):
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in dict.fromkeys((*expected, *got)):
            _compare(f"{where}, {name}", expected.get(name), got.get(name))
    elif expected != got:
        both = [one.get("kind", one) if isinstance(one, dict) else one for one in (expected, got)]
        shown = ["none" if one is None else repr(one) for one in both]
        raise ValueError(f"{where}: expected {shown[0]}, as in the run, got {shown[1]}")


def predictions_of(folder: str | os.PathLike[str], tasks: Iterable[str]) -> pd.DataFrame:
    """The predictions of a run's test rows, a column for each task, by ``row_id``.

    Raises:
        ValueError: the run kept none, or they are of other tasks.
    """
    for ending, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        path = Path(folder, f"{PREDICTIONS}.{ending}")
        if path.is_file():
            table = read(path)
            if lacking := [name for name in ("row_id", *tasks) if name not in table]:
                raise ValueError(f"{path}: expected columns {lacking}, got {list(table)}")
            return table.set_index("row_id").sort_index()
    raise ValueError(f"--run: expected {PREDICTIONS}.csv or .parquet in the folder, got {folder}")
