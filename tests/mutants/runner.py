"""Runs tests against mutants of the library: is each known mistake rejected?

Starting Python and importing TensorFlow takes longer than most tests. So one process, the zygote,
imports the heavy packages once, without executing anything, and forks a child for each mutant.
The child serves the mutated source of one module from memory, runs the named tests and reports.
Nothing is ever written to the working tree.

    python tests/mutants/runner.py 2 < jobs > reports    (a JSON list in, a JSON line per job out)
    python tests/mutants/runner.py list                  (all recorded mutants, as a JSON list)
    python tests/mutants/runner.py find NAME...          (records the tests that find them)
    python tests/mutants/runner.py renew                 (rows whose text has moved or changed)
"""

import dataclasses
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from mutant_rows import ROOT, recorded

# Of processor time, since a busy machine takes longer; the clock ends only what waits for ever.
SECONDS_PER_JOB = 240
LONGEST_WAIT = 900
# Failures with these say that the mutant itself is broken, not that a test saw through it.
BROKEN = ("ImportError", "ModuleNotFoundError", "NameError", "SyntaxError", "UnboundLocalError")


class Zygote:
    """The process that forks, seen from the tests that wait for its reports.

    Args:
        jobs: list of ``{"name", "file", "source", "tests"}``; ``file`` None mutates nothing.
            ``"seconds"`` of processor time may be added, and ``"all"``: run on after a failure.
        num_children: jobs at a time.
    """

    def __init__(self, jobs, num_children):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        environment |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.reports = {}
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(num_children)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            env=environment,
        )
        self._process.stdin.write(json.dumps(jobs).encode())
        self._process.stdin.close()

    def report(self, name):
        """Wait for the report of a job.

        Returns:
            ``{"name", "passed", "failures", "seconds", "output", "ended"}``; ``passed`` are test
            ids, ``failures`` list of ``{"test", "when", "error", "in_mutant", "seconds"}``,
            ``ended`` is why the run came to no end of its own, or empty.
        """
        while name not in self.reports:
            line = self._process.stdout.readline()
            if not line:
                self._errors.seek(0)
                raise RuntimeError(f"the runner ended early: {self._errors.read().decode()}")
            report = json.loads(line)
            self.reports[report["name"]] = report
        return self.reports[name]

    def close(self):
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module's file, or rather the source given for it."""

    def __init__(self, name, path, source):
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname):
        return compile(self._source, self.path, "exec")


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, file, source):
        name = file.removesuffix(".py").replace("/", ".")
        self._is_package = name.endswith(".__init__")
        self._name = name.removesuffix(".__init__")
        self._path, self._source = str(ROOT / file), source

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self._name:
            return None
        loader = _Loader(fullname, self._path, self._source)
        folder = [os.path.dirname(self._path)] if self._is_package else None
        return importlib.util.spec_from_file_location(
            fullname, self._path, loader=loader, submodule_search_locations=folder
        )


class _Recorder:
    """Pytest plugin: what passed, what failed, and whether the mutated file was involved."""

    def __init__(self, file, only):
        self.file, self.only = file and str(ROOT / file), tuple(f"tests/{test}" for test in only)
        self.passed, self.failures = [], []

    def pytest_collection_modifyitems(self, items):
        # Whole files are collected and other tests left out, so that a wrong name spoils no other.
        items[:] = [item for item in items if self._named(item.nodeid)]

    def _named(self, node):
        return any(node == name or node.startswith((f"{name}[", f"{name}::")) for name in self.only)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self.passed.append(report.nodeid)

    def pytest_exception_interact(self, node, call, report):
        paths = [str(entry.path) for entry in call.excinfo.traceback]
        self.failures.append(
            {
                "test": node.nodeid,
                "when": getattr(report, "when", "collect"),
                "error": call.excinfo.typename,
                "message": str(call.excinfo.value)[:500],
                "in_mutant": self.file in paths,
                "seconds": getattr(report, "duration", 0.0),
            }
        )


def _run_tests(job, folder):
    """In the child: run a job's tests; returns what the report says about them."""
    import hypothesis
    import pytest

    # The first counterexample is enough, and none is kept for later runs.
    hypothesis.settings.register_profile(
        "mutants",
        database=None,
        deadline=None,
        derandomize=True,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    hypothesis.settings.load_profile("mutants")
    if job["file"] is not None:
        sys.meta_path.insert(0, _Finder(job["file"], job["source"]))
    recorder = _Recorder(job["file"], job["tests"])
    # pytest collects garbage several times to find ignored exceptions: most of a short job's time.
    left_out = ("cacheprovider", "unraisableexception", "threadexception")
    options = ["-q", "--no-header", "--tb=short", f"--basetemp={folder}/t"]
    options += [part for plugin in left_out for part in ("-p", f"no:{plugin}")]
    if job["file"] is not None and not job.get("all"):
        options.append("-x")
    files = dict.fromkeys(f"tests/{test.split('::')[0]}" for test in job["tests"])
    pytest.main([*options, *files], plugins=[recorder])
    return {"passed": recorder.passed, "failures": recorder.failures}


def _start(job, folder):
    """Fork a child for a job; it writes its report to a file and ends."""
    os.mkdir(folder)
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        output = os.open(f"{folder}/output", os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1), os.dup2(output, 2)
        signal.setitimer(signal.ITIMER_PROF, job.get("seconds", SECONDS_PER_JOB))
        signal.alarm(LONGEST_WAIT)
        tempfile.tempdir = folder  # nothing that the tests leave outlives the job
        result = _run_tests(job, folder)
        with open(f"{folder}/report", "w") as file:
            json.dump(result, file)
        code = 0
    finally:
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)


def _read(job, folder, status, seconds):
    report = {"name": job["name"], "passed": [], "failures": [], "seconds": round(seconds, 2)}
    if status == 0:
        report |= json.loads(pathlib.Path(folder, "report").read_text())
    output = pathlib.Path(folder, "output").read_text(errors="replace")
    return {**report, "output": output[-3000:], "ended": _reason(job, status)}


def _reason(job, status):
    """Why a child ended before its tests; empty if it did not."""
    signals = {
        signal.SIGPROF: f"{job.get('seconds', SECONDS_PER_JOB)} s of processor time",
        signal.SIGALRM: f"{LONGEST_WAIT} s, most of which it waited",
    }
    after = signals.get(status & 0x7F, f"an error, with wait status {status}")
    return f"ended after {after}" if status else ""


def _serve(num_children):
    jobs = json.load(sys.stdin)
    import recsys_lib  # noqa: F401, I001  sets TensorFlow's environment before it is imported
    import hypothesis  # noqa: F401
    import keras  # noqa: F401
    import pandas  # noqa: F401
    import pytest  # noqa: F401
    import sklearn.metrics  # noqa: F401
    import tensorflow  # noqa: F401
    import tqdm.auto  # noqa: F401

    gc.freeze()  # children need not look through, and so copy, what all of them share
    running = {}

    def stop(*_):
        for pid in running:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    folder = tempfile.mkdtemp(prefix="mutants-")
    signal.signal(signal.SIGTERM, stop)
    waiting = list(enumerate(jobs))[::-1]
    while waiting or running:
        while waiting and len(running) < num_children:
            number, job = waiting.pop()
            place = f"{folder}/{number}"
            running[_start(job, place)] = (job, place, time.perf_counter())
        pid, status = os.wait()
        job, place, started = running.pop(pid)
        report = _read(job, place, status, time.perf_counter() - started)
        shutil.rmtree(place, ignore_errors=True)
        try:
            print(json.dumps(report), flush=True)
        except BrokenPipeError:  # nobody waits any more
            stop()
    stop()


def main(command, names):
    if command == "list":
        print(json.dumps([dataclasses.asdict(mutant) for mutant in recorded()]))
    elif command == "renew":
        from renewal import renew

        sys.exit(1 if renew() else 0)
    elif command == "find":
        from finding import find

        sys.exit(1 if find(names) else 0)
    elif command.isdecimal():
        _serve(int(command))
    else:
        sys.exit("runner.py: expected list, renew, find NAME ... or a number, got " + command)


if __name__ == "__main__":
    main(*sys.argv[1:2] or ["nothing"], sys.argv[2:])
