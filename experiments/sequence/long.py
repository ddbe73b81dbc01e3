"""Of a thousand behaviours up to fifty speak for a candidate: which search finds them?

Half of the candidates' relevant behaviours stand in other categories than the candidate, which a
search by category cannot find; clicks tell which categories belong together.
"""

from typing import Any

from experiments.arms import Arm
from experiments.contrasts import better, level
from experiments.declaration import Experiment


def _normal(deviation: float) -> dict[str, Any]:
    return {"class_name": "RandomNormal", "config": {"stddev": deviation}}


SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 3e-3, 1e-2),
    "embeddings_initializer": (None, _normal(0.2), _normal(0.3), _normal(0.5)),
}
HEAD: dict[str, Any] = {"product": True, "embedding_dim": 16}
WHOLE: dict[str, Any] = HEAD | {"histories": ("history_category",)}
SEARCH: dict[str, Any] = WHOLE | {"found_steps": 100, "recency": False}

EXPERIMENT = Experiment(
    identifier="sequence.long",
    question="Where a few of a thousand behaviours count, which way to find them is worth most?",
    lens="long_history",
    headline="search_beats_last",
    arms=[
        Arm(
            name="DIN, last hundred",
            model="din",
            space=SPACE,
            options=HEAD | {"histories": ("short_category",)},
            at_base_rate=True,
        ),
        Arm(name="mean of all", model="mean", space=SPACE, options=WHOLE, at_base_rate=True),
        Arm(name="SIM, hard", model="sim", space=SPACE, options=SEARCH | {"search": "hard"}),
        Arm(name="SIM, soft", model="sim", space=SPACE, options=SEARCH | {"search": "soft"}),
        Arm(name="ETA", model="eta", space=SPACE, options=SEARCH | {"num_bits": 64}),
        Arm(name="SDIM", model="sdim", space=SPACE, options=WHOLE),
        Arm(name="TWIN", model="twin", space=SPACE, options=SEARCH | {"num_heads": 1}),
        Arm(
            name="TWIN, all",
            model="twin",
            options=SEARCH | {"num_heads": 1, "found_steps": 1_000},
            inherits="TWIN",
            side=True,
        ),
    ],
    contrasts=[
        better(
            "search_beats_last",
            "A search by category in the whole history beats DIN on its end.",
            "SIM, hard",
            "DIN, last hundred",
            margin=5.0,
        ),
        better(
            "attention_beats_mean",
            "TWIN beats the mean of the whole history.",
            "TWIN",
            "mean of all",
            margin=5.0,
        ),
        better(
            "clicks_find_more",
            "A search that clicks have taught beats the search by category.",
            "ETA",
            "SIM, hard",
            margin=5.0,
        ),
        better(
            "one_score_for_both",
            "TWIN, whose two stages share one score, beats the soft search of SIM.",
            "TWIN",
            "SIM, soft",
            margin=5.0,
        ),
        level(
            "bits_are_enough",
            "A search by hashed bits is level with one by exact products.",
            "ETA",
            "TWIN",
            margin=5.0,
        ),
        level(
            "no_search_is_needed",
            "SDIM, which searches nothing, is level with ETA.",
            "SDIM",
            "ETA",
            margin=5.0,
        ),
        level(
            "nothing_is_lost",
            "TWIN with its search is level with TWIN that attends to all behaviours.",
            "TWIN",
            "TWIN, all",
            margin=5.0,
        ),
    ],
    worlds=(120, 140),
    side_worlds=(120, 130),
    fit={"epochs": 4, "batch_size": 64, "patience": 1},
)
