"""What runs inside a student's process: cells, and calls of what they have defined.

It gets cells and arguments and returns values. It holds no test and no expected value, and nothing
that it says is believed: the grader checks every message and compares by itself.
"""

import ast
import io
import linecache
import os
import re
import sys
import traceback
import tracemalloc
import types

from bookmaker import PACKAGES
from bookmaker.grading.remote import LONGEST_TEXT, Endpoint
from recsys_book.exercises.cases import steps_of


class Output(io.StringIO):
    """Keeps the beginning of what is printed."""

    def write(self, text):
        """Keep what there is still room for."""
        super().write(text[: max(0, LONGEST_TEXT - self.tell())])
        return len(text)


class Student:
    """Runs the student's cells in one namespace, that of ``__main__``."""

    def __init__(self, reader, writer):
        self.module = types.ModuleType("__main__")
        self.module.display = print
        sys.modules["__main__"] = self.module
        self.endpoint = Endpoint(reader, writer, self.answer)
        self._originals: dict = {}

    def answer(self, question):
        """Return the answer to one question of the grader."""
        sys.stdout = sys.stderr = output = Output()
        try:
            answer = self._answer(question)
        except BaseException as error:
            answer = {"raised": _described(error)}
        return {**answer, "printed": output.getvalue(), "patched": self._patched()}

    def _answer(self, question):
        if "run" in question:
            self._run(question["run"], question["name"])
            self._remember_library()
            return {}
        if "get" in question:
            values = vars(self.module)
            known = question["get"] in values
            return self.endpoint.value_answer(values[question["get"]]) if known else {}
        measure = question.get("measure")
        if measure != "memory":
            function, arguments, keywords = self.endpoint.arguments_of(question)
            if measure == "steps":
                ran = steps_of(lambda: function(*arguments, **keywords))
                return {"value": None, "measured": ran}
            return self.endpoint.value_answer(function(*arguments, **keywords))
        tracemalloc.start()  # the arguments count too
        try:
            function, arguments, _ = self.endpoint.arguments_of(question)
            tracemalloc.reset_peak()
            function(*arguments)
            return {"value": None, "measured": tracemalloc.get_traced_memory()[1]}
        finally:
            tracemalloc.stop()

    def _run(self, source, name):
        filename = f"<cell {name}>"
        try:
            ast.parse(source)
        except SyntaxError:
            # IPython's commands have no place here; what stands around them has.
            source = re.sub(r"^[ \t]*[%!].*$", "", source, flags=re.MULTILINE)
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        exec(compile(source, filename, "exec"), vars(self.module))

    def _remember_library(self):
        """Note what the library's functions are when a module is first seen."""
        for name, module in list(sys.modules.items()):
            if name.split(".")[0] in PACKAGES and name not in self._originals:
                self._originals[name] = module, dict(vars(module))

    def _patched(self):
        """The library's modules and functions that were exchanged, for a remark."""
        found = []
        for name, (module, names) in self._originals.items():
            if sys.modules.get(name) is not module:
                found.append(name)
            changed = vars(module)
            found += [
                f"{name}.{key}"
                for key, value in names.items()
                if isinstance(value, types.FunctionType | type) and changed.get(key) is not value
            ]
        return found[:5]


def _described(error):
    """Name, message, and the student's line of an exception, whatever it does when it is asked."""
    try:
        message = str(error)
    except BaseException:
        message = "(no message)"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith("<cell ")]
    line = f"line {own[-1].lineno}" + (f": {own[-1].line}" if own[-1].line else "") if own else ""
    return [type(error).__name__, message[:LONGEST_TEXT], line]


def main():
    """Serve the grader on standard input and output, which the student's code does not get."""
    reader, writer = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    student = Student(os.fdopen(reader, "rb"), os.fdopen(writer, "wb"))
    try:
        student.endpoint.serve()
    except OSError:
        pass  # the grader is gone
