"""Every option of every builder acts, on every layer that it is meant for.

Two models are built that differ in one option. With equal seed and weights each layer that the
option has to reach (see ``rows``) must differ: in its output, in its output or loss in training, or
in its initial values. A configuration that differs is not enough: it may be handed on to nobody.

Options of hidden layers are counted, too: what happens in the first of three layers alone changes
whatever comes behind it.
"""

import functools
from fnmatch import fnmatchcase
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from graph import outputs_alone, outputs_of_layers
from rows import CHECKED
from rows.checked import Option, depth, options_of, patterns_of, reached, second_value
from world import (
    OTHERWISE_MADE,
    OWN,
    by_key,
    columns_by_key,
    columns_of,
    features_of,
    fresh,
    inputs_of,
    settings_of,
    tasks_of,
)

from recsys_lib.keras_internals import layers_of
from recsys_lib.layers import PredictionHead
from recsys_lib.layers.blocks import BatchNormalization
from recsys_lib.multi_scenario.by_scenario import PartitionedNormalization
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

CASES = [
    pytest.param(key, name, id=f"{key}-{name}") for key in OWN for name in options_of(by_key(key))
]


def test_a_builder_with_several_rows_has_its_options_tested_once():
    builders = [by_key(key).builder for key in OWN]
    assert len(set(builders)) == len(builders)
    assert {model.builder for model in MODELS} == set(builders)


@pytest.mark.parametrize("key", [k for k in CHECKED if k not in (*OWN, *OTHERWISE_MADE)])
def test_the_row_that_stands_for_its_builder_has_the_layers_of_the_others(key):
    (own,) = [one for one in OWN if by_key(one).builder == by_key(key).builder]
    kinds, more = ({type(layer) for layer in layers_of(fresh(one))} for one in (key, own))
    assert kinds <= more


def weights_by_path(model):
    return {variable.path: variable for variable in model.variables}


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


@functools.lru_cache(maxsize=4)
def base_of(key, beside):
    """A row's model beside options ``((name, value), ...)``, as a second one is compared with it.

    Returns:
        Its ``model``, ``settings``, initial values by layer, weights by path before and values of
        all weights after its passes, and what these ``saw``.
    """
    settings = {**settings_of(by_key(key)), **dict(beside)}
    model = fresh(key, **dict(beside))
    initial = {layer.name: values_of(layer) for layer in model.layers}
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(0.5 * rng.normal(size=variable.shape))
    weights = {path: variable.numpy() for path, variable in weights_by_path(model).items()}
    saw = passes_of(model, features_of(columns_by_key(key)))
    after = [variable.numpy() for variable in model.variables]
    return SimpleNamespace(
        model=model, settings=settings, initial=initial, weights=weights, after=after, saw=saw
    )


def passes_of(model, features):
    inputs = {tensor.name: features[tensor.name] for tensor in model.inputs}
    inference, _, calls = outputs_of_layers(model, inputs)
    training, losses, training_calls = outputs_of_layers(model, inputs, training=True)
    return SimpleNamespace(
        inference=inference,
        training=training,
        losses=losses,
        calls=calls,
        training_calls=training_calls,
    )


@pytest.mark.parametrize(("key", "name"), CASES)
def test_the_option_acts(key, name):
    row, checked = by_key(key), CHECKED[key]
    option = checked.acts.get(name, Option())
    first = base_of(key, tuple(option.beside.items()))
    base = {**options_of(row), **row.options, **first.settings}[name]
    value = second_value(name, option, base)
    assert value != base
    changed = {**first.settings, name: value}
    columns = columns_by_key(key)
    if name == "num_sessions":  # the layout of the data follows the option
        columns = columns_of(row, value)
    keras.utils.set_random_seed(0)
    second = row.build(columns, tasks_of(row), **changed)
    initial = {layer.name: values_of(layer) for layer in second.layers}
    for path, variable in weights_by_path(second).items():
        if path in first.weights and first.weights[path].shape == variable.shape:
            variable.assign(first.weights[path])
    for variable, values in zip(first.model.variables, first.after, strict=True):
        variable.assign(values)
    saw = passes_of(second, features_of(columns_by_key(key)))
    layers = {
        layer.name: (layer_of(first.model, layer.name), layer_of(second, layer.name))
        for model in (first.model, second)
        for layer in reached(model, checked, name)
    }
    assert layers, f"{name}: expected layers that it reaches, got none of {list(initial)}"
    for pattern in patterns_of(checked, name):
        assert any(fnmatchcase(layer, pattern) for layer in layers), f"no layer is a {pattern!r}"
    for layer, (one, other) in layers.items():
        if one is None or other is None:
            continue  # the option takes the layer away, or brings it
        losses = differ([first.saw.losses[layer]], [saw.losses[layer]])
        if name in OF_THE_LAYER and not isinstance(other, keras.layers.Dense | PredictionHead):
            # Its own doing: on the very tensors that the first model's layer was given.
            acts = (
                losses
                or differ_in_kind(first.initial[layer], initial[layer])
                or any(
                    differ(outputs_alone(one, calls), outputs_alone(other, calls))
                    for calls in (first.saw.calls[layer], first.saw.training_calls[layer])
                )
            )
            assert acts, f"{name}={value!r} changes nothing inside layer {layer!r}"
            continue
        acts = (
            losses
            or differ(first.initial[layer], initial[layer])
            or differ(first.saw.inference[layer], saw.inference[layer])
            or differ(first.saw.training[layer], saw.training[layer])
        )
        assert acts, f"{name}={value!r} changes nothing at layer {layer!r}"


DEEP = {"num_cross_layers": 3, "num_layers": 3, "num_levels": 3, "num_tower_layers": 3}
"""Of whatever there is a number of layers: three."""

NORMALIZATIONS = {
    "batch_normalization": (BatchNormalization, PartitionedNormalization),
    "layer_normalization": (keras.layers.LayerNormalization,),
}


def deep_settings(row):
    """The options of the tests' model, with three hidden layers wherever widths are listed."""
    settings = {**settings_of(row)}
    settings |= {name: number for name, number in DEEP.items() if name in options_of(row)}
    for name, value in settings.items():
        if isinstance(value, tuple) and value:
            settings[name] = (*value, 3, 3)[:3]
    return settings


def is_counted(name):
    return name.endswith(("_rate", "activation")) or name in NORMALIZATIONS


@pytest.mark.parametrize("key", CHECKED)
def test_every_hidden_layer_has_the_options_of_hidden_layers(key, monkeypatch):
    """Counted in one pass in training: dropout of a rate, normalizations, calls of activations."""
    row, checked = by_key(key), CHECKED[key]
    settings, calls, called = deep_settings(row), [], {}
    names = [name for name in options_of(row) if is_counted(name)]
    for number, name in enumerate(names):
        settings |= checked.acts.get(name, Option()).beside
        if name.endswith("_rate"):
            settings[name] = (number + 1) / 100
        else:
            settings[name] = True if name in NORMALIZATIONS else activation_that_tells(name, calls)
    model = fresh(key, **settings)
    original = keras.layers.Layer.__call__

    def call(layer, *args, **kwargs):
        called[id(layer)] = layer
        return original(layer, *args, **kwargs)

    calls.clear()
    monkeypatch.setattr(keras.layers.Layer, "__call__", call)
    model(inputs_of(model, key), training=True)
    for name in names:
        layers = reached(model, checked, name)
        if name == "activation":  # a layer with an option of its own does not listen to this one
            others = [n for n in names if n.endswith("_activation")]
            own = [layer for other in others for layer in reached(model, checked, other)]
            layers = [layer for layer in layers if layer not in own]
        expected = sum(depth(layer, name) for layer in layers)
        if name.endswith("_rate"):
            dropouts = [x for x in called.values() if isinstance(x, keras.layers.Dropout)]
            found = sum(layer.rate == settings[name] for layer in dropouts)
        elif name in NORMALIZATIONS:
            found = sum(isinstance(layer, NORMALIZATIONS[name]) for layer in called.values())
        else:
            found = calls.count(name)
        assert found == expected, f"{name}: expected it in {expected} hidden layers, got {found}"
        assert expected or checked.variant_of, f"{name}: expected hidden layers, got none"


def activation_that_tells(name, calls):
    """An activation that leaves its name in a list whenever it is called."""

    def activation(values):
        calls.append(name)
        return keras.ops.tanh(values)

    return activation


OF_KERAS = {"activation": ("rellu", "relu"), "embeddings_initializer": ("zeroes", "zeros")}


@pytest.mark.parametrize(
    ("key", "name"), [case.values for case in CASES if case.values[1] in OF_KERAS]
)
def test_a_name_that_keras_does_not_know_is_said_with_the_nearest(key, name):
    wrong, meant = OF_KERAS[name]
    message = f"^{name}: expected .* got '{wrong}'; did you mean '{meant}'"
    with pytest.raises(ValueError, match=message):
        fresh(key, **{name: wrong})
