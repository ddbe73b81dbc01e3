"""Likes on MovieLens: is there more in three hundred films than in the last ten?

SDIM is left out for its time, 84 s a run.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level
from experiments.engine.declaration import Experiment
from experiments.sequence._logs import (
    DEEP,
    REFERENCES,
    WIDER_LINEAR,
    WIDER_TREES,
    both,
    references,
)
from experiments.sequence.movielens import REQUEST

SPACE: dict[str, Any] = {
    "learning_rate": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    "embedding_l2": (0.0, 1e-7, 1e-6, 1e-5, 1e-4),
}
LAST: dict[str, Any] = DEEP | {"product": True, "histories": ("short_history",)}
WHOLE: dict[str, Any] = DEEP | {"product": True, "histories": ("history",)}
SEARCH: dict[str, Any] = WHOLE | {"found_steps": 50, "num_heads": 1, "recency": False}
UNIT: dict[str, Any] = {"attention_units": (16,)}


EXPERIMENT = Experiment(
    identifier="sequence.movielens_long",
    question="On MovieLens, are up to three hundred films worth more than the last ten?",
    data="movielens",
    split="per_user",
    knobs={"max_history": 300, "short_history": 10},
    references=REFERENCES,
    arms=[
        Arm(name="mean, last ten", model="mean", space=SPACE, options=LAST),
        Arm(name="DIN, last ten", model="din", space=SPACE, options=LAST | UNIT),
        Arm(name="mean of all", model="mean", space=SPACE, options=WHOLE),
        Arm(name="ETA", model="eta", space=SPACE, options=SEARCH),
        Arm(name="TWIN", model="twin", space=SPACE, options=SEARCH),
        *references(REQUEST, WIDER_LINEAR, WIDER_TREES),
    ],
    contrasts=[
        *both(
            better,
            "more_films_help",
            "The mean of all films is ahead of the mean of the last ones.",
            "mean of all",
            "mean, last ten",
        ),
        *both(
            better,
            "search_beats_last",
            "TWIN with a search in all films is ahead of DIN on the last ones.",
            "TWIN",
            "DIN, last ten",
        ),
        *both(
            level,
            "twin_is_level",
            "TWIN and the mean of all films are level.",
            "TWIN",
            "mean of all",
        ),
        *both(
            level,
            "bits_are_enough",
            "A search by hashed bits is level with one by products.",
            "ETA",
            "TWIN",
        ),
    ],
    fit={"epochs": 12, "batch_size": 1024, "patience": 2},
    protocol=2,
)
