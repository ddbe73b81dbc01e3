"""Two models that are trained, on few rows: what is recorded of them is replayed in tests."""

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better
from experiments.engine.declaration import Experiment

SPACE = {"learning_rate": (1e-3, 3e-3, 1e-2), "embedding_dim": (2, 4, 16)}

EXPERIMENT = Experiment(
    identifier="small.factors",
    question="Do factors help?",
    lens="second_order",
    knobs={
        "num_rows": 3_000,
        "num_valid_rows": 400,
        "num_test_rows": 1_000,
        "num_fields": 4,
        "num_ids": 6,
        "rank": 2,
        "pairs": ((0, 1),),
        "gains": (3.0,),
        "main_sd": 0.5,
    },
    headline="factors_help",
    arms=[
        Arm(name="LR", model="lr", space={"learning_rate": (1e-3, 1e-2, 1e-1)}),
        Arm(name="FM", model="fm", space=SPACE),
        Arm(
            name="DeepFM", model="deepfm", inherits="FM", options={"hidden_units": (8,)}, side=True
        ),
    ],
    contrasts=[better("factors_help", "Factors help where pairs matter.", "FM", "LR")],
    worlds=(100, 103),
    side_worlds=(100, 102),
    fit={"epochs": 8, "batch_size": 100, "patience": None},
)
