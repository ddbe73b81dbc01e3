"""The validation rows of a run, checked and packed once and scored after every epoch."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from recsys_lib.checks import check_choice
from recsys_lib.data.dataset import check_features
from recsys_lib.data.splits import Split, labels_of
from recsys_lib.training import metrics
from recsys_lib.training.batches import Layout, PackedSplit, to_tensor
from recsys_lib.training.prediction import predict_chunks, predict_packed

MEASURES = ("auc", "gauc", "log_loss")
"""What ``watch`` may name."""

ENOUGH_PAIRS = 10_000
"""Pairs within groups that GAUC needs to tell one epoch from another."""


class Validation:
    """Scores a model on one split again and again.

    Args:
        split: the validation rows, as for ``evaluate``. ``Chunks`` are read anew for each score.
        layout: ``Layout`` of the model's inputs.
        kinds: dict of the model's tasks to ``"binary"`` or ``"regression"``.
        watch: as for ``fit``.

    Raises:
        ValueError: features that do not fit their columns; an unknown measure or group.
    """

    def __init__(
        self, split: Any, layout: Layout, kinds: dict[str, str], watch: str = "auc"
    ) -> None:
        self.layout, self.kinds = layout, kinds
        self.split = labels_of(split)
        self._measure, _, group = watch.partition(":")
        check_choice("watch", self._measure, MEASURES)
        self._group = self.split.group_of(group or None)
        if self._measure == "gauc" and self._num_pairs() < ENOUGH_PAIRS:
            self._measure = watch = "log_loss"
        self.watched = watch
        self._rows = self._pack(split) if isinstance(split, Split) else split

    def _pack(self, split: Split) -> PackedSplit:
        layout, kinds = self.layout, self.kinds
        columns = layout.feature_columns
        features = {column.name: split.features[column.name] for column in columns}
        check_features(columns, features, "valid")
        packed = PackedSplit.of(split, layout, list(kinds))
        # Tensors, so that no epoch copies the rows into one.
        ids, numbers = to_tensor(packed.ids), to_tensor(packed.numbers)
        return dataclasses.replace(packed, ids=ids, numbers=numbers)

    def digest(self) -> str:
        """A hash of all values, or of the files that hold them."""
        return self._rows.digest()

    @property
    def groups(self) -> np.ndarray | None:
        """The group of each row, ``(N,)``; None where the score reads none."""
        return self._group if self._measure == "gauc" else None

    def _num_pairs(self):
        """The pairs within groups of the binary task that has the fewest; 0 without one."""
        counts = []
        for task, kind in self.kinds.items():
            rows = self.split.rows_of(task)
            if kind == "binary":
                counts.append(metrics.num_pairs(self.split.labels[task][rows], self._group[rows]))
        return min(counts, default=0)

    def score(
        self, model: keras.Model, predict: Callable[..., np.ndarray] = predict_packed
    ) -> float:
        """Mean over tasks of what is watched: higher is better.

        ``auc``: the AUC, or a regression task's R^2, which knows no unit. ``gauc``: the AUC within
        groups, or R^2 where it is above 0: without a floor one bad task would choose the epoch for
        all. ``log_loss``: the share by which the loss is below that of the mean label.
        Each task is scored on the rows with its label. Workers may share the work of ``predict``;
        of ``Chunks`` every worker predicts all rows.
        """
        predictions = self._predictions(model, predict)
        scores = []
        for position, (task, kind) in enumerate(self.kinds.items()):
            rows = self.split.rows_of(task)
            label, prediction = self.split.labels[task][rows], predictions[rows, position]
            if kind == "regression":
                r_squared = 1 - np.mean((label - prediction) ** 2) / (np.var(label) or 1)
                scores.append(r_squared if self._measure == "auc" else max(r_squared, 0.0))
            elif self._measure == "auc":
                scores.append(metrics.auc(label, prediction))
            elif self._measure == "gauc":
                scores.append(metrics.gauc(label, prediction, self._group[rows]).value)
            else:
                scores.append(1 - metrics.normalized_entropy(label, prediction))
        return float(np.mean(scores))

    def _predictions(self, model, predict):
        tasks = list(self.kinds)
        if not isinstance(self._rows, PackedSplit):
            return predict_chunks(model, self._rows, self.layout, tasks, "valid")
        return predict(model, self.layout, (self._rows.ids, self._rows.numbers), tasks)
