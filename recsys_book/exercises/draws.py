"""Random draws that are the same on every machine and with every version of every package.

NumPy may change its streams from version to version, and a course's notebook must be the same, byte
by byte, whenever it is written again. So the bits are those of a hash function.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np


class Draw:
    """A source of random numbers for one exercise of one course.

    Args:
        key: text that determines all draws.

    Example:
        >>> Draw("2026/memorization.cross_index").integers(1, 6, 4).tolist()
        [6, 2, 2, 1]
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._calls = 0

    def integer(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return int(self.integers(low, high))

    def integers(self, low: int, high: int, *shape: int) -> np.ndarray:
        """Whole numbers from ``low`` to ``high``, both included.

        Args:
            low, high: less than 2^32 apart.
            *shape: of the result; without any it has no axis.

        Returns:
            An array of int64.

        Raises:
            ValueError: the range is empty or too wide.
        """
        span = high - low + 1
        if not 1 <= span < 2**32:
            raise ValueError(f"draw: expected low <= high, less than 2^32 apart, got {low}, {high}")
        # The upper half of a word times the span, and its upper half again: no bias worth a loop.
        words = self._words(int(np.prod(shape, dtype=int))) >> np.uint64(32)
        steps = (words * np.uint64(span)) >> np.uint64(32)
        return low + steps.astype(np.int64).reshape(shape)

    def number(self, low: float, high: float, digits: int = 1) -> float:
        """A number from ``low`` to ``high``, both included, with ``digits`` decimals."""
        return float(self.numbers(low, high, digits=digits))

    def numbers(self, low: float, high: float, *shape: int, digits: int = 1) -> np.ndarray:
        """Numbers from ``low`` to ``high``, both included, with so many digits after the point.

        Args:
            low, high: with at most ``digits`` decimals.
            *shape: of the result; without any it has no axis.
            digits: after the decimal point.

        Returns:
            An array of float64.
        """
        scale = 10**digits
        return self.integers(round(low * scale), round(high * scale), *shape) / scale

    def choice(self, options: Sequence) -> Any:
        """One of the options."""
        return options[self.integer(0, len(options) - 1)]

    def shuffled(self, items: Sequence) -> list:
        """The items in a random order, as a list."""
        rest = list(items)
        return [rest.pop(self.integer(0, len(rest) - 1)) for _ in items]

    def _words(self, count: int) -> np.ndarray:
        self._calls += 1
        stream = hashlib.shake_256(f"{self._key}/{self._calls}".encode()).digest(8 * count)
        return np.frombuffer(stream, "<u8")
