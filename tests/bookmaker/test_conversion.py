"""The list of lessons that are not yet converted: what it excuses, and what it may name."""

from bookmaker import conversion, lesson_checks


def test_the_list_excuses_the_lessons_that_it_names_and_no_others(chapters):
    first, second = chapters.write(), chapters.write(name="02_other")
    (chapters.folder / conversion.NAME).write_text("# Why.\n\n00_small/02_other\n")
    assert conversion.not_yet_converted(chapters.folder) == {"00_small/02_other"}
    assert conversion.is_converted(first) and not conversion.is_converted(second)
    exercises = second.with_name("02_other.exercises.md")
    assert conversion.lesson_name(exercises) == "00_small/02_other"
    assert not conversion.is_converted(exercises)


def test_without_a_list_every_lesson_is_converted(chapters):
    assert conversion.not_yet_converted(chapters.folder) == frozenset()
    assert conversion.is_converted(chapters.write())


def test_names_that_are_no_lessons_or_out_of_order_are_problems(chapters):
    chapters.write()
    path = chapters.folder / conversion.NAME
    path.write_text("00_small/01_small\n00_small/00_gone\n")
    assert conversion.problems(chapters.folder) == [
        f"{path}: expected names of lessons, got 00_small/00_gone",
        f"{path}: expected each name once and in alphabetical order",
    ]
    assert set(conversion.problems(chapters.folder)) <= set(
        lesson_checks.check_book(chapters.folder)
    )


def test_the_list_of_the_book_leaves_the_two_examples_converted():
    assert conversion.problems() == []
    names = ("01_memorization_generalization/01_wide_and_deep", "04_sequence_models/01_din")
    assert not conversion.not_yet_converted().intersection(names)
