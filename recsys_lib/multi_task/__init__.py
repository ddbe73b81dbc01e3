"""Chapter 05: models that predict several things about one impression."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.multi_task.esmm import build_esmm
    from recsys_lib.multi_task.gradients import gradient_cosines, task_gradients
    from recsys_lib.multi_task.mmoe import build_mmoe, build_omoe
    from recsys_lib.multi_task.parts import shared_input, task_input, task_logits
    from recsys_lib.multi_task.ple import build_cgc, build_ple, experts_seen
    from recsys_lib.multi_task.shared_bottom import build_shared_bottom
else:
    from recsys_lib.lazy import face

    __getattr__, __dir__ = face(__name__)

__all__ = [
    "build_cgc",
    "build_esmm",
    "build_mmoe",
    "build_omoe",
    "build_ple",
    "build_shared_bottom",
    "experts_seen",
    "gradient_cosines",
    "shared_input",
    "task_gradients",
    "task_input",
    "task_logits",
]
