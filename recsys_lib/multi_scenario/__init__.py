"""Chapter 06: one model for several scenarios."""

from recsys_lib.multi_scenario.adasparse import build_adasparse
from recsys_lib.multi_scenario.apg import build_apg, fold_apg
from recsys_lib.multi_scenario.baselines import (
    build_global,
    build_scenario_feature,
    build_scenario_shared_bottom,
    build_separate,
)
from recsys_lib.multi_scenario.hmoe import build_hmoe
from recsys_lib.multi_scenario.m2m import build_m2m
from recsys_lib.multi_scenario.pepnet import build_pepnet
from recsys_lib.multi_scenario.star import build_star

__all__ = [
    "build_adasparse",
    "build_apg",
    "build_global",
    "build_hmoe",
    "build_m2m",
    "build_pepnet",
    "build_scenario_feature",
    "build_scenario_shared_bottom",
    "build_separate",
    "build_star",
    "fold_apg",
]
