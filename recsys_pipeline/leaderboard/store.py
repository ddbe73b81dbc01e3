"""The folder of a board: it keeps every finished run, so that a killed board can go on.

    FOLDER/runs/afm_1b2c_seed_1.json      scores and costs of a run, and its provenance
                               .npy       its predictions of the test rows
                               .keras     the trained model
                               .npz       checkpoint of the last epoch, while it runs

A folder is of one board: of one data set, one task and one version. A run of the same name with
other settings is refused, not overwritten. More seeds or models only add runs.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from recsys_lib.data import Dataset
from recsys_lib.training import save
from recsys_pipeline.chunks.reading import digest_of
from recsys_pipeline.train.recipe_files import Line
from recsys_pipeline.train.runs import plain, write


@dataclasses.dataclass(frozen=True)
class Run:
    """The result of one training: rows of the table, for all test rows and for each slice.

    ``prediction`` is ``(test rows,)``, empty for a trial of a grid, which is not tested;
    ``valid_score`` the best one.
    """

    row: dict[str, Any]
    prediction: np.ndarray
    valid_score: float
    slices: tuple[dict[str, Any], ...] = ()


def checksum(dataset: Dataset) -> str:
    """A hash of all rows of a data set: columns, labels, groups and which row is in which split."""
    found = hashlib.sha256(repr((dataset.feature_columns, dict(dataset.tasks or {}))).encode())
    for name, split in dataset.splits.items():
        found.update(f"{name} {digest_of(split)};".encode())
        for ids in (*split.groups.values(), split.row_id):
            found.update(np.ascontiguousarray(ids).data)
    return found.hexdigest()


def differences(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """Where two values differ, a sentence for each place.

    Example:
        >>> list(differences({"fit": {"epochs": 3, "seed": 1}}, {"fit": {"epochs": 5, "seed": 1}}))
        ['fit.epochs: 3 here, 5 there']
    """
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in sorted({*ours, *theirs}):
            where = f"{place}.{key}" if place else str(key)
            yield from differences(ours.get(key), theirs.get(key), where)
    elif ours != theirs:
        yield f"{place}: {ours!r} here, {theirs!r} there"


class Store:
    """Runs by model and seed, in a folder or, without one, in memory alone.

    ``board`` is what all runs share: checksum of the data, task, version. A folder of another board
    raises ``ValueError``.
    """

    def __init__(self, folder: Any, board: Mapping[str, Any], keep_models: bool = True) -> None:
        self.folder = None if folder is None else pathlib.Path(folder)
        self.board, self.keep_models = dict(board), keep_models
        for path in self._files():
            said = {name: _read(path)["made_of"].get(name) for name in self.board}
            _check(path, self.board, said)

    def _files(self) -> list[pathlib.Path]:
        return [] if self.folder is None else sorted((self.folder / "runs").glob("[!.]*.json"))

    def _file(self, line: Line, what: str) -> pathlib.Path | None:
        if self.folder is None:
            return None
        plain = re.sub(r"[^a-z0-9]+", "_", line.name.lower()).strip("_")
        # Two names may be equal without their punctuation.
        sign = hashlib.sha256(line.name.encode()).hexdigest()[:4]
        return self.folder / "runs" / f"{plain}_{sign}_{what}.json"

    def checkpoint(self, line: Line, what: str) -> str | None:
        """The checkpoint file of a run."""
        if (path := self._file(line, what)) is None:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path.with_suffix(".npz"))

    def get(self, line: Line, what: str) -> Run | None:
        """A finished run, such as ``"seed_1"`` or ``"trial_0"``, or None.

        Raises:
            ValueError: the folder's run of this name has other settings, or is damaged.
        """
        path = self._file(line, what)
        if path is None or not path.is_file():
            return None
        found = _read(path)
        _check(path, plain(line.described()), found["made_of"]["line"])
        return _run(found)

    def put(self, line: Line, what: str, run: Run, model: keras.Model) -> None:
        """Store a finished run and its model; the JSON file is written last, after the others."""
        path, tested = self._file(line, what), bool(len(run.prediction))
        if path is None:
            return
        if tested:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path.with_suffix(".npy"), run.prediction)
            if self.keep_models:
                save(model, path.with_suffix(".keras"))
        said: dict[str, Any] = {"made_of": {**self.board, "line": line.described()}, "row": run.row}
        said |= {"slices": run.slices, "valid_score": run.valid_score, "tested": tested}
        write(path, said)
        path.with_suffix(".npz").unlink(missing_ok=True)

    def tested(self) -> dict[str, tuple[dict[str, Any], list[Run]]]:
        """All tested runs of the folder: printed name to the model's settings and its runs."""
        found: dict[str, tuple[dict[str, Any], list[Run]]] = {}
        for path in self._files():
            said = _read(path)
            if said["tested"]:
                name = said["row"]["model"]
                found.setdefault(name, (said["made_of"]["line"], []))[1].append(_run(said))
        return found


def _read(path: pathlib.Path) -> Any:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not {"made_of", "row", "slices", "valid_score", "tested"} <= set(found):
            raise ValueError("it lacks a part")
        array = path.with_suffix(".npy")
        return found | {"prediction": np.load(array, "r") if found["tested"] else np.empty(0)}
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a readable run ({error}); delete it") from None


def _run(said: Mapping[str, Any]) -> Run:
    rows = [said["row"], *said["slices"]]
    # JSON has no NaN: a score that does not exist is null.
    row, *slices = ({k: np.nan if v is None else v for k, v in one.items()} for one in rows)
    score = np.nan if said["valid_score"] is None else said["valid_score"]
    return Run(row, said["prediction"], score, tuple(slices))


def _check(path: pathlib.Path, ours: Any, theirs: Any) -> None:
    if found := list(differences(ours, theirs)):
        raise ValueError(
            f"{path}: expected a run with the same settings, got {'; '.join(found)}; name another "
            "folder, or delete the file"
        )


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Create a folder, and check that it can be written to.

    Raises:
        OSError: it cannot be written to.
    """
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
