"""Arrays laid out for fast batches: one matrix of ids, one of numbers, one of labels.

A batch of a model with twenty inputs would take twenty gathers; from matrices it takes two. The
columns are cut apart again inside the compiled function, where that is free.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from recsys_lib.features.columns import NumericColumn, check_columns


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where each feature column lies in the two matrices.

    Args:
        feature_columns: tuple of columns.
    """

    feature_columns: tuple

    def __post_init__(self):
        object.__setattr__(self, "feature_columns", check_columns(self.feature_columns))

    def pack(self, features):
        """Put a dict of arrays into matrices.

        Returns:
            ids ``(rows, id slots)`` int32 and numbers ``(rows, number slots)`` float32.
        """
        num_rows = len(features[self.feature_columns[0].name])
        ids, numbers = [], []
        for column in self.feature_columns:
            part = np.asarray(features[column.name]).reshape(num_rows, column.num_slots)
            (numbers if isinstance(column, NumericColumn) else ids).append(part)

        def side_by_side(parts, dtype):
            if not parts:
                return np.zeros((num_rows, 0), dtype)
            return np.concatenate(parts, axis=1, dtype=dtype, casting="same_kind")

        return side_by_side(ids, np.int32), side_by_side(numbers, np.float32)

    def unpack(self, ids, numbers):
        """Cut matrices of a batch into the model's inputs.

        Returns:
            Dict of column name to tensor, shaped as in ``build_inputs``.
        """
        inputs, position = {}, {True: 0, False: 0}
        for column in self.feature_columns:
            numeric = isinstance(column, NumericColumn)
            matrix, start = (numbers if numeric else ids), position[numeric]
            position[numeric] += column.num_slots
            if column.input_shape:
                inputs[column.name] = matrix[:, start : start + column.num_slots]
            else:
                inputs[column.name] = matrix[:, start]
        return inputs

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


def model_columns(model, feature_columns):
    """The feature columns that a model has inputs for, in the model's order.

    Raises:
        ValueError: an input that is no feature column.
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
    if isinstance(outputs, dict):
        return [outputs[task] for task in tasks]
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    if len(outputs) == 1:
        return list(outputs)
    by_name = dict(zip(model.output_names, outputs, strict=True))
    return [by_name[task] for task in tasks]


def model_tasks(model, tasks):
    """Names of the tasks that a model predicts.

    A model with one output serves the only task of a data set whatever its name; otherwise the
    outputs carry the tasks' names.

    Args:
        model: Keras model.
        tasks: the data set's tasks (any iterable of names).

    Raises:
        ValueError: an output that is no task.
    """
    tasks = list(tasks)
    structure = model.output
    names = list(structure) if isinstance(structure, dict) else list(model.output_names)
    if len(names) == 1 and len(tasks) == 1:
        return tasks
    unknown = [name for name in names if name not in tasks]
    if unknown:
        raise ValueError(
            f"model {model.name!r}: the outputs {unknown} are no tasks of the data; "
            f"there are {tasks}"
        )
    return names
