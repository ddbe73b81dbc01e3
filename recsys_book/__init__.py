"""Names that lessons import: checked sentences, guesses, exercises, plots, excerpts, durations.

In a lesson: ``from recsys_book import check, checked_sentences, exact, exercise, guess``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_book.environment import check_env
    from recsys_book.exercises import (
        check,
        check_all,
        exercise,
        hand_in,
        hint,
        progress,
        solution,
    )
    from recsys_book.figures import style
    from recsys_book.guesses import guess, resolve
    from recsys_book.labs import needs_data
    from recsys_book.pictures.families import family
    from recsys_book.pictures.registry import sketch
    from recsys_book.record_folds import how_measured
    from recsys_book.recorded_runs import dots, runs, user_sums
    from recsys_book.records import evidence, finding, recorded
    from recsys_book.sentences import checked_sentences, exact
    from recsys_book.source import excerpt
    from recsys_book.start_page import start
    from recsys_book.timing import Durations, stopwatch
    from recsys_book.week import this_week
    from recsys_book.widgets import explore
else:
    # Few lessons draw a model or show a record, and the others should not wait for these modules.
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
