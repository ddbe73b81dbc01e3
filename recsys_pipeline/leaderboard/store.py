"""The folder of a board: it keeps every finished run, so that a killed board can go on.

    FOLDER/runs/03_afm_seed_1.json      scores and costs of a run, and its provenance
                             .npy       its predictions of the test rows
                             .keras     the trained model
                             .npz       checkpoint of the last epoch, while it runs

The provenance of a run is data, model, options, training and version. A folder that holds a run of
the same name and other provenance is refused, not overwritten. More seeds or models change no
provenance.
"""

import hashlib
import json
import os
import pathlib
import re
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from recsys_lib.data import Dataset
from recsys_lib.training import save
from recsys_pipeline.leaderboard.planning import Line
from recsys_pipeline.leaderboard.runs import Run


def checksum(dataset: Dataset) -> str:
    """A hash of all rows of a data set: columns, labels, groups and which row is in which split.

    Args:
        dataset: ``Dataset``.

    Returns:
        64 hexadecimal digits.
    """
    found = hashlib.sha256(repr((dataset.feature_columns, dict(dataset.tasks or {}))).encode())
    for name, split in dataset.splits.items():
        arrays: dict[str, np.ndarray] = {"group": split.group, "row_id": split.row_id}
        for kind in ("features", "labels", "label_masks"):
            arrays |= {f"{kind} {key}": values for key, values in getattr(split, kind).items()}
        for key in sorted(arrays):
            array = np.ascontiguousarray(arrays[key])
            found.update(f"{name} {key} {array.shape} {array.dtype};".encode())
            found.update(array.tobytes())
    return found.hexdigest()


def write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file atomically; create its folder if that is missing."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content.encode("utf-8") if isinstance(content, str) else content
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise


class Store:
    """Runs by model and seed, in a folder or in memory alone.

    Args:
        folder: the board's folder, created if missing; None: in memory.
        made_of: provenance that all runs share: checksum of the data, task, version.
        keep_models: whether trained models are written.

    Raises:
        OSError: the folder cannot be created or written to.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None,
        made_of: Mapping[str, Any],
        keep_models: bool = True,
    ) -> None:
        self.folder = None if folder is None else pathlib.Path(folder)
        self.made_of, self.keep_models = dict(made_of), keep_models
        if self.folder is not None:
            check_folder(self.folder)

    def _file(self, line: Line, what: str) -> pathlib.Path:
        assert self.folder is not None
        plain = re.sub(r"[^a-z0-9]+", "_", line.name.lower()).strip("_")
        # Two names may be equal without their punctuation.
        sign = hashlib.sha256(line.name.encode()).hexdigest()[:4]
        return self.folder / "runs" / f"{plain}_{sign}_{what}"

    def _made_of(self, line: Line, seed: int) -> dict[str, Any]:
        return {**self.made_of, "line": line.described(), "seed": seed}

    def checkpoint(self, line: Line, what: str) -> str | None:
        """The checkpoint file of a run."""
        if self.folder is None:
            return None
        path = self._file(line, f"{what}.npz")
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)

    def get(self, line: Line, seed: int, what: str) -> Run | None:
        """A finished run, or None.

        Raises:
            ValueError: the folder's run of this name has other provenance, or is damaged.
        """
        if self.folder is None:
            return None
        path = self._file(line, f"{what}.json")
        if not path.is_file():
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            made_of, row, score = found["made_of"], found["row"], float(found["valid_score"])
            prediction = np.load(path.with_suffix(".npy")) if found["tested"] else np.empty(0)
            slices = tuple(found["slices"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: not a readable run ({error}); delete it") from None
        for key, value in self._made_of(line, seed).items():
            if made_of.get(key) != value:
                raise ValueError(
                    f"{path}: expected a run of the same {key}, {value!r}, got {made_of.get(key)!r}"
                    "; name another folder, or delete the file"
                )
        return Run(row, prediction, score, slices)

    def put(self, line: Line, seed: int, what: str, run: Run) -> None:
        """Store a finished run; its JSON file is written last, after its other files."""
        if self.folder is None:
            return
        path, tested = self._file(line, f"{what}.json"), bool(len(run.prediction))
        if tested:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path.with_suffix(".npy"), run.prediction)
            if self.keep_models and run.model is not None:
                save(run.model, path.with_suffix(".keras"))
        content = {
            "made_of": self._made_of(line, seed),
            "row": run.row,
            "slices": run.slices,
            "valid_score": run.valid_score,
            "tested": tested,
        }
        write(path, json.dumps(content, indent=1, default=_number))
        path.with_suffix(".npz").unlink(missing_ok=True)


def _number(value: Any) -> Any:
    """A number of NumPy as one of Python."""
    return value.item()


def check_folder(folder: pathlib.Path) -> None:
    """Create a folder, and check that it can be written to.

    Raises:
        OSError: it cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".writable.")
    os.close(descriptor)
    os.unlink(name)
