"""Mistakes in what a data set accepts that the tests must reject."""

from runner import Mutant

DATASET = "recsys_lib/data/dataset.py"
SPLITS = "recsys_lib/data/splits.py"
TEST_DATASET = "data/test_dataset.py"
BAD_SPLIT = f"{TEST_DATASET}::test_a_bad_split_is_refused_with_its_column_and_rows"
PADDING = f"{TEST_DATASET}::test_each_session_is_padded_behind_and_empty_sessions_come_last"
BY_POSITION = f"{TEST_DATASET}::test_series_and_lists_are_read_by_position"
NO_LABEL = f"{TEST_DATASET}::test_a_label_that_does_not_exist_may_be_anything_and_is_0"

MUTANTS = [
    Mutant(
        "padding: histories padded in front are accepted",
        DATASET,
        "    if isinstance(column, SequenceColumn) and column.ordered:\n",
        "    if isinstance(column, SequenceColumn) and column.num_sessions > 1:\n",
        BAD_SPLIT,
    ),
    Mutant(
        "padding: lists without an order are refused too",
        DATASET,
        "    if isinstance(column, SequenceColumn) and column.ordered:\n",
        "    if isinstance(column, SequenceColumn):\n",
        PADDING,
    ),
    Mutant(
        "padding: a row of sessions is taken for one list",
        DATASET,
        "values.reshape(len(values), column.num_sessions, steps) != 0",
        "values.reshape(len(values), 1, column.max_length) != 0",
        PADDING,
    ),
    Mutant(
        "padding: empty sessions anywhere",
        DATASET,
        "bad = (used[:, 1:] & ~used[:, :-1]).any(axis=1)",
        "bad = np.zeros(len(used), bool)",
        PADDING,
    ),
    Mutant(
        "dataset: groups that are no integers",
        DATASET,
        '    for name in ("group", "row_id"):\n',
        '    for name in ("row_id",):\n',
        BAD_SPLIT,
    ),
    Mutant(
        "splits: Series stay Series",
        SPLITS,
        "        return np.asarray(values)\n",
        "        return values if hasattr(values, 'iloc') else np.asarray(values)\n",
        BY_POSITION,
    ),
    Mutant(
        "splits: a label that does not exist keeps its number",
        SPLITS,
        "        values = np.where(mask, values, 0)\n",
        "        pass\n",
        NO_LABEL,
    ),
    Mutant(
        "splits: masks are lost with the rows",
        SPLITS,
        'ARRAYS_BY_NAME = ("features", "labels", "as_of", "probability", "slices", "label_masks")',
        'ARRAYS_BY_NAME = ("features", "labels", "as_of", "probability", "slices")',
        NO_LABEL,
    ),
]
