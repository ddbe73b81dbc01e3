"""Chapter 04: models that read what a user did, in its order."""

from recsys_lib.sequence.behaviours import behaviour_pairs
from recsys_lib.sequence.bst import build_bst
from recsys_lib.sequence.dien import build_dien
from recsys_lib.sequence.din import build_din
from recsys_lib.sequence.dsin import build_dsin
from recsys_lib.sequence.pooling import build_gru, build_pooled
from recsys_lib.sequence.regularization import count_ids

__all__ = [
    "behaviour_pairs",
    "build_bst",
    "build_dien",
    "build_din",
    "build_dsin",
    "build_gru",
    "build_pooled",
    "count_ids",
]
