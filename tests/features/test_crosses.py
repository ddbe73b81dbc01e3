"""Cross-product weights: every pair its own row, the notes' example, hashing with known cost."""

import itertools

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.features.crosses import CrossProduct, all_pairs, collision_report, hash_bucket
from recsys_lib.features.embedding import build_inputs

# The notes' world; their ids start at 0, ours at 1 since 0 means unknown.
GENDER = CategoricalColumn("user_gender", 2 + 1, group="user")
AGE = CategoricalColumn("user_age_bucket", 3 + 1, group="user")
CATEGORY = CategoricalColumn("item_category", 4 + 1, group="item")
WORLD = (GENDER, AGE, CATEGORY)
PRICE = NumericColumn("price", group="item")
HISTORY = SequenceColumn("history", 6, 3)
GENRES = SequenceColumn("genres", 4, 2, group="item", ordered=False)
LARGE = (CategoricalColumn("user_id", 70_001), CategoricalColumn("item_id", 40_001))


def every_row_of_the_world():
    gender, age, category = np.array(
        list(itertools.product(range(1, 3), range(1, 4), range(1, 5))), np.int32
    ).T
    return {"user_gender": gender, "user_age_bucket": age, "item_category": category}


def splitmix64(key):
    """The finaliser in Python's own integers (Steele, Lea and Flood 2014)."""
    mask = 2**64 - 1
    key ^= key >> 30
    key = key * 0xBF58476D1CE4E5B9 & mask
    key ^= key >> 27
    key = key * 0x94D049BB133111EB & mask
    return key ^ (key >> 31)


def brute_force(layer, weights_by_pair, features):
    """Sum over pairs and real steps of the weight of (id, id), read from dicts, in float64."""
    num_rows = len(next(iter(features.values())))
    total = np.zeros(num_rows)
    for row in range(num_rows):
        for pair in layer.pairs:
            first, second = (np.atleast_1d(features[name][row]) for name in pair)
            for left, right in itertools.product(first, second):
                if left and right:
                    total[row] += weights_by_pair[pair][left, right]
    return total


def fill(layer, seed=0):
    """Random weights for every pair of ids, garbage where an id is 0; returns them by pair."""
    layer.build()
    rng = np.random.default_rng(seed)
    table = np.full((layer.num_rows, 1), 1e6)
    weights = {}
    by_name = {column.name: column for column in layer.columns}
    for pair in layer.pairs:
        first, second = (by_name[name].vocabulary_size for name in pair)
        matrix = rng.normal(size=(first, second)).astype(np.float32).astype(np.float64)
        weights[pair] = matrix
        part = table[layer.table_rows[pair], 0].reshape(first, second)
        part[1:, 1:] = matrix[1:, 1:]
    layer.table.assign(table)
    return weights


def test_all_pairs_of_a_small_world_have_distinct_rows():
    layer = CrossProduct(WORLD)
    assert layer.pairs == tuple(itertools.combinations([c.name for c in WORLD], 2))
    features = every_row_of_the_world()
    rows, known = (part.numpy() for part in layer.rows(features))
    assert known.all()
    meaning = {}
    for row in range(len(rows)):
        for slot, pair in enumerate(layer.pairs):
            ids = (pair, *(int(features[name][row]) for name in pair))
            assert meaning.setdefault(rows[row, slot], ids) == ids
    assert len(meaning) == 2 * 3 + 2 * 4 + 3 * 4
    assert 0 <= min(meaning) <= max(meaning) < layer.num_rows


def test_rows_are_the_first_id_times_the_second_vocabulary_plus_the_second_id():
    layer = CrossProduct(WORLD)
    features = every_row_of_the_world()
    rows, _ = layer.rows(features)
    by_name = {column.name: column for column in WORLD}
    for slot, (first, second) in enumerate(layer.pairs):
        start = layer.table_rows[first, second].start
        expected = start + features[first] * by_name[second].vocabulary_size + features[second]
        np.testing.assert_array_equal(rows[:, slot], expected)


def test_the_notes_example_gives_2_6_and_minus_0_1():
    layer = CrossProduct(WORLD)
    layer.build()
    stated = {
        ("user_gender", "user_age_bucket"): {(1, 1): 0.8, (0, 2): -0.3},
        ("user_gender", "item_category"): {(1, 0): 1.2, (0, 1): 0.4},
        ("user_age_bucket", "item_category"): {(1, 0): 0.6, (2, 1): -0.2},
    }
    by_name = {column.name: column for column in WORLD}
    table = np.full((layer.num_rows, 1), 100.0)  # any other weight read would show
    for (first, second), weights in stated.items():
        part = table[layer.table_rows[first, second], 0].reshape(
            by_name[first].vocabulary_size, by_name[second].vocabulary_size
        )
        for (left, right), weight in weights.items():
            part[left + 1, right + 1] = weight
    layer.table.assign(table)
    logits = layer(
        {
            "user_gender": np.array([1, 0]) + 1,
            "user_age_bucket": np.array([1, 2]) + 1,
            "item_category": np.array([0, 1]) + 1,
        }
    )
    assert logits.shape == (2, 1)
    np.testing.assert_allclose(logits, [[2.6], [-0.1]], atol=1e-6)


@pytest.mark.parametrize(
    "pairs",
    [None, [("item_category", "history"), ("genres", "history"), ("genres", "user_gender")]],
)
def test_logits_equal_a_loop_over_pairs_steps_and_ids(pairs):
    layer = CrossProduct((GENDER, CATEGORY, PRICE, HISTORY, GENRES), pairs)
    weights = fill(layer)
    rng = np.random.default_rng(1)
    features = {
        "user_gender": rng.integers(0, 3, 40),
        "item_category": rng.integers(0, 5, 40),
        "history": rng.integers(0, 6, (40, 3)),
        "genres": rng.integers(0, 4, (40, 2)),
    }
    np.testing.assert_allclose(
        layer(features).numpy()[:, 0], brute_force(layer, weights, features), rtol=1e-5, atol=1e-5
    )


def test_an_id_0_contributes_nothing_whatever_its_rows_hold():
    layer = CrossProduct(WORLD)
    fill(layer)
    features = {
        "user_gender": np.array([0, 2, 0]),
        "user_age_bucket": np.array([3, 0, 0]),
        "item_category": np.array([0, 0, 0]),
    }
    np.testing.assert_array_equal(layer(features), np.zeros((3, 1)))


def test_weights_start_at_zero_as_ftrl_requires():
    layer = CrossProduct(WORLD)
    layer.build()
    assert layer.table.shape == (3 * 4 + 3 * 5 + 4 * 5, 1)
    assert not layer.table.numpy().any()


def test_no_overflow_at_70_000_by_40_000_ids():
    # A limit above the product, so that the index itself is seen and not its hash.
    layer = CrossProduct(LARGE, max_rows=2**40)
    users, items = np.array([70_000, 1, 69_999], np.int32), np.array([40_000, 2, 40_000], np.int32)
    rows, known = layer.rows({"user_id": users, "item_id": items})
    assert rows.numpy().tolist() == [
        [int(user) * 40_001 + int(item)] for user, item in zip(users, items, strict=True)
    ]
    assert rows.numpy().max() > 2**31
    assert known.numpy().all()


def test_a_pair_is_hashed_only_above_the_limit():
    product = 70_001 * 40_001
    hashed = CrossProduct(LARGE, max_rows=product - 1, num_buckets=97)
    assert hashed.num_rows == 97
    assert CrossProduct(LARGE, max_rows=product).num_rows == product


def test_hashed_and_plain_pairs_live_side_by_side():
    columns = (*WORLD, CategoricalColumn("city", 50, group="user"))
    layer = CrossProduct(columns, max_rows=200, num_buckets=64)
    features = {**every_row_of_the_world(), "city": np.arange(1, 25) * 2}
    rows, _ = layer.rows(features)
    sizes = {c.name: c.vocabulary_size for c in columns}
    for slot, (first, second) in enumerate(layer.pairs):
        part = layer.table_rows[first, second]
        index = features[first].astype(np.int64) * sizes[second] + features[second]
        if sizes[first] * sizes[second] > 200:
            assert part.stop - part.start == 64
            index = np.array([(splitmix64(int(key)) >> 1) % 64 for key in index])
        np.testing.assert_array_equal(rows[:, slot], part.start + index)


def test_hashes_are_known_values_inside_the_buckets():
    keys = [0, 1, 2, 41, 2_800_040_000, 2**62, 2**63 - 1]
    for num_buckets in (1, 7, 262_144, 2**40):
        buckets = hash_bucket(tf.constant(keys, tf.int64), tf.constant(num_buckets, tf.int64))
        assert buckets.dtype == tf.int64
        assert buckets.numpy().tolist() == [(splitmix64(key) >> 1) % num_buckets for key in keys]
        assert buckets.numpy().min() >= 0
        assert buckets.numpy().max() < num_buckets
    # Written down, so that a saved model keeps meaning the same pairs.
    buckets = hash_bucket(tf.constant(keys[:5], tf.int64), tf.constant(262_144, tf.int64))
    assert buckets.numpy().tolist() == [0, 99_058, 100_933, 20_114, 256_231]


@pytest.mark.parametrize("order", ["in a row", "in columns of 40,001"])
def test_collisions_are_as_rare_as_chance_allows(order):
    num_keys, num_buckets = 50_000, 262_144
    keys = np.arange(num_keys) * (1 if order == "in a row" else 40_001)
    buckets = hash_bucket(tf.constant(keys, tf.int64), tf.constant(num_buckets, tf.int64)).numpy()
    _, inverse, counts = np.unique(buckets, return_inverse=True, return_counts=True)
    colliding = (counts[inverse] > 1).mean()
    assert abs(colliding - (1 - (1 - 1 / num_buckets) ** (num_keys - 1))) < 0.01


def test_collision_report_equals_brute_force():
    columns = (
        CategoricalColumn("user_id", 300, group="user"),
        CategoricalColumn("movie_id", 200, group="item"),
        SequenceColumn("genres", 5, 2, group="item"),
    )
    layer = CrossProduct(columns, max_rows=2_000, num_buckets=500)
    rng = np.random.default_rng(2)
    features = {
        "user_id": rng.integers(0, 300, 400),
        "movie_id": rng.integers(0, 200, 400),
        "genres": rng.integers(0, 5, (400, 2)),
    }
    report = collision_report(layer, features).set_index("pair")
    assert list(report.index) == ["user_id x movie_id", "user_id x genres", "movie_id x genres"]
    assert report["hashed"].tolist() == [True, False, False]
    assert report["possible_pairs"].tolist() == [60_000, 1_500, 1_000]
    assert report["table_rows"].tolist() == [500, 1_500, 1_000]
    sizes = {"movie_id": 200, "genres": 5}
    for pair in layer.pairs:
        seen = set()
        for row in range(400):
            first, second = (np.atleast_1d(features[name][row]) for name in pair)
            seen |= {(int(a), int(b)) for a, b in itertools.product(first, second) if a and b}
        buckets = {}
        for left, right in seen:
            key = left * sizes[pair[1]] + right
            bucket = (splitmix64(key) >> 1) % 500 if pair == ("user_id", "movie_id") else key
            buckets.setdefault(bucket, set()).add((left, right))
        colliding = sum(len(pairs) for pairs in buckets.values() if len(pairs) > 1)
        line = report.loc[" x ".join(pair)]
        assert line["seen_pairs"] == len(seen)
        assert line["colliding_share"] == pytest.approx(colliding / len(seen))
    assert report.loc["user_id x movie_id", "colliding_share"] > 0.3
    assert report["colliding_share"].tolist()[1:] == [0, 0]


def test_a_report_on_rows_without_known_pairs_is_all_zero():
    layer = CrossProduct((GENDER, AGE))
    report = collision_report(layer, {"user_gender": np.zeros(3), "user_age_bucket": np.ones(3)})
    assert isinstance(report, pd.DataFrame)
    assert report["seen_pairs"].tolist() == report["colliding_share"].tolist() == [0]


def test_the_gradient_reaches_only_the_rows_read():
    layer = CrossProduct(WORLD)
    layer.build()
    features = {
        "user_gender": np.array([2, 2, 0]),
        "user_age_bucket": np.array([2, 2, 1]),
        "item_category": np.array([1, 4, 3]),
    }
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(features)[:, 0] * tf.constant([1.0, 10.0, 100.0]))
    gradient = tape.gradient(loss, layer.table)
    assert isinstance(gradient, tf.IndexedSlices)
    dense = tf.convert_to_tensor(gradient).numpy()[:, 0]
    expected = np.zeros(layer.num_rows)
    rows, known = (part.numpy() for part in layer.rows(features))
    for row, upstream in enumerate([1.0, 10.0, 100.0]):
        for slot in range(3):
            expected[rows[row, slot]] += upstream * known[row, slot]
    assert np.count_nonzero(expected) == 1 + 2 + 2 + 1
    np.testing.assert_array_equal(dense, expected)


def test_the_graph_gathers_from_the_variable_and_never_reads_the_whole_table():
    layer = CrossProduct(WORLD)
    layer.build()
    specs = {column.name: tf.TensorSpec([None], tf.int32) for column in WORLD}
    graph = tf.function(layer, autograph=False).get_concrete_function(specs).graph
    handle = next(p for h, p in graph.captures if h is layer.table._value.handle)
    readers = [operation.type for operation in handle.consumers()]
    assert readers == ["ResourceGather"]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("user_gender", "city")], r"no feature column is named \['city'\]"),
        ([("user_gender", "price")], "column 'price' of .* is numeric"),
        ([("user_gender", "user_gender")], "expected two different columns, got"),
        ([("user_gender", "user_age_bucket", "item_category")], "expected two different columns"),
        (
            [("user_gender", "item_category"), ("item_category", "user_gender")],
            r"\('item_category', 'user_gender'\) is given twice",
        ),
        ([], "expected at least one pair"),
    ],
)
def test_bad_pairs_are_named(pairs, message):
    with pytest.raises(ValueError, match=message):
        CrossProduct((*WORLD, PRICE), pairs)


@pytest.mark.parametrize("limit", ["max_rows", "num_buckets"])
def test_bad_limits_are_named(limit):
    with pytest.raises(ValueError, match=f"{limit}: expected an integer of 1 or more, got 0"):
        CrossProduct(WORLD, **{limit: 0})


def test_all_pairs_leave_numbers_out():
    assert all_pairs((GENDER, PRICE, HISTORY)) == [("user_gender", "history")]


def test_save_and_load_predict_the_same_bits(tmp_path):
    columns = (*WORLD, CategoricalColumn("city", 50, group="user"))
    inputs = build_inputs(columns)
    layer = CrossProduct(columns, [("city", "item_category"), ("user_gender", "city")], 200, 64)
    model = keras.Model(inputs, layer(inputs))
    layer.table.assign(np.random.default_rng(3).normal(size=layer.table.shape))
    features = {**every_row_of_the_world(), "city": np.arange(1, 25, dtype=np.int32) * 2}
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(features), model(features))
    assert np.abs(model(features)).min() > 0
