"""Processes of one thread each that do units of work side by side."""

import multiprocessing
import os
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from experiments import worker

NUM_WORKERS = 2
ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


class WorkFailed(RuntimeError):
    """A unit of work ended in an error; the message is its one line."""


class Workers:
    """Worker processes that stay, so that each traces a model once.

    Args:
        count: of processes.
    """

    def __init__(self, count: int = NUM_WORKERS) -> None:
        self._before = dict(os.environ)
        os.environ.update(ONE_THREAD)
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, context, worker.begin)

    def run(self, jobs: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Do some jobs.

        Args:
            jobs: as ``experiments.worker.work`` reads them.

        Yields:
            Entries of the log, those of a job as soon as it is done.

        Raises:
            WorkFailed: a job ended in an error, or a process died.
        """
        try:
            for done in as_completed([self._pool.submit(worker.work, job) for job in jobs]):
                yield from done.result()
        except BrokenProcessPool:
            raise WorkFailed("a worker ended early") from None
        except Exception as error:
            traceback.print_exception(error)
            raise WorkFailed(f"{type(error).__name__}: {error}") from None

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:  # whoever is in the middle of a unit need not finish it
            for child in multiprocessing.active_children():
                child.kill()
        self._pool.shutdown(cancel_futures=True)
        for name in ONE_THREAD:
            os.environ.pop(name, None)
        os.environ.update(self._before)
