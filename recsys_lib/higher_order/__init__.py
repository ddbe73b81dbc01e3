"""Chapter 03: models whose layers multiply features to a degree that their depth sets."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.higher_order.afn import LogarithmicLayer, build_afn
    from recsys_lib.higher_order.autoint import FieldAttention, InteractingLayer, build_autoint
    from recsys_lib.higher_order.dcn import (
        CrossLayer,
        MatrixCrossLayer,
        MixtureCrossLayer,
        build_dcn,
        build_dcn_v2,
    )
    from recsys_lib.higher_order.edcn import Bridge, FieldGate, build_edcn
    from recsys_lib.higher_order.finalmlp import (
        BilinearFusion,
        LearnedCondition,
        build_finalmlp,
    )
    from recsys_lib.higher_order.gdcn import GatedCrossLayer, build_gdcn
    from recsys_lib.higher_order.masknet import MaskedLayer, build_masknet
    from recsys_lib.higher_order.xdeepfm import (
        CINLayer,
        build_cin,
        build_xdeepfm,
        compressed_interaction,
    )
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
