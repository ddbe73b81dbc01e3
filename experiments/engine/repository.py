"""What git knows of the declarations: which commit declared what, found by its hash."""

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_SCRIPT = """
import contextlib, json, sys
from pathlib import Path
try:
    from experiments.engine import registry
except ImportError:  # commits before the engine had a folder
    from experiments import registry
folder, found = Path(sys.argv[1]), {}
for name in registry.identifiers(folder):
    with contextlib.suppress(Exception):  # a broken declaration declares nothing
        found[name] = registry.load(name, folder).sha256()
print(json.dumps(found))
"""


class NoHistory(RuntimeError):
    """The history cannot be read here; the message says why in one line."""


def git(root: Path, *arguments: str) -> bytes | None:
    """What git prints in a folder, or None where it fails."""
    try:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def lines(root: Path, *arguments: str) -> list[str]:
    """The lines that git prints; none where it fails."""
    return (git(root, *arguments) or b"").decode("utf-8", errors="replace").splitlines()


def require_history(root: Path) -> None:
    """Raise ``NoHistory`` where there is no repository, or a clone without its history."""
    if not (shallow := lines(root, "rev-parse", "--is-shallow-repository")):
        raise NoHistory("no history: this is no git repository, or git is not installed")
    if shallow == ["true"]:
        raise NoHistory("no history: this is a shallow clone; run `git fetch --unshallow`")


def head(root: Path) -> str | None:
    """The commit that is checked out; None where there is none."""
    return next(iter(lines(root, "rev-parse", "HEAD")), None)


@functools.lru_cache(maxsize=256)
def hashes(commit: str, folder: Path) -> dict[str, str]:
    """The declarations of a commit, by the code of that commit.

    Args:
        commit: any name of it.
        folder: of the declarations, below the root of the repository.

    Returns:
        Dict of identifier to the declaration's hash; empty where git knows no such commit.
    """
    root, place = lines(folder, "rev-parse", "--show-toplevel", "--show-prefix") or ("", "")
    with tempfile.TemporaryDirectory() as home:
        packed = Path(home, "all.tar")
        asked_for = ("archive", "-o", str(packed), commit, "--", "*.py")
        if not root or git(Path(root), *asked_for) is None:
            return {}
        shutil.unpack_archive(packed, home, filter="data")
        command = [sys.executable, "-c", _SCRIPT, str(Path(home, place))]
        env = os.environ | {"PYTHONPATH": os.pathsep.join([home, *sys.path])}
        asked = subprocess.run(command, cwd=home, env=env, capture_output=True, check=False)
    return json.loads(asked.stdout.splitlines()[-1]) if asked.returncode == 0 else {}
