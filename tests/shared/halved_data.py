"""Random rows with every kind of column, for tests that divide a batch among replicas."""

import dataclasses

import numpy as np

from recsys_lib.data import Dataset, Split
from recsys_lib.features import CategoricalColumn, NumericColumn, SequenceColumn

COLUMNS = (
    CategoricalColumn("user_id", 6, group="user"),
    # One id, another one and padding: the id that DIEN draws beside a behaviour is known.
    CategoricalColumn("item_id", 3, group="item"),
    CategoricalColumn("surface", 4, group="scenario"),
    SequenceColumn("history", 3, 4, table="item_id"),
    NumericColumn("price", group="item"),
)
PLAIN = (*COLUMNS[:3], COLUMNS[4])
TASKS = ("play", "like")


def dataset_of(columns=COLUMNS, num_rows=42, tasks=("click",), masks=False):
    """Labels are drawn at random, the later rows of validation and test are the training rows.

    Args:
        columns: some of ``COLUMNS``.
        num_rows: of each split.
        tasks: names of binary tasks.
        masks: whether the last task has a label on some rows only.
    """
    rng = np.random.default_rng(3)
    features = {}
    for column in columns:
        shape = (num_rows, *column.input_shape)
        if isinstance(column, NumericColumn):
            features[column.name] = rng.normal(size=shape).astype(np.float32)
        else:
            features[column.name] = rng.integers(0, column.vocabulary_size, shape, np.int32)
    if "history" in features:
        # Every other row of a batch has other lengths than the rest: halves differ in their counts.
        length = rng.choice([0, 1, 2, 4], num_rows, p=[0.2, 0.3, 0.2, 0.3])
        real = np.arange(4) < length[:, None]
        features["history"] = np.where(real, np.maximum(features["history"], 1), 0).astype(np.int32)
    split = Split(
        features=features,
        labels={task: rng.integers(0, 2, num_rows).astype(np.float32) for task in tasks},
        group=np.arange(num_rows),
        row_id=np.arange(num_rows),
        label_masks={tasks[-1]: rng.random(num_rows) < 0.4} if masks else {},
    )
    others = [dataclasses.replace(split, row_id=split.row_id + n * num_rows) for n in (1, 2)]
    return Dataset("halves", columns, split, *others, tasks=dict.fromkeys(tasks, "binary"))
