"""Rules of single pairs on top of a taste: who remembers, who generalises, who does both?

At a strength of 0 there are no rules, and taste alone decides. Weights of ids and of pairs are
trained by FTRL with L1, vectors and networks by Adam, as the model's authors advise.
"""

from typing import Any

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import better, level, not_worse, trend
from experiments.engine.declaration import Experiment

BUILDERS = "experiments.memorization._parts"
RATES: dict[str, Any] = {"learning_rate": (1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 2e-2)}
L1: dict[str, Any] = {"l1": (0.0, 2e-3, 5e-3, 1e-2, 2e-2, 4e-2, 1e-1)}
L2: dict[str, Any] = {"embedding_l2": (0.0, 1e-7, 1e-6, 1e-5, 1e-4)}
WIDE_RATES: dict[str, Any] = {"wide_rate": (0.125, 0.25, 0.5, 1.0, 2.0)}
LINEAR: dict[str, Any] = {
    "learning_rate": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "linear_l2": (0.0, 1e-7, 1e-6, 1e-5, 1e-4),
}
HEAD: dict[str, Any] = {"embedding_dim": 8}
NO_RULES, RULES = 0.0, 3.0

EXPERIMENT = Experiment(
    identifier="memorization.wide_and_deep",
    question="Which part of Wide & Deep knows what, and what do both know together?",
    lens="memorization",
    knobs={
        "num_rows": 120_000,
        "num_valid_rows": 15_000,
        "num_test_rows": 36_000,
        "num_segments": 100,
        "num_items": 400,
    },
    sweep=Sweep("rule_strength", (NO_RULES, RULES)),
    headline="helps_where_it_is_blind",
    parts=["seen_rules", "seen_plain", "unseen_plain"],
    arms=[
        Arm(
            name="Wide & Deep",
            model=f"{BUILDERS}:wide_and_deep",
            space=RATES | L1,
            options=HEAD,
        ),
        Arm(name="deep", model="dnn", space=RATES | L2, options=HEAD),
        Arm(name="wide", model=f"{BUILDERS}:wide", space=WIDE_RATES | L1),
        Arm(
            name="click rate",
            model="experiments.memorization._guessing:click_rate",
            at_base_rate=True,
        ),
        Arm(name="logistic regression", model="lr", space=LINEAR, side=True),
    ],
    contrasts=[
        better(
            "joint_generalises",
            "On pairs that were never shown Wide & Deep is ahead of its wide part alone.",
            "Wide & Deep",
            "wide",
            part="unseen_plain",
            margin=3.0,
            at=RULES,
        ),
        better(
            "joint_remembers",
            "On rule pairs Wide & Deep is ahead of its deep part alone.",
            "Wide & Deep",
            "deep",
            part="seen_rules",
            at=RULES,
        ),
        not_worse(
            "joint_keeps_the_rules",
            "On rule pairs Wide & Deep is not behind its wide part alone.",
            "Wide & Deep",
            "wide",
            part="seen_rules",
            at=RULES,
        ),
        better(
            "helps_where_it_is_blind",
            "On pairs that were never shown Wide & Deep is ahead of its deep part alone.",
            "Wide & Deep",
            "deep",
            part="unseen_plain",
            margin=3.0,
            at=RULES,
        ),
        trend(
            "help_grows_with_rules",
            "The stronger the rules, the more Wide & Deep leads its deep part on such pairs.",
            "Wide & Deep",
            "deep",
            part="unseen_plain",
            margin=3.0,
        ),
        level(
            "no_rules_no_help",
            "Without rules Wide & Deep and its deep part are level on pairs that were never shown.",
            "Wide & Deep",
            "deep",
            part="unseen_plain",
            margin=3.0,
            at=NO_RULES,
        ),
        better(
            "deep_is_worse_than_guessing",
            "On pairs that were never shown the log loss of the deep part alone is worse than that "
            "of guessing the click rate.",
            "click rate",
            "deep",
            part="unseen_plain",
            measure="log_loss",
            margin=0.01,
            at=RULES,
        ),
        better(
            "crosses_remember",
            "On rule pairs the wide part is ahead of logistic regression without crosses.",
            "wide",
            "logistic regression",
            part="seen_rules",
            margin=3.0,
            at=RULES,
        ),
    ],
    fit={"epochs": 200, "batch_size": 1024, "patience": 6},
    protocol=2,
)
