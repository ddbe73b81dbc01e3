"""All models of the chapter on its platform: three pairs of columns matter, 25 are noise.

Validation rows are drawn like test rows, so that every model is chosen for what it does on
combinations that training never met, too. Vectors have 16 numbers. FFM has one for each other
column, of four numbers, as its paper advises shorter ones.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level, not_worse
from experiments.engine.declaration import Experiment

RATES: dict[str, Any] = {"learning_rate": (1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 4e-2)}
SPACE: dict[str, Any] = RATES | {"embedding_l2": (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)}
LINEAR: dict[str, Any] = RATES | {"linear_l2": (0.0, 1e-7, 1e-6, 1e-5, 1e-4)}
TABLE: dict[str, Any] = RATES | {"linear_l2": (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)}
WIDTH: dict[str, Any] = {"embedding_dim": 16}
NETWORK: dict[str, Any] = WIDTH | {"hidden_units": (64, 32)}
PLAIN: dict[str, Any] = NETWORK | {"batch_normalization": False}
UNSEEN: dict[str, Any] = {"part": "unseen", "margin": 3.0}

EXPERIMENT = Experiment(
    identifier="second_order.crosses",
    question="Which ways of crossing two columns carry over to combinations that never met?",
    lens="second_order",
    knobs={
        "num_rows": 40_000,
        "num_valid_rows": 8_000,
        "num_test_rows": 16_000,
        "num_ids": 30,
        "gains": (1.5, 1.0, 0.6),
        "valid_unseen_draws": 0.5,
    },
    headline="one_vector_carries_over",
    parts=["seen"],
    arms=[
        Arm(name="FM", model="fm", space=SPACE, options=WIDTH),
        Arm(name="FwFM", model="fwfm", space=SPACE, options=WIDTH),
        Arm(name="NFM", model="nfm", space=SPACE, options=PLAIN),
        Arm(name="IPNN", model="ipnn", space=SPACE, options=NETWORK),
        Arm(name="DeepFM", model="deepfm", space=SPACE, options=NETWORK),
        Arm(name="deep", model="dnn", space=SPACE, options=NETWORK),
        Arm(name="FiBiNET", model="fibinet", space=SPACE, options=NETWORK),
        Arm(name="polynomial", model="polynomial", space=TABLE, side=True),
        Arm(name="logistic regression", model="lr", space=LINEAR, side=True),
        Arm(name="FmFM", model="fmfm", space=SPACE, options=WIDTH, side=True),
        Arm(name="FFM", model="ffm", space=SPACE, options={"embedding_dim": 4}, side=True),
        Arm(
            name="NFM, normalized",
            model="nfm",
            space=SPACE,
            options=NETWORK | {"batch_normalization": True},
            side=True,
        ),
        Arm(name="OPNN", model="opnn", space=SPACE, options=NETWORK, side=True),
        Arm(
            name="OPNN, a matrix a pair",
            model="opnn",
            space=SPACE,
            options=NETWORK | {"signals": "pairs"},
            side=True,
        ),
        Arm(
            name="DeepFM, two tables",
            model="deepfm",
            space=SPACE,
            options=NETWORK | {"shared_embedding": False},
            side=True,
        ),
    ],
    contrasts=[
        better(
            "one_vector_carries_over",
            "On combinations that never met FM is ahead of a table of pairs.",
            "FM",
            "polynomial",
            **UNSEEN,
        ),
        better(
            "table_is_worse_than_no_pairs",
            "On combinations that never met a table of pairs is behind logistic regression.",
            "logistic regression",
            "polynomial",
            **UNSEEN,
        ),
        not_worse(
            "fm_needs_no_network",
            "On combinations that never met FM is not behind a network over the same vectors.",
            "FM",
            "deep",
            **UNSEEN,
        ),
        better(
            "one_weight_pays",
            "A weight for each pair of columns is ahead of none.",
            "FwFM",
            "FM",
            **UNSEEN,
        ),
        not_worse(
            "matrices_add_nothing",
            "A weight for each pair of columns is not behind a matrix for each.",
            "FwFM",
            "FmFM",
            **UNSEEN,
        ),
        better(
            "own_vectors_cost",
            "A weight for each pair of columns is ahead of own vectors for each.",
            "FwFM",
            "FFM",
            part="unseen",
            margin=2.0,
        ),
        not_worse(
            "one_weight_is_enough",
            "FwFM is not behind FiBiNET.",
            "FwFM",
            "FiBiNET",
            **UNSEEN,
        ),
        level(
            "network_above_pooled_pairs",
            "NFM and FM are level.",
            "NFM",
            "FM",
            **UNSEEN,
        ),
        not_worse(
            "pooled_pairs_help_the_network",
            "NFM is not behind a network over the vectors themselves.",
            "NFM",
            "deep",
            **UNSEEN,
        ),
        better(
            "normalization_costs",
            "NFM with batch normalization is behind NFM without it.",
            "NFM",
            "NFM, normalized",
            part="unseen",
            margin=2.0,
        ),
        better(
            "products_help_the_network",
            "IPNN is ahead of a network without products.",
            "IPNN",
            "deep",
            **UNSEEN,
        ),
        better(
            "superposition_costs",
            "OPNN with one matrix for all pairs is behind OPNN with one for each.",
            "OPNN, a matrix a pair",
            "OPNN",
            **UNSEEN,
        ),
        better(
            "inner_above_outer",
            "IPNN is ahead of OPNN with one matrix for all pairs.",
            "IPNN",
            "OPNN",
            **UNSEEN,
        ),
        better(
            "one_weight_above_ipnn",
            "Where pairs are all there is, FwFM is ahead of IPNN.",
            "FwFM",
            "IPNN",
            part="unseen",
            margin=2.0,
        ),
        better(
            "fm_helps_the_network",
            "DeepFM is ahead of its network alone.",
            "DeepFM",
            "deep",
            part="unseen",
            margin=2.0,
        ),
        not_worse(
            "deepfm_keeps_fm",
            "DeepFM is not behind FM.",
            "DeepFM",
            "FM",
            **UNSEEN,
        ),
        not_worse(
            "one_table_is_enough",
            "DeepFM with one table is not behind DeepFM with two.",
            "DeepFM",
            "DeepFM, two tables",
            **UNSEEN,
        ),
        better(
            "one_weight_above_deepfm",
            "Where pairs are all there is, FwFM is ahead of DeepFM.",
            "FwFM",
            "DeepFM",
            **UNSEEN,
        ),
    ],
    fit={"epochs": 150, "batch_size": 512, "patience": 5},
    protocol=2,
)
