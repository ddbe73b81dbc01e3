"""Recorded attacks on grading, each as the code of one solution cell.

It stands where `cross_index` of the lesson on Wide & Deep is asked for, and earns nothing there.
"""

# What runs to its end and is wrong all the same.
IN_VAIN = {
    "a fake module": """
        import sys, types

        fake = types.ModuleType("recsys_book.exercises")
        fake.check_cases = fake.check_choice = fake.check_prediction = lambda *a, **k: None
        for name in [name for name in sys.modules if name.startswith("recsys_lib")]:
            sys.modules[name] = fake

        def cross_index(*arguments):
            return 0
        """,
    "patched checks": """
        from recsys_book.exercises import cases, comparing, verdicts

        cases.check_cases = cases.check_choice = lambda *arguments, **options: None
        cases.compare_values = comparing.compare_values = lambda *arguments: 0.0
        check_cases = lambda *arguments, **options: None

        def cross_index(*arguments):
            return 0
        """,
    "another numpy": """
        np.isnan = np.abs = np.isfinite = lambda values: False
        np.allclose = np.array_equal = lambda *arguments, **options: True

        def cross_index(*arguments):
            return 0
        """,
    "a look into the caller's frame": """
        import gc, sys

        def cross_index(*arguments):
            frame = sys._getframe()
            while frame is not None:
                for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
                    if hasattr(value, "expected"):
                        return value.expected
                frame = frame.f_back
            for one in gc.get_objects():
                if type(one).__name__ == "Case" and len(one.arguments) == 3:
                    return one.expected
        """,
    "a value that says it is equal": """
        class Equal(np.ndarray):
            __eq__ = __le__ = __ge__ = lambda self, other: True
            __ne__ = lambda self, other: False
            shape = property(lambda self: Anything())
            def __array_ufunc__(self, *arguments, **options):
                return np.bool_(True)

        class Anything(tuple):
            __eq__ = lambda self, other: True
            __hash__ = tuple.__hash__

        def cross_index(first, *arguments):
            return np.zeros(2).view(Equal)
        """,
    "a class for an answer": """
        class cross_index:
            def __init__(self, *arguments): ...
            def __eq__(self, other): return True
            def __array__(self, *arguments, **options): return np.zeros(2)
        """,
    "a generator": """
        def cross_index(*arguments):
            yield from range(10)
        """,
    "an array that does not fit anywhere": """
        def cross_index(*arguments):
            return np.zeros(10**10, np.uint8)
        """,
    "a number without end": """
        def cross_index(*arguments):
            return 10**6000
        """,
    "a list without bottom": """
        def cross_index(*arguments):
            value = []
            value.append(value)
            return value
        """,
    "an exception that bites": """
        class Bites(BaseException):
            def __str__(self): raise SystemExit
            __repr__ = __str__

        def cross_index(*arguments):
            raise Bites
        """,
    "a cell that leaves": "raise SystemExit(0)",
    "a function that leaves": """
        def cross_index(*arguments):
            raise KeyboardInterrupt
        """,
    "a file larger than allowed": """
        def cross_index(*arguments):
            with open("large", "wb") as file:
                for _ in range(2000):
                    file.write(bytes(10**6))
                    file.flush()
        """,
    "endless printing": """
        for _ in range(300):
            print("x" * 1_000_000)

        def cross_index(*arguments):
            print("y" * 1_000_000)
            return 0
        """,
    "reading from the line": """
        def cross_index(*arguments):
            return input()
        """,
}

# What has to be stopped, with the reason that is given.
STOPPED = {
    "a loop that swallows everything": (
        """
        def cross_index(*arguments):
            while True:
                try:
                    while True: pass
                except BaseException:
                    pass
        """,
        "ran longer than 1.5 s",
    ),
    "a cell that sleeps": ("import time; time.sleep(1000)", "ran longer than 1.5 s"),
    "an exit": ("import os; os._exit(0)", "ended its process"),
    "an exit in a call": (
        "import os\n\ndef cross_index(*arguments): os._exit(0)",
        "ended its process",
    ),
    "a crash": (
        "import ctypes\n\ndef cross_index(*arguments): ctypes.string_at(0)",
        "was ended by SIGSEGV",
    ),
    "garbage on the line": (
        """
        import os

        def cross_index(*arguments):
            for descriptor in range(3, 30):
                try:
                    os.write(descriptor, b"x" * 100)
                except OSError:
                    pass
        """,
        "broke the line to the grader: a message of more than 16 MiB",
    ),
    "a forged answer": (
        """
        import os

        def cross_index(*arguments):
            content = b'{"answer": 1, "value": 0}'
            for descriptor in range(3, 30):
                try:
                    os.write(descriptor, len(content).to_bytes(8, "big") + content)
                except OSError:
                    pass
        """,
        "broke the line to the grader: an answer to what was not asked",
    ),
}

# What has to be stopped because it grows: code, MiB that are allowed, reason.
GROWING = {
    "memory": (
        "kept = [bytearray(b'x' * 20_000_000) for _ in range(100)]",
        500,
        "used more than 500 MiB of memory",
    ),
    "memory of many": (
        """
        import os, time

        for _ in range(7):
            if os.fork() == 0:
                kept = b"x" * 100_000_000
                time.sleep(60)
        time.sleep(60)
        """,
        500,
        "used more than 500 MiB of memory",
    ),
    "processes": (
        """
        import os, time

        for _ in range(40):
            if os.fork() == 0:
                os.setsid()
                time.sleep(60)
        time.sleep(60)
        """,
        4000,
        "started more than 8 processes",
    ),
}
