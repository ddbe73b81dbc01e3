"""The speed table of the sequence models, and that the loops beside them compute the same."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import inputs, sequences
from benchmarks.sequences import LONGEST_LOOP, LOOPED, loop_name
from benchmarks.training import measure_speeds
from recsys_lib.loops.crosses import LOOPS, looped
from recsys_lib.loops.sequence import LoopedAttentionalGRU, LoopedTransformerBlock
from recsys_lib.sequence import build_pooled
from recsys_lib.sequence.recurrence import AttentionalGRU
from recsys_lib.sequence.transformer import TransformerBlock

LENGTH = 10
"""Of the histories that are measured here; a loop is unrolled over it."""

RNG = np.random.default_rng(0)
SEQUENCE = RNG.normal(size=(5, 6, 4)).astype(np.float32)
SCORES = RNG.uniform(size=(5, 6)).astype(np.float32)
MASK = (np.arange(6) < np.array([6, 3, 0, 1, 5])[:, None]).astype(np.float32)


@pytest.fixture(scope="module")
def short():
    return inputs.sequences(LENGTH, num_rows=64)


@pytest.mark.parametrize("kind", ["augru", "agru", "aigru"])
def test_the_unrolled_recurrence_equals_the_compiled_one(kind):
    layer, loop = AttentionalGRU(3, kind), LoopedAttentionalGRU(3, kind)
    states = layer(SEQUENCE, SCORES, MASK)
    loop(SEQUENCE, SCORES, MASK)
    loop.set_weights(layer.get_weights())
    np.testing.assert_allclose(loop(SEQUENCE, SCORES, MASK), states, rtol=1e-5, atol=1e-6)


def test_the_loop_over_sessions_equals_the_batched_block():
    sessions = RNG.normal(size=(5, 3, 2, 4)).astype(np.float32)
    mask = MASK.reshape(5, 3, 2)
    layer, loop = TransformerBlock(2), LoopedTransformerBlock(2)
    expected = layer(sessions, mask)
    loop(sessions, mask)
    loop.set_weights(layer.get_weights())
    np.testing.assert_allclose(loop(sessions, mask), expected, rtol=1e-4, atol=1e-5)


def operations(layer, length):
    specs = [tf.TensorSpec((None, length, 4)), *2 * [tf.TensorSpec((None, length))]]
    layer(*(tf.ones([2, *spec.shape[1:]]) for spec in specs))
    return len(
        tf.function(layer.__call__, autograph=False)
        .get_concrete_function(*specs)
        .graph.get_operations()
    )


def test_the_loop_grows_with_the_history_and_the_layer_does_not():
    loops = [operations(LoopedAttentionalGRU(3), length) for length in (50, 100)]
    assert loops[1] > 1.8 * loops[0]
    assert operations(AttentionalGRU(3), 50) == operations(AttentionalGRU(3), 100)


@pytest.mark.parametrize("name", LOOPED)
def test_a_looped_form_is_its_model_with_loops(name, short):
    builds = sequences.cases(short, LENGTH)
    plain, loop = (builds[n](short.feature_columns) for n in (name, loop_name(name)))
    replaced = {
        type(layer): type(twin)
        for layer, twin in zip(plain.layers, loop.layers, strict=True)
        if type(layer) is not type(twin)
    }
    assert replaced and all(LOOPS[kind] is twin for kind, twin in replaced.items())


def test_a_model_without_a_recurrence_has_no_looped_form(short):
    with pytest.raises(ValueError, match="expected a layer of"):
        looped(build_pooled(short.feature_columns))


def test_every_model_with_a_history_is_measured_and_loops_where_they_are_short(short):
    models = [model.name for model in inputs.models_of("sequences").values()]
    assert list(sequences.cases(short, 200)) == [*models, *sequences.FORMS]
    loops = [loop_name(name) for name in LOOPED]
    assert list(sequences.cases(short, LONGEST_LOOP)) == [*models, *sequences.FORMS, *loops]


def test_measurements_have_a_graph_and_a_speed(short):
    names = ["mean", "DIEN, no auxiliary loss", loop_name("DIEN, no auxiliary loss")]
    builds = sequences.cases(short, LENGTH)
    results = measure_speeds(short, {name: builds[name] for name in names}, num_rounds=1)
    assert list(results) == names
    for result in results.values():
        assert result["graph_seconds"] > 0 and result["examples_per_second"] > 0
        assert sequences.two_epochs_seconds(result) > result["graph_seconds"]
    plain, loop = (results[name]["parameters"] for name in names[1:])
    assert plain == loop
    found = sequences.two_epochs_seconds(
        {"graph_seconds": 3.0, "examples_per_second": 100.0}, num_rows=50
    )
    assert found == 4.0
