"""Arrays laid out for fast batches: one matrix of ids, one of numbers, one of labels.

A batch of a model with twenty inputs would take twenty gathers; from matrices it takes two. The
columns are cut apart again inside the compiled function, where that is free.
"""

import dataclasses
import hashlib

import numpy as np
import tensorflow as tf

from recsys_lib.features.columns import NumericColumn


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where each feature column lies in the two matrices."""

    feature_columns: tuple

    def __post_init__(self):
        ends, slots = {True: 0, False: 0}, []
        for column in self.feature_columns:
            numeric = isinstance(column, NumericColumn)
            start = ends[numeric]
            ends[numeric] += column.num_slots
            slots.append(slice(start, ends[numeric]))
        object.__setattr__(self, "_slots", slots)

    def pack(self, features, rows=slice(None)):
        """Put a dict of arrays into matrices, all their rows or those at integer positions.

        Returns:
            ids ``(rows, id slots)`` int32 and numbers ``(rows, number slots)`` float32.
        """
        num_rows = len(features[self.feature_columns[0].name][rows])
        ids_spec, numbers_spec = self.specs
        ids = np.empty((num_rows, ids_spec.shape[1]), np.int32)
        numbers = np.empty((num_rows, numbers_spec.shape[1]), np.float32)
        for column, matrix, slots in self._places(ids, numbers):
            values = np.asarray(features[column.name])[rows].reshape(num_rows, column.num_slots)
            np.copyto(matrix[:, slots], values, casting="same_kind")
        return ids, numbers

    def unpack(self, ids, numbers):
        """Cut matrices of a batch into the model's inputs.

        Returns:
            Dict of column name to tensor, shaped as in ``build_inputs``.
        """
        return {
            column.name: matrix[:, slots] if column.input_shape else matrix[:, slots.start]
            for column, matrix, slots in self._places(ids, numbers)
        }

    def _places(self, ids, numbers):
        """Each column with its matrix and its slots there."""
        for column, slots in zip(self.feature_columns, self._slots, strict=True):
            yield column, numbers if isinstance(column, NumericColumn) else ids, slots

    @property
    def specs(self):
        """``tf.TensorSpec`` of the two matrices, any number of rows."""
        numeric = [isinstance(column, NumericColumn) for column in self.feature_columns]
        slots = [column.num_slots for column in self.feature_columns]
        num_numbers = sum(size for size, is_number in zip(slots, numeric, strict=True) if is_number)
        return (
            tf.TensorSpec([None, sum(slots) - num_numbers], tf.int32),
            tf.TensorSpec([None, num_numbers], tf.float32),
        )


@dataclasses.dataclass(frozen=True)
class PackedSplit:
    """The arrays of a split that training reads.

    Args:
        ids, numbers: see ``Layout.pack``.
        labels: ``(rows, tasks)`` float32.
        masks: booleans ``(rows, tasks)``, where each task has a label; None where no task of the
            model has a mask: then nothing is gathered for it.
        groups: ``(rows,)`` int32, equal for rows of one group; None where no objective reads them.
    """

    ids: np.ndarray
    numbers: np.ndarray
    labels: np.ndarray
    masks: np.ndarray | None
    groups: np.ndarray | None = None

    @classmethod
    def of(cls, split, layout, tasks, rows=slice(None), groups=None):
        """Pack the columns of a layout and the labels of some tasks, as ``Layout.pack`` does."""
        masks = None
        if any(task in split.label_masks for task in tasks):
            everywhere = np.ones(len(split), bool)
            masks = [split.label_masks.get(task, everywhere)[rows] for task in tasks]
            masks = np.stack(masks, axis=1)
        labels = np.stack([split.labels[task][rows] for task in tasks], axis=1)
        packed = layout.pack(split.features, rows)
        groups = None if groups is None else groups[rows]
        return cls(*packed, labels.astype(np.float32, copy=False), masks, groups)

    @property
    def arrays(self):
        """The arrays that there are, in order."""
        beside = [one for one in (self.masks, self.groups) if one is not None]
        return [self.ids, self.numbers, self.labels, *beside]

    def digest(self):
        """A hash of all values, in hexadecimal digits."""
        found = hashlib.sha256()
        for array in map(np.ascontiguousarray, self.arrays):
            found.update(f"{array.shape} {array.dtype};".encode())
            found.update(array.data)
        return found.hexdigest()


def to_tensor(array):
    """A tensor of an array that is large.

    ``tf.constant`` would keep a second copy beside the tensor's own for as long as the tensor
    lives.
    """
    return tf.identity(array)


def model_columns(model, feature_columns):
    """The feature columns that a model has inputs for, in the model's order.

    Raises ``ValueError`` for an input that is no feature column.
    """
    by_name = {column.name: column for column in feature_columns}
    names = [tensor.name for tensor in model.inputs]
    missing = [name for name in names if name not in by_name]
    if missing:
        raise ValueError(
            f"model {model.name!r}: the inputs {missing} are no feature columns; "
            f"there are {sorted(by_name)}"
        )
    return tuple(by_name[name] for name in names)


def outputs_by_task(model, outputs, tasks):
    """The model's outputs as a list in the order of ``tasks``, each ``(batch,)``."""
    if isinstance(outputs, dict) and len(outputs) > 1:
        return [outputs[task] for task in tasks]
    outputs = list(outputs.values()) if isinstance(outputs, dict) else outputs
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    if len(outputs) == 1:
        return list(outputs)
    by_name = dict(zip(model.output_names, outputs, strict=True))
    return [by_name[task] for task in tasks]


def output_tasks(model):
    """Names of a model's outputs: those of its dict, or the name of its one tensor."""
    return list(model.output) if isinstance(model.output, dict) else list(model.output_names)


def model_tasks(model, tasks):
    """Names of the tasks that a model predicts.

    A model with one output, a tensor or a dict of one, serves the only task of a data set whatever
    its name; otherwise the outputs carry the tasks' names.

    Raises ``ValueError`` for an output that is none of the data set's ``tasks``.
    """
    tasks, names = list(tasks), output_tasks(model)
    if len(names) == 1 and len(tasks) == 1:
        return tasks
    unknown = [name for name in names if name not in tasks]
    if unknown:
        raise ValueError(
            f"model {model.name!r}: the outputs {unknown} are no tasks of the data; "
            f"there are {tasks}"
        )
    return names
