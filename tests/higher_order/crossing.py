"""Columns, rows and checks that the tests of all models of the chapter share."""

import keras
import numpy as np
import tensorflow as tf
from reference import double, randomize, relu, sigmoid

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.features.embedding import FusedEmbedding, NumericEmbedding

COLUMNS = (
    CategoricalColumn("user_id", 9, group="user"),
    CategoricalColumn("movie_id", 7, group="item"),
    SequenceColumn("history", 7, 3, table="movie_id"),
    NumericColumn("price", group="item"),
    NumericColumn("moods", 2),
)
NUM_FIELDS = 6
"""user_id, movie_id, history, price and two moods."""


def make_rows(num_rows=6, seed=0):
    rng = np.random.default_rng(seed)
    features = {
        "user_id": rng.integers(0, 9, num_rows).astype(np.int32),
        "movie_id": rng.integers(0, 7, num_rows).astype(np.int32),
        "history": rng.integers(0, 7, (num_rows, 3)).astype(np.int32),
        "price": rng.normal(size=num_rows).astype(np.float32),
        "moods": rng.normal(size=(num_rows, 2)).astype(np.float32),
    }
    features["user_id"][0] = 0
    features["history"][1] = 0
    return features


def dense_stack(layer, x):
    """A ``MLP`` with ReLU, computed by NumPy from its weights."""
    weights = [double(v) for v in layer.trainable_variables]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        x = relu(x @ kernel + bias)
    return x


def vectors_of(model, features, name=None):
    """Embeddings row by row and column by column: ids, pooled history, numbers' own vectors.

    Args:
        model, features: the model and its inputs.
        name: of the table's layer; default: the model's first.

    Returns:
        Dict of column name to ``(rows, columns or numbers, dim)``, and the numbers under
        ``"numbers"``, ``(rows, 3)``.
    """
    found = (x for x in model.layers if isinstance(x, FusedEmbedding) and x.embedding_dim > 1)
    layer = model.get_layer(name) if name else next(found)
    table = double(layer.table)
    rows = len(features["user_id"])

    def vector(name, identity):
        return table[layer.rows_of(name)][identity] * (identity != 0)

    result = {
        name: np.stack([vector(name, features[name][row]) for row in range(rows)])[:, None]
        for name in ("user_id", "movie_id")
    }
    pooled = []
    for steps in features["history"]:
        real = [vector("movie_id", step) for step in steps if step]
        pooled.append(np.mean(real, axis=0) if real else np.zeros(table.shape[1]))
    result["history"] = np.stack(pooled)[:, None]
    numbers = np.column_stack([features["price"], features["moods"]]).astype(np.float64)
    result["numbers"] = numbers
    return result


def fields_of(model, features, name=None):
    """``(rows, NUM_FIELDS, dim)`` in the order of ``field_names``."""
    vectors = vectors_of(model, features, name)
    found = (x for x in model.layers if isinstance(x, NumericEmbedding))
    layer = model.get_layer(f"{name}_numeric") if name else next(found)
    numbers = vectors["numbers"][:, :, None] * double(layer.vectors)
    return np.concatenate(
        [vectors["user_id"], vectors["movie_id"], vectors["history"], numbers], axis=1
    )


def first_input(model, features, name=None):
    """x_0, group by group in the columns' order, embeddings before numbers."""
    vectors = vectors_of(model, features, name)
    numbers = vectors["numbers"]
    return np.concatenate(
        [
            vectors["user_id"][:, 0],
            vectors["movie_id"][:, 0],
            numbers[:, :1],
            vectors["history"][:, 0],
            numbers[:, 1:],
        ],
        axis=1,
    )


def linear_of(model, features):
    """The linear term, weight by weight."""
    layer, numeric = model.get_layer("linear"), model.get_layer("linear_numeric")
    table = double(layer.table)[:, 0]
    total = np.zeros(len(features["user_id"]))
    for row in range(len(total)):
        for name in ("user_id", "movie_id"):
            identity = features[name][row]
            total[row] += table[layer.rows_of(name)][identity] * (identity != 0)
        steps = [table[layer.rows_of("movie_id")][s] for s in features["history"][row] if s]
        total[row] += np.mean(steps) if steps else 0
    numbers = np.column_stack([features["price"], features["moods"]])
    return total + numbers @ double(numeric.kernel)[:, 0]


def output_of(model, name, features):
    """Output of a named layer."""
    inner = keras.Model(model.inputs, model.get_layer(name).output)
    return inner(features).numpy()


def assert_equal_to(model, features, logit):
    """The model's probabilities are the sigmoid of the logits ``(rows,)`` plus its bias."""
    # A bias that keeps the sigmoid where it is steep.
    model.get_layer("click").bias.assign(0.3 - np.mean(logit))
    probability = model(features)
    assert probability.shape == (len(logit),)
    expected = sigmoid(logit + double(model.get_layer("click").bias))
    # Else a model that ignores its input would not show.
    told = f"the predictions hardly differ, {expected.std():.3f}: randomize with a larger scale"
    assert expected.std() > 0.02, f"{told}, or another seed"
    np.testing.assert_allclose(probability, expected, rtol=2e-5, atol=2e-6)


def assert_gradients_reach_every_weight(model, seed=2):
    """Every trainable weight gets a gradient that is not zero, and no other weight any."""
    model = randomize(model, seed)
    features = make_rows(64, seed)
    label = np.random.default_rng(seed).integers(0, 2, 64).astype(np.float32)
    with tf.GradientTape() as tape:
        loss = keras.losses.binary_crossentropy(label, model(features, training=True))
    variables = model.trainable_variables
    gradients = tape.gradient(loss, variables)
    for variable, gradient in zip(variables, gradients, strict=True):
        assert gradient is not None, f"{variable.path}: no gradient"
        gradient = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(gradient).all(), variable.path
        assert np.abs(gradient).max() > 0, f"{variable.path}: gradient of zeros"
    with tf.GradientTape() as tape:
        loss = keras.losses.binary_crossentropy(label, model(features, training=True))
    others = [v.value for v in model.non_trainable_variables if "seed" not in v.path]
    assert all(gradient is None for gradient in tape.gradient(loss, others))


def count(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
