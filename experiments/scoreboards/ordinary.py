"""Sixteen platforms that nobody drew for a model, with few rows and with more.

All arms read the same: ids (trees their rates), numbers, rates and counts of user and item, and how
often the history matches the candidate. Of four models stands beside what they reach without these.
Twenty-four platforms were wished for; eight core-hours are enough for sixteen.
"""

from experiments.engine.arms import Sweep
from experiments.engine.declaration import Experiment
from experiments.scoreboards._ordinary import BOARD, FEW, KNOBS, LENS, MANY, arms, contrasts

EXPERIMENT = Experiment(
    identifier=BOARD,
    question="What are the odds that a model is worth its cost on an ordinary platform?",
    lens=LENS,
    knobs=KNOBS,
    sweep=Sweep("num_rows", (FEW, MANY)),
    arms=arms(),
    contrasts=contrasts(),
    worlds=(100, 116),
    side_worlds=(100, 108),
    group="request",
    worlds_differ=True,
    protocol=3,
)
