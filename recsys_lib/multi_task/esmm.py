"""ESMM: conversions learned over all impressions, through the product with the click.

    pCTCVR(x) = pCTR(x) pCVR(x),    loss = loss(click, pCTR) + loss(click and conversion, pCTCVR)

The conversion tower is never trained on clicked rows alone, so that it is not biased towards them;
both towers read the same embeddings, and where ``interest="attention"`` the same interest that
DIN's unit makes of a user's history. The second loss is computed from the two towers' logits, see
``recsys_lib.layers.loss_heads.ProductHead``.

Source: Ma et al. 2018b, "Entire Space Multi-Task Model: An Effective Approach for Estimating
Post-Click Conversion Rate", section 2.3 (equations 2 and 3).
Taught in chapter 05, "ESMM".
"""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import Tasks, check_tasks
from recsys_lib.layers.loss_heads import predict_funnel
from recsys_lib.layers.options import Widths, options_for, shared_options
from recsys_lib.multi_task.parts import TaskOptions, task_input


@shared_options()
def build_esmm(
    feature_columns: Sequence[Column],
    tasks: Tasks = ("click", "conversion"),
    *,
    hidden_units: Widths = (64, 32),
    **common: Unpack[TaskOptions],
) -> keras.Model:
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        tasks: the click and the conversion, in this order; the conversion's label is "clicked and
            converted", over all impressions. Training refuses a conversion without a click.
        hidden_units: widths of each tower's layers, at least one.
        **common: see ``TaskOptions``. Both towers share the tables.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of the two tasks to probabilities
        ``(batch,)``: pCTR and pCTCVR. Layer ``conversion_given_click`` holds pCVR,
        ``click_tower`` and ``cvr_tower`` the last hidden layers. With attention
        ``history_weights`` holds the weights ``(batch, steps)``, ``interest`` their sum.

    Raises:
        ValueError: not two binary tasks, or bad widths; attention and no history.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> list(build_esmm(columns, ("click", "purchase")).output)
        ['click', 'purchase']
    """
    check_tasks(tasks, exactly=2, only="binary")
    inputs, features = task_input(feature_columns, common)
    logits = []
    for tower in ("click_tower", "cvr_tower"):
        network = MLP(hidden_units, **options_for(MLP, common), name=tower)
        to_logit = keras.layers.Dense(1, use_bias=False, name=f"{tower}_logit")
        logits.append(to_logit(network(features)))
    return keras.Model(inputs, predict_funnel(tasks, logits), name="esmm")
