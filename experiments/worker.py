"""What a process does that measures cells: a unit of work comes in, entries of the log go out."""

import functools
import os
import platform
import re
import threading
import time
from collections.abc import Iterator
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import Any

from experiments import registry
from experiments.arms import as_options
from experiments.declaration import Experiment

SWITCHES = ("TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS")


def processor() -> str:
    """The name of this machine's processor."""
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    named = re.search(r"^model name\s*:(.*)", text, re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine()


def switches() -> str:
    """What of the environment decides the last digits of a cell."""
    return " ".join(f"{name}={os.environ.get(name, '')}" for name in SWITCHES)


def entries(experiment: Experiment, unit: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Do one unit of work.

    Args:
        experiment: the declaration.
        unit: ``keys`` and what belongs to them, as ``experiments.running`` writes it.

    Yields:
        Entries of the log; ``seconds`` are those of the processor, which others that use the
        machine do not lengthen.
    """
    started = time.process_time()
    for key, value in _measured(experiment, unit):
        now = time.process_time()
        yield {
            "key": key,
            "value": value,
            "seconds": round(now - started, 3),
            "processor": processor(),
            "switches": switches(),
        }
        started = now


def _measured(experiment: Experiment, unit: dict[str, Any]) -> Iterator[tuple[list[Any], Any]]:
    from experiments import cells, prefixes

    for key in unit["keys"]:
        kind, *place = key
        if kind == "bounds":
            yield key, cells.bounds(experiment, *place)
            continue
        arm = experiment.arm(place[0])
        options = as_options(unit["options"][arm.name])
        if kind == "prefix":
            yield key, prefixes.prefix(experiment, arm, options)
        elif kind == "tune":
            _, _, point, world, initialisation = place
            shown = cells.for_tuning(cells.dataset_of(experiment, point, world))
            scenarios = tuple(shown.test.slices)
            seed = cells.seed_of(world, initialisation)
            rows = cells.run_arm(experiment, arm, options, shown, seed, scenarios)
            yield key, {"score": cells.trial_score(shown, rows), "rows": rows}
        else:
            _, point, world, initialisation = place
            kept = unit["predictions"].get(str(initialisation))
            place = (point, world, initialisation, None if kept is None else Path(kept))
            yield key, cells.measure(experiment, arm, options, *place, times=unit["times"])


def work(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Do a job ``{"folder", "identifier", "sha256", "unit"}``; returns the entries of its unit."""
    experiment = _declared(job["folder"], job["identifier"], job["sha256"])
    return list(entries(experiment, job["unit"]))


@functools.lru_cache
def _declared(folder, identifier, sha256):
    experiment = registry.load(identifier, Path(folder))
    if experiment.sha256() != sha256:
        raise ValueError(f"{identifier}: the declaration changed during the run")
    return experiment


def begin() -> None:
    """Make this process end with the one that started it, and keep its prints off the output."""

    def wait() -> None:
        parent = parent_process()
        if parent is not None:
            connection.wait([parent.sentinel])
            os._exit(1)

    os.dup2(2, 1)
    threading.Thread(target=wait, daemon=True).start()
