"""One model on data of yours: planned and checked, trained, scored and saved.

``python -m recsys_lib.train data.toml --model mmoe --output folder``; in Python ``make_plan`` and
``train``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.train.planning import Plan, make_plan
    from recsys_lib.train.running import train
else:
    from recsys_lib.lazy import face

    __getattr__, __dir__ = face(__name__)

__all__ = ["Plan", "make_plan", "train"]
