"""Checks of the arguments of ``fit`` before it starts; each gives one clear message."""

import warnings
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from recsys_lib.checks import check_integer, check_number
from recsys_lib.data.dataset import AnyDataset
from recsys_lib.data.splits import labels_of
from recsys_lib.features.columns import NumericColumn
from recsys_lib.keras_internals import layers_of
from recsys_lib.training.prediction import described, model_feature_columns
from recsys_lib.training.rates import parts_of

# Which model each optimizer trains, for as long as both live.
_TRAINS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def check_dataset(dataset: Any) -> None:
    """Raise ``ValueError`` unless it is a ``Dataset`` or a ``ChunkedDataset``."""
    if isinstance(dataset, AnyDataset):
        return
    if hasattr(dataset, "labels"):
        raise ValueError(
            "dataset: expected a Dataset, got one of its splits; pass the whole data set: fit "
            "trains on its train split and validates on its valid split"
        )
    raise ValueError(
        f"dataset: expected a Dataset, got {described(dataset)}; see recsys_lib.data.Dataset"
    )


def check_optimizer(optimizer: Any, model: keras.Model) -> None:
    """Raise ``ValueError`` unless it is a Keras optimizer that descends and trains no other model.

    An optimizer's statistics belong to the weights of one model.
    """
    if not isinstance(optimizer, keras.Optimizer):
        raise ValueError(
            f"optimizer: expected an optimizer such as Adam(1e-3), got {described(optimizer)}"
        )
    for part in parts_of(optimizer):
        # That of the next step, of a schedule too; a replica's has no float().
        rate = keras.ops.convert_to_numpy(part.learning_rate)
        check_number(f"{type(part).__name__}, learning_rate", float(rate), 0)
    owner = _TRAINS.get(optimizer, lambda: None)()
    if owner is not None and owner is not model:
        raise ValueError(
            f"optimizer: expected a fresh one, this {type(optimizer).__name__} trains the model "
            f"{owner.name!r} already"
        )
    _TRAINS[optimizer] = weakref.ref(model)


def check_columns_of(model: keras.Model, columns: tuple) -> None:
    """Raise ``ValueError`` unless the data's columns are those that the model was built with.

    All tables of a width lie in one, so that an id beyond its own vocabulary would train the rows
    of another column. ``columns`` are the data's for the model's inputs, in their order.
    """
    known = model_feature_columns(model)
    for tensor, column in zip(model.inputs, columns, strict=True):
        place = f"model {model.name!r}, column {column.name!r}"
        if tuple(tensor.shape[1:]) != column.input_shape:
            raise ValueError(
                f"{place}: expected the shape that the model was built with, "
                f"{tuple(tensor.shape[1:])} for each row, the data have {column.input_shape}"
            )
        if tensor.dtype.startswith("float") != isinstance(column, NumericColumn):
            raise ValueError(
                f"{place}: the model was built for {tensor.dtype}, the data have a "
                f"{type(column).__name__}"
            )
        own = known.get(column.name)
        if own is None or isinstance(column, NumericColumn):
            continue
        for attribute in ("vocabulary_size", "table_name"):
            if getattr(own, attribute) != getattr(column, attribute):
                raise ValueError(
                    f"{place}: the model was built with {attribute} {getattr(own, attribute)!r}, "
                    f"the data have {getattr(column, attribute)!r}; build the model with the "
                    "data's columns"
                )


def check_options(
    epochs: Any,
    batch_size: Any,
    seed: Any,
    patience: Any,
    checkpoint: Any,
    checkpoint_steps: Any,
    reduce_on_plateau: Any,
) -> None:
    """Raise ``ValueError`` unless the options of ``fit`` are in range."""
    check_integer("epochs", epochs)
    check_integer("batch_size", batch_size)
    check_integer("seed", seed, 0)
    if patience is not None:
        check_integer("patience", patience)
    if checkpoint_steps is not None:
        check_integer("checkpoint_steps", checkpoint_steps)
        if checkpoint is None:
            raise ValueError(
                f"checkpoint_steps: {checkpoint_steps} needs a file name in checkpoint"
            )
    if reduce_on_plateau is None:
        return
    if patience is None:
        raise ValueError("reduce_on_plateau: needs validation, expected a patience, got None")
    if getattr(reduce_on_plateau, "patience", 0) >= patience:
        raise ValueError(
            f"reduce_on_plateau: expected a patience below that of fit, {patience}, after which "
            f"training stops, got {reduce_on_plateau.patience}"
        )


def check_callbacks(callbacks: Sequence[Any]) -> list[Any]:
    """The callbacks as a list; raises ``ValueError`` for an object that is none."""
    try:
        callbacks = list(callbacks)
    except TypeError:
        raise ValueError(f"callbacks: expected a list, got {callbacks!r}") from None
    for callback in callbacks:
        for method in ("on_epoch_end", "state", "restore"):
            if not callable(getattr(callback, method, None)) or isinstance(callback, type):
                raise ValueError(
                    "callbacks: expected objects with on_epoch_end, state and restore, such as "
                    f"a recsys_lib.training.callbacks.Callback, got {callback!r}"
                )
    return callbacks


def check_classes(dataset: AnyDataset, kinds: Mapping[str, str], is_validated: bool) -> None:
    """Binary tasks need both classes: to be validated at all, and to have something to learn.

    One class in the validation split is a ``ValueError`` if that split is to be scored; in training
    it is a warning. ``kinds`` are those of the model's tasks.
    """
    splits = {"train": dataset.train} | ({"valid": dataset.valid} if is_validated else {})
    splits = {name: labels_of(split) for name, split in splits.items()}
    for task, kind in kinds.items():
        for name, split in splits.items():
            labels = split.labels[task][split.rows_of(task)]
            if len(labels) and (kind != "binary" or np.ptp(labels) > 0):
                continue
            held = f"{len(labels)} rows of {labels[0]:g} only" if len(labels) else "no label"
            if name == "valid":
                raise ValueError(
                    f"valid, labels[{task!r}]: expected labels "
                    f"{'of both classes' if kind == 'binary' else ''} to validate by, got {held}; "
                    "choose other validation rows, or train with patience=None"
                )
            warnings.warn(
                f"train, labels[{task!r}]: {held}, so that there is nothing to learn",
                stacklevel=4,
            )


def check_funnel(
    model: keras.Model,
    labels: Mapping[str, np.ndarray],
    masks: Mapping[str, np.ndarray] | None = None,
    where: str = "labels",
) -> None:
    """Refuse conversions without a click where a model multiplies the two probabilities.

    Such a row says that something happened which the model takes for impossible; usually the
    conversion's label is "converted once clicked", or it belongs to another impression.

    Args:
        model: Keras model; one without a ``ProductHead`` passes.
        labels: dict of task to ``(rows,)``.
        masks: dict of task to ``(rows,)`` bool, where the label exists; default: everywhere.
        where: beginning of the message.

    Raises:
        ValueError: rows with a conversion and without a click; names the tasks and the rows.
    """
    for head in layers_of(model):
        if keras.saving.get_registered_name(type(head)) != "recsys_lib>ProductHead":
            continue
        click, conversion = head.click_task, head.conversion_task
        if click not in labels or conversion not in labels:
            continue
        impossible = np.asarray(labels[conversion]) > np.asarray(labels[click])
        for task in (click, conversion):
            if masks and task in masks:
                impossible &= np.asarray(masks[task], bool)
        rows = np.flatnonzero(impossible)
        if len(rows):
            first = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
            raise ValueError(
                f"{where}: model {model.name!r} takes {conversion!r} for a part of {click!r}, "
                f"expected no {conversion!r} without {click!r}, got {len(rows)} rows: {first}"
            )
