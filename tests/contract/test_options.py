"""Every option of every builder acts, on every layer that it is meant for.

Two models are built that differ in one option. With equal seed and weights each layer that the
row of the zoo names must differ: in its output, in its output or loss in training, or in its
initial values. A configuration that differs is not enough: it may be handed on to nobody.
"""

import inspect

import keras
import numpy as np
import pytest
from graph import outputs_alone, outputs_of_layers
from world import by_key, columns_by_key, columns_of, features_of, tasks_of

from recsys_lib.layers import PredictionHead
from recsys_lib.zoo import MODELS

OF_THE_LAYER = (
    "activation",
    "dropout_rate",
    "batch_normalization",
    "embeddings_initializer",
    "embedding_l2",
    "linear_l2",
    "gate_units",
)
"""Options of a layer itself: what lies before it must not be what changes its output."""

OWN = [model for model in MODELS if model.variant_of is None]
CASES = [
    pytest.param(model.key, name, id=f"{model.key}-{name}")
    for model in OWN
    for name in model.second
]


def options_of(function):
    return [
        name
        for name in inspect.signature(function).parameters
        if name not in ("feature_columns", "tasks")
    ]


@pytest.mark.parametrize("model", OWN, ids=lambda model: model.key)
def test_every_parameter_has_an_entry(model):
    assert sorted(model.second) == sorted(options_of(model.function))


@pytest.mark.parametrize(
    "model", [m for m in MODELS if m.variant_of is not None], ids=lambda model: model.key
)
def test_a_variant_has_the_builder_of_its_family(model):
    family = by_key(model.variant_of)
    assert family.variant_of is None
    assert model.builder == family.builder


def make(model, columns, options, seed=0):
    keras.utils.set_random_seed(seed)
    return model.build(columns, tasks_of(model), **options)


def weights_by_path(model):
    return {variable.path: variable for variable in model.variables}


def give_equal_weights(first, second):
    """Random weights for the first model; the second gets those that it has in the same shape."""
    rng = np.random.default_rng(1)
    theirs = weights_by_path(second)
    for variable in first.trainable_variables:
        variable.assign(0.5 * rng.normal(size=variable.shape))
    for path, variable in weights_by_path(first).items():
        other = theirs.get(path)
        if other is not None and other.shape == variable.shape:
            other.assign(variable)


def values_of(layer):
    return [variable.numpy() for variable in layer.weights]


def differ(first, second):
    """Whether two lists of arrays or tensors are not the same."""
    if len(first) != len(second):
        return True
    for one, other in zip(first, second, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape or not np.allclose(one, other, rtol=1e-5, atol=1e-6):
            return True
    return False


def differ_in_kind(first, second):
    """Whether initial values have other shapes, or are equal numbers in one model only."""
    if [values.shape for values in first] != [values.shape for values in second]:
        return True
    return any(
        np.ptp(x) == 0 < np.ptp(y) or np.ptp(y) == 0 < np.ptp(x)
        for x, y in zip(first, second, strict=True)
        if x.size and y.size
    )


def layer_of(model, name):
    """The layer of that name, or None where the option takes it away."""
    return next((layer for layer in model.layers if layer.name == name), None)


@pytest.mark.parametrize(("key", "name"), CASES)
def test_the_option_acts(key, name):
    model = by_key(key)
    option = model.second[name]
    base = {**model.tiny, **option.beside}
    changed = {**base, name: option.value}
    columns = columns_by_key(key)
    columns_then = columns
    if name == "num_sessions":  # the layout of the data follows the option
        columns_then = columns_of(model, option.value)
    first, second = make(model, columns, base), make(model, columns_then, changed)
    initial = {
        layer: [values_of(part) if part is not None else [] for part in parts]
        for layer in option.reaches
        for parts in [(layer_of(first, layer), layer_of(second, layer))]
    }
    reached_in_both = {
        layer: (layer_of(first, layer), layer_of(second, layer)) for layer in option.reaches
    }
    for layer, (one, other) in reached_in_both.items():
        assert one is not None or other is not None, f"no layer is called {layer!r}"
    give_equal_weights(first, second)
    features = features_of(columns)
    seen = []
    for made in (first, second):
        inputs = {tensor.name: features[tensor.name] for tensor in made.inputs}
        inference, _, calls = outputs_of_layers(made, inputs)
        training, losses, training_calls = outputs_of_layers(made, inputs, training=True)
        seen.append((inference, training, losses, calls, training_calls))
    for layer, (one, other) in reached_in_both.items():
        if one is None or other is None:
            continue  # the option takes the layer away, or brings it
        if name in OF_THE_LAYER and not isinstance(other, keras.layers.Dense | PredictionHead):
            # Its own doing: on the very tensors that the first model's layer was given.
            acts = (
                differ_in_kind(*initial[layer])
                or any(
                    differ(outputs_alone(one, calls), outputs_alone(other, calls))
                    for calls in (seen[0][3][layer], seen[0][4][layer])
                )
                or differ([seen[0][2][layer]], [seen[1][2][layer]])
            )
            assert acts, f"{name}={option.value!r} changes nothing inside layer {layer!r}"
            continue
        acts = (
            differ(*initial[layer])
            or differ(seen[0][0][layer], seen[1][0][layer])
            or differ(seen[0][1][layer], seen[1][1][layer])
            or differ([seen[0][2][layer]], [seen[1][2][layer]])
        )
        assert acts, f"{name}={option.value!r} changes nothing at layer {layer!r}"
