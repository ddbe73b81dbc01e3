"""SENET where a column decides which pair of columns counts, and where nothing does.

At 0 every planted pair counts in every row. At 1 each id of the last column switches one of the two
pairs off, so that which pair matters changes from row to row. Vectors have six numbers in all
models. In a factorization machine the two pairs of rank 4 would need eight.
"""

from typing import Any

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import better, level
from experiments.engine.declaration import Experiment

SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 2e-3, 5e-3, 1e-2, 2e-2),
    "embedding_l2": (0.0, 1e-7, 1e-6, 1e-5, 1e-4),
}
GATES: dict[str, Any] = {"senet_activation": ("relu", "sigmoid")}
WIDTH: dict[str, Any] = {"embedding_dim": 6}
SUMMED: dict[str, Any] = WIDTH | {"hidden_units": ()}
WITHOUT_SENET = "experiments.second_order._parts:without_senet"
SAME, SWITCHED = 0.0, 1.0

EXPERIMENT = Experiment(
    identifier="second_order.fibinet",
    question="When is it worth something that SENET weighs the fields of each row?",
    lens="second_order",
    knobs={
        "num_rows": 20_000,
        "num_valid_rows": 6_000,
        "num_test_rows": 20_000,
        "num_fields": 6,
        "num_ids": 20,
        "rank": 4,
        "pairs": [[0, 1], [2, 3]],
        "gains": [2.0, 2.0],
    },
    sweep=Sweep("switched", (SAME, SWITCHED)),
    headline="senet_pays_in_a_sum",
    arms=[
        Arm(name="FiBiNET", model="fibinet", space=SPACE | GATES, options=WIDTH),
        Arm(name="no SENET", model=WITHOUT_SENET, space=SPACE, options=WIDTH),
        Arm(name="FiBiNET, no network", model="fibinet", space=SPACE | GATES, options=SUMMED),
        Arm(name="no SENET, no network", model=WITHOUT_SENET, space=SPACE, options=SUMMED),
        Arm(
            name="plain products",
            model=WITHOUT_SENET,
            space=SPACE,
            options=WIDTH | {"matrices": False},
            side=True,
        ),
        Arm(name="FM", model="fm", space=SPACE, options=WIDTH, side=True),
    ],
    contrasts=[
        better(
            "senet_pays_in_a_sum",
            "Where a column decides which pair counts and no network follows, SENET adds much.",
            "FiBiNET, no network",
            "no SENET, no network",
            margin=5.0,
            at=SWITCHED,
        ),
        level(
            "network_finds_the_switch",
            "Where a column decides which pair counts, a network finds it without SENET.",
            "FiBiNET",
            "no SENET",
            margin=3.0,
            at=SWITCHED,
        ),
        level(
            "senet_adds_nothing_in_a_sum",
            "Where every pair counts in every row, SENET adds nothing without a network.",
            "FiBiNET, no network",
            "no SENET, no network",
            margin=3.0,
            at=SAME,
        ),
        level(
            "senet_adds_nothing_under_a_network",
            "Where every pair counts in every row, SENET adds nothing under a network.",
            "FiBiNET",
            "no SENET",
            margin=3.0,
            at=SAME,
        ),
        level(
            "network_needs_no_matrices",
            "Under a network plain products are level with bilinear ones.",
            "plain products",
            "no SENET",
            margin=3.0,
            at=SAME,
        ),
        better(
            "matrices_replace_width",
            "Added up, bilinear products are ahead of the plain ones of a factorization machine "
            "of the same width.",
            "no SENET, no network",
            "FM",
            at=SAME,
        ),
    ],
    fit={"epochs": 40, "batch_size": 512, "patience": 5},
    protocol=2,
)
