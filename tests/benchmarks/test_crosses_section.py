"""The speed table of the crossing models: what is measured, and that loops are among it."""

import pytest

from benchmarks import crosses, inputs
from benchmarks.training import measure_speeds
from recsys_lib.data import simulator
from recsys_lib.loops.crosses import LOOPS


@pytest.fixture(scope="module")
def platform():
    return simulator.memorization(num_rows=2_000, num_test_rows=500)


@pytest.fixture(scope="module")
def builds(platform):
    return crosses.cases(platform)


def test_every_model_without_needs_is_measured_and_some_as_loops(builds):
    loops = [crosses.loop_name(key) for key in crosses.LOOPED]
    assert list(builds) == [*inputs.models_of("crosses"), *loops]
    assert crosses.REFERENCE in builds


def test_every_round_of_every_model_is_measured(platform, builds):
    names = [crosses.REFERENCE, "fm", "ipnn", crosses.loop_name("ipnn")]
    results = measure_speeds(platform, {name: builds[name] for name in names}, num_rounds=2)
    assert list(results) == names
    for result in results.values():
        assert len(result["speeds"]) == 2 and min(result["speeds"]) > 0
        assert result["examples_per_second"] == max(result["speeds"])
        assert result["graph_seconds"] > result["trace_seconds"] > 0
    assert results["ipnn"]["parameters"] == results[crosses.loop_name("ipnn")]["parameters"]
    assert results[crosses.REFERENCE]["parameters"] != results["fm"]["parameters"]


@pytest.mark.parametrize("key", crosses.LOOPED)
def test_a_looped_form_is_its_model_with_loops(key, platform, builds):
    plain, loop = (builds[name](platform.feature_columns) for name in (key, crosses.loop_name(key)))
    replaced = {
        type(layer): type(twin)
        for layer, twin in zip(plain.layers, loop.layers, strict=True)
        if type(layer) is not type(twin)
    }
    assert replaced and all(LOOPS[kind] is twin for kind, twin in replaced.items())


def test_models_have_the_stated_width(platform, builds):
    model = builds["deepfm"](platform.feature_columns)
    assert model.get_layer("embedding").embedding_dim == 16
    assert model.get_layer("deep").hidden_units == (64, 32)
