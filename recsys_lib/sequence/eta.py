"""ETA: a search by hash codes that always fit the vectors, since they are made from them.

Every vector is projected on m random directions and keeps the signs. Two vectors at an angle
agree in a direction's sign with probability 1 - angle / pi, so the number of different signs, the
Hamming distance, orders behaviours as their cosines do, the more surely the more directions:

    code(x) = sign(x H),    distance(j) = number of signs in which code(e_j), code(v) differ
    A = the k real steps of the smallest distance,    interest = target attention over A

H is drawn once and never trained. As the tables move, so do the codes: the search is always that
of today's vectors, and needs no loss and no index of its own.

Source: Chen et al. 2021, "End-to-End User Behavior Retrieval in Click-Through Rate Prediction
Model", section 3; the hash is SimHash (Charikar 2002, "Similarity Estimation Techniques from
Rounding Algorithms", section 3).
Taught in chapter 04.
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import RecencyOptions, options_for, shared_options
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.parts import score
from recsys_lib.sequence.search import FoundSteps, HashCodes, TopSteps, step_features
from recsys_lib.sequence.target_attention import HeadValues, attend


@keras.saving.register_keras_serializable("recsys_lib")
class HammingScores(keras.layers.Layer):
    """Minus the number of signs in which each behaviour's code differs from the candidate's.

    Of codes of +1 and -1 the inner product is m - 2 distance, a whole number.

    Call arguments:
        codes: ``(batch, steps, bits)``.
        candidate: ``(batch, bits)``.

    Returns:
        ``(batch, steps)``: from -m, all signs differ, to 0.
    """

    def call(self, codes, candidate):
        return (ops.einsum("btm,bm->bt", codes, candidate) - codes.shape[-1]) / 2

    def compute_output_shape(self, codes_shape, candidate_shape):
        return codes_shape[:-1]


@shared_options()
def build_eta(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_bits: int = 32,
    found_steps: int = 100,
    num_heads: int = 2,
    **common: Unpack[RecencyOptions],
) -> keras.Model:
    """ETA: target attention over the behaviours whose hash codes are nearest to the candidate's.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        num_bits: m, bits of a code.
        found_steps: k, how many behaviours the search hands on at most; the paper's is 48.
        num_heads: heads of the target attention.
        **common: see ``TableOptions``, ``NetworkOptions``, ``HistoryOptions`` and
            ``RecencyOptions``. The attention reads the context and, if asked to, the recency, which
            is not in the paper; the codes read neither.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``eta_codes``
        holds the behaviours' codes ``(batch, steps, bits)``, ``eta_scores`` minus their distances
        ``(batch, steps)``, ``eta_search`` the positions found ``(batch, k)``, ``eta_weights`` the
        second stage's weights ``(batch, k, heads)`` and ``eta_interest`` ``(batch, width)``.

    Raises:
        ValueError: no history, several tasks, an option out of range, or counts of an unknown
            table.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 2000, table="movie_id"),
        ... ]
        >>> model = build_eta(columns, embedding_dim=8, found_steps=50)
        >>> [model.get_layer(name).output.shape for name in ("eta_scores", "eta_search")]
        [(None, 2000), (None, 50)]
    """
    request = read_request(feature_columns, **options_for(read_request, common))
    candidate = request.candidate
    codes = HashCodes(num_bits, name="eta_codes")
    scores = HammingScores(name="eta_scores")(codes(request.behaviours), codes(candidate))
    positions = TopSteps(found_steps, name="eta_search")(scores, request.mask)
    context = step_features(request, common["recency"], common["embedding_dim"])
    steps = side_by_side([request.behaviours, *([] if context is None else [context])])
    found = FoundSteps(name="eta_found")(steps, positions)
    weights = attend("eta", found, candidate, positions, num_heads=num_heads)
    interest = HeadValues(candidate.shape[-1], name="eta_interest")(weights, found)
    output = score(request, [interest], tasks, common)
    return keras.Model(request.inputs, output, name="eta")
