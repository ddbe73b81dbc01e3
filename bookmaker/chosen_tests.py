"""Pytest plugin of ``make test``: runs what was chosen, and notes how long each file took.

``--selected FILE`` leaves out the files of tests, mutants and grading that FILE does not name, see
``bookmaker.selection``, and writes into it the seconds of each file. ``--warm-kernels`` spares each
notebook the import of TensorFlow, see ``bookmaker.warm_kernels``.
"""

import json
from collections import Counter
from pathlib import Path

from bookmaker import selection, unit_tests
from bookmaker.inputs import ROOT
from recsys_book.paths import write_atomically


def pytest_addoption(parser):
    parser.addoption("--selected", type=Path, help="of tests, mutants and grading run FILE's")
    parser.addoption(
        "--warm-kernels", action="store_true", help="fork the kernels of notebooks from one process"
    )


def pytest_configure(config):
    if config.getoption("--warm-kernels"):
        from bookmaker import warm_kernels

        warm_kernels.install()
    path = config.getoption("--selected")
    if path is not None:
        config.pluginmanager.register(_Selected(path, writes=not hasattr(config, "workerinput")))


def pytest_unconfigure(config):
    if config.getoption("--warm-kernels"):
        from bookmaker import warm_kernels

        warm_kernels.close()


class _Selected:
    """The plugin of a run: each of xdist's workers collects, the process above them hears all."""

    def __init__(self, path, writes):
        self._path, self._writes = path, writes
        self._run = json.loads(path.read_text(encoding="utf-8"))["run"]
        self._seconds = Counter()

    def pytest_ignore_collect(self, collection_path):
        name = _name(collection_path)
        left_out = unit_tests.is_chosen_whole(name) and name not in self._run["tests"]
        return True if left_out else None

    def pytest_collection_modifyitems(self, config, items):
        kept, left_out = [], []
        for item in items:
            kind, name = _case(item)
            (kept if kind is None or name in self._run[kind] else left_out).append(item)
        items[:] = kept
        config.hook.pytest_deselected(items=left_out)

    def pytest_runtest_logreport(self, report):
        self._seconds[report.nodeid.split("::")[0]] += report.duration

    def pytest_sessionfinish(self):
        if self._writes:
            waiting = json.loads(self._path.read_text(encoding="utf-8"))
            waiting["seconds"] = {name: round(took) for name, took in self._seconds.items()}
            write_atomically(self._path, json.dumps(waiting, indent=1) + "\n")


def _name(path):
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""


def _case(item):
    """Kind and name by which a test may be left out; no kind for all that always run."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if getattr(item, "originalname", None) == "test_the_mutant_is_rejected":
        mutant = parameters["mutant"]
        return "mutants", selection.group_of(mutant.file, mutant.tests)
    if _name(item.path) == selection.GRADING_TEST and "file" in parameters:
        return "grading", selection.lesson_of(parameters["file"].path)
    return None, None
