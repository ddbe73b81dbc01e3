"""Chapter 05: models that predict several things about one impression."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.layers.network_stack import task_logits
    from recsys_lib.multi_task.aitm import build_aitm
    from recsys_lib.multi_task.esmm import build_esmm
    from recsys_lib.multi_task.gradients import gradient_cosines, task_gradients
    from recsys_lib.multi_task.mmoe import build_mmoe, build_omoe
    from recsys_lib.multi_task.parts import shared_input, task_input
    from recsys_lib.multi_task.ple import build_cgc, build_ple, experts_seen
    from recsys_lib.multi_task.shared_bottom import build_shared_bottom
    from recsys_lib.multi_task.stem import build_stem
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
