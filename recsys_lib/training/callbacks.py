"""``Callback``: what happens after each epoch, and goes on where it was when a run is resumed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras


class Callback:
    """Called by ``fit`` after each epoch; subclasses do what they want to.

    A run that is killed and started again hands a callback the state of the last checkpoint, so a
    callback that remembers something says it in ``state`` and takes it back in ``restore``.
    Any object with these three methods is a callback.

    Example:
        >>> class Losses(Callback):
        ...     def __init__(self):
        ...         self.losses = []
        ...
        ...     def on_epoch_end(self, epoch, row, model):
        ...         self.losses.append(row["loss"])
        ...
        ...     def state(self):
        ...         return self.losses
        ...
        ...     def restore(self, state):
        ...         self.losses = list(state)
    """

    def on_epoch_end(self, epoch: int, row: Mapping[str, Any], model: keras.Model) -> None:
        """Called before the epoch's checkpoint is written.

        Args:
            epoch: counted from 0, as in ``schedule``.
            row: the epoch's row of the history, column name to number.
            model: as the epoch left it, not the best one.
        """

    def state(self) -> Any:
        """Its state, in types that JSON can hold."""
        return None

    def restore(self, state: Any) -> None:
        """Take back what ``state`` returned."""


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


def states_of(callbacks: Sequence[Any]) -> list[Any]:
    """The callbacks' states for a checkpoint; ``ValueError`` for one that JSON cannot hold."""
    states = []
    for callback in callbacks:
        state = callback.state()
        try:
            json.dumps(state)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{type(callback).__name__}.state: expected numbers, texts, lists and dicts, got "
                f"{state!r} ({error})"
            ) from None
        states.append(state)
    return states
