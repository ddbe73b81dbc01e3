"""Records for a mutant the tests that find it: those that fail with it and pass without."""

import re
from dataclasses import replace
from pathlib import Path

from mutant_rows import FOLDER, ROOT, read, write
from runner import BROKEN, Zygote

MOST_TESTS = 2  # of a mutant, the quickest
DIGIT = re.compile(r"\[.*\d")
SECONDS = 600  # of processor time, for all tests of a file


def find(names, folder=FOLDER):
    """Run the test files of mutants, then others beside these, and record which tests fail.

    Returns:
        The names of mutants that no test finds; their rows stay as they are.
    """
    rows = {path: read(path) for path in sorted(folder.glob("*.json"))}
    mutants = {m.name: m for found in rows.values() for m in found if m.name in names}
    if unknown := set(names) - set(mutants):
        raise SystemExit(f"no mutant is called {', '.join(map(repr, sorted(unknown)))}")
    found = {}
    for files_of in (own_files, files_beside):
        found |= _failing({m: files_of(m) for name, m in mutants.items() if name not in found})
        for path, before in rows.items():
            after = [replace(m, tests=found.get(m.name, m.tests)) for m in before]
            if after != before:
                write(path, after)
    return [name for name in mutants if name not in found]


def own_files(mutant):
    """The test files that a mutant's row names."""
    return list(dict.fromkeys(test.split("::")[0] for test in mutant.tests))


def files_beside(mutant):
    """The other test files of these files' folders that name the mutant's module."""
    own, module = own_files(mutant), Path(mutant.file).stem
    folders = dict.fromkeys((ROOT / "tests" / file).parent for file in own)
    beside = [path for folder in folders for path in sorted(folder.glob("test_*.py"))]
    names = [p.relative_to(ROOT / "tests").as_posix() for p in beside if module in p.read_text()]
    return [name for name in names if name not in own]


def _failing(files):
    """Dict of name to the quickest tests that fail with a mutant, where some of the files do."""
    used = sorted({file for names in files.values() for file in names})
    job = {"file": None, "source": "", "all": True, "seconds": SECONDS}
    jobs = [{**job, "name": f"unmutated {file}", "tests": [file]} for file in used]
    for mutant, names in files.items():
        own = {"name": mutant.name, "file": mutant.file, "source": mutant.source()}
        jobs += [{**job, **own, "tests": names}] if names else []
    found = {}
    zygote = Zygote(jobs, 1)
    try:
        reports = [zygote.report(f"unmutated {file}") for file in used]
        passed = {test for report in reports for test in report["passed"]}
        for mutant in (one for one, names in files.items() if names):
            report = zygote.report(mutant.name)
            tests = _quickest(report, passed)
            found |= {mutant.name: tests} if tests else {}
            said = ", ".join(tests) or report["ended"] or f"none of {', '.join(files[mutant])}"
            print(f"{mutant.name}: {said}", flush=True)
    finally:
        zygote.close()
    return found


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
    # One case is named where it has a name: a number in it is often one that pytest counted.
    named = {
        test: ids[0] for test, ids in cases.items() if len(ids) == 1 and not DIGIT.search(ids[0])
    }
    return [named.get(test, test) for test in quickest]
