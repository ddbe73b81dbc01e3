"""Records for a mutant the tests that find it: those that fail with it and pass without."""

from dataclasses import replace
from pathlib import Path

from rows import FOLDER, ROOT, read, write
from runner import BROKEN, Zygote

MOST_TESTS = 2  # of a mutant, the quickest
SECONDS = 600  # of processor time, for all tests of a file


def find(names, folder=FOLDER):
    """Run the test files of mutants, then the others beside these, and record which tests fail.

    Returns:
        The names of mutants that no test finds; their rows stay as they are.
    """
    rows = {path: read(path) for path in sorted(folder.glob("*.json"))}
    mutants = {m.name: m for found in rows.values() for m in found if m.name in names}
    if unknown := set(names) - set(mutants):
        raise SystemExit(f"no mutant is called {', '.join(map(repr, sorted(unknown)))}")
    found = {}
    for files_of in (own_files, files_beside):
        left = {m: files_of(m) for name, m in mutants.items() if name not in found}
        found |= {name: tests for name, tests in _failing(left).items() if tests}
    for path, before in rows.items():
        after = [replace(m, tests=found.get(m.name, m.tests)) for m in before]
        if after != before:
            write(path, after)
    for name in mutants:
        print(f"{name}: {', '.join(found[name]) if name in found else 'no test finds it'}")
    return [name for name in mutants if name not in found]


def own_files(mutant):
    """The test files that a mutant's row names."""
    return list(dict.fromkeys(test.split("::")[0] for test in mutant.tests))


def files_beside(mutant):
    """The other test files of the folders of these."""
    own = own_files(mutant)
    folders = dict.fromkeys(ROOT / "tests" / Path(file).parent for file in own)
    beside = [path for folder in folders for path in sorted(folder.glob("test_*.py"))]
    names = [path.relative_to(ROOT / "tests").as_posix() for path in beside]
    return [name for name in names if name not in own]


def _failing(files):
    """Dict of name to the quickest tests that fail with a mutant, given the files to run."""
    used = sorted({file for names in files.values() for file in names})
    job = {"file": None, "source": "", "all": True, "seconds": SECONDS}
    jobs = [{**job, "name": f"unmutated {file}", "tests": [file]} for file in used]
    for mutant, names in files.items():
        own = {"name": mutant.name, "file": mutant.file, "source": mutant.source()}
        jobs += [{**job, **own, "tests": names}] if names else []
    if not used:
        return {}
    zygote = Zygote(jobs, 1)
    try:
        reports = [zygote.report(f"unmutated {file}") for file in used]
        passed = {test for report in reports for test in report["passed"]}
        return {m.name: _quickest(zygote.report(m.name), passed) for m in files if files[m]}
    finally:
        zygote.close()


def _quickest(report, passed):
    seconds, cases = {}, {}
    for failure in report["failures"]:
        in_test = failure["when"] == "call" or failure["in_mutant"]
        if in_test and failure["test"] in passed and failure["error"] not in BROKEN:
            test = failure["test"].removeprefix("tests/")
            function = test.split("[")[0]
            cases.setdefault(function, []).append(test)
            seconds[function] = seconds.get(function, 0) + failure["seconds"]
    quickest = sorted(seconds, key=seconds.get)[:MOST_TESTS]
    return [cases[test][0] if len(cases[test]) == 1 else test for test in quickest]
