"""Layers that several chapters' models share: networks, attention, heads and what a task is."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.layers.activations import Dice, activation_layer
    from recsys_lib.layers.attention import BilinearAttention
    from recsys_lib.layers.blocks import MLP, deep_logit, flatten_fields, linear_logit, side_by_side
    from recsys_lib.layers.heads import (
        PredictionHead,
        ProductHead,
        check_funnel,
        check_tasks,
        predict_each,
        predict_funnel,
        predict_one,
        task_outputs,
    )
    from recsys_lib.layers.initializers import glorot_of_one
    from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack
    from recsys_lib.layers.normalization import BatchNormalization
    from recsys_lib.layers.options import (
        HiddenOptions,
        HistoryOptions,
        LinearOptions,
        NetworkOptions,
        RecencyOptions,
        StepOptions,
        TableOptions,
        shared_options,
    )
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
