"""How many training rows hold an id: what DIN's mini-batch aware regularisation divides by.

An L2 penalty on a table of millions of rows would touch all of them in every step. DIN's touches
the rows that the batch holds, each once, and takes frequent ids back less often by as much as they
come up more often:

    penalty of a batch = strength / 2 * sum over the distinct ids j in the batch of ||w_j||^2 / n_j

The penalty itself is ``EmbeddingL2(strength, id_counts=count_ids(dataset))``, which every builder
takes as ``embedding_l2``; ``recsys_lib.features.penalties`` says more.

Source: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section 5.1,
equations 4 to 7.
"""

from collections.abc import Sequence

import numpy as np

from recsys_lib.data.dataset import Dataset
from recsys_lib.features.columns import NumericColumn, select


def count_ids(dataset: Dataset, columns: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """In how many training rows each id occurs, over all columns that share its table.

    The paper's n_j: a row that holds an id several times, in a history and as the candidate, holds
    it once.

    Args:
        dataset: ``Dataset``.
        columns: names of the columns that the model reads; default: all. Name them where a table
            also has columns that the model leaves out.

    Returns:
        Dict of table name to int64 ``(vocabulary_size,)``; id 0 counts 0.

    Raises:
        ValueError: a name that no column has.

    Example:
        >>> from recsys_lib.data import simulator
        >>> dataset = simulator.interests(num_rows=400, num_valid_rows=40, num_test_rows=40)
        >>> counts = count_ids(dataset)
        >>> list(counts), bool(counts["item_id"].max() <= 400)
        (['item_id'], True)
    """
    members = {}
    for column in select(dataset.feature_columns, names=columns):
        if not isinstance(column, NumericColumn):
            members.setdefault(column.table_name, []).append(column)
    counts = {}
    for table, of_table in members.items():
        rows = [np.asarray(dataset.train.features[column.name]) for column in of_table]
        ids = np.concatenate([r if r.ndim == 2 else r[:, None] for r in rows], axis=1)
        ids.sort(axis=1)
        is_first = np.ones(ids.shape, bool)  # of its kind in its row
        is_first[:, 1:] = ids[:, 1:] != ids[:, :-1]
        counts[table] = np.bincount(ids[is_first], minlength=of_table[0].vocabulary_size)
        counts[table][0] = 0
    return counts
