"""Chapters 00 and 01: logistic regression and Wide & Deep."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.memorization.logistic_regression import build_logistic_regression
    from recsys_lib.memorization.wide_and_deep import (
        build_deep,
        build_wide,
        build_wide_and_deep,
        wide_and_deep_optimizer,
    )
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
