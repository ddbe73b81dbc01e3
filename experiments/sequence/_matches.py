"""Trees that are told how often the history matches the candidate: by item, maker and tags.

Trees cannot read a list of ids. In practice somebody counts for them, and so does this file.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from experiments.estimators import Predict, trees_on_ids
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import NumericColumn

HISTORY = "history"


def match_counts(dataset: Dataset, split: Split, names: Sequence[str]) -> np.ndarray:
    """How many behaviours share the candidate's value of a column, for each of the columns.

    An item has the value that its training rows have; one of its tags in common is a match.

    Args:
        dataset: with a column ``history`` of items; its training rows say what an item is.
        split: the rows.
        names: columns of the item, of single ids or of lists.

    Returns:
        float64 ``(N, len(names))``.
    """
    history, known = dataset.column(HISTORY), dataset.train.features
    behaviours, found = split.features[HISTORY], []
    for name in names:
        values = np.asarray(known[name]).reshape(len(dataset.train), -1)
        table = np.zeros((history.vocabulary_size, values.shape[1]), values.dtype)
        table[known[history.table]] = values
        candidate = np.asarray(split.features[name]).reshape(len(behaviours), -1)
        match = np.zeros(behaviours.shape, bool)
        for one in candidate.T:  # a candidate has one maker, or a few tags
            same = (table[behaviours] == one[:, None, None]).any(axis=2)
            match |= same & (one > 0)[:, None] & (behaviours > 0)
        found.append(match.sum(axis=1))
    return np.column_stack(found).astype(np.float64)


def trees_with_matches(
    dataset: Dataset,
    *,
    seed: int,
    matches: Sequence[str],
    learning_rate: float = 0.1,
    max_leaf_nodes: int = 31,
    min_samples_leaf: int = 20,
) -> Predict:
    """``trees_on_ids`` with the match counts of some columns as further numbers.

    Args:
        dataset: with one binary task and a column ``history``.
        matches: columns of the item.
        seed, learning_rate, max_leaf_nodes, min_samples_leaf: see ``trees_on_ids``.

    Returns:
        Function of a split.
    """
    numbers = [f"{name}_matches" for name in matches]

    def wider(split: Split) -> Split:
        counts = zip(numbers, match_counts(dataset, split, matches).T, strict=True)
        return dataclasses.replace(split, features={**split.features, **dict(counts)})

    columns = tuple(NumericColumn(name, group="context") for name in numbers)
    told = dataclasses.replace(
        dataset,
        feature_columns=(*dataset.feature_columns, *columns),
        train=wider(dataset.train),
        valid=wider(dataset.valid),
        test=wider(dataset.test),
    )
    predict = trees_on_ids(
        told,
        seed=seed,
        learning_rate=learning_rate,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
    )
    return lambda split: predict(wider(split))


trees_with_matches.fits_itself = True  # type: ignore[attr-defined]
