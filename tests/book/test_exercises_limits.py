"""The time limit, in the main thread and in another one."""

import threading
import time

import pytest

from recsys_book.exercises.limits import TookTooLong, run_limited


def forever():
    while True:
        pass


def swallows():
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


@pytest.mark.parametrize("function", [forever, swallows, lambda: time.sleep(60)])
def test_the_main_thread_is_interrupted(function):
    started = time.monotonic()
    with pytest.raises(TookTooLong):
        run_limited(function, 0.2)
    assert time.monotonic() - started < 5


def test_results_and_exceptions_pass_and_the_alarm_is_off_afterwards():
    assert run_limited(lambda: 7, 0.2) == 7
    with pytest.raises(ZeroDivisionError):
        run_limited(lambda: 1 / 0, 0.2)
    time.sleep(0.3)


def in_thread(function, seconds):
    outcome = []

    def run():
        try:
            outcome.append(run_limited(function, seconds))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    return outcome[0]


def test_outside_the_main_thread_it_works_all_the_same():
    assert in_thread(lambda: 7, 5) == 7
    assert isinstance(in_thread(lambda: 1 / 0, 5), ZeroDivisionError)
    assert isinstance(in_thread(forever, 0.2), TookTooLong)
