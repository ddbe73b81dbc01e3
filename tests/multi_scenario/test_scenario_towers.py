"""What holds for the baselines, STAR and HMoE alike in whole runs."""

import functools

import keras
import numpy as np
import pytest
from reference import randomize
from tiny_scenarios import COLUMNS, FEATURES, NUM_ROWS, WIDTH, surfaces

from recsys_lib.data.dataset import Dataset, Split
from recsys_lib.multi_scenario import (
    build_global,
    build_hmoe,
    build_scenario_feature,
    build_scenario_shared_bottom,
    build_separate,
    build_star,
)
from recsys_lib.training import Comparison, fit, predict

SIZES = {"embedding_dim": WIDTH, "hidden_units": (5, 4)}
EXPERTS = {"embedding_dim": WIDTH, "expert_units": (5, 4)}
MODELS = {
    "global": functools.partial(build_global, **SIZES),
    "scenario_feature": functools.partial(build_scenario_feature, **SIZES),
    "separate": functools.partial(build_separate, **SIZES),
    "shared_bottom": functools.partial(build_scenario_shared_bottom, tower_units=(8,), **SIZES),
    "star": functools.partial(build_star, auxiliary_units=(3,), **SIZES),
    "hmoe": functools.partial(build_hmoe, tower_units=(8,), **EXPERTS),
    "hmoe_own_gates": functools.partial(build_hmoe, own_gates=True, **EXPERTS),
}


def trained(name):
    """A model with random weights that has seen rows of two of its three scenarios."""
    model = randomize(MODELS[name](COLUMNS))
    model(of_model(model, surfaces(1, 2, 2)), training=True)
    return model


def of_model(model, features):
    names = {tensor.name for tensor in model.inputs}
    return {name: values for name, values in features.items() if name in names}


@pytest.mark.parametrize("name", MODELS)
def test_ids_outside_the_vocabulary_are_errors(name):
    model = trained(name)
    if name != "global":
        with pytest.raises(ValueError, match="column 'surface': expected ids from 0 to 3, got 4"):
            predict(model, surfaces(1, 4))
    bad = {**FEATURES, "user_id": np.full(NUM_ROWS, 6, np.int32)}
    with pytest.raises(ValueError, match="column 'user_id': expected ids from 0 to 5, got 6"):
        predict(model, bad)


def tiny_dataset(num_rows=120, train_surfaces=(1, 2)):
    """Clicks of scenario 1 follow the price, those of scenario 2 go against it."""
    rng, splits, first = np.random.default_rng(0), [], 0
    for known in (train_surfaces, train_surfaces, (1, 2, 3)):
        features = {
            "user_id": rng.integers(1, 6, num_rows).astype(np.int32),
            "surface": rng.choice(known, num_rows).astype(np.int32),
            "item_id": rng.integers(1, 5, num_rows).astype(np.int32),
            "price": rng.normal(size=num_rows).astype(np.float32),
            "history": np.sort(rng.integers(0, 5, (num_rows, 3)))[:, ::-1].astype(np.int32),
        }
        sign = np.where(features["surface"] == 2, -1, 1)
        labels = (sign * features["price"] > 0).astype(np.float32)
        splits.append(
            Split(features, {"click": labels}, features["user_id"], first + np.arange(num_rows))
        )
        first += num_rows
    return Dataset("tiny", COLUMNS, *splits)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "global"])
def test_training_tells_scenarios_apart_and_remembers_which_it_saw(name):
    dataset = tiny_dataset()
    keras.utils.set_random_seed(0)
    units = "expert_units" if name.startswith("hmoe") else "hidden_units"
    model = MODELS[name](COLUMNS, **{units: (16, 8)})
    optimizer = keras.optimizers.Adam(0.02)
    fit(model, dataset, optimizer, epochs=40, batch_size=32, patience=None, progress=False)
    for scenario in (1, 2):
        rows = dataset.test.features["surface"] == scenario
        label = dataset.test.labels["click"][rows]
        accuracy = ((predict(model, dataset.test.features)["click"][rows] > 0.5) == label).mean()
        assert accuracy > 0.8
    known = model.get_layer("known_scenarios").rows.numpy()
    assert known[1] + known[2] == 40 * 120 and known[3] == 0
    unknown = predict(model, {**FEATURES, "surface": np.zeros(NUM_ROWS, np.int32)})["click"]
    new = predict(model, {**FEATURES, "surface": np.full(NUM_ROWS, 3, np.int32)})["click"]
    np.testing.assert_array_equal(new, unknown)


@pytest.mark.parametrize("name", ["separate", "star"])
def test_a_second_seed_starts_from_nothing(name):
    dataset = tiny_dataset()
    options = {"epochs": 1, "batch_size": 32, "patience": None, "progress": False}
    result = Comparison({name: MODELS[name]}, **options).on(dataset, seeds=[3, 4])
    keras.utils.set_random_seed(4)
    fresh = MODELS[name](COLUMNS)
    fit(fresh, dataset, seed=4, **options)
    for variable, expected in zip(result.model(name, 4).weights, fresh.weights, strict=True):
        np.testing.assert_array_equal(variable.numpy(), expected.numpy())
