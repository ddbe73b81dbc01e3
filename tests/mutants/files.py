"""Mistakes in the readers of files and in the cache that the tests must reject."""

from runner import Mutant

FOLDER = "recsys_pipeline/files"
LOADING = f"{FOLDER}/loading.py"
PAIRS = f"{FOLDER}/pairs.py"
PARQUET = f"{FOLDER}/parquet.py"
RESOLVING = f"{FOLDER}/resolving.py"
ROWS = f"{FOLDER}/rows.py"
SOURCES = f"{FOLDER}/sources.py"
TIMES = f"{FOLDER}/times.py"
CACHE = "recsys_pipeline/chunks/cache.py"
COMMAND = "recsys_pipeline/files/command.py"
TEST_FILES = "data/test_files.py"
TEST_COMMAND = "data/test_files_command.py"
TEST_CACHE = "data/test_cache.py"
TEST_SOURCES = "data/test_files_sources.py"
TEST_SPLITS = "data/test_files_splits.py"
WORKED = f"{TEST_FILES}::test_three_files_on_worked_rows"
CUT = f"{TEST_FILES}::test_one_file_is_cut_by_ratios"
BROKEN_CSV = f"{TEST_FILES}::test_a_broken_csv_file_is_named_with_its_line"
BROKEN_LIBSVM = f"{TEST_FILES}::test_a_broken_libsvm_file_is_named_with_its_line"
BY_RANGE = f"{TEST_FILES}::test_libsvm_fields_by_the_range_of_their_ids"
BY_ORDER = f"{TEST_FILES}::test_libfm_fields_by_their_order"
CHANGED = f"{TEST_CACHE}::test_the_files_are_read_again_when_something_has_changed"

MUTANTS = [
    Mutant(
        "files: columns by position",
        SOURCES,
        "self.names = _header(path, self._data, header, separator)",
        'self.names = ["label", "User Id", "item", "price", "constant"]',
        WORKED,
    ),
    Mutant(
        "files: an empty line is a row",
        SOURCES,
        "if len(self.names) > 1 and _has_empty_line(data):",
        "if False:",
        BROKEN_CSV,
    ),
    Mutant(
        "files: numbers that are none",
        SOURCES,
        "return table if good and table.num_rows else None",
        "return table if table.num_rows else None",
        f"{TEST_SOURCES}::test_numbers_may_have_spaces_and_signs_around_them",
    ),
    Mutant(
        "files: infinite numbers of Parquet",
        PARQUET,
        "if pc.any(wrong).as_py():",
        "if False:",
        f"{TEST_SOURCES}::test_a_row_of_a_parquet_file_is_named",
    ),
    Mutant(
        "files: the random split is in order",
        ROWS,
        'if split.by == "random":',
        "if False:",
        (CUT, f"{TEST_FILES}::test_the_random_split_follows_its_seed"),
    ),
    Mutant(
        "files: the ordered split is random",
        ROWS,
        'if split.by == "random":',
        "if True:",
        CUT,
    ),
    Mutant(
        "files: one seed for every split",
        ROWS,
        "np.random.default_rng(split.seed)",
        "np.random.default_rng(0)",
        f"{TEST_FILES}::test_the_random_split_follows_its_seed",
    ),
    Mutant(
        "files: the first moment of the test is validation",
        ROWS,
        "(seconds >= first[1])",
        "(seconds > first[1])",
        (
            f"{TEST_SPLITS}::test_moments_may_be_stated",
            f"{TEST_SPLITS}::test_by_time_the_latest_rows_are_the_test",
        ),
    ),
    Mutant(
        "files: the earliest rows of each user are the test",
        ROWS,
        "np.lexsort((seconds, groups))",
        "np.lexsort((-seconds, groups))",
        f"{TEST_SPLITS}::test_by_user_the_latest_rows_of_each_are_the_test",
    ),
    Mutant(
        "files: every unit is a second",
        TIMES,
        "return numbers * SECONDS[time.unit]",
        "return numbers",
        f"{TEST_SPLITS}::test_moments_in_every_unit",
    ),
    Mutant(
        "files: groups are the ids",
        ROWS,
        "found = rows.categories(group)\n",
        "return np.zeros(len(rows), np.int64)\n",
        f"{TEST_FILES}::test_groups_are_the_raw_values_also_of_unknown_ones",
    ),
    Mutant(
        "files: slices of other values",
        ROWS,
        "column.codes == number - 1",
        "column.codes == number",
        f"{TEST_SPLITS}::test_slices_are_the_values_of_a_column",
    ),
    Mutant(
        "files: a label exists everywhere",
        ROWS,
        "exists = where == 1",
        "exists = where >= 0",
        f"{TEST_SPLITS}::test_a_label_may_not_exist",
    ),
    Mutant(
        "files: -1 is no label",
        ROWS,
        "    return values == 1\n",
        "    return values\n",
        (f"{TEST_FILES}::test_labels", BY_ORDER),
    ),
    Mutant(
        "files: labels above the threshold only",
        ROWS,
        "return values >= label.threshold",
        "return values > label.threshold",
        f"{TEST_FILES}::test_labels",
    ),
    Mutant(
        "files: 0 and -1 together",
        ROWS,
        "if negative.any() and zero.any():",
        "if False:",
        BROKEN_CSV,
    ),
    Mutant(
        "files: labels may be missing",
        ROWS,
        "_refuse(rows, exists & np.isnan(values),",
        "_refuse(rows, exists & ~exists,",
        BROKEN_CSV,
    ),
    Mutant(
        "files: line numbers leave the header out",
        SOURCES,
        'line {self._first_line + row}"',
        'line {1 + row}"',
        BROKEN_CSV,
    ),
    Mutant(
        "files: a row of numbers as header",
        SOURCES,
        "    if values:\n",
        "    if False:\n",
        BROKEN_CSV,
    ),
    Mutant(
        "files: a name twice in the header",
        SOURCES,
        "fields.count(name) > 1",
        "fields.count(name) > 2",
        BROKEN_CSV,
    ),
    Mutant(
        "files: other files may have other columns",
        SOURCES,
        "if sorted(other.names) != sorted(sources[0].names):",
        "if len(other.names) > len(sources[0].names):",
        f"{TEST_FILES}::test_files_that_do_not_belong_together_are_refused",
    ),
    Mutant(
        "files: a range takes the label too",
        RESOLVING,
        "            if name not in taken:\n",
        "            if True:\n",
        f"{TEST_SOURCES}::test_a_range_of_positions_names_columns",
    ),
    Mutant(
        "files: short libsvm lines",
        PAIRS,
        "wrong = np.flatnonzero(counts != counts[0])",
        "wrong = np.flatnonzero(counts > counts[0])",
        BROKEN_LIBSVM,
    ),
    Mutant(
        "files: broken libsvm lines",
        PAIRS,
        "if matches(line) is None:",
        "if not line and matches(line) is None:",
        BROKEN_LIBSVM,
    ),
    Mutant(
        "files: a field twice",
        PAIRS,
        "if (times > 1).any():",
        "if False:",
        (BROKEN_LIBSVM, f"{TEST_FILES}::test_a_broken_libffm_file_is_named_with_its_line"),
    ),
    Mutant(
        "files: the first id of a field belongs to the field before",
        PAIRS,
        'np.searchsorted(starts, ids, side="right") - 1',
        'np.searchsorted(starts, ids, side="left") - 1',
        (BY_RANGE, BROKEN_LIBSVM),
    ),
    Mutant(
        "files: the value of an id is ignored",
        PAIRS,
        "        if wrong.any():\n            row, field",
        "        if False:\n            row, field",
        BROKEN_LIBSVM,
    ),
    Mutant(
        "files: numbers are ids",
        PAIRS,
        "bool((known == known[0]).all() and (value != 1).any())",
        "False",
        BY_ORDER,
    ),
    Mutant(
        "files command: the threshold is forgotten",
        COMMAND,
        '*("min_count", "threshold"),\n',
        '"min_count",\n',
        f"{TEST_COMMAND}::test_every_option_arrives",
    ),
    Mutant(
        "files command: the seed is forgotten",
        COMMAND,
        '"ratios", "seed", ',
        '"ratios", ',
        f"{TEST_COMMAND}::test_every_option_arrives",
    ),
    Mutant(
        "cache: of any contents",
        CACHE,
        'total.update(hashlib.file_digest(file, "sha256").digest())',
        "total.update(str(path).encode())",
        CHANGED,
    ),
    Mutant(
        "cache: of any description",
        LOADING,
        "description.as_dict(), counts, name)",
        "counts, name)",
        CHANGED,
    ),
    Mutant(
        "cache: of any parts",
        LOADING,
        "description.as_dict(), counts, name)",
        "description.as_dict(), name)",
        f"{TEST_CACHE}::test_files_that_change_their_places_are_other_data",
    ),
    Mutant(
        "cache: an old one is taken",
        CACHE,
        'or checksum not in (None, note["checksum"])',
        "",
        CHANGED,
    ),
    Mutant(
        "cache: written where it is read",
        CACHE,
        'whole = temporary / "whole"\n        whole.mkdir()',
        "whole = folder\n        whole.mkdir(exist_ok=True)",
        (
            f"{TEST_CACHE}::test_a_cache_that_was_being_written_is_not_read",
            f"{TEST_CACHE}::test_who_reads_an_old_cache_keeps_it_while_a_new_one_is_written",
        ),
    ),
]
