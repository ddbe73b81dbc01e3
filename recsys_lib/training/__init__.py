"""Training, evaluation, comparison and serving: the same few calls in every chapter.

``load -> Dataset -> build -> fit -> evaluate -> compare -> claim``
"""

from recsys_lib.training.comparison import Recipe, compare
from recsys_lib.training.evaluation import evaluate
from recsys_lib.training.optimizers import Adagrad, Adam, Ftrl, optimizer_per_group
from recsys_lib.training.prediction import predict
from recsys_lib.training.serving import load, rank, save
from recsys_lib.training.tables import summarize, ties
from recsys_lib.training.trainer import fit

__all__ = [
    "Adagrad",
    "Adam",
    "Ftrl",
    "Recipe",
    "compare",
    "evaluate",
    "fit",
    "load",
    "optimizer_per_group",
    "predict",
    "rank",
    "save",
    "summarize",
    "ties",
]
