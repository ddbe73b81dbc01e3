"""Clicks on KuaiRand: do the last clicked videos tell the next one, and in which order?

Profile columns with a handful of values each are left out of all arms, for their time.
"""

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level
from experiments.engine.declaration import Experiment
from experiments.sequence._logs import DEEP, HEAD, KNOWN, REFERENCES, SCALES, SPACE, references

VIDEO = ("video_id", "author_id", "video_type", "duration", "tags")
REQUEST = ("user_id", "user_active_degree", *VIDEO, "tab", "hour", *KNOWN)
READ = (*REQUEST, "history")

EXPERIMENT = Experiment(
    identifier="sequence.kuairand",
    question="On KuaiRand, which way to read the last clicked videos predicts the next click?",
    data="kuairand_pure",
    split="days",
    knobs={"max_history": 10},
    references=REFERENCES,
    arms=[
        Arm(name="mean", model="mean", space=SPACE, options=HEAD, columns=READ),
        Arm(
            name="DIN",
            model="din",
            space=SPACE | SCALES,
            options=HEAD | {"attention_units": (16,)},
            columns=READ,
        ),
        Arm(name="GRU", model="gru", space=SPACE, options=HEAD, columns=READ),
        Arm(
            name="DIEN",
            model="dien",
            space=SPACE,
            options=HEAD | {"auxiliary_weight": 0.0},
            columns=READ,
        ),
        Arm(name="no history", model="dnn", space=SPACE, options=DEEP, columns=REQUEST),
        *references(REQUEST),
    ],
    contrasts=[
        better("history_helps", "The clicked videos are worth something.", "mean", "no history"),
        level("din_is_level", "DIN and the mean of the history are level.", "DIN", "mean"),
        level("gru_is_level", "GRU and the mean of the history are level.", "GRU", "mean"),
        level("dien_is_level", "DIEN and the mean of the history are level.", "DIEN", "mean"),
    ],
    fit={"epochs": 3, "batch_size": 2048, "patience": 1},
)
