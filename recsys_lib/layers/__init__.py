"""Layers that several chapters' models share: networks, attention, heads and what a task is."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.layers.activations import Dice
    from recsys_lib.layers.blocks import (
        MLP,
        BatchNormalization,
        activation_layer,
        deep_logit,
        flatten_fields,
        glorot_of_one,
        linear_logit,
        side_by_side,
    )
    from recsys_lib.layers.heads import (
        PredictionHead,
        check_tasks,
        predict_each,
        predict_one,
        task_outputs,
    )
    from recsys_lib.layers.loss_heads import ProductHead, predict_funnel
    from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack
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
