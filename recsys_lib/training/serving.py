"""Saving, loading, and ranking the candidates of one request.

A request is one user and about a thousand candidates. Scoring it as a thousand separate rows
computes the user's side a thousand times. ``rank`` walks through the model's graph instead and
carries everything that depends on the request alone as a single row, past the layers that mix it
with the candidates where these divide.
"""

import importlib
import json
import os
import pkgutil
import re
import shutil
import tempfile
import weakref
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

import recsys_lib
from recsys_lib.checks import check_choice
from recsys_lib.data.arrays import check_numbers
from recsys_lib.data.dataset import check_features
from recsys_lib.keras_graphs import call_once
from recsys_lib.training.batches import output_tasks, outputs_by_task
from recsys_lib.training.prediction import arrays_of, check_model, input_columns
from recsys_lib.training.request_walk import RequestWalk

_LIBRARY_CLASS = re.compile(r'"registered_name": "recsys_lib>(\w+)"')
_LIBRARY_MODULE = re.compile(r'"module": "(recsys_lib\.[a-z0-9_.]+)"')
_WITHOUT_LAYERS = ("data", "loops", "training", "zoo")
_NOTE = "recsys_lib.json"
"""The file that ``save`` adds to Keras's archive: the version of the library that wrote it."""

_REMOVED = {
    "MiniBatchAwareL2": "its penalty is now an option of the embedding tables, "
    "embedding_l2=EmbeddingL2(strength, id_counts=...)",
}
"""Layers of earlier versions that have no successor to load them as, and why."""


def save(model: keras.Model, path: str | os.PathLike) -> None:
    """Write a model with its weights to a file, whole or not at all.

    Args:
        model: as for ``predict``.
        path: name of the file, ending in ``.keras``; its folder is made where it is missing.
            ``recsys_lib.load_model`` reads it, where Keras's own does not know the layers.

    Raises:
        ValueError: no model, or another ending.

    Example:
        >>> import tempfile
        >>> from recsys_lib.features import CategoricalColumn
        >>> from recsys_lib.memorization import build_logistic_regression
        >>> model = build_logistic_regression([CategoricalColumn("item_id", 10)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(model, f"{folder}/model.keras")
        ...     load(f"{folder}/model.keras").output_shape
        (None,)
    """
    check_model(model)
    path = os.fspath(path)
    if not path.endswith(".keras"):
        raise ValueError(f"path: expected a name that ends in '.keras', got {path!r}")
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    temporary = tempfile.mkdtemp(dir=folder)
    try:
        written = os.path.join(temporary, "model.keras")
        model.save(written)
        with zipfile.ZipFile(written, "a") as archive:
            archive.writestr(_NOTE, json.dumps({"version": recsys_lib.__version__}))
        os.replace(written, path)
    finally:
        shutil.rmtree(temporary)


def load(path: str | os.PathLike) -> keras.Model:
    """Read a model that ``save`` wrote; it predicts the same numbers, bit by bit.

    Args:
        path: name of the file.

    Returns:
        The model, ready for ``predict``, ``rank``, further training and ``model.export``.

    Raises:
        ValueError: there is no such file, it is not a Keras model, or it is made of layers that
            this version of the library does not have or builds otherwise; both versions are named.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise ValueError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            config = archive.read("config.json").decode()
            note = json.loads(archive.read(_NOTE)) if _NOTE in archive.namelist() else {}
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path}: not a readable model ({error})") from error
    written_by = note.get("version", "of an early version, which left no note")
    versions = f"saved by recsys_lib {written_by}; this is {recsys_lib.__version__}"
    _know_layers(config, f"{path} ({versions})")
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # whatever a layer of another version stumbles over
        raise ValueError(f"{path} ({versions}): cannot be loaded: {_reason(error)}") from error
    call_once(model)
    return model


def _reason(error):
    """The part that tells, of a message of Keras that holds whole configurations or tables."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [repr(error)]
    _, of_weights, layer = lines[0].partition("Example error message for object ")
    if of_weights:
        return " ".join([layer, *lines[1:2]])[:250]
    causes = [line for line in lines if line.startswith("Exception encountered: ")]
    return (causes or lines[:1])[-1].removeprefix("Exception encountered: ")[:250]


def _know_layers(config, place):
    """Import the modules that define a file's layers: Keras knows a layer only after that.

    A file names the modules that layers were in when it was saved. Layers have moved since, so all
    packages that define layers are imported where those modules are not enough.
    """
    for module in sorted(set(_LIBRARY_MODULE.findall(config))):
        try:
            importlib.import_module(module)
        except ModuleNotFoundError:
            pass  # moved
    names = sorted(set(_LIBRARY_CLASS.findall(config)))
    if not all(map(_is_known, names)):
        for package in _packages_of_layers():
            for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
                importlib.import_module(module.name)
    for name in names:
        if not _is_known(name):
            why = _REMOVED.get(name, "no layer of this version is registered by that name")
            raise ValueError(f"{place}: cannot be loaded: its layer {name!r} is gone: {why}")


def _is_known(name):
    return keras.saving.get_registered_object(f"recsys_lib>{name}") is not None


def _packages_of_layers():
    for package in pkgutil.iter_modules(recsys_lib.__path__, "recsys_lib."):
        if package.ispkg and package.name.rpartition(".")[2] not in _WITHOUT_LAYERS:
            yield importlib.import_module(package.name)


class Ranking(NamedTuple):
    """``order``: ``(candidates,)`` positions, best first; ``scores``: ``(candidates,)``."""

    order: np.ndarray
    scores: np.ndarray


# Compiled rankers per model and set of user-side inputs.
_RANKERS = weakref.WeakKeyDictionary()


def rank(
    model: keras.Model,
    user_context: Mapping[str, Any] | pd.Series,
    candidates: Mapping[str, Any] | pd.DataFrame,
    *,
    task: str | None = None,
    fuse: Callable[[dict[str, np.ndarray], dict[str, np.ndarray]], Any] | None = None,
) -> Ranking:
    """Score and sort the candidates of one request.

    What depends on the request alone is computed once: its look-ups, its pooled sequences, every
    layer that no candidate has reached yet. Of layers that mix both sides the request's part is
    computed once where they divide, see ``recsys_lib.training.request_walk``.

    So DIN and the ranker of chapter 07 divide most of their work; Wide & Deep, DeepFM and the
    multi-task models their look-ups and the first layer of their networks; AutoInt, DIEN and BST
    little, since what they compute differs between candidates. ``rank_ways`` tells it of each
    layer of a model.

    Args:
        model: Keras model of this library.
        user_context: dict of column name to the value of the request: an id or number, or a list
            of ``max_length`` ids for a sequence. A row of a DataFrame will do.
        candidates: dict of column name to array, list or Series ``(candidates,)`` or
            ``(candidates, max_length)``, or a DataFrame. Together with ``user_context`` it holds
            exactly the model's inputs.
        task: the output to rank by; may be left out where there is only one.
        fuse: function ``(scores, candidates)`` that makes one number of all outputs, instead of
            ``task``: it gets a dict of task to ``(candidates,)`` float32, all of one pass, and the
            candidates as arrays, and returns ``(candidates,)`` numbers.

    Returns:
        ``Ranking``; its scores are those of the task, or what ``fuse`` returned, whole numbers as
        float64. Candidates with equal scores keep their order. Scores differ from ``predict``'s
        in the last digits only, by less than 1e-6 of a probability: the sums have another order.

    Raises:
        ValueError: columns missing, given twice or unknown, wrong shapes, ids outside their
            vocabulary; a task and a function; a function that returns something else;
            numbers so large that a score is not finite.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> from recsys_lib.memorization import build_logistic_regression
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("item_id", 10)]
        >>> model = build_logistic_regression(columns)
        >>> _ = model.get_layer("linear").table[5 + 7].assign([2.0])
        >>> ranking = rank(model, {"user_id": 3}, {"item_id": [1, 7, 4]})
        >>> ranking.order.tolist(), [round(float(score), 2) for score in ranking.scores]
        ([1, 0, 2], [0.5, 0.88, 0.5])
    """
    user, candidates = _check_request(model, user_context, candidates)
    tasks = output_tasks(model)
    if fuse is not None and task is not None:
        raise ValueError(f"fuse: it makes one score of all tasks, expected no task, got {task!r}")
    if fuse is None and (task is not None or len(tasks) > 1):
        check_choice("task", task, tasks)
    wanted = tuple(tasks) if fuse is not None else (task or tasks[0],)
    key = (frozenset(user), wanted)
    rankers = _RANKERS.setdefault(model, {})
    if key not in rankers:
        rankers[key] = _compile(model, set(user), wanted)
    found = zip(wanted, rankers[key](user, candidates), strict=True)
    outputs = {name: check_numbers(f"rank, scores of {name!r}", one.numpy()) for name, one in found}
    scores = outputs[wanted[0]]
    if fuse is not None:
        shape, scores = scores.shape, np.asarray(fuse(outputs, candidates))
        if scores.shape != shape:
            raise ValueError(f"fuse: expected numbers of shape {shape}, got {scores.shape}")
        check_numbers("fuse", scores)
        if scores.dtype.kind != "f":
            # Unsigned numbers have no negative: sorted by -scores, 0 would come first.
            scores = scores.astype(np.float64)
    return Ranking(np.argsort(-scores, kind="stable"), scores)


def rank_ways(model: keras.Model, user_columns: Iterable[str]) -> dict[str, str]:
    """How ``rank`` runs each layer of a model.

    Args:
        model: Keras model of this library.
        user_columns: names of the columns that ``user_context`` would hold.

    Returns:
        Dict of layer name to ``"request"`` (once), ``"divided"`` (the request's part once) or
        ``"candidates"`` (once for each of them), in the order in which they run.

    Raises:
        ValueError: an unknown column, or all of them.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> from recsys_lib.memorization import build_logistic_regression
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("item_id", 10)]
        >>> ways = rank_ways(build_logistic_regression(columns), ["user_id"])
        >>> ways["linear"], ways["click"]
        ('divided', 'candidates')
    """
    user_columns = set(user_columns)
    names = {tensor.name for tensor in model.inputs}
    if not user_columns < names:
        raise ValueError(
            f"user_columns: expected some of {sorted(names)} and not all, got "
            f"{sorted(user_columns)}"
        )
    return _trace(model, user_columns, tuple(output_tasks(model)))[1]


def _check_request(model, user_context, candidates):
    """Both sides as dicts of arrays, the request's with one row."""
    if isinstance(user_context, pd.Series):
        user_context = user_context.to_dict()
    if not isinstance(user_context, Mapping):
        kind = type(user_context).__name__
        raise ValueError(f"user_context: expected a dict of column name to value, got {kind}")
    columns = input_columns(model)
    user = arrays_of(user_context, "user_context")
    user = {name: value[np.newaxis] for name, value in user.items()}
    candidates = arrays_of(candidates, "candidates")
    names = [column.name for column in columns]
    both, given = sorted(set(user) & set(candidates)), set(user) | set(candidates)
    if both or given != set(names):
        raise ValueError(
            f"rank: expected each of {names} either in user_context or in candidates; "
            f"in both: {both}, missing: {sorted(set(names) - given)}, "
            f"unknown: {sorted(given - set(names))}"
        )
    if not candidates:
        raise ValueError("rank: candidates hold no column")
    for features, where in ((user, "user_context"), (candidates, "candidates")):
        side = tuple(column for column in columns if column.name in features)
        if side:
            check_features(side, features, where)
    return user, candidates


def _trace(model, user_columns, tasks):
    """``rank``'s compiled function, the way of each layer in it, and what its two dicts hold."""
    specs, ways = ({}, {}), {}
    for tensor in model.inputs:
        on_user_side = tensor.name in user_columns
        specs[0 if on_user_side else 1][tensor.name] = tf.TensorSpec(
            [1 if on_user_side else None, *tensor.shape[1:]], tensor.dtype
        )

    @tf.function(input_signature=specs, autograph=False)
    def score(user, candidates):
        walk = RequestWalk(tf.shape(next(iter(candidates.values())))[0])
        outputs = walk(model, user, candidates)
        ways.update(walk.ways)
        return outputs_by_task(model, outputs, tasks)

    return score.get_concrete_function(), ways, specs


def _compile(model, user_columns, tasks):
    concrete, _, specs = _trace(model, user_columns, tasks)

    def call(user, candidates):
        features = ({}, {})
        for side, values in enumerate((user, candidates)):
            for name, value in values.items():
                features[side][name] = tf.constant(value, specs[side][name].dtype)
        return concrete(*features)

    return call
