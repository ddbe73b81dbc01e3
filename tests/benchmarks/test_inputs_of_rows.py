"""What the benchmarks train on: every model of the zoo, each where it has what it needs."""

import numpy as np
import pytest

from benchmarks import inputs
from recsys_lib.data import simulator
from recsys_lib.second_order import build_pnn
from recsys_lib.zoo import MODELS, find


def test_every_model_of_the_zoo_is_measured_once():
    keys = [key for kind in inputs.HAS for key in inputs.models_of(kind)]
    assert sorted(keys) == sorted(model.key for model in MODELS)
    assert set(inputs.HAS) == set(inputs.LOADERS)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("deepfm", "crosses"),
        ("din", "sequences"),
        ("dsin", "sequences"),
        ("ple", "multi_task"),
        ("esmm", "multi_task"),
        ("star", "multi_scenario"),
        ("ranker", "requests"),
    ],
)
def test_a_model_is_measured_where_it_has_what_it_needs(key, kind):
    assert inputs.kind_of(find(key)) == kind


@pytest.mark.parametrize("kind", inputs.LOADERS)
def test_the_data_have_what_their_kind_says(kind):
    has = inputs.HAS[kind]
    data = inputs.LOADERS[kind](num_rows=400)
    assert len(data.train) == 400
    groups = {column.group for column in data.feature_columns}
    assert ("scenario" in groups) == ("scenario" in has)
    assert (len(data.tasks) == 2) == ("several tasks" in has)
    for model in inputs.models_of(kind).values():
        tasks = inputs.tasks_for(model, data)
        assert tasks == (
            tuple(data.tasks) if "several tasks" in model.needs else next(iter(data.tasks))
        )


def test_a_builder_builds_the_row_with_its_options():
    data = simulator.tasks(num_rows=40, num_valid_rows=10, num_test_rows=10)
    model = inputs.builder(find("cgc"), data, expert_units=(3,))(data.feature_columns)
    assert list(model.output) == ["click", "like"]
    data = simulator.second_order(num_rows=40, num_valid_rows=10, num_test_rows=10)
    build = inputs.builder(find("opnn"), data, embedding_dim=2)
    inner, outer = (
        build_pnn(data.feature_columns, products=products, embedding_dim=2).count_params()
        for products in ("inner", "outer")
    )
    assert build(data.feature_columns).count_params() == outer != inner


def test_scenarios_are_of_unequal_size_and_say_nothing():
    data = inputs.multi_scenario(4, num_rows=300)
    train, test = (split.features["surface"] for split in (data.train, data.test))
    assert len(train) == 300 and set(train) == {1, 2, 3, 4}
    share = np.bincount(test)[1:] / len(test)
    np.testing.assert_allclose(share, np.array([12, 6, 4, 3]) / 25, atol=0.01)
    rates = [data.test.labels["like"][test == surface].mean() for surface in set(test)]
    assert np.ptp(rates) < 0.05
