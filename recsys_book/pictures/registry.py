"""The plan of each row of the zoo, and its sketch."""

import importlib
import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from recsys_book.pictures.plan import Plan
from recsys_lib.zoo import Model, find

if TYPE_CHECKING:
    import keras

    from recsys_book.pictures.drawing import Drawing
    from recsys_book.pictures.picture import Picture


def plan_of(row: Model, model: "keras.Model") -> Plan:
    """The plan of a row's sketch, with as many layers as a built model has.

    Args:
        row: of the zoo.
        model: built.

    Returns:
        The plan, not yet checked.

    Raises:
        ValueError: the row has no sketch.
    """
    module = f"{__package__}.chapter_{row.chapter.partition('_')[0]}"
    # ``global`` is a keyword of Python.
    planned: Callable[..., Plan] | None = None
    for name in (row.key, f"{row.key}_"):
        planned = planned or getattr(importlib.import_module(module), name, None)
    if planned is None:
        raise ValueError(f"sketch: expected a function {row.key!r} in {module}")
    prefix = getattr(planned, "repeats", None)
    if prefix is None or "layers" not in inspect.signature(planned).parameters:
        return planned()
    numbers = [re.fullmatch(rf"{prefix}(\d+)", layer.name) for layer in model.layers]
    return planned(layers=max((int(found[1]) for found in numbers if found), default=0))


def drawing(name: str, model: "keras.Model | None" = None, *, losses: bool = False) -> "Drawing":
    """The checked drawing behind ``sketch``, as numbers.

    Args:
        name, model, losses: as for ``sketch``.

    Returns:
        The drawing.

    Raises:
        ValueError: as ``sketch``.
    """
    from recsys_book.pictures.examples import example
    from recsys_book.pictures.sketching import checked

    row = find(name)
    model = example(row) if model is None else model
    plan = plan_of(row, model)
    if losses:
        plan.losses()
    return checked(plan, model)


def sketch(name: str, model: "keras.Model | None" = None, *, losses: bool = False) -> "Picture":
    """The picture of a model of the book, placed by hand and checked against the built model.

    Args:
        name: key or printed name of a row of the zoo.
        model: what its builder returned, whose shapes stand at the arrows; default: a small
            example with the builder's own options.
        losses: draw behind a model of several tasks the loss of each, and their weights.

    Returns:
        A picture that a notebook shows as SVG or PNG; its text is a description.

    Raises:
        ValueError: an unknown name, or a model of which the sketch would say something wrong, such
            as one built with options that add or leave out a part.

    Example:
        >>> sketch("fm").title
        'FM'
    """
    return drawing(name, model, losses=losses).picture()
