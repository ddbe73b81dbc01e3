"""Two workers beside one: the table of the section, and what a worker reports."""

import json

import pytest

from benchmarks import workers
from benchmarks.process import BenchmarkError


def test_the_section_compares_two_workers_with_all_cores(monkeypatch, capsys):
    asked = []

    def launch(command, count, environment, output):
        asked.append((command[1:], count, environment))
        speeds = {batch: 100.0 * count * (1 if environment else 2) for batch in command[4:]}
        found = {"speeds": speeds, "seconds": {batch: 3 / (1 + count) for batch in speeds}}
        output.write(f"[0] before\n[0] {json.dumps(found)}\n[1] {{}}\n")
        return 0

    monkeypatch.setattr(workers, "launch", launch)
    workers.print_section()
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[-3:] for line in printed[4:8]] == [
        ["100"] * 3,
        ["200"] * 3,
        ["400"] * 3,
        ["2.00"] * 3,
    ]
    command = ["-m", "benchmarks.workers", "small", *map(str, workers.BATCHES)]
    assert [asked_for[:2] for asked_for in asked[:3]] == [(command, n) for n in (1, 1, 2)]
    # The model of published size, by one worker and by two in turns, each with one thread.
    command = ["-m", "benchmarks.workers", "published", "16384"]
    assert asked[3:] == [(command, count, workers.ONE_THREAD) for count in (1, 2)] * 3
    table = next(n for n, line in enumerate(printed) if line.startswith("DeepFM of published"))
    assert [line.split()[-2:] for line in printed[table + 2 : table + 4]] == [
        ["100", "1.500"],
        ["200", "1.000"],
    ]
    assert printed[-1].split()[4:6] == ["2.00", "1.50"]


def test_workers_that_fail_are_an_error_with_their_last_lines(monkeypatch):
    def launch(command, count, environment, output):
        output.write("[1] out of memory\n")
        return 3

    monkeypatch.setattr(workers, "launch", launch)
    with pytest.raises(BenchmarkError, match=r"2 workers ended with 3: .*out of memory"):
        workers.measure_workers("small", 2, {}, (16,))


def test_a_worker_reports_the_speed_at_each_batch(monkeypatch, capsys):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(workers, "IDS", 20)
    monkeypatch.setattr(workers, "PUBLISHED", {"embedding_dim": 2, "hidden_units": (4,)})
    monkeypatch.setattr(workers.larger_than_memory, "LARGEST", 20)
    for model in ("small", "published"):
        workers.main(model, "32", "64", num_rows=64)
        found = json.loads(capsys.readouterr().out)
        for measured in (found["speeds"], found["seconds"]):
            assert set(measured) == {"32", "64"} and min(measured.values()) > 0
