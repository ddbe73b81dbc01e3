"""What lessons import: claims that they check, exercises, the slider, plots, excerpts, durations.

In a lesson: ``from recsys_lib.book import check, claim, claims_table, exercise, explore, plots``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.book.claims import ClaimFailed, claim, claims_table
    from recsys_lib.book.diagrams.automatic import diagram
    from recsys_lib.book.environment import check_env
    from recsys_lib.book.exercises import check, exercise, hint, progress, solution
    from recsys_lib.book.labs import needs_data
    from recsys_lib.book.records import evidence, finding
    from recsys_lib.book.sketches.registry import sketch
    from recsys_lib.book.source import excerpt
    from recsys_lib.book.timing import Durations, stopwatch
    from recsys_lib.book.widgets import explore
else:
    # Few lessons draw a model or show a record, and no other should wait for it.
    from recsys_lib.lazy import face

    __getattr__, __dir__ = face(__name__)

__all__ = [
    "ClaimFailed",
    "Durations",
    "check",
    "check_env",
    "claim",
    "claims_table",
    "diagram",
    "evidence",
    "excerpt",
    "exercise",
    "explore",
    "finding",
    "hint",
    "needs_data",
    "progress",
    "sketch",
    "solution",
    "stopwatch",
]
