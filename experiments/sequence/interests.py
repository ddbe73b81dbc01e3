"""Several interests in one history: who can ask for one of them?"""

from experiments.arms import Arm
from experiments.contrasts import better, first
from experiments.declaration import Experiment

SPACE = {
    "learning_rate": (1e-3, 2e-3, 5e-3, 1e-2),
    "embedding_dim": (8, 16, 32),
    "embedding_l2": (0.0, 1e-6, 1e-5),
}

EXPERIMENT = Experiment(
    identifier="sequence.interests",
    question="Which models find the one behaviour that matters among several interests?",
    lens="interests",
    knobs={"num_interests": 4, "num_rows": 60_000, "num_test_rows": 20_000},
    headline="din_above_mean",
    arms=[
        Arm(name="mean", model="mean", space=SPACE),
        Arm(name="GRU", model="gru", space=SPACE),
        Arm(name="DIN", model="din", space=SPACE | {"scale": ("raw", "length", "softmax")}),
        Arm(name="DIEN", model="dien", space=SPACE | {"auxiliary_weight": (0.0, 0.5, 1.0)}),
        Arm(name="BST", model="bst", space=SPACE),
    ],
    contrasts=[
        better(
            "din_above_mean",
            "With several interests DIN finds the one that matters and the mean does not.",
            "DIN",
            "mean",
        ),
        better(
            "din_above_gru",
            "A state that reads the candidate only at the end is behind DIN.",
            "DIN",
            "GRU",
        ),
        first("din_leads", "With several interests DIN is ahead of all others.", "DIN"),
    ],
    fit={"epochs": 6, "batch_size": 512, "patience": 2},
)
