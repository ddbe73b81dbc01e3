"""What the experiments on logs have in common: spaces, the head, and the two references."""

from collections.abc import Sequence
from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import Contrast

SPACE: dict[str, Any] = {
    "learning_rate": (3e-4, 1e-3, 3e-3, 1e-2),
    "embedding_l2": (0.0, 1e-6, 1e-5, 1e-4),
}
SCALES: dict[str, Any] = {"scale": ("raw", "length", "softmax", "batch_normalization")}
LINEAR_SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 3e-3, 1e-2, 3e-2),
    "linear_l2": (0.0, 1e-6, 1e-5, 1e-4),
}
TREES: dict[str, Any] = {
    "learning_rate": (0.03, 0.1, 0.3),
    "max_leaf_nodes": (7, 15, 31),
    "min_samples_leaf": (20, 100),
}
WIDER_LINEAR: dict[str, Any] = {
    "learning_rate": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "linear_l2": (0.0, 1e-7, 1e-6, 1e-5, 1e-4),
}
WIDER_TREES: dict[str, Any] = {
    "learning_rate": (0.01, 0.03, 0.1, 0.2, 0.3),
    "max_leaf_nodes": (3, 7, 15, 31, 63),
    "min_samples_leaf": (5, 20, 50, 100, 200),
}
"""The spaces of the second protocol; those of trees are the third one's, too."""
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
PRECISIONS = (0.0, 1.0, 5.0, 30.0, 200.0, 1000.0)
COUNTED: dict[str, Any] = {"learning_rate": RATES, "embedding_precision": PRECISIONS}
COUNTED_LINEAR: dict[str, Any] = {"learning_rate": RATES, "linear_precision": PRECISIONS}
"""The spaces of the third protocol: the prior of an id is outweighed by its rows."""
DEEP: dict[str, Any] = {"activation": "relu", "embedding_dim": 8}
HEAD: dict[str, Any] = DEEP | {"product": True, "histories": ("history",)}
KNOWN = ("user_count", "user_like_rate", "item_count", "item_like_rate")
REFERENCES = ("logistic regression", "trees")


def references(
    columns: Sequence[str],
    linear: dict[str, Any] = LINEAR_SPACE,
    trees: dict[str, Any] = TREES,
) -> list[Arm]:
    """The two rivals that every table of a log has.

    Args:
        columns: names of those that they read; a history is none of them.
        linear, trees: the spaces of their options.
    """
    return [
        Arm(
            name="logistic regression",
            model="lr",
            space=linear,
            columns=columns,
        ),
        Arm(
            name="trees",
            model="experiments.estimators:trees_on_ids",
            space=trees,
            columns=columns,
        ),
    ]


def both(kind: Any, finding: str, sentence: str, a: str, b: str) -> list[Contrast]:
    """A contrast in AUC, and the same within a user's rows.

    Args:
        kind: ``better``, ``not_worse`` or ``level``.
        finding, sentence, a, b: as for ``kind``, of the AUC.
    """
    said = f"{sentence[:-1]}, within a user's rows."
    return [kind(finding, sentence, a, b), kind(f"{finding}_gauc", said, a, b, measure="gauc")]
