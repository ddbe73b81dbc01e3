"""Every process that runs tests must name them alike, whatever order its sets have."""

import os
import subprocess
import sys

from recsys_lib.book.places import CHAPTERS

ROOT = CHAPTERS.parent


def collected(seed):
    """The tests' names as a process with this seed of hashes sees them."""
    # What a surrounding run was narrowed to is not meant here.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=ROOT,
        env=plain | {"PYTHONHASHSEED": str(seed)},
        timeout=300,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-2000:]
    return [line for line in found.stdout.splitlines() if "::" in line]


def test_names_do_not_depend_on_the_order_of_sets():
    # Workers that collect other names than each other end the whole run before its first test.
    first, second = collected(1), collected(2)
    assert len(first) > 1_000
    assert sorted(set(first) ^ set(second)) == []
    assert first == second
