"""All rows, and the ways to choose among them."""

from collections.abc import Iterable

from recsys_lib.zoo import crosses, scenarios, sequences, tasks
from recsys_lib.zoo.row import NEEDS, Model

MODELS: tuple[Model, ...] = (*crosses.ROWS, *sequences.ROWS, *tasks.ROWS, *scenarios.ROWS)
"""All models in the order of the book."""


def find(name: str) -> Model:
    """The row with this key or printed name.

    Args:
        name: such as ``"deepfm"`` or ``"DeepFM"``.

    Returns:
        The row.

    Raises:
        ValueError: there is none; the keys are named.

    Example:
        >>> find("deepfm").name
        'DeepFM'
    """
    for model in MODELS:
        if name in (model.key, model.name):
            return model
    raise ValueError(f"model: expected one of {[model.key for model in MODELS]}, got {name!r}")


def of_chapter(chapter: str) -> tuple[Model, ...]:
    """The rows of a chapter, by its folder's name or the number that it begins with.

    Args:
        chapter: such as ``"02_second_order_crosses"`` or ``"02"``.

    Returns:
        The rows, in the order of the book.

    Raises:
        ValueError: a chapter that teaches no model.
    """
    found = tuple(
        model for model in MODELS if chapter in (model.chapter, model.chapter.split("_")[0])
    )
    if not found:
        known = sorted({model.chapter for model in MODELS})
        raise ValueError(f"chapter: expected one of {known}, got {chapter!r}")
    return found


def without(needs: Iterable[str] = NEEDS) -> tuple[Model, ...]:
    """The rows that need none of these: by default the models for one label and plain columns.

    Args:
        needs: some of ``NEEDS``.

    Returns:
        The rows, in the order of the book.
    """
    needs = set(needs)
    return tuple(model for model in MODELS if not needs & set(model.needs))
