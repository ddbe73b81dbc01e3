"""Seconds of each lesson, executed from its text in a fresh kernel; nothing is written."""

from bookmaker.build import run
from bookmaker.lessons import describe, find_texts, is_lab


def lesson_seconds():
    """Yield ``(name, seconds, seconds to the first output)`` of every lesson, in order."""
    for text_path in find_texts():
        if is_lab(text_path):  # optional, and slower than a lesson may be
            continue
        _, times = run(text_path)
        yield describe(text_path).name, times.total, times.first_output
