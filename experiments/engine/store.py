"""The log of a run: what is done stands in it, line by line, so that a killed run goes on.

A line is written at once and read only if it is whole: a kill in the middle costs one cell.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.engine.arms import as_options, sha256_of
from experiments.engine.declaration import Experiment

BUILD = Path(__file__).parents[2] / "build" / "experiments"

_WORLD = {"bounds": 2, "cell": 3, "prefix": 2}
"""Where the world stands in a key."""


def measured_sha(experiment: Experiment) -> str:
    """A hash of what decides the cells; margins, contrasts and blocks of worlds do not.

    So margins can be declared once the tuning worlds have shown the spread. Whether an arm that
    stays at the base rate has failed is judged later, too.

    Args:
        experiment: the declaration.
    """
    declared = json.loads(experiment.canonical())
    for name in ("contrasts", "worlds", "side_worlds"):
        declared.pop(name, None)
    for arm in declared["arms"]:
        arm.pop("at_base_rate", None)
    declared["parts"] = list(experiment.all_parts)
    if experiment.headline is not None:
        declared["headline"] = [experiment.chief.at]
    return sha256_of(json.dumps(declared, sort_keys=True).encode())


class Store:
    """The log of one experiment.

    Args:
        experiment: the declaration.
        build: folder of all runs.

    Attributes:
        folder: of this run.
        done: key to entry, ``{"key", "value", "seconds", "processor"}``.
    """

    def __init__(self, experiment: Experiment, build: Path = BUILD) -> None:
        self.home = Path(build) / experiment.identifier
        self.folder = self.home / measured_sha(experiment)[:12]
        self.path = self.folder / "log.jsonl"
        self._worlds = {world for arm in experiment.arms for world in experiment.worlds_of(arm)}
        self.done: dict[Any, dict[str, Any]] = {as_options(one["key"]): one for one in self._read()}

    def _read(self) -> Iterator[dict[str, Any]]:
        kept = self.path.read_bytes() if self.path.exists() else b""
        for line in kept.split(b"\n"):
            try:
                entry = json.loads(line)
            except ValueError:  # half-written
                continue
            if isinstance(entry, dict) and {"key", "value"} <= set(entry):
                yield entry

    def add(self, entry: dict[str, Any]) -> None:
        """Write an entry, on the disk before this returns.

        Args:
            entry: with ``key`` and ``value``; one that is there already is left as it is.
        """
        key = as_options(entry["key"])
        if key in self.done:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps(entry, sort_keys=True).encode()
        with open(self.path, "ab") as file:
            # What a killed run left without an end becomes a line of its own, which is no JSON.
            file.write(b"\n" + line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.done[key] = entry

    def value(self, *key: Any) -> Any:
        """The value of an entry.

        Raises:
            KeyError: there is none.
        """
        return self.done[key]["value"]

    def seconds(self, *kinds: str) -> list[float]:
        """Seconds of the entries of some kinds, in the order in which they were written.

        The log may hold worlds of a former block, too; they are left out.
        """
        counted = [key for key in self.done if key[0] in kinds and self._is_of_block(key)]
        return [self.done[key]["seconds"] for key in counted]

    def _is_of_block(self, key: tuple[Any, ...]) -> bool:
        place = _WORLD.get(key[0])
        return place is None or (len(key) > place and key[place] in self._worlds)

    def forget(self) -> None:
        """Remove all that was measured of the experiment, also under former declarations."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.done = {}


def predictions_path(folder: Path, arm: str, initialisation: int) -> Path:
    """File of an arm's predictions on real data, in the folder of its run."""
    return Path(folder) / "predictions" / f"{sha256_of(arm.encode())[:12]}_{initialisation}.bin"
