"""The arms and contrasts of a scoreboard; all arms are tuned with the same budget.

The models are named here as text, so that another row of the zoo does not change what a record was
declared as. Left out are models that need what a log does not have here: several tasks, scenarios,
sessions, and histories of thousands, among which there is something to search.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import Contrast, better, level, not_worse
from experiments.sequence._logs import (
    COUNTED,
    COUNTED_LINEAR,
    HEAD,
    PRECISIONS,
    WIDER_LINEAR,
    WIDER_TREES,
    references,
)
from experiments.sequence.movielens_long import both

SPACE: dict[str, Any] = {
    "learning_rate": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "embedding_l2": (0.0, 1e-6, 1e-5, 1e-4, 1e-3),
}
SCALES: dict[str, Any] = {"scale": ("raw", "length", "softmax", "batch_normalization")}
WEIGHTS: dict[str, Any] = {"auxiliary_weight": (0.03, 0.1, 0.3, 1.0, 3.0)}
CROSSING = {
    "dnn": "DNN",
    "wide_and_deep": "Wide & Deep",
    "fm": "FM",
    "fwfm": "FwFM",
    "fmfm": "FmFM",
    "ffm": "FFM",
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
    "masknet_s": "SerMaskNet",
    "masknet_p": "ParaMaskNet",
    "finalmlp": "FinalMLP",
    "gdcn_s": "GDCN-S",
    "gdcn_p": "GDCN-P",
    "edcn": "EDCN",
    "afn": "AFN",
    "afn_plus": "AFN+",
}
READING = {"mean": "mean", "gru": "GRU", "din": "DIN", "dien": "DIEN", "bst": "BST"}
"""Key of the zoo to the arm's name: crosses and networks, readers of a history."""
_OWN: Mapping[str, dict[str, Any]] = {"ffm": {"embedding_dim": 4}}
_UNIT: Mapping[str, dict[str, Any]] = {"din": {"attention_units": (16,)}}
"""What an arm sets beside the common head: FFM's vectors are one for each other column, and DIN's
unit is that of ``sequence``."""
_MORE: Mapping[str, dict[str, Any]] = {"din": SCALES, "dien": WEIGHTS}
"""What is tuned of an arm beside its rate and penalty: of DIEN the weight of its loss."""
LINEAR_PART = {
    *("fm", "fwfm", "fmfm", "ffm", "afm", "nfm", "deepfm", "xdeepfm"),
    *("fibinet_all", "fibinet_each", "fibinet"),
}
"""Keys of models that have, beside vectors, a weight for each id."""


def scoreboard(
    columns: Sequence[str], matches: Sequence[str], *, counted: bool = False
) -> list[Arm]:
    """The references, trees that are told matches, and every model that fits.

    Args:
        columns: names of those that describe a request and what is known of user and item. All
            models read them; those of chapter 04 read ``history``, too.
        matches: columns of the item whose matches with the history are counted for trees.
        counted: whether an id's prior is outweighed by its rows. A weight of a pair of ids has no
            such prior: the polynomial keeps the penalty of a batch, Wide & Deep's table has none.
    """
    read = (*columns, "history")
    space, linear = (COUNTED, COUNTED_LINEAR) if counted else (SPACE, WIDER_LINEAR)
    weights = {"linear_precision": PRECISIONS} if counted else {}
    width = {"embedding_dim": HEAD["embedding_dim"]}
    told = Arm(
        name="trees, match counts",
        model="experiments.sequence._matches:trees_with_matches",
        space=WIDER_TREES,
        options={"matches": tuple(matches)},
        columns=read,
    )
    polynomial = Arm(name="polynomial", model="polynomial", space=WIDER_LINEAR, columns=columns)
    crossing = [
        Arm(
            name=name,
            model=key,
            space=space | (weights if key in LINEAR_PART else {}),
            options=width | _OWN.get(key, {}),
            columns=columns,
        )
        for key, name in CROSSING.items()
    ]
    reading = [
        Arm(
            name=name,
            model=key,
            space=space | _MORE.get(key, {}),
            options=HEAD | _UNIT.get(key, {}),
            columns=read,
        )
        for key, name in READING.items()
    ]
    return [*references(columns, linear, WIDER_TREES), told, polynomial, *crossing, *reading]


def contrasts() -> list[Contrast]:
    """What boards ask, in AUC and within a user's rows."""
    asked = (
        (better, "fm_above_trees", "FM is ahead of trees.", "FM", "trees"),
        (better, "deepfm_above_trees", "DeepFM is ahead of trees.", "DeepFM", "trees"),
        (
            better,
            "mean_above_trees",
            "The mean of the history is ahead of trees.",
            "mean",
            "trees",
        ),
        (
            better,
            "mean_above_told_trees",
            "The mean of the history is ahead of trees with match counts.",
            "mean",
            "trees, match counts",
        ),
        (level, "crosses_are_level", "DCN of matrices and DeepFM are level.", "DCN-V2", "DeepFM"),
        (level, "fm_is_level", "FM and DeepFM are level.", "FM", "DeepFM"),
        (better, "history_helps", "The history is worth something.", "mean", "DNN"),
        (
            better,
            "crosses_help_the_network",
            "A network with crosses beside it is ahead of the network alone.",
            "DCN-V2",
            "DNN",
        ),
        (
            better,
            "whole_vectors_lead",
            "Crosses of whole vectors are ahead of crosses of components.",
            "xDeepFM",
            "DCN-V2",
        ),
        (
            not_worse,
            "gates_add_nothing",
            "Crosses without gates are not behind.",
            "DCN-V2",
            "GDCN-P",
        ),
        (
            not_worse,
            "two_streams_add_nothing",
            "One network is not behind two that are fused.",
            "DNN",
            "FinalMLP",
        ),
        (
            not_worse,
            "masks_add_nothing",
            "Crosses are not behind masks.",
            "DCN-V2",
            "ParaMaskNet",
        ),
        (
            not_worse,
            "bridges_add_nothing",
            "Crosses and network that exchange nothing are not behind towers with bridges.",
            "DCN-V2",
            "EDCN",
        ),
        (
            not_worse,
            "learned_powers_add_nothing",
            "Crosses are not behind products with learned powers.",
            "DCN-V2",
            "AFN+",
        ),
    )
    return [contrast for one in asked for contrast in both(*one)]
