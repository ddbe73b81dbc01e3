"""``Callback``: what happens after each epoch, and goes on where it was when a run is resumed."""

from collections.abc import Mapping
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
