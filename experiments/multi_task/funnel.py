"""A shop's funnel: what the product of two towers is worth where conversions are few.

A user or an item has about one conversion, a handful of clicks and thirty impressions. All models
have vectors of eight numbers and towers of 64 units; the joint model has a bottom of 64 units below
its towers. The conversion that is judged is "clicked and converted", over all rows.
"""

from typing import Any

from experiments.engine.arms import Sweep
from experiments.engine.contrasts import better, level, not_worse, trend
from experiments.engine.declaration import Experiment
from experiments.multi_task._tasks import FIT, tuned

TASKS: dict[str, Any] = {"tasks": ("click", "conversion"), "embedding_dim": 8}
TOWERS: dict[str, Any] = TASKS | {"hidden_units": (64,)}
FUNNEL = "experiments.multi_task._funnel:funnel"
NONE, SOME, STRONG = 0.0, 0.4, 0.8

EXPERIMENT = Experiment(
    identifier="multi_task.funnel",
    question="Does the product of a click and a conversion tower lead simpler models of a funnel?",
    lens="funnel",
    knobs={
        "num_rows": 30_000,
        "num_valid_rows": 10_000,
        "num_test_rows": 30_000,
        "num_users": 1_000,
        "num_items": 1_000,
    },
    sweep=Sweep("selection", (NONE, SOME, STRONG)),
    headline="product_is_not_behind",
    arms=[
        tuned("ESMM", "esmm", TOWERS),
        tuned("joint", "shared_bottom", TOWERS | {"tower_units": (64,)}),
        tuned("clicked rows", FUNNEL, TOWERS | {"clicked_rows": True}),
        tuned("AITM", "aitm", TOWERS),
        tuned("ESMM, own tables", FUNNEL, TOWERS | {"own_tables": True}, side=True),
    ],
    contrasts=[
        not_worse(
            "product_is_not_behind",
            "ESMM is not behind a model that predicts the conversion of every impression at once.",
            "ESMM",
            "joint",
            task="conversion",
            at=SOME,
        ),
        not_worse(
            "product_keeps_the_loss",
            "Nor is it in log loss where clicked rows differ most from the others.",
            "ESMM",
            "joint",
            measure="log_loss_gap",
            task="conversion",
            at=STRONG,
        ),
        level(
            "clicked_rows_are_enough",
            "A conversion tower that learns on clicked rows alone, on shared tables, is level with "
            "ESMM where clicked rows are like all others.",
            "clicked rows",
            "ESMM",
            task="conversion",
            at=NONE,
        ),
        level(
            "clicked_rows_are_enough_under_selection",
            "It is level with ESMM where clicked rows differ most from the others, too.",
            "clicked rows",
            "ESMM",
            task="conversion",
            at=STRONG,
        ),
        better(
            "clicked_rows_order_clicks",
            "Among clicked rows the tower that learns on clicked rows alone is ahead of ESMM.",
            "clicked rows",
            "ESMM",
            task="conversion",
            part="clicked",
            at=STRONG,
        ),
        better(
            "shared_tables_help",
            "Where clicks and conversions are of alike tastes, shared tables are ahead of a table "
            "for each tower.",
            "ESMM",
            "ESMM, own tables",
            task="conversion",
            at=STRONG,
        ),
        trend(
            "alike_tastes_make_sharing_pay",
            "The more alike the tastes behind clicks and conversions, the more shared tables help.",
            "ESMM",
            "ESMM, own tables",
            task="conversion",
        ),
        level(
            "chain_is_level",
            "AITM is level with ESMM.",
            "AITM",
            "ESMM",
            task="conversion",
            at=SOME,
        ),
    ],
    fit=FIT,
    protocol=2,
)
