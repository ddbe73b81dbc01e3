"""Mistakes in what students call, in the progress file, in locks and downloads."""

from runner import Mutant

EXERCISES = "recsys_book/exercises"
MISTAKES, STUDENT = f"{EXERCISES}/mistakes.py", f"{EXERCISES}/student.py"
PROGRESS, SOLUTIONS = f"{EXERCISES}/progress_file.py", f"{EXERCISES}/solutions.py"
DOWNLOAD, LOCKS = "recsys_lib/data/download.py", "recsys_lib/locks.py"
OFFERED = "bookmaker/offered_names.py"

TEST_MISTAKES = "book/test_exercises_mistakes.py"
TEST_PROGRESS = "book/test_exercises_progress.py"
TEST_SOLUTIONS = "book/test_exercises_solutions.py"
TEST_DOWNLOAD = "data/test_download.py"
TEST_OFFERED = "bookmaker/test_offered_names.py"

MUTANTS = [
    Mutant(
        "mistakes: right answers may be told a mistake",
        MISTAKES,
        "if not ours or _agree(reference, ours, as_the_test=True):",
        "if not ours:",
        f"{TEST_MISTAKES}::test_a_mistake_with_the_results_of_the_reference_is_never_told",
    ),
    Mutant(
        "mistakes: any exception is like any other",
        MISTAKES,
        "return expected.raised == came.raised",
        "return bool(expected.raised and came.raised)",
        f"{TEST_MISTAKES}::test_an_exception_of_the_same_type_at_the_same_case_is_the_same",
    ),
    Mutant(
        "mistakes: the hidden cases do not count",
        MISTAKES,
        "tests = (one.public, one.hidden) if with_hidden else (one.public,)",
        "tests = (one.public,)",
        (
            f"{TEST_MISTAKES}::test_both_tests_cases_tell_mistakes_apart",
            f"{TEST_MISTAKES}::test_check_tells_it_and_no_hidden_case",
        ),
    ),
    Mutant(
        "mistakes: an assignment is told what hidden tests reject",
        STUDENT,
        "with_hidden=not in_assignment()",
        "with_hidden=True",
        f"{TEST_MISTAKES}::test_check_tells_it_and_no_hidden_case",
    ),
    Mutant(
        "solutions: shown in assignments",
        SOLUTIONS,
        "    if in_assignment():",
        "    if False:",
        f"{TEST_SOLUTIONS}::test_an_assignment_shows_none",
    ),
    Mutant(
        "solutions: shown after the first hint",
        STUDENT,
        "if given + 1 == len(hints):",
        "if given + 1 <= len(hints):",
        f"{TEST_SOLUTIONS}::test_it_is_not_shown_to_who_has_not_tried",
    ),
    Mutant(
        "progress: written without the lock",
        PROGRESS,
        'with locked(path.with_suffix(".lock"), LOCK_SECONDS, STALE_LOCK_SECONDS):',
        "if True:",
        f"{TEST_PROGRESS}::test_a_lock_that_somebody_keeps_costs_the_record_and_not_the_verdict",
    ),
    Mutant(
        "progress: a broken file is thrown away",
        PROGRESS,
        "os.replace(path, aside)",
        "os.remove(path)",
        f"{TEST_PROGRESS}::test_a_broken_file_counts_as_empty_and_is_kept_aside",
    ),
    Mutant(
        "download: who has waited fetches again",
        DOWNLOAD,
        "if found:  # whoever held the lock has fetched it",
        "if not name:",
        f"{TEST_DOWNLOAD}::test_two_fetches_at_once_ask_the_server_once",
    ),
    Mutant(
        "download: what other sets are unpacking is removed",
        DOWNLOAD,
        'cache.glob(f".unpack-{entry.name}-*")',
        'cache.glob(".unpack-*")',
        f"{TEST_DOWNLOAD}::test_what_a_killed_fetch_has_left_is_used_or_removed",
    ),
    Mutant(
        "locks: a deleted file is a lock",
        LOCKS,
        "is_current = os.path.samestat(os.fstat(descriptor), os.stat(path))",
        "is_current = True",
        "test_locks.py::test_a_file_that_its_holder_deleted_meanwhile_is_no_lock",
    ),
    Mutant(
        "lessons: a name imported as another counts",
        OFFERED,
        "{alias.name for alias in node.names if alias.asname is None}",
        "{alias.name for alias in node.names}",
        f"{TEST_OFFERED}::test_what_is_not_imported_is_named",
    ),
    Mutant(
        "lessons: what is imported as np is numpy to the check",
        OFFERED,
        '(alias.asname or alias.name).split(".")[0]',
        'alias.name.split(".")[0]',
        f"{TEST_OFFERED}::test_modules_that_answers_are_written_with_are_there",
    ),
]
