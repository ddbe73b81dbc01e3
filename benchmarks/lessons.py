"""Seconds of each lesson, executed from its text in a fresh kernel; nothing is written."""

from benchmarks.process import peak_memory_of_children
from bookmaker.building.build import BuildError, run
from bookmaker.lessons.lessons import describe, find_texts, is_lab


def lesson_seconds():
    """Yield ``(name, seconds, seconds to the first output)`` of every lesson, in order.

    One that fails is named with its reason, and left out.
    """
    for text_path in find_texts():
        if is_lab(text_path):  # optional, and slower than a lesson may be
            continue
        name = describe(text_path).name
        try:
            _, times = run(text_path)
        except BuildError as error:
            print(f"{name}: not measured: {str(error).splitlines()[0]}")
        else:
            yield name, times.total, times.first_output


def print_section():
    """Print the table."""
    print("\nLessons, from the start of the kernel, seconds")
    print(f"{'':40}{'all cells':>12}{'first output':>14}")
    for name, total, first in lesson_seconds():
        print(f"{name:40}{total:>12.1f}{first:>14.1f}")
    print("goal: at most 60 for all cells, under 10 to the first output")
    print(f"largest memory of a kernel: {peak_memory_of_children():,.0f} MiB")
