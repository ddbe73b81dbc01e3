"""Every recorded mistake is rejected by the tests named for it, which pass without it.

`make test` runs these tests as well, or has them recorded as green: then they are not run once more
without the mistake.
"""

import os
import sys
from collections import Counter

import pytest
from mutant_rows import Mutant, recorded
from runner import BROKEN, SECONDS_PER_JOB, Zygote
from selected import values

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks after importing TensorFlow")

MUTANTS = recorded()
ENDLESS = "runs for ever"


def job_of_unmutated(file):
    return f"unmutated {file}"


@pytest.fixture(scope="module")
def zygote(request):
    """Works on all selected mutants at once, whichever of them is waited for."""
    chosen = {mutant.name: mutant for mutant in values(request, "mutant")}
    proven = {mutant.name for mutant in MUTANTS} if request.config.getoption("chosen", None) else ()
    doubted = [mutant for name, mutant in chosen.items() if name not in proven]
    tests = {test: None for mutant in doubted for test in mutant.tests}
    jobs = []
    for file in sorted({test.split("::")[0] for test in tests}):
        named = [test for test in tests if test.split("::")[0] == file]
        jobs.append({"name": job_of_unmutated(file), "file": None, "source": "", "tests": named})
    for mutant in chosen.values():
        try:
            source = mutant.source()
        except ValueError:
            continue  # its own test says so
        job = {"name": mutant.name, "file": mutant.file, "source": source, "tests": mutant.tests}
        jobs.append({**job, "seconds": 1 if mutant.name == ENDLESS else SECONDS_PER_JOB})
    zygote = Zygote(jobs, num_children=max(2, (os.cpu_count() or 2) // 2))
    zygote.proven = proven
    yield zygote
    zygote.close()


def matches(node, test):
    """Whether a test id is, or is a case of, the named test."""
    return node == f"tests/{test}" or node.startswith((f"tests/{test}[", f"tests/{test}::"))


def verdict(mutant, zygote):
    """What the tests say about a mutant: ``"rejected"``, or why they do not reject it."""
    mutant.source()
    for test in () if mutant.name in zygote.proven else mutant.tests:
        unmutated = zygote.report(job_of_unmutated(test.split("::")[0]))
        if unmutated["ended"]:
            return f"without the mutant: {unmutated['ended']}:\n{unmutated['output']}"
        failed = [f for f in unmutated["failures"] if matches(f["test"], test)]
        if failed:
            return f"fails without the mutant too: {failed}"
        if not any(matches(node, test) for node in unmutated["passed"]):
            return f"no test is called {test!r}:\n{unmutated['output']}"
    report = zygote.report(mutant.name)
    if report["ended"]:
        return f"the mutant: {report['ended']}:\n{report['output']}"
    failures = report["failures"]
    broken = [f for f in failures if f["when"] == "collect" or f["error"] in BROKEN]
    if broken:
        return f"the mutant does not run: {broken}"
    if any(f["when"] == "call" or f["in_mutant"] for f in failures):
        return "rejected"
    return f"no test fails, the mutant survives:\n{report['output']}"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_is_rejected(mutant, zygote):
    assert verdict(mutant, zygote) == "rejected"


def harmless(name, new, test="test_all_pairs_leave_numbers_out"):
    old = "    return list(itertools.combinations(names, 2))"
    tests = f"features/test_crosses.py::{test}"
    return Mutant(name, "recsys_lib/features/crosses.py", old, new, [tests])


@pytest.mark.parametrize(
    ("mutant", "expected"),
    [
        (harmless("no mistake", "    return [*itertools.combinations(names, 2)]"), "survives"),
        (harmless("unknown name", "    return no_such_name"), "the mutant does not run"),
        (harmless("no such test", "    return []", "test_nothing"), "no test is called"),
        (harmless(ENDLESS, "    while True:\n        pass"), "ended after 1 s of processor time"),
        (harmless("a mistake", "    return []"), "rejected"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_runner_tells_mistakes_from_what_is_none(mutant, expected, zygote):
    assert expected in verdict(mutant, zygote)


def test_names_are_unique():
    repeated = [name for name, count in Counter(m.name for m in MUTANTS).items() if count > 1]
    assert not repeated


def test_every_mutant_is_one_today():
    """Also of those that a run does not try: code that moved takes its mutants along."""
    problems = []
    for mutant in MUTANTS:
        try:
            mutant.source()
        except ValueError as error:
            problems.append(str(error))
    assert problems == [], "python tests/mutants/runner.py renew"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("no such text", "x", "found it 0 times"),
        ("def ", "x", "expected the old text once"),
        ('    """Embeddings', '    """Embeddings', "found it 0 times"),
        ("def all_pairs(", "def all_pairs(", "the new text equals the old one"),
        ("combinations(names, 2))", "combinations(names, 2)", "was never closed"),
    ],
)
def test_a_mutant_that_is_none_is_an_error(old, new, message):
    with pytest.raises(ValueError, match=message):
        Mutant("broken", "recsys_lib/features/crosses.py", old, new, ()).source()
