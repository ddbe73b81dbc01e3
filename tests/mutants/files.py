"""Mistakes in the reader of files that the tests must reject."""

from runner import Mutant

FILES = "recsys_lib/data/files.py"
FORMATS = "recsys_lib/data/file_formats.py"
COMMAND = "recsys_lib/data/files_command.py"
TEST_FILES = "data/test_files.py"
TEST_COMMAND = "data/test_files_command.py"
WORKED = f"{TEST_FILES}::test_three_files_on_worked_rows"
MIN_COUNT = f"{TEST_FILES}::test_min_count_makes_rare_values_unknown"
CUT = f"{TEST_FILES}::test_one_file_is_cut_by_ratios"
CUT_UNKNOWN = f"{TEST_FILES}::test_values_of_validation_and_test_rows_are_unknown_in_a_cut_file_too"
BROKEN_CSV = f"{TEST_FILES}::test_a_broken_csv_file_is_named_with_its_line"
BROKEN_LIBSVM = f"{TEST_FILES}::test_a_broken_libsvm_file_is_named_with_its_line"
BY_RANGE = f"{TEST_FILES}::test_libsvm_fields_by_the_range_of_their_ids"
BY_ORDER = f"{TEST_FILES}::test_libfm_fields_by_their_order"

MUTANTS = [
    Mutant(
        "files: ids of all rows",
        FILES,
        "counts = np.bincount(codes[train], minlength=len(uniques))",
        "counts = np.bincount(codes, minlength=len(uniques))",
        (WORKED, MIN_COUNT, CUT_UNKNOWN),
    ),
    Mutant(
        "files: ids from 0",
        FILES,
        "id_of[order] = np.arange(1, len(order) + 1)",
        "id_of[order] = np.arange(len(order))",
        WORKED,
    ),
    Mutant(
        "files: a missing value is an id",
        FILES,
        "known = (counts >= min_count) & ~absent",
        "known = counts >= min_count",
        (BY_RANGE, f"{TEST_FILES}::test_libffm_names_its_fields"),
    ),
    Mutant(
        "files: min_count is off by one",
        FILES,
        "known = (counts >= min_count) & ~absent",
        "known = (counts > min_count) & ~absent",
        (WORKED, MIN_COUNT),
    ),
    Mutant(
        "files: a column with one value stays",
        FILES,
        "if (counts > 0).sum() < 2:",
        "if (counts > 0).sum() < 1:",
        f"{TEST_FILES}::test_a_column_with_one_value_in_training_is_left_out_and_named",
    ),
    Mutant(
        "files: numbers are scaled by all rows",
        FILES,
        "known = values[train][~np.isnan(values[train])]",
        "known = values[~np.isnan(values)]",
        WORKED,
    ),
    Mutant(
        "files: a missing number is zero before scaling",
        FILES,
        "scaled = (values - known.mean()) / known.std()",
        "scaled = (np.nan_to_num(values) - known.mean()) / known.std()",
        WORKED,
    ),
    Mutant(
        "files: columns by position",
        FORMATS,
        "names = _names(path, header, separator)\n",
        'names = ["label", "User Id", "item", "price", "constant"]\n',
        WORKED,
    ),
    Mutant(
        "files: the random split is in order",
        FILES,
        'if split == "random":',
        "if False:",
        (CUT, f"{TEST_FILES}::test_the_random_split_follows_its_seed"),
    ),
    Mutant(
        "files: the ordered split is random",
        FILES,
        'if split == "random":',
        "if True:",
        CUT,
    ),
    Mutant(
        "files: one seed for every split",
        FILES,
        "np.random.default_rng(seed)",
        "np.random.default_rng(0)",
        f"{TEST_FILES}::test_the_random_split_follows_its_seed",
    ),
    Mutant(
        "files: groups are the ids",
        FILES,
        "return pd.factorize(np.concatenate([rows.ids[group] for rows in files]))[0]",
        "return np.zeros(num_rows, np.int64)",
        f"{TEST_FILES}::test_groups_are_the_raw_values_also_of_unknown_ones",
    ),
    Mutant(
        "files: -1 is no label",
        FILES,
        "return (rows.label == 1).astype(np.float32)",
        "return rows.label.astype(np.float32)",
        (f"{TEST_FILES}::test_labels", BY_ORDER),
    ),
    Mutant(
        "files: labels above the threshold only",
        FILES,
        "(rows.label >= threshold)",
        "(rows.label > threshold)",
        f"{TEST_FILES}::test_labels",
    ),
    Mutant(
        "files: 0 and -1 together",
        FILES,
        "if (rows.label == -1).any() and (rows.label == 0).any():",
        "if False:",
        BROKEN_CSV,
    ),
    Mutant(
        "files: line numbers leave the header out",
        FORMATS,
        "    first_line = 2 if header else 1\n",
        "    first_line = 1\n",
        BROKEN_CSV,
    ),
    Mutant(
        "files: labels may be missing",
        FORMATS,
        "_numbers(path, table, label, first_line, may_be_missing=False)",
        "_numbers(path, table, label, first_line)",
        BROKEN_CSV,
    ),
    Mutant(
        "files: a row of numbers as header",
        FORMATS,
        "    if values:\n",
        "    if False:\n",
        BROKEN_CSV,
    ),
    Mutant(
        "files: a name twice in the header",
        FORMATS,
        "fields.count(name) > 1",
        "fields.count(name) > 2",
        BROKEN_CSV,
    ),
    Mutant(
        "files: short libsvm lines",
        FORMATS,
        "wrong = np.flatnonzero(counts != counts[0])",
        "wrong = np.flatnonzero(counts > counts[0])",
        BROKEN_LIBSVM,
    ),
    Mutant(
        "files: broken libsvm lines",
        FORMATS,
        "if matches(line) is None:",
        "if not line and matches(line) is None:",
        BROKEN_LIBSVM,
    ),
    Mutant(
        "files: a field twice",
        FORMATS,
        "if (times > 1).any():",
        "if False:",
        (BROKEN_LIBSVM, f"{TEST_FILES}::test_a_broken_libffm_file_is_named_with_its_line"),
    ),
    Mutant(
        "files: the first id of a field belongs to the field before",
        FORMATS,
        'np.searchsorted(starts, ids, side="right") - 1',
        'np.searchsorted(starts, ids, side="left") - 1',
        (BY_RANGE, BROKEN_LIBSVM),
    ),
    Mutant(
        "files: the value of an id is ignored",
        FORMATS,
        "        if wrong.any():\n            row, field",
        "        if False:\n            row, field",
        BROKEN_LIBSVM,
    ),
    Mutant(
        "files: numbers are ids",
        FORMATS,
        "bool((known == known[0]).all() and (value != 1).any())",
        "False",
        BY_ORDER,
    ),
    Mutant(
        "files: other files may have other columns",
        FILES,
        "            if got != expected:\n",
        "            if len(got) > len(expected):\n",
        f"{TEST_FILES}::test_files_that_do_not_belong_together_are_refused",
    ),
    Mutant(
        "files command: the threshold is forgotten",
        COMMAND,
        "threshold=arguments.threshold",
        "threshold=None",
        f"{TEST_COMMAND}::test_every_option_arrives",
    ),
    Mutant(
        "files command: the seed is forgotten",
        COMMAND,
        "seed=arguments.split_seed",
        "seed=0",
        f"{TEST_COMMAND}::test_every_option_arrives",
    ),
]
