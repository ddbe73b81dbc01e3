"""Chapter 05: how much each task's loss counts, decided while the model trains.

    fit(model, data, balancing=GradNorm())

works with any model of several outputs. Each method is a description without state; ``fit`` binds
it to a model, updates its variables in the compiled step, resets them in a restart and keeps them
in checkpoints.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.multi_task.balancing.decay import DecayingWeights
    from recsys_lib.multi_task.balancing.gradnorm import GradNorm
    from recsys_lib.multi_task.balancing.min_norm import min_norm_weights
    from recsys_lib.multi_task.balancing.pareto import ParetoWeights
    from recsys_lib.multi_task.balancing.uncertainty import UncertaintyWeighting
    from recsys_lib.training.weighting import FixedWeights
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
