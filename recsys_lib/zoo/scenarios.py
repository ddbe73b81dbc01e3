"""Rows of chapters 06 and 07: models of several scenarios, and the ranker of all parts."""

from recsys_lib.zoo.row import rows_of

_row = rows_of("recsys_lib.multi_scenario", "06_multi_scenario", needs=("scenario",))
_all = rows_of("recsys_lib.one_request", "07_one_request", ("history", "scenario", "several tasks"))

ROWS = (
    _row("global", "global", "global", "01_together_or_apart", "Sheng et al. 2021"),
    _row(
        "scenario_feature",
        "scenario as a feature",
        "scenario_feature",
        "01_together_or_apart",
        "Sheng et al. 2021",
    ),
    _row("separate", "separate", "separate", "01_together_or_apart", "Sheng et al. 2021"),
    _row(
        "scenario_shared_bottom",
        "Shared-Bottom of scenarios",
        "scenario_shared_bottom",
        "01_together_or_apart",
        "Sheng et al. 2021",
    ),
    _row("hmoe", "HMoE", "hmoe", "02_hmoe", "Li et al. 2020"),
    _row("star", "STAR", "star", "03_star", "Sheng et al. 2021"),
    _row("pepnet", "PEPNet", "pepnet", "04_pepnet", "Chang et al. 2023"),
    _row("m2m", "M2M", "m2m", "05_generated_weights", "Zhang et al. 2022"),
    _row("apg", "APG", "apg", "05_generated_weights", "Yan et al. 2022"),
    _row("adasparse", "AdaSparse", "adasparse", "06_multi_scenario_comparison", "Yang et al. 2022"),
    _all(
        "ranker",
        "ranker",
        "ranker",
        "01_from_scores_to_a_page",
        "Zhou et al. 2018, Ma et al. 2018, Ma et al. 2018b, Chang et al. 2023",
    ),
)
