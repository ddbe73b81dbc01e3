"""Mistakes in what becomes of the columns of files that the tests must reject."""

from runner import Mutant

FOLDER = "recsys_pipeline/files"
ENCODERS = f"{FOLDER}/encoders.py"
FITTING = f"{FOLDER}/fitting.py"
LISTS = f"{FOLDER}/lists.py"
REMARKS = f"{FOLDER}/remarks.py"
SUGGESTING = f"{FOLDER}/suggesting.py"
VOCABULARY = f"{FOLDER}/vocabulary.py"
TEST_FILES = "data/test_files.py"
TEST_ENCODERS = "data/test_files_encoders.py"
TEST_LISTS = "data/test_files_lists.py"
TEST_REMARKS = "data/test_files_remarks.py"
WORKED = f"{TEST_FILES}::test_three_files_on_worked_rows"
MIN_COUNT = f"{TEST_FILES}::test_min_count_makes_rare_values_unknown"
CUT_UNKNOWN = f"{TEST_FILES}::test_values_of_validation_and_test_rows_are_unknown_in_a_cut_file_too"
BY_RANGE = f"{TEST_FILES}::test_libsvm_fields_by_the_range_of_their_ids"
DEFINITION = f"{TEST_ENCODERS}::test_ids_are_those_of_the_definition"
NUMBERS = f"{TEST_ENCODERS}::test_numbers_as_they_are_standardised_and_by_logarithm"
BINS = f"{TEST_ENCODERS}::test_bins_are_ordered_and_none_is_empty"
LAST = f"{TEST_LISTS}::test_lists_keep_the_last_known_ids_padded_behind"
SESSIONS = f"{TEST_LISTS}::test_the_moments_of_a_history_are_checked_and_laid_out_in_sessions"

MUTANTS = [
    Mutant(
        "files: ids of all rows",
        FITTING,
        "return Codes(found.codes[train], found.values)",
        "return Codes(found.codes, found.values)",
        (WORKED, MIN_COUNT, CUT_UNKNOWN),
    ),
    Mutant(
        "files: ids from 0",
        VOCABULARY,
        "to_numpy(zero_copy_only=False) + 1\n",
        "to_numpy(zero_copy_only=False)\n",
        WORKED,
    ),
    Mutant(
        "files: a missing value is unknown",
        VOCABULARY,
        "has_missing = bool(known[missing])",
        "has_missing = False",
        (BY_RANGE, DEFINITION),
    ),
    Mutant(
        "files: min_count is off by one",
        VOCABULARY,
        "(counts >= min_count)",
        "(counts > min_count)",
        (WORKED, MIN_COUNT),
    ),
    Mutant(
        "files: ids in the order of the last rows",
        VOCABULARY,
        "first[stream[::-1]] = np.arange(len(stream))[::-1]",
        "first[stream] = np.arange(len(stream))",
        (WORKED, DEFINITION),
    ),
    Mutant(
        "files: ids of a table are counted in its first column",
        VOCABULARY,
        "counts = np.bincount(stream, minlength",
        "counts = np.bincount(seen[0], minlength",
        f"{TEST_LISTS}::test_ids_are_counted_over_all_columns_of_a_table",
    ),
    Mutant(
        "files: a column with one value stays",
        FITTING,
        "len(used) < 2:",
        "len(used) < 1:",
        f"{TEST_FILES}::test_a_column_with_one_value_in_training_is_left_out_and_named",
    ),
    Mutant(
        "files: numbers are scaled by all rows",
        FITTING,
        "rows.numbers(name)[train], left_out",
        "rows.numbers(name), left_out",
        WORKED,
    ),
    Mutant(
        "files: a missing number is zero before scaling",
        ENCODERS,
        "scaled = np.where(missing, 0, scaled / self.spread)",
        "scaled = np.where(missing, -self.mean, scaled) / self.spread",
        (WORKED, NUMBERS),
    ),
    Mutant(
        "files: a logarithm without its sign",
        ENCODERS,
        "np.sign(values) * np.log1p(np.abs(values))",
        "np.log1p(np.abs(values))",
        NUMBERS,
    ),
    Mutant(
        "files: mean and spread before the logarithm",
        FITTING,
        'scaled = logarithm(known) if column.scaling == "log" else known',
        "scaled = known",
        NUMBERS,
    ),
    Mutant(
        "files: absence is told where it should not be",
        FITTING,
        'tells_missing = missing and column.missing == "own"',
        "tells_missing = missing",
        f"{TEST_ENCODERS}::test_a_missing_number_may_be_zero_without_a_column_of_its_own",
    ),
    Mutant(
        "files: a number on an edge lies below it",
        ENCODERS,
        'side="right") + 1',
        'side="left") + 1',
        (BINS, f"{TEST_ENCODERS}::test_bins_by_edges"),
    ),
    Mutant(
        "files: edges between the values",
        FITTING,
        ', method="higher"',
        "",
        BINS,
    ),
    Mutant(
        "files: an empty first bin",
        FITTING,
        "edges = edges[edges > known.min()]",
        "edges = edges[edges >= known.min()]",
        BINS,
    ),
    Mutant(
        "files: lists keep their first ids",
        LISTS,
        "if self.column.ordered:  # the last ones are kept",
        "if False:",
        LAST,
    ),
    Mutant(
        "files: unknown ids leave holes",
        LISTS,
        "known = np.flatnonzero(ids)",
        "known = np.arange(len(ids))",
        LAST,
    ),
    Mutant(
        "files: lists are padded in front",
        LISTS,
        "laid[row, step] = values[kept]",
        "laid[row, steps - 1 - step] = values[kept]",
        LAST,
    ),
    Mutant(
        "files: the newest id stays in front",
        LISTS,
        "if self.newest_first:",
        "if False:",
        f"{TEST_LISTS}::test_lists_with_the_newest_in_front_are_turned_round",
    ),
    Mutant(
        "files: moments of a history in another unit",
        LISTS,
        "as_numbers(texts) * self.unit",
        "as_numbers(texts)",
        SESSIONS,
    ),
    Mutant(
        "files: a behaviour at the moment of its row",
        LISTS,
        "(real & (moments >= seconds[:, None]))",
        "(real & (moments > seconds[:, None]))",
        f"{TEST_LISTS}::test_a_history_that_knows_the_future_is_refused",
    ),
    Mutant(
        "files: a history in any order",
        LISTS,
        "(moments[:, 1:] < moments[:, :-1])",
        "(moments[:, 1:] < -np.inf)",
        f"{TEST_LISTS}::test_a_history_out_of_order_is_refused",
    ),
    Mutant(
        "files: remarks score ids by the rows that they are scored on",
        REMARKS,
        "for split in (dataset.train, dataset.valid))",
        "for split in (dataset.valid, dataset.valid))",
        f"{TEST_REMARKS}::test_ids_are_scored_by_training_rows_alone",
    ),
    Mutant(
        "files: ties are broken by the order of rows",
        REMARKS,
        ".rank()",
        '.rank(method="first")',
        f"{TEST_REMARKS}::test_the_auc_is_exact",
    ),
    Mutant(
        "files: a number that falls with the label",
        REMARKS,
        "return max(found, 1 - found) if isinstance(column, NumericColumn) else found",
        "return found",
        f"{TEST_REMARKS}::test_columns_that_give_the_label_away",
    ),
    Mutant(
        "files: an item's table is any that is alike",
        SUGGESTING,
        '(other.says("item"), common',
        "(True, common",
        "data/test_files_suggesting.py::test_small_whole_numbers_are_taken_for_the_item",
    ),
]
