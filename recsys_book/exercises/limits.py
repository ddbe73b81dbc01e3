"""A time limit for a student's code.

In the main thread of a Unix system an alarm interrupts the code, also inside ``time.sleep``.
Elsewhere (Windows, or a thread) the code runs in another thread, which is told to stop at its next
line of Python; inside one long call of compiled code it goes on in the background, and the verdict
does not wait for it.
"""

import contextlib
import ctypes
import signal
import threading


class TookTooLong(BaseException):
    """The time is over. Not an ``Exception``, so that ``except Exception`` does not catch it."""


class Stopped(BaseException):
    """The process in which a student's code runs has ended; the message says why."""


def run_limited(function, seconds):
    """Return ``function()``, or raise `TookTooLong` after ``seconds``; None sets no limit."""
    if seconds is None:
        return function()
    on_main_thread = threading.current_thread() is threading.main_thread()
    if on_main_thread and hasattr(signal, "setitimer"):
        with _alarm(seconds):
            return function()
    return _run_in_thread(function, seconds)


@contextlib.contextmanager
def _alarm(seconds):
    running = True

    def stop(signal_number, frame):
        if running:
            raise TookTooLong

    previous = signal.signal(signal.SIGALRM, stop)
    # More than once, since a bare `except:` around a step swallows a single interruption.
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _run_in_thread(function, seconds):
    result, failure = [], []

    def target():
        try:
            result.append(function())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        # Python has no other way to stop a thread.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(TookTooLong)
        )
        thread.join(0.2)
        raise TookTooLong
    if failure:
        raise failure[0]
    return result[0]
