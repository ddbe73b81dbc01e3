"""Chapter 06: one model for several scenarios."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.layers.gate_unit import GateNU
    from recsys_lib.multi_scenario.adasparse import Pruner, build_adasparse
    from recsys_lib.multi_scenario.apart import (
        ScenarioNetworks,
        build_scenario_shared_bottom,
        build_separate,
    )
    from recsys_lib.multi_scenario.apg import APGDense, build_apg, fold_apg
    from recsys_lib.multi_scenario.baselines import (
        build_global,
        build_scenario_feature,
    )
    from recsys_lib.multi_scenario.by_scenario import PartitionedNormalization, RowsByScenario
    from recsys_lib.multi_scenario.hmoe import LabelSpaceScore, OwnFirst, build_hmoe
    from recsys_lib.multi_scenario.m2m import MetaAttention, MetaUnit, build_m2m
    from recsys_lib.multi_scenario.parts import (
        ScenarioOptions,
        features_and_part,
        flat_features,
        ids_of_groups,
        scenario_inputs,
        scenario_vector,
    )
    from recsys_lib.multi_scenario.pepnet import build_pepnet
    from recsys_lib.multi_scenario.star import StarNetwork, build_star
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
