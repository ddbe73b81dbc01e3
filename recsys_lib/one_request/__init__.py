"""Chapter 07: the ranker that the chapters' parts make together, and what follows its scores."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.one_request.calibration import thin, undo_sampling, undo_sampling_of_both
    from recsys_lib.one_request.ranker import build_ranker
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
