"""Every test starts from the same random numbers, alone or behind any other test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"

PLAIN = """\
import random, sys
import numpy as np

def test_first():
    print("plain", random.random(), np.random.random())
    assert "keras" not in sys.modules

def test_second():
    test_first()
"""
WITH_KERAS = """\
import random
import numpy as np
import keras

def test_first():
    drawn = float(keras.random.uniform(())), float(keras.initializers.GlorotUniform()((1, 1))[0, 0])
    print("keras", random.random(), np.random.random(), *drawn)

def test_second():
    keras.random.uniform((10,))
    np.random.random(3)

def test_third():
    test_first()
"""


def printed(folder, *arguments):
    options = ["-q", "-s", "-p", "no:cacheprovider", "-p", "no:nbval"]
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=inherited)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    words = [line.lstrip(".").split() for line in finished.stdout.splitlines()]
    return [tuple(word) for word in words if word and word[0] in ("plain", "keras")]


def test_each_test_draws_alike_and_none_waits_for_keras(tmp_path):
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_plain.py").write_text(PLAIN)
    (tmp_path / "test_with_keras.py").write_text(WITH_KERAS)
    plain = printed(tmp_path, "test_plain.py")
    assert len(plain) == 2 and len(set(plain)) == 1
    with_keras = printed(tmp_path, "test_with_keras.py")
    assert len(with_keras) == 2 and len(set(with_keras)) == 1
    assert len(with_keras[0]) == 5
