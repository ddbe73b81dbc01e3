"""Two processes under TensorFlow's strategy for several workers, against one process.

All runs of the processes are made by one fixture, since starting TensorFlow takes longer than they.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import worker_models

from recsys_pipeline.workers.launch import MORE_WORKERS, environment_of, free_ports

ROOT = Path(__file__).parents[3]
PROGRAM = "tests/pipeline/workers/worker_program.py"
SECONDS = 400
"""After which workers that wait for each other are ended."""


def started(command, **variables):
    """A process of ours with its output in a pipe."""
    shared = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "shared")])
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": shared, "TF_NUM_INTRAOP_THREADS": "1", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_workers(folder, *tasks, restarts=0):
    """Two workers run the tasks; returns the exit code and what they printed."""
    command = [sys.executable, "-m", "recsys_pipeline.workers.launch", "--workers", "2"]
    command += [MORE_WORKERS, "--restarts", str(restarts), PROGRAM, str(folder), *tasks]
    process = started(command)
    try:
        printed, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)  # it ends its workers
        printed, _ = process.communicate()
        pytest.fail(f"the workers did not end within {SECONDS} s:\n{printed}")
    return process.returncode, printed


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    code, printed = run_workers(folder, *worker_models.CASES, "whole", "equal_rows")
    assert code == 0, printed
    return folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    code, printed = run_workers(folder, "killed", restarts=1)
    assert code == 0, printed
    return folder


def arrays_in(folder, task, worker=0):
    with np.load(folder / f"{task}_{worker}.npz") as file:
        return {name: file[name] for name in file.files}


@pytest.mark.parametrize("case", worker_models.CASES)
def test_two_workers_with_half_a_batch_equal_one_with_all_of_it(case, trained):
    """Weights and moving moments after twenty steps, losses, task weights and the score."""
    found = arrays_in(trained, case)
    expected = worker_models.state_of(*worker_models.train(case))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("case", [*worker_models.CASES, "whole"])
def test_all_workers_end_with_the_same_bits(case, trained):
    first, second = arrays_in(trained, case), arrays_in(trained, case, worker=1)
    for name, value in first.items():
        np.testing.assert_array_equal(second[name], value, err_msg=name)


def test_workers_drop_different_units(trained):
    """Where all rows are equal two workers with equal seeds would do what one does on one row."""
    apart = arrays_in(trained, "equal_rows")["weights"]
    alone = worker_models.train_on_equal_rows(10, batch_size=1)
    assert np.abs(apart - alone).max() > 1e-3
    one, two = (worker_models.train_on_equal_rows(10 * n, n, dropout_rate=0.0) for n in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_a_killed_worker_goes_on_from_the_checkpoint(killed, trained):
    """The first start ends in epoch 1; the second goes on there, and does not see epoch 0 again."""
    for worker in range(2):
        found, whole = arrays_in(killed, "killed", worker), arrays_in(trained, "whole", worker)
        for name, value in whole.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)
    epochs = [int(line) for line in (killed / "seen_0").read_text().split()]
    assert epochs == [0, 1, 1, 2, 3]


@pytest.mark.parametrize("ended", [1, 0])  # 0 is also the others' coordinator
def test_sigterm_ends_a_worker_and_the_other_says_who_was_lost(ended, tmp_path):
    """TensorFlow keeps the signal from a process, and prints what gRPC says of a lost one."""
    addresses = [f"localhost:{port}" for port in free_ports(2)]
    command = [sys.executable, PROGRAM, str(tmp_path), "exchange"]
    configs = [environment_of(addresses, index)["TF_CONFIG"] for index in range(2)]
    workers = [started(command, TF_CONFIG=config) for config in configs]
    try:
        for worker in workers:
            assert "exchanged\n" in iter(worker.stdout.readline, "")
        workers[ended].send_signal(signal.SIGTERM)
        assert workers[ended].wait(SECONDS) == -signal.SIGTERM
        printed, _ = workers[1 - ended].communicate(timeout=SECONDS)
        assert printed == (
            f"workers: lost worker {ended} at {addresses[ended]}; start all workers again, and a "
            "run with a checkpoint goes on from it\n"
        )
        assert workers[1 - ended].returncode == 1
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def test_the_chief_alone_writes_a_checkpoint(trained):
    assert [path.name for path in trained.glob("*.checkpoint*")] == ["whole.checkpoint"]
