"""Starts one student's process and watches it: ``python -I -S launcher.py CONFIG``.

It stands between the grader and the student's process, outside of what the latter can see. It puts
the process into namespaces of its own where it is told to, sets its limits, counts its processes
and their memory, and ends all of them when the grader says so, dies, or a limit is passed. Standard
input and output are the student's line to the grader; standard error is this program's own, for
the one line that says why it ended the process. It uses the standard library only.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time

POLL_SECONDS = 0.05
REFUSED = 3
TEMPORARY_BYTES = 256 << 20
DEVICES = ("null", "zero", "full", "random", "urandom")

_NEW_NAMESPACES = 0x10000000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000
_NEW_MOUNTS = 0x00020000
_READ_ONLY, _NO_SET_UID, _NO_DEVICES, _REMOUNT, _BIND = 1, 2, 4, 32, 4096
_RECURSIVE, _PRIVATE, _DETACH = 16384, 1 << 18, 2
_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SUBREAPER, _NO_NEW_PRIVILEGES = 1, 4, 36, 38
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}
_SET_ATTRIBUTES, _WHOLE_TREE = 442, 0x8000


class _Ended(Exception):
    """The grader wants the process to end."""


def family(parent):
    """Return ``(processes, bytes)``: the living descendants of a process and their memory.

    Both are empty where there is no ``/proc``.
    """
    found, total, waiting = [], 0, [parent]
    page = os.sysconf("SC_PAGE_SIZE")
    while waiting:
        process = waiting.pop()
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/children") as file:
                    waiting += [int(child) for child in file.read().split()]
            with open(f"/proc/{process}/statm") as file:
                pages = int(file.read().split()[1])
        except (OSError, ValueError):
            continue  # it has ended meanwhile
        # One that has ended and was not waited for has no memory left.
        if process != parent and pages:
            found.append(process)
            total += pages * page
    return found, total


def main(text):
    """Run the process that the JSON ``text`` describes; returns the exit status."""
    config = json.loads(text)
    linux = sys.platform == "linux"
    libc = _libc() if linux else None
    signal.signal(signal.SIGTERM, _end)
    if linux:
        if (user := config["user"]) is not None:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)
        libc.prctl(_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(_SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != config["grader"]:
            return REFUSED
    view = config["view"]
    try:
        if view is not None:
            _unshare(libc)
        child = os.fork()
    except OSError as error:
        print(f"no namespaces: {error}", file=sys.stderr)
        return REFUSED
    if child == 0:
        _become_the_student(config, view, libc)
    try:
        return _watch(child, config)
    except _Ended:
        return 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end_all(child)


def _end(number, frame):
    raise _Ended


def _libc():
    libc = ctypes.CDLL(None, use_errno=True)
    text, flags = ctypes.c_char_p, ctypes.c_ulong
    libc.mount.argtypes = [text, text, text, flags, text]
    libc.syscall.restype = ctypes.c_long
    return libc


def _unshare(libc):
    """Enter namespaces for users, processes, network, messages and the machine's name."""
    user, group = os.geteuid(), os.getegid()
    _check(libc.unshare(_NEW_NAMESPACES), "unshare")
    _write("/proc/self/setgroups", "deny")
    # Nobody inside, so that whoever is root outside has no powers inside after the next exec.
    _write("/proc/self/uid_map", f"65534 {user} 1")
    _write("/proc/self/gid_map", f"65534 {group} 1")


def _become_the_student(config, view, libc):
    """Set up everything in the new process, then replace it by the student's; never returns."""
    try:
        os.setsid()
        if libc is not None:
            libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
            libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        if view is not None:
            _see_only(view, libc)
        limits = {
            "RLIMIT_CORE": 0,
            "RLIMIT_CPU": config["cpu_seconds"],
            "RLIMIT_FSIZE": config["file_bytes"],
            "RLIMIT_NOFILE": config["open_files"],
        }
        if view is not None:
            # Elsewhere it counts all processes of this user, also those that were here before.
            limits["RLIMIT_NPROC"] = 8 * config["processes"]
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))
        os.chdir(config["folder"])
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_WRONLY)
        report = os.dup(2)
        os.set_inheritable(report, False)
        os.dup2(null, 2)
        try:
            os.execve(config["command"][0], config["command"], config["environment"])
        except OSError:
            os.dup2(report, 2)
            raise
    except OSError as error:
        os.write(2, f"no namespaces: {error}".encode())
    finally:
        os._exit(REFUSED)


def _see_only(view, libc):
    """Make a root folder that holds the folders of ``view`` and nothing else."""
    # The error number has to be read at once, so each call is checked by itself.
    mount, pivot = libc.mount, _PIVOT_ROOT.get(os.uname().machine, -1)
    _check(libc.unshare(_NEW_MOUNTS), "unshare")
    _check(mount(None, b"/", None, _RECURSIVE | _PRIVATE, None), "private mounts")
    size = f"size={TEMPORARY_BYTES},nr_inodes=50000,mode=0755".encode()
    _check(mount(b"tmpfs", b"/tmp", b"tmpfs", _NO_SET_UID | _NO_DEVICES, size), "tmpfs")
    os.mkdir("/tmp/old")
    os.mkdir("/tmp/new")
    _check(mount(b"/tmp/new", b"/tmp/new", None, _BIND, None), "new root")
    _check(libc.syscall(pivot, b"/tmp", b"/tmp/old"), "pivot_root")
    os.mkdir("/new/tmp")
    size = size.replace(b"0755", b"1777")
    _check(mount(b"tmpfs", b"/new/tmp", b"tmpfs", _NO_SET_UID | _NO_DEVICES, size), "/tmp")
    for kind, path, *target in view:
        inside = "/new" + path
        os.makedirs(os.path.dirname(inside), exist_ok=True)
        if kind == "link":
            os.symlink(target[0], inside)
        elif kind == "empty":
            os.makedirs(inside, exist_ok=True)
            _check(mount(b"tmpfs", inside.encode(), b"tmpfs", _NO_SET_UID, b"mode=0755"), path)
        else:
            _bind(libc, "/old" + path, inside)
            _make_read_only(libc, inside)
    os.makedirs("/new/dev")
    for name in DEVICES:
        _bind(libc, f"/old/dev/{name}", f"/new/dev/{name}")
    os.symlink("/tmp", "/new/dev/shm")
    os.mkdir("/new/proc")
    # A container may forbid it; nothing that matters is missing then.
    mount(b"proc", b"/new/proc", b"proc", _NO_SET_UID | _NO_DEVICES, None)
    try:
        # No powers by one more namespace inside this one.
        _write("/new/proc/sys/user/max_user_namespaces", "0")
    except OSError:
        pass
    # What of it a root of the machine may write to is the whole machine's.
    _make_read_only(libc, "/new/proc")
    os.chdir("/new")
    _check(libc.syscall(pivot, b".", b"."), "pivot_root")
    _check(libc.umount2(b".", _DETACH), "old root")
    os.chdir("/")
    flags = _REMOUNT | _BIND | _READ_ONLY | _NO_SET_UID | _NO_DEVICES
    _check(mount(None, b"/", None, flags, None), "read-only root")


def _bind(libc, source, target):
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        open(target, "w").close()
    flags = _BIND | _RECURSIVE
    _check(libc.mount(source.encode(), target.encode(), None, flags, None), source)


def _make_read_only(libc, path):
    """Also what is mounted below; the other attributes stay as they are."""
    attributes = (ctypes.c_uint64 * 4)(_READ_ONLY | _NO_SET_UID, 0, 0, 0)
    status = libc.syscall(
        _SET_ATTRIBUTES, -100, path.encode(), _WHOLE_TREE, attributes, ctypes.c_size_t(32)
    )
    _check(status, f"read-only {path}")


def _watch(child, config):
    """Wait until the process ends, or end it where its family has grown too large."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if code < 0:
                print(f"was ended by {signal.Signals(-code).name}", file=sys.stderr)
            return code & 0xFF
        processes, memory = family(os.getpid())
        if memory > config["memory_bytes"]:
            print(f"used more than {config['memory_bytes'] >> 20} MiB of memory", file=sys.stderr)
            return 1
        if len(processes) > config["processes"]:
            print(f"started more than {config['processes']} processes", file=sys.stderr)
            return 1
        time.sleep(POLL_SECONDS)


def _end_all(child):
    """End the process and all that it has started, also what has left its group."""
    while True:
        for process in family(os.getpid())[0]:
            _kill(os.kill, process)
        _kill(os.killpg, child)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return  # there is none any more
        time.sleep(0.002)


def _kill(kill, process):
    try:
        kill(process, signal.SIGKILL)
    except OSError:
        pass


def _check(status, what):
    if status < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
