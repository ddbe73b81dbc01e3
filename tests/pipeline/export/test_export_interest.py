"""A multi-task model that reads a history by DIN's unit is exported as it predicts."""

import functools
import subprocess
import sys

import keras
import numpy as np
import pytest
import small_shop
from reference import randomize
from small_shop import USER_SIDE, description_of

from recsys_lib.multi_task import (
    build_aitm,
    build_cgc,
    build_esmm,
    build_mmoe,
    build_omoe,
    build_ple,
    build_shared_bottom,
    build_stem,
)
from recsys_lib.training import predict, rank
from recsys_pipeline.export import Replay, export, verifying
from recsys_pipeline.export.replay import ENGINES

TOWERS = {"tower_units": (3,)}
EXPERTS = TOWERS | {"expert_units": (5,)}
MODELS = {
    "shared_bottom": functools.partial(build_shared_bottom, hidden_units=(6,), **TOWERS),
    "omoe": functools.partial(build_omoe, **EXPERTS),
    "mmoe": functools.partial(build_mmoe, **EXPERTS),
    "cgc": functools.partial(build_cgc, **EXPERTS),
    "ple": functools.partial(build_ple, **EXPERTS),
    "stem": functools.partial(build_stem, **EXPERTS),
    "esmm": functools.partial(build_esmm, hidden_units=(6,)),
    "aitm": functools.partial(build_aitm, hidden_units=(6,)),
}
UNIT = {"interest": "attention", "attention_units": (5,), "scale": "softmax", "product": True}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Makes each model once: the model, and the folder of its export."""
    exports = tmp_path_factory.mktemp("exports")

    @functools.cache
    def make(name):
        keras.utils.set_random_seed(0)
        model = MODELS[name](small_shop.COLUMNS, small_shop.TASKS, embedding_dim=4, **UNIT)
        randomize(model, seed=2)
        return model, export(model, exports / name, small_shop.dataset(small_shop.TASKS))

    return make


@pytest.mark.parametrize("name", MODELS)
def test_both_formats_weigh_the_history_as_the_model_does(name, exported):
    model, folder = exported(name)
    assert set(description_of(folder)["request"]) == set(USER_SIDE)
    features = small_shop.features(8, 3)
    expected = predict(model, features)
    others = features | {"history": np.roll(features["history"], 1, axis=0)}
    other = predict(model, others)
    asked = {column: features[column][4] for column in USER_SIDE}
    candidates = {n: values for n, values in features.items() if n not in USER_SIDE}
    one = features | {column: asked[column][None] for column in USER_SIDE}
    for engine in ENGINES:
        run = Replay(folder, engine).run
        found, of_request = run["rows"](features), run["request"](one)
        for task in small_shop.TASKS:
            np.testing.assert_allclose(found[task], expected[task], atol=1e-5)
            assert np.abs(other[task] - expected[task]).max() > 1e-3
            ranked = rank(model, asked, candidates, task=task).scores
            np.testing.assert_allclose(of_request[task], ranked, atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_is_as_exported_in_a_process_without_this_library(exported, engine):
    """One process for all of them: it takes seconds to import TensorFlow."""
    folders = [exported(name)[1] for name in MODELS]
    command = [sys.executable, "-I", "-c", verifying._WITHOUT_LIBRARY]
    command += [folders[0] / verifying.SCRIPT, *folders, "--engine", engine]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"as exported, with {engine}") == len(MODELS)
