"""AdaSparse: its formula in all forms, what is pruned exactly, and what the bounds cost."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize, sigmoid
from test_scenario_towers import tiny_dataset
from tiny_scenarios import (
    COLUMNS,
    COUNT,
    FEATURES,
    NUM_ROWS,
    WIDTH,
    gradients_of,
    numbers,
    output_of,
    rows,
    surfaces,
    vectors_of,
)

from recsys_lib.multi_scenario import build_adasparse, build_scenario_feature
from recsys_lib.multi_scenario.adasparse import FORMS, Pruner
from recsys_lib.training import fit, predict

UNITS = (8, 6)
NUMBERS = {"alpha": 1.5, "beta": 1.8, "epsilon": 0.4}
build = functools.partial(
    build_adasparse, COLUMNS, embedding_dim=WIDTH, hidden_units=UNITS, **NUMBERS
)


def factors(form, v):
    """The three forms of the paper."""
    weight = NUMBERS["beta"] * sigmoid(NUMBERS["alpha"] * v)
    if form == "scaling":
        return weight
    if form == "fusion":
        return np.where(weight > NUMBERS["epsilon"], weight, 0)
    return np.where(sigmoid(NUMBERS["alpha"] * v) > NUMBERS["epsilon"], 1, 0)


def layers_of(model, form, features=FEATURES):
    """Output and factors of each hidden layer, from the embeddings on, in double precision."""
    domain = vectors_of(model, "embedding", "surface", features["surface"])
    current = output_of(model, "features", features)
    for layer in (1, 2):
        dense = model.get_layer(f"hidden_{layer}")
        hidden = np.maximum(current @ numbers(dense, "kernel") + numbers(dense, "bias"), 0)
        pruner = model.get_layer(f"pruner_{layer}").map
        read = np.hstack([domain, hidden])
        factor = factors(form, read @ numbers(pruner, "kernel") + numbers(pruner, "bias"))
        yield hidden, factor
        current = factor * hidden


@pytest.mark.parametrize("form", FORMS)
def test_adasparse_equals_its_formula(form):
    model = randomize(build(form=form))
    assert model.get_layer("features").output.shape == (None, 9)
    found = list(layers_of(model, form))
    for layer, (_, factor) in enumerate(found, start=1):
        np.testing.assert_allclose(output_of(model, f"pruner_{layer}"), factor, rtol=1e-4)
    logit = np.prod(found[-1], axis=0) @ numbers(model.get_layer("network_logit"), "kernel")[:, 0]
    expected = sigmoid(logit + numbers(model.get_layer("click"), "bias"))
    np.testing.assert_allclose(model(FEATURES), expected, rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_pruned_neurons_are_exact_zeros_and_kept_ones_are_what_the_form_says(form):
    model = randomize(build(form=form), scale=0.8)
    for layer in (1, 2):
        factor = output_of(model, f"pruner_{layer}")
        hidden = output_of(model, f"hidden_{layer}")
        after = output_of(model, f"pruned_{layer}")
        assert not after[factor == 0].any()
        kept = factor[factor != 0]
        assert kept.max() <= 1.8 + 1e-6
        if form == "scaling":
            assert kept.size == factor.size and kept.min() < 0.4
            continue
        # Exactly: the threshold's value must not be changed by what carries its gradient.
        assert 0 < kept.size < factor.size
        assert (kept == 1).all() if form == "binarization" else kept.min() > 0.4
        assert (hidden[factor == 0] > 0).any()


def copied(model):
    """The plain network that reads the scenario as a feature, with the model's weights."""
    plain = build_scenario_feature(COLUMNS, embedding_dim=WIDTH, hidden_units=UNITS)
    names = ("embedding", "known_scenarios", "network_logit", "click")
    for name in names:
        plain.get_layer(name).set_weights(model.get_layer(name).get_weights())
    hidden = [model.get_layer(f"hidden_{layer}").get_weights() for layer in (1, 2)]
    plain.get_layer("network").set_weights([*hidden[0], *hidden[1]])
    return plain


@pytest.mark.parametrize("form", FORMS)
def test_a_pruner_of_ones_leaves_the_plain_network(form):
    model = randomize(build(form=form, beta=2.0))
    for layer in (1, 2):
        dense = model.get_layer(f"pruner_{layer}").map
        dense.set_weights([np.zeros_like(weight) for weight in dense.get_weights()])
        assert (output_of(model, f"pruner_{layer}") == 1).all()
    np.testing.assert_array_equal(model(FEATURES), copied(model)(FEATURES))


@pytest.mark.parametrize("form", FORMS)
def test_every_weight_is_reached(form):
    # Wide enough that no ReLU closes a path for all rows.
    model = randomize(
        build_adasparse(COLUMNS, embedding_dim=WIDTH, hidden_units=(16, 16), form=form)
    )
    for path, gradient in gradients_of(model).items():
        assert np.abs(gradient).max() > 0, path


@pytest.mark.parametrize("form", FORMS)
def test_a_threshold_passes_the_gradient_of_what_is_below_it(form):
    pruner = Pruner(form, **NUMBERS)
    rng = np.random.default_rng(0)
    domain, hidden, seed = (rng.normal(size=(20, width)).astype("f4") for width in (2, 5, 5))
    pruner(domain, hidden)
    with tf.GradientTape() as tape:
        factor = pruner(domain, hidden)
        loss = tf.reduce_sum(seed * factor)
    found = tape.gradient(loss, pruner.map.bias).numpy()
    read = np.hstack([domain, hidden]).astype(np.float64)
    below = sigmoid(NUMBERS["alpha"] * (read @ numbers(pruner.map, "kernel")))
    slope = NUMBERS["alpha"] * below * (1 - below)
    largest = 1 if form == "binarization" else NUMBERS["beta"]
    np.testing.assert_allclose(found, (seed * largest * slope).sum(axis=0), rtol=1e-3, atol=1e-5)
    # Pruned neurons are among those that learn.
    assert form == "scaling" or (factor.numpy() == 0).any()


BOUNDS = {"pruned_share": (0.3, 0.5), "sparsity_weight": 0.7}


def penalties(model, form):
    """Loss of each row and layer, from the formula."""
    for _, factor in layers_of(model, form):
        share = (factor == 0).mean(axis=1)
        outside = (share < 0.3) | (share > 0.5)
        yield np.where(outside, 0.7 * (share - 0.4) ** 2, 0)


@pytest.mark.parametrize("form", FORMS)
def test_leaving_the_bounds_costs_in_training_only(form):
    model = randomize(build(form=form, **BOUNDS))
    model(FEATURES)
    assert model.losses == []
    model(FEATURES, training=True)
    if form == "scaling":
        assert model.losses == []
        return
    expected = np.array(list(penalties(model, form)))
    # Rows inside and outside, on both sides.
    assert (expected == 0).any() and (expected > 0).any()
    np.testing.assert_allclose(sum(model.losses), expected.mean(axis=1).sum(), rtol=1e-4)


@pytest.mark.parametrize(("units", "off", "low"), [(20, 3, 0.15), (40, 6, 0.15), (100, 15, 0.15)])
def test_a_share_on_a_bound_is_inside(units, off, low):
    pruner = Pruner(pruned_share=(low, low + 0.2), sparsity_weight=1.0)
    rows = np.zeros((2, units), np.float32)
    pruner(rows, rows)
    pruner.map.bias.assign(np.where(np.arange(units) < off, -12, 12))
    pruner(rows, rows, training=True)
    assert float(sum(pruner.losses)) == 0


@pytest.mark.parametrize("form", ["binarization", "fusion"])
def test_no_bounds_no_loss(form):
    for options in ({"sparsity_weight": 0.0}, {"pruned_share": (0, 1), "sparsity_weight": 1.0}):
        model = randomize(build(form=form, **options))
        model(FEATURES, training=True)
        assert not np.any(model.losses)


@pytest.mark.parametrize(("num_off", "sign"), [(10, -1), (4, 0), (0, 1)])
def test_the_loss_pulls_the_share_of_pruned_neurons_between_its_bounds(num_off, sign):
    pruner = Pruner("fusion", alpha=0.3, **BOUNDS)
    rng = np.random.default_rng(0)
    domain, hidden = (rng.normal(size=(30, width)).astype("f4") for width in (2, 10))
    pruner(domain, hidden)
    pruner.map.bias.assign(np.where(np.arange(10) < num_off, -12, 12))
    with tf.GradientTape() as tape:
        factor = pruner(domain, hidden, training=True)
        (loss,) = pruner.losses
    share = (factor.numpy() == 0).mean(axis=1)
    np.testing.assert_allclose(share, num_off / 10, rtol=1e-6)
    read = np.hstack([domain, hidden]).astype(np.float64)
    below = sigmoid(0.3 * (read @ numbers(pruner.map, "kernel") + numbers(pruner.map, "bias")))
    pull = 0.7 * 2 * (num_off / 10 - 0.4) / 10
    expected = -(pull * 0.3 * below * (1 - below)).mean(axis=0)
    found = tape.gradient(loss, pruner.map.bias).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-8)
    assert (np.sign(found) == sign).all()


def test_the_factors_differ_between_scenarios_with_equal_features():
    model = randomize(build())
    for layer in (1, 2):
        first, second = (output_of(model, f"pruner_{layer}", surfaces(s)) for s in (1, 2))
        assert np.abs(first - second).max() > 0.1


def test_a_mixed_batch_equals_its_scenarios_apart_in_any_order():
    for form in FORMS:
        model = randomize(build(form=form))
        together = model(FEATURES).numpy()
        assert np.ptp(together) > 1e-3
        for scenario in range(1, COUNT + 1):
            own = FEATURES["surface"] == scenario
            np.testing.assert_allclose(model(rows(own)), together[own], rtol=1e-5)
        order = np.random.default_rng(0).permutation(NUM_ROWS)
        np.testing.assert_allclose(model(rows(order)), together[order], rtol=1e-5)


def test_an_unseen_scenario_is_the_zero_vector():
    model = randomize(build())
    model(surfaces(1, 2), training=True)
    unknown = model(surfaces(0)).numpy()
    np.testing.assert_array_equal(model(surfaces(3)), unknown)
    assert np.abs(model(surfaces(2)).numpy() - unknown).max() > 1e-3
    for layer, (_, factor) in enumerate(layers_of(model, "fusion", surfaces(0)), start=1):
        found = output_of(model, f"pruner_{layer}", surfaces(3))
        np.testing.assert_allclose(found, factor, rtol=1e-4)


def test_the_pruners_train_the_table_of_the_features():
    model = randomize(build())
    assert sum("table" in v.path for v in model.trainable_variables) == 1
    # The network itself does not read the scenario any more: what remains is the pruners' doing.
    dense = model.get_layer("hidden_1")
    kernel, bias = dense.get_weights()
    features = output_of(model, "features", rows([0]))[0]
    vector = vectors_of(model, "embedding", "surface", FEATURES["surface"][:1])[0]
    (start,) = [at for at in range(8) if np.allclose(features[at : at + WIDTH], vector)]
    kernel[start : start + WIDTH] = 0
    dense.set_weights([kernel, bias])
    table = model.get_layer("embedding")
    gradient = gradients_of(model)[table.table.path]
    assert np.abs(gradient[table.rows_of("surface")]).max() > 0


def test_a_run_learns_scenarios_that_go_against_each_other_and_keeps_to_the_bounds():
    dataset = tiny_dataset()
    keras.utils.set_random_seed(0)
    model = build_adasparse(COLUMNS, embedding_dim=WIDTH, hidden_units=(16, 8), sparsity_weight=1.0)
    optimizer = keras.optimizers.Adam(0.02)
    fit(model, dataset, optimizer, epochs=40, batch_size=32, patience=None, progress=False)
    features = dataset.test.features
    seen = features["surface"] < 3
    label = dataset.test.labels["click"][seen]
    assert ((predict(model, features)["click"][seen] > 0.5) == label).mean() > 0.8
    for layer in (1, 2):
        share = (output_of(model, f"pruner_{layer}", dataset.train.features) == 0).mean()
        assert 0.1 < share < 0.35


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build_adasparse(COLUMNS[2:]), "expected one column of group 'scenario'"),
        (lambda: build_adasparse(COLUMNS[1:2]), "expected others beside 'surface', got none"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
