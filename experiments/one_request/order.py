"""What is a loss asked for: the right probability of each row, or the order of a page?

An old ranker shows those who click much more of one kind of item, ``shown_by_level``. Users are new
in validation and test, and no main arm has a column of the user. Objectives over rows stop and are
chosen by the log loss that they lower, or by the order of validation pages; the others by the
latter. There is no history: it would be another measurement of the level, beside the past rate.
Items are numbers, so that no table of ids needs a prior; the one of users has as many rows of each.
Logistic regression has no hidden layer from which JRC could make a second logit.
"""

from typing import Any

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import Contrast, better, level
from experiments.engine.declaration import Experiment

ITEM = ("kind", "numbers")
SPACE: dict[str, Any] = {"learning_rate": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)}
NETWORK: dict[str, Any] = {"hidden_units": (32, 32)}
ROWS, PAIRS, LIST, BOTH = "rows", "pairs:page", "list:page", "jrc:page"
SHARE = 0.8
ALIKE, AHEAD = {"at": 0.0}, {"at": SHARE, "margin": 5.0}
PAGE: dict[str, Any] = {"measure": "gauc_gap"}
CALIBRATED: dict[str, Any] = {"measure": "log_loss_platt"}


def ranker(name: str, model: str, objective: str, side: bool = False, **options: Any) -> Arm:
    """A model of the item, trained with an objective; rows stop by log loss unless told."""
    if objective == ROWS:
        options = {"watch": "log_loss"} | options
    shape = {} if model == "lr" else NETWORK
    return Arm(
        name=name,
        model=model,
        columns=ITEM,
        side=side,
        space=SPACE,
        options={"objective": objective, **shape, **options},
    )


def of_model(name: str, model: str) -> list[Arm]:
    """A model with each objective that it can be trained with."""
    arms = [
        ranker(f"{name}, rows", model, ROWS),
        ranker(f"{name}, rows, stopped by pages", model, ROWS, watch="gauc:page"),
        ranker(f"{name}, pairs", model, PAIRS),
        ranker(f"{name}, lists", model, LIST, side=True),
    ]
    return arms if model == "lr" else [*arms, ranker(f"{name}, JRC", model, BOTH, side=True)]


def of_objectives(key: str, name: str, model: str) -> list[Contrast]:
    """What is asked of each model."""
    rows, pairs = f"{name}, rows", f"{name}, pairs"
    found = [
        better(
            f"{key}_pairs_order_pages",
            f"Where what is shown follows the level, {model} on pairs orders pages better.",
            pairs,
            rows,
            **PAGE,
            **AHEAD,
        ),
        better(
            f"{key}_rows_lead_in_auc",
            f"There the AUC over all rows says the opposite of {model}.",
            rows,
            pairs,
            **AHEAD,
        ),
        level(
            f"{key}_pairs_cost_no_order",
            f"Where nothing follows the level, {model} on pairs orders pages as well as on rows.",
            pairs,
            rows,
            **PAGE,
            **ALIKE,
        ),
        level(
            f"{key}_a_line_gives_the_level_back",
            f"There a line on validation rows gives {model} on pairs its probabilities back.",
            pairs,
            rows,
            margin=0.002,
            **CALIBRATED,
            **ALIKE,
        ),
        level(
            f"{key}_lists_are_level_with_pairs",
            f"Where what is shown follows the level, {model} on lists orders pages as on pairs.",
            f"{name}, lists",
            pairs,
            at=SHARE,
            **PAGE,
        ),
    ]
    if name == "LR":
        return found
    return [
        *found,
        better(
            f"{key}_the_stop_is_no_substitute",
            f"Pairs order pages better than {model} on rows that stops by pages.",
            pairs,
            f"{name}, rows, stopped by pages",
            **PAGE,
            **AHEAD,
        ),
        better(
            f"{key}_jrc_is_between",
            f"With JRC {model} orders pages better than on rows.",
            f"{name}, JRC",
            rows,
            at=SHARE,
            **PAGE,
        ),
        better(
            f"{key}_jrc_is_behind_pairs",
            f"With JRC {model} orders pages worse than on pairs.",
            pairs,
            f"{name}, JRC",
            at=SHARE,
            **PAGE,
        ),
    ]


EXPERIMENT = Experiment(
    identifier="one_request.order",
    question="Do pairs of a page order it better than a loss over rows?",
    lens="shown_by_level",
    sweep=Sweep("share_confounded", (0.0, SHARE)),
    arms=[
        *of_model("LR", "lr"),
        *of_model("DNN", "dnn"),
        *of_model("DCN-V2", "dcn_v2"),
        Arm(
            name="LR, rows, a past rate",
            model="lr",
            columns=("past_log_odds", *ITEM),
            side=True,
            space=SPACE,
            options={"objective": ROWS, "watch": "log_loss"},
        ),
        Arm(
            name="LR, rows, a level for each user",
            model="lr",
            columns=("user", *ITEM),
            side=True,
            space=SPACE | {"linear_l2": (0.0, 1e-6, 1e-5, 1e-4, 1e-3)},
            options={"objective": ROWS},
        ),
    ],
    contrasts=[
        *of_objectives("lr", "LR", "logistic regression"),
        level(
            "a_linear_model_may_stop_in_time",
            "Logistic regression on rows that stops by pages orders them as on pairs.",
            "LR, rows, stopped by pages",
            "LR, pairs",
            at=SHARE,
            **PAGE,
        ),
        better(
            "a_past_rate_does_not_mend_it",
            "With the user's past rate as a column rows order pages worse than pairs without it.",
            "LR, pairs",
            "LR, rows, a past rate",
            at=SHARE,
            **PAGE,
        ),
        level(
            "a_level_for_each_user_mends_it",
            "With a level of its own for each user of the log rows order pages as pairs do.",
            "LR, rows, a level for each user",
            "LR, pairs",
            at=SHARE,
            **PAGE,
        ),
        better(
            "rows_know_more_between_users",
            "Where what is shown follows the level, rows have the better calibrated log loss.",
            "LR, rows",
            "LR, pairs",
            at=SHARE,
            margin=0.01,
            **CALIBRATED,
        ),
        *of_objectives("dnn", "DNN", "a network"),
        *of_objectives("dcn", "DCN-V2", "a network with crosses"),
    ],
    headline="dnn_pairs_order_pages",
    worlds=(120, 140),
    side_worlds=(120, 130),
    fit={"epochs": 30, "batch_size": 500, "patience": 5},
    group="page",
    protocol=3,
)
