"""A kernel that is forked from a warm process is what a cold one is, and ends when it should."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from bookmaker.building import warm_kernels, warm_process

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks after importing TensorFlow")

# Everything that a lesson's outputs could follow from and that an early import might decide.
LOOK = """\
import sys
imported = "tensorflow" in sys.modules
path, arguments = list(sys.path), len(sys.argv)
import os
environment = {k: v for k, v in os.environ.items() if not k.startswith(("JPY_", "LOOK"))}
import json, logging, signal, warnings
import ipywidgets, matplotlib, numpy, pandas, tqdm.auto
import recsys_lib, keras, sklearn, matplotlib.pyplot
import tensorflow as tf
filters = sorted(repr(one[:3]) for one in warnings.filters)
warnings.simplefilter("ignore")  # options that pandas will drop
names = pandas._config.config._registered_options
options = {name: repr(pandas.get_option(name)) for name in names}
options.pop("display.encoding")  # UTF-8 or utf-8
log = tf.get_logger()
threads = tf.config.threading
keras.utils.set_random_seed(3)
layer = keras.layers.Dense(2)
state = {
    "path": path,
    "arguments": arguments,
    "environment": environment,
    "folder": os.getcwd(),
    "pandas": options,
    "matplotlib": {k: repr(v) for k, v in matplotlib.rcParams.items()},
    "figures": matplotlib.pyplot.get_backend(),
    "keras": [keras.config.backend(), keras.config.floatx(), keras.config.epsilon()],
    "interactive": keras.config.is_interactive_logging_enabled(),
    "numpy": [repr(numpy.geterr()), repr(numpy.get_printoptions())],
    "warnings": filters,
    "signals": {s.name: repr(signal.getsignal(s)).split(" at ")[0] for s in signal.Signals},
    "log": [log.level, [type(h.stream).__name__ for h in log.handlers], logging.root.level],
    "bars": tqdm.auto.tqdm.__module__,
    "threads": threads.get_intra_op_parallelism_threads(),
    "output": type(sys.stdout).__name__,
    "main": sys.modules["__main__"].__name__,
    "session": os.getsid(0) == os.getpid(),
    "computed": layer(numpy.ones((1, 3))).numpy().tolist(),
}
with open(os.environ["LOOK"], "w") as file:
    json.dump([imported, os.getpid(), os.getppid(), state], file)
"""
NOTEBOOKS = {
    "a_look": LOOK,
    "b_dies": "import os\nos._exit(3)",
    "c_never_ends": "while True:\n    pass",
    "d_after": "1 + 1\nNone",
}


def write(folder, names):
    kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    for name in names:
        cell = new_code_cell(NOTEBOOKS[name], execution_count=1)
        nbformat.write(
            new_notebook(cells=[cell], metadata={"kernelspec": kernelspec}),
            folder / f"{name}.ipynb",
        )


def run(folder, *options):
    """Run a folder's notebooks by nbval; returns how each ended, and what `a_look` has seen."""
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    seen = folder / "seen.json"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA"]
    command += ["--nbval", "--nbval-current-env", *options, folder]
    finished = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LOOK": str(seen)},
    )
    ended = {}
    for line in finished.stdout.splitlines():
        how, _, where = line.partition(" ")
        if how in ("PASSED", "FAILED") and ".ipynb::" in where:
            ended[where.split(".ipynb")[0].strip()] = how
    return ended, json.loads(seen.read_text()), finished.stdout


def is_gone(process):
    for _ in range(100):
        if not Path(f"/proc/{process}").exists():
            return True
        time.sleep(0.1)
    return False


def test_a_forked_kernel_is_as_a_cold_one_and_ends_as_it_should(tmp_path):
    cold, warm = tmp_path / "a", tmp_path / "b"
    for folder in (cold, warm):
        folder.mkdir()
    write(cold, ["a_look"])
    ended, (imported, _, _, expected), output = run(cold)
    assert ended == {"a_look": "PASSED"}, output
    assert not imported

    write(warm, NOTEBOOKS)
    ended, (imported, kernel, process, found), output = run(
        warm, "-p", "bookmaker.gate.chosen_tests", "--warm-kernels", "--nbval-cell-timeout", "10"
    )
    assert imported, "the kernel was not forked"
    assert ended == {
        "a_look": "PASSED",
        "b_dies": "FAILED",
        "c_never_ends": "FAILED",
        "d_after": "PASSED",
    }, output
    assert found.pop("folder") == str(warm) and expected.pop("folder") == str(cold)
    assert found == expected
    assert is_gone(kernel) and is_gone(process)


@pytest.mark.parametrize(
    "script",
    ['import sys\nsys.stdin.readline()\nprint(\'{"refused": "2 threads"}\')', "raise SystemExit"],
    ids=["it refuses", "it has ended"],
)
def test_without_a_sound_fork_a_kernel_starts_cold(tmp_path, monkeypatch, script):
    path = tmp_path / "script.py"
    path.write_text(script)
    monkeypatch.setattr(warm_kernels, "SCRIPT", path)
    monkeypatch.setattr(warm_kernels.WarmProvisioner, "warm_process", None)
    started = []

    async def cold(self, cmd, **kwargs):
        started.append(cmd)

    monkeypatch.setattr(warm_kernels.LocalProvisioner, "launch_kernel", cold)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "connection.json"]
    provisioner = warm_kernels.WarmProvisioner(kernel_id="1", kernel_spec=None)
    asyncio.run(provisioner.launch_kernel(command, cwd=str(tmp_path), env={}))
    assert started == [command]
    warm_kernels.close()
    other = ["R", "--slave"]
    asyncio.run(provisioner.launch_kernel(other))
    assert started == [command, other] and warm_kernels.WarmProvisioner.warm_process is None


def test_a_process_with_threads_or_with_widgets_does_not_fork(monkeypatch):
    monkeypatch.setattr(warm_process, "IN_THE_KERNEL", ("no_such_module",))
    monkeypatch.setattr(os, "listdir", lambda folder: ["1"])
    assert warm_process._why_not() == ""
    monkeypatch.setattr(warm_process, "IN_THE_KERNEL", ("json",))
    assert warm_process._why_not() == "json is imported without a kernel"
    monkeypatch.undo()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert "threads, expected 1" in warm_process._why_not()
    finally:
        stop.set()
        thread.join()


def test_the_handle_of_a_kernel_says_when_it_has_ended():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    kernel = warm_kernels.ForkedKernel(child.pid)
    assert kernel.poll() is None
    kernel.send_signal(signal.SIGKILL)
    assert kernel.wait() == 0 == kernel.poll()
    kernel.send_signal(signal.SIGTERM)  # to one that has ended it does nothing
    child.communicate()
    assert warm_kernels.ForkedKernel(child.pid).poll() == 0
