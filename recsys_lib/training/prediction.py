"""Predictions of a whole split in one compiled call."""

import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from recsys_lib.checks import check_integer
from recsys_lib.data.arrays import as_array, check_numbers
from recsys_lib.data.dataset import check_features
from recsys_lib.features.columns import Column, NumericColumn
from recsys_lib.keras_internals import layers_of
from recsys_lib.training.batches import Layout, model_tasks, output_tasks, outputs_by_task

DEFAULT_BATCH_SIZE = 8192

# One traced function per model, for as long as the model lives.
_PREDICTORS = weakref.WeakKeyDictionary()
# The columns of a model's inputs: finding them takes longer than a small request.
_COLUMNS = weakref.WeakKeyDictionary()


def check_model(model: Any) -> None:
    """Raise ``ValueError`` unless it is a Keras model."""
    if model is None:
        raise ValueError("model: expected a Keras model, got None; does the builder return it?")
    if not isinstance(model, keras.Model):
        raise ValueError(f"model: expected a Keras model, got {described(model)}")


def described(value: Any) -> str:
    """What a message says of an argument of another type: the type, and a text itself."""
    return f"{type(value).__name__} {value!r}" if isinstance(value, str) else type(value).__name__


def model_feature_columns(model: keras.Model) -> dict[str, Column]:
    """The id columns that a model's layers were built with and keep, saved or not, by name."""
    columns = {}
    for layer in layers_of(model):
        for column in getattr(layer, "columns", ()):
            columns.setdefault(column.name, column)
    return columns


def _compile(model, layout, tasks):
    reference = weakref.ref(model)
    ids_spec, numbers_spec = layout.specs

    @tf.function(
        input_signature=[ids_spec, numbers_spec, tf.TensorSpec([], tf.int32)], autograph=False
    )
    def predict_rows(ids, numbers, batch_size):
        model = reference()
        num_rows = tf.shape(ids)[0]
        num_batches = (num_rows + batch_size - 1) // batch_size

        def predict_batch(batch, results):
            rows = slice(batch * batch_size, (batch + 1) * batch_size)
            outputs = model(layout.unpack(ids[rows], numbers[rows]), training=False)
            stacked = tf.stack(outputs_by_task(model, outputs, tasks), axis=1)
            return batch + 1, results.write(batch, stacked)

        results = tf.TensorArray(
            tf.float32, num_batches, infer_shape=False, element_shape=[None, len(tasks)]
        )
        _, results = tf.while_loop(
            lambda batch, _: batch < num_batches,
            predict_batch,
            (tf.constant(0), results),
            parallel_iterations=1,
        )
        return results.concat()

    # The concrete function: TensorFlow warns of retracing when many models are compiled in turn.
    return predict_rows.get_concrete_function()


def predict(
    model: keras.Model,
    features: Mapping[str, Any] | pd.DataFrame,
    tasks: Iterable[str] | None = None,
    batch_size: int = DEFAULT_BATCH_SIZE,
) -> dict[str, np.ndarray]:
    """Predict every row of some columns.

    Args:
        model: Keras model of this library.
        features: dict of column name to array, list or pandas Series, ``(rows,)`` or ``(rows,
            max_length)``, or a DataFrame, in which a sequence is a column of lists; must hold the
            model's inputs and may hold more.
        tasks: names of the data's tasks; default: the model's outputs.
        batch_size: rows scored at a time.

    Returns:
        Dict of task to ``(rows,)`` float32, also where the model's output is a tensor.

    Raises:
        ValueError: a missing column, a wrong shape, an id outside its vocabulary, a number that
            or a score that is not finite in float32 (the rows are named); a batch size below 1.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> from recsys_lib.memorization import build_logistic_regression
        >>> model = build_logistic_regression([CategoricalColumn("item_id", 10)])
        >>> {task: found.tolist() for task, found in predict(model, {"item_id": [3, 7]}).items()}
        {'click': [0.5, 0.5]}
    """
    columns = input_columns(model)
    batch_size = check_integer("batch_size", batch_size)
    given = arrays_of(features, "predict")
    missing = [column.name for column in columns if column.name not in given]
    if missing:
        raise ValueError(f"predict: missing columns {missing}")
    features = {column.name: given[column.name] for column in columns}
    num_rows = check_features(columns, features, "predict")
    tasks = model_tasks(model, output_tasks(model) if tasks is None else tasks)
    if num_rows == 0:
        return {task: np.zeros(0, np.float32) for task in tasks}
    layout = Layout(columns)
    result = predict_packed(model, layout, layout.pack(features), tasks, batch_size)
    found = zip(tasks, result.T, strict=True)
    return {task: check_numbers(f"predict, scores of {task!r}", one) for task, one in found}


def predict_packed(
    model: keras.Model,
    layout: Layout,
    packed: tuple[Any, Any],
    tasks: Sequence[str],
    batch_size: int = DEFAULT_BATCH_SIZE,
) -> np.ndarray:
    """Predict rows that were checked and packed before, for example once for many epochs.

    Args:
        model, batch_size: as for ``predict``.
        layout: of the model's inputs.
        packed: ids and numbers, what ``layout.pack`` returned or tensors of the same.
        tasks: names of the outputs, from ``model_tasks``.

    Returns:
        ``(rows, tasks)`` float32.
    """
    key = tuple(tasks)
    functions = _PREDICTORS.setdefault(model, {})
    if key not in functions:
        functions[key] = _compile(model, layout, tasks)
    ids, numbers = packed
    return functions[key](
        tf.convert_to_tensor(ids),
        tf.convert_to_tensor(numbers),
        tf.constant(batch_size, tf.int32),
    ).numpy()


def predict_chunks(
    model: keras.Model,
    chunks: Any,
    layout: Layout,
    tasks: Sequence[str],
    where: str = "evaluate",
    batch_size: int = DEFAULT_BATCH_SIZE,
) -> np.ndarray:
    """``predict_packed`` of rows that are read chunk by chunk, by ``chunks.packed(layout, where)``.

    Raises:
        ValueError: features that do not fit their columns; the chunk is named.
    """
    pieces = chunks.packed(layout, where)
    found = [predict_packed(model, layout, piece, tasks, batch_size) for piece in pieces]
    return np.concatenate(found)


def arrays_of(features: Mapping[str, Any] | pd.DataFrame, where: str) -> dict[str, np.ndarray]:
    """Columns as arrays, read by position.

    Args:
        features: as for ``predict``.
        where: what the message calls them.

    Raises:
        ValueError: something else, or lists of different lengths.
    """
    if not isinstance(features, Mapping | pd.DataFrame):
        hint = "; a split's columns are its .features" if hasattr(features, "features") else ""
        raise ValueError(
            f"{where}: expected a dict of column name to array or a DataFrame, got "
            f"{type(features).__name__}{hint}"
        )
    return {name: _array(f"{where}, column {name!r}", values) for name, values in features.items()}


def _array(place, values):
    found = as_array(place, values)
    # A DataFrame keeps the lists of a sequence column as objects.
    return as_array(place, found.tolist()) if found.dtype == object else found


def input_columns(model: keras.Model) -> tuple[Column, ...]:
    """A column per model input: the library's where a layer knows it, numeric otherwise.

    Raises ``ValueError`` for what is no model, and for an input of ids whose vocabulary no layer
    knows.
    """
    check_model(model)
    if model not in _COLUMNS:
        _COLUMNS[model] = _find_columns(model)
    return _COLUMNS[model]


def _find_columns(model):
    known = model_feature_columns(model)
    columns = []
    for tensor in model.inputs:
        if tensor.name in known:
            columns.append(known[tensor.name])
        elif tensor.dtype.startswith("float"):
            columns.append(NumericColumn(tensor.name, int(np.prod(tensor.shape[1:]))))
        else:
            raise ValueError(
                f"model {model.name!r}: no layer says how many ids the input {tensor.name!r} has"
            )
    return tuple(columns)
