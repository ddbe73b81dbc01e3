"""What a reader tries in work/ is nobody's business: neither pytest nor ruff looks there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    """The project's settings, and a file with a fault in work/ and in another folder."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("work", "tests"):
        path = tmp_path / name / "test_fault.py"
        path.parent.mkdir()
        path.write_text("def test_fault():\n  import os\n")
    return tmp_path


def run(folder, *arguments):
    finished = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True
    )
    return finished.stdout + finished.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "."),
        ("ruff", "check", "--no-cache", "--output-format=concise", "."),
        ("ruff", "format", "--no-cache", "--check", "."),
    ],
)
def test_faults_of_readers_are_not_found(folder, arguments):
    found = run(folder, *arguments)
    assert str(Path("tests", "test_fault.py")) in found
    assert "work" not in found.replace(str(folder), "")
