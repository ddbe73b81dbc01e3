"""The same lens in another process, for the tests that a seed alone decides its bytes."""

import os
import subprocess
import sys


def digest_elsewhere(lens, sizes):
    """Digest of ``simulator.<lens>(**sizes)``, made by a process with another hash seed."""
    code = (
        "from recsys_lib.data import simulator; from test_simulator_memorization import digest; "
        f"print(digest(simulator.{lens}(**{sizes!r})))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "123", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return found.stdout.strip()
