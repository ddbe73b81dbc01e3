"""The speed table of the sequence models, and that the loops beside them compute the same."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.sequences import (
    LOOPED,
    MODELS,
    build,
    histories,
    loop_name,
    measure_length,
    names_at,
)
from recsys_lib.loops.crosses import LOOPS, looped
from recsys_lib.loops.sequence import LoopedAttentionalGRU, LoopedTransformerBlock
from recsys_lib.sequence import build_pooled
from recsys_lib.sequence.recurrence import AttentionalGRU
from recsys_lib.sequence.transformer import TransformerBlock

RNG = np.random.default_rng(0)
SEQUENCE = RNG.normal(size=(5, 6, 4)).astype(np.float32)
SCORES = RNG.uniform(size=(5, 6)).astype(np.float32)
MASK = (np.arange(6) < np.array([6, 3, 0, 1, 5])[:, None]).astype(np.float32)


@pytest.fixture(scope="module")
def short():
    return histories(20, num_rows=64)


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
    return len(tf.function(layer.__call__).get_concrete_function(*specs).graph.get_operations())


def test_the_loop_grows_with_the_history_and_the_layer_not_with_a_long_one():
    loops = [operations(LoopedAttentionalGRU(3), length) for length in (5, 20)]
    assert loops[1] > 3 * loops[0]
    # Short histories are unrolled here too.
    assert operations(AttentionalGRU(3), 40) == operations(AttentionalGRU(3), 160)


@pytest.mark.parametrize("name", LOOPED)
def test_a_looped_form_is_its_model_with_loops(name, short):
    plain, loop = (build(n, short.feature_columns) for n in (name, loop_name(name)))
    loop.set_weights(plain.get_weights())
    features = short.test.features
    np.testing.assert_allclose(loop(features), plain(features), rtol=1e-4)
    kinds = {type(layer) for layer in loop.layers}
    assert kinds & set(LOOPS.values())


def test_a_model_without_a_loop_is_refused(short):
    with pytest.raises(ValueError, match="expected a layer of"):
        looped(build_pooled(short.feature_columns))


def test_every_model_is_measured_at_every_length_and_loops_at_the_short_ones():
    assert set(MODELS) < set(names_at(50)) and loop_name("DSIN") in names_at(50)
    assert names_at(200) == list(MODELS)


def test_a_measurement_has_a_time_for_the_graph_and_a_speed(short):
    names = ["mean pooling", "DIEN, no auxiliary loss", loop_name("DIEN, no auxiliary loss")]
    results = measure_length(short, names, num_rounds=1)
    assert list(results) == names
    for result in results.values():
        assert result["graph_seconds"] > 0 and result["examples_per_second"] > 0
        assert result["two_epochs_seconds"] > result["graph_seconds"]
    plain, loop = (results[name]["parameters"] for name in names[1:])
    assert plain == loop
