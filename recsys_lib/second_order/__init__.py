"""Chapter 02: models that cross two fields at a time."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.second_order.afm import PairAttention, WeightedSum, build_afm
    from recsys_lib.second_order.deepfm import build_deepfm
    from recsys_lib.second_order.ffm import build_ffm
    from recsys_lib.second_order.fibinet import BilinearInteraction, FieldWeights, build_fibinet
    from recsys_lib.second_order.fm import FactorizationMachine, build_fm
    from recsys_lib.second_order.fmfm import build_fmfm
    from recsys_lib.second_order.fwfm import build_fwfm
    from recsys_lib.second_order.interactions import (
        BiInteraction,
        PairwiseProduct,
        crossed_fields,
        pair_indices,
        pair_matrix,
        pair_names,
    )
    from recsys_lib.second_order.nfm import build_nfm
    from recsys_lib.second_order.pnn import (
        AddedSignals,
        InnerProductSignal,
        OuterProductSignal,
        build_pnn,
    )
    from recsys_lib.second_order.polynomial import build_polynomial
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
