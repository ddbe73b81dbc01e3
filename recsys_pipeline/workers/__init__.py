"""Training on several machines, or in several processes on one machine to try it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_pipeline.workers.distributed import join_workers
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
