"""Mistakes in handing out, collecting and grading that the tests must reject."""

from runner import Mutant

ASSIGNMENT = "bookmaker/grading/assignment.py"
COURSE = "bookmaker/grading/course.py"
COLLECT = "bookmaker/grading/collect.py"
FEEDBACK = "bookmaker/grading/feedback.py"
GRADE = "bookmaker/grading/grade.py"
REPORT = "bookmaker/grading/report.py"
ROSTER = "bookmaker/grading/roster.py"
SUBMISSIONS = "bookmaker/grading/submissions.py"
FORMS = "bookmaker/test_assignment.py"
RELEASES = "bookmaker/test_grading_release.py"
COLLECTED = "bookmaker/test_grading_collect.py"
FOUND = "bookmaker/test_grading_submissions.py"
WEEKS = "bookmaker/test_grading_weeks.py"
FOLDERS = f"{FOUND}::test_folders_and_flat_files"
SECOND_ROUND = f"{COLLECTED}::test_a_second_round_keeps_the_first_with_its_grade"
FULLER = f"{COLLECTED}::test_of_two_files_the_fuller_counts_and_else_the_newer"
LINKS = f"{FOUND}::test_no_link_is_followed"

MUTANTS = [
    Mutant(
        "grading: a hidden test outside the markers",
        ASSIGNMENT,
        'f"{HIDDEN_NOTE}\\n{BEGIN_HIDDEN}\\n{one.hidden}\\n{END_HIDDEN}"',
        'f"{HIDDEN_NOTE}\\n{one.hidden}\\n{BEGIN_HIDDEN}\\n{END_HIDDEN}"',
        f"{FORMS}::test_hidden_code_stands_between_the_markers",
    ),
    Mutant(
        "grading: the code of a variant is no secret",
        ASSIGNMENT,
        "one.rubric, one.variant])",
        "one.rubric])",
        f"{FORMS}::test_what_a_seed_exchanges_is_secret",
    ),
    Mutant(
        "grading: another text is released without a word",
        COURSE,
        'if known and known["sha256"] != _hash(texts[file]) and not force:',
        "if known and False:",
        f"{RELEASES}::test_another_text_is_refused_in_a_line_unless_forced",
    ),
    Mutant(
        "grading: the first lessons are written although one is refused",
        COURSE,
        """    if refused:
        raise GradingError("\\n".join(refused))
    paths = {}
    for file, text in texts.items():
""",
        """    paths = {}
    for file, text in texts.items():
        if refused and file is list(texts)[-1]:
            raise GradingError("\\n".join(refused))
""",
        f"{RELEASES}::test_another_text_is_refused_in_a_line_unless_forced",
    ),
    Mutant(
        "grading: a leak stays where it was found",
        COURSE,
        'shutil.rmtree(course.notebook("release", file.lesson).parent, ignore_errors=True)',
        "pass",
        f"{RELEASES}::test_a_leak_is_not_released",
    ),
    Mutant(
        "grading: a refused release takes the earlier one with it",
        COURSE,
        "            _generate(file, earlier, course)\n",
        "            pass\n",
        f"{WEEKS}::test_an_exercise_cannot_be_removed_once_somebody_is_graded",
    ),
    Mutant(
        "grading: ids of cells are drawn, so no release equals another",
        COURSE,
        'cell.id = f"cell-{number}"',
        "number += 0",
        f"{RELEASES}::test_the_same_release_again_changes_nothing",
    ),
    Mutant(
        "grading: the configuration is written anew",
        COURSE,
        "    if not (root / CONFIG_NAME).exists():\n        if not create:",
        "    if create or not (root / CONFIG_NAME).exists():\n        if not create:",
        f"{RELEASES}::test_the_instructors_own_configuration_is_kept",
    ),
    Mutant(
        "grading: changed tests do not grade again",
        COURSE,
        'submitted.read_bytes() + self.notebook("source", lesson).read_bytes()',
        "submitted.read_bytes()",
        f"{WEEKS}::test_new_tests_grade_again",
    ),
    Mutant(
        "grading: the button of nbgrader leaves no note",
        COURSE,
        "    for path in map(Path, notebooks):\n",
        "    for path in map(Path, []):\n",
        f"{WEEKS}::test_the_note_that_nbgrader_makes_is_ours",
    ),
    Mutant(
        "grading: the newest file counts, however empty",
        COLLECT,
        "(answered(released, one.notebook), one.changed)",
        "(one.changed, answered(released, one.notebook))",
        FULLER,
    ),
    Mutant(
        "grading: of two equal files the older counts",
        COLLECT,
        "(answered(released, one.notebook), one.changed)",
        "(answered(released, one.notebook), -one.changed)",
        FULLER,
    ),
    Mutant(
        "grading: an earlier submission is thrown away",
        COLLECT,
        "        if target.exists():  # a collection that was interrupted\n",
        "        if True:\n",
        SECOND_ROUND,
    ),
    Mutant(
        "grading: an earlier folder takes the place of a later one",
        COLLECT,
        "if digest not in seen}",
        "if digest not in seen[-1:]}",
        SECOND_ROUND,
    ),
    Mutant(
        "grading: an earlier grade stays for a new submission",
        COLLECT,
        "remarks=remarks, faults=[], graded={})",
        "remarks=remarks, faults=[])",
        SECOND_ROUND,
    ),
    Mutant(
        "grading: what cannot be read takes the place of what can",
        COLLECT,
        "    if not legible:\n",
        '    if not legible and not record.update(counts=""):\n',
        f"{COLLECTED}::test_what_cannot_be_read_takes_no_place",
    ),
    Mutant(
        "grading: names of files act where remarks are read",
        COLLECT,
        "<code>{html.escape(line)}</code>",
        "<code>{line}</code>",
        f"{COLLECTED}::test_a_file_name_does_nothing_where_remarks_are_read",
    ),
    Mutant(
        "grading: a link is read",
        SUBMISSIONS,
        "status = path.lstat()",
        "status = path.stat()",
        LINKS,
    ),
    Mutant(
        "grading: a linked folder is walked into",
        SUBMISSIONS,
        "if path.is_symlink() or not path.is_dir():",
        "if not path.is_dir():",
        LINKS,
    ),
    Mutant(
        "grading: a linked folder is passed over without a word",
        SUBMISSIONS,
        "for name in sorted([*names, *linked])",
        "for name in sorted(names)",
        f"{FOUND}::test_a_linked_folder_is_told",
    ),
    Mutant(
        "grading: files in folders of a folder are not found",
        SUBMISSIONS,
        "[name for name in folders if (here / name).is_symlink()]\n",
        "[name for name in folders if (here / name).is_symlink()]\n        folders[:] = []\n",
        FOLDERS,
    ),
    Mutant(
        "grading: a missing solution is replaced by the starter",
        SUBMISSIONS,
        "                cell.source = REMOVED\n",
        "                pass\n",
        f"{FOUND}::test_a_missing_solution_is_not_replaced_by_the_starter",
    ),
    Mutant(
        "grading: a changed test stays",
        SUBMISSIONS,
        "        elif _is_solution(original):\n            cell.source",
        "        elif True:\n            cell.source",
        f"{FOUND}::test_tampered_moved_and_missing_cells",
    ),
    Mutant(
        "grading: an emptied cell is an answer",
        SUBMISSIONS,
        'source not in ("", starters[name])',
        "source != starters[name]",
        f"{FOUND}::test_answers_are_solution_cells_with_something_of_the_students",
    ),
    Mutant(
        "grading: a student's folder is a pattern",
        ROSTER,
        r'return re.sub(r"[*?\[\]\\/\x00-\x1f]", "_", name).strip()',
        "return name.strip()",
        f"{FOUND}::test_names_that_nbgrader_would_take_for_a_pattern",
    ),
    Mutant(
        "grading: late files of Canvas have another name",
        ROSTER,
        "(?:_LATE)?",
        "",
        f"{FOUND}::test_names_that_canvas_and_moodle_give",
    ),
    Mutant(
        "grading: hidden cases are told in the feedback",
        FEEDBACK,
        'text = text.partition("\\n")[0]',
        "pass",
        f"{WEEKS}::test_feedback_tells_what_failed_and_not_the_hidden_case",
    ),
    Mutant(
        "grading: hidden tests are printed in the feedback",
        FEEDBACK,
        'cell.source = _REGION.sub("", cell.source).strip("\\n")',
        "pass",
        f"{WEEKS}::test_feedback_tells_what_failed_and_not_the_hidden_case",
    ),
    Mutant(
        "grading: all are graded again in every round",
        GRADE,
        'if known.get("fingerprint") == course.fingerprint(student, lesson):',
        "if False:",
        f"{WEEKS}::test_the_first_grades",
    ),
    Mutant(
        "grading: an interrupt is a student's fault",
        GRADE,
        'if "KeyboardInterrupt" in str(result.get("error")):',
        "if False:",
        f"{WEEKS}::test_a_round_that_was_stopped_goes_on",
    ),
    Mutant(
        "grading: what waits for a person is final",
        REPORT,
        'final = "" if one.needs_manual_grade else score',
        "final = score",
        f"{WEEKS}::test_what_waits_for_a_person_is_no_final_grade",
    ),
    Mutant(
        "grading: a name is a formula in a spreadsheet",
        REPORT,
        'return f"\'{text}" if',
        "return text if",
        f"{WEEKS}::test_points_and_comments_of_a_person_reach_feedback_and_export",
    ),
    Mutant(
        "grading: columns of Canvas in another order",
        REPORT,
        '("sis_user_id", "sis_login_id", "section")',
        '("sis_login_id", "sis_user_id", "section")',
        f"{WEEKS}::test_points_and_comments_of_a_person_reach_feedback_and_export",
    ),
]
