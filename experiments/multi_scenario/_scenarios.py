"""The platform that the experiments of chapter 06 share, and sizes."""

from typing import Any

from experiments.engine.arms import Arm
from experiments.multi_task._tasks import tuned

PLATFORM: dict[str, Any] = {
    "num_rows": 40_000,
    "num_ids": 20,
    "num_valid_rows": 20_000,
    "num_test_rows": 5_000,
}
"""Four scenarios of about 32,000, 6,000, 1,600 and 400 rows."""
LARGE, MIDDLE, SMALL, TINY = (f"scenario_{number}" for number in range(1, 5))
PARTS = (LARGE, MIDDLE, SMALL, TINY)

FIT: dict[str, Any] = {"epochs": 80, "batch_size": 512, "patience": 4}
WIDTH: dict[str, Any] = {"embedding_dim": 8}
DEEP: dict[str, Any] = WIDTH | {"hidden_units": (64, 32)}
BOTTOM: dict[str, Any] = WIDTH | {"hidden_units": (64,), "tower_units": (32,)}
EXPERTS: dict[str, Any] = WIDTH | {"num_experts": 4, "expert_units": (64,)}
WRITTEN: dict[str, Any] = WIDTH | {"num_experts": 4, "expert_units": (64, 8)}
"""Experts narrow enough that a matrix of their width can be written for each row."""
LISTENING: dict[str, Any] = EXPERTS | {"tower_units": (32,)}
OWN: dict[str, Any] = LISTENING | {"own_weight": 0.7}

GLOBAL, FEATURE, SEPARATE, BOTTOMED = "global", "feature", "separate", "Shared-Bottom"


def plain(**more: Any) -> list[Arm]:
    """The four answers that come before the chapter's models."""
    return [
        tuned(GLOBAL, "global", DEEP, **more),
        tuned(FEATURE, "scenario_feature", DEEP, **more),
        tuned(SEPARATE, "separate", DEEP, **more),
        tuned(BOTTOMED, "scenario_shared_bottom", BOTTOM, **more),
    ]
