"""The launcher: what workers are told, what becomes of their output, and of all when one fails."""

import io
import json
import os
import signal
import sys
import textwrap
import time

import pytest

from recsys_pipeline.workers import launch as module
from recsys_pipeline.workers.launch import environment_of, free_ports, launch, main


def program(tmp_path, text):
    path = tmp_path / "program.py"
    head = "import json, os, sys, time\ntask = json.loads(os.environ['TF_CONFIG'])\n"
    path.write_text(f"{head}index = task['task']['index']\n{textwrap.dedent(text)}")
    return [sys.executable, str(path)]


def run(command, workers=2, **options):
    output = io.StringIO()
    code = launch(command, workers, output=output, **options)
    return code, sorted(output.getvalue().splitlines())


def test_every_worker_knows_all_addresses_and_its_own_place(tmp_path):
    code, lines = run(program(tmp_path, "print(json.dumps(task), flush=True)"), workers=3)
    assert code == 0
    found = [json.loads(line[4:]) for line in lines]
    assert [line[:4] for line in lines] == ["[0] ", "[1] ", "[2] "]
    assert [task["task"] for task in found] == [{"type": "worker", "index": n} for n in range(3)]
    addresses = found[0]["cluster"]["worker"]
    assert len(set(addresses)) == 3 and all(a.startswith("localhost:") for a in addresses)
    assert all(task["cluster"] == found[0]["cluster"] for task in found)


def test_variables_are_added_for_every_worker(tmp_path):
    command = program(tmp_path, "print(os.environ['COLOUR'], os.environ['OMP_NUM_THREADS'])")
    variables = {"COLOUR": "red", "OMP_NUM_THREADS": "5"}
    assert run(command, environment=variables) == (0, ["[0] red 5", "[1] red 5"])


def test_what_is_printed_as_an_error_is_forwarded_too(tmp_path):
    code, lines = run(program(tmp_path, "print('lost', file=sys.stderr)"), workers=1)
    assert (code, lines) == (0, ["[0] lost"])


def test_one_failure_ends_the_others_and_is_the_code(tmp_path):
    command = program(
        tmp_path,
        """
        if index == 1:
            sys.exit(7)
        print("waits", flush=True)
        time.sleep(60)
        """,
    )
    started = time.monotonic()
    code, _ = run(command)
    assert code == 7 and time.monotonic() - started < 30


def test_a_killed_worker_has_the_code_of_its_signal(tmp_path):
    command = program(tmp_path, "import signal\nos.kill(os.getpid(), signal.SIGKILL)")
    code, lines = run(command, workers=1)
    assert code == 128 + signal.SIGKILL
    assert lines == ["workers: SIGKILL ended worker 0; the others are ended, too"]


def test_sigterm_ends_the_workers_and_then_the_launcher(tmp_path):
    """As a scheduler ends `recsys train --workers 2`; afterwards the signal is as it was."""
    command = program(
        tmp_path,
        """
        import signal
        folder = os.path.dirname(__file__)
        open(os.path.join(folder, f"pid_{index}_{os.getpid()}"), "w").close()
        while index == 1 and not any(name.startswith("pid_0") for name in os.listdir(folder)):
            time.sleep(0.02)
        if index == 1:
            os.kill(os.getppid(), signal.SIGTERM)
        time.sleep(600)
        """,
    )

    def unnoticed(*_):
        raise AssertionError("the launcher does not know of SIGTERM")

    former = signal.signal(signal.SIGTERM, unnoticed)
    try:
        with pytest.raises(SystemExit) as ended:
            run(command)
        assert signal.getsignal(signal.SIGTERM) == unnoticed
    finally:
        signal.signal(signal.SIGTERM, former)
    assert ended.value.code == 128 + signal.SIGTERM
    workers = [int(path.name.split("_")[2]) for path in tmp_path.glob("pid_*")]
    assert len(workers) == 2
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def test_a_worker_that_does_not_want_to_end_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.2)
    command = program(
        tmp_path,
        """
        import signal
        marker = os.path.join(os.path.dirname(__file__), "deaf")
        if index == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            open(marker, "w").close()
            time.sleep(60)
        while not os.path.exists(marker):
            time.sleep(0.02)
        sys.exit(1)
        """,
    )
    started = time.monotonic()
    assert run(command)[0] == 1 and time.monotonic() - started < 30


def test_all_start_again_after_a_failure_as_often_as_allowed(tmp_path):
    command = program(
        tmp_path,
        """
        with open(os.path.join(os.path.dirname(__file__), f"starts_{index}"), "a") as file:
            print("start", file=file)
        time.sleep(0.3)
        starts = open(file.name).read().count("start")
        sys.exit(5 if index == 1 and starts < 3 else 0)
        """,
    )
    assert run(command, restarts=1)[0] == 5
    assert (tmp_path / "starts_1").read_text().count("start") == 2
    assert run(command, restarts=1)[0] == 0
    assert (tmp_path / "starts_0").read_text().count("start") == 3


def test_ports_are_different_and_free():
    ports = free_ports(5)
    assert len(set(ports)) == 5 and all(1024 <= port < 65536 for port in ports)


def test_threads_are_shared_out_unless_the_environment_says_how_many(monkeypatch):
    monkeypatch.setattr(module.os, "cpu_count", lambda: 8)
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert environment_of(["a:1", "b:2"], 0)["TF_NUM_INTRAOP_THREADS"] == "4"
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    found = environment_of(["a:1", "b:2"], 1)
    assert (found["TF_NUM_INTRAOP_THREADS"], found["OMP_NUM_THREADS"]) == ("1", "4")


def test_the_command_runs_a_program_with_its_arguments(tmp_path, capfd):
    _, path = program(tmp_path, "print(sys.argv[1:], index)")
    assert main(["--workers", "1", path, "--workers", "x"]) == 0
    assert capfd.readouterr().out == "[0] ['--workers', 'x'] 0\n"
    assert main(["--workers", "1", "--", "-m", "json.tool", "--help"]) == 0
    with pytest.raises(SystemExit):
        main(["--workers", "0", path])
    assert "workers: expected" in capfd.readouterr().err


def test_more_workers_than_processors_are_refused_unless_it_is_asked_for(
    tmp_path, capfd, monkeypatch
):
    monkeypatch.setattr(module.os, "cpu_count", lambda: 1)
    _, path = program(tmp_path, "print('here')")
    with pytest.raises(SystemExit):
        main(["--workers", "2", path])
    out, error = capfd.readouterr()
    assert (
        out == "" and "expected at most 1, the processors of this machine, got 2; --more" in error
    )
    assert main(["--workers", "2", module.MORE_WORKERS, path]) == 0
    assert sorted(capfd.readouterr().out.splitlines()) == ["[0] here", "[1] here"]
