"""Pytest plugin of ``make test``: runs what was chosen, and records what passed.

``--chosen FILE`` leaves out the units (see ``selection``) that FILE does not name, and
writes into ``tests/green.json`` those all of whose tests ran and passed. ``--warm-kernels`` spares
each notebook the import of TensorFlow, see ``bookmaker.building.warm_kernels``.
"""

import json
from collections import Counter
from pathlib import Path

from bookmaker.building.inputs import ROOT
from bookmaker.gate import selection


def pytest_addoption(parser):
    parser.addoption("--chosen", type=Path, help="run the units that FILE names")
    parser.addoption(
        "--warm-kernels", action="store_true", help="fork the kernels of notebooks from one process"
    )


def pytest_configure(config):
    if config.getoption("--warm-kernels"):
        from bookmaker.building import warm_kernels

        warm_kernels.install()
    if (path := config.getoption("--chosen")) is not None:
        config.pluginmanager.register(_Chosen(path, writes=not hasattr(config, "workerinput")))


def pytest_unconfigure(config):
    if config.getoption("--warm-kernels"):
        from bookmaker.building import warm_kernels

        warm_kernels.close()


class _Chosen:
    """The plugin of a run: each of xdist's workers collects, the process above them hears all."""

    def __init__(self, path, writes):
        self._chosen, self._writes = json.loads(path.read_text(encoding="utf-8")), writes
        self._seconds, self._lacking = Counter(), set()

    def pytest_ignore_collect(self, collection_path):
        name = _name(collection_path)
        is_test = name.startswith("tests/") and collection_path.match("test_*.py")
        left_out = is_test and not selection.is_by_case(name) and name not in self._chosen["run"]
        return True if left_out else None

    def pytest_collection_modifyitems(self, config, items):
        kept, left_out = [], []
        for item in items:
            unit = _unit(item)
            (kept if unit is None or unit in self._chosen["run"] else left_out).append(item)
            item.user_properties.append(("unit", unit))
        items[:] = kept
        config.hook.pytest_deselected(items=left_out)

    def pytest_runtest_logreport(self, report):
        unit = dict(report.user_properties).get("unit")
        self._seconds[unit] += report.duration
        if report.failed or (report.skipped and not hasattr(report, "wasxfail")):
            self._lacking.add(unit)

    def pytest_sessionfinish(self, session, exitstatus):
        options, whole = session.config.option, exitstatus in (0, 1)
        whole &= not (session.shouldstop or session.shouldfail)
        whole &= not (options.keyword or options.markexpr or "::" in " ".join(session.config.args))
        if self._writes and whole and not options.collectonly:
            passed = self._seconds.keys() - self._lacking
            green = {name: one for name, one in self._chosen["run"].items() if name in passed}
            seconds = {name: round(took) for name, took in self._seconds.items() if name}
            selection.write_record(green, seconds, anew=self._chosen["all"])


def _name(path):
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""


def _unit(item):
    """The unit of a test; None for the few beside the cases of a file, which always run."""
    name = _name(item.path)
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if name == selection.MUTANTS_TEST:
        mutant = parameters.get("mutant")
        is_recorded = item.originalname == "test_the_mutant_is_rejected"
        return selection.mutants_of(mutant.file, mutant.tests) if is_recorded else None
    if name == selection.GRADING_TEST:
        return selection.grading_of(parameters["file"].path) if "file" in parameters else None
    if selection.is_by_case(name):
        model = parameters.get("model")
        key = parameters.get("key", getattr(model, "key", None))
        return None if key is None else f"contract of {key}"
    return name
