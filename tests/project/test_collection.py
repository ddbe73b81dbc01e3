"""Every process that runs tests must name them alike, whatever order its sets have."""

import os
import subprocess
import sys

from recsys_book.base.paths import CHAPTERS

ROOT = CHAPTERS.parent


def collected(seed):
    """The tests' names as a process with this seed of hashes sees them."""
    # What a surrounding run was narrowed to is not meant here.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    options = ["--collect-only", "-q", "-p", "no:cacheprovider", "-p", "no:nbval"]
    found = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests"],
        cwd=ROOT,
        env=plain | {"PYTHONHASHSEED": str(seed)},
        timeout=300,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-2000:]
    return [line for line in found.stdout.splitlines() if "::" in line]


def test_names_do_not_depend_on_the_order_of_sets(request):
    # Workers that collect other names than each other end the whole run before its first test.
    # A run of all tests is itself a process with another seed, unless it was given one.
    here = [one.nodeid for one in request.session.items if one.nodeid.startswith("tests/")]
    if len(here) < 1_000 or os.environ.get("PYTHONHASHSEED", "random") != "random":
        here = collected(1)
    there = collected(2)
    assert len(there) > 1_000
    assert sorted(set(here) - set(there)) == []
    # What this run left out does not count; the order of all others does.
    chosen = set(here)
    assert here == [name for name in there if name in chosen]
