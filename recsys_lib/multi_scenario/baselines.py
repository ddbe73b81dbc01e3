"""The four answers before multi-scenario models: together, with a feature, apart, and half-way.

    global           y = f(x)              one model that does not know the scenario
    scenario feature y = f(x, e_s)         one model that reads the scenario like any other column
    separate         y = f_s(x)            a model for each scenario, its own embeddings included
    shared bottom    y = f_s(g(x))         Shared-Bottom with a tower for each scenario

The first two are here, the others in ``recsys_lib.multi_scenario.apart``.

Sources: Sheng et al. 2021, "One Model to Serve All: Star Topology Adaptive Recommender for
Multi-Domain CTR Prediction", section 5.1 (the baselines); Caruana 1997, "Multitask Learning".
Taught in chapter 06, "Together or apart".
"""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.checks import check_widths
from recsys_lib.features.columns import (
    Column,
    Columns,
)
from recsys_lib.features.embedding import build_inputs
from recsys_lib.layers.blocks import deep_logit
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import options_for, shared_options, tables
from recsys_lib.multi_scenario.parts import (
    DeepScenarioOptions,
    flat_features,
    scenario_column,
    scenario_inputs,
)


@shared_options()
def build_global(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    **common: Unpack[DeepScenarioOptions],
) -> keras.Model:
    """One model for all rows, which does not read the scenario: known or not, ids do not matter.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``ScenarioOptions``. The network
            has a hidden layer at least.

    Returns:
        ``keras.Model`` from the inputs of all columns but the scenario's to a probability
        ``(batch,)``. Layers ``features`` ``(batch, width)`` and ``network``.

    Raises:
        ValueError: no scenario column, no other, several tasks, or bad widths.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn
        >>> surface = CategoricalColumn("surface", 4, group="scenario")
        >>> columns = [surface, CategoricalColumn("item_id", 100, group="item")]
        >>> model = build_global(columns)
        >>> [tensor.name for tensor in model.inputs], model.output_shape
        (['item_id'], (None,))
    """
    check_widths("hidden_units", common["hidden_units"])
    column = scenario_column(feature_columns, common["scenario"])
    others = Columns(other for other in feature_columns if other.name != column.name)
    inputs = build_inputs(others)
    features = flat_features(inputs, others, **tables(feature_columns, common))
    logit = deep_logit(features, **options_for(deep_logit, common), name="network")
    return keras.Model(inputs, predict_one(tasks, logit), name="global")


@shared_options()
def build_scenario_feature(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    **common: Unpack[DeepScenarioOptions],
) -> keras.Model:
    """One model for all rows, which reads the scenario as one more embedding.

    An unknown scenario is the zero vector.

    Args:
        feature_columns: columns of any kind, among them the scenario's.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``ScenarioOptions``. The network
            has a hidden layer at least.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers ``features``
        ``(batch, width)`` and ``network``.

    Raises:
        ValueError: no scenario column, no other, several tasks, or bad widths.

    Example:
        >>> from recsys_lib.features.columns import CategoricalColumn
        >>> surface = CategoricalColumn("surface", 4, group="scenario")
        >>> columns = [surface, CategoricalColumn("item_id", 100, group="item")]
        >>> build_scenario_feature(columns).get_layer("features").output.shape
        (None, 32)
    """
    check_widths("hidden_units", common["hidden_units"])
    given = scenario_inputs(feature_columns, common["scenario"])
    features = flat_features(given.values, feature_columns, **tables(feature_columns, common))
    logit = deep_logit(features, **options_for(deep_logit, common), name="network")
    return keras.Model(given.inputs, predict_one(tasks, logit), name="scenario_feature")
