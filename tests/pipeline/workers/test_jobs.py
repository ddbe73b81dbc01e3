"""The job files of docs/jobs: what a cluster reads of them, and what the command makes of that."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from recsys_pipeline.train.command import _parser
from recsys_pipeline.workers.distributed import _workers_in
from recsys_pipeline.workers.launch import free_ports

ROOT = Path(__file__).parents[3]
JOBS = ROOT / "docs" / "jobs"


@pytest.fixture(scope="module")
def job():
    (job,) = yaml.safe_load_all((JOBS / "tfjob.yaml").read_text(encoding="utf-8"))
    return job


@pytest.fixture(scope="module")
def workers(job):
    (kind,) = job["spec"]["tfReplicaSpecs"]
    assert kind == "Worker"
    return job["spec"]["tfReplicaSpecs"][kind]


def options_of(words):
    """What `recsys train` makes of a command line."""
    assert words[:2] == ["recsys", "train"]
    return _parser().parse_args(words[2:])


def test_the_tfjob_is_one_of_the_training_operator(job, workers):
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v1", "TFJob")
    assert workers["replicas"] >= 2 and workers["restartPolicy"] == "OnFailure"
    (container,) = workers["template"]["spec"]["containers"]
    assert container["name"] == "tensorflow"  # the operator sets TF_CONFIG in no other
    (port,) = container["ports"]
    assert port == {"name": "tfjob-port", "containerPort": 2222}
    volumes = {volume["name"] for volume in workers["template"]["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    assert container["workingDir"] in {mount["mountPath"] for mount in container["volumeMounts"]}
    assert all(isinstance(variable["value"], str) for variable in container["env"])


def test_the_tfjobs_command_is_one_of_ours(workers):
    (container,) = workers["template"]["spec"]["containers"]
    given = options_of([*container["command"], *container["args"]])
    # Of several workers the command starts none: the operator does.
    assert given.workers is None and int(given.fit_batch_size) >= workers["replicas"]
    assert given.paths == ["data.toml"] and given.output and given.export


def test_the_config_that_the_operator_writes_is_read(job, workers):
    """Its form is the operator's: ``<job>-worker-<n>.<namespace>.svc:<port>``."""
    name, count = job["metadata"]["name"], workers["replicas"]
    addresses = [f"{name}-worker-{n}.default.svc:2222" for n in range(count)]
    for index in range(count):
        task = {"type": "worker", "index": index}
        config = {"cluster": {"worker": addresses}, "task": task, "environment": "cloud"}
        assert _workers_in(json.dumps(config)) == (addresses, index)


def test_the_slurm_script_is_one_of_bash_with_options_of_slurm():
    script = JOBS / "train.sbatch"
    subprocess.run(["bash", "-n", script], check=True)
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/bin/bash"
    asked = [line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")]
    first_command = next(n for n, line in enumerate(lines) if line and line[0] != "#")
    assert all(not line.startswith("#SBATCH") for line in lines[first_command:])  # Slurm stops
    options = dict(option.split("=") if "=" in option else (option, "") for option in asked)
    assert len(options) == len(asked)
    assert int(options["nodes"]) * int(options["ntasks-per-node"]) >= 2
    assert options.keys() >= {"cpus-per-task", "mem", "time", "output"}
    assert re.fullmatch(r"\d+:\d\d:\d\d", options["time"])


@pytest.mark.parametrize(
    ("nodes", "tasks"), [(["n1", "n2"], 1), (["n1"], 2), (["gpu-a", "gpu-b"], 2)]
)
def test_each_task_of_slurm_is_the_worker_that_its_config_says(nodes, tasks, tmp_path):
    """``scontrol``, ``srun`` and ``recsys`` are stand-ins, which show what they are given."""
    count = len(nodes) * tasks
    fakes = {
        "scontrol": 'test "$*" = "show hostnames some[1-2]" && printf "%s\\n" ' + " ".join(nodes),
        # As srun does it: each task has the environment, and a number of its own.
        "srun": 'while [ "${1#--}" != "$1" ]; do shift; done\n'
        f'for n in $(seq 0 {count - 1}); do SLURM_PROCID=$n "$@"; done',
        "recsys": f'exec "{sys.executable}" -c "import json, os, sys\n'
        "print(json.dumps([sys.argv[1:], os.environ['TF_CONFIG'], "
        'os.environ[\'TF_NUM_INTRAOP_THREADS\']]))" "$@"',
    }
    for name, text in fakes.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    slurm = {
        "SLURM_JOB_ID": "123456",
        "SLURM_JOB_NODELIST": "some[1-2]",
        "SLURM_JOB_NUM_NODES": str(len(nodes)),
        "SLURM_NTASKS": str(count),
        "SLURM_CPUS_PER_TASK": "3",
    }
    command = ["data file.toml", "--model", "mmoe", "--output", "runs/mmoe"]
    done = subprocess.run(
        ["bash", JOBS / "train.sbatch", *command],
        env={**os.environ, **slurm, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    read = [_workers_in(config) for _, config, _ in found]
    (addresses,) = {tuple(addresses) for addresses, _ in read}
    assert [place for _, place in read] == list(range(count))
    assert [address.split(":")[0] for address in addresses] == [
        node for node in nodes for _ in range(tasks)
    ]
    assert len(set(addresses)) == count
    assert all(20000 <= int(address.split(":")[1]) < 65536 for address in addresses)
    for words, _, threads in found:
        assert threads == "3" and options_of(["recsys", *words]).paths == ["data file.toml"]


def test_a_worker_whose_peer_is_missing_says_so_and_ends_by_sigterm():
    addresses = [f"localhost:{port}" for port in free_ports(2)]
    program = (
        "from recsys_pipeline.workers import meeting\n"
        "meeting.PATIENCE_SECONDS = 0.2\n"
        f"meeting.meet({addresses!r}, 0)\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        assert f"worker 1 at {addresses[1]} did not answer" in worker.stderr.readline()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == -signal.SIGTERM
    finally:
        worker.kill()
        worker.communicate()
