"""Training, evaluation, comparison and serving: the same few calls in every chapter.

``load -> Dataset -> build -> fit -> evaluate -> compare``
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.training.baselines import (
        Baseline,
        additive_means,
        base_rate,
        column_mean,
        oracle,
        score_bounds,
    )
    from recsys_lib.training.callbacks import Callback
    from recsys_lib.training.comparison import Comparison, ComparisonResult, compare
    from recsys_lib.training.evaluation import evaluate, predictions_of
    from recsys_lib.training.growth import Grown, grow
    from recsys_lib.training.metrics import (
        auc,
        calibration_bins,
        calibration_error,
        calibration_ratio,
        gauc,
        log_loss,
        mean_squared_error,
        normalized_entropy,
        share_of_gap,
    )
    from recsys_lib.training.objectives import JRC, ListWise, Pairs, Rows
    from recsys_lib.training.optimizers import Adagrad, Adam, Ftrl, optimizer_per_group
    from recsys_lib.training.prediction import predict
    from recsys_lib.training.rates import ReduceOnPlateau
    from recsys_lib.training.recipe import Recipe
    from recsys_lib.training.serving import load, rank, rank_ways, save
    from recsys_lib.training.tables import by_seed, gap_shares, summarize, ties
    from recsys_lib.training.trainer import Trainer, fit
    from recsys_lib.training.weighting import FixedWeights, Weighting, task_losses
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
