"""DIEN: an interest behind the behaviours that moves, and the part of its path that matters here.

A GRU turns behaviours into interest states; an auxiliary loss asks each state for the next
behaviour. The candidate then picks which of these states may move a second recurrence, whose last
state is the interest:

    h_t = GRU(e_t),    a_t = softmax_t(h_t W v),    h'_t = AUGRU(h_t, a_t)
    interest = h'_T,    loss = loss of the click + alpha L_aux

Source: Zhou et al. 2019, "Deep Interest Evolution Network for Click-Through Rate Prediction",
sections 4.2 (equations 2 to 7) and 4.3 (equations 8 to 12).
Taught in chapter 04, "DIEN".
"""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.checks import check_number
from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import HistoryOptions, options_for, shared_options
from recsys_lib.sequence.auxiliary import AuxiliaryLoss, NegativeSampler
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.parts import BilinearAttention, score
from recsys_lib.sequence.recurrence import AttentionalGRU, gru_states, last_state


@shared_options(activation="dice")
def build_dien(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    evolution: str = "augru",
    auxiliary_weight: float = 1.0,
    discriminator: str = "inner_product",
    auxiliary_average: str = "steps",
    **common: Unpack[HistoryOptions],
) -> keras.Model:
    """DIEN: the interest is the last state of a recurrence that the candidate steers.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        evolution: ``"augru"``, the paper's; ``"agru"`` or ``"aigru"``, see
            ``AttentionalGRUCell``.
        auxiliary_weight: alpha, 0 or more; 0 leaves the auxiliary loss out.
        discriminator, auxiliary_average: see ``AuxiliaryLoss``.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``HistoryOptions``. The states are as
            wide as a behaviour. With several histories each is given negatives of its own table; no
            penalty counts the rows that are drawn. Dice is the authors' code's activation; a
            product is not in the paper.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``interest_states`` holds the GRU's states ``(batch, steps, width)``, ``dien_attention``
        the attention ``(batch, steps)``, ``evolved_states`` the second recurrence's states and
        ``dien_interest`` the last one ``(batch, width)``.

    Raises:
        ValueError: no history, several tasks, an unknown option, or counts of an unknown table.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 20, table="movie_id"),
        ... ]
        >>> model = build_dien(columns, embedding_dim=8)
        >>> [model.get_layer(name).output.shape for name in ("evolved_states", "dien_interest")]
        [(None, 20, 8), (None, 8)]
    """
    auxiliary_weight = check_number("auxiliary_weight", auxiliary_weight, 0)
    request = read_request(feature_columns, **options_for(read_request, common))
    width = request.behaviours.shape[-1]
    states = gru_states(request.behaviours, request.mask, width, name="interest_states")
    if auxiliary_weight:
        negatives = request.embed(
            [
                NegativeSampler(column.vocabulary_size, name=f"{column.name}_negatives")(
                    request.inputs[column.name]
                )
                for column in request.histories
            ]
        )
        auxiliary = AuxiliaryLoss(
            auxiliary_weight, discriminator, average=auxiliary_average, name="auxiliary_loss"
        )
        states = auxiliary(states, request.behaviours, negatives, request.mask)
    attention = BilinearAttention(name="dien_attention")(states, request.candidate, request.mask)
    evolved = AttentionalGRU(width, evolution, name="evolved_states")(
        states, attention, request.mask
    )
    interest = last_state(evolved, request.mask, name="dien_interest")
    output = score(request, [interest], tasks, common)
    return keras.Model(request.inputs, output, name="dien")
