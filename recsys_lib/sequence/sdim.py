"""SDIM: attention by sampling. A behaviour counts as often as its hash falls together with yours.

Every vector gets m signs of projections on random directions, as in ETA. A *signature* is tau of
these signs; there are m / tau of them, one a round. In each round the behaviours with the
candidate's signature are added up, and the rounds are averaged:

    p_rj = 1 where signature r of e_j equals that of v, else 0
    interest = 1 / rounds * sum_r l2(sum_j p_rj z_j),       l2(x) = x / ||x||

No behaviour is left out, nothing is sorted, and no softmax is taken: at an angle theta to the
candidate, a behaviour counts in

    E[p_rj] = (1 - theta / pi)^tau

of the rounds, a weight that falls the faster the larger tau. What a round adds up does not depend
on the candidate, only on its signature. So the sums of all 2^tau signatures of a round are made
once for a request, and each candidate reads its own: its cost does not know the history's length.

Source: Cao et al. 2022, "Sampling Is All You Need on Modeling Long-Term User Behaviors for CTR
Prediction", section 4; the hash is SimHash (Charikar 2002, "Similarity Estimation Techniques from
Rounding Algorithms", section 3).
Taught in chapter 04.
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_bool, check_integer
from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import Configured, RecencyOptions, options_for, shared_options
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.parts import score
from recsys_lib.sequence.search import HashCodes, step_features

MAX_SIGNATURE_BITS = 12
"""A round has a sum for every signature, 4,096 of them at most."""


@keras.saving.register_keras_serializable("recsys_lib")
class Signatures(Configured):
    """Codes in groups of tau signs, each read as a number in base two.

    Call arguments:
        codes: ``(..., bits)``, of +1 and -1.

    Returns:
        ``(..., bits / tau)`` int32, from 0 to ``2^tau - 1``.

    Args:
        signature_bits: tau, 1 to 12.

    Raises:
        ValueError: out of range.
    """

    def __init__(self, signature_bits=3, **kwargs):
        super().__init__(**kwargs)
        self.signature_bits = check_integer(
            "signature_bits", signature_bits, maximum=MAX_SIGNATURE_BITS
        )

    def call(self, codes):
        groups = (*ops.shape(codes)[:-1], -1, self.signature_bits)
        bits = ops.cast(ops.reshape(codes, groups) > 0, "int32")
        return ops.sum(bits * 2 ** ops.arange(self.signature_bits, dtype="int32"), axis=-1)

    def compute_output_shape(self, codes_shape):
        return (*codes_shape[:-1], codes_shape[-1] // self.signature_bits)

    def compute_output_spec(self, codes):
        return keras.KerasTensor(self.compute_output_shape(codes.shape), dtype="int32")


@keras.saving.register_keras_serializable("recsys_lib")
class SignatureSums(Configured):
    """The mean over rounds of the sums of those behaviours that have the candidate's signature.

    Call arguments:
        behaviours: ``(batch, steps, width)``.
        signatures: ``(batch, steps, rounds)`` int32, of the behaviours.
        step_mask: ``(batch, steps)``, 1 for real steps.
        candidate: ``(batch, rounds)`` int32, the candidate's signatures.

    Returns:
        ``(batch, width)``; zeros where no behaviour shares a signature.

    Args:
        signature_bits: tau, bits of a signature.
        normalize: whether each round's sum is divided by its length, as in the paper.
    """

    def __init__(self, signature_bits=3, normalize=True, **kwargs):
        super().__init__(**kwargs)
        self.signature_bits = check_integer(
            "signature_bits", signature_bits, maximum=MAX_SIGNATURE_BITS
        )
        self.normalize = check_bool("normalize", normalize)

    def call(self, behaviours, signatures, step_mask, candidate):
        same = ops.cast(ops.equal(signatures, ops.expand_dims(candidate, 1)), behaviours.dtype)
        same = same * ops.expand_dims(ops.cast(step_mask, behaviours.dtype), -1)
        return self.mean_of_rounds(ops.einsum("btr,btw->brw", same, behaviours))

    def mean_of_rounds(self, of_rounds):
        """Mean over the rounds of ``(batch, rounds, width)``, each of length 1 or as it is."""
        if self.normalize:
            # In single precision at least: the square of a long sum is beyond half precision.
            dtype = of_rounds.dtype
            wide = ops.cast(of_rounds, keras.backend.result_type(dtype, "float32"))
            square = ops.sum(ops.square(wide), axis=-1, keepdims=True)
            # An empty round stays zero, and so does its gradient.
            length = ops.sqrt(ops.where(square > 0, square, 1.0))
            of_rounds = ops.cast(wide / length, dtype)
        return ops.mean(of_rounds, axis=1)

    def compute_output_shape(
        self, behaviours_shape, signatures_shape, step_mask_shape, candidate_shape
    ):
        return (behaviours_shape[0], behaviours_shape[-1])


@shared_options()
def build_sdim(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_bits: int = 48,
    signature_bits: int = 3,
    normalize: bool = True,
    **common: Unpack[RecencyOptions],
) -> keras.Model:
    """SDIM: behaviours that share hash signatures with the candidate, added up and averaged.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        num_bits: m, random directions in all; 48 as in the paper.
        signature_bits: tau, directions of a signature; 3 as in the paper. The more, the closer a
            behaviour has to be.
        normalize: whether each round's sum is divided by its length, as in the paper. If not, the
            interest is the longer, the more behaviours there are of the candidate's kind.
        **common: see ``TableOptions``, ``NetworkOptions``, ``HistoryOptions`` and
            ``RecencyOptions``. The context and, if asked to, the recency, which is not in the
            paper, are added up with a behaviour; the signatures see neither.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer ``sdim_codes``
        holds the behaviours' codes ``(batch, steps, bits)``, ``sdim_signatures`` and
        ``sdim_candidate_signatures`` the signatures ``(batch, steps, rounds)`` and ``(batch,
        rounds)``, and ``sdim_interest`` ``(batch, width)``.

    Raises:
        ValueError: no history, several tasks, an option out of range, bits that are no multiple
            of a signature's, or counts of an unknown table.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 2000, table="movie_id"),
        ... ]
        >>> model = build_sdim(columns, embedding_dim=8)
        >>> [model.get_layer(name).output.shape for name in ("sdim_signatures", "sdim_interest")]
        [(None, 2000, 16), (None, 8)]
    """
    num_bits = check_integer("num_bits", num_bits)
    signatures = Signatures(signature_bits, name="sdim_signatures")
    if num_bits % signatures.signature_bits:
        raise ValueError(
            f"num_bits: expected a multiple of signature_bits, {signature_bits}, got {num_bits}"
        )
    request = read_request(feature_columns, **options_for(read_request, common))
    candidate = request.candidate
    codes = HashCodes(num_bits, name="sdim_codes")
    asked = Signatures(signature_bits, name="sdim_candidate_signatures")
    context = step_features(request, common["recency"], common["embedding_dim"])
    steps = side_by_side([request.behaviours, *([] if context is None else [context])])
    interest = SignatureSums(signature_bits, normalize, name="sdim_interest")(
        steps, signatures(codes(request.behaviours)), request.mask, asked(codes(candidate))
    )
    if common["product"]:
        # One sum; it begins with what stands where the behaviours' vectors stand.
        interest = ops.reshape(interest, (-1, 1, steps.shape[-1]))
    output = score(request, [interest], tasks, common)
    return keras.Model(request.inputs, output, name="sdim")
