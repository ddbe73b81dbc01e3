"""Of two hundred behaviours up to sixteen speak for a candidate: which search finds them?

120 categories and 600 items in vectors of eight numbers: too many for each to have a direction of
its own, so that a mean is noisy and hash bits only approximate. Half of the candidates' relevant
behaviours stand in another category than the candidate, which a search by category cannot find;
clicks tell which categories belong together. The last behaviours, which the papers' models read in
a branch of their own, are left to DIN.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, not_worse
from experiments.engine.declaration import Experiment


def _normal(deviation: float) -> dict[str, Any]:
    return {"class_name": "RandomNormal", "config": {"stddev": deviation}}


SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 2e-3, 5e-3, 1e-2, 2e-2),
    "embeddings_initializer": (None, *map(_normal, (0.1, 0.2, 0.4, 0.8))),
}
HEAD: dict[str, Any] = {"product": True, "embedding_dim": 8}
SHORT: dict[str, Any] = HEAD | {"histories": ("short_history", "short_category")}
WHOLE: dict[str, Any] = HEAD | {"histories": ("history", "history_category")}
SEARCH: dict[str, Any] = WHOLE | {"found_steps": 30, "recency": False}
TWIN: dict[str, Any] = SEARCH | {"num_heads": 1}

EXPERIMENT = Experiment(
    identifier="sequence.long",
    question="Where a few of many behaviours count, which way to find them is worth most?",
    lens="long_history",
    knobs={
        "num_rows": 16_000,
        "history_length": 200,
        "short_length": 32,
        "relevant": 16,
        "num_topics": 60,
        "items_per_category": 5,
    },
    headline="clicks_find_more",
    arms=[
        Arm(
            name="DIN, last behaviours", model="din", space=SPACE, options=SHORT, at_base_rate=True
        ),
        Arm(name="mean of all", model="mean", space=SPACE, options=WHOLE),
        Arm(name="SIM, hard", model="sim", space=SPACE, options=SEARCH | {"search": "hard"}),
        Arm(name="SIM, soft", model="sim", space=SPACE, options=SEARCH | {"search": "soft"}),
        Arm(name="ETA", model="eta", space=SPACE, options=SEARCH),
        Arm(name="SDIM", model="sdim", space=SPACE, options=WHOLE),
        Arm(name="TWIN", model="twin", space=SPACE, options=TWIN),
        Arm(name="TWIN, all", model="twin", space=SPACE, options=TWIN | {"found_steps": 200}),
    ],
    contrasts=[
        better(
            "search_beats_last",
            "A search by category in the whole history beats DIN on its end.",
            "SIM, hard",
            "DIN, last behaviours",
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
            "attention_beats_mean",
            "Attention over the whole history beats its mean.",
            "TWIN, all",
            "mean of all",
            margin=5.0,
        ),
        better(
            "mean_beats_hard_search",
            "The mean of the whole history beats the search by category.",
            "mean of all",
            "SIM, hard",
            margin=5.0,
        ),
        not_worse(
            "search_keeps_up_with_mean",
            "TWIN with its search is not behind the mean of the whole history.",
            "TWIN",
            "mean of all",
            margin=5.0,
        ),
        better(
            "search_loses_some",
            "TWIN that attends to all behaviours is ahead of TWIN that attends to those found.",
            "TWIN, all",
            "TWIN",
            margin=5.0,
        ),
        not_worse(
            "one_score_for_both",
            "TWIN, whose two stages share one score, is not behind the soft search of SIM.",
            "TWIN",
            "SIM, soft",
            margin=5.0,
        ),
        not_worse(
            "bits_are_enough",
            "A search by hashed bits is not behind one by exact products.",
            "ETA",
            "TWIN",
            margin=5.0,
        ),
        better(
            "no_search_is_needed",
            "SDIM, which searches nothing, is ahead of TWIN with its search.",
            "SDIM",
            "TWIN",
            margin=5.0,
        ),
    ],
    protocol=2,
    worlds=(160, 180),
    side_worlds=(160, 170),
    fit={"epochs": 30, "batch_size": 128, "patience": 4},
)
