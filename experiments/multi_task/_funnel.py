"""ESMM taken apart: tables of its own for each tower, and a conversion tower of clicked rows alone.

The rival that learns conversions on clicked rows maximises the likelihood of what was seen, no
click, a click alone, or a click and a conversion:

    loss = CE(click, p) + click CE(conversion, c),    judged by p and p c,

the mean over all rows, as ESMM's two losses are.
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.keras_internals import keep_logits
from recsys_lib.layers.blocks import MLP, side_by_side
from recsys_lib.layers.heads import PredictionHead, Tasks
from recsys_lib.layers.loss_heads import predict_funnel
from recsys_lib.layers.options import Widths, options_for, shared_options, tables
from recsys_lib.multi_task.parts import TaskOptions

TOWERS = ("click_tower", "cvr_tower")


@keras.saving.register_keras_serializable("recsys_experiments")
class LikelihoodHead(keras.layers.Layer):
    """Both probabilities of a funnel, whose two cross-entropies add up to its likelihood's loss.

    A click alone has the log-odds ``u = a - softplus(z)`` against no click, and a click with a
    conversion ``u + z``, so that for the labels o and y

        softplus(a) - o u - y z = CE(o, sigmoid(a)) + o CE(y, sigmoid(z)).

    Cross-entropies of the logits u and z give all but a term without labels, which is added.

    Call arguments:
        logits: a of the click and z of the conversion once clicked, each ``(batch,)``.

    Returns:
        ``sigmoid(a)`` and ``sigmoid(a) sigmoid(z)``, each ``(batch,)``.
    """

    def call(self, logits, training=None):
        click, given = logits
        p = ops.sigmoid(click)
        both = p * ops.sigmoid(given)
        if not training:
            return p, both
        alone = click - ops.softplus(given)
        rest = ops.softplus(click) - ops.softplus(alone) - ops.softplus(given)
        self.add_loss(ops.mean(rest))
        return keep_logits(p, alone), keep_logits(both, given)


@shared_options()
def funnel(
    feature_columns: Sequence[Column],
    tasks: Tasks = ("click", "conversion"),
    *,
    hidden_units: Widths = (64, 32),
    own_tables: bool = False,
    clicked_rows: bool = False,
    **common: Unpack[TaskOptions],
) -> keras.Model:
    """ESMM's towers, sharing their tables or not, with ESMM's loss or the likelihood's.

    Args:
        feature_columns, tasks, hidden_units, **common: as for ``build_esmm``, without a history.
        own_tables: whether each tower has tables of its own.
        clicked_rows: whether the conversion tower learns on clicked rows alone.

    Returns:
        ``keras.Model`` as ``build_esmm`` gives it.
    """
    inputs = build_inputs(feature_columns)
    made = tables(feature_columns, common)
    names = [f"{tower}_table" for tower in TOWERS] if own_tables else ["embedding"]
    read = [
        side_by_side(embed_groups(inputs, feature_columns, name=name, **made).values())
        for name in names
    ]
    logits = []
    for tower, features in zip(TOWERS, read * (3 - len(read)), strict=True):
        network = MLP(hidden_units, **options_for(MLP, common), name=tower)
        to_logit = keras.layers.Dense(1, use_bias=False, name=f"{tower}_logit")
        logits.append(to_logit(network(features)))
    if not clicked_rows:
        return keras.Model(inputs, predict_funnel(tasks, logits), name="funnel")
    heads = [PredictionHead(name=name) for name in ("click_head", "conversion_given_click")]
    sums = [head(logit, as_logit=True) for head, logit in zip(heads, logits, strict=True)]
    outputs = LikelihoodHead(name="likelihood")(sums)
    return keras.Model(inputs, dict(zip(tasks, outputs, strict=True)), name="funnel")
