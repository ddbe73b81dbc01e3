"""Chapter 05: models that predict several things about one impression."""

from recsys_lib.multi_task.esmm import build_esmm
from recsys_lib.multi_task.mmoe import build_mmoe, build_omoe
from recsys_lib.multi_task.ple import build_cgc, build_ple
from recsys_lib.multi_task.shared_bottom import build_shared_bottom

__all__ = [
    "build_cgc",
    "build_esmm",
    "build_mmoe",
    "build_omoe",
    "build_ple",
    "build_shared_bottom",
]
