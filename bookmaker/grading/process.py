"""A process that grades one submission after another, and is replaced when it does not answer."""

import json
import os
import queue
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

from bookmaker.grading.worker import MARKS

POLL_SECONDS = 0.05


class Worker:
    """Starts the worker when it is first needed, since importing nbgrader takes seconds.

    Args:
        seconds: time limit of a cell, given on to the worker.
        log: path of the file for what the worker prints.
    """

    def __init__(self, seconds, log):
        self.seconds, self.log = seconds, log
        self._process = None

    def grade(self, root, lesson, limit):
        """Return the marks of the submission in the course at ``root``.

        Args:
            root: folder of the course.
            lesson: name of the lesson.
            limit: seconds after which the worker is given up and replaced.

        Returns:
            What the worker wrote, or ``{"error": one line}``.
        """
        marks = root / MARKS
        try:
            process = self._running()
            process.stdin.write(json.dumps([str(root), lesson]) + "\n")
            process.stdin.flush()
        except OSError as error:
            self.close()
            return {"error": f"the grader did not start: {error}"}
        deadline = time.monotonic() + limit
        while not marks.exists():
            if process.poll() is not None:
                self.close()
                return {"error": f"the grader ended: {self._last_line()}"}
            if time.monotonic() > deadline:
                self.close()
                return {"error": f"took longer than {limit} s in all"}
            time.sleep(POLL_SECONDS)
        return json.loads(marks.read_text(encoding="utf-8"))

    def close(self):
        """End the worker and whatever it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        with suppress(BrokenPipeError):  # what was written and never read
            process.stdin.close()

    def _running(self):
        if self._process is None:
            with open(self.log, "a", encoding="utf-8") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "bookmaker.grading.worker", str(self.seconds)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    text=True,
                    # Progress belongs to the person who learns here, not to those who are graded.
                    env={**os.environ, "RECSYS_PROGRESS": "0", "RECSYS_KEEP_PROGRESS": "0"},
                    # So that whatever it starts can be ended with it.
                    start_new_session=True,
                )
        return self._process

    def _last_line(self):
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "without a word")


class Workers:
    """A fixed number of workers, lent to one thread at a time."""

    def __init__(self, number, seconds, folder):
        self._all = [Worker(seconds, folder / f"worker_{i}.log") for i in range(number)]
        self._free = queue.SimpleQueue()
        for worker in self._all:
            self._free.put(worker)

    @contextmanager
    def lend(self):
        worker = self._free.get()
        try:
            yield worker
        finally:
            self._free.put(worker)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for worker in self._all:
            worker.close()
