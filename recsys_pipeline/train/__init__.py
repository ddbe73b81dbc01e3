"""Train one model on your data: plan and check, train, score and save.

``recsys train data.toml --model mmoe --output folder``; in Python ``make_plan`` and ``train``. The
settings, recipes and runs are those of ``recsys_pipeline.leaderboard``, too.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_pipeline.train.planning import make_plan
    from recsys_pipeline.train.recipe_files import read_recipe
    from recsys_pipeline.train.running import train
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
