"""Wide & Deep with an optimizer for each part, or with one for both: what does each of them buy?

The wide part has a weight for every pair of ids, and a plain pair has two training rows in the
mean: what it learns there is noise. L1 under FTRL keeps such weights at zero. A penalty on the
weights does something alike under Adam, so one arm has that.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level, not_worse
from experiments.engine.declaration import Experiment

MODEL = "experiments.memorization._rules:wide_and_deep"
DEEP: dict[str, Any] = {"learning_rate": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)}
WIDE: dict[str, Any] = {"wide_rate": (0.125, 0.25, 0.5, 1.0, 2.0)}
L1: dict[str, Any] = {"l1": (0.0, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2)}
BOTH: dict[str, Any] = {"learning_rate": (1e-3, 3e-3, 1e-2, 3e-2, 0.1)}
L2: dict[str, Any] = {"linear_l2": (0.0, 1e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4)}
ADAGRAD: dict[str, Any] = {"learning_rate": (1e-3, 1e-2, 3e-2, 0.1, 0.3)}
HEAD: dict[str, Any] = {"embedding_dim": 8}
ONE: dict[str, Any] = HEAD | {"wide_rate": None}

EXPERIMENT = Experiment(
    identifier="memorization.optimizers",
    question="What does Wide & Deep gain by an optimizer with L1 for its wide part?",
    lens="memorization",
    knobs={
        "num_rows": 100_000,
        "num_valid_rows": 20_000,
        "num_test_rows": 30_000,
        "num_segments": 100,
        "num_items": 350,
    },
    headline="own_rule_above_one",
    parts=["seen_rules", "seen_plain", "unseen_plain"],
    arms=[
        Arm(name="FTRL with L1, Adam", model=MODEL, space=DEEP | WIDE | L1, options=HEAD),
        Arm(name="FTRL, Adam", model=MODEL, space=DEEP | WIDE, options=HEAD | {"l1": 0.0}),
        Arm(name="Adam for both", model=MODEL, space=BOTH, options=ONE),
        # At the rate that the tuning worlds chose without a penalty, so that no value goes untried.
        Arm(
            name="Adam for both, L2",
            model=MODEL,
            space=L2,
            options=ONE | {"learning_rate": 3e-2},
        ),
        Arm(
            name="AdaGrad for both",
            model=MODEL,
            space=ADAGRAD,
            options=ONE | {"deep": "adagrad"},
            side=True,
        ),
    ],
    contrasts=[
        better(
            "own_rule_above_one",
            "FTRL with exact zeros beside Adam is ahead of Adam for both parts.",
            "FTRL with L1, Adam",
            "Adam for both",
        ),
        level(
            "rules_are_learned_alike",
            "On rule pairs one optimizer for both parts is level with one for each.",
            "FTRL with L1, Adam",
            "Adam for both",
            part="seen_rules",
        ),
        better(
            "zeros_help_the_deep_part",
            "On pairs that were never shown FTRL with exact zeros is ahead of FTRL without.",
            "FTRL with L1, Adam",
            "FTRL, Adam",
            part="unseen_plain",
            margin=3.0,
        ),
        better(
            "own_rate_helps",
            "On pairs that were never shown FTRL without zeros beside Adam is ahead of Adam alone.",
            "FTRL, Adam",
            "Adam for both",
            part="unseen_plain",
            margin=3.0,
        ),
        better(
            "shrinking_is_no_substitute",
            "FTRL with exact zeros is ahead of Adam with a penalty that shrinks the wide weights.",
            "FTRL with L1, Adam",
            "Adam for both, L2",
        ),
        not_worse(
            "adam_keeps_up_with_adagrad",
            "Adam for both parts is not behind AdaGrad for both.",
            "Adam for both",
            "AdaGrad for both",
        ),
    ],
    fit={"epochs": 80, "batch_size": 1024, "patience": 5},
    protocol=2,
)
