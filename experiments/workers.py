"""Processes of one thread each that do units of work side by side."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

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
_ROOT = Path(__file__).parents[1]


class WorkFailed(RuntimeError):
    """A unit of work ended in an error; the message is its one line."""


class Workers:
    """Worker processes that stay, so that each traces a model once.

    Args:
        count: of processes.
    """

    def __init__(self, count: int = NUM_WORKERS) -> None:
        self._jobs: queue.Queue[str | None] = queue.Queue()
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        paths = [str(_ROOT), *(path for path in sys.path if path)]
        environment = os.environ | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(paths)}
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "experiments.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                text=True,
                encoding="utf-8",
            )
            for _ in range(count)
        ]
        self._threads = [
            threading.Thread(target=self._drive, args=(process,), daemon=True)
            for process in self._processes
        ]
        for thread in self._threads:
            thread.start()

    def _drive(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None and process.stdout is not None
        while (job := self._jobs.get()) is not None:
            try:
                process.stdin.write(job + "\n")
                process.stdin.flush()
            except OSError:
                self._answers.put({"error": "a worker ended early"})
                return
            for line in process.stdout:
                answer = json.loads(line)
                self._answers.put(answer)
                if "done" in answer or "error" in answer:
                    break
            else:
                self._answers.put({"error": "a worker ended early"})
                return

    def run(self, jobs: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Do some jobs.

        Args:
            jobs: as ``experiments.worker.serve`` reads them.

        Yields:
            Entries of the log, in the order in which they come.

        Raises:
            WorkFailed: a job ended in an error, or a process died.
        """
        waiting = 0
        for job in jobs:
            self._jobs.put(json.dumps(job))
            waiting += 1
        while waiting:
            answer = self._answers.get()
            if "error" in answer:
                if "traceback" in answer:
                    print(answer["traceback"], file=sys.stderr)
                raise WorkFailed(answer["error"])
            if "done" in answer:
                waiting -= 1
            else:
                yield answer

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:  # what was not written to a dead process
                        pass
        for _ in self._threads:
            self._jobs.put(None)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
