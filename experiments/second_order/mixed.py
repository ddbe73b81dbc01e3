"""Two reasons to click: pairs of columns, and a third column that says which of them counts.

At 0 every planted pair counts in every row, which a sum over pairs can say. Of the ids of the last
column a share switches one of the two pairs off, which no sum over pairs can say.
"""

from typing import Any

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import better, not_worse, trend
from experiments.engine.declaration import Experiment

SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 4e-2),
    "embedding_l2": (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2),
}
WIDTH: dict[str, Any] = {"embedding_dim": 12}
NETWORK: dict[str, Any] = WIDTH | {"hidden_units": (64, 32)}
PAIRS, HALF, SWITCHED = 0.0, 0.5, 1.0
KNOBS: dict[str, Any] = {
    "num_rows": 20_000,
    "num_valid_rows": 6_000,
    "num_test_rows": 12_000,
    "num_fields": 6,
    "num_ids": 20,
    "pairs": [[0, 1], [2, 3]],
    "gains": [2.0, 2.0],
    "valid_unseen_draws": 0.5,
}

EXPERIMENT = Experiment(
    identifier="second_order.mixed",
    question="When does a network above or beside the pairs pay?",
    lens="second_order",
    knobs=KNOBS,
    sweep=Sweep("switched", (PAIRS, HALF, SWITCHED)),
    headline="network_pays_for_half",
    arms=[
        Arm(name="FM", model="fm", space=SPACE, options=WIDTH),
        Arm(name="DeepFM", model="deepfm", space=SPACE, options=NETWORK),
        Arm(name="deep", model="dnn", space=SPACE, options=NETWORK),
        Arm(name="FwFM", model="fwfm", space=SPACE, options=WIDTH, side=True),
        Arm(
            name="NFM",
            model="nfm",
            space=SPACE,
            options=NETWORK | {"batch_normalization": False},
            side=True,
        ),
        Arm(name="IPNN", model="ipnn", space=SPACE, options=NETWORK, side=True),
    ],
    contrasts=[
        better(
            "network_pays_for_half",
            "Where half of the ids of a column switch a pair off, DeepFM is ahead of FM.",
            "DeepFM",
            "FM",
            margin=3.0,
            at=HALF,
        ),
        better(
            "network_pays_where_all_switch",
            "Where every id of a column switches a pair off, DeepFM is ahead of FM.",
            "DeepFM",
            "FM",
            margin=3.0,
            at=SWITCHED,
        ),
        trend(
            "lead_grows_with_the_switch",
            "The more a third column decides, the more DeepFM leads FM.",
            "DeepFM",
            "FM",
            margin=3.0,
        ),
        not_worse(
            "pairs_need_no_network",
            "Where every pair counts in every row, FM is not behind DeepFM.",
            "FM",
            "DeepFM",
            at=PAIRS,
        ),
        better(
            "pairs_help_the_network",
            "Where half of the ids switch, DeepFM is ahead of its network alone.",
            "DeepFM",
            "deep",
            margin=3.0,
            at=HALF,
        ),
        better(
            "products_inside_are_ahead",
            "Where half of the ids switch, IPNN is ahead of DeepFM.",
            "IPNN",
            "DeepFM",
            margin=3.0,
            at=HALF,
        ),
        better(
            "a_weight_is_not_enough",
            "Where half of the ids switch, IPNN is ahead of FwFM.",
            "IPNN",
            "FwFM",
            margin=3.0,
            at=HALF,
        ),
        better(
            "pooled_pairs_go_beyond_pairs",
            "Where every id of a column switches a pair off, NFM is ahead of FM.",
            "NFM",
            "FM",
            margin=3.0,
            at=SWITCHED,
        ),
    ],
    fit={"epochs": 150, "batch_size": 512, "patience": 5},
    protocol=2,
)
