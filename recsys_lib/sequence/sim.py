"""SIM: search the long history for what has to do with the candidate, then attend to what is found.

The general search unit reduces thousands of behaviours to k; the exact search unit looks at these.
A *hard* search takes the behaviours of the candidate's category; a *soft* search takes those of
the largest inner product with the candidate, and learns it from a loss of its own:

    hard:  r_j = [category(j) = category of the candidate]
    soft:  r_j = (W_b e_j) . (W_a v),   U = sum_j r_j e_j over all steps,   p' = sigmoid(MLP[U, v])
    exact: z_j = [e_j, time of j],   a^h = softmax_j (W_b^h z_j) . (W_a^h v),   head_h = sum a^h z
    loss = loss(p) + alpha loss(p')

The search hands on positions, so the loss of p does not train W_a and W_b of the search; alpha's
loss does. It moves the shared tables too, and it sees all steps, found or not. But it does not know
which end of the order is the right one: with -r_j, and a network that turns U around, p' is the
same, and the search finds what is least like the candidate. Where the scores begin decides that,
see ``target_attention``; an ``embeddings_initializer`` of a few tenths lets them tell steps apart
from the first batch. In the paper a DIEN reads the short history beside; here
it is left out, so that what the long one brings can be seen.

Source: Pi et al. 2020, "Search-based User Interest Modeling with Lifelong Sequential Behavior Data
for Click-Through Rate Prediction", sections 3.2 (the general search unit, equation 1) and
3.3 (the exact search unit).
Taught in chapter 04.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import keras
from keras import KerasTensor, ops

from recsys_lib.checks import check_choice, check_number
from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import deep_logit, side_by_side
from recsys_lib.layers.heads import (
    PredictionHead,
    Tasks,
    check_tasks,
    predict_one,
    task_outputs,
)
from recsys_lib.layers.options import RecencyOptions, options_for, shared_options
from recsys_lib.sequence.behaviours import behaviour_pairs, read_request
from recsys_lib.sequence.parts import score, weighted_sum
from recsys_lib.sequence.search import FoundSteps, TopSteps, step_features
from recsys_lib.sequence.target_attention import HeadSums, TargetScores, attend

SEARCHES = ("soft", "hard")


@keras.saving.register_keras_serializable("recsys_lib")
class CategoryMatch(keras.layers.Layer):
    """Which behaviours are of the candidate's category: the score of the hard search.

    Call arguments:
        categories: ``(batch, steps)`` ids, 0 at padding.
        candidate: ``(batch,)`` ids; 0, an unknown category, matches nothing.

    Returns:
        ``(batch, steps)``, 1 or 0.

    Source: Pi et al. 2020, equation 1.
    """

    def call(self, categories, candidate):
        candidate = ops.expand_dims(candidate, -1)
        same = ops.logical_and(ops.equal(categories, candidate), ops.not_equal(categories, 0))
        return ops.cast(same, self.compute_dtype)

    def compute_output_shape(self, categories_shape, candidate_shape):
        return categories_shape

    def compute_output_spec(self, categories, candidate):
        return keras.KerasTensor(categories.shape, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable("recsys_lib")
class HeadWithLossBeside(PredictionHead):
    """A head that, in training, carries another prediction of its label into the loss.

    The loss of a row is that of the head's prediction and ``weight`` times that of the other.
    ``fit`` of this library reads it; Keras's own ``fit`` does not. In inference nothing reads the
    other prediction, so a traced graph leaves out what leads to it.

    Call arguments:
        logits: as for ``PredictionHead``.
        other: ``(batch,)``, a prediction of the same task and kind.

    Returns:
        ``(batch,)``, what ``PredictionHead`` returns.

    Args:
        kind: see ``PredictionHead``.
        weight: the factor before the other loss, 0 or more.

    Raises:
        ValueError: a weight below 0.
    """

    # ``rank`` looks for it in the class that has the ``call``.
    broadcasts_single_rows = True

    def __init__(self, kind="binary", weight=1.0, **kwargs):
        super().__init__(kind, **kwargs)
        self.weight = check_number(f"{self.name}, weight", weight, 0)

    def build(self, logits_shape, other_shape):
        super().build(logits_shape)

    def call(self, logits, other, training=None):
        prediction = super().call(logits)
        if training:
            prediction._recsys_beside = (self.weight, other)
        return prediction


def predict_beside(
    tasks: Tasks, logits: KerasTensor, weight: float, other: KerasTensor
) -> KerasTensor | dict[str, KerasTensor]:
    """As ``predict_one``, with another prediction ``(batch,)`` of the same label in the loss."""
    ((task, kind),) = check_tasks(tasks, exactly=1).items()
    return task_outputs(tasks, [HeadWithLossBeside(kind, weight, name=task)(logits, other)])


@shared_options(recency=True)
def build_sim(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    search: str = "soft",
    found_steps: int = 100,
    category: str | None = None,
    num_heads: int = 2,
    auxiliary_weight: float = 1.0,
    **common: Unpack[RecencyOptions],
) -> keras.Model:
    """SIM: attention over those behaviours of a long history that a search has found.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        search: ``"soft"``, by inner product, or ``"hard"``, by category.
        found_steps: k, how many behaviours the search hands on at most; the paper's is 200.
        category: name of the history by whose ids the hard search matches; default: the last one.
        num_heads: heads of the exact search unit, each as wide as the candidate.
        auxiliary_weight: alpha, 0 or more, of the soft search's own loss, 1 as in the paper. With
            0 nothing trains the search. The hard search has nothing to train.
        **common: see ``TableOptions``, ``NetworkOptions``, ``HistoryOptions`` and
            ``RecencyOptions``. The network's options are those of the search's own network too. The
            exact search unit reads the context and the recency; the paper's is the time between the
            behaviour and now.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``sim_scores``
        holds the first stage's scores ``(batch, steps, 1)``, of the hard search ``(batch,
        steps)``; ``sim_search`` the positions found ``(batch, k)``; ``sim_weights`` the second
        stage's weights ``(batch, k, heads)``; ``sim_interest`` ``(batch, heads * width)``;
        ``sim_search_prediction`` p', the soft search's own ``(batch,)``.

    Raises:
        ValueError: no history, several tasks, an unknown option, a category that is no history, or
            counts of an unknown table.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 2000, table="movie_id"),
        ... ]
        >>> model = build_sim(columns, embedding_dim=8, found_steps=50)
        >>> [model.get_layer(name).output.shape for name in ("sim_search", "sim_weights")]
        [(None, 50), (None, 50, 2)]
    """
    check_choice("search", search, SEARCHES)
    auxiliary_weight = check_number("auxiliary_weight", auxiliary_weight, 0)
    matched, column = _category(feature_columns, common["histories"], category)
    request = read_request(feature_columns, **options_for(read_request, common))
    candidate, width = request.candidate, request.candidate.shape[-1]

    if search == "hard":
        scores = CategoryMatch(name="sim_scores")(request.inputs[column], request.inputs[matched])
        matching = ops.multiply(scores, request.mask)
        positions = TopSteps(found_steps, name="sim_search")(scores, matching)
    else:
        scores = TargetScores(1, scaled=False, name="sim_scores")(request.behaviours, candidate)
        positions = TopSteps(found_steps, name="sim_search")(scores, request.mask)

    context = step_features(request, common["recency"], common["embedding_dim"])
    steps = side_by_side([request.behaviours, *([] if context is None else [context])])
    found = FoundSteps(name="sim_found")(steps, positions)
    weights = attend(
        "sim", found, candidate, positions, num_heads=num_heads, head_dim=width, scaled=False
    )
    interest = HeadSums(name="sim_interest")(weights, found)
    predict: Callable[..., Any] = predict_one
    if search == "soft" and auxiliary_weight:
        relevance = ops.multiply(ops.squeeze(scores, axis=-1), request.mask)
        pooled = weighted_sum(relevance, request.behaviours, name="sim_pooled")
        both = side_by_side([pooled, candidate])
        logit = deep_logit(both, **options_for(deep_logit, common), name="sim_search_deep")
        (kind,) = check_tasks(tasks, exactly=1).values()
        of_search = PredictionHead(kind, name="sim_search_prediction")(logit)
        predict = functools.partial(predict_beside, weight=auxiliary_weight, other=of_search)
    if common["product"]:
        # One sum for each head; it begins with what stood where the behaviours' vectors stand.
        interest = ops.reshape(interest, (-1, num_heads, steps.shape[-1]))
    output = score(request, [interest], tasks, common, predict)
    return keras.Model(request.inputs, output, name="sim")


def _category(feature_columns, histories, category):
    """Names of the candidate's column and of the history that the hard search compares."""
    pairs = {column.name: item.name for item, column in behaviour_pairs(feature_columns, histories)}
    if category is None:
        category = list(pairs)[-1]
    if category not in pairs:
        raise ValueError(f"category: expected one of the histories {list(pairs)}, got {category!r}")
    return pairs[category], category
