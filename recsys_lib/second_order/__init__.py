"""Chapter 02: models that cross two fields at a time."""

from recsys_lib.second_order.afm import build_afm
from recsys_lib.second_order.deepfm import build_deepfm
from recsys_lib.second_order.fibinet import build_fibinet
from recsys_lib.second_order.fm import build_fm
from recsys_lib.second_order.fwfm import build_fwfm
from recsys_lib.second_order.interactions import pair_indices, pair_matrix, pair_names
from recsys_lib.second_order.nfm import build_nfm
from recsys_lib.second_order.pnn import build_pnn
from recsys_lib.second_order.polynomial import build_polynomial

__all__ = [
    "build_afm",
    "build_deepfm",
    "build_fibinet",
    "build_fm",
    "build_fwfm",
    "build_nfm",
    "build_pnn",
    "build_polynomial",
    "pair_indices",
    "pair_matrix",
    "pair_names",
]
