"""Run one measurement in a process of its own, so that its memory and its caches are its own."""

import json
import os
import resource
import subprocess
import sys
import time

ONEDNN = {name: {"TF_ENABLE_ONEDNN_OPTS": value} for name, value in (("off", "0"), ("on", "1"))}
"""Environments of a process with and without oneDNN's kernels.

TensorFlow reads the switch once, when it starts, so a choice per model is a process per choice. The
library leaves them off: some models are faster with them and some without.
"""

CONDITIONS = f"{'setting':>14}{'batch':>8}{'threads':>9}"
"""Heading of the columns that tell how a row of a table was measured; see ``conditions``."""


def conditions(batch, setting=None, threads=None):
    """The cells of a row under ``CONDITIONS``.

    Args:
        batch: rows of a step, or of a request; or a text.
        setting: default: whether oneDNN's kernels are on, by this process's environment.
        threads: of one operation of TensorFlow; default: as this process's environment says.
    """
    if setting is None:
        is_on = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "0") == "1"
        setting = f"oneDNN {'on' if is_on else 'off'}"
    threads = threads or int(os.environ.get("TF_NUM_INTRAOP_THREADS") or os.cpu_count() or 1)
    return f"{setting:>14}{f'{batch:,}' if isinstance(batch, int) else batch:>8}{threads:>9}"


class BenchmarkError(RuntimeError):
    """A measurement failed; the message carries the process's last lines."""


def measure(module, *arguments, environment=None):
    """Run ``python -m module arguments`` and read the JSON object in its last line.

    How long it took is said on stderr.

    Returns:
        The object, a dict.
    """
    started = time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    if result.returncode:
        raise BenchmarkError(f"{module} {arguments}: {result.stderr[-2000:]}")
    said = " ".join(map(str, [module, *arguments, *(environment or {}).values()]))
    print(f"  {said}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
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
