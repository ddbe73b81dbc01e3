"""The multi-layer perceptron, the linear term and the head against their formulas."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import double, relu, sigmoid

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.activations import Dice
from recsys_lib.layers.blocks import MLP, BatchNormalization, deep_logit, linear_logit, side_by_side
from recsys_lib.layers.heads import PredictionHead

USER = CategoricalColumn("user_id", 4, group="user", embedding_dim=8)
HISTORY = SequenceColumn("history", 6, 3)
TAGS = SequenceColumn("tags", 5, 2, combiner="sum", ordered=False)
AGE = NumericColumn("age", 2)
COLUMNS = (USER, HISTORY, TAGS, AGE)
FEATURES = {
    "user_id": np.array([3, 0, 1], np.int32),
    "history": np.array([[2, 5, 0], [0, 0, 0], [5, 5, 1]], np.int32),
    "tags": np.array([[1, 2], [4, 0], [0, 0]], np.int32),
    "age": np.array([[0.5, -1], [2, 0], [1, 3]], np.float32),
}


@pytest.fixture(scope="module")
def linear_model():
    inputs = build_inputs(COLUMNS)
    logit = linear_logit(inputs, COLUMNS)
    probability = PredictionHead(name="like")([logit])
    return keras.Model(inputs, {"logit": logit, "probability": probability})


def set_weights(model, table=None, kernel=None, bias=0.0):
    layer = model.get_layer("linear")
    layer.table.assign(np.zeros(layer.table.shape) if table is None else table)
    numeric = model.get_layer("linear_numeric")
    numeric.kernel.assign(np.zeros((2, 1)) if kernel is None else kernel)
    model.get_layer("like").bias.assign(bias)


def test_the_linear_term_starts_at_zero_in_a_table_of_its_own(linear_model):
    layer = linear_model.get_layer("linear")
    assert layer.table.shape == (4 + 6 + 5, 1)  # one weight per id, whatever embedding_dim says
    assert not layer.table.numpy().any()
    assert not linear_model.get_layer("linear_numeric").kernel.numpy().any()
    assert len(linear_model.trainable_variables) == 3  # table, kernel without bias, head's bias


def test_the_linear_term_equals_the_sum_of_its_weights(linear_model):
    layer = linear_model.get_layer("linear")
    table = np.random.default_rng(0).normal(size=(15, 1))
    kernel = np.array([[0.25], [-2.0]])
    set_weights(linear_model, table, kernel)
    table = table[:, 0].astype(np.float32).astype(np.float64)

    def weight(name, identity):
        return table[layer.rows_of(name)][identity] if identity else 0.0

    expected = []
    for row in range(3):
        steps = [weight("history", i) for i in FEATURES["history"][row] if i]
        total = weight("user_id", FEATURES["user_id"][row])
        total += np.mean(steps) if steps else 0.0
        total += sum(weight("tags", i) for i in FEATURES["tags"][row])
        total += FEATURES["age"][row] @ kernel[:, 0]
        expected.append([total])
    logit = linear_model(FEATURES)["logit"]
    assert logit.shape == (3, 1)
    np.testing.assert_allclose(logit, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("weight", [1.5, -0.7])
def test_one_weight_set_and_all_else_zero_gives_exactly_its_sigmoid(linear_model, weight):
    """A trained ``Dense(1)`` behind the sum would multiply the weight by a random number."""
    table = np.zeros((15, 1))
    table[linear_model.get_layer("linear").rows_of("user_id").start + 3] = weight
    set_weights(linear_model, table)
    probability = linear_model(FEATURES)["probability"]
    assert probability.shape == (3,)
    np.testing.assert_allclose(probability, sigmoid([weight, 0, 0]), rtol=1e-6)
    set_weights(linear_model, table, bias=-0.25)
    np.testing.assert_allclose(
        linear_model(FEATURES)["probability"], sigmoid([weight - 0.25, -0.25, -0.25]), rtol=1e-6
    )


def test_the_linear_term_of_numbers_alone_and_of_ids_alone():
    numbers = linear_logit(build_inputs([AGE]), [AGE])
    ids = linear_logit(build_inputs([USER]), [USER])
    assert numbers.shape == ids.shape == (None, 1)


def test_the_head_sums_logits_with_weight_one():
    head = PredictionHead()
    first, second = np.array([[2.0], [-1.0]], np.float32), np.array([[0.5], [4.0]], np.float32)
    np.testing.assert_allclose(head([first, second]), sigmoid([2.5, 3.0]), rtol=1e-6)
    head.bias.assign(-3.0)
    np.testing.assert_allclose(head([first, second]), sigmoid([-0.5, 0.0]), rtol=1e-6)
    assert [tuple(weight.shape) for weight in head.weights] == [()]


def test_a_regression_head_is_the_sum_itself():
    head = PredictionHead(kind="regression")
    logits = np.array([[2.0], [-7.0]], np.float32)
    np.testing.assert_array_equal(head([logits, logits]), [4.0, -14.0])
    np.testing.assert_array_equal(PredictionHead(kind="regression")(logits), [2.0, -7.0])
    with pytest.raises(
        ValueError, match="kind: expected one of \\('binary', 'regression'\\), got 'softmax'"
    ):
        PredictionHead(kind="softmax")


def test_a_networks_logit_weighs_its_last_layer_without_a_bias():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, deep_logit(inputs, (5, 3), activation="relu", name="net"))
    features = np.random.default_rng(7).normal(size=(8, 4)).astype(np.float32)
    hidden = double(features)
    weights = [double(w) for w in model.get_layer("net").weights]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        hidden = relu(hidden @ kernel + bias)
    (kernel,) = model.get_layer("net_logit").get_weights()
    np.testing.assert_allclose(model(features), hidden @ kernel, rtol=1e-5, atol=1e-6)


def test_the_logit_of_no_network_is_a_linear_map():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, deep_logit(inputs, ()))
    assert [layer.name for layer in model.layers[1:]] == ["deep_logit"]
    features = np.eye(4, dtype=np.float32)
    np.testing.assert_array_equal(model(features), model.get_layer("deep_logit").get_weights()[0])


def test_the_options_of_a_networks_logit_are_those_of_its_network():
    options = {"activation": "dice", "dropout_rate": 0.3, "batch_normalization": True}
    inputs = keras.Input((4,))
    model = keras.Model(inputs, deep_logit(inputs, (5,), **options))
    assert {name: getattr(model.get_layer("deep"), name) for name in options} == options


def test_every_layer_of_a_network_is_normalised_and_activated_and_drops():
    network = MLP((5, 4, 3), "dice", dropout_rate=0.3, batch_normalization=True)
    of_each = [keras.layers.Dense, BatchNormalization, Dice, keras.layers.Dropout]
    assert [type(layer) for layer in network.stack] == 3 * of_each
    assert [layer.rate for layer in network.stack[3::4]] == [0.3, 0.3, 0.3]
    inputs = np.random.default_rng(0).normal(size=(400, 2))
    outputs = network(inputs, training=True).numpy()
    assert 0.2 < (outputs == 0).mean() < 0.4


def test_vectors_lie_side_by_side_and_one_alone_stays_as_it_is():
    first, second = np.ones((2, 3), np.float32), np.zeros((2, 1), np.float32)
    np.testing.assert_array_equal(side_by_side([first, second]), [[1, 1, 1, 0]] * 2)
    assert side_by_side(iter([first])) is first


@pytest.mark.parametrize("shape", [(3, 1, 1), (3,), (3, 2)])
def test_the_head_refuses_shapes_that_would_broadcast(shape):
    with pytest.raises(ValueError, match=r"expected logits of shape \(batch, 1\)"):
        PredictionHead()([np.zeros((3, 1), np.float32), np.zeros(shape, np.float32)])


def test_no_row_depends_on_another(linear_model):
    rng = np.random.default_rng(1)
    set_weights(linear_model, rng.normal(size=(15, 1)), rng.normal(size=(2, 1)), 0.1)
    together = linear_model(FEATURES)["probability"].numpy()
    for row in range(3):
        alone = linear_model({name: values[[row]] for name, values in FEATURES.items()})
        np.testing.assert_allclose(alone["probability"], together[[row]], rtol=1e-6)


def test_the_perceptron_equals_its_formula_with_the_last_layer_activated():
    mlp = MLP([5, 3])
    inputs = np.random.default_rng(2).normal(size=(8, 4)).astype(np.float32)
    outputs = mlp(inputs).numpy()
    hidden = inputs.astype(np.float64)
    for kernel, bias in zip(mlp.weights[::2], mlp.weights[1::2], strict=True):
        hidden = np.maximum(hidden @ kernel.numpy() + bias.numpy(), 0)
    np.testing.assert_allclose(outputs, hidden, rtol=1e-5, atol=1e-6)
    assert outputs.min() == 0  # some unit of the last layer is cut off


def test_a_single_layer_is_not_linear():
    mlp = MLP([6], activation="tanh")
    inputs = np.random.default_rng(3).normal(size=(4, 3)).astype(np.float32)
    assert np.abs(mlp(2 * inputs) - 2 * mlp(inputs)).max() > 0.01
    assert np.abs(mlp(100 * inputs)).max() <= 1


def test_two_perceptrons_start_with_different_kernels():
    inputs = np.ones((1, 4), np.float32)
    first, second = MLP([4, 4]), MLP([4, 4])
    first(inputs), second(inputs)
    kernels = [w.numpy() for mlp in (first, second) for w in mlp.weights if len(w.shape) == 2]
    assert len(kernels) == 4
    for position, kernel in enumerate(kernels):
        for other in kernels[position + 1 :]:
            assert np.abs(kernel - other).max() > 0.01


def test_batch_normalization_moves_by_a_tenth_before_the_activation():
    mlp = MLP([3], batch_normalization=True)
    inputs = np.random.default_rng(4).normal(size=(64, 2)).astype(np.float32)
    outputs = mlp(inputs, training=True).numpy()
    kernel = next(w for w in mlp.weights if w.path.endswith("kernel")).numpy()
    sums = inputs.astype(np.float64) @ kernel
    normalization = next(s for s in mlp.stack if isinstance(s, keras.layers.BatchNormalization))
    np.testing.assert_allclose(normalization.moving_mean, 0.1 * sums.mean(axis=0), rtol=1e-4)
    expected = (sums - sums.mean(axis=0)) / np.sqrt(sums.var(axis=0) + 1e-3)
    np.testing.assert_allclose(outputs, np.maximum(expected, 0), rtol=1e-3, atol=1e-4)


def test_dropout_acts_in_training_only_and_after_the_activation():
    mlp = MLP([200], activation=lambda x: x * 0 + 1, dropout_rate=0.25)
    inputs = np.ones((50, 2), np.float32)
    np.testing.assert_array_equal(mlp(inputs, training=False), np.ones((50, 200)))
    outputs = mlp(inputs, training=True).numpy()
    assert set(np.unique(outputs)) == {0, np.float32(1 / 0.75)}
    assert abs((outputs == 0).mean() - 0.25) < 0.02


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden_units": []}, "hidden_units"),
        ({"hidden_units": [4, 0]}, "hidden_units"),
        ({"hidden_units": [4], "dropout_rate": 1.0}, "dropout_rate"),
        ({"hidden_units": [4], "dropout_rate": -0.1}, "dropout_rate"),
    ],
)
def test_bad_arguments_of_the_perceptron_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP(**arguments)


def test_save_and_load_predict_the_same_bits(tmp_path):
    inputs = keras.Input((3,))
    hidden = MLP([4, 2], "tanh", dropout_rate=0.1, batch_normalization=True)(inputs)
    logit = keras.layers.Dense(1)(hidden)
    model = keras.Model(inputs, PredictionHead("regression")(logit))
    features = np.random.default_rng(5).normal(size=(6, 3)).astype(np.float32)
    model(features, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(features), model(features))


def test_every_weight_of_the_perceptron_gets_a_gradient():
    mlp = MLP([8, 8], batch_normalization=True, activation="tanh")
    inputs = np.random.default_rng(6).normal(size=(16, 3)).astype(np.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(mlp(inputs, training=True) ** 3)
    for weight, gradient in zip(
        mlp.trainable_variables, tape.gradient(loss, mlp.trainable_variables), strict=True
    ):
        if not weight.path.endswith("/bias"):  # batch normalization takes a bias out again
            assert np.abs(gradient).max() > 0, weight.path
