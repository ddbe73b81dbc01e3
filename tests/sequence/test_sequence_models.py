"""What every sequence model promises beside what all models do: masks, order, kernels, errors."""

import functools
import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize
from tiny_requests import (
    COLUMNS,
    FEATURES,
    LENGTHS,
    NUM_ROWS,
    STEPS,
    WIDTH,
    gradients,
    inputs_of,
)

from recsys_lib.features.columns import CategoricalColumn, SequenceColumn
from recsys_lib.sequence import (
    build_bst,
    build_dien,
    build_din,
    build_dsin,
    build_gru,
    build_pooled,
)
from recsys_lib.sequence.parts import LONGEST_UNROLLED
from recsys_lib.training import load, predict, save

_sizes = {"embedding_dim": WIDTH, "hidden_units": (6, 5)}
_dsin = functools.partial(build_dsin, **_sizes, num_sessions=2)
MODELS = {
    "pooled": functools.partial(build_pooled, **_sizes),
    "pooled_sum": functools.partial(build_pooled, **_sizes, scale="raw"),
    "pooled_normalized": functools.partial(build_pooled, **_sizes, scale="batch_normalization"),
    "gru": functools.partial(build_gru, **_sizes),
    "gru_alone": functools.partial(build_gru, **_sizes, product=False),
    "din": functools.partial(build_din, **_sizes, attention_units=(5,)),
    "din_outer": functools.partial(build_din, **_sizes, unit_inputs="outer", activation="prelu"),
    "din_softmax": functools.partial(build_din, **_sizes, scale="softmax", recency=True),
    "din_length": functools.partial(build_din, **_sizes, scale="length", product=True),
    "din_normalized": functools.partial(
        build_din, **_sizes, scale="batch_normalization", product=True
    ),
    "din_age": functools.partial(build_din, **_sizes, step_context=("history_age",)),
    "dien": functools.partial(build_dien, **_sizes),
    "dien_network": functools.partial(build_dien, **_sizes, discriminator="network"),
    "dien_product": functools.partial(build_dien, **_sizes, product=True),
    "dien_agru": functools.partial(build_dien, **_sizes, evolution="agru"),
    "dien_aigru": functools.partial(build_dien, **_sizes, evolution="aigru", auxiliary_weight=0),
    "dsin": _dsin,
    "dsin_tanh": functools.partial(_dsin, attention="tanh", bias_encoding=False),
    "dsin_whole": functools.partial(_dsin, head_inputs="whole", scale="raw", product=True),
    "dsin_length": functools.partial(_dsin, scale="length", attention="tanh"),
    "dsin_normalized": functools.partial(_dsin, scale="batch_normalization", product=True),
    "bst": functools.partial(build_bst, **_sizes),
    "bst_product": functools.partial(build_bst, **_sizes, product=True),
    "bst_age": functools.partial(build_bst, **_sizes, step_context=("history_age",)),
}
VARIANTS = [name for name in MODELS if "_" in name]
"""Forms whose options have to travel with the model; the plain ones are tested with all models."""
IGNORES_ORDER = (
    *("pooled", "pooled_sum", "pooled_normalized"),
    *("din", "din_outer", "din_length", "din_normalized", "dsin_tanh"),
)
"""DSIN without the encoding of places: the order inside a session."""


@functools.cache
def built(name):
    """The model, built once, and how its other variables start."""
    model = MODELS[name](COLUMNS)
    return model, [variable.numpy() for variable in model.non_trainable_variables]


@pytest.fixture(params=MODELS)
def model(request):
    model, start = built(request.param)
    for variable, value in zip(model.non_trainable_variables, start, strict=True):
        variable.assign(value)
    return randomize(model)


def test_a_probability_per_row_also_without_a_history(model):
    probabilities = np.asarray(model(inputs_of(model)))
    assert probabilities.shape == (NUM_ROWS,)
    assert (probabilities > 0).all() and (probabilities < 1).all()


def test_gradients_reach_every_trainable_weight(model):
    assert len(model.trainable_variables) == len({v.path for v in model.trainable_variables})
    for path, gradient in gradients(model).items():
        assert gradient is not None, path
        assert np.isfinite(gradient).all(), path
        if "unit" in path or not path.endswith("weight/bias"):
            assert np.abs(gradient).max() > 0, path


def test_nothing_but_statistics_is_left_untrained(model):
    for variable in model.non_trainable_variables:
        assert "moving_" in variable.path or "seed" in variable.path, variable.path


# The length of a history is part of BST's and DSIN's network; see the models' own tests.
@pytest.mark.parametrize(
    "model", [name for name in MODELS if not name.startswith(("bst", "dsin"))], indirect=True
)
def test_columns_of_padding_behind_the_history_change_nothing(model, request):
    name = request.node.callspec.params["model"]
    longer = [
        SequenceColumn(c.name, c.vocabulary_size, STEPS + 3, table=c.table)
        if isinstance(c, SequenceColumn) and c.ordered
        else c
        for c in COLUMNS
    ]
    padded = MODELS[name](longer)
    for target, source in zip(padded.variables, model.variables, strict=True):
        if target.shape == source.shape:
            target.assign(source)
        else:  # the recency's vectors: one for each step that there may be
            values = target.numpy()
            values[: source.shape[0]] = source.numpy()
            target.assign(values)
    features = {
        n: np.pad(v, ((0, 0), (0, 3))) if n.startswith("history") else v
        for n, v in FEATURES.items()
    }
    np.testing.assert_allclose(
        padded(inputs_of(padded, features)), model(inputs_of(model)), rtol=1e-5
    )


def test_the_order_of_behaviours_counts_where_the_model_promises_it(model, request):
    name = request.node.callspec.params["model"]
    rows = LENGTHS >= 3
    features = {n: values[rows] for n, values in FEATURES.items()}
    swapped = {n: v.copy() for n, v in features.items()}
    for column in ("history", "history_age"):
        swapped[column][:, :2] = features[column][:, 1::-1]
    before = np.asarray(model(inputs_of(model, features)))
    after = np.asarray(model(inputs_of(model, swapped)))
    if name in (*IGNORES_ORDER, "din_age"):  # ages move with their behaviours
        np.testing.assert_allclose(after, before, rtol=1e-5)
    else:
        assert np.abs(after - before).max() > 1e-5


def test_candidate_and_history_share_the_table(model):
    """A row of it that only histories hold moves the score, and so does the candidate's own."""
    layer = model.get_layer("embedding")
    assert layer.rows_of("history") == layer.rows_of("item_id")
    table = layer.table.numpy()
    before = np.asarray(model(inputs_of(model)))
    item = FEATURES["history"][1, 0]
    table[layer.rows_of("item_id").start + item] += 1
    layer.table.assign(table)
    changed = np.asarray(model(inputs_of(model))) != before
    occurs = (FEATURES["history"] == item).any(axis=1) | (FEATURES["item_id"] == item)
    assert changed[occurs].any() and not changed[~occurs].any()


@pytest.mark.parametrize("name", VARIANTS)
def test_what_a_variant_was_told_is_saved(name, tmp_path):
    model = randomize(MODELS[name](COLUMNS))
    model(inputs_of(model), training=True)  # moves statistics
    save(model, tmp_path / "model.keras")
    loaded = load(tmp_path / "model.keras")
    features = inputs_of(model)
    before, after = predict(model, features)["click"], predict(loaded, features)["click"]
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("name", MODELS)
def test_columns_without_a_history_are_refused(name):
    columns = (CategoricalColumn("item_id", 5, group="item"), SequenceColumn("history_age", 9, 6))
    with pytest.raises(ValueError, match=r"shares its table with a categorical column of group"):
        MODELS[name](columns)


@pytest.mark.parametrize("build", [build_pooled, build_din, build_dien, build_dsin, build_bst])
def test_two_tasks_of_building_start_differently_and_no_two_layers_alike(build):
    options = {"num_sessions": 2} if build is build_dsin else {}
    model = build(COLUMNS, embedding_dim=WIDTH, hidden_units=(5, 5), **options)
    kernels = [v.numpy() for v in model.trainable_variables if v.path.endswith("kernel")]
    for position, kernel in enumerate(kernels):
        for other in kernels[position + 1 :]:
            if kernel.shape == other.shape:
                assert np.abs(kernel - other).max() > 1e-3


def with_long_histories(steps):
    return (
        CategoricalColumn("item_id", 12, group="item"),
        SequenceColumn("history", 12, steps, table="item_id"),
    )


def graph_of(model, steps):
    specs = {
        "item_id": tf.TensorSpec((None,), tf.int32),
        "history": tf.TensorSpec((None, steps), tf.int32),
    }
    return tf.function(lambda x: model(x, training=True)).get_concrete_function(specs).graph


@pytest.mark.parametrize("name", ["gru", "dien", "dsin"])
def test_the_graph_does_not_grow_with_the_length_of_a_long_history(name):
    sizes = []
    for steps in (LONGEST_UNROLLED + 8, 4 * LONGEST_UNROLLED):
        graph = graph_of(MODELS[name](with_long_histories(steps)), steps)
        sizes.append(len(graph.get_operations()))
    assert sizes[0] == sizes[1]


def kernels_of(graph):
    """Types of all operations of a graph and of the functions that it calls."""
    definition = graph.as_graph_def()
    nodes = [*definition.node]
    for function in definition.library.function:
        nodes += function.node_def
    return {node.op for node in nodes}


LONG = LONGEST_UNROLLED + 8


@pytest.mark.parametrize(
    "build",
    [build_gru, build_dien, functools.partial(build_dsin, num_sessions=LONG)],
    ids=["gru", "dien", "dsin"],
)
def test_no_recurrence_takes_a_kernel_that_refuses_empty_histories(build, monkeypatch, tmp_path):
    """cuDNN's kernels assert that every row has a real step; Keras asks whether there is a GPU."""
    # By its name as a module: the package has a function of this name, too.
    rnn = importlib.import_module("keras.src.backend.tensorflow.rnn")
    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)
    steps = tf.TensorSpec((None, LONG, WIDTH))
    plain = keras.layers.GRU(WIDTH, return_sequences=True)
    plain.build(steps.shape)
    traced = tf.function(lambda x: plain(x)).get_concrete_function(steps)
    assert any("Cudnn" in kernel for kernel in kernels_of(traced.graph))  # the patch is seen

    model = build(with_long_histories(LONG), embedding_dim=WIDTH)
    save(model, tmp_path / "model.keras")
    for candidate in (model, load(tmp_path / "model.keras")):
        found = kernels_of(graph_of(candidate, LONG))
        assert found & {"While", "StatelessWhile"}
        assert not {kernel for kernel in found if "Cudnn" in kernel}
