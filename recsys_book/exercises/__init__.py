"""Exercises: source files, instant checks, hints, progress, and the students' version.

In a lesson: ``from recsys_book import check, exercise, hint, solution``. In the test cells of
an exercises file: ``from recsys_book.exercises import case, check_cases``.
"""

from recsys_book.exercises.cases import (
    NotAttempted,
    WrongAnswer,
    case,
    check_cases,
    check_choice,
    check_memory,
    check_prediction,
    check_steps,
    check_text,
)
from recsys_book.exercises.handing_in import check_all, hand_in
from recsys_book.exercises.progress_file import progress
from recsys_book.exercises.solutions import solution
from recsys_book.exercises.student import check, exercise, hint

__all__ = [
    "NotAttempted",
    "WrongAnswer",
    "case",
    "check",
    "check_all",
    "check_cases",
    "check_choice",
    "check_memory",
    "check_prediction",
    "check_steps",
    "check_text",
    "exercise",
    "hand_in",
    "hint",
    "progress",
    "solution",
]
