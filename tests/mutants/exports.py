"""Mistakes in exporting and serving a model that the tests must reject."""

from runner import Mutant

READING = "recsys_pipeline/export/reading.py"
REPLAY = "recsys_pipeline/export/replay.py"
FOLDERS = "recsys_pipeline/export/folders.py"
GRAPHS = "recsys_pipeline/export/graphs.py"
VALUES = "recsys_pipeline/export/values.py"
DESCRIBING = "recsys_pipeline/export/describing.py"
GOLDEN = "recsys_pipeline/export/golden.py"
CALIBRATION = "recsys_pipeline/export/calibration.py"
SKEW = "recsys_pipeline/export/skew.py"
APPLICATION = "recsys_pipeline/serve/application.py"
SERVER = "recsys_pipeline/serve/server.py"
TEST_READING = "export/test_reading.py"
TEST_FOLDER = "export/test_export_folder.py"
TEST_OPTIONS = "export/test_export_options.py"
TEST_CALIBRATION = "export/test_export_calibration.py"
TEST_SKEW = "export/test_skew.py"
TEST_APPLICATION = "serve/test_application.py"
TEST_SERVICE = "serve/test_service.py"
EXPORTS = "contract/test_exports.py"

MUTANTS = [
    Mutant(
        "reading: ids are numbered from 0",
        READING,
        'first = self._rule["first"]',
        'first = self._rule["first"] - 1',
        f"{TEST_READING}::test_known_values_are_numbered_from_the_first_id",
    ),
    Mutant(
        "reading: what is missing is unknown",
        READING,
        'return rule["missing"]\n        if "edges"',
        'return rule["unknown"]\n        if "edges"',
        f"{TEST_READING}::test_what_training_never_saw_is_unknown_and_null_is_missing",
    ),
    Mutant(
        "reading: an integer is no text",
        READING,
        'return self._ids.get(str(raw), rule["unknown"])',
        'return self._ids.get(raw, rule["unknown"])',
        f"{TEST_READING}::test_an_integer_and_its_text_are_one_value",
    ),
    Mutant(
        "reading: an id may be one behind the last",
        READING,
        "return raw if 0 < raw < self._size",
        "return raw if 0 < raw <= self._size",
        f"{TEST_READING}::test_without_a_vocabulary_the_value_is_the_id_where_there_is_such_an_id",
    ),
    Mutant(
        "reading: an edge belongs to the bin below",
        READING,
        'side="right"',
        'side="left"',
        f"{TEST_READING}::test_numbers_in_bins_belong_to_the_bin_that_begins_with_them",
    ),
    Mutant(
        "reading: numbers are scaled before the logarithm",
        READING,
        'return (number - rule.get("shift", 0.0)) / rule.get("scale", 1.0)',
        'return number / rule.get("scale", 1.0) - rule.get("shift", 0.0)',
        f"{TEST_READING}::test_numbers_are_scaled_as_training_scaled_them",
    ),
    Mutant(
        "reading: the logarithm forgets the sign",
        READING,
        "math.copysign(math.log1p(abs(number)), number)",
        "math.log1p(abs(number))",
        f"{TEST_READING}::test_numbers_are_scaled_as_training_scaled_them",
    ),
    Mutant(
        "reading: unknown steps stay as holes",
        READING,
        " if 0 not in step]",
        "]",
        f"{TEST_READING}::test_lists_are_padded_behind_and_leave_unknown_steps_out",
    ),
    Mutant(
        "reading: the other end of a long list is kept",
        READING,
        'return steps[:length] if keeps == "first" else steps[-length:]',
        'return steps[:length] if keeps == "last" else steps[-length:]',
        f"{TEST_READING}::test_a_list_that_is_too_long_keeps_the_end_that_training_kept",
    ),
    Mutant(
        "reading: each list drops its own unknown steps",
        READING,
        "names = [n for n in self._beside.get(name, (name,)) if n in values]",
        "names = [name]",
        f"{TEST_READING}::test_lists_side_by_side_lose_the_same_steps",
    ),
    Mutant(
        "reading: an empty session keeps its place",
        READING,
        "if filled[names[0]]:  # a session of which nothing is known is none",
        "if filled:",
        f"{TEST_READING}::test_sessions_lie_one_behind_the_other_and_empty_ones_are_left_out",
    ),
    Mutant(
        "reading: lists are not turned round",
        READING,
        "return raw[::-1] if self.columns[name].newest_first else raw",
        "return raw",
        f"{TEST_READING}::test_lists_with_the_newest_in_front_are_turned_round",
    ),
    Mutant(
        "reading: fields that nobody reads pass",
        READING,
        "        if name not in expected:",
        "        if False:",
        f"{TEST_READING}::test_columns_that_are_missing_or_unknown_are_named",
    ),
    Mutant(
        "replay: conversions are corrected by the click's own formula",
        REPLAY,
        "np.where(p > 0, found[task] * factor, 0.0)",
        'found[task] / (found[task] + (1 - found[task]) / step["share"])',
        f"{TEST_CALIBRATION}::test_sampling_is_undone_for_the_click_and_for_what_follows",
    ),
    Mutant(
        "replay: Platt's line is for the probability",
        REPLAY,
        "logit = np.log(p) - np.log1p(-p)",
        "logit = p",
        f"{TEST_CALIBRATION}::test_platt_is_a_logistic_regression_on_the_logit",
    ),
    Mutant(
        "replay: the digest of a file is not looked at",
        REPLAY,
        "if digest(folder / name) != expected:",
        "if False:",
        f"{TEST_APPLICATION}::test_an_export_that_was_changed_is_not_served",
    ),
    Mutant(
        "replay: the checksum is not looked at",
        REPLAY,
        "if checksum != checksum_of(description):",
        "if False:",
        f"{TEST_FOLDER}::test_a_description_that_was_changed_is_found",
    ),
    Mutant(
        "replay: the encoding is not compared",
        REPLAY,
        "if not np.array_equal(values, expected):",
        "if values.shape != expected.shape:",
        f"{TEST_FOLDER}::test_an_encoding_that_moved_is_found",
    ),
    Mutant(
        "replay: scores are not compared",
        REPLAY,
        "if not apart <= tolerance:",
        "if apart > 1:",
        f"{TEST_FOLDER}::test_a_score_that_moved_is_found",
    ),
    Mutant(
        "replay: scores are answered without their calibration",
        REPLAY,
        "return calibrate({task: found[task] for task in self.tasks}, self.calibration)",
        "return {task: found[task] for task in self.tasks}",
        f"{TEST_FOLDER}::test_calibration_stands_between_scores_and_answers",
    ),
    Mutant(
        "export: an existing folder is written into",
        FOLDERS,
        "if folder.exists():",
        "if folder.is_file():",
        f"{TEST_OPTIONS}::test_an_existing_folder_is_left_alone",
    ),
    Mutant(
        "export: the script imports the library",
        FOLDERS,
        "for node in reversed([body[0], *own]):",
        "for node in [body[0]]:",
        f"{TEST_FOLDER}::test_verify_runs_without_the_library",
    ),
    Mutant(
        "export: what a killed export left stays",
        FOLDERS,
        "            shutil.rmtree(place, ignore_errors=True)\n            place.mkdir()\n",
        "            place.mkdir(exist_ok=True)\n",
        f"{TEST_OPTIONS}::test_what_a_killed_export_left_is_removed",
    ),
    Mutant(
        "export: two processes write one folder",
        FOLDERS,
        '    with locked(folder.with_name(f".{folder.name}.lock"), seconds=0):\n',
        "    with contextlib.nullcontext():\n",
        f"{TEST_OPTIONS}::test_two_processes_do_not_export_to_one_folder",
    ),
    Mutant(
        "export: files are not replayed",
        FOLDERS,
        "replay.Replay(place, engine).verify()",
        "replay.Replay(place, engine)",
        f"{TEST_OPTIONS}::test_a_file_with_other_scores_is_not_exported",
    ),
    Mutant(
        "export: outputs change places",
        GRAPHS,
        "found = zip(tasks, outputs, strict=True)",
        "found = zip(tasks, outputs[::-1], strict=True)",
        f"{TEST_FOLDER}::test_outputs_are_named_by_task_in_files_too",
    ),
    Mutant(
        "export: ONNX's outputs keep the converter's names",
        GRAPHS,
        "        value.name = task",
        "        pass",
        f"{TEST_FOLDER}::test_outputs_are_named_by_task_in_files_too",
    ),
    Mutant(
        "export: dropout and statistics of the batch in the files",
        GRAPHS,
        "return model(features, training=False)",
        "return model(features, training=True)",
        f"{EXPORTS}::test_both_formats_score_rows_and_requests_like_predict[star]",
    ),
    Mutant(
        "export: a request's columns come with every candidate",
        GRAPHS,
        "REQUEST: trace(one_request, request)",
        "REQUEST: trace(rows, set())",
        f"{TEST_OPTIONS}::test_the_sides_may_be_named",
    ),
    Mutant(
        "export: the first id of a vocabulary is not said",
        VALUES,
        'config |= {"known": known, "first": int(self.first)}',
        'config |= {"known": known, "first": 0}',
        f"{TEST_FOLDER}::test_raw_rows_become_what_training_read",
    ),
    Mutant(
        "export: lists have no vocabulary but their own",
        DESCRIBING,
        'said.get(getattr(column, "table_name", name))',
        "said.get(name)",
        f"{TEST_FOLDER}::test_the_description_says_how_it_was_made",
    ),
    Mutant(
        "export: lists of one length always run side by side",
        DESCRIBING,
        'steps = b"" if dataset is None else (dataset.test.features[name] != 0).tobytes()',
        'steps = b""',
        f"{TEST_FOLDER}::test_lists_that_do_not_end_together_are_no_pair",
    ),
    Mutant(
        "export: every task is binary",
        DESCRIBING,
        'heads.get(task) or kinds.get(task, "binary")',
        '"binary"',
        f"{TEST_OPTIONS}::test_a_regression_stays_one",
    ),
    Mutant(
        "export: the golden request knows every id",
        GOLDEN,
        "each[field][-1] = _unknown(column, rule)",
        "pass",
        f"{TEST_FOLDER}::test_the_golden_request_holds_unknown_values_and_the_models_scores",
    ),
    Mutant(
        "calibration: a falling curve passes",
        CALIBRATION,
        "if not (np.diff(inputs) > 0).all() or not (np.diff(outputs) >= 0).all():",
        "if not (np.diff(inputs) > 0).all():",
        f"{TEST_CALIBRATION}::test_what_is_no_calibration_is_refused",
    ),
    Mutant(
        "skew: ids are compared like numbers",
        SKEW,
        'if of_training.dtype.kind == "f":  # ids are equal or not',
        "if True:",
        f"{TEST_SKEW}::test_numbers_may_differ_in_the_last_digit_and_ids_may_not",
    ),
    Mutant(
        "serve: worst first",
        APPLICATION,
        'np.argsort(-scores[fields["task"]], kind="stable")',
        'np.argsort(scores[fields["task"]], kind="stable")',
        f"{TEST_APPLICATION}::test_raw_values_score_like_rank",
    ),
    Mutant(
        "serve: the order of the first of several tasks",
        APPLICATION,
        "tasks[0] if len(tasks) == 1 else None",
        "tasks[0]",
        f"{TEST_APPLICATION}::test_of_several_tasks_one_may_be_named_for_the_order",
    ),
    Mutant(
        "serve: unknown steps of lists are not counted",
        APPLICATION,
        "number = _steps(fields[side][column.source]) - int(np.count_nonzero(array))",
        "number = 0",
        f"{TEST_APPLICATION}::test_unknown_values_are_answered_and_counted",
    ),
    Mutant(
        "serve: a changed model is served",
        APPLICATION,
        "    replay.verify()\n",
        "",
        f"{TEST_APPLICATION}::test_a_model_that_scores_otherwise_is_not_served",
    ),
    Mutant(
        "serve: any number of candidates",
        APPLICATION,
        "if count > max_candidates:",
        "if False:",
        f"{TEST_APPLICATION}::test_too_many_candidates_are_refused",
    ),
    Mutant(
        "serve: any number of bytes",
        APPLICATION,
        "if size > MAX_BYTES:",
        "if False:",
        f"{TEST_APPLICATION}::test_a_body_that_is_too_large_is_not_read",
    ),
    Mutant(
        "serve: healthy until the end",
        APPLICATION,
        "503 if application.state.draining else 200",
        "200",
        f"{TEST_APPLICATION}::test_a_service_that_is_about_to_stop_says_so_and_answers",
    ),
    Mutant(
        "serve: connections are kept while it stops",
        APPLICATION,
        "if self.state.draining:",
        "if False:",
        f"{TEST_APPLICATION}::test_a_service_that_is_about_to_stop_says_so_and_answers",
    ),
    Mutant(
        "serve: a failure stays in flight",
        APPLICATION,
        "            self.metrics.in_flight.dec()\n",
        "",
        f"{TEST_APPLICATION}::test_an_answer_that_fails_is_counted_and_leaves_nothing_in_flight",
    ),
    Mutant(
        "serve: the first signal closes at once",
        SERVER,
        "self._stop_at = time.monotonic() + self.drain",
        "self.should_exit = True",
        f"{TEST_SERVICE}::test_the_first_signal_drains_and_the_second_stops",
    ),
    Mutant(
        "serve: it never stops by itself",
        SERVER,
        "if self._stop_at is not None and time.monotonic() >= self._stop_at:",
        "if False:",
        f"{TEST_SERVICE}::test_the_server_stops_when_the_time_is_over",
    ),
]
