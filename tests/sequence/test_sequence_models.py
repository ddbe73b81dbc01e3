"""What every sequence model promises: masks, rows apart, gradients, saving, ranking, errors."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from tiny_requests import (
    COLUMNS,
    FEATURES,
    LENGTHS,
    NUM_ROWS,
    STEPS,
    WIDTH,
    gradients,
    inputs_of,
    randomize,
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
from recsys_lib.training import load, predict, rank, save

_sizes = {"embedding_dim": WIDTH, "hidden_units": (6, 5)}
_dsin = functools.partial(build_dsin, **_sizes, num_sessions=2)
MODELS = {
    "pooled": functools.partial(build_pooled, **_sizes),
    "gru": functools.partial(build_gru, **_sizes),
    "din": functools.partial(build_din, **_sizes, attention_units=(5,)),
    "din_outer": functools.partial(build_din, **_sizes, unit_inputs="outer", activation="prelu"),
    "din_softmax": functools.partial(build_din, **_sizes, weights="softmax", recency=True),
    "din_age": functools.partial(build_din, **_sizes, step_context=("history_age",)),
    "dien": functools.partial(build_dien, **_sizes),
    "dien_network": functools.partial(build_dien, **_sizes, discriminator="network"),
    "dien_agru": functools.partial(build_dien, **_sizes, evolution="agru"),
    "dien_aigru": functools.partial(build_dien, **_sizes, evolution="aigru", auxiliary_weight=0),
    "dsin": _dsin,
    "dsin_tanh": functools.partial(_dsin, attention="tanh", bias_encoding=False),
    "bst": functools.partial(build_bst, **_sizes),
    "bst_age": functools.partial(build_bst, **_sizes, step_context=("history_age",)),
}
IGNORES_ORDER = ("pooled", "din", "din_outer", "dsin_tanh")
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


def test_no_row_depends_on_another(model):
    features = inputs_of(model)
    together = np.asarray(model(features))
    for row in range(NUM_ROWS):
        alone = model({name: values[[row]] for name, values in features.items()})
        np.testing.assert_allclose(alone, together[[row]], rtol=2e-5)


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


def test_row_zero_of_a_table_is_never_read(model):
    before = np.asarray(model(inputs_of(model)))
    layer = model.get_layer("embedding")
    table = layer.table.numpy()
    for column in layer.columns:
        table[layer.rows_of(column.name).start] = 1e3
    layer.table.assign(table)
    np.testing.assert_array_equal(model(inputs_of(model)), before)


def test_columns_of_padding_behind_the_history_change_nothing(model, request):
    name = request.node.callspec.params["model"]
    if name.startswith(("bst", "dsin")):
        pytest.skip("the length of the history is part of the network; see the models' own tests")
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


def test_save_load_and_predict_the_same_bits(model, tmp_path):
    model(inputs_of(model), training=True)  # moves statistics
    save(model, tmp_path / "model.keras")
    loaded = load(tmp_path / "model.keras")
    features = inputs_of(model)
    before, after = predict(model, features)["click"], predict(loaded, features)["click"]
    np.testing.assert_array_equal(after, before)


def test_ranking_gives_the_scores_of_the_rows(model):
    names = [tensor.name for tensor in model.inputs]
    side = {c.name: c.group for c in COLUMNS}
    user = {name: FEATURES[name][0] for name in names if side[name] != "item"}
    candidates = {name: FEATURES[name] for name in names if side[name] == "item"}
    rows = {name: np.repeat([value], NUM_ROWS, axis=0) for name, value in user.items()}
    expected = predict(model, {**rows, **candidates})["click"]
    np.testing.assert_allclose(rank(model, user, candidates).scores, expected, rtol=2e-5)


@pytest.mark.parametrize("name", MODELS)
def test_the_output_is_named_after_the_task(name):
    assert list(MODELS[name](COLUMNS, task="like").output_names) == ["like"]


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


@pytest.mark.parametrize("name", ["gru", "dien", "dsin"])
def test_the_graph_does_not_grow_with_the_length_of_the_history(name):
    sizes = []
    for steps in (8, 40):
        columns = (
            CategoricalColumn("item_id", 12, group="item"),
            SequenceColumn("history", 12, steps, table="item_id"),
        )
        model = MODELS[name](columns)
        specs = {
            "item_id": tf.TensorSpec((None,), tf.int32),
            "history": tf.TensorSpec((None, steps), tf.int32),
        }
        traced = tf.function(lambda x, m=model: m(x)).get_concrete_function(specs)
        sizes.append(len(traced.graph.get_operations()))
    assert sizes[0] == sizes[1]
