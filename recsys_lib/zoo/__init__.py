"""The zoo: one row for each model of the book, and nobody else keeps a list of them.

    from recsys_lib.zoo import MODELS, find

    find("deepfm").build(feature_columns)

Leaderboard, benchmarks, experiments, the start page and the tests read the rows. Builders are
named as text and imported on use, so that reading the zoo costs nothing. Adding a model is adding
its file, its row, its lesson and its tests.
"""

from recsys_lib.zoo.models import MODELS, find, of_chapter, without
from recsys_lib.zoo.row import NEEDS, Model
from recsys_lib.zoo.styles import Style, style

__all__ = ["MODELS", "NEEDS", "Model", "Style", "find", "of_chapter", "style", "without"]
