"""Locks between processes: one at a time, freed by a death, and what waiting for one tells."""

import errno
import os
import subprocess
import sys
import threading
import time

import pytest

from recsys_lib import locks
from recsys_lib.locks import locked

COUNT = """
import sys, time
from pathlib import Path
from recsys_lib import locks
if sys.argv[2] == "without":
    locks.fcntl = None
counter = Path(sys.argv[1])
for _ in range(20):
    with locks.locked(counter.with_name(".lock"), seconds=60):
        value = int(counter.read_text())
        time.sleep(0.002)
        counter.write_text(str(value + 1))
"""
HOLD = """
import sys, time
from recsys_lib.locks import locked
with locked(sys.argv[1], seconds=5):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["flock", "file"])
def kind(request, monkeypatch):
    """Both kinds of locks; the first is not there on every system."""
    if request.param == "file":
        monkeypatch.setattr(locks, "fcntl", None)
    elif locks.fcntl is None:
        pytest.skip("this system has no fcntl")
    return request.param


@pytest.mark.parametrize("with_fcntl", ["with", "without"])
def test_two_processes_lose_no_count(tmp_path, with_fcntl):
    counter = tmp_path / "count"
    counter.write_text("0")
    command = [sys.executable, "-c", COUNT, str(counter), with_fcntl]
    writers = [subprocess.Popen(command) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert counter.read_text() == "60"
    assert [path.name for path in tmp_path.iterdir()] == ["count"]


def test_who_waits_too_long_is_told(tmp_path, kind):
    told = []
    with locked(tmp_path / ".lock", seconds=5):
        with pytest.raises(TimeoutError, match=r"expected \.lock to be free within 0\.2 s"):
            with locked(tmp_path / ".lock", seconds=0.2, waiting=lambda: told.append("waiting")):
                raise AssertionError("the lock was given twice")
    assert told == ["waiting"]
    with locked(tmp_path / ".lock", seconds=0, waiting=lambda: told.append("again")):
        assert told == ["waiting"]


def test_an_error_inside_frees_the_lock(tmp_path, kind):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / ".lock", seconds=1):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_threads_exclude_each_other_too(tmp_path, kind):
    inside, most = [], []

    def work():
        for _ in range(5):
            with locked(tmp_path / ".lock", seconds=30):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20


@pytest.mark.skipif(locks.fcntl is None, reason="this system has no fcntl")
def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path):
    path = tmp_path / ".lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(TimeoutError), locked(path, seconds=0):
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with locked(path, seconds=0.5):
        pass
    assert not path.exists()


@pytest.mark.skipif(locks.fcntl is None, reason="this system has no fcntl")
def test_a_file_that_its_holder_deleted_meanwhile_is_no_lock(tmp_path, monkeypatch):
    path = tmp_path / ".lock"
    took = []

    class Late:
        LOCK_EX, LOCK_NB = locks.fcntl.LOCK_EX, locks.fcntl.LOCK_NB

        @staticmethod
        def flock(descriptor, how, flock=locks.fcntl.flock):
            if not took:
                path.unlink()
            flock(descriptor, how)
            took.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(locks, "fcntl", Late)
    with locked(path, seconds=1):
        assert len(took) == 2 and path.stat().st_ino == took[-1]


def test_a_file_left_behind_counts_until_it_is_stale(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    path = tmp_path / ".lock"
    path.touch()
    with pytest.raises(TimeoutError), locked(path, seconds=0.2, stale_seconds=60):
        pass
    old = time.time() - 61
    os.utime(path, (old, old))
    with pytest.raises(TimeoutError), locked(path, seconds=0.2):
        pass
    with locked(path, seconds=0.5, stale_seconds=60):
        pass


def test_a_file_system_without_locks_uses_a_file(tmp_path, monkeypatch):
    class NoLocks:
        LOCK_EX = LOCK_NB = 0

        @staticmethod
        def flock(descriptor, how):
            raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "fcntl", NoLocks)
    with locked(tmp_path / ".lock", seconds=1):
        with pytest.raises(TimeoutError), locked(tmp_path / ".lock", seconds=0):
            pass
    assert not (tmp_path / ".lock.owner").exists()


def test_a_folder_that_is_not_there_is_an_error(tmp_path, kind):
    with pytest.raises(FileNotFoundError), locked(tmp_path / "no" / ".lock", seconds=5):
        pass
