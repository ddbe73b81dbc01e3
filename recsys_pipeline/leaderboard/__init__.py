"""Leaderboards: the models of the zoo on one data set, with recipes, verdicts and a record.

``recsys leaderboard --help``; in Python ``make_plan`` of ``recsys_pipeline.train`` and ``run``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_pipeline.leaderboard.board import Board, run
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
