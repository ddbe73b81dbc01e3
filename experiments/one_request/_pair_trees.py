"""Trees that are fitted on pairs, by LightGBM, whose histograms scikit-learn's trees follow."""

from typing import Any

import numpy as np
from scipy import special

from experiments.estimators import Predict, coder
from recsys_lib.data.dataset import Dataset


def trees_in_pairs(
    dataset: Dataset,
    *,
    seed: int,
    learning_rate: float = 0.1,
    max_iter: int = 100,
    max_leaf_nodes: int = 31,
    min_samples_leaf: int = 20,
) -> Predict:
    """As ``trees_on_ids``, fitted on the pairs of a click and no click of one user.

    Their score has no level, and need not rise with the label from one user to the next; a logistic
    function brings it between 0 and 1 and does not make it a probability.

    Args:
        dataset: with one binary task.
        seed, learning_rate, max_iter, max_leaf_nodes, min_samples_leaf: as for ``trees_on_ids``;
            of LightGBM's ``LGBMRanker``, all pairs alike.

    Returns:
        Function of a split.
    """
    from lightgbm import LGBMRanker

    (name,) = dataset.train.labels
    label = dataset.train.label.astype(np.float64)
    features = coder(dataset, label, seed)
    order = np.argsort(dataset.train.group, kind="stable")
    _, rows = np.unique(dataset.train.group, return_counts=True)
    size: dict[str, Any] = {"num_leaves": max_leaf_nodes, "min_child_samples": min_samples_leaf}
    # Plain pairs: no gain is normed, cut off or weighed by its place in the list.
    plain: dict[str, Any] = {
        "lambdarank_norm": False,
        "label_gain": [0, 1],
        "lambdarank_truncation_level": 1_000,
    }
    model = LGBMRanker(
        objective="lambdarank",
        learning_rate=learning_rate,
        n_estimators=max_iter,
        random_state=seed,
        n_jobs=1,
        deterministic=True,
        verbose=-1,
        **size,
        **plain,
    )
    model.fit(features(dataset.train)[order], label[order], group=rows)
    return lambda split: {name: special.expit(model.predict(features(split)))}


trees_in_pairs.fits_itself = True  # type: ignore[attr-defined]
