"""``grow``: which rows go where, what new rows hold, what cannot grow."""

import dataclasses

import keras
import numpy as np
import pytest
import tiny

from recsys_lib.features import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.features.columns import EmbeddingL2
from recsys_lib.features.crosses import CrossProduct, collision_report
from recsys_lib.features.embedding import FusedEmbedding, build_inputs, embed_fields
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.multi_scenario.apart import OwnIds
from recsys_lib.sequence import build_dien
from recsys_lib.training import (
    Adagrad,
    Adam,
    Ftrl,
    fit,
    grow,
    load,
    optimizer_per_group,
    predict,
    save,
)
from recsys_lib.training.trainer import Trainer


def with_more(columns, **more):
    """The columns with so many more ids; those of a table together."""
    return tuple(
        column
        if isinstance(column, NumericColumn)
        else dataclasses.replace(
            column, vocabulary_size=column.vocabulary_size + more.get(column.table_name, 0)
        )
        for column in columns
    )


LATER = with_more(tiny.COLUMNS, user_id=5, movie_id=7)


def embedding_of(columns, l2=0.0, initializer=None, name="embedding"):
    """A model of one table whose weights are read off easily."""
    inputs = build_inputs(columns)
    fields = embed_fields(inputs, columns, 2, name, initializer, l2)
    hidden = keras.layers.Dense(1)(keras.layers.Flatten()(fields))
    return keras.Model(inputs, PredictionHead(name="like")(hidden))


def test_rows_of_old_ids_keep_their_bits_in_every_table():
    model = tiny.randomize(tiny.build_large())
    grown, _ = grow(model, LATER)
    before = {layer.name: layer for layer in model.layers}
    checked = 0
    for layer in grown.layers:
        if isinstance(layer, FusedEmbedding):
            old, new = before[layer.name].table.numpy(), layer.table.numpy()
            for name in ("user_id", "movie_id", "genres"):
                rows = before[layer.name].rows_of(name)
                size = rows.stop - rows.start
                start = layer.rows_of(name).start
                np.testing.assert_array_equal(new[start : start + size], old[rows])
                checked += 1
    assert checked == 6
    assert grown.get_layer("embedding").rows_of("movie_id") == slice(35, 35 + 27)
    features = {
        tensor.name: tiny.make_features(tiny.COLUMNS, 50, np.random.default_rng(3))[tensor.name]
        for tensor in model.inputs
    }
    np.testing.assert_array_equal(
        predict(grown, features)["like"], predict(model, features)["like"]
    )


def test_the_model_and_its_optimizer_are_left_as_they_are():
    data = tiny.make_dataset(tiny.SMALL)
    model, optimizer = tiny.build_small(), Adam(0.05)
    fit(model, data, optimizer, epochs=1)
    kept = [v.numpy() for v in [*model.variables, *optimizer.variables]]
    grown, later = grow(model, with_more(tiny.SMALL, user_id=5), optimizer)
    assert grown is not model and later is not optimizer
    fit(grown, dataclasses.replace(data, feature_columns=with_more(tiny.SMALL, user_id=5)), later)
    tiny.assert_same_bits([v.numpy() for v in [*model.variables, *optimizer.variables]], kept)


def test_new_rows_are_drawn_as_those_of_a_fresh_table_and_follow_the_seed():
    model = embedding_of(tiny.SMALL, initializer=keras.initializers.RandomUniform(2.0, 3.0))
    rows = []
    for seed in (0, 0, 1):
        keras.utils.set_random_seed(seed)
        grown, _ = grow(model, with_more(tiny.SMALL, user_id=40))
        rows.append(grown.get_layer("embedding").table.numpy()[30:70])
    np.testing.assert_array_equal(rows[0], rows[1])
    assert (rows[0] != rows[2]).any()
    assert rows[0].min() >= 2 and rows[0].max() <= 3 and len(np.unique(rows[0])) > 70


def test_nothing_new_gives_an_equal_model():
    model = tiny.randomize(tiny.build_large())
    grown, optimizer = grow(model, tiny.COLUMNS)
    assert optimizer is None
    tiny.assert_same_bits(tiny.weights_of(grown), tiny.weights_of(model))


def test_data_sets_and_columns_are_taken_alike():
    data = tiny.make_dataset(tiny.SMALL)
    later = dataclasses.replace(data, feature_columns=with_more(tiny.SMALL, movie_id=2))
    assert grow(tiny.build_small(), later).model.get_layer("embedding").num_rows == 52


# Optimizers


@pytest.mark.parametrize(
    ("make", "start"),
    [
        (lambda: Adam(0.05), 0.0),
        (lambda: Adagrad(0.05, initial_accumulator_value=0.25), 0.25),
        (lambda: keras.optimizers.Adam(0.05), 0.0),
        (lambda: keras.optimizers.SGD(0.05, momentum=0.9), 0.0),
    ],
)
def test_statistics_go_with_their_rows_and_new_ones_start_as_they_would(make, start):
    data = tiny.make_dataset(tiny.SMALL)
    model, optimizer = tiny.build_small(), make()
    fit(model, data, optimizer, epochs=1, batch_size=16)
    later = grow(model, with_more(tiny.SMALL, user_id=5), optimizer).optimizer
    assert [v.name for v in later.variables] == [v.name for v in optimizer.variables]
    of_tables = 0
    for old, new in zip(optimizer.variables, later.variables, strict=True):
        if old.shape == new.shape:
            np.testing.assert_array_equal(new.numpy(), old.numpy())
            continue
        of_tables += 1
        old, new = old.numpy(), new.numpy()
        assert old[:30].any() and old[30:].any()
        np.testing.assert_array_equal(new[:30], old[:30])
        np.testing.assert_array_equal(new[30:35], start)
        np.testing.assert_array_equal(new[35:], old[30:])
    assert of_tables >= 1
    assert int(later.iterations.numpy()) == int(optimizer.iterations.numpy()) == 10


def test_an_optimizer_for_each_group_grows_with_its_tables():
    """FTRL wants tables that start at zero, and gets them although they are not any more."""
    data = tiny.make_dataset()
    model = tiny.build_large()
    optimizer = optimizer_per_group({"wide_.*": Ftrl(0.1), "(?!wide_).*": Adam(0.02)})
    fit(model, data, optimizer, epochs=1, batch_size=16)
    grown, later = grow(model, LATER, optimizer)
    old, new = (layers.get_layer("wide_linear").table for layers in (model, grown))
    assert old.numpy().any()
    for name, values in optimizer.optimizers[0].slots(old).items():
        found = later.optimizers[0].slots(new)[name].numpy()
        np.testing.assert_array_equal(found[:30], values[:30])
        np.testing.assert_array_equal(found[35 : 35 + 20], values[30 : 30 + 20])
    fit(grown, dataclasses.replace(data, feature_columns=LATER), later, epochs=1)


def test_an_optimizer_that_never_trained_comes_back_fresh():
    model = tiny.build_small()
    _, later = grow(model, with_more(tiny.SMALL, user_id=5), Adam(0.02, beta_2=0.9))
    assert isinstance(later, Adam) and not later.built
    assert later.beta_2 == 0.9 and float(later.learning_rate.numpy()) == pytest.approx(0.02)


# Crosses


CROSSED = (CategoricalColumn("a", 4), CategoricalColumn("b", 5), SequenceColumn("c", 3, 2))


def crossed(**options):
    inputs = build_inputs(CROSSED)
    logit = CrossProduct(CROSSED, [("a", "b"), ("b", "c")], name="cross", **options)(inputs)
    model = keras.Model(inputs, PredictionHead(name="like")(logit))
    table = model.get_layer("cross").table
    table.assign(np.arange(1.0, 1 + table.shape[0])[:, None])
    return model


def weight(model, a, b):
    """The weight of one pair: ids of c are unknown, so that the other pair has none."""
    inputs = {"a": np.array([a]), "b": np.array([b]), "c": np.zeros((1, 2), int)}
    return float(model.get_layer("cross")({k: keras.ops.array(v) for k, v in inputs.items()})[0, 0])


def test_exact_crosses_keep_the_weight_of_every_pair():
    model = crossed()
    grown, _ = grow(model, with_more(CROSSED, a=2, b=3, c=1))
    for a in range(1, 6):
        for b in range(1, 8):
            known = a < 4 and b < 5
            assert weight(grown, a, b) == (weight(model, a, b) if known else 0.0)
    assert grown.get_layer("cross").num_rows == 6 * 8 + 8 * 4


def test_crosses_stay_exact_above_the_limit():
    """They would have to share a weight with others else."""
    grown, _ = grow(crossed(max_rows=20), with_more(CROSSED, a=2, b=3))
    assert grown.get_layer("cross").num_rows == 6 * 8 + 8 * 3
    assert weight(grown, 5, 7) == 0.0


def test_hashed_crosses_keep_the_bucket_of_every_pair(tmp_path):
    model = crossed(max_rows=19, num_buckets=1000)
    layer = model.get_layer("cross")
    assert layer.num_rows == 1000 + 15
    grown, _ = grow(model, with_more(CROSSED, a=200, b=300))
    again, _ = grow(grown, with_more(CROSSED, a=300, b=400, c=2))
    save(again, str(tmp_path / "model.keras"))
    for later in (grown, again, load(str(tmp_path / "model.keras"))):
        for a in range(1, 4):
            for b in range(1, 5):
                assert weight(later, a, b) == weight(model, a, b)
    # New pairs are spread over all buckets, and not laid upon old ones.
    ids = np.stack(np.meshgrid(np.arange(1, 204), np.arange(1, 305)), -1).reshape(-1, 2)
    features = {"a": ids[:, 0], "b": ids[:, 1], "c": np.zeros((len(ids), 2), int)}
    rows, known = grown.get_layer("cross").rows(features)
    buckets = np.bincount(rows.numpy()[known.numpy()], minlength=1015)[:1000]
    assert buckets.sum() == len(ids)
    assert abs(buckets - len(ids) / 1000).max() < 6 * np.sqrt(len(ids) / 1000)
    report = collision_report(grown.get_layer("cross"), features).set_index("pair")
    assert report.loc["a x b", "hashed"] and report.loc["a x b", "table_rows"] == 1000
    assert not report.loc["b x c", "hashed"]
    assert "first_sizes" not in model.get_layer("cross").get_config()


def test_keys_of_new_ids_are_those_of_no_other_pair():
    """With more buckets than pairs hardly two pairs meet; by key alone (0, 6) would be (1, 1)."""
    model = crossed(max_rows=19, num_buckets=2**24)
    grown, _ = grow(model, with_more(CROSSED, a=60, b=60))
    ids = np.stack(np.meshgrid(np.arange(1, 64), np.arange(1, 65)), -1).reshape(-1, 2)
    features = {"a": ids[:, 0], "b": ids[:, 1], "c": np.zeros((len(ids), 2), int)}
    rows, _ = grown.get_layer("cross").rows(features)
    assert len(np.unique(rows.numpy()[:, 0])) >= len(ids) - 4


def test_the_penalty_of_a_grown_cross_is_of_pairs_of_known_ids():
    model = crossed(max_rows=19, num_buckets=50, l2=EmbeddingL2(2.0, rows="table"))
    grown, _ = grow(model, with_more(CROSSED, b=3))
    table = grown.get_layer("cross").table.numpy()[:, 0]
    exact = table[50:].reshape(8, 3)[1:, 1:]
    expected = (table[:50] ** 2).sum() + (exact**2).sum()
    features = {name: np.zeros((1, *shape), int) for name, shape in (("a", ()), ("b", ()))}
    grown({**features, "c": np.zeros((1, 2), int)}, training=True)
    assert float(grown.losses[0]) == pytest.approx(expected, rel=1e-6)


# Penalties


def test_new_ids_count_as_met_once_and_tables_that_are_not_penalised_stay_so():
    counts = {"user_id": np.full(30, 4)}
    model = embedding_of(tiny.SMALL, EmbeddingL2(0.1, id_counts=counts))
    grown, _ = grow(model, with_more(tiny.SMALL, user_id=2, movie_id=3))
    shares = grown.get_layer("embedding").penalty_shares.numpy()
    np.testing.assert_array_equal(shares[:32], [0.0, *[0.25] * 29, 1.0, 1.0])
    np.testing.assert_array_equal(shares[32:], np.zeros(23))
    plain = grow(embedding_of(tiny.SMALL, 0.1), with_more(tiny.SMALL, user_id=2)).model
    shares = plain.get_layer("embedding").penalty_shares.numpy()
    np.testing.assert_array_equal(shares, [0.0, *[1.0] * 31, 0.0, *[1.0] * 19])


# What reads vocabularies beside tables


def test_negatives_are_drawn_from_the_new_ids_too():
    columns = (
        CategoricalColumn("movie_id", 4, group="item"),
        SequenceColumn("history", 4, 5, table="movie_id"),
    )
    grown, _ = grow(build_dien(columns, embedding_dim=4), with_more(columns, movie_id=30))
    sampler = grown.get_layer("history_negatives")
    drawn = np.asarray(sampler(np.full((400, 5), 2), training=True))
    assert set(np.unique(drawn)) == set(range(1, 34)) - {2}


def test_a_vocabulary_for_each_scenario_moves_scenario_by_scenario():
    before = OwnIds((CategoricalColumn("item", 3), NumericColumn("price")), 2)
    after = OwnIds((CategoricalColumn("item", 5), NumericColumn("price")), 2)
    moved = before.moved_ids(after)
    assert list(moved) == ["own_item"]
    # Scenario 1 has ids 1, 2 (and later 3, 4); scenario 2 begins behind them.
    assert moved["own_item"].tolist() == [0, 1, 2, 5, 6]
    for scenario in (1, 2):
        for item in (1, 2):
            values = {"item": np.array([item]), "price": np.zeros(1)}
            first, later = (
                int(layer(values, np.array([scenario]))["own_item"][0]) for layer in (before, after)
            )
            assert moved["own_item"][first] == later


# Refused


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            [CategoricalColumn("user_id", 29), tiny.SMALL[1]],
            "grow, column 'user_id': expected 30 ids or more, as the model was built with, got 29",
        ),
        (
            [dataclasses.replace(tiny.SMALL[0], table="people"), tiny.SMALL[1]],
            r"grow, column 'user_id': expected kind, table and shape \('Cat.*'user_id', \(\)\), as",
        ),
        (
            [SequenceColumn("user_id", 30, 4), tiny.SMALL[1]],
            "grow, column 'user_id': expected kind, table and shape",
        ),
        ([tiny.SMALL[0]], r"the inputs \['movie_id'\] are no feature columns"),
    ],
)
def test_columns_that_the_model_cannot_grow_to_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        grow(tiny.build_small(), columns)


class Remembering(keras.layers.Layer):
    """A reader's own layer with a weight for each user, which it tells nobody."""

    def __init__(self, columns, **kwargs):
        super().__init__(**kwargs)
        self.column_dicts = columns

    def build(self, shape):
        self.seen = self.add_weight(name="seen", shape=(self.column_dicts[0]["vocabulary_size"], 1))

    def call(self, ids):
        return keras.ops.take(self.seen, ids, axis=0)

    def get_config(self):
        return {**super().get_config(), "columns": self.column_dicts}


def test_a_layer_whose_weights_nobody_can_place_is_named():
    inputs = build_inputs(tiny.SMALL)
    described = [{"name": "user_id", "vocabulary_size": 30}]
    seen = Remembering(described, name="memory")(inputs["user_id"])
    hidden = keras.layers.Flatten()(embed_fields(inputs, tiny.SMALL, 2))
    model = keras.Model(inputs, PredictionHead(name="like")(keras.layers.Dense(1)(hidden) + seen))
    with pytest.raises(ValueError, match="grow: 'memory/seen' depends on the number of ids"):
        grow(model, with_more(tiny.SMALL, user_id=5))


def test_only_functional_models_grow():
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match="grow: expected a functional model, got Own"):
        grow(Own(), tiny.SMALL)
    with pytest.raises(ValueError, match="model: expected a Keras model, got None"):
        grow(None, tiny.SMALL)


def test_a_grown_model_is_saved_loaded_and_trained_like_any_other(tmp_path):
    data = dataclasses.replace(tiny.make_dataset(), feature_columns=LATER)
    grown, _ = grow(tiny.randomize(tiny.build_large()), data)
    path = str(tmp_path / "model.keras")
    save(grown, path)
    loaded = load(path)
    tiny.assert_same_bits(tiny.weights_of(loaded), tiny.weights_of(grown))
    assert Trainer(loaded, data).layout == Trainer(grown, data).layout
