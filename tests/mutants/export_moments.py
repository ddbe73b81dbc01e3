"""Mistakes in what an export makes of the moments of a history that the tests must reject."""

from runner import Mutant

RULES = "recsys_lib/data/session_rules.py"
FIELDS = "recsys_pipeline/export/fields.py"
MOMENTS = "recsys_pipeline/export/moments.py"
READING = "recsys_pipeline/export/reading.py"
HISTORIES = "recsys_pipeline/export/histories.py"
GOLDEN = "recsys_pipeline/export/golden.py"
FOLDERS = "recsys_pipeline/export/folders.py"
APPLICATION = "recsys_pipeline/serve/application.py"
TEST_SESSIONS = "data/test_sessions.py"
TEST_MOMENTS = "export/test_export_moments.py"
TEST_SERVED = "serve/test_served_moments.py"
SKEW = f"{TEST_MOMENTS}::test_every_raw_row_becomes_what_training_made_of_it"
TEXTS = f"{TEST_MOMENTS}::test_the_requests_moment_may_be_a_text_as_in_the_file"
LOOKED_AT = f"{TEST_MOMENTS}::test_only_steps_that_are_read_are_looked_at"
OF_CANDIDATES = f"{TEST_MOMENTS}::test_what_was_seen_of_a_candidate_has_the_requests_moment"
BAD = f"{TEST_SERVED}::test_a_bad_moment_is_answered_with_its_place"
SERVED = f"{TEST_SERVED}::test_the_service_answers_raw_moments_and_makes_the_features_of_training"
REPLAYED = (
    f"{TEST_SERVED}::test_the_golden_request_holds_moments_and_is_replayed_without_the_library"
)
DRAWN = f"{TEST_SERVED}::test_without_the_ids_in_the_data_the_golden_request_draws_a_history"
CUT_TO_LENGTH = 'steps = column.cut([step for step in steps if step[0]], length, of_ids, "values")'
CHECK_ORDER = "self._check(steps, moments, now, of_times)"

MUTANTS = [
    Mutant(
        "session rules: a pause of exactly the gap begins a session",
        RULES,
        "> gap_seconds",
        ">= gap_seconds",
        f"{TEST_SESSIONS}::test_a_pause_of_exactly_the_gap_does_not_divide",
    ),
    Mutant(
        "session rules: an age at an edge belongs to the bucket below",
        RULES,
        'side="right"',
        'side="left"',
        f"{TEST_SESSIONS}::test_a_bucket_begins_exactly_at_its_edge_and_the_last_one_has_no_end",
    ),
    Mutant(
        "session rules: the last bucket of ages is missing",
        RULES,
        "range(31)",
        "range(30)",
        f"{TEST_SESSIONS}::test_a_bucket_begins_exactly_at_its_edge_and_the_last_one_has_no_end",
    ),
    Mutant(
        "histories: the export states a gap that is a second short",
        HISTORIES,
        '"gap": float(GAP_SECONDS)',
        '"gap": float(GAP_SECONDS - 1)',
        SKEW,
    ),
    Mutant(
        "histories: the export states a gap that is a second long",
        HISTORIES,
        '"gap": float(GAP_SECONDS)',
        '"gap": float(GAP_SECONDS + 1)',
        SKEW,
    ),
    Mutant(
        "histories: the youngest ages have no edge",
        HISTORIES,
        '"edges": list(AGE_EDGES)',
        '"edges": list(AGE_EDGES[1:])',
        SKEW,
    ),
    Mutant(
        "histories: number and length of sessions change places",
        HISTORIES,
        "number, length = history.sessions",
        "length, number = history.sessions",
        SKEW,
    ),
    Mutant(
        "histories: numbers of sessions and ages change places",
        HISTORIES,
        "(SESSIONS, NUMBERS, AGES), strict",
        "(SESSIONS, AGES, NUMBERS), strict",
        SKEW,
    ),
    Mutant(
        "histories: the format of the moment is forgotten",
        HISTORIES,
        'time_format=time.get("format")',
        "time_format=None",
        TEXTS,
    ),
    Mutant(
        "histories: what is given by hand is made too",
        HISTORIES,
        " for column in columns} - set(given)",
        " for column in columns}",
        f"{TEST_SERVED}::test_ages_that_are_described_by_hand_are_given_as_ids",
    ),
    Mutant(
        "histories: a list stands beside one with moments",
        HISTORIES,
        "if both := sorted(timed & ",
        "if both := sorted(set() & ",
        f"{TEST_SERVED}::test_a_history_with_moments_has_no_list_beside_it",
    ),
    Mutant(
        "moments: the numbers of seconds have no unit",
        MOMENTS,
        "if is_text else raw) * unit",
        "if is_text else raw)",
        SKEW,
    ),
    Mutant(
        "moments: ages are counted from the newest step",
        MOMENTS,
        "np.array([now])",
        "np.array([seconds.max() + 1])",
        SKEW,
    ),
    Mutant(
        "moments: they are not turned round with the ids",
        MOMENTS,
        "            steps.reverse()",
        "            steps = [(a[0], *b[1:]) for a, b in zip(steps[::-1], steps, strict=True)]",
        SKEW,
    ),
    Mutant(
        "moments: a history with the newest in front is not turned round",
        MOMENTS,
        "        if column.newest_first:",
        "        if False:",
        SKEW,
    ),
    Mutant(
        "moments: unknown steps take up room",
        MOMENTS,
        'column.cut([step for step in steps if step[0]], length, of_ids, "values")',
        '[s for s in column.cut(steps, length, of_ids, "values") if s[0]]',
        SKEW,
    ),
    Mutant(
        "moments: a step at the request's moment is before it",
        MOMENTS,
        "if seconds >= now:",
        "if seconds > now:",
        BAD,
    ),
    Mutant(
        "moments: late steps pass",
        MOMENTS,
        "if seconds >= now:",
        "if False:",
        LOOKED_AT,
    ),
    Mutant(
        "moments: two steps of one moment are out of order",
        MOMENTS,
        "if seconds < before:",
        "if seconds <= before:",
        SKEW,
    ),
    Mutant(
        "moments: steps out of order pass",
        MOMENTS,
        "if seconds < before:",
        "if False:",
        BAD,
    ),
    Mutant(
        "moments: steps that are not read are looked at",
        MOMENTS,
        f"        {CUT_TO_LENGTH}\n        {CHECK_ORDER}\n",
        f"        {CHECK_ORDER}\n        {CUT_TO_LENGTH}\n",
        LOOKED_AT,
    ),
    Mutant(
        "moments: fewer of them than ids are enough",
        MOMENTS,
        "if len(ids) != len(moments):",
        "if len(ids) < len(moments):",
        BAD,
    ),
    Mutant(
        "moments: a zone is not read",
        MOMENTS,
        "if moment.tzinfo is None:",
        "if True:",
        TEXTS,
    ),
    Mutant(
        "moments: the text of a number is none",
        MOMENTS,
        "is_text = type(raw) is str and _NUMBER.fullmatch(raw)",
        "is_text = False",
        f"{TEST_MOMENTS}::test_numbers_may_come_as_the_file_has_them_as_text",
    ),
    Mutant(
        "moments: any rule is known",
        MOMENTS,
        "if rule != known:",
        "if False:",
        f"{TEST_MOMENTS}::test_the_description_states_the_rules",
    ),
    Mutant(
        "fields: an integer of hundreds of digits has no answer",
        FIELDS,
        "except OverflowError:",
        "except ZeroDivisionError:",
        BAD,
    ),
    Mutant(
        "reading: all rows have the moment of the first",
        READING,
        'self._moment(rows, ("rows",), row)',
        'self._moment(rows, ("rows",), 0)',
        SKEW,
    ),
    Mutant(
        "reading: candidates without moments pass",
        READING,
        "        count = self._count(of_candidates)",
        "        count = self._count(dict([*of_candidates.items()][:-1]))",
        OF_CANDIDATES,
    ),
    Mutant(
        "reading: a model of ids alone asks for moments",
        HISTORIES,
        "        if made:\n",
        "        if True:\n",
        f"{TEST_MOMENTS}::test_a_model_that_reads_the_ids_alone_needs_no_moments",
    ),
    Mutant(
        "golden: moments are not turned round",
        GOLDEN,
        "return found[::-1] if history.values.newest_first else found",
        "return found",
        f"{TEST_SERVED}::test_a_golden_request_gives_the_newest_moment_first_where_the_file_does",
    ),
    Mutant(
        "golden: candidates may be later than the request",
        GOLDEN,
        "            here += range(min(NUM_CANDIDATES, rows))\n",
        "",
        f"{TEST_SERVED}::test_a_candidates_history_is_in_the_golden_request_too",
    ),
    Mutant(
        "golden: a drawn history has no moments",
        GOLDEN,
        "return ids, np.where(ids > 0, now[:, None] - ages, -np.inf), now",
        "return ids * 0, np.where(ids > 0, now[:, None] - ages, -np.inf)[:, :0], now",
        DRAWN,
    ),
    Mutant(
        "folders: the script lacks the rules of sessions",
        FOLDERS,
        "for module in (session_rules, fields, moments, reading, replay):",
        "for module in (fields, moments, reading, replay):",
        REPLAYED,
    ),
    Mutant(
        "application: ages count as ids",
        APPLICATION,
        "            if not column.has_ids:",
        "            if column.is_number:",
        SERVED,
    ),
    Mutant(
        "application: the schema asks for lists of sessions",
        APPLICATION,
        ' > 1 and "made" not in spec["values"])',
        " > 1)",
        SERVED,
    ),
    Mutant(
        "application: the schema forgets the moments",
        APPLICATION,
        'if spec["name"] in history["made"]:',
        "if False:",
        SERVED,
    ),
    Mutant(
        "moments: seconds may be too large to be a number",
        "recsys_pipeline/export/moments.py",
        "if not math.isfinite(seconds):",
        "if math.isnan(seconds):",
        f"{TEST_MOMENTS}::test_a_moment_is_a_finite_number_of_seconds",
    ),
]
