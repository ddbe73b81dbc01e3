"""The baselines: the history as one vector that is the same for every candidate.

Mean pooling is what embedding-and-network models did before DIN; a GRU's last state is the same
idea with order. Both see the product of that vector and the candidate unless told otherwise:
nothing else in them compares the two, as the units of attention do.

    mean = sum_j e_j / number of real steps j,    interests = [mean, mean o v]

Sources: Covington et al. 2016, "Deep Neural Networks for YouTube Recommendations", section 3.2
(averaged history); Hidasi et al. 2016, "Session-based Recommendations with Recurrent Neural
Networks", section 3.1 (GRU).
Taught in chapter 04, "DIN" and "DIEN".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import KerasTensor, ops

from recsys_lib.checks import check_choice
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import MaskedPooling
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import HistoryOptions, options_for, shared_options
from recsys_lib.sequence.behaviours import Request, read_request
from recsys_lib.sequence.parts import normalized, score
from recsys_lib.sequence.recurrence import gru_states, last_state

SCALES_OF_POOLING = ("raw", "length", "batch_normalization")
"""A softmax needs scores, which nobody gives the steps here."""


def pooled_interest(request: Request, scale: str, name: str) -> KerasTensor:
    """The history as one vector: the sum of its vectors, scaled.

    Args:
        request: ``Request``.
        scale: ``"raw"``: the sum; ``"length"``: the mean; ``"batch_normalization"``: the sum,
            normalised over the batch, see ``InterestNormalization``.
        name: of the layer that pools, ``(batch, 1, width)``.

    Returns:
        ``(batch, width)``; before a normalization it is zero where there is no behaviour.

    Raises:
        ValueError: an unknown scale.
    """
    check_choice("scale", scale, SCALES_OF_POOLING)
    combiner = "mean" if scale == "length" else "sum"
    pooling = MaskedPooling(combiner, name=name)
    pooled = pooling(request.behaviours, ops.cast(request.mask, "int32"))
    return normalized(request, ops.squeeze(pooled, axis=1), scale, name)


@shared_options(product=True)
def build_pooled(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    scale: str = "length",
    **common: Unpack[HistoryOptions],
) -> keras.Model:
    """The network over the pooled history, which is the same for every candidate.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        scale: ``"length"``: the mean of the behaviours; ``"raw"``: their sum;
            ``"batch_normalization"``: the sum, normalised over the batch before the network.
            Unordered lists (a film's genres) are pooled as their columns say.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``HistoryOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``pooled_history`` holds ``(batch, 1, width)``, and ``pooled_history_normalization``, where
        there is one, what the network reads in its place.

    Raises:
        ValueError: no history, several tasks, an unknown option, or counts of an unknown table.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 20, table="movie_id"),
        ... ]
        >>> build_pooled(columns, embedding_dim=8).get_layer("pooled_history").output.shape
        (None, 1, 8)
    """
    request = read_request(feature_columns, **options_for(read_request, common))
    interest = pooled_interest(request, scale, "pooled_history")
    output = score(request, [interest], tasks, common)
    return keras.Model(request.inputs, output, name="pooled")


@shared_options(product=True)
def build_gru(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    **common: Unpack[HistoryOptions],
) -> keras.Model:
    """The network over the last state of a GRU of the candidate's width.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``HistoryOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``gru`` holds
        the states ``(batch, steps, width)``, ``gru_last`` the state at each row's last real step.

    Raises:
        ValueError: no history, several tasks, an unknown option, or counts of an unknown table.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 20, table="movie_id"),
        ... ]
        >>> build_gru(columns, embedding_dim=8).get_layer("gru").output.shape
        (None, 20, 8)
    """
    request = read_request(feature_columns, **options_for(read_request, common))
    states = gru_states(request.behaviours, request.mask, request.candidate.shape[-1], name="gru")
    interest = last_state(states, request.mask, name="gru_last")
    output = score(request, [interest], tasks, common)
    return keras.Model(request.inputs, output, name="gru_pooled")
