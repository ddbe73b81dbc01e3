"""Chapter 07: the ranker that the chapters' parts make together, and what follows its scores."""

from recsys_lib.one_request.calibration import undo_sampling, undo_sampling_of_both
from recsys_lib.one_request.ranker import build_ranker

__all__ = ["build_ranker", "undo_sampling", "undo_sampling_of_both"]
