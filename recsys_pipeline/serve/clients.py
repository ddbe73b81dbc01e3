"""Start a service in another process, send it requests, and measure its latency."""

import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from recsys_lib.checks import check_integer
from recsys_pipeline.export.replay import GOLDEN

_SECONDS_TO_START = 120


class Service:
    """``recsys serve`` in another process, for the duration of a ``with`` block.

    Args:
        folder: what ``export`` wrote.
        *arguments: of the command, besides folder, host and port.

    Attributes:
        address: ``"http://127.0.0.1:PORT"``.
        process: the ``subprocess.Popen``.

    Raises:
        ValueError: it ended before it served; with its stderr.
    """

    def __init__(self, folder: str | os.PathLike, *arguments: str):
        root = pathlib.Path(__file__).parents[2]
        path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        command = [sys.executable, "-m", "recsys_pipeline", "serve", os.fspath(folder)]
        self.process = subprocess.Popen(
            [*command, "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if " on http" not in line:
            _, errors = self.process.communicate(timeout=_SECONDS_TO_START)
            raise ValueError(f"service: expected it to start, got {errors.strip()}")
        self.address = line.split()[-1]

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *error: Any) -> None:
        self.stop()

    def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Send one request on a new connection.

        Args:
            path: ``"/rank"``, ``"/health"`` or ``"/metrics"``.
            body: sent as JSON, bytes as they are; without one it is a GET.

        Returns:
            The status, and the answer: parsed JSON, or text.
        """
        with contextlib.closing(_connect(self.address)) as connection:
            return _ask(connection, path, body)

    def stop(self) -> int:
        """Ask the process to end, and wait for it; returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()
        return self.process.returncode


class Latencies(NamedTuple):
    """Milliseconds of single requests, as their clients saw them.

    Args:
        p50, p99: 50 % and 99 % of the requests took at most so long.
        milliseconds: ``(requests,)``, of each of them.
        per_second: requests per second of all clients together.
    """

    p50: float
    p99: float
    milliseconds: np.ndarray
    per_second: float


def measure_latency(
    address: str, body: Mapping[str, Any], num_requests: int = 200, num_clients: int = 1
) -> Latencies:
    """Send requests to a service, and measure the time of every answer.

    Args:
        address: ``Service.address``.
        body: of a request to ``/rank``.
        num_requests: of all clients together, without the first of each, which is not counted.
        num_clients: that send requests at the same time, each on one connection.

    Returns:
        ``Latencies``.

    Raises:
        ValueError: an answer that is an error.
    """
    num_requests = check_integer("num_requests", num_requests)
    num_clients = check_integer("num_clients", num_clients, 1, num_requests)
    content = json.dumps(body).encode()
    shares = np.diff(np.linspace(0, num_requests, num_clients + 1).astype(int))
    taken: list[float] = []
    failures: list[str] = []
    barrier = threading.Barrier(num_clients + 1)

    def client(share):
        try:
            with contextlib.closing(_connect(address)) as connection:
                for number in range(share + 1):
                    if number == 1:
                        barrier.wait()
                    started = time.perf_counter()
                    status, answer = _ask(connection, "/rank", content)
                    if status != 200:
                        failures.append(f"{status}: {answer}")
                    if number:
                        taken.append(1_000 * (time.perf_counter() - started))
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))
            barrier.abort()

    threads = [threading.Thread(target=client, args=(int(share),)) for share in shares]
    for thread in threads:
        thread.start()
    with contextlib.suppress(threading.BrokenBarrierError):
        barrier.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if failures:
        raise ValueError(f"measure_latency: expected answers, got {failures[0]}")
    milliseconds = np.array(taken)
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return Latencies(float(p50), float(p99), milliseconds, num_requests / seconds)


def golden_body(folder: str | os.PathLike, num_candidates: int = 1_000) -> dict[str, Any]:
    """The golden request of an export, with its candidates repeated up to a number.

    Args:
        folder: what ``export`` wrote.
        num_candidates: of the request.

    Returns:
        A body for ``/rank``.
    """
    golden = json.loads((pathlib.Path(folder) / GOLDEN).read_text(encoding="utf-8"))
    candidates = {
        name: [values[row % len(values)] for row in range(num_candidates)]
        for name, values in golden["candidates"].items()
    }
    return {"request": golden["request"], "candidates": candidates}


def _connect(address):
    parts = urllib.parse.urlsplit(address)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=_SECONDS_TO_START)


def _ask(connection, path, body):
    if body is None:
        connection.request("GET", path)
    else:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path, content, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    is_json = answer.headers.get_content_type() == "application/json"
    return answer.status, json.loads(content) if is_json else content.decode()
