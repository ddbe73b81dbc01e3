"""Chapter 06: one model for several scenarios."""

from recsys_lib.multi_scenario.baselines import (
    build_global,
    build_scenario_feature,
    build_scenario_shared_bottom,
    build_separate,
)

__all__ = [
    "build_global",
    "build_scenario_feature",
    "build_scenario_shared_bottom",
    "build_separate",
]
