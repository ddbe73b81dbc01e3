"""Every exercise of the book: the reference passes, the starter does not, each mistake is caught.

In this process and without nbgrader; the real round is in ``test_grading_of_the_book.py``.
"""

import time

import pytest

from bookmaker.lessons.lesson_cells import lesson_problems
from bookmaker.lessons.lessons import read_text
from recsys_book.exercises.source import find_sources, read_source
from recsys_book.exercises.student import report, verdict_of
from recsys_book.exercises.verdicts import define

FILES = [read_source(path) for path in find_sources()]
EXERCISES = [pytest.param(file, one, id=one.identifier) for file in FILES for one in file.exercises]
MISTAKES = [
    pytest.param(file, one, mistake, id=f"{one.identifier}-{number}")
    for file in FILES
    for one in file.exercises
    for number, mistake in enumerate(one.mistakes, start=1)
]


@pytest.fixture(autouse=True)
def no_progress(monkeypatch):
    monkeypatch.setenv("RECSYS_KEEP_PROGRESS", "0")


def test_the_first_two_chapters_have_their_exercises():
    counts = {}
    for file in FILES:
        kinds = counts.setdefault(file.path.parent.name[:2], [])
        kinds += [one.kind for one in file.exercises]
    assert len(counts["00"]) >= 2
    assert len(counts["01"]) >= 5 and counts["01"].count("code") >= 2


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.lesson)
def test_the_lesson_shows_each_exercise_with_its_own_starter(file):
    text_path = file.path.with_name(f"{file.lesson}.md")
    assert lesson_problems(text_path, read_text(text_path)) == []


@pytest.mark.parametrize(("file", "one"), EXERCISES)
def test_the_reference_passes_all_tests(file, one):
    answer = define(file.setup, one.solution, one.target)
    assert verdict_of(file, one, answer).passed
    if one.hidden:
        assert verdict_of(file, one, answer, "hidden").passed


@pytest.mark.parametrize(("file", "one"), EXERCISES)
def test_the_starter_passes_none(file, one):
    answer = define(file.setup, one.starter, one.target)
    assert verdict_of(file, one, answer).status == "not attempted"
    if one.hidden:
        assert verdict_of(file, one, answer, "hidden").status == "not attempted"


@pytest.mark.parametrize(("file", "one", "mistake"), MISTAKES)
def test_each_mistake_is_rejected_by_the_test_it_is_recorded_for(file, one, mistake):
    answer = define(file.setup, mistake.code, one.target)
    verdict = verdict_of(file, one, answer)
    if mistake.caught_by == "public":
        assert verdict.rejected, report(one, verdict, answer)
        # A recall exercise answers with the recorded reason.
        assert one.kind != "recall" or mistake.text in report(one, verdict, answer)[1]
    else:
        assert verdict.passed, report(one, verdict, answer)
        assert verdict_of(file, one, answer, "hidden").rejected


@pytest.mark.parametrize(("file", "one"), EXERCISES)
def test_a_check_answers_within_a_second(file, one):
    answer = define(file.setup, one.solution, one.target)
    # Of the processor, so that other work on the machine does not count.
    started = time.process_time()
    verdict_of(file, one, answer)
    assert time.process_time() - started < 1
