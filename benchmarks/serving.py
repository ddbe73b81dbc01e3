"""Latency of the service: 1,000 candidates over HTTP against onnxruntime's bare pass.

``python -m benchmarks.serving`` prints one measurement: logistic regression and FM with three
columns of ids, and DIN on histories of 50 steps, at the sizes of chapter 04's lesson and with its
builder's own. A request goes over loopback on one connection that is kept; the rival calls
``session.run`` on the arrays that the service makes of the request, in this process. They take
turns, so that whatever else the machine does falls on both.
"""

import json
import os
import socket
import tempfile
from functools import partial
from urllib.parse import urlsplit

import keras
import numpy as np

from benchmarks import inputs
from benchmarks.process import CONDITIONS, conditions, measure, report
from benchmarks.requests import NUM_CANDIDATES, NUM_STEPS, NUM_WARM, in_turns
from recsys_lib.features import CategoricalColumn
from recsys_lib.zoo import find
from recsys_pipeline.export import Replay, export
from recsys_pipeline.serve import Service, golden_body, measure_latency

NUM_REQUESTS, NUM_CLIENTS = 200, 4
COLUMNS = (
    CategoricalColumn("user_id", 1_000, "user"),
    CategoricalColumn("item_id", 1_000, "item"),
    CategoricalColumn("category", 50, "item"),
)


def small(key):
    """A model with three columns of ids."""
    return find(key).build(COLUMNS, "click"), None


def din(**options):
    """DIN with 50 steps of history."""
    world = inputs.sequences(NUM_STEPS, 4 * NUM_CANDIDATES)
    return find("din").build(world.feature_columns, **options), world


MODELS = {
    "LR, 3 columns": partial(small, "lr"),
    "FM, 3 columns": partial(small, "fm"),
    "DIN, 50 steps, chapter 04": partial(din, activation="relu", attention_units=(16,)),
    "DIN, 50 steps": din,
}
THREADED = ("DIN, 50 steps, chapter 04", "DIN, 50 steps")
GOALS = dict(zip(MODELS, (1.8, 1.8, 1.3, 1.3), strict=True))


def compare(folder):
    """One request at a time over HTTP, and the bare pass, in turns.

    Args:
        folder: an export.

    Returns:
        Dict with ``p50`` and ``p99`` in milliseconds of ``http`` and ``bare``, and ``ratio``, that
        of the two p50.
    """
    body, replay = golden_body(folder, NUM_CANDIDATES), Replay(folder)
    user, candidates = replay.encode(body["request"], body["candidates"])
    content = json.dumps(body).encode()
    with Service(folder, "--drain", "0") as service:
        parts = urlsplit(service.address)
        connection = socket.create_connection((parts.hostname, parts.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = f"POST /rank HTTP/1.1\r\nHost: here\r\nContent-Length: {len(content)}\r\n\r\n"
        asked = head.encode() + content

        def ask():
            connection.sendall(asked)
            head, _, answer = connection.recv(1 << 20).partition(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length:")[1].split()[0])
            while len(answer) < size:
                answer += connection.recv(1 << 20)
            assert head.startswith(b"HTTP/1.1 200")

        calls = {"http": ask, "bare": partial(replay.run["request"], {**user, **candidates})}
        in_turns(calls, dict.fromkeys(calls, 10 * NUM_WARM))
        times = in_turns(calls, dict.fromkeys(calls, NUM_REQUESTS))
        connection.close()
    found = {
        name: {"p50": float(np.percentile(t, 50)), "p99": float(np.percentile(t, 99))}
        for name, t in times.items()
    }
    return {**found, "ratio": found["http"]["p50"] / found["bare"]["p50"]}


def by_threads(folder):
    """p50 of one client, and requests a second of four, by the number of threads of a request."""
    found = {}
    for threads in sorted({1, 2, os.cpu_count() or 1}):
        with Service(folder, "--drain", "0", "--threads", str(threads)) as service:
            ask = partial(measure_latency, service.address, golden_body(folder, NUM_CANDIDATES))
            one, many = ask(NUM_REQUESTS), ask(NUM_REQUESTS, NUM_CLIENTS)
        found[threads] = {"p50": one.p50, "p99": many.p99, "per_second": many.per_second}
    return found


def print_section():
    """Print the tables."""
    print("\nServing 1,000 candidates over HTTP, and onnxruntime's bare pass, in milliseconds")
    print(f"{'':28}{CONDITIONS}{'p50':>10}{'p99':>10}{'bare p50':>10}{'ratio':>8}")
    found = measure(__name__)
    for name, one in found["models"].items():
        times = f"{one['http']['p50']:>10.2f}{one['http']['p99']:>10.2f}{one['bare']['p50']:>10.2f}"
        ratio = f"{one['ratio']:>8.2f}   goal: at most {GOALS[name]}"
        print(f"{name:28}{conditions(NUM_CANDIDATES, 'onnxruntime', 1)}{times}{ratio}")
    for name, table in found["threads"].items():
        print(f"{name}, {NUM_CLIENTS} clients at once after one alone:")
        for threads, one in table.items():
            print(
                f"{'':28}{conditions(NUM_CANDIDATES, 'onnxruntime', int(threads))}"
                f"{one['p50']:>10.2f}{one['p99']:>10.2f}{one['per_second']:>10.0f} a second"
            )


def main():
    keras.utils.set_random_seed(0)
    models, threads = {}, {}
    with tempfile.TemporaryDirectory() as parent:
        for number, (name, build) in enumerate(MODELS.items()):
            model, dataset = build()
            request = None if dataset else ["user_id"]
            folder = export(model, f"{parent}/{number}", dataset, request_columns=request)
            models[name] = compare(folder)
            if name in THREADED:
                threads[name] = by_threads(folder)
    report(models=models, threads=threads)


if __name__ == "__main__":
    main()
