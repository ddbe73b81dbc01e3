"""Types of the options that the builders have in common."""

from collections.abc import Callable, Sequence

import keras
from keras import KerasTensor

Activation = str | Callable[[KerasTensor], KerasTensor]
"""A Keras activation; in hidden networks also ``"dice"`` and ``"prelu"``."""

Initializer = str | keras.initializers.Initializer | None
"""A Keras initializer; None is the uniform start between -0.05 and 0.05."""

Widths = Sequence[int]
"""Units of the hidden layers, the first layer's first."""
