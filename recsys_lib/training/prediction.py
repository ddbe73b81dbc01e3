"""Predictions of a whole split in one compiled call."""

import weakref

import numpy as np
import tensorflow as tf

from recsys_lib.data.dataset import check_features
from recsys_lib.features.columns import NumericColumn
from recsys_lib.training.batches import Layout, model_tasks, outputs_by_task

DEFAULT_BATCH_SIZE = 8192

# One traced function per model, for as long as the model lives.
_PREDICTORS = weakref.WeakKeyDictionary()


def model_feature_columns(model):
    """The id columns that a model's layers were built with, by name.

    Layers of this library keep their columns, so that a loaded model still knows its
    vocabularies.
    """
    columns = {}
    for layer in model._flatten_layers(include_self=False):
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


def predict(model, features, tasks=None, batch_size=DEFAULT_BATCH_SIZE):
    """Predict every row of a dict of arrays.

    Args:
        model: Keras model of this library.
        features: dict of column name to array; must hold the model's inputs and may hold more.
        tasks: names of the data's tasks; default: the model's outputs.
        batch_size: rows scored at a time.

    Returns:
        Dict of task to ``(rows,)`` float32.

    Raises:
        ValueError: a missing column, a wrong shape, an id outside its vocabulary, a number that
            is not finite; the column and the rows are named.
    """
    names = [tensor.name for tensor in model.inputs]
    missing = [name for name in names if name not in features]
    if missing:
        raise ValueError(f"predict: missing columns {missing}")
    columns = input_columns(model)
    features = {name: np.asarray(features[name]) for name in names}
    num_rows = check_features(columns, features, "predict")
    tasks = model_tasks(model, tasks or model.output_names)
    if num_rows == 0:
        return {task: np.zeros(0, np.float32) for task in tasks}
    layout = Layout(columns)
    result = predict_packed(model, layout, layout.pack(features), tasks, batch_size)
    return {task: result[:, position] for position, task in enumerate(tasks)}


def predict_packed(model, layout, packed, tasks, batch_size=DEFAULT_BATCH_SIZE):
    """Predict rows that were checked and packed before, for example once for many epochs.

    Args:
        model: Keras model of this library.
        layout: ``Layout`` of the model's inputs.
        packed: ids and numbers, what ``layout.pack`` returned or tensors of the same.
        tasks: names of the outputs, from ``model_tasks``.
        batch_size: rows scored at a time.

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


def input_columns(model):
    """A column per model input: the library's where a layer knows it, numeric otherwise."""
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
