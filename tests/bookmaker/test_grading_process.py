"""The grading process is replaced when it does not answer or ends."""

import os

import pytest

from bookmaker.grading.process import Worker, Workers

pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")


def is_running(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_that_does_not_answer_is_ended(tmp_path):
    worker = Worker(5, tmp_path / "worker.log")
    process_id = worker._running().pid
    assert worker.grade(tmp_path, "01_none", limit=0) == {"error": "took longer than 0 s in all"}
    assert not is_running(process_id)
    worker.close()


def test_a_worker_that_ends_says_why_and_is_replaced(tmp_path):
    worker = Worker(5, tmp_path / "worker.log")
    first = worker._running()
    first.kill()
    first.wait()
    result = worker.grade(tmp_path, "01_none", limit=60)
    assert result["error"].startswith("the grader ended") or "did not start" in result["error"]
    second = worker._running()
    assert second.pid != first.pid
    worker.close()
    assert not is_running(second.pid)


def test_a_course_that_nbgrader_cannot_grade_is_an_error_of_one_line(tmp_path):
    with Workers(1, 5, tmp_path) as workers, workers.lend() as worker:
        result = worker.grade(tmp_path, "01_none", limit=120)
    assert set(result) == {"error"}
    assert result["error"] and "\n" not in result["error"]
