"""Chapter 04: models that read what a user did, in its order."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.sequence.behaviours import behaviour_pairs
    from recsys_lib.sequence.bst import build_bst
    from recsys_lib.sequence.dien import AuxiliaryLoss, NegativeSampler, build_dien
    from recsys_lib.sequence.din import ActivationUnit, build_din
    from recsys_lib.sequence.dsin import BiasEncoding, SessionMean, TanhAttention, build_dsin
    from recsys_lib.sequence.eta import HammingScores, build_eta
    from recsys_lib.sequence.parts import BilinearAttention, InterestNormalization
    from recsys_lib.sequence.pooling import build_gru, build_pooled
    from recsys_lib.sequence.recall import found_positions, search_layer, search_recall
    from recsys_lib.sequence.recurrence import AttentionalGRU, AttentionalGRUCell
    from recsys_lib.sequence.regularization import count_ids
    from recsys_lib.sequence.sdim import Signatures, SignatureSums, build_sdim
    from recsys_lib.sequence.search import FoundSteps, HashCodes, TopSteps
    from recsys_lib.sequence.sim import CategoryMatch, build_sim
    from recsys_lib.sequence.target_attention import (
        FoundWeights,
        HeadSums,
        HeadValues,
        TargetScores,
    )
    from recsys_lib.sequence.transformer import SelfAttention, TransformerBlock
    from recsys_lib.sequence.twin import build_twin
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
