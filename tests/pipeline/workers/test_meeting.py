"""Workers wait for each other before TensorFlow does, and name those that are missing."""

import json
import signal
import socket
import sys
import threading
import time

import pytest
import tensorflow as tf

from recsys_pipeline.workers import distributed, meeting
from recsys_pipeline.workers.launch import free_ports
from recsys_pipeline.workers.meeting import lost, meet


@pytest.fixture
def addresses():
    return [f"localhost:{port}" for port in free_ports(3)]


def start(addresses, index):
    thread = threading.Thread(target=meet, args=(addresses, index), daemon=True)
    thread.start()
    return thread


def wait_until(true):
    for _ in range(600):
        if not true():
            time.sleep(0.1)


def test_workers_meet_and_say_nothing(addresses, capfd):
    threads = [start(addresses, index) for index in range(3)]
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert capfd.readouterr().err == ""


def test_a_missing_worker_is_named_until_it_comes(addresses, monkeypatch):
    monkeypatch.setattr(meeting, "PATIENCE_SECONDS", 0.2)
    words = []
    monkeypatch.setattr(meeting, "print", lambda text, **_: words.append(text), raising=False)
    asked, answers = [], meeting._answers
    monkeypatch.setattr(
        meeting, "_answers", lambda *words: asked.append(words[0]) or answers(*words)
    )
    first, second = start(addresses, 0), start(addresses, 1)
    wait_until(lambda: len(words) >= 2)
    before = asked.count(addresses[2])
    wait_until(lambda: asked.count(addresses[2]) >= before + 6)
    assert all(f"worker 2 at {addresses[2]} did not answer for 0 s" in text for text in words)
    assert len(words) == 2  # each said it once, though they went on asking
    third = start(addresses, 2)
    for thread in (first, second, third):
        thread.join(60)
        assert not thread.is_alive()


def test_a_taken_port_and_an_address_without_one_are_errors(addresses):
    with socket.create_server(("", int(addresses[0].split(":")[1]))):
        with pytest.raises(
            ValueError, match=r"TF_CONFIG: expected a free port, got localhost:\d+:"
        ):
            meet(addresses, 0)
    with pytest.raises(ValueError, match="expected addresses such as 'host:2222', got 'here'"):
        meet(["here", "there:1"], 0)


def test_lost_workers_are_named(addresses, monkeypatch):
    monkeypatch.setattr(meeting, "LAST_ANSWER_SECONDS", 0.3)
    with socket.create_server(("", int(addresses[1].split(":")[1]))):
        assert lost(addresses[:2], 0) is None
        assert lost(addresses, 0) == (
            f"workers: lost worker 2 at {addresses[2]}; start all workers again, and a run with a "
            "checkpoint goes on from it"
        )


def test_a_worker_whose_port_closes_last_is_lost_too(addresses, monkeypatch):
    answers = iter([True, True, False])
    monkeypatch.setattr(meeting, "_answers", lambda address: next(answers))
    assert f"lost worker 1 at {addresses[1]};" in lost(addresses[:2], 0)


def test_only_errors_of_the_exchange_are_told_as_a_lost_worker(addresses, capsys):
    others = []
    hook = distributed._hook_for_lost_workers(addresses, 0, lambda *error: others.append(error))
    hook(ValueError, ValueError("mine"), None)
    assert len(others) == 1
    error = tf.errors.UnavailableError(None, None, "grpc_status:14")
    hook(type(error), error, None)
    assert len(others) == 1
    printed = capsys.readouterr().err
    assert printed.startswith(f"workers: lost worker 1 at {addresses[1]}, worker 2 at ")
    assert "grpc" not in printed
    alone = distributed._hook_for_lost_workers(
        addresses[:1], 0, lambda *error: others.append(error)
    )
    alone(type(error), error, None)
    assert len(others) == 2


def test_a_worker_that_joined_ends_by_sigterm_and_tells_of_lost_ones(monkeypatch, addresses):
    """TensorFlow takes the signal for itself when it starts."""

    def strategy():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return "all workers"

    met = []
    cluster = {"chief": addresses[:1], "worker": addresses[1:]}
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    monkeypatch.setattr(distributed, "_joined", [])
    monkeypatch.setattr(distributed, "meet", lambda *worker: met.append(worker))
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", strategy)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    former, otherwise = signal.getsignal(signal.SIGTERM), sys.excepthook
    try:
        assert distributed.join_workers() == distributed.join_workers() == "all workers"
        assert signal.getsignal(signal.SIGTERM) == former
    finally:
        signal.signal(signal.SIGTERM, former)
    assert met == [(addresses, 2)]  # the chief is the first
    assert sys.excepthook is not otherwise
