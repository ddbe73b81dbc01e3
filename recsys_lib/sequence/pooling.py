"""The baselines: the history as one vector that is the same for every candidate.

Mean pooling is what embedding-and-network models did before DIN; a GRU's last state is the same
idea with order. Both may also see the product of that vector and the candidate. Without it the
comparison with attention would be unfair: DIN's unit multiplies the two as well.

    mean = sum_j e_j / number of real steps j,    interests = [mean, mean o v]

Sources: Covington et al. 2016, "Deep Neural Networks for YouTube Recommendations", section 3.2
(averaged history); Hidasi et al. 2016, "Session-based Recommendations with Recurrent Neural
Networks", section 3.1 (GRU).
Taught in chapter 04, "DIN" and "DIEN".
"""

import keras
from keras import ops

from recsys_lib.features.embedding import MaskedPooling
from recsys_lib.sequence.behaviours import read_request, score
from recsys_lib.sequence.recurrence import gru_states, last_state


def _with_product(request, interest, product):
    """The interest, and its product with the candidate where that is asked for."""
    if not product:
        return [interest]
    return [interest, ops.multiply(interest, request.candidate)]


def build_pooled(
    feature_columns,
    embedding_dim=16,
    hidden_units=(64, 32),
    product=True,
    combiner="mean",
    activation="relu",
    histories=None,
    dropout_rate=0.0,
    task="click",
):
    """Build the network over the pooled history.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        embedding_dim: width of each column's vector.
        hidden_units, activation, dropout_rate: of the network.
        product: whether the network also sees pooled history times candidate.
        combiner: ``"mean"`` or ``"sum"``.
        histories: see ``read_request``.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``pooled_history`` holds ``(batch, 1, width)``.

    Raises:
        ValueError: no history.
    """
    request = read_request(feature_columns, embedding_dim, histories)
    pooled = MaskedPooling(combiner, name="pooled_history")(
        request.behaviours, ops.cast(request.mask, "int32")
    )
    interests = _with_product(request, ops.squeeze(pooled, axis=1), product)
    output = score(request, interests, hidden_units, activation, dropout_rate, task)
    return keras.Model(request.inputs, output, name="pooled")


def build_gru(
    feature_columns,
    embedding_dim=16,
    hidden_units=(64, 32),
    product=True,
    activation="relu",
    histories=None,
    dropout_rate=0.0,
    task="click",
):
    """Build the network over the last state of a GRU of the candidate's width.

    Args: as for ``build_pooled``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``gru`` holds
        the states ``(batch, steps, width)``, ``gru_last`` the state at each row's last real step.

    Raises:
        ValueError: no history.
    """
    request = read_request(feature_columns, embedding_dim, histories)
    states = gru_states(request.behaviours, request.mask, request.candidate.shape[-1], name="gru")
    interest = last_state(states, request.mask, name="gru_last")
    interests = _with_product(request, interest, product)
    output = score(request, interests, hidden_units, activation, dropout_rate, task)
    return keras.Model(request.inputs, output, name="gru_pooled")
