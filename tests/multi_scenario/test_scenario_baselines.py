"""Global, scenario as feature, separate, shared bottom: formulas, and whose gradient goes where."""

import functools

import numpy as np
import pytest
from reference import randomize, sigmoid
from tiny_scenarios import (
    COLUMNS,
    COUNT,
    FEATURES,
    NUM_ROWS,
    WIDTH,
    gradients_of,
    mlp,
    numbers,
    output_of,
    relu_network,
    rows,
    surfaces,
)

from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.multi_scenario import (
    build_global,
    build_scenario_feature,
    build_scenario_shared_bottom,
    build_separate,
)

SIZES = {"embedding_dim": WIDTH, "hidden_units": (5, 4)}
MODELS = {
    "global": functools.partial(build_global, **SIZES),
    "scenario_feature": functools.partial(build_scenario_feature, **SIZES),
    "separate": functools.partial(build_separate, **SIZES),
    "shared_bottom": functools.partial(build_scenario_shared_bottom, tower_units=(3,), **SIZES),
}


def without_surface(features):
    return {name: values for name, values in features.items() if name != "surface"}


def one_network(model, features):
    """Probability of a network ``network`` over ``features``."""
    kernels, biases = mlp(model.get_layer("network"))
    last = model.get_layer("network_logit").get_weights()[0].astype(np.float64)
    logit = relu_network(features, [*kernels, last], [*biases, np.zeros(1)])[:, 0]
    return sigmoid(logit + numbers(model.get_layer("click"), "bias"))


def test_global_is_a_plain_network_without_the_scenario():
    model = randomize(MODELS["global"](COLUMNS))
    assert "surface" not in {tensor.name for tensor in model.inputs}
    given = without_surface(FEATURES)
    expected = one_network(model, output_of(model, "features", given))
    np.testing.assert_allclose(model(given), expected, rtol=1e-5)
    # user, item and history of width 2, and the price
    assert model.get_layer("features").output.shape == (None, 7)


def test_the_scenario_as_a_feature_is_one_more_embedding():
    model = randomize(MODELS["scenario_feature"](COLUMNS))
    features = output_of(model, "features")
    assert features.shape == (NUM_ROWS, 9)
    np.testing.assert_allclose(model(FEATURES), one_network(model, features), rtol=1e-5)
    table = model.get_layer("embedding")
    vectors = table.table.numpy()[table.rows_of("surface")][FEATURES["surface"]]
    places = [
        column for column in range(8) if np.allclose(features[:, column], vectors[:, 0], rtol=1e-6)
    ]
    assert len(places) == 1
    np.testing.assert_allclose(features[:, places[0] + 1], vectors[:, 1], rtol=1e-6)


def test_an_untrained_scenario_is_the_zero_vector():
    model = randomize(MODELS["scenario_feature"](COLUMNS))
    unknown = model(surfaces(0)).numpy()
    assert np.abs(model(surfaces(3)).numpy() - unknown).max() > 1e-3
    model(surfaces(1, 2), training=True)
    np.testing.assert_array_equal(model(surfaces(3)), unknown)
    assert np.abs(model(surfaces(2)).numpy() - unknown).max() > 1e-3


def of_scenario(separate, scenario):
    """The plain network with the weights that ``separate`` keeps for one scenario."""
    plain = MODELS["global"](COLUMNS)
    networks = [w.numpy()[scenario - 1] for w in separate.get_layer("own_networks").weights]
    plain.get_layer("network").set_weights(networks[:4])
    plain.get_layer("network_logit").set_weights(networks[4:5])
    plain.get_layer("click").set_weights([networks[5][0]])
    own, table = separate.get_layer("embedding"), plain.get_layer("embedding")
    values = np.zeros(table.table.shape, np.float32)
    for name, size in (("user_id", 6), ("item_id", 5)):
        first = own.rows_of(name).start + (scenario - 1) * (size - 1)
        values[table.rows_of(name)][1:] = own.table.numpy()[first + 1 : first + size]
    table.set_weights([values])
    return plain


def test_separate_models_are_plain_networks_side_by_side():
    model = randomize(MODELS["separate"](COLUMNS))
    found = model(FEATURES).numpy()
    for scenario in range(1, COUNT + 1):
        own = FEATURES["surface"] == scenario
        expected = of_scenario(model, scenario)(without_surface(rows(own)))
        np.testing.assert_allclose(found[own], expected, rtol=1e-5)
    # As many weights as plain networks; the unused rows of id 0 are shared.
    plain = MODELS["global"](COLUMNS)
    shared_rows = 2 * WIDTH
    own = sum(int(np.prod(v.shape)) for v in plain.trainable_variables) - shared_rows
    total = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert total == COUNT * own + shared_rows


def test_a_row_trains_its_own_separate_model_and_no_other():
    model = randomize(MODELS["separate"](COLUMNS))
    table = model.get_layer("embedding")
    for scenario in range(1, COUNT + 1):
        gradients = gradients_of(model, rows(FEATURES["surface"] == scenario))
        foreign = np.arange(COUNT) != scenario - 1
        for path, gradient in gradients.items():
            if path.startswith("own_networks"):
                assert np.abs(gradient[scenario - 1]).max() > 0 and not gradient[foreign].any()
        own = {0}
        for name, size in (("user_id", 6), ("item_id", 5)):
            first = table.rows_of(name).start + (scenario - 1) * (size - 1)
            own |= set(range(first + 1, first + size))
        touched = set(np.flatnonzero(np.abs(gradients["embedding/table"]).max(axis=1)))
        assert touched and touched <= own


def test_shared_bottom_equals_its_formula():
    model = randomize(MODELS["shared_bottom"](COLUMNS))
    assert model.get_layer("features").output.shape == (None, 7)
    kernels, biases = mlp(model.get_layer("shared_bottom"))
    bottom = np.maximum(relu_network(output_of(model, "features"), kernels, biases), 0)
    towers, logits = model.get_layer("towers"), []
    for row, surface in zip(bottom, FEATURES["surface"], strict=True):
        of_tower = [
            [numbers(towers, f"{kind}_{layer}")[surface - 1] for layer in (0, 1)]
            for kind in ("kernel", "bias")
        ]
        logits.append(relu_network(row, *of_tower)[0])
    expected = sigmoid(np.array(logits) + numbers(model.get_layer("click"), "bias"))
    np.testing.assert_allclose(model(FEATURES), expected, rtol=1e-4)


def test_a_row_trains_the_bottom_and_its_own_tower():
    # Wide enough that no ReLU closes a path for all rows of a scenario.
    model = randomize(
        build_scenario_shared_bottom(
            COLUMNS, embedding_dim=WIDTH, hidden_units=(16, 16), tower_units=(16,)
        )
    )
    for scenario in range(1, COUNT + 1):
        gradients = gradients_of(model, rows(FEATURES["surface"] == scenario))
        foreign = np.arange(COUNT) != scenario - 1
        for path, gradient in gradients.items():
            assert np.abs(gradient).max() > 0
            if path.startswith("towers"):
                assert not gradient[foreign].any()


@pytest.mark.parametrize("name", ["separate", "shared_bottom"])
def test_the_largest_scenario_answers_for_unknown_ones(name):
    model = randomize(MODELS[name](COLUMNS))
    model(surfaces(2, 2, 1), training=True)
    largest = model(surfaces(2)).numpy()
    assert np.abs(model(surfaces(1)).numpy() - largest).max() > 1e-3
    for unknown in (0, 3):
        np.testing.assert_array_equal(model(surfaces(unknown)), largest)


def test_the_scenario_may_be_any_column_of_ids():
    columns = [CategoricalColumn("decade", 4, group="item"), *COLUMNS[2:4]]
    for build in MODELS.values():
        model = build(columns, "like", scenario="decade")
        assert model.output_names == ["like"]


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)
def test_bad_arguments_are_named(build):
    with pytest.raises(ValueError, match="expected one column of group 'scenario'"):
        build([COLUMNS[0], COLUMNS[2]])
    with pytest.raises(ValueError, match="expected others beside 'surface'"):
        build(COLUMNS[1:2])
    with pytest.raises(ValueError, match="hidden_units: expected an integer of 1 or more"):
        build(COLUMNS, hidden_units=(4, 0))
    with pytest.raises(ValueError, match="hidden_units: expected at least 1 layer"):
        build(COLUMNS, hidden_units=())
    with pytest.raises(ValueError, match="tasks: expected one task"):
        build(COLUMNS, ("click", "like"))


def test_numbers_need_no_table():
    columns = [COLUMNS[1], NumericColumn("price")]
    features = {"surface": FEATURES["surface"], "price": FEATURES["price"]}
    assert randomize(MODELS["separate"](columns))(features).shape == (NUM_ROWS,)
