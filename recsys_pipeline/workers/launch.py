"""Start several workers of one command on this machine, to try a program for a cluster.

    python -m recsys_pipeline.workers.launch --workers 2 train_my_model.py

Each worker gets its own ``TF_CONFIG``, as from a cluster's scheduler, and differs from the others
in nothing else. When one of them fails the others cannot go on and are ended, too; with
restarts all are started again, and a run with a checkpoint goes on from there.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from recsys_lib.checks import check_integer
from recsys_lib.locks import locked

GRACE_SECONDS = 1.0
"""How long a worker may take to end before it is killed."""
SECONDS_TO_READ = 24 * 3600.0
"""How long a worker waits for another one to read the files."""
MORE_WORKERS = "--more-workers-than-processors"
_POLL_SECONDS = 0.05


def free_ports(count: int) -> list[int]:
    """Ports on this machine that are free now.

    Args:
        count: number of ports.

    Returns:
        List of port numbers. They are not reserved: use them soon.
    """
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]


def workers_asked(workers: int | None, batch_size: int, more: bool = False) -> int:
    """How many workers train together, by a command's option or by ``TF_CONFIG``.

    Args:
        workers: the option, or None.
        batch_size: rows of a step, which they share.
        more: whether workers of this machine may be more than its processors.

    Raises:
        ValueError: no such number, another one than the cluster's, fewer rows than workers, or
            fewer processors.
    """
    count = 1 if workers is None else check_integer("workers", workers)
    if "TF_CONFIG" in os.environ:
        from recsys_pipeline.workers.distributed import workers_named

        count = workers_named()
        if workers not in (None, count):
            raise ValueError(f"workers: expected {count}, as TF_CONFIG names, got {workers}")
    if batch_size < count:
        raise ValueError(
            f"batch_size: expected a row for each of {count} workers or more, got {batch_size}"
        )
    if "TF_CONFIG" not in os.environ:
        check_processors(count, more)
    return count


def add_more_workers(parser: argparse.ArgumentParser) -> None:
    """Add the option that lets ``check_processors`` pass."""
    parser.add_argument(
        MORE_WORKERS,
        dest="more_workers",
        action="store_true",
        help="start them even if this machine has fewer processors, which then share the work",
    )


def check_processors(workers: int, more: bool) -> None:
    """Raise ``ValueError`` if workers are more than processors, and that was not asked for."""
    processors = os.cpu_count() or 1
    if workers > processors and not more:
        raise ValueError(
            f"workers: expected at most {processors}, the processors of this machine, got "
            f"{workers}; {MORE_WORKERS} starts them all the same"
        )


def one_after_the_other(cache: str | Path | None) -> contextlib.AbstractContextManager[None]:
    """Where one of several workers writes a cache, and the others wait to read it."""
    if cache is None:
        return contextlib.nullcontext()
    Path(cache).parent.mkdir(parents=True, exist_ok=True)
    return locked(f"{cache}.lock", seconds=SECONDS_TO_READ)


def launch(
    command: Sequence[str],
    workers: int,
    *,
    restarts: int = 0,
    environment: Mapping[str, str] | None = None,
    output: TextIO | None = None,
) -> int:
    """Run a command in several processes at once, each a worker of one cluster.

    Every line that a worker prints is preceded by the worker's number. The processor's cores are
    divided between workers, unless the environment states TensorFlow's number of threads.

    Args:
        command: program and arguments.
        workers: number of processes.
        restarts: how often all workers are started again after one has failed.
        environment: variables of every worker, besides this process's.
        output: file for the lines; default: standard output.

    Returns:
        0 if all workers end with it; otherwise the exit code of the first that failed, 128 and the
        signal's number if a signal ended it, which is said.

    Raises:
        ValueError: fewer than one worker, or a negative number of restarts.
        SystemExit: this process got SIGTERM, and all workers are ended.

    Example:
        >>> import sys
        >>> launch([sys.executable, "-c", "print('here')"], workers=1)
        [0] here
        0
    """
    check_integer("workers", workers)
    check_integer("restarts", restarts, 0)
    code = 0
    for _ in range(restarts + 1):
        code = _run_once(
            command, workers, environment or {}, sys.stdout if output is None else output
        )
        if code == 0:
            break
    return code


def _run_once(command, workers, environment, output):
    addresses = [f"localhost:{port}" for port in free_ports(workers)]
    lock = threading.Lock()
    processes, readers = [], []
    with _exit_on_sigterm(), _ended(processes):
        for index in range(workers):
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env={**environment_of(addresses, index), **environment},
            )
            processes.append(process)
            reader = threading.Thread(target=_forward, args=(process, index, output, lock))
            reader.start()
            readers.append(reader)
        code = _wait(processes, output)
    for reader in readers:
        reader.join()
    return code


def environment_of(addresses: Sequence[str], index: int) -> dict[str, str]:
    """The environment of one worker.

    Args:
        addresses: host and port of each worker, the same list for all of them.
        index: the worker's number.

    Returns:
        This process's environment with ``TF_CONFIG``, and with numbers of threads if it has none.
    """
    task = {"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": index}}
    threads = str(max(1, (os.cpu_count() or 1) // len(addresses)))
    shared = {"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads}
    return {**shared, **os.environ, "TF_CONFIG": json.dumps(task)}


def _forward(process, index, output, lock):
    for line in process.stdout:
        with lock:
            output.write(f"[{index}] {line}")
            output.flush()
    process.stdout.close()


def _wait(processes, output):
    """The first exit code that is not 0; 0 if all processes ended with 0."""
    while True:
        codes = [process.poll() for process in processes]
        failed = [(index, code) for index, code in enumerate(codes) if code]
        if failed:
            index, code = failed[0]
            if code > 0:
                return code
            name = signal.Signals(-code).name
            output.write(f"workers: {name} ended worker {index}; the others are ended, too\n")
            output.flush()
            return 128 - code
        if all(code == 0 for code in codes):
            return 0
        time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """A scheduler's SIGTERM ends this process as Ctrl-C does: first the workers, then itself."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no other thread may say what a signal does
        return

    def leave(number: int, _: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        sys.exit(128 + number)

    former = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


@contextlib.contextmanager
def _ended(processes: list[subprocess.Popen]) -> Iterator[None]:
    """Ends the processes that still run when the block ends or fails."""
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command ``python -m recsys_pipeline.workers.launch``; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m recsys_pipeline.workers.launch",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--workers", type=int, default=2, help="processes; default: 2")
    add_more_workers(parser)
    parser.add_argument(
        "--restarts", type=int, default=0, help="how often all are started again when one fails"
    )
    parser.add_argument("program", help="a Python file, or -- and then -m and a module")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the program")
    options = parser.parse_args(arguments)
    command = [sys.executable, options.program, *options.arguments]
    try:
        check_processors(options.workers, options.more_workers)
        return launch(command, options.workers, restarts=options.restarts)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
