"""One process at a time, told by a lock file beside what several processes write."""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows has no such module
    fcntl = None

POLL_SECONDS = 0.05
_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""The error numbers of network file systems that have no lock service."""


@contextlib.contextmanager
def locked(
    path: str | Path,
    seconds: float,
    stale_seconds: float | None = None,
    waiting: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Hold the lock of this name, or wait for whoever holds it.

    The system ends the lock of a process that dies. Where it has no such locks, the lock is a file
    that only one process can create, and a process that dies leaves it behind.

    Args:
        path: the lock file; it is there only while the lock is held.
        seconds: how long to wait at most.
        stale_seconds: a file left behind for so long no longer counts, where the system has no
            locks; None waits for it as for any other.
        waiting: called once if there is something to wait for.

    Raises:
        TimeoutError: another process held the lock all the time.
        OSError: the lock file cannot be created.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, locked(f"{folder}/.lock", seconds=5):
        ...     print(sorted(path.name for path in Path(folder).iterdir()))
        ['.lock']
    """
    path = Path(path)
    deadline = time.monotonic() + seconds
    while (release := _take(path, stale_seconds)) is None:
        if waiting is not None:
            waiting()
            waiting = None
        if time.monotonic() > deadline:
            raise TimeoutError(
                errno.ETIMEDOUT,
                f"expected {path.name} to be free within {seconds:g} s; if no other process uses "
                "it, delete it",
            )
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        release()


def _take(path: Path, stale_seconds: float | None) -> Callable[[], None] | None:
    """Return a function that releases the lock; None while another process holds it."""
    if fcntl is not None:
        try:
            return _take_flock(path, fcntl)
        except OSError as error:
            if error.errno not in _NO_LOCKS_HERE:
                raise
            # Others on this file system meet the same answer, and use this second file as well.
            path = path.with_name(f"{path.name}.owner")
    return _take_file(path, stale_seconds)


def _take_flock(path: Path, fcntl: ModuleType) -> Callable[[], None] | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its holder deletes the file before the lock ends: what was waited for may be gone by now.
        is_current = os.path.samestat(os.fstat(descriptor), os.stat(path))
    except (BlockingIOError, FileNotFoundError):
        is_current = False
    except BaseException:
        os.close(descriptor)
        raise
    if not is_current:
        os.close(descriptor)
        return None

    def release() -> None:
        path.unlink(missing_ok=True)
        os.close(descriptor)

    return release


def _take_file(path: Path, stale_seconds: float | None) -> Callable[[], None] | None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except (FileExistsError, PermissionError):
        # Windows answers "permission denied" while a deleted file is still open elsewhere.
        if not path.exists() and not os.access(path.parent, os.W_OK):
            raise
        _remove_stale(path, stale_seconds)
        return None
    os.close(descriptor)
    return lambda: path.unlink(missing_ok=True)


def _remove_stale(path: Path, stale_seconds: float | None) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stale_seconds is not None and time.time() - path.stat().st_mtime > stale_seconds:
            path.unlink()
