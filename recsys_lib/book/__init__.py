"""What lessons import: claims that they check, exercises, the slider, plots, excerpts, durations.

In a lesson: ``from recsys_lib.book import check, claim, claims_table, exercise, explore, plots``.
"""

from recsys_lib.book.claims import ClaimFailed, claim, claims_table
from recsys_lib.book.environment import check_env
from recsys_lib.book.exercises import check, exercise, hint, progress, solution
from recsys_lib.book.labs import needs_data
from recsys_lib.book.source import excerpt
from recsys_lib.book.timing import Durations, stopwatch
from recsys_lib.book.widgets import explore

__all__ = [
    "ClaimFailed",
    "Durations",
    "check",
    "check_env",
    "claim",
    "claims_table",
    "excerpt",
    "exercise",
    "explore",
    "hint",
    "needs_data",
    "progress",
    "solution",
    "stopwatch",
]
