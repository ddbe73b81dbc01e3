"""TWIN: the search scores behaviours by the very attention that then looks at what it found.

Where the first stage measures relevance otherwise than the second, it hands on what the second
does not want and keeps back what it would. TWIN has one target attention for both:

    score_h(j) = (e_j W_K^h) . (v W_Q^h) / sqrt(d) + c_j W_C^h          for all steps, all heads h
    A = the k real steps of the largest mean score,    a^h = softmax_{j in A} score_h(j)
    interest = [sum_j a^1_j e_j W_V^1, ..., sum_j a^H_j e_j W_V^H] W_O

It is affordable for thousands of steps since the features are split. What is inherent to an item
(e_j: its id, its category) has a projection that does not depend on the user, so it can be stored
for each item; here the candidate's side takes the product of both maps, which costs one inner
product a step and head. What is of this user and item (c_j: how long ago, for how long) would need
a projection for each step; it is reduced to one number, a bias of the score, and has no value.

The paper does not say how the search ranks by several heads: here by the mean of their scores.

Only what is found is seen, and only what is seen can teach the scores. So TWIN discovers what it
does not begin with where k leaves room beside it, and it begins with what is most like the
candidate, see ``target_attention``.

Source: Chang et al. 2023, "TWIN: TWo-stage Interest Network for Lifelong User Behavior Modeling in
CTR Prediction at Kuaishou", section 4.
Taught in chapter 04.
"""

from collections.abc import Sequence

import keras

from recsys_lib.checks import check_integer
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import check_l2
from recsys_lib.features.penalties import L2
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import Activation, Initializer, Widths
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.head import score
from recsys_lib.sequence.search import FoundSteps, TopSteps, step_features
from recsys_lib.sequence.target_attention import FoundWeights, HeadValues, TargetScores


def build_twin(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    embedding_dim: int = 16,
    hidden_units: Widths = (64, 32),
    found_steps: int = 100,
    num_heads: int = 4,
    recency: bool = True,
    histories: Sequence[str] | None = None,
    step_context: Sequence[str] = (),
    product: bool = False,
    activation: Activation = "relu",
    dropout_rate: float = 0.0,
    batch_normalization: bool = False,
    embeddings_initializer: Initializer = None,
    embedding_l2: L2 = 0.0,
) -> keras.Model:
    """TWIN: one target attention searches the long history and weighs what it found.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        embedding_dim: width of each column's vector.
        hidden_units: widths of the network over profile, candidate and interest; ``()``: the logit
            is a linear map of them.
        found_steps: k, how many behaviours the search hands on at most, 100 as in the paper.
        num_heads: heads of the attention, 4 as in the paper.
        recency: whether how many behaviours ago a behaviour was is one of the cross features,
            as the time of the behaviour is in the paper.
        histories: see ``read_request``; what is inherent to the items.
        step_context: see ``read_request``; the cross features.
        product: whether the network also reads the interest times the candidate, see ``head``.
        activation: of the network.
        dropout_rate: dropout after each hidden layer, in training only.
        batch_normalization: normalise before each activation.
        embeddings_initializer: Keras initializer of the tables.
        embedding_l2: penalty of the tables, a number or an ``EmbeddingL2``.

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
    embedding_l2 = check_l2(feature_columns, embedding_l2)
    request = read_request(
        feature_columns,
        embedding_dim,
        histories,
        step_context,
        embeddings_initializer,
        embedding_l2,
    )
    candidate = request.candidate
    context = step_features(request, recency, embedding_dim)
    attention = TargetScores(check_integer("num_heads", num_heads), name="twin_scores")
    scores = attention(request.behaviours, candidate, *([] if context is None else [context]))
    positions = TopSteps(found_steps, name="twin_search")(scores, request.mask)
    # The second stage's scores are the first's: nothing is computed twice.
    found_scores = FoundSteps(name="twin_found_scores")(scores, positions)
    weights = FoundWeights(name="twin_weights")(found_scores, positions)
    found = FoundSteps(name="twin_found")(request.behaviours, positions)
    interest = HeadValues(candidate.shape[-1], name="twin_interest")(weights, found)
    output = score(
        request,
        [interest],
        tasks,
        hidden_units,
        product=product,
        activation=activation,
        dropout_rate=dropout_rate,
        batch_normalization=batch_normalization,
    )
    return keras.Model(request.inputs, output, name="twin")
