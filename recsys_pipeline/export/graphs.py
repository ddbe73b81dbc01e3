"""A model's two graphs, and the files that hold them.

``rows`` scores complete rows. ``request`` scores the candidates of one request, whose own columns
are given once; it is the graph of ``rank``, see ``RequestWalk``.
"""

import contextlib
import hashlib
import logging
import os
import pathlib
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

from recsys_lib.keras_internals import resource_of
from recsys_lib.training.batches import outputs_by_task
from recsys_lib.training.prediction import output_tasks
from recsys_lib.training.request_walk import RequestWalk
from recsys_pipeline.export.replay import REQUEST, ROWS

OPSET = 17
"""Version of the operators in an ONNX file; onnxruntime has known it since 1.13, of 2022."""


def graphs_of(model: keras.Model, request: Iterable[str]) -> dict[str, Any]:
    """Traced functions of a model's inputs by name, which return a dict of task to ``(rows,)``.

    Args:
        model: Keras model of this library.
        request: names of the inputs that a request gives once.

    Returns:
        Dict of ``"rows"`` and ``"request"`` to a concrete function.
    """
    request, tasks = set(request), output_tasks(model)
    first = next(t.name for t in model.inputs if t.name not in request)

    def rows(**features):
        return model(features, training=False)

    def one_request(**features):
        user = {name: features[name] for name in features if name in request}
        candidates = {name: features[name] for name in features if name not in request}
        return RequestWalk(tf.shape(features[first])[0])(model, user, candidates)

    def trace(function, once):
        def named(**features):
            outputs = outputs_by_task(model, function(**features), tasks)
            found = zip(tasks, outputs, strict=True)
            return {task: tf.identity(tf.cast(values, tf.float32)) for task, values in found}

        specs = {
            tensor.name: tf.TensorSpec(
                [1 if tensor.name in once else None, *tensor.shape[1:]],
                tensor.dtype,
                name=tensor.name,
            )
            for tensor in model.inputs
        }
        return tf.function(named, autograph=False).get_concrete_function(**specs)

    return {ROWS: trace(rows, set()), REQUEST: trace(one_request, request)}


def write_saved_model(
    model: keras.Model, graphs: dict[str, Any], folder: str | os.PathLike
) -> None:
    """A SavedModel whose signatures are the graphs.

    Args:
        model: the model whose variables they read.
        graphs: what ``graphs_of`` returned.
        folder: to create.
    """
    module = tf.Module()
    module.held = [resource_of(variable) for variable in model.variables]
    with _quiet("tensorflow"):
        tf.saved_model.save(module, os.fspath(folder), signatures=graphs)
    # It holds a number drawn by chance, and is not needed: the export has digests of its own.
    pathlib.Path(folder, "fingerprint.pb").unlink(missing_ok=True)


def write_onnx(graph: Any, path: str | os.PathLike) -> None:
    """An ONNX file of a graph, with the names of its inputs and of its tasks.

    Args:
        graph: one of the functions that ``graphs_of`` returned.
        path: of the file.

    Raises:
        ImportError: tf2onnx is not installed.
        Exception: raised by tf2onnx for an operation that it does not know.
    """
    specs = list(graph.structured_input_signature[1].values())
    tasks = list(graph.structured_outputs)

    def positional(*values):
        found = graph(**{spec.name: value for spec, value in zip(specs, values, strict=True)})
        return [found[task] for task in tasks]

    function = tf.function(positional, input_signature=specs, autograph=False)
    with _quiet("tf2onnx"):
        import tf2onnx

        proto, _ = tf2onnx.convert.from_function(function, input_signature=specs, opset=OPSET)
    _name(proto.graph, {f"{spec.name}:0": spec.name for spec in specs}, tasks)
    _settle(proto.graph)
    with open(path, "wb") as file:
        file.write(proto.SerializeToString(deterministic=True))


def _name(graph, inputs, tasks):
    """Put identities between a graph's inputs and outputs and the names that callers use."""
    import onnx

    for value in graph.input:
        new = inputs.get(value.name, value.name)
        if new != value.name:
            graph.node.insert(0, onnx.helper.make_node("Identity", [new], [value.name]))
            value.name = new
    for value, task in zip(graph.output, tasks, strict=True):
        graph.node.append(onnx.helper.make_node("Identity", [value.name], [task]))
        value.name = task


def _settle(graph):
    """Name and order what a graph computes by what it computes, so that one model is one file.

    The converter's names and order depend on the hashes of texts, which differ between processes.
    A graph with a loop stays as it is: the converter orders the loop's variables by chance, too.
    """
    if any(attribute.HasField("g") for node in graph.node for attribute in node.attribute):
        return
    kept = {value.name for value in (*graph.input, *graph.output)}
    names, constants, depths, nodes = {name: name for name in kept}, {}, {}, {}
    for one in graph.initializer:
        old, one.name = one.name, ""
        one.name = names.setdefault(old, _key(one.SerializeToString(deterministic=True)))
        constants[one.name] = one
    for node in graph.node:  # each stands behind those that it reads
        node.input[:] = [names.get(name, name) for name in node.input]
        node.attribute.sort(key=lambda one: one.name)
        outputs, node.name, node.domain = list(node.output), "", node.domain
        del node.output[:]
        key = _key(node.SerializeToString(deterministic=True))
        for place, name in enumerate(outputs):
            node.output.append(names.setdefault(name, f"{key}_{place}") if name else "")
        depth = 1 + max((depths.get(name, 0) for name in node.input), default=0)
        depths |= dict.fromkeys(node.output, depth)
        nodes[depth, *node.output] = node
    for field, found in ((graph.initializer, constants), (graph.node, nodes)):
        ordered = [found[key] for key in sorted(found)]
        copies = [type(one).FromString(one.SerializeToString()) for one in ordered]
        del field[:]
        field.extend(copies)
    del graph.value_info[:]


def _key(content):
    return hashlib.sha256(content).hexdigest()[:32]


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Hide a package's log lines below the level of an error, and its deprecation warnings."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
