"""The platform that the experiments of chapter 06 share, sizes, and spaces."""

from typing import Any

from experiments.arms import Arm

PLATFORM: dict[str, Any] = {
    "num_rows": 40_000,
    "num_ids": 20,
    "num_valid_rows": 20_000,
    "num_test_rows": 5_000,
}
"""Four scenarios of about 32,000, 6,000, 1,600 and 400 rows."""
LARGE, MIDDLE, SMALL, TINY = (f"scenario_{number}" for number in range(1, 5))
PARTS = (LARGE, MIDDLE, SMALL, TINY)

SPACE: dict[str, Any] = {
    "learning_rate": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "embedding_l2": (0.0, 1e-6, 1e-5, 1e-4, 1e-3),
}
FIT: dict[str, Any] = {"epochs": 60, "batch_size": 1024, "patience": 4}
WIDTH: dict[str, Any] = {"embedding_dim": 8}
DEEP: dict[str, Any] = WIDTH | {"hidden_units": (64, 32)}
BOTTOM: dict[str, Any] = WIDTH | {"hidden_units": (64,), "tower_units": (32,)}
EXPERTS: dict[str, Any] = WIDTH | {"num_experts": 4, "expert_units": (64,)}
WRITTEN: dict[str, Any] = WIDTH | {"num_experts": 4, "expert_units": (64, 8)}
"""Experts narrow enough that a matrix of their width can be written for each row."""
LISTENING: dict[str, Any] = EXPERTS | {"tower_units": (32,)}
OWN: dict[str, Any] = LISTENING | {"own_weight": 0.7}

GLOBAL, FEATURE, SEPARATE, BOTTOMED = "global", "feature", "separate", "Shared-Bottom"


def tuned(name: str, model: str, options: dict[str, Any], **more: Any) -> Arm:
    """An arm with the chapter's space."""
    return Arm(name=name, model=model, space=SPACE, options=options, **more)


def plain(**more: Any) -> list[Arm]:
    """The four answers that come before the chapter's models."""
    return [
        tuned(GLOBAL, "global", DEEP, **more),
        tuned(FEATURE, "scenario_feature", DEEP, **more),
        tuned(SEPARATE, "separate", DEEP, **more),
        tuned(BOTTOMED, "scenario_shared_bottom", BOTTOM, **more),
    ]
