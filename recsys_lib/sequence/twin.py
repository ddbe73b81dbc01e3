"""TWIN: the search scores behaviours by the very attention that then looks at what it found.

Where the first stage measures relevance otherwise than the second, it hands on what the second
does not want and keeps back what it would. TWIN has one target attention for both:

    score_h(j) = (e_j W_K^h) . (v W_Q^h) / sqrt(d) + c_j W_C^h          for all steps, all heads h
    A = the k real steps of the largest mean score,    a^h = softmax_{j in A} score_h(j)
    z_j = [e_j, c_j],    interest = [sum_j a^1_j z_j W_V^1, ..., sum_j a^H_j z_j W_V^H] W_O

The score over all steps is affordable since it splits the features. What is inherent to an item
(e_j: its id, its category) has a projection that does not depend on the user, so it can be stored
for each item; here the candidate's side takes the product of both maps, which costs one inner
product a step and head. What is of this user and item (c_j: how long ago, for how long) would need
a projection for each step; it is reduced to one number, a bias of the score. The values are needed
for the k steps found only, so they are projections of all features, z_j.

The paper does not say how the search ranks by several heads: here by the mean of their scores.

Only what is found is seen, and only what is seen can teach the scores. So TWIN discovers what it
does not begin with where k leaves room beside it, and it begins with what is most like the
candidate, see ``target_attention``.

Source: Chang et al. 2023, "TWIN: TWo-stage Interest Network for Lifelong User Behavior Modeling in
CTR Prediction at Kuaishou", section 4.
Taught in chapter 04.
"""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.checks import check_integer
from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import RecencyOptions, options_for, shared_options
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.parts import score
from recsys_lib.sequence.search import FoundSteps, TopSteps, step_features
from recsys_lib.sequence.target_attention import FoundWeights, HeadValues, TargetScores


@shared_options(recency=True)
def build_twin(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    found_steps: int = 100,
    num_heads: int = 4,
    **common: Unpack[RecencyOptions],
) -> keras.Model:
    """TWIN: one target attention searches the long history and weighs what it found.

    The search ranks by the mean of the heads' scores, so that all heads see the same k steps; in
    FuxiCTR's code each head keeps its own k.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        found_steps: k, how many behaviours the search hands on at most, 100 as in the paper.
        num_heads: heads of the attention, 4 as in the paper.
        **common: see ``TableOptions``, ``NetworkOptions``, ``HistoryOptions`` and
            ``RecencyOptions``. The histories hold what is inherent to the items; the context and
            the recency, in the paper the time of the behaviour, are the cross features: a bias of
            the score, and a part of the values.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``twin_scores`` holds the scores of both stages ``(batch, steps, heads)``, ``twin_search``
        the positions found ``(batch, k)``, ``twin_weights`` the second stage's weights ``(batch,
        k, heads)`` and ``twin_interest`` ``(batch, width)``.

    Raises:
        ValueError: no history, several tasks, an option out of range, or counts of an unknown
            table.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 2000, table="movie_id"),
        ... ]
        >>> model = build_twin(columns, embedding_dim=8)
        >>> [model.get_layer(name).output.shape for name in ("twin_scores", "twin_weights")]
        [(None, 2000, 4), (None, 100, 4)]
    """
    request = read_request(feature_columns, **options_for(read_request, common))
    candidate = request.candidate
    context = step_features(request, common["recency"], common["embedding_dim"])
    cross = [] if context is None else [context]
    attention = TargetScores(check_integer("num_heads", num_heads), name="twin_scores")
    scores = attention(request.behaviours, candidate, *cross)
    positions = TopSteps(found_steps, name="twin_search")(scores, request.mask)
    # The second stage's scores are the first's: nothing is computed twice.
    found_scores = FoundSteps(name="twin_found_scores")(scores, positions)
    weights = FoundWeights(name="twin_weights")(found_scores, positions)
    # All features of the steps found; the score alone reduces the cross features to a bias.
    features = side_by_side([request.behaviours, *cross])
    found = FoundSteps(name="twin_found")(features, positions)
    interest = HeadValues(candidate.shape[-1], name="twin_interest")(weights, found)
    output = score(request, [interest], tasks, common)
    return keras.Model(request.inputs, output, name="twin")
