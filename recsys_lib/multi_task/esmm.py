"""ESMM: conversions learned over all impressions, through the product with the click.

    pCTCVR(x) = pCTR(x) pCVR(x),    loss = loss(click, pCTR) + loss(click and conversion, pCTCVR)

The conversion tower is never trained on clicked rows alone, so that it is not biased towards them;
both towers read the same embeddings.

Source: Ma et al. 2018b, "Entire Space Multi-Task Model: An Effective Approach for Estimating
Post-Click Conversion Rate", section 2.3 (equations 2 and 3).
Taught in chapter 05, "ESMM".
"""

import keras

from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.multi_task.parts import shared_input


def build_esmm(
    feature_columns,
    click_task="click",
    conversion_task="conversion",
    embedding_dim=16,
    hidden_units=(64, 32),
):
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        click_task: name of the click.
        conversion_task: name of the label "clicked and converted", over all impressions.
        embedding_dim: width of each column's vector, shared by both towers.
        hidden_units: widths of each tower's layers.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of the two tasks to probabilities
        ``(batch,)``: pCTR and pCTCVR. Layer ``conversion_given_click`` holds pCVR.

    Raises:
        ValueError: two equal names.
    """
    if click_task == conversion_task:
        raise ValueError(f"tasks: expected two different names, got {click_task!r} twice")
    inputs, features = shared_input(feature_columns, embedding_dim)
    probabilities = []
    for tower, name in (("click_tower", click_task), ("cvr_tower", "conversion_given_click")):
        hidden = MLP(hidden_units, name=tower)(features)
        logit = keras.layers.Dense(1, use_bias=False, name=f"{tower}_logit")(hidden)
        probabilities.append(PredictionHead(name=name)(logit))
    both = keras.layers.Multiply(name=conversion_task)(probabilities)
    return keras.Model(inputs, {click_task: probabilities[0], conversion_task: both}, name="esmm")
