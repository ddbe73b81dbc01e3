"""The book's machinery: claims that a lesson checks, the environment check, builds and checks.

In a lesson: ``from recsys_lib.book import check, claim, claims_table, exercise, explore, plots``.
On the command line: ``python -m bookmaker --help``.
"""

from recsys_lib.book.claims import ClaimFailed, claim, claims_table
from recsys_lib.book.environment import check_env
from recsys_lib.book.exercises import check, exercise, hint, progress
from recsys_lib.book.labs import needs_data
from recsys_lib.book.widgets import explore

__all__ = [
    "ClaimFailed",
    "check",
    "check_env",
    "claim",
    "claims_table",
    "exercise",
    "explore",
    "hint",
    "needs_data",
    "progress",
]
