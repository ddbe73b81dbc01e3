"""Two guesses, one of them better: nothing is trained."""

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import better, level, trend
from experiments.engine.declaration import Experiment

EXPERIMENT = Experiment(
    identifier="small.guesses",
    question="Is less noise better?",
    lens="tiny_evidence:lens",
    sweep=Sweep("gain", (0.5, 1.0, 2.0)),
    arms=[
        Arm(
            name="sharp",
            model="tiny_evidence:guess",
            options={"noise": 0.1},
            space={"reach": (0.5, 1.0, 1.5)},
        ),
        Arm(name="blurred", model="tiny_evidence:guess", options={"noise": 1.5}),
        Arm(name="heir", model="tiny_evidence:guess", options={"noise": 0.1}, inherits="sharp"),
        Arm(
            name="aside",
            model="tiny_evidence:guess",
            options={"noise": 3.0, "reach": 0.7},
            side=True,
        ),
    ],
    contrasts=[
        better("noise_costs", "Less noise is better.", "sharp", "blurred", at=1.0),
        level("heirs", "An heir does as well.", "sharp", "heir", at=1.0),
        better("upside_down", "More noise is better.", "blurred", "sharp", at=2.0),
        better("leads", "Little noise leads.", "sharp", "aside", at=1.0),
        trend("grows", "A larger gain helps the blurred guess.", "blurred"),
        level("ties", "Noise costs nothing where the gain is small.", "sharp", "blurred", at=0.5),
    ],
    worlds=(100, 104),
    side_worlds=(100, 103),
    parts=["unseen"],
)
