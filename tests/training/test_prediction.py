"""``predict`` equals Keras's own, and names what is wrong with its input."""

import keras
import numpy as np
import pandas as pd
import pytest
import tiny

from recsys_lib.features.columns import SequenceColumn
from recsys_lib.training import predict
from recsys_lib.training.prediction import input_columns, model_feature_columns

FEATURES = tiny.make_features(tiny.COLUMNS, 50, np.random.default_rng(1))


@pytest.fixture(scope="module")
def model():
    return tiny.randomize(tiny.build_large(tasks=("like", "share")))


def test_equals_keras_predict_for_every_task(model):
    expected = model.predict(FEATURES, verbose=0)
    result = predict(model, FEATURES)
    assert set(result) == {"like", "share"}
    for task, values in result.items():
        assert values.shape == (50,)
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, expected[task], rtol=1e-5, atol=1e-7)
    assert np.abs(result["like"] - result["share"]).max() > 0.01


@pytest.mark.parametrize("batch_size", [1, 7, 25, 50, 1000])
def test_batches_do_not_matter(model, batch_size):
    whole = predict(model, FEATURES)
    for task, values in predict(model, FEATURES, batch_size=batch_size).items():
        np.testing.assert_allclose(values, whole[task], rtol=1e-5, atol=1e-7)


def test_no_rows_give_no_predictions(model):
    empty = {name: values[:0] for name, values in FEATURES.items()}
    assert {task: values.shape for task, values in predict(model, empty).items()} == {
        "like": (0,),
        "share": (0,),
    }


def test_tasks_follow_the_names_given(model):
    whole = predict(model, FEATURES)
    turned = predict(model, FEATURES, tasks=["share", "like"])
    for task, values in turned.items():
        np.testing.assert_array_equal(values, whole[task])


def test_new_weights_are_used_without_a_new_call_to_build(model):
    twin = keras.models.clone_model(model)
    tiny.randomize(twin, seed=0)
    np.testing.assert_array_equal(predict(twin, FEATURES)["like"], predict(model, FEATURES)["like"])
    tiny.randomize(twin, seed=8)
    changed = predict(twin, FEATURES)["like"]
    np.testing.assert_allclose(
        changed, twin.predict(FEATURES, verbose=0)["like"], rtol=1e-5, atol=1e-7
    )
    assert np.abs(changed - predict(model, FEATURES)["like"]).max() > 0.01


def test_dropout_is_off():
    keras.utils.set_random_seed(0)
    model = tiny.randomize(tiny.build_large(dropout_rate=0.9, batch_normalization=True))
    first, second = (predict(model, FEATURES)["like"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, model.predict(FEATURES, verbose=0), rtol=1e-5, atol=1e-7)


def test_more_columns_than_inputs_are_ignored(model):
    more = {**FEATURES, "other": np.array(["a"] * 50)}
    np.testing.assert_array_equal(predict(model, more)["like"], predict(model, FEATURES)["like"])


def spoiled(name, change):
    values = FEATURES[name].copy()
    return {**FEATURES, name: change(values)}


def put(row, value):
    def change(values):
        values[row] = value
        return values

    return change


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (
            spoiled("user_id", put(3, 30)),
            r"'user_id': expected ids from 0 to 29, got 30 \(rows 3\)",
        ),
        (spoiled("movie_id", put(0, -1)), r"'movie_id': .* got -1 \(rows 0\)"),
        (spoiled("history", put((7, 2), 20)), r"'history': .* 0 to 19, got 20 \(rows 7\)"),
        (spoiled("price", put(4, np.nan)), r"'price': .* finite in float32, got nan \(rows 4\)"),
        (
            spoiled("price", lambda v: v.astype(float) * 0 + 1e39),
            r"'price': expected numbers finite in float32, got 1e\+39 \(rows 0, 1, 2, 3, 4 an",
        ),
        (
            spoiled("user_id", lambda v: np.ma.array(v, mask=v == v[7])),
            r"'user_id': expected a value in each entry, got masked ones \(rows",
        ),
        (spoiled("genres", lambda v: v[:, :1]), r"'genres': expected shape \(50, 2\), got"),
        (spoiled("weather", lambda v: v[:49]), r"'weather': expected shape \(50, 2\), got \(49"),
        (spoiled("user_id", lambda v: v.astype(float)), "'user_id': expected integer ids"),
        ({name: 1 for name in FEATURES}, "expected an array, got one value"),
        ({"user_id": FEATURES["user_id"]}, r"missing columns \['genres', .*'weather'\]"),
    ],
)
def test_bad_input_is_named(model, features, message):
    with pytest.raises(ValueError, match=message):
        predict(model, features)


def test_columns_are_known_from_the_layers(model):
    known = model_feature_columns(model)
    assert known["history"] == SequenceColumn("history", 20, 3, table="movie_id")
    by_name = {column.name: column for column in input_columns(model)}
    assert set(by_name) == {column.name for column in tiny.COLUMNS}
    assert by_name["weather"].input_shape == (2,)


def test_an_id_input_without_a_known_vocabulary_is_refused():
    number = keras.Input((), name="city", dtype="int32")
    model = keras.Model([number], keras.ops.cast(number, "float32"))
    with pytest.raises(ValueError, match="no layer says how many ids the input 'city' has"):
        predict(model, {"city": np.zeros(2, np.int32)})


def test_lists_series_and_a_frame_are_taken_by_position(model):
    expected = predict(model, FEATURES)["like"]
    lists = {name: values.tolist() for name, values in FEATURES.items()}
    frame = pd.DataFrame(lists, index=np.arange(50)[::-1])
    for shown in (lists, frame, dict(frame.items())):
        np.testing.assert_allclose(predict(model, shown)["like"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("features", "options", "message"),
    [
        (FEATURES, {"batch_size": 0}, "batch_size: expected an integer of 1 or more, got 0"),
        (FEATURES, {"batch_size": 2.5}, "batch_size: expected an integer of 1 or more, got 2.5"),
        (tiny.make_dataset().test, {}, r"got Split; a split's columns are its \.features"),
        (np.zeros((2, 3)), {}, "predict: expected a dict of .* or a DataFrame, got ndarray"),
        ({**FEATURES, "genres": [[1], [2, 3]]}, {}, "column 'genres': .* different lengths"),
    ],
)
def test_what_cannot_be_predicted_is_named(model, features, options, message):
    with pytest.raises(ValueError, match=message):
        predict(model, features, **options)


def test_a_numpy_integer_is_a_batch_size(model):
    found = predict(model, FEATURES, batch_size=np.int64(7))["like"]
    np.testing.assert_allclose(found, predict(model, FEATURES)["like"], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("what", "got"), [("m.keras", "str 'm.keras'"), (None, "None"), (3, "int"), (tiny, "module")]
)
def test_what_is_no_model_is_named(what, got):
    with pytest.raises(ValueError, match=f"model: expected a Keras model, got {got}"):
        predict(what, FEATURES)
