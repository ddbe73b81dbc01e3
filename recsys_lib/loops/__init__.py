"""Slow twins of fast layers, written as the formulas read; lessons time and compare them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.loops.crosses import LoopedBilinearInteraction, LoopedInnerProductSignal, looped
    from recsys_lib.loops.higher_order import BroadcastCINLayer, LoopCINLayer
    from recsys_lib.loops.multi_task import build_mmoe_loop
    from recsys_lib.loops.sequence import LoopedAttentionalGRU, LoopedTransformerBlock
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
