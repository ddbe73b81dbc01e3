"""Verify an export: by its golden request, and by logged rows that training reads too.

``verify`` starts the export's own script. ``verify_log`` needs the files' encoders, and neither
TensorFlow nor Keras.
"""

import dataclasses
import datetime
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from recsys_lib.data.history import Events
from recsys_pipeline.export import replay
from recsys_pipeline.export.fields import BLANKS, BadField
from recsys_pipeline.export.runs import predictions_of
from recsys_pipeline.export.skew import feature_skew
from recsys_pipeline.files.description import Description, HistoryDescription, LabelDescription
from recsys_pipeline.files.encoders import BinEncoder, CategoricalEncoder, Encoder, NumericEncoder
from recsys_pipeline.files.histories import Happened, MadeLists
from recsys_pipeline.files.label_values import labels_of
from recsys_pipeline.files.rows import Rows, seconds_of
from recsys_pipeline.files.sequence_encoder import SequenceEncoder
from recsys_pipeline.files.sources import open_sources
from recsys_pipeline.files.tables import encoders_from
from recsys_pipeline.files.times import as_seconds

SCRIPT, ENCODING = "verify.py", "encoding.json"
MOST_ROWS = 100_000
"""So many rows of a larger file are compared, evenly spaced."""
ROWS_AT_ONCE = 1_000
"""So many of them are scored together."""
_LISTS = pa.list_(pa.string())
_LINES = (".jsonl", ".ndjson", ".json")
# The script is started as if this library were not installed.
_WITHOUT_LIBRARY = (
    "import runpy, sys; sys.modules |= dict.fromkeys(['recsys_lib', 'recsys_pipeline']); "
    "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def verify(folder: str | os.PathLike, engine: str | None = None) -> str:
    """Replay an export's golden request in a process that does not have this library.

    Args:
        folder: what ``export`` wrote.
        engine: ``"onnx"`` or ``"tensorflow"``; default: the first that is installed.

    Returns:
        The output of the export's own script: the engine, and the largest differences.

    Raises:
        ValueError: a file was changed or is missing, or a score differs from that at the time
            of the export.
    """
    script = pathlib.Path(folder) / SCRIPT
    if not script.is_file():
        raise ValueError(f"folder: expected what `export` wrote, got {folder}")
    command = [sys.executable, "-I", "-c", _WITHOUT_LIBRARY, str(script)]
    command += ["--engine", engine] if engine else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip())
    return done.stdout.strip()


def verify_log(
    folder: str | os.PathLike,
    log: str | os.PathLike | Iterable[str | os.PathLike],
    engine: str | None = None,
    run: str | os.PathLike | None = None,
) -> str:
    """Replay a log: compare its scores, and what training and service read of its raw rows.

    Args:
        folder: what ``export`` wrote.
        log: what ``recsys serve --log`` wrote, JSON lines in a file that ends in ``.jsonl``; or a
            file of rows as training read them, such as the training's own log, or several files
            of one log.
        engine: as for ``verify``.
        run: what ``recsys train`` wrote. The log is then the one that it read, in its order, and
            the rows that the run predicted are compared, and their scores with its predictions.

    Returns:
        What was compared, in one line.

    Raises:
        ValueError: columns that are read in two ways, each with its first row, or scores that are
            not those of the log or of the run; a line, a column or a value that cannot be read.
    """
    folder = pathlib.Path(folder)
    paths = [*map(pathlib.Path, [log] if isinstance(log, str | os.PathLike) else log)]
    for log in paths:
        if not log.is_file():
            raise ValueError(f"{log}: no such file")
    log = paths[0]
    is_requests = log.suffix in _LINES
    if is_requests and (run is not None or len(paths) > 1):
        raise ValueError(f"log: expected rows as training read them, got the requests of {log}")
    model = replay.Replay(folder, engine or next(replay.installed(), "onnx"))
    has_files = (folder / ENCODING).is_file()
    training = _Training(folder, model.encode.columns) if has_files else None
    predicted = None if run is None else predictions_of(run, model.tasks)
    if is_requests:
        said, raw, serving = _replayed(model, log)
        if training is None:
            return f"{log}: {said}; training's features were not compared: it read no files"
        raw = training.as_read(raw)
    elif training is None:
        raise ValueError(
            f"{folder}: expected an export of data that were read from files, whose {ENCODING} "
            f"says how training reads {log}, got none"
        )
    else:
        some, raw, serving = training.rows(model, paths, predicted)
        said = f"{len(some):,} rows"
    found: dict[str, np.ndarray] = {}
    for encoder in training.encoders:
        found |= encoder.encode(raw)
    found |= training.from_log
    table = feature_skew({name: found[name] for name in serving}, serving)
    wrong = table[table["rows"] > 0]
    if not len(wrong):
        if predicted is not None:
            apart = _apart(model, serving, predicted.loc[some], f"{log}", run)
            said += f"; scores as {run} predicted, within {apart:.1e}"
        return f"{log}: {said}; {len(table)} columns are read as in training"
    lines = [f"{log}: {said}; of {len(table)} columns {len(wrong)} are not read as in training"]
    for name, row in wrong.to_dict("index").items():
        column = model.encode.columns[str(name)]
        first = row["first"]
        lines.append(
            f"  {name}: {row['rows']} rows, the first is row {first + 1}, {column.source!r} "
            f"{raw[column.source][first].as_py()!r}: training reads {row['training']}, the service "
            f"{row['serving']}"
        )
    raise ValueError("\n".join(lines))


class _Training:
    """How training read the columns that an export's model reads.

    Args:
        folder: what ``export`` wrote.
        columns: dict of the model's columns.
    """

    def __init__(self, folder: pathlib.Path, columns: Mapping[str, Any]):
        encoding = json.loads((folder / ENCODING).read_text(encoding="utf-8"))
        self._data = Description.from_dict(encoding["data"])
        self._time = self._data.time
        encoders = encoders_from(encoding)
        self.encoders: list[Encoder] = []
        items = {
            one.column.table_name: one for one in encoders if isinstance(one, CategoricalEncoder)
        }
        # Lists that are made from the log: of whom and of what, and which rows are in them.
        self._made: dict[str, tuple[HistoryDescription, CategoricalEncoder, LabelDescription]] = {}
        lists = {one.source: one for one in encoders if isinstance(one, SequenceEncoder)}
        for one in self._data.histories:
            if one.name not in lists:  # it is left out
                continue
            item = items[lists[one.name].column.table_name]
            user = one.user or self._data.group
            label = LabelDescription(one.source, optional=True)
            label = self._data.labels.get(one.source, label)
            said = dataclasses.replace(one, user=user, item=item.source)
            self._made[one.name] = (said, item, label)
        self.from_log: dict[str, np.ndarray] = {}
        for encoder in encoders:
            read = [column.name for column in encoder.columns if column.name in columns]
            if isinstance(encoder, SequenceEncoder) and read == [encoder.column.name]:
                # A model of the ids alone is asked without their moments.
                encoder = dataclasses.replace(encoder, times=None, time=None, sessions=None)
            self.encoders += [encoder] if read else []

    def rows(
        self, model: replay.Replay, paths: list[pathlib.Path], predicted: pd.DataFrame | None
    ) -> tuple[np.ndarray, dict[str, Any], dict[str, np.ndarray]]:
        """Numbers of rows; the rows, raw as training's encoders and as the service take them.

        They are rows of files, or the predicted ones.
        """
        path, data = paths[0], self._data
        sources = open_sources(paths, data)
        forms = {
            CategoricalEncoder: "category",
            NumericEncoder: "number",
            BinEncoder: "number",
            SequenceEncoder: "list",
        }
        lists = [one for one in self.encoders if isinstance(one, SequenceEncoder)]
        made = [one for one in lists if one.source in self._made]
        wanted = {one.source: forms[type(one)] for one in self.encoders if one not in made}
        not_here = {field for one in made for field in (one.source, one.times)}
        wanted |= {str(one.times): "list" for one in lists if one.times not in (None, *not_here)}
        wanted |= {one.time: "raw" for one in lists if one.time is not None}
        read = self._read_for(made)
        for name, form in wanted.items():
            read.setdefault(name, set()).add(form)
        if missing := sorted(set(read) - set(sources[0].names)):
            hint = "; join the tables' columns to its rows first" * bool(data.tables)
            raise ValueError(f"{path}: expected columns {missing}, got {sources[0].names}{hint}")
        table = Rows(sources, ["all"] * len(sources), read)
        chosen = np.arange(len(table)) if predicted is None else predicted.index.to_numpy(np.int64)
        if chosen[-1] >= len(table):
            raise ValueError(f"{path}: expected the row {chosen[-1]} of the run, got {len(table)}")
        some = chosen[np.linspace(0, len(chosen) - 1, min(len(chosen), MOST_ROWS)).astype(np.int64)]
        raw: dict[str, Any] = {name: table.chunks(name, kind) for name, kind in wanted.items()}
        raw = {name: column.take(pa.array(some)) for name, column in raw.items()}
        # What a client has that reads the same file.
        asked = {name: [_plain(one) for one in raw[name].to_pylist()] for name in wanted}
        for encoder in lists:
            for field in {str(encoder.source), str(encoder.times)} & asked.keys():
                asked[field] = [_steps(one, encoder.separator) for one in asked[field]]
        if self._time is not None and self._time.column in read:
            seconds = seconds_of(table, self._time)
            raw[self._time.column] = seconds[some]
            for encoder in made:
                for field, one in self._lists(encoder, table, seconds, some).items():
                    asked[field], raw[field] = one, pa.array(map(_texts, one), _LISTS)
        try:
            return some, raw, model.encode.rows(asked)
        except BadField as error:
            place = table.place(some[int(error.place[2])]) if len(error.place) > 2 else path
            raise ValueError(f"{place}, column {error.place[1]!r}: {error.message}") from None

    def _read_for(self, made: Sequence[SequenceEncoder]) -> dict[str, set[str]]:
        """The columns that lists are made from, and the forms that they are needed in."""
        found: dict[str, set[str]] = {}
        for encoder in made:
            said, _, label = self._made[encoder.source]
            forms = dict.fromkeys(label.columns, "number" if label.is_number else "category")
            forms |= dict.fromkeys(filter(None, (said.user, said.item, label.where)), "category")
            for name, form in forms.items():
                found.setdefault(name, set()).add(form)
        if made and self._time is not None:
            found.setdefault(self._time.column, set()).add("raw")
        return found

    def _lists(
        self, encoder: SequenceEncoder, table: Rows, seconds: np.ndarray, some: np.ndarray
    ) -> dict[str, list[list[Any]]]:
        """The lists of some rows as a client keeps them, whatever the model knows and reads.

        ``from_log`` gets what training makes of the log for the same rows.
        """
        said, item, label = self._made[encoder.source]
        labels, masks = labels_of(table, {"": label})
        positive = (labels[""] == 1) & masks.get("", True)
        raw = {encoder.source: table.chunks(item.source, "category")}
        (ids,) = item.encode({item.source: raw[encoder.source]}).values()
        lists = MadeLists(encoder, said, table, ids, Happened(seconds, {said.source: positive}))
        blocks = [block.features for block in lists.blocks(some)]
        self.from_log |= {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}
        users = table.categories(str(said.user)).codes
        is_there = raw[encoder.source].is_valid().to_numpy()
        earlier = Events(users, seconds, positive & is_there & (users >= 0))
        spans = np.transpose(earlier.span(users[some], seconds[some]))
        if encoder.times is not None:
            raw[encoder.times] = table.chunks(str(encoder.time), "raw")
        plain = {
            field: [_plain(one) for one in column.to_pylist()] for field, column in raw.items()
        }
        return {
            field: [[values[row] for row in earlier.rows[first:last]] for first, last in spans]
            for field, values in plain.items()
        }

    def as_read(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Raw values from JSON in the forms of a file: texts, numbers, seconds."""
        raw: dict[str, Any] = {}
        for encoder in self.encoders:
            values = rows[encoder.source]
            if isinstance(encoder, NumericEncoder | BinEncoder):
                raw[encoder.source] = pa.array(values, pa.float64())
            elif isinstance(encoder, SequenceEncoder):
                for field in filter(None, (encoder.source, encoder.times)):
                    # An empty step is left out in service; a file may have none.
                    lists = [
                        [text for text in _texts(one or ()) if text and text.strip(BLANKS)]
                        for one in rows[field]
                    ]
                    raw[field] = pa.array(lists, _LISTS)
            else:
                raw[encoder.source] = pa.array(_texts(values), pa.string())
        of_rows = {one.time for one in self.encoders if isinstance(one, SequenceEncoder)}
        if self._time is not None and (field := self._time.column) in of_rows:
            texts = dict.fromkeys(map(str, rows[field]))
            known = {text: as_seconds(pa.array([text]), self._time)[0] for text in texts}
            raw[field] = np.array([known[str(one)] for one in rows[field]])
        return raw


def _apart(
    model: replay.Replay,
    rows: Mapping[str, np.ndarray],
    predicted: pd.DataFrame,
    place: str,
    run: Any,
) -> float:
    """The largest difference between the scores of rows and a run's predictions of them.

    Raises:
        ValueError: one is larger than the tolerance.
    """
    worst = 0.0
    for start in range(0, len(predicted), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        scores = model.run[replay.ROWS]({name: array[part] for name, array in rows.items()})
        for task in model.tasks:
            found, expected = scores[task], predicted[task].to_numpy(np.float64)[part]
            apart = np.abs(found - expected) / np.maximum(1.0, np.abs(expected))
            wrong = np.flatnonzero(~(apart <= model.description["tolerance"]))
            if len(wrong):
                row = int(wrong[0])
                raise ValueError(
                    f"{place}, row {predicted.index[part][row] + 1}, {task!r}: expected "
                    f"{expected[row]:.7g}, as {run} predicted, got {found[row]:.7g}; is it the log "
                    "that the run read, in its order?"
                )
            worst = max(worst, float(apart.max()))
    return worst


def _replayed(
    model: replay.Replay, path: pathlib.Path
) -> tuple[str, dict[str, list[Any]], dict[str, np.ndarray]]:
    """Requests of a service's log: what was compared, their raw rows, and as they are read."""
    raw: dict[str, list[Any]] = {}
    parts: dict[str, list[np.ndarray]] = {name: [] for name in model.encode.columns}
    worst, requests, others, rows = 0.0, 0, 0, 0
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            place = f"{path}, line {number}"
            try:
                logged = json.loads(line)
                request, candidates = logged["request"], logged["candidates"]
                scores = {task: np.array(logged["scores"][task], float) for task in model.tasks}
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{place}: expected JSON with request, candidates and scores, got {error!r}"
                ) from None
            try:
                user, read = model.encode(request, candidates)
            except BadField as error:
                raise ValueError(f"{place}: {error}") from None
            count = len(next(iter(read.values())))
            if logged.get("model", model.description["checksum"]) == model.description["checksum"]:
                for task, found in model.scores(user, read).items():
                    apart = replay.difference(found, scores[task])
                    if not apart <= model.description["tolerance"]:
                        raise ValueError(f"{place}, {task!r}: {replay.worst(found, scores[task])}")
                    worst = max(worst, apart)
            else:
                others += 1
            for side, many in ((request, False), (candidates, True)):
                for field, value in side.items():
                    raw.setdefault(field, []).extend(value if many else [value] * count)
            for name, array in {**user, **read}.items():
                parts[name].append(array if name in read else np.repeat(array, count, 0))
            requests, rows = requests + 1, rows + count
    if not requests:
        raise ValueError(f"{path}: expected logged requests, got an empty file")
    said = f"{requests:,} requests with {rows:,} candidates; scores as logged, within {worst:.1e}"
    if others:
        said += f", but for {others:,} requests that another model answered"
    return said, raw, {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _texts(values: Sequence[Any]) -> list[str | None]:
    """Ids as a file has them."""
    return [None if one is None else str(one) for one in values]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else value


def _steps(value: Any, separator: str) -> list[Any]:
    """The list of a cell."""
    return value.split(separator) if isinstance(value, str) and value else list(value or ())
