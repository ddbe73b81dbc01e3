"""Columns with histories, rows with short and empty ones, and references in double precision."""

import keras
import numpy as np
import tensorflow as tf
from reference import relu, sigmoid, softmax

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn

NUM_ROWS, STEPS, WIDTH = 6, 6, 4
COLUMNS = (
    CategoricalColumn("user_id", 5, group="user"),
    CategoricalColumn("item_id", 12, group="item"),
    CategoricalColumn("decade", 4, group="item"),
    SequenceColumn("genres", 5, 2, group="item", ordered=False),
    SequenceColumn("history", 12, STEPS, table="item_id"),
    SequenceColumn("history_age", 9, STEPS),
    NumericColumn("price", group="item"),
)
LENGTHS = np.array([6, 3, 0, 1, 4, 2])
_rng = np.random.default_rng(7)
_real = np.arange(STEPS) < LENGTHS[:, None]
FEATURES = {
    "user_id": np.array([1, 2, 3, 0, 4, 1], np.int32),
    "item_id": np.array([3, 5, 11, 7, 0, 3], np.int32),
    "decade": np.array([1, 2, 3, 0, 1, 1], np.int32),
    "genres": np.array([[1, 2], [3, 0], [0, 0], [4, 4], [2, 0], [1, 3]], np.int32),
    "history": np.where(_real, _rng.integers(1, 12, _real.shape), 0).astype(np.int32),
    "history_age": np.where(_real, _rng.integers(1, 9, _real.shape), 0).astype(np.int32),
    "price": np.array([0.5, -1.0, 2.0, 0.0, 1.5, -0.5], np.float32),
}
MASK = _real.astype(np.float32)


def inputs_of(model, features=FEATURES):
    """The features that the model reads."""
    return {tensor.name: features[tensor.name] for tensor in model.inputs}


def weight(layer, name):
    """A weight in double precision, by the end of its path."""
    found = [v for v in layer.weights if v.path.endswith(name)]
    assert len(found) == 1, (name, [v.path for v in layer.weights])
    return found[0].numpy().astype(np.float64)


def by_name(model, name, features=FEATURES):
    """Output of a named layer."""
    outputs = keras.Model(model.inputs, model.get_layer(name).output)
    return np.asarray(outputs(inputs_of(model, features)))


def vectors_of(model, ids, name="item_id"):
    """Rows of the embedding table by the formula: zeros for id 0."""
    layer = model.get_layer("embedding")
    table = layer.table.numpy().astype(np.float64)[layer.rows_of(name)]
    return np.where(np.asarray(ids)[..., None] > 0, table[ids], 0)


def softmax_over_real(scores, real):
    """Shares of the real entries; nothing where there is none."""
    shares = np.zeros(len(scores))
    real = np.asarray(real, bool)
    if real.any():
        shares[real] = softmax(np.asarray(scores)[real])
    return shares


def probabilities_behind(model, interests, activation=relu, combiner="mean"):
    """The network of `score` by matrix products, from given interests; genres pooled so."""
    profile = [
        vectors_of(model, FEATURES["user_id"], "user_id"),
        vectors_of(model, FEATURES["decade"], "decade"),
    ]
    genres = vectors_of(model, FEATURES["genres"], "genres")
    count = np.maximum((FEATURES["genres"] > 0).sum(axis=1, keepdims=True), 1)
    count = count if combiner == "mean" else 1
    profile += [genres.sum(axis=1) / count, FEATURES["price"][:, None]]
    candidate = vectors_of(model, FEATURES["item_id"])
    hidden = np.concatenate([*profile, candidate, *interests], axis=1)
    weights = [w.numpy().astype(np.float64) for w in model.get_layer("deep").weights]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        hidden = activation(hidden @ kernel + bias)
    logit = hidden @ weight(model.get_layer("deep_logit"), "kernel")
    return sigmoid(logit[:, 0] + weight(model.get_layer("click"), "bias"))


def normalized_by_the_formula(model, name, interest):
    """What an interest's normalization makes of it in inference, from moments set at random."""
    layer, rng = model.get_layer(name), np.random.default_rng(5)
    layer.moving_mean.assign(rng.normal(size=layer.moving_mean.shape))
    layer.moving_variance.assign(rng.uniform(0.2, 3, layer.moving_variance.shape))
    mean, variance = weight(layer, "moving_mean"), weight(layer, "moving_variance")
    centred = (interest - mean) / np.sqrt(variance + 1e-3)
    return centred * weight(layer, "gamma") + weight(layer, "beta")


def gradients(model, training=True, features=FEATURES):
    """Gradient of a loss in which every row counts differently, by the variable's path."""
    with tf.GradientTape() as tape:
        outputs = model(inputs_of(model, features), training=training)
        outputs = tf.cast(outputs, "float64")
        loss = tf.reduce_sum(tf.sin(5.0 * outputs) * np.arange(1.0, len(outputs) + 1))
        for added in model.losses:
            loss += tf.cast(added, "float64")
    found = tape.gradient(loss, model.trainable_variables)
    return {
        variable.path: None if gradient is None else tf.convert_to_tensor(gradient).numpy()
        for variable, gradient in zip(model.trainable_variables, found, strict=True)
    }
