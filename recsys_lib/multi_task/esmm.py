"""ESMM: conversions learned over all impressions, through the product with the click.

    pCTCVR(x) = pCTR(x) pCVR(x),    loss = loss(click, pCTR) + loss(click and conversion, pCTCVR)

The conversion tower is never trained on clicked rows alone, so that it is not biased towards them;
both towers read the same embeddings, and where ``interest="attention"`` the same interest that
DIN's unit makes of a user's history. The second loss is computed from the two towers' logits, see
``recsys_lib.layers.heads.ProductHead``.

Source: Ma et al. 2018b, "Entire Space Multi-Task Model: An Effective Approach for Estimating
Post-Click Conversion Rate", section 2.3 (equations 2 and 3).
Taught in chapter 05, "ESMM".
"""

from collections.abc import Sequence

import keras

from recsys_lib.features.columns import Column
from recsys_lib.features.penalties import L2
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import Tasks, check_tasks, predict_funnel
from recsys_lib.layers.options import Activation, Initializer, Widths
from recsys_lib.multi_task.interest import Reading, task_input


def build_esmm(
    feature_columns: Sequence[Column],
    tasks: Tasks = ("click", "conversion"),
    *,
    embedding_dim: int = 16,
    hidden_units: Widths = (64, 32),
    interest: str = "pooled",
    attention_units: Widths = (32, 16),
    attention_activation: Activation = "dice",
    scale: str = "raw",
    product: bool = False,
    histories: Sequence[str] | None = None,
    activation: Activation = "relu",
    dropout_rate: float = 0.0,
    batch_normalization: bool = False,
    embeddings_initializer: Initializer = None,
    embedding_l2: L2 = 0.0,
) -> keras.Model:
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        tasks: the click and the conversion, in this order; the conversion's label is "clicked and
            converted", over all impressions. Training refuses a conversion without a click.
        embedding_dim: width of each column's vector, shared by both towers.
        hidden_units: widths of each tower's layers, at least one.
        interest: how a history is read: ``"pooled"``: every list is one feature, pooled by the
            column's combiner; ``"attention"``: the weights of DIN's activation unit, which sees
            each behaviour beside the candidate. Other ordered lists are then no inputs.
        attention_units, attention_activation, scale, product, histories: of ``"attention"`` alone,
            see ``build_din``.
        activation: Keras activation of the hidden layers, or ``"dice"`` or ``"prelu"``.
        dropout_rate: share of units dropped after each hidden layer, DIN's unit among them, in
            training only.
        batch_normalization: normalise in each hidden layer before its activation, in DIN's unit
            over real steps.
        embeddings_initializer: Keras initializer of the embedding tables.
        embedding_l2: penalty of the embedding tables, a number or an ``EmbeddingL2``.

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
    hidden = {"dropout_rate": dropout_rate, "batch_normalization": batch_normalization}
    reading = Reading(interest, attention_units, attention_activation, scale, product, histories)
    inputs, features = task_input(
        feature_columns, embedding_dim, embeddings_initializer, embedding_l2, reading, **hidden
    )
    logits = []
    for tower in ("click_tower", "cvr_tower"):
        network = MLP(hidden_units, activation, **hidden, name=tower)
        to_logit = keras.layers.Dense(1, use_bias=False, name=f"{tower}_logit")
        logits.append(to_logit(network(features)))
    return keras.Model(inputs, predict_funnel(tasks, logits), name="esmm")
