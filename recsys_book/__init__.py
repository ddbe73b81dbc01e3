"""Names that lessons import: checked sentences, guesses, exercises, plots, excerpts, durations.

In a lesson: ``from recsys_book import check, checked_sentences, exact, exercise, guess``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_book.base.source import excerpt
    from recsys_book.base.timing import Durations, stopwatch
    from recsys_book.exercises import (
        check,
        check_all,
        exercise,
        hand_in,
        hint,
        progress,
        solution,
    )
    from recsys_book.pictures.families import family
    from recsys_book.pictures.registry import sketch
    from recsys_book.plotting.figures import style
    from recsys_book.plotting.guesses import guess, resolve
    from recsys_book.plotting.widgets import explore
    from recsys_book.reader.environment import check_env
    from recsys_book.reader.labs import needs_data
    from recsys_book.reader.start_page import start
    from recsys_book.reader.week import this_week
    from recsys_book.records.record_folds import how_measured
    from recsys_book.records.recorded_runs import dots, runs, user_sums
    from recsys_book.records.records import evidence, finding, recorded
    from recsys_book.records.sentences import checked_sentences, exact
else:
    # Few lessons draw a model or show a record, and the others should not wait for these modules.
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
