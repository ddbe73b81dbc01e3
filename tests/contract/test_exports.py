"""Every builder's model is exported in both formats, and the files score what ``predict`` scores.

``NO_ONNX`` names the models that the converter refuses, each with its error; a test holds that the
error is still raised by a reproduction of a few lines.
"""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest
from world import OTHERWISE_MADE, OWN, TASKS, built, by_key, dataset_of, inputs_of, tasks_of

from recsys_lib.training import predict
from recsys_pipeline.export import Replay, export, verifying
from recsys_pipeline.export.replay import ENGINES

KEYS = [*OWN, *OTHERWISE_MADE]
NO_ONNX: dict[str, str] = {}
"""Key of a model that cannot be converted, to the converter's message."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    parent = tmp_path_factory.mktemp("zoo")

    @functools.cache
    def of(key):
        return export(built(key), parent / key, dataset_of(key), onnx=key not in NO_ONNX)

    return of


@pytest.mark.parametrize("key", KEYS)
def test_both_formats_score_rows_and_requests_like_predict(key, exported):
    model, folder = built(key), exported(key)
    description = json.loads((folder / "description.json").read_text())
    request = description["request"]
    names = [tasks_of(by_key(key))] if isinstance(tasks_of(by_key(key)), str) else TASKS
    features = inputs_of(model, key)
    row = features_of_request(features, request)
    tiled = {
        name: np.repeat(row[name], len(values), 0) if name in request else values
        for name, values in features.items()
    }
    expected = {"rows": predict(model, features), "request": predict(model, tiled)}
    few = {name: values if name in request else values[:5] for name, values in row.items()}
    for engine in ENGINES if key not in NO_ONNX else ("tensorflow",):
        run = Replay(folder, engine).run
        for signature, given in (("rows", features), ("request", row)):
            found = run[signature](given)
            assert set(found) == set(names)
            for task in names:
                assert found[task].dtype == np.float32
                np.testing.assert_allclose(found[task], expected[signature][task], atol=1e-5)
        # Another number of candidates.
        for task, values in run["request"](few).items():
            np.testing.assert_allclose(values, expected["request"][task][:5], atol=1e-5)


def features_of_request(features, request, row=5):
    """The columns of one row's request once, and those of all rows as candidates."""
    return {n: values[row : row + 1] if n in request else values for n, values in features.items()}


def test_a_process_without_the_library_replays_all_of_them(exported):
    paths = [str(exported(key)) for key in KEYS if key not in NO_ONNX]
    command = [sys.executable, "-I", "-c", verifying._WITHOUT_LIBRARY]
    command += [str(exported("lr") / "verify.py"), "--engine", "onnx", *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(paths)


def test_fewer_than_three_models_are_missing_from_onnx():
    assert set(NO_ONNX) <= set(KEYS) and len(NO_ONNX) < 3
