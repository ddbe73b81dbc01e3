"""Models that are no networks: gradient-boosted trees, the rival that practice would use.

An estimator is a function ``(dataset, *, seed, **options)`` with the mark ``fits_itself``; it
returns a function of a split that gives a dict of task to predictions.

Source: Ke et al. 2017, "LightGBM", whose histograms scikit-learn's ``HistGradientBoosting``
follows; for encoded ids Micci-Barreca 2001, "A Preprocessing Scheme for High-Cardinality
Categorical Attributes".
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import CategoricalColumn, NumericColumn

Predict = Callable[[Split], dict[str, np.ndarray]]

_FOLDS = 5
_SMOOTHING = 20.0


def trees_on_ids(
    dataset: Dataset,
    *,
    seed: int,
    task: str | None = None,
    learning_rate: float = 0.1,
    max_iter: int = 100,
    max_leaf_nodes: int = 31,
    min_samples_leaf: int = 20,
) -> Predict:
    """Trees on the numbers and on encoded ids: each id's smoothed mean label in training.

    A training row's own label does not enter its code, which comes from the other four fifths of
    the rows. A bag of ids has the mean code of its ids.

    Args:
        dataset: with one binary task, or several.
        seed: of the fifths, and of the trees.
        task: which one, where there are several.
        learning_rate, max_iter, max_leaf_nodes, min_samples_leaf: of scikit-learn's
            ``HistGradientBoostingClassifier``.

    Returns:
        Function of a split.

    Raises:
        ValueError: a task left open where there are several, or a data set without numbers and
            ids.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    name = task or next(iter(dataset.train.labels))
    label = (dataset.train.labels[name] if task else dataset.train.label).astype(np.float64)
    features = coder(dataset, label, seed)
    size = {"max_leaf_nodes": max_leaf_nodes, "min_samples_leaf": min_samples_leaf}
    size |= {"max_iter": max_iter, "early_stopping": False, "random_state": seed}
    model = HistGradientBoostingClassifier(learning_rate=learning_rate, **size)
    model.fit(features(dataset.train), label > 0.5)
    return lambda split: {name: model.predict_proba(features(split))[:, 1]}


trees_on_ids.fits_itself = True  # type: ignore[attr-defined]


def coder(dataset: Dataset, label: np.ndarray, seed: int) -> Callable[[Split], np.ndarray]:
    """What trees read of a split: the numbers, and each id's code; see ``trees_on_ids``."""
    numbers = [c.name for c in dataset.feature_columns if isinstance(c, NumericColumn)]
    with_ids = [c for c in dataset.feature_columns if not isinstance(c, NumericColumn)]
    columns = [c for c in with_ids if isinstance(c, CategoricalColumn) or not c.ordered]
    fold = np.random.default_rng(seed).integers(0, _FOLDS, len(label))

    def features(split: Split) -> np.ndarray:
        found = [np.asarray(split.features[name], np.float64) for name in numbers]
        for column in columns:
            ids, known = split.features[column.name], dataset.train.features[column.name]
            encoded = _encode(ids, _codes(column, known, label))
            for number in range(_FOLDS if split is dataset.train else 0):
                rest, own = fold != number, fold == number
                encoded[own] = _encode(ids[own], _codes(column, ids[rest], label[rest]))
            found.append(encoded)
        return np.column_stack(found)

    if not numbers and not columns:
        raise ValueError(f"trees: expected numbers or ids in {dataset.name!r}, got none")
    return features


def _codes(column: Any, ids: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The smoothed mean label of each id, ``(vocabulary_size,)``; id 0 has the base rate."""
    base = label.mean()
    flat = np.asarray(ids).reshape(len(label), -1)
    labels = np.broadcast_to(label[:, None], flat.shape).ravel()
    rows = np.bincount(flat.ravel(), minlength=column.vocabulary_size)
    total = np.bincount(flat.ravel(), labels, column.vocabulary_size)
    codes = (total + _SMOOTHING * base) / (rows + _SMOOTHING)
    codes[0] = base
    return codes


def _encode(ids: np.ndarray, codes: np.ndarray) -> np.ndarray:
    values = codes[np.asarray(ids)]
    if values.ndim == 1:
        return values
    real = np.asarray(ids) > 0
    count = real.sum(axis=1)
    mean = (values * real).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, mean, codes[0])
