"""Chapter 03: models whose layers multiply features to a degree that their depth sets."""

from recsys_lib.higher_order.autoint import build_autoint
from recsys_lib.higher_order.dcn import build_dcn, build_dcn_v2
from recsys_lib.higher_order.xdeepfm import build_cin, build_xdeepfm

__all__ = ["build_autoint", "build_cin", "build_dcn", "build_dcn_v2", "build_xdeepfm"]
