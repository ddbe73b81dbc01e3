"""Rows of chapters 06 and 07: models of several scenarios, and the ranker of all parts."""

from recsys_lib.zoo.row import Model

_SCENARIOS, _CHAPTER = "recsys_lib.multi_scenario", "06_multi_scenario"
_NEEDS = ("scenario",)

ROWS = (
    Model(
        key="global",
        name="global",
        builder=f"{_SCENARIOS}:build_global",
        lesson=f"{_CHAPTER}/01_together_or_apart",
        paper="Sheng et al. 2021",
        needs=_NEEDS,
    ),
    Model(
        key="scenario_feature",
        name="scenario as a feature",
        builder=f"{_SCENARIOS}:build_scenario_feature",
        lesson=f"{_CHAPTER}/01_together_or_apart",
        paper="Sheng et al. 2021",
        needs=_NEEDS,
    ),
    Model(
        key="separate",
        name="separate",
        builder=f"{_SCENARIOS}:build_separate",
        lesson=f"{_CHAPTER}/01_together_or_apart",
        paper="Sheng et al. 2021",
        needs=_NEEDS,
    ),
    Model(
        key="scenario_shared_bottom",
        name="Shared-Bottom of scenarios",
        builder=f"{_SCENARIOS}:build_scenario_shared_bottom",
        lesson=f"{_CHAPTER}/01_together_or_apart",
        paper="Sheng et al. 2021",
        needs=_NEEDS,
    ),
    Model(
        key="hmoe",
        name="HMoE",
        builder=f"{_SCENARIOS}:build_hmoe",
        lesson=f"{_CHAPTER}/02_hmoe",
        paper="Li et al. 2020",
        needs=_NEEDS,
    ),
    Model(
        key="star",
        name="STAR",
        builder=f"{_SCENARIOS}:build_star",
        lesson=f"{_CHAPTER}/03_star",
        paper="Sheng et al. 2021",
        needs=_NEEDS,
    ),
    Model(
        key="pepnet",
        name="PEPNet",
        builder=f"{_SCENARIOS}:build_pepnet",
        lesson=f"{_CHAPTER}/04_pepnet",
        paper="Chang et al. 2023",
        needs=_NEEDS,
    ),
    Model(
        key="m2m",
        name="M2M",
        builder=f"{_SCENARIOS}:build_m2m",
        lesson=f"{_CHAPTER}/05_generated_weights",
        paper="Zhang et al. 2022",
        needs=_NEEDS,
    ),
    Model(
        key="apg",
        name="APG",
        builder=f"{_SCENARIOS}:build_apg",
        lesson=f"{_CHAPTER}/05_generated_weights",
        paper="Yan et al. 2022",
        needs=_NEEDS,
    ),
    Model(
        key="adasparse",
        name="AdaSparse",
        builder=f"{_SCENARIOS}:build_adasparse",
        lesson=f"{_CHAPTER}/06_multi_scenario_comparison",
        paper="Yang et al. 2022",
        needs=_NEEDS,
    ),
    Model(
        key="ranker",
        name="ranker",
        builder="recsys_lib.one_request:build_ranker",
        lesson="07_one_request/01_one_request",
        paper="Zhou et al. 2018, Ma et al. 2018, Ma et al. 2018b, Chang et al. 2023",
        needs=("history", "scenario", "several tasks"),
    ),
)
