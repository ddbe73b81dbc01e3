"""Saving, loading, and ranking the candidates of one request.

A request is one user and about a thousand candidates. Scoring it as a thousand separate rows
computes the user's side a thousand times. ``rank`` walks through the model's graph instead and
carries everything that depends on the request alone as a single row, until the first layer that
mixes it with the candidates.
"""

import importlib
import os
import re
import shutil
import tempfile
import weakref
import zipfile
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from recsys_lib.data.dataset import check_features
from recsys_lib.training.batches import outputs_by_task
from recsys_lib.training.prediction import input_columns

_LIBRARY_MODULE = re.compile(r'"module": "(recsys_lib\.[a-z0-9_.]+)"')


def save(model, path):
    """Write a model with its weights to ``path`` (ending in ``.keras``), whole or not at all."""
    path = os.fspath(path)
    if not path.endswith(".keras"):
        raise ValueError(f"path: expected a name that ends in '.keras', got {path!r}")
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    temporary = tempfile.mkdtemp(dir=folder)
    try:
        model.save(os.path.join(temporary, "model.keras"))
        os.replace(os.path.join(temporary, "model.keras"), path)
    finally:
        shutil.rmtree(temporary)


def load(path):
    """Read a model that ``save`` wrote; it predicts the same numbers, bit by bit.

    Raises:
        ValueError: there is no such file, or it is not a Keras model.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise ValueError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            config = archive.read("config.json").decode()
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable model ({error})") from error
    # Keras finds a layer of this library only after the layer's module has been imported.
    for module in sorted(set(_LIBRARY_MODULE.findall(config))):
        importlib.import_module(module)
    return keras.saving.load_model(path, compile=False)


class Ranking(NamedTuple):
    """``order``: ``(candidates,)`` positions, best first; ``scores``: ``(candidates,)``."""

    order: np.ndarray
    scores: np.ndarray


# Compiled rankers per model and set of user-side inputs.
_RANKERS = weakref.WeakKeyDictionary()


def rank(model, user_context, candidates, *, task=None, fuse=None):
    """Score and sort the candidates of one request.

    Args:
        model: Keras model of this library.
        user_context: dict of column name to the value of the request: an id or number, or a list
            of ``max_length`` ids for a sequence.
        candidates: dict of column name to array ``(candidates,)`` or ``(candidates, max_length)``.
            Together with ``user_context`` it holds exactly the model's inputs.
        task: the output to rank by; may be left out where there is only one.
        fuse: function ``(scores, candidates)`` that makes one number of all outputs, instead of
            ``task``: it gets a dict of task to ``(candidates,)`` float32, all of one pass, and the
            candidates as arrays, and returns ``(candidates,)`` numbers.

    Returns:
        ``Ranking``; its scores are those of the task, or what ``fuse`` returned, whole numbers as
        float64. Candidates with equal scores keep their order.

    Raises:
        ValueError: columns missing, given twice or unknown, wrong shapes, ids outside their
            vocabulary; a task and a function; a function that returns something else.
    """
    names = [tensor.name for tensor in model.inputs]
    both = sorted(set(user_context) & set(candidates))
    given = set(user_context) | set(candidates)
    if both or given != set(names):
        raise ValueError(
            f"rank: expected each of {names} either in user_context or in candidates; "
            f"in both: {both}, missing: {sorted(set(names) - given)}, "
            f"unknown: {sorted(given - set(names))}"
        )
    if not candidates:
        raise ValueError("rank: candidates hold no column")
    columns = input_columns(model)
    user = {name: np.asarray(value)[None] for name, value in user_context.items()}
    candidates = {name: np.asarray(value) for name, value in candidates.items()}
    for features, where in ((user, "user_context"), (candidates, "candidates")):
        side = tuple(column for column in columns if column.name in features)
        if side:
            check_features(side, features, where)
    tasks = list(model.output) if isinstance(model.output, dict) else list(model.output_names)
    if fuse is None and task is None and len(tasks) > 1:
        raise ValueError(f"task: expected one of {tasks}, got None")
    if fuse is not None and task is not None:
        raise ValueError(f"fuse: it makes one score of all tasks, expected no task, got {task!r}")
    if task is not None and task not in tasks:
        raise ValueError(f"task: expected one of {tasks}, got {task!r}")
    wanted = tuple(tasks) if fuse is not None else (task or tasks[0],)
    key = (frozenset(user), wanted)
    rankers = _RANKERS.setdefault(model, {})
    if key not in rankers:
        rankers[key] = _compile(model, columns, set(user), wanted)
    outputs = [output.numpy() for output in rankers[key](user, candidates)]
    scores = outputs[0]
    if fuse is not None:
        scores = np.asarray(fuse(dict(zip(wanted, outputs, strict=True)), candidates))
        _check_fused(scores, outputs[0].shape)
        if scores.dtype.kind != "f":
            # Unsigned numbers have no negative: sorted by -scores, 0 would come first.
            scores = scores.astype(np.float64)
    return Ranking(np.argsort(-scores, kind="stable"), scores)


def _check_fused(scores, shape):
    if scores.shape != shape:
        raise ValueError(f"fuse: expected numbers of shape {shape}, got {scores.shape}")
    if scores.dtype.kind not in "iuf" or not np.isfinite(scores).all():
        raise ValueError(f"fuse: expected finite numbers, got {scores.dtype} {scores[:3]}")


def _compile(model, columns, user_side, tasks):
    reference = weakref.ref(model)
    specs = ({}, {})
    for column, tensor in zip(columns, model.inputs, strict=True):
        on_user_side = column.name in user_side
        specs[0 if on_user_side else 1][column.name] = tf.TensorSpec(
            [1 if on_user_side else None, *column.input_shape], tensor.dtype
        )

    @tf.function(input_signature=specs, autograph=False)
    def score(user, candidates):
        model = reference()
        num_candidates = tf.shape(next(iter(candidates.values())))[0]
        outputs = _score_request(model, user, candidates, num_candidates)
        return outputs_by_task(model, outputs, tasks)

    concrete = score.get_concrete_function()

    def call(user, candidates):
        features = ({}, {})
        for side, values in enumerate((user, candidates)):
            for name, value in values.items():
                spec = specs[side][name]
                features[side][name] = tf.constant(value, spec.dtype)
        return concrete(*features)

    return call


def _score_request(model, user, candidates, num_candidates):
    """Run a functional model with single rows wherever no candidate is involved."""
    # Tensors with a single row that stands for all candidates. The list keeps them alive, so that
    # an identity is never given to another tensor.
    single, alive = {id(value) for value in user.values()}, list(user.values())

    def mark(outputs):
        for output in tf.nest.flatten(outputs):
            single.add(id(output))
            alive.append(output)
        return outputs

    def spread(value):
        if id(value) not in single:
            return value
        return tf.repeat(value, num_candidates, axis=0)

    def run(operation):
        def call(*args, **kwargs):
            tensors = [v for v in tf.nest.flatten((args, kwargs)) if tf.is_tensor(v)]
            if all(id(tensor) in single for tensor in tensors):
                return mark(operation(*args, **kwargs))
            if not any(id(tensor) in single for tensor in tensors):
                return operation(*args, **kwargs)
            if getattr(operation, "separable_inputs", False) and isinstance(args[0], dict):
                return apart(operation, args[0])
            args, kwargs = tf.nest.map_structure(spread, (args, kwargs))
            return operation(*args, **kwargs)

        return call

    def apart(operation, inputs):
        sides = operation.separate(inputs, lambda value: id(value) in single)
        one = mark(operation({name: inputs[name] for name in sides[0]})) if sides[0] else {}
        rest = {name: spread(inputs[name]) for name in sides[1]}
        outputs = {**one, **(operation(rest) if rest else {})}
        return {name: outputs[name] for name in operation.blocks if name in outputs}

    by_name = {**user, **candidates}
    inputs = [by_name[tensor.name] for tensor in model.inputs]
    outputs = model._run_through_graph(inputs, operation_fn=run)
    return tf.nest.map_structure(spread, outputs)
