"""The speed table of the crossing models: what is measured, and that loops are among it."""

import pytest

from benchmarks.crosses import (
    LOOPED,
    MODELS,
    REFERENCE,
    best,
    build,
    loop_name,
    measure_speeds,
)
from recsys_lib.data import simulator
from recsys_lib.loops.crosses import LOOPS


@pytest.fixture(scope="module")
def platform():
    return simulator.memorization(num_rows=2_000, num_test_rows=500)


def test_every_round_of_every_model_is_measured(platform):
    names = [REFERENCE, "FM", "IPNN", loop_name("IPNN")]
    results = measure_speeds(platform, names, num_rounds=2)
    assert list(results) == names
    for result in results.values():
        assert len(result["speeds"]) == 2 and min(result["speeds"]) > 0
        assert result["trace_seconds"] > 0
    assert results["IPNN"]["parameters"] == results[loop_name("IPNN")]["parameters"]
    assert results[REFERENCE]["parameters"] != results["FM"]["parameters"]


def test_the_fastest_round_counts():
    assert best({"speeds": [3.0, 9.0, 5.0]}) == 9.0


@pytest.mark.parametrize("name", LOOPED)
def test_a_looped_form_is_its_model_with_loops(name, platform):
    plain, loop = (build(n, platform.feature_columns, "click") for n in (name, loop_name(name)))
    replaced = {
        type(layer): type(twin)
        for layer, twin in zip(plain.layers, loop.layers, strict=True)
        if type(layer) is not type(twin)
    }
    assert replaced and all(LOOPS[kind] is twin for kind, twin in replaced.items())


def test_models_have_the_stated_width(platform):
    assert REFERENCE in MODELS
    model = build("DeepFM", platform.feature_columns, "click")
    assert model.get_layer("embedding").embedding_dim == 16
    assert model.get_layer("deep").hidden_units == (64, 32)
