"""Processes of one thread each that measure cells side by side.

A unit of work goes in, entries of the log come out.
"""

import contextlib
import functools
import multiprocessing
import os
import platform
import re
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from experiments.engine import registry
from experiments.engine.arms import as_options
from experiments.engine.declaration import Experiment
from experiments.engine.store import predictions_path

NUM_WORKERS = 2
_COUNTS = ("TF_NUM_INTRAOP", "TF_NUM_INTEROP", "OMP_NUM", "OPENBLAS_NUM", "MKL_NUM")
ONE_THREAD = {f"{name}_THREADS": "1" for name in _COUNTS}
ONE_THREAD |= {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
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
        unit: ``keys`` and what belongs to them, as ``experiments.engine.running`` writes it.

    Yields:
        Entries of the log; ``seconds`` are those of the processor, which others that use the
        machine do not lengthen.
    """
    for key in unit["keys"]:
        started = time.process_time()
        value = _measured(experiment, unit, key)
        yield {
            "key": key,
            "value": value,
            "seconds": round(time.process_time() - started, 3),
            "processor": processor(),
            "switches": switches(),
        }


def _measured(experiment: Experiment, unit: dict[str, Any], key: list[Any]) -> Any:
    from experiments.engine import cells, prefixes

    kind, *place = key
    if kind == "bounds":
        return cells.bounds(experiment, *place)
    arm = experiment.arm(place[0])
    options = as_options(unit["options"][arm.name])
    if kind == "prefix":
        return prefixes.prefix(experiment, arm, options)
    point, world, initialisation = place[-3:]
    if kind == "tune":
        shown = cells.for_tuning(cells.dataset_of(experiment, point, world))
        seed = cells.seed_of(world, initialisation)
        rows = cells.run_arm(experiment, arm, options, shown, seed, tuple(shown.test.slices))
        group = experiment.ordering_group(arm, options)
        return {"score": cells.trial_score(shown, rows, group), "rows": rows}
    kept = unit["kept"] and predictions_path(unit["kept"], arm.name, initialisation)
    place = [point, world, initialisation, kept, unit["times"]]
    return cells.measure(experiment, arm, options, *place)


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
        if (parent := multiprocessing.parent_process()) is not None:
            parent.join()
            os._exit(1)

    os.dup2(2, 1)
    threading.Thread(target=wait, daemon=True).start()


class WorkFailed(RuntimeError):
    """A unit of work ended in an error; the message is its one line."""


class Workers(contextlib.AbstractContextManager["Workers"]):
    """Worker processes that stay, so that each traces a model once.

    Args:
        count: of processes.
    """

    def __init__(self, count: int = NUM_WORKERS) -> None:
        self._before = dict(os.environ)
        os.environ.update(ONE_THREAD)
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, context, begin)

    def run(self, jobs: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Do some jobs.

        Args:
            jobs: as ``work`` reads them.

        Yields:
            Entries of the log, those of a job as soon as it is done.

        Raises:
            WorkFailed: a job ended in an error, or a process died.
        """
        try:
            for done in as_completed([self._pool.submit(work, job) for job in jobs]):
                yield from done.result()
        except BrokenProcessPool:
            raise WorkFailed("a worker ended early") from None
        except Exception as error:
            traceback.print_exception(error)
            raise WorkFailed(f"{type(error).__name__}: {error}") from None

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:  # whoever is in the middle of a unit need not finish it
            for child in multiprocessing.active_children():
                child.kill()
        self._pool.shutdown(cancel_futures=True)
        for name in ONE_THREAD:
            os.environ.pop(name, None)
        os.environ.update(self._before)
