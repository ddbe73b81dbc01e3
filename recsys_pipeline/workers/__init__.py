"""Training on several machines, and several processes of one machine that try it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_pipeline.workers.distributed import join_workers
    from recsys_pipeline.workers.launch import launch
else:
    from recsys_lib.lazy import face

    __getattr__, __dir__ = face(__name__)

__all__ = ["join_workers", "launch"]
