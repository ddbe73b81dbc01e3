"""Workers wait for each other, and say which of them do not come, or are lost later.

TensorFlow waits for a missing worker without a word, and neither Python nor a signal gets a turn
meanwhile. So workers meet here before TensorFlow starts.
"""

import contextlib
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

PATIENCE_SECONDS = 10.0
"""How long a worker waits before it names those that are missing."""

AGAIN_SECONDS = 60.0
"""and before it names them again; it goes on waiting, since schedulers start machines slowly."""

LAST_ANSWER_SECONDS = 3.0
"""How long a worker that has ended may seem to answer."""

_POLL_SECONDS = 0.1
_ANSWER_SECONDS = 2.0


def meet(addresses: Sequence[str], index: int) -> None:
    """Wait until all workers are there; names the missing ones on stderr.

    A worker greets each other one at its port, and leaves when it has greeted all and all have
    greeted it. So none waits for one that has left.

    Args:
        addresses: host and port of each worker.
        index: this worker's place among them.

    Raises:
        ValueError: this worker's port is taken, or an address has none.
    """
    others = {place: one for place, one in enumerate(addresses) if place != index}
    greeted: set[int] = set()
    heard: set[int] = set()
    started, next_words = time.monotonic(), PATIENCE_SECONDS
    with _listening(addresses[index], len(addresses)) as server:
        while True:
            heard |= _greetings(server)
            greeted |= {n for n in others if n not in greeted and _answers(others[n], f"{index}")}
            missing = {n: one for n, one in others.items() if n not in heard & greeted}
            if not missing:
                return
            waited = time.monotonic() - started
            if waited >= next_words:
                print(
                    f"workers: {_named(missing)} did not answer for {waited:.0f} s; this worker "
                    "goes on waiting",
                    file=sys.stderr,
                    flush=True,
                )
                next_words = waited + AGAIN_SECONDS
            time.sleep(_POLL_SECONDS)


def lost(addresses: Sequence[str], index: int) -> str | None:
    """One sentence that names the workers that have ended; None if all of them answer.

    A process that ends closes its connections before its port, so they are asked for some seconds.

    Args:
        addresses, index: as for ``meet``.
    """
    end = time.monotonic() + LAST_ANSWER_SECONDS
    while True:
        silent = {n: one for n, one in enumerate(addresses) if n != index and not _answers(one)}
        if silent:
            break
        if time.monotonic() > end:
            return None
        time.sleep(_POLL_SECONDS)
    return (
        f"workers: lost {_named(silent)}; start all workers again, and a run with a checkpoint "
        "goes on from it"
    )


def _named(workers: Mapping[int, str]) -> str:
    return ", ".join(f"worker {place} at {address}" for place, address in workers.items())


@contextlib.contextmanager
def _listening(address: str, count: int) -> Iterator[socket.socket]:
    """This worker's port, before TensorFlow takes it."""
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        server = socket.create_server(
            ("", _parts(address)[1]), family=family, backlog=2 * count, dualstack_ipv6=both
        )
    except OSError as error:
        raise ValueError(f"TF_CONFIG: expected a free port, got {address}: {error}") from None
    with server:
        server.setblocking(False)
        yield server


def _greetings(server: socket.socket) -> set[int]:
    """The places of the workers that have greeted since the last call."""
    found: set[int] = set()
    while True:
        try:
            connection, _ = server.accept()
        except BlockingIOError:
            return found
        with connection, contextlib.suppress(OSError, ValueError):  # others may knock, too
            connection.settimeout(_ANSWER_SECONDS)
            found.add(int(connection.recv(16)))


def _answers(address: str, greeting: str = "") -> bool:
    try:
        with socket.create_connection(_parts(address), _ANSWER_SECONDS) as connection:
            connection.sendall(greeting.encode())
            return True
    except OSError:
        return False


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"TF_CONFIG: expected addresses such as 'host:2222', got {address!r}")
    return host.strip("[]"), int(port)
