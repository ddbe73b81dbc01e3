"""Two workers beside one: the table of the section, and what a worker reports."""

import json

import pytest

from benchmarks import workers
from benchmarks.process import BenchmarkError


def test_the_section_compares_two_workers_with_all_cores(monkeypatch, capsys):
    asked = []

    def launch(command, count, environment, output):
        asked.append((command[1:], count, environment))
        speeds = {batch: 100.0 * count * (1 if environment else 2) for batch in command[3:]}
        output.write(f"[0] before\n[0] {json.dumps({'speeds': speeds})}\n[1] {{}}\n")
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
    command = ["-m", "benchmarks.workers", *map(str, workers.BATCHES)]
    assert [(found, count) for found, count, _ in asked] == [(command, n) for n in (1, 1, 2)]


def test_workers_that_fail_are_an_error_with_their_last_lines(monkeypatch):
    def launch(command, count, environment, output):
        output.write("[1] out of memory\n")
        return 3

    monkeypatch.setattr(workers, "launch", launch)
    with pytest.raises(BenchmarkError, match=r"2 workers ended with 3: .*out of memory"):
        workers.measure_workers(2, {}, (16,))


def test_a_worker_reports_the_speed_at_each_batch(monkeypatch, capsys):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(workers, "IDS", 20)
    workers.main("32", "64", num_rows=64)
    found = json.loads(capsys.readouterr().out)
    assert set(found["speeds"]) == {"32", "64"} and min(found["speeds"].values()) > 0
