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

import keras

from recsys_lib.layers.attention import BilinearAttention
from recsys_lib.sequence.auxiliary import AuxiliaryLoss, NegativeSampler
from recsys_lib.sequence.behaviours import read_request, score
from recsys_lib.sequence.recurrence import AttentionalGRU, gru_states, last_state


def build_dien(
    feature_columns,
    embedding_dim=16,
    hidden_units=(64, 32),
    evolution="augru",
    auxiliary_weight=1.0,
    discriminator="inner_product",
    auxiliary_average="steps",
    activation="dice",
    histories=None,
    dropout_rate=0.0,
    task="click",
):
    """Build the model.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        embedding_dim: width of each column's vector; the states are as wide as a behaviour.
        hidden_units: widths of the network over profile, candidate and interest.
        evolution: ``"augru"``, the paper's; ``"agru"`` or ``"aigru"``, see
            ``AttentionalGRUCell``.
        auxiliary_weight: alpha; 0 leaves the auxiliary loss out.
        discriminator, auxiliary_average: see ``AuxiliaryLoss``.
        activation: of the network.
        histories: see ``read_request``. With several, each is given negatives of its own table.
        dropout_rate: dropout after each hidden layer.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``interest_states`` holds the GRU's states ``(batch, steps, width)``, ``dien_attention``
        the attention ``(batch, steps)``, ``evolved_states`` the second recurrence's states and
        ``dien_interest`` the last one ``(batch, width)``.

    Raises:
        ValueError: no history, or an unknown option.
    """
    request = read_request(feature_columns, embedding_dim, histories)
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
    output = score(request, [interest], hidden_units, activation, dropout_rate, task)
    return keras.Model(request.inputs, output, name="dien")
