"""The validation rows of a run, checked and packed once and scored after every epoch."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from recsys_lib.data.dataset import check_features
from recsys_lib.data.splits import Split, labels_of
from recsys_lib.training import metrics
from recsys_lib.training.batches import Layout, PackedSplit, to_tensor
from recsys_lib.training.prediction import predict_chunks, predict_packed


class Validation:
    """Scores a model on one split again and again.

    Args:
        split: the validation rows, as for ``evaluate``. ``Chunks`` are read anew for each score.
        layout: ``Layout`` of the model's inputs.
        kinds: dict of the model's tasks to ``"binary"`` or ``"regression"``.

    Raises:
        ValueError: features that do not fit their columns.
    """

    def __init__(self, split: Any, layout: Layout, kinds: dict[str, str]) -> None:
        self.layout, self.kinds = layout, kinds
        self.split = labels_of(split)
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

    def score(
        self, model: keras.Model, predict: Callable[..., np.ndarray] = predict_packed
    ) -> float:
        """Mean over tasks of the AUC, or of a regression task's R^2, which knows no unit.

        Each task is scored on the rows with its label. Workers may share the work of ``predict``;
        of ``Chunks`` every worker predicts all rows.
        """
        predictions = self._predictions(model, predict)
        scores = []
        for position, (task, kind) in enumerate(self.kinds.items()):
            rows = self.split.rows_of(task)
            label, prediction = self.split.labels[task][rows], predictions[rows, position]
            if kind == "binary":
                scores.append(metrics.auc(label, prediction))
            else:
                scores.append(1 - np.mean((label - prediction) ** 2) / (np.var(label) or 1))
        return float(np.mean(scores))

    def _predictions(self, model, predict):
        tasks = list(self.kinds)
        if not isinstance(self._rows, PackedSplit):
            return predict_chunks(model, self._rows, self.layout, tasks, "valid")
        return predict(model, self.layout, (self._rows.ids, self._rows.numbers), tasks)
