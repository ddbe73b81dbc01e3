"""How a student's process is started: by the best way that works, with its limits."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from bookmaker import PACKAGES
from bookmaker.grading import sandbox
from bookmaker.grading.remote import Endpoint
from bookmaker.grading.sandbox import NOBODY, Limits, Sandbox, Way

linux = pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")


def asked(source, way=None, limits=sandbox.USUAL):
    """The value of ``seen`` after running a source."""
    process = Sandbox(limits, way=way)
    try:
        endpoint = Endpoint(process.reader, process.writer)
        answer = endpoint.ask({"run": source, "name": "look"})
        assert "raised" not in answer, answer
        return endpoint.value_of(endpoint.ask({"get": "seen"}))
    finally:
        process.close()


@pytest.mark.parametrize(
    ("fitting", "expected"),
    [
        (lambda way: way.namespaces, Way(True, NOBODY)),
        (lambda way: way.namespaces and way.user is None, Way(True)),
        (lambda way: way.bubblewrap, Way(False, NOBODY, "/usr/bin/bwrap")),
        (lambda way: way.user == NOBODY and not way.isolated, Way(False, NOBODY)),
        (lambda way: False, Way()),
    ],
)
@linux
def test_the_best_way_that_works_is_taken(fitting, expected, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(sandbox, "probe", lambda way: "" if fitting(way) else f"no {way.user}")
    way, reason = sandbox.best_way.__wrapped__()
    assert way == expected
    assert reason == ("" if expected == Way(True, NOBODY) else f"no {NOBODY}")


@linux
def test_who_is_not_root_stays_who_they_are(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sandbox, "probe", lambda way: "")
    assert sandbox.best_way.__wrapped__() == (Way(True, None), "")


@pytest.mark.parametrize(
    ("way", "lines", "words"),
    [
        (Way(True, NOBODY), 0, ""),
        (Way(bubblewrap="bwrap"), 0, ""),
        (Way(False, NOBODY), 2, "runs as nobody"),
        (Way(), 3, "the gradebook among them"),
    ],
)
@linux
def test_what_is_not_protected_is_said(way, lines, words, monkeypatch):
    monkeypatch.setattr(sandbox, "best_way", lambda: (way, "not allowed"))
    said = sandbox.protection()
    assert len(said) == lines
    assert words in " ".join(said)
    assert not said or "not allowed" in said[0]


@linux
def test_a_way_that_does_not_work_says_why():
    assert "No such file" in sandbox.probe(Way(bubblewrap="/no/such/bwrap"))


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_bubblewrap_shows_the_same_folders():
    source = "import os; seen = sorted(os.listdir('/')) + [os.getcwd()]"
    users = [NOBODY, None] if os.geteuid() == 0 else [None]
    for user in users:
        seen = asked(source, Way(False, user, shutil.which("bwrap")))
        assert "usr" in seen and "tmp" in seen and seen[-1] == "/tmp"
        assert not {"home", "root"} & set(seen)


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits there")
def test_the_limits_hold_inside():
    limits = Limits(cpu_seconds=77, file_bytes=1234567, open_files=99)
    names = "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE"
    source = f"import resource as r; seen = [r.getrlimit(getattr(r, n)) for n in {names}]"
    expected = [(value, value) for value in (77, 1234567, 99, 0)]
    assert asked(source, limits=limits) == expected


@linux
def test_the_processor_time_of_children_counts():
    process = Sandbox()
    try:
        source = "import os\n\nif os.fork() == 0:\n    while True:\n        pass"
        Endpoint(process.reader, process.writer).ask({"run": source, "name": "child"})
        before, until = process.processor_seconds(), time.monotonic() + 30
        while process.processor_seconds() < before + 0.3 and time.monotonic() < until:
            time.sleep(0.05)
        assert process.processor_seconds() >= before + 0.3
    finally:
        process.close()


@linux
def test_inside_it_has_no_powers():
    if not sandbox.best_way()[0].namespaces:
        pytest.skip("no namespaces on this machine")
    source = """\
import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)
seen = [os.getuid(), os.getpid(), libc.unshare(0x10000000)]
seen += [libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None), libc.prctl(39, 0, 0, 0, 0)]
"""
    assert asked(source) == [NOBODY, 1, -1, -1, 1]


def test_the_copy_of_the_library_holds_nothing_else():
    folder = Path(sandbox.library_copy())
    names = {path.relative_to(folder).as_posix() for path in (folder / "bookmaker").rglob("*.py")}
    assert names == {
        *("bookmaker/__init__.py", "bookmaker/grading/__init__.py"),
        *("bookmaker/grading/remote.py", "bookmaker/grading/student_process.py"),
    }
    assert {path.name for path in folder.iterdir()} == {"bookmaker", *PACKAGES}
    assert not list(folder.rglob("*.md")) and not list(folder.rglob("*.ipynb"))


def test_a_process_may_be_closed_twice():
    process = Sandbox()
    process.stop("enough")
    assert (process.close(), process.close()) == ("enough", "enough")
    assert process.processes() == []
