"""What lessons import: checked sentences, guesses, exercises, plots, excerpts, durations.

In a lesson: ``from recsys_lib.book import check, checked_sentences, exact, exercise, guess``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.book.claims import ClaimFailed, claim, claims_table
    from recsys_lib.book.diagrams.automatic import diagram
    from recsys_lib.book.environment import check_env
    from recsys_lib.book.exercises import check, exercise, hint, progress, solution
    from recsys_lib.book.guesses import guess, resolve
    from recsys_lib.book.labs import needs_data
    from recsys_lib.book.records import evidence, finding, recorded
    from recsys_lib.book.sentences import checked_sentences, exact
    from recsys_lib.book.sketches.families import family
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
    "checked_sentences",
    "claim",
    "claims_table",
    "diagram",
    "evidence",
    "exact",
    "excerpt",
    "exercise",
    "explore",
    "family",
    "finding",
    "guess",
    "hint",
    "needs_data",
    "progress",
    "recorded",
    "resolve",
    "sketch",
    "solution",
    "stopwatch",
]
