"""Models of every chapter, saved before the library was divided into three packages, still load."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("saved_models")
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
# In a process that has imported nothing but `recsys_lib` when the model is loaded.
PROGRAM = """
import json, sys
import recsys_lib

for path in sys.argv[2:]:
    model = recsys_lib.load_model(path)
    from recsys_lib.training import predict
    import numpy as np

    features = json.load(open(sys.argv[1]))[path.split("/")[-1].removesuffix(".keras")]["features"]
    found = predict(model, {name: np.asarray(values) for name, values in features.items()})
    found = found if isinstance(found, dict) else {"click": found}
    print(json.dumps({task: [float(p) for p in values] for task, values in found.items()}))
"""


@pytest.fixture(scope="module")
def predicted():
    paths = [str(FOLDER / f"{name}.keras") for name in EXPECTED]
    command = [sys.executable, "-c", PROGRAM, str(FOLDER / "expected.json"), *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(zip(EXPECTED, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_model_of_each_chapter_predicts_as_on_the_day_it_was_saved(name, predicted):
    expected = EXPECTED[name]["predictions"]
    assert predicted[name].keys() == expected.keys()
    for task, values in expected.items():
        assert predicted[name][task] == pytest.approx(values, abs=1e-6)


def test_the_files_are_one_a_chapter_and_small():
    assert sorted(name[:2] for name in EXPECTED) == [f"{number:02d}" for number in range(8)]
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 300_000
