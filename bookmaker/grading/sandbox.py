"""Starts processes for students' code that see nothing of the book, the course and the machine.

Such a process gets a copy of the library without the chapters, a folder for temporary files, and
Python with its packages. Where the system lets it, it runs in namespaces of its own (by the kernel
itself, else by ``bwrap``); `protection` says what is not protected on this machine. Its limits hold
everywhere but on Windows.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bookmaker import PACKAGES
from bookmaker.grading import launcher
from bookmaker.grading.remote import Endpoint
from recsys_book.base.paths import CHAPTERS

NOBODY = 65534
START_SECONDS = 60
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ONE_THREAD |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
"""Environment of a process whose processor time is limited: more threads only add to it."""
_LINUX, _WINDOWS = sys.platform == "linux", sys.platform == "win32"
_INSIDE = ("remote.py", "student_process.py")
# What a program of this system needs, where there is such a path.
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts"),
)
_START = (
    "import sys; sys.path[:0] = [{library!r}]; sys.path += {packages!r}; "
    "from bookmaker.grading.student_process import main; main()"
)


@dataclass(frozen=True)
class Limits:
    """What a student's process may use.

    Attributes:
        seconds: processor time of one cell, since a busy machine takes longer by the clock; of a
            test cell, what the student's code takes in it.
        notebook_seconds: processor time of all cells of a notebook together.
        cpu_seconds: processor time of one process.
        memory_bytes: resident memory of all its processes together.
        processes: how many there may be at a time.
        file_bytes: size of one file.
        open_files: how many files one process may have open.
        waiting: by the clock a cell, and a notebook, may take so many times as long, so that who
            only sleeps is stopped, too. Where the system does not tell the processor time of
            other processes, the clock alone counts, once.
    """

    seconds: float = 10.0
    notebook_seconds: float = 300.0
    cpu_seconds: int = 300
    memory_bytes: int = 2 << 30
    processes: int = 32
    file_bytes: int = 64 << 20
    open_files: int = 128
    waiting: float = 6.0


USUAL = Limits()


@dataclass(frozen=True)
class Way:
    """One way to start a student's process: in namespaces or not, by whom, and with ``bwrap``."""

    namespaces: bool = False
    user: int | None = None
    bubblewrap: str = ""

    @property
    def isolated(self):
        return self.namespaces or bool(self.bubblewrap)


class Sandbox:
    """A running student's process, with the line to it.

    Args:
        limits: the `Limits`.
        hidden: folders that it must not see even where they lie in one that it needs.
        way: the `Way` to start it; default: the best one that works here.

    Attributes:
        reason: why it was ended; empty while it runs, or where it ended by itself.
    """

    def __init__(self, limits=USUAL, hidden=(), way=None):
        self.reason, self._waiting = "", limits.waiting
        way = best_way()[0] if way is None else way
        self._folder = tempfile.mkdtemp(prefix="student-")
        environment = _environment("/tmp" if way.isolated else self._folder)
        packages = _packages()
        start = _START.format(library=library_copy(), packages=packages)
        command = [os.path.realpath(sys.executable), "-I", "-B", "-c", start]
        if _WINDOWS:
            options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment}
            self._line = None
        else:
            self._line, other = socket.socketpair()
            if way.user is not None:
                os.chown(self._folder, way.user, way.user)
            view = _view(packages, hidden) if way.isolated else None
            if way.bubblewrap:
                command = [way.bubblewrap, *_bubblewrap_options(view), "--", *command]
            config = {
                "command": command,
                "environment": environment,
                "folder": "/tmp" if way.namespaces else self._folder,
                "view": view if way.namespaces else None,
                "user": way.user,
                "grader": os.getpid(),
                **{name: getattr(limits, name) for name in _WATCHED},
            }
            command = [sys.executable, "-I", "-S", launcher.__file__, json.dumps(config)]
            options = {"stdin": other, "stdout": other, "env": {"PATH": os.defpath}}
        self._process = subprocess.Popen(
            command,
            stderr=subprocess.DEVNULL if _WINDOWS else subprocess.PIPE,
            cwd=self._folder if _WINDOWS else "/",
            start_new_session=True,
            **options,
        )
        if self._line is None:
            self.reader, self.writer = self._process.stdout, self._process.stdin
        else:
            other.close()
            self.reader, self.writer = self._line.makefile("rb"), self._line.makefile("wb")

    def processes(self):
        """Return the ids of its processes; empty where the system does not tell."""
        return launcher.family(self._process.pid)[0] if _LINUX else []

    def processor_seconds(self):
        """Return the processor time of its processes; see the function of this name."""
        return processor_seconds(self.processes())

    def stopwatch(self):
        """Return a function of the seconds since now: of processor time, a part of the clock's.

        See `Limits`.
        """
        started, before = time.monotonic(), self.processor_seconds()

        def spent():
            clock, processor = time.monotonic() - started, self.processor_seconds()
            if before is None:
                return clock
            return max((processor or 0.0) - before, clock / self._waiting)

        return spent

    def memory(self, start_again=False):
        """Return the most bytes that its processes have had, each at its height.

        Args:
            start_again: whether to forget the heights so far; what they have now is returned.
        """
        total = 0
        for process in self.processes():
            try:
                if start_again:
                    Path(f"/proc/{process}/clear_refs").write_text("5")
                status = Path(f"/proc/{process}/status").read_text()
            except OSError:
                continue  # it has ended
            if (height := re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)) is not None:
                total += int(height[1]) << 10
        return total

    def stop(self, reason):
        """End the process and whatever it has started; the first ``reason`` given is kept."""
        self.reason = self.reason or reason
        self._process.terminate()  # the launcher then ends the others
        if self._line is not None:
            try:
                self._line.shutdown(socket.SHUT_RDWR)  # whoever waits for an answer goes on
            except OSError:
                pass

    def close(self, patience=0.0):
        """End everything, wait until it has ended, and return the `reason`.

        Args:
            patience: seconds for a process that is about to end, to say why.
        """
        if self.reader.closed:
            return self.reason
        said = ""
        if patience and not self.reason:
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        self.stop("")
        self._process.wait()
        if self._process.stderr is not None:
            said = self._process.stderr.read().decode("utf-8", "replace").strip()
            self._process.stderr.close()
        self.reason = self.reason or (said.splitlines() or [""])[-1]
        for end in (self.reader, self.writer, self._line):
            try:
                if end is not None:
                    end.close()
            except OSError:
                pass  # what was written and never read
        shutil.rmtree(self._folder, ignore_errors=True)
        return self.reason


def processor_seconds(processes: list[int]) -> float | None:
    """Return the processor time of processes, also of those that they have waited for.

    Args:
        processes: their ids; those that have ended count nothing.

    Returns:
        Seconds; None for no process, or where the system does not tell.
    """
    if not (_LINUX and processes):
        return None
    ticks = 0
    for process in processes:
        try:
            status = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            continue  # it has ended
        ticks += sum(map(int, status.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


_WATCHED = ("cpu_seconds", "memory_bytes", "processes", "file_bytes", "open_files")


@lru_cache(maxsize=1)
def library_copy() -> str:
    """Return the folder of the library's copy, made once for each grading process."""
    folder = _scratch().name
    root = Path(__file__).parents[2]
    for package in PACKAGES:
        shutil.copytree(root / package, Path(folder, package))
    inside = Path(folder, "bookmaker", "grading")
    inside.mkdir(parents=True)
    shutil.copy2(root / "bookmaker" / "__init__.py", inside.parent)
    (inside / "__init__.py").touch()
    for name in _INSIDE:
        shutil.copy2(Path(__file__).with_name(name), inside)
    os.chmod(folder, 0o755)  # it may be read by nobody
    return folder


@lru_cache(maxsize=1)
def _scratch():
    return tempfile.TemporaryDirectory(prefix="grading-library-", ignore_cleanup_errors=True)


@lru_cache(maxsize=1)
def best_way() -> tuple[Way, str]:
    """Return the best `Way` that works on this machine, and why no better one does."""
    ways = []
    if _LINUX:
        users = [NOBODY, None] if os.geteuid() == 0 else [None]
        ways = [Way(True, user) for user in users]
        if (bubblewrap := shutil.which("bwrap")) is not None:
            ways += [Way(False, user, bubblewrap) for user in users]
        ways += [Way(False, user) for user in users if user is not None]
    reason = ""
    for way in ways:
        said = probe(way)
        if not said:
            return way, reason
        reason = reason or said
    return Way(), reason or f"{sys.platform} has no namespaces"


def probe(way: Way) -> str:
    """Start a process in one way and wait for its first word; returns why there is none."""
    sandbox = Sandbox(way=way)
    guard = threading.Timer(START_SECONDS, sandbox.stop, ["it did not start"])
    guard.start()
    try:
        Endpoint(sandbox.reader, sandbox.writer).ask({"get": "answer"})
    except (EOFError, OSError) as error:
        return sandbox.close(1.0) or str(error)
    finally:
        guard.cancel()
    sandbox.close()
    return ""


def protection() -> list[str]:
    """Say in one line each what students' code is not kept from on this machine.

    Returns:
        Lines of text; none where all of it is kept from the rest of the machine.
    """
    way, reason = best_way()
    if way.isolated:
        return []
    lines = [f"students' code has no namespaces of its own here: {reason}"]
    if way.user is None:
        lines += [
            "it can read what this account can read, tests and other submissions among them",
            "it can change this account's files, the gradebook among them, and use the network",
        ]
    else:
        lines.append("it runs as nobody, can read what everybody can read, and use the network")
    if not _LINUX:
        lines.append("memory and the number of processes are not limited on this system")
    if _WINDOWS:
        lines.append("processor time and files are not limited on this system")
    return lines


def _environment(home):
    kept = ("SYSTEMROOT", "WINDIR") if _WINDOWS else ()
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **ONE_THREAD,
        **dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP", "USERPROFILE"), str(home)),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "USER": "student",
        "MPLBACKEND": "Agg",
        "RECSYS_KEEP_PROGRESS": "0",
        "RECSYS_SOLUTIONS": "0",
    }


def _packages():
    """The folders of installed packages; links of a developer's installation are not followed."""
    names = ("site-packages", "dist-packages")
    return [os.path.realpath(path) for path in sys.path if os.path.basename(path) in names]


def _view(packages, hidden):
    """What the process sees, as the launcher wants it: folders, links, and what is covered."""
    prefixes = [
        os.path.realpath(sys.base_prefix),
        os.path.dirname(os.path.realpath(sys.executable)),
    ]
    shown = [path for path in _SYSTEM if os.path.exists(path)]
    links = [["link", path, os.readlink(path)] for path in shown if os.path.islink(path)]
    paths = {os.path.realpath(path) for path in (*shown, *prefixes, *packages, library_copy())}
    within = lambda path, others: any(Path(other) in Path(path).parents for other in others)  # noqa: E731
    covered = {os.path.realpath(path) for path in (CHAPTERS.parent, Path.home(), *hidden)}
    covered = {path for path in covered - paths if within(path, paths)}
    kept = [path for path in paths if not within(path, paths) or within(path, covered)]
    steps = [["bind", path] for path in kept] + [["empty", path] for path in covered]
    return sorted(steps, key=lambda step: len(step[1])) + links


def _bubblewrap_options(view):
    options = ["--unshare-all", "--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    options += ["--cap-drop", "ALL", "--die-with-parent"]
    options += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    for kind, path, *target in view:
        if kind == "link":
            options += ["--symlink", *target, path]
        elif kind == "empty":
            options += ["--tmpfs", path]
        else:
            options += ["--ro-bind", path, path]
    return [*options, "--remount-ro", "/proc", "--remount-ro", "/", "--chdir", "/tmp"]
