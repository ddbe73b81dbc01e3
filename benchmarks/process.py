"""Run one measurement in a process of its own, so that its memory and its caches are its own."""

import json
import os
import resource
import subprocess
import sys

ONEDNN = {name: {"TF_ENABLE_ONEDNN_OPTS": value} for name, value in (("off", "0"), ("on", "1"))}
"""Environments of a process with and without oneDNN's kernels.

TensorFlow reads the switch once, when it starts, so a choice per model is a process per choice. The
library leaves them off: some models are faster with them and some without.
"""


class BenchmarkError(RuntimeError):
    """A measurement failed; the message carries the process's last lines."""


def measure(module, *arguments, environment=None):
    """Run ``python -m module arguments`` and read the JSON object in its last line.

    Returns:
        The object, a dict.
    """
    result = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    if result.returncode:
        raise BenchmarkError(f"{module} {arguments}: {result.stderr[-2000:]}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def peak_memory(who=resource.RUSAGE_SELF):
    """Largest resident memory of this process so far, in MiB."""
    size = resource.getrusage(who).ru_maxrss
    # macOS counts in bytes, Linux in KiB.
    return size / (1024 * 1024 if sys.platform == "darwin" else 1024)


def peak_memory_of_children():
    """Largest resident memory of any finished process that this one started, in MiB."""
    return peak_memory(resource.RUSAGE_CHILDREN)


def report(**values):
    """Print a measurement for ``measure`` to read, with the peak memory added."""
    print(json.dumps({**values, "peak_mib": peak_memory()}))
