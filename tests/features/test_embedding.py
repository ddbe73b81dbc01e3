"""Fused embedding tables against plain NumPy lookups, and the traps that AUC cannot see."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.features.embedding import (
    FusedEmbedding,
    MaskedPooling,
    NumericEmbedding,
    blocks_of,
    build_inputs,
    concat_numeric,
    embed_fields,
    embed_groups,
    field_names,
)

USER = CategoricalColumn("user_id", 5, group="user")
AGE = CategoricalColumn("age", 3, group="user")
MOVIE = CategoricalColumn("movie_id", 7, group="item")
GENRES = SequenceColumn("genres", 4, 2, group="item", combiner="sum", ordered=False)
HISTORY = SequenceColumn("history", 7, 3, table="movie_id")
PRICE = NumericColumn("price", group="item")
SCORES = NumericColumn("scores", 2, group="user")
COLUMNS = (USER, MOVIE, AGE, PRICE, GENRES, HISTORY, SCORES)
DIM = 4

INPUTS = {
    "user_id": np.array([1, 4, 0, 2], np.int32),
    "age": np.array([2, 0, 1, 1], np.int32),
    "movie_id": np.array([3, 6, 3, 0], np.int32),
    "genres": np.array([[1, 3], [2, 0], [0, 0], [3, 3]], np.int32),
    "history": np.array([[3, 6, 0], [0, 0, 0], [1, 2, 3], [5, 0, 0]], np.int32),
    "price": np.array([0.5, -1.0, 2.0, 0.0], np.float32),
    "scores": np.array([[1, 2], [3, 4], [5, 6], [7, 8]], np.float32),
}
NUM_ROWS = 4


@pytest.fixture(scope="module")
def layer():
    """A layer whose table holds garbage in every row of an id 0."""
    layer = FusedEmbedding(COLUMNS, DIM, keras.initializers.RandomNormal(seed=1))
    layer.build()
    table = layer.table.numpy()
    for name in ("user_id", "age", "movie_id", "genres"):
        table[layer.rows_of(name).start] = 1e6
    layer.table.assign(table)
    return layer


def lookup(layer, name, ids):
    """Vectors from the column's rows; id 0 is the zero vector."""
    rows = layer.table.numpy()[layer.rows_of(name)]
    rows[0] = 0
    return rows[ids]


def pooled(vectors, ids, combiner):
    """Loop over rows and real steps, in float64."""
    result = np.zeros((len(ids), vectors.shape[-1]))
    for row, steps in enumerate(ids):
        real = [vectors[row, step].astype(np.float64) for step in np.flatnonzero(steps)]
        if real:
            result[row] = np.sum(real, axis=0) / (len(real) if combiner == "mean" else 1)
    return result


def run(symbolic, inputs, features):
    model = keras.Model(inputs, symbolic)
    return model, model(features)


def test_lookup_equals_numpy_and_garbage_in_row_0_changes_no_bit(layer):
    blocks = layer(INPUTS)
    assert list(blocks) == ["user", "item", "genres", "history"]
    expected_user = np.stack([lookup(layer, n, INPUTS[n]) for n in ("user_id", "age")], axis=1)
    np.testing.assert_array_equal(blocks["user"], expected_user)
    np.testing.assert_array_equal(
        blocks["item"], lookup(layer, "movie_id", INPUTS["movie_id"])[:, None]
    )
    np.testing.assert_array_equal(blocks["genres"], lookup(layer, "genres", INPUTS["genres"]))
    np.testing.assert_array_equal(blocks["history"], lookup(layer, "history", INPUTS["history"]))


def test_unknown_ids_of_two_users_are_alike(layer):
    blocks = layer({"user_id": np.zeros(2, np.int32), "age": np.array([1, 1], np.int32)})
    np.testing.assert_array_equal(blocks["user"][0], blocks["user"][1])


def test_every_table_has_its_own_rows_and_shared_ones_are_shared(layer):
    rows = [layer.rows_of(name) for name in ("user_id", "movie_id", "age", "genres")]
    assert [part.stop - part.start for part in rows] == [5, 7, 3, 4]
    covered = np.concatenate([np.arange(part.start, part.stop) for part in rows])
    assert sorted(covered) == list(range(layer.num_rows)) == list(range(19))
    assert layer.rows_of("history") == layer.rows_of("movie_id")
    with pytest.raises(ValueError, match="no id column is named 'price'"):
        layer.rows_of("price")


def test_the_graph_gathers_from_the_variable_and_never_reads_the_whole_table(layer):
    specs = {
        column.name: tf.TensorSpec([None, *column.input_shape], tf.int32)
        for column in layer.columns
    }

    @tf.function(autograph=False)
    def loss_and_gradient(inputs):
        with tf.GradientTape() as tape:
            blocks = layer(inputs)
            loss = tf.add_n([tf.reduce_sum(block) for block in blocks.values()])
        return tape.gradient(loss, layer.table)

    graph = loss_and_gradient.get_concrete_function(specs).graph
    handle = table_placeholder(graph, layer.table)
    readers = [operation.type for operation in handle.consumers()]
    assert "ResourceGather" in readers
    assert "ReadVariableOp" not in readers


def table_placeholder(graph, variable):
    """The graph's tensor that stands for the variable's handle."""
    for handle, placeholder in graph.captures:
        if handle is variable._value.handle:
            return placeholder
    raise AssertionError("the graph does not capture the table's resource")


def test_gradients_are_sparse_and_reach_only_the_rows_read(layer):
    with tf.GradientTape() as tape:
        blocks = layer({"user_id": INPUTS["user_id"], "age": INPUTS["age"]})
        loss = tf.reduce_sum(
            blocks["user"] * tf.constant(np.arange(32.0).reshape(4, 2, 4), tf.float32)
        )
    gradient = tape.gradient(loss, layer.table)
    assert isinstance(gradient, tf.IndexedSlices)
    dense = tf.convert_to_tensor(gradient).numpy()
    touched = np.flatnonzero(np.abs(dense).sum(axis=1))
    users, ages = layer.rows_of("user_id").start, layer.rows_of("age").start
    # Ids 1, 4, 2 and 2, 1, 1; id 0 was read too and has no gradient.
    assert sorted(touched) == sorted([users + 1, users + 2, users + 4, ages + 1, ages + 2])
    upstream = np.arange(32.0).reshape(4, 2, 4)
    np.testing.assert_array_equal(dense[ages + 1], upstream[2, 1] + upstream[3, 1])


def test_two_lookups_of_one_table_stay_sparse(layer):
    with tf.GradientTape() as tape:
        blocks = layer({name: INPUTS[name] for name in ("movie_id", "history")})
        loss = tf.reduce_sum(blocks["item"]) + tf.reduce_sum(blocks["history"])
    gradient = tape.gradient(loss, layer.table)
    assert isinstance(gradient, tf.IndexedSlices)
    dense = tf.convert_to_tensor(gradient).numpy()[layer.rows_of("movie_id")]
    ids = np.concatenate([INPUTS["movie_id"], INPUTS["history"].ravel()])
    counts = np.bincount(ids, minlength=7)
    counts[0] = 0
    np.testing.assert_array_equal(dense, np.repeat(counts[:, None], DIM, axis=1))


def test_missing_blocks_are_left_out_and_others_are_unchanged(layer):
    every = layer(INPUTS)
    some = layer({name: INPUTS[name] for name in ("history", "movie_id")})
    assert list(some) == ["item", "history"]
    for name, vectors in some.items():
        np.testing.assert_array_equal(vectors, every[name])


def test_appended_padding_changes_no_pooled_bit():
    ids = np.array([[3, 6, 2], [0, 0, 0], [1, 5, 0]], np.int32)
    longer = np.concatenate([ids, np.zeros((3, 4), np.int32)], axis=1)
    for combiner in ("mean", "sum"):
        results = []
        for features in (ids, longer):
            column = SequenceColumn("history", 7, features.shape[1], combiner=combiner)
            inputs = build_inputs([column])
            fields = embed_fields(
                inputs, [column], DIM, embeddings_initializer=keras.initializers.Constant(0.3)
            )
            results.append(run(fields, inputs, {"history": features})[1].numpy())
        np.testing.assert_array_equal(*results)
        assert np.abs(results[0][0]).max() > 0


@pytest.mark.parametrize("combiner", ["mean", "sum"])
def test_pooling_equals_a_loop_and_ignores_garbage_in_padded_steps(combiner):
    vectors = np.random.default_rng(0).normal(size=(4, 3, DIM)).astype(np.float32)
    vectors[INPUTS["history"] == 0] = 1e6
    result = MaskedPooling(combiner)(vectors, INPUTS["history"]).numpy()
    assert result.shape == (4, 1, DIM)
    np.testing.assert_allclose(
        result[:, 0], pooled(vectors, INPUTS["history"], combiner), rtol=1e-6, atol=1e-6
    )


def test_fields_equal_a_float64_oracle_in_the_order_of_their_names():
    inputs = build_inputs(COLUMNS)
    fields = embed_fields(
        inputs, COLUMNS, DIM, embeddings_initializer=keras.initializers.RandomNormal(seed=3)
    )
    model, result = run(fields, inputs, INPUTS)
    layer, numbers = model.get_layer("embedding"), model.get_layer("embedding_numeric")
    vectors = numbers.vectors.numpy().astype(np.float64)
    expected = {name: lookup(layer, name, INPUTS[name]) for name in ("user_id", "age", "movie_id")}
    for column in (GENRES, HISTORY):
        steps = lookup(layer, column.name, INPUTS[column.name])
        expected[column.name] = pooled(steps, INPUTS[column.name], column.combiner)
    expected["price"] = INPUTS["price"][:, None] * vectors[0]
    for position in range(2):
        expected[f"scores_{position}"] = INPUTS["scores"][:, [position]] * vectors[1 + position]
    names = field_names(COLUMNS)
    assert names == [
        "user_id",
        "age",
        "movie_id",
        "genres",
        "history",
        "price",
        "scores_0",
        "scores_1",
    ]
    assert result.shape == (NUM_ROWS, len(names), DIM)
    for position, name in enumerate(names):
        np.testing.assert_allclose(result[:, position], expected[name], rtol=1e-6, atol=1e-7)


def test_fields_of_one_width_refuse_a_column_with_another():
    columns = (USER, CategoricalColumn("city", 3, embedding_dim=2))
    with pytest.raises(ValueError, match=r"column 'city'.* expected embedding_dim 4, got 2"):
        embed_fields(build_inputs(columns), columns, DIM)


def test_groups_have_one_vector_each_and_every_width_its_table():
    narrow = CategoricalColumn("city", 3, group="user", embedding_dim=2)
    columns = (*COLUMNS, narrow)
    features = {**INPUTS, "city": np.array([1, 2, 0, 1], np.int32)}
    inputs = build_inputs(columns)
    groups = embed_groups(
        inputs, columns, DIM, embeddings_initializer=keras.initializers.RandomNormal(seed=4)
    )
    model, result = run(groups, inputs, features)
    wide, small = model.get_layer("embedding_4"), model.get_layer("embedding_2")
    assert wide.table.shape == (19, 4)
    assert small.table.shape == (3, 2)
    expected = {
        "user": [
            lookup(small, "city", features["city"]),
            lookup(wide, "user_id", INPUTS["user_id"]),
            lookup(wide, "age", INPUTS["age"]),
            INPUTS["scores"],
        ],
        "item": [
            lookup(wide, "movie_id", INPUTS["movie_id"]),
            pooled(lookup(wide, "genres", INPUTS["genres"]), INPUTS["genres"], "sum"),
            INPUTS["price"][:, None],
        ],
        "history": [pooled(lookup(wide, "history", INPUTS["history"]), INPUTS["history"], "mean")],
    }
    assert set(result) == set(expected)
    for group, parts in expected.items():
        np.testing.assert_allclose(
            result[group], np.concatenate(parts, axis=1), rtol=1e-6, atol=1e-7
        )


def test_a_column_may_be_named_like_a_group():
    # "item" comes second in its group, and "user" lies in another group than its name says.
    columns = (
        CategoricalColumn("genre", 3, group="item"),
        CategoricalColumn("item", 4, group="item"),
        CategoricalColumn("user", 5, group="item"),
        CategoricalColumn("age", 3, group="user"),
    )
    assert {name: [c.name for c in members] for name, members in blocks_of(columns).items()} == {
        "item": ["genre", "item", "user"],
        "user": ["age"],
    }
    groups = embed_groups(build_inputs(columns), columns, DIM)
    assert {name: vectors.shape[1] for name, vectors in groups.items()} == {"item": 12, "user": 4}


@pytest.mark.parametrize("sequence_first", [True, False])
def test_a_sequence_may_not_be_named_like_a_group(sequence_first):
    columns = [CategoricalColumn("age", 3, group="user"), SequenceColumn("user", 5, 3)]
    with pytest.raises(ValueError, match=r"'user'.* named like"):
        blocks_of(columns[::-1] if sequence_first else columns)


def test_numbers_are_laid_side_by_side_or_absent():
    columns = (PRICE, SCORES)
    result = concat_numeric(
        {name: tf.constant(INPUTS[name]) for name in ("price", "scores")}, columns
    )
    np.testing.assert_array_equal(result, np.column_stack([INPUTS["price"], INPUTS["scores"]]))
    assert concat_numeric({}, (USER,)) is None


def test_inputs_are_named_and_shaped_after_their_columns():
    inputs = build_inputs(COLUMNS)
    assert list(inputs) == [column.name for column in COLUMNS]
    for column in COLUMNS:
        tensor = inputs[column.name]
        assert tensor.name == column.name
        assert tensor.shape == (None, *column.input_shape)
        is_number = isinstance(column, NumericColumn)
        assert tensor.dtype == ("float32" if is_number else "int32")


@pytest.mark.parametrize(
    ("columns", "dim", "message"),
    [
        ((PRICE,), 4, "expected at least one id column"),
        ((USER,), 0, "embedding_dim: expected an integer of 1 or more, got 0"),
        ((USER,), 4.5, "embedding_dim: expected an integer of 1 or more, got 4.5"),
        ((CategoricalColumn("user_id", 2**31),), 4, "rows exceed"),
    ],
)
def test_impossible_tables_are_refused(columns, dim, message):
    with pytest.raises(ValueError, match=message):
        FusedEmbedding(columns, dim)


def test_save_and_load_predict_the_same_bits(tmp_path):
    inputs = build_inputs(COLUMNS)
    model, before = run(embed_fields(inputs, COLUMNS, DIM), inputs, INPUTS)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(INPUTS), before)
    assert loaded.get_layer("embedding").columns == model.get_layer("embedding").columns
    assert loaded.get_layer("embedding").table.rowwise


def test_numeric_embedding_is_a_number_times_its_vector():
    layer = NumericEmbedding(DIM)
    values = np.array([[2.0, -1.0], [0.0, 3.0]], np.float32)
    result = layer(values).numpy()
    vectors = layer.vectors.numpy()
    assert np.abs(vectors).min() > 0
    np.testing.assert_allclose(result, values[:, :, None] * vectors[None], rtol=1e-7)


def test_a_block_goes_with_the_candidates_where_any_of_its_columns_does():
    """``rank`` looks a block up once a request only if all of its columns are the request's."""
    layer = FusedEmbedding((USER, AGE, MOVIE, HISTORY), DIM)
    of_request = ["user_id", "history"]  # age and film differ between the candidates
    found = layer.separate({name: name for name in INPUTS}, lambda name: name in of_request)
    assert found == (["history"], ["user_id", "age", "movie_id"])
    of_request.append("age")
    found = layer.separate({name: name for name in INPUTS}, lambda name: name in of_request)
    assert found == (["user_id", "age", "history"], ["movie_id"])
    # A column that is not there decides nothing.
    given = {name: name for name in INPUTS if name != "age"}
    assert layer.separate(given, lambda name: name == "user_id")[0] == ["user_id"]
