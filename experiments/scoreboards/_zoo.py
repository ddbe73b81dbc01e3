"""The arms of a scoreboard, all tuned with the same budget.

The models are named here as text, so that another row of the zoo does not change what a record was
declared as. Left out are models that need what a log does not have here: several tasks, scenarios,
sessions, and histories of thousands, among which there is something to search.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.arms import Arm
from experiments.sequence._logs import HEAD, LINEAR_SPACE, SCALES, SPACE, references

LINEAR = {"wide": "wide", "polynomial": "polynomial"}
CROSSING = {
    "dnn": "DNN",
    "wide_and_deep": "Wide & Deep",
    "fm": "FM",
    "fwfm": "FwFM",
    "afm": "AFM",
    "nfm": "NFM",
    "ipnn": "IPNN",
    "opnn": "OPNN",
    "pnn": "PNN",
    "fibinet_all": "FiBiNET, all",
    "fibinet_each": "FiBiNET, each",
    "fibinet": "FiBiNET",
    "deepfm": "DeepFM",
    "dcn": "DCN",
    "dcn_v2": "DCN-V2",
    "dcn_mix": "DCN-Mix",
    "cin": "CIN",
    "xdeepfm": "xDeepFM",
    "autoint": "AutoInt",
    "autoint_plus": "AutoInt+",
}
READING = {"mean": "mean", "gru": "GRU", "din": "DIN", "dien": "DIEN", "bst": "BST"}
"""Key of the zoo to the arm's name: linear models, crosses and networks, readers of a history."""
_OWN: Mapping[str, dict[str, Any]] = {
    "din": {"attention_units": (16,)},
    "dien": {"auxiliary_weight": 0.0},
}
"""What an arm sets beside the common head: DIN's unit and DIEN's loss as in ``sequence``."""


def scoreboard(columns: Sequence[str]) -> list[Arm]:
    """The two references, and every model that fits.

    Args:
        columns: names of those that describe a request and what is known of user and item. All
            models read them; those of chapter 04 read ``history``, too.
    """
    width = {"embedding_dim": HEAD["embedding_dim"]}
    crossing = [
        Arm(name=name, model=key, space=SPACE, options=width, columns=columns)
        for key, name in CROSSING.items()
    ]
    linear = {
        key: Arm(name=name, model=key, space=LINEAR_SPACE, columns=columns)
        for key, name in LINEAR.items()
    }
    reading = [
        Arm(
            name=name,
            model=key,
            space=SPACE | (SCALES if key == "din" else {}),
            options=HEAD | _OWN.get(key, {}),
            columns=(*columns, "history"),
        )
        for key, name in READING.items()
    ]
    # The order is that in which the zoo had them when the boards were declared.
    models = [linear["wide"], *crossing[:2], linear["polynomial"], *crossing[2:], *reading]
    return [*references(columns), *models]
