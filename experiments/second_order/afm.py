"""Three pairs of columns matter, unequally, and 25 are noise. Does it pay to weigh the pairs?

The platform of the lesson. FM adds all pairs as they are, FwFM has one weight for each pair of
columns, AFM weighs the pairs of each row anew. AFM's paper adds two things. It drops elements of
the products in training; FM gets this dropout, too, or nobody could say which of the two helps.
And it starts from a trained FM. In a pilot on a tuning world both mattered.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better
from experiments.engine.declaration import Experiment

SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 2e-3, 5e-3, 1e-2, 2e-2),
    "embedding_l2": (0.0, 1e-7, 1e-6, 1e-5, 1e-4),
}
DROPPED: dict[str, Any] = SPACE | {"dropout_rate": (0.0, 0.1, 0.2, 0.3, 0.5)}
WIDTH: dict[str, Any] = {"embedding_dim": 16}
DROPPED_FM = "experiments.second_order._dropout:fm_with_dropout"
STARTED_AFM = "experiments.second_order._started:afm_from_fm"

EXPERIMENT = Experiment(
    identifier="second_order.afm",
    question="Where most pairs of columns are noise, does it pay to weigh the pairs?",
    lens="second_order",
    knobs={
        "gains": (1.5, 1.0, 0.6),
        "num_rows": 50_000,
        "num_valid_rows": 10_000,
        "num_test_rows": 20_000,
    },
    arms=[
        Arm(name="FM", model="fm", space=SPACE, options=WIDTH),
        Arm(name="AFM from FM", model=STARTED_AFM, space=DROPPED),
        Arm(name="AFM", model="afm", space=DROPPED, options=WIDTH, side=True),
        Arm(name="FM with dropout", model=DROPPED_FM, space=DROPPED, options=WIDTH, side=True),
        Arm(name="FwFM", model="fwfm", space=SPACE, options=WIDTH, side=True),
    ],
    contrasts=[
        better(
            "afm_above_fm",
            "Started from FM's vectors, AFM is ahead of FM on combinations that never met.",
            "AFM from FM",
            "FM",
            part="unseen",
            margin=3.0,
        ),
        better(
            "start_pays",
            "AFM that starts from FM's vectors is ahead of AFM that starts at random.",
            "AFM from FM",
            "AFM",
            part="unseen",
            margin=3.0,
        ),
        better(
            "attention_pays",
            "Started from FM's vectors, AFM is ahead of FM with the same dropout.",
            "AFM from FM",
            "FM with dropout",
            part="unseen",
            margin=3.0,
        ),
        better(
            "one_weight_pays",
            "A weight for each pair of columns is ahead of none on combinations that never met.",
            "FwFM",
            "FM",
            part="unseen",
            margin=3.0,
        ),
        better(
            "one_weight_is_enough",
            "Where a pair matters alike in all rows, FwFM is ahead of AFM from FM.",
            "FwFM",
            "AFM from FM",
            part="unseen",
            margin=3.0,
        ),
    ],
    parts=["seen"],
    fit={"epochs": 80, "batch_size": 512, "patience": 5},
    protocol=2,
)
