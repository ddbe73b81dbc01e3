"""Sizes and spaces that the experiments of chapter 05 share."""

from typing import Any

from experiments.engine.arms import Arm

SPACE: dict[str, Any] = {
    "learning_rate": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "embedding_l2": (0.0, 1e-6, 1e-5, 1e-4, 1e-3),
}
FIT: dict[str, Any] = {"epochs": 60, "batch_size": 1024, "patience": 4}
HEAD: dict[str, Any] = {"tasks": ("click", "like"), "embedding_dim": 8, "tower_units": (64,)}
BOTTOM: dict[str, Any] = HEAD | {"hidden_units": (64,)}
LARGE: dict[str, Any] = HEAD | {"hidden_units": (120,)}
"""About as many weights as four experts of 64 units and their gates."""
EXPERTS: dict[str, Any] = HEAD | {"expert_units": (64,)}
FOUR: dict[str, Any] = EXPERTS | {"num_experts": 4}
OWN: dict[str, Any] = EXPERTS | {"num_task_experts": 1, "num_shared_experts": 2}
"""Four experts for two tasks."""


def tuned(name: str, model: str, options: dict[str, Any], **more: Any) -> Arm:
    """An arm with the space of chapters 05 and 06."""
    return Arm(name=name, model=model, space=SPACE, options=options, **more)


def alone(task: str) -> Arm:
    """The bottom with the tower of one task: nothing is shared."""
    return tuned(f"{task} alone", "shared_bottom", BOTTOM | {"tasks": (task,)})
