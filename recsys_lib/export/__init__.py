"""A trained model as a folder that can be served without this library."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.export.calibration import Curve, Platt, Sampling, fit_platt
    from recsys_lib.export.folders import export, verify
    from recsys_lib.export.reading import Encoder
    from recsys_lib.export.replay import Replay
    from recsys_lib.export.skew import feature_skew
    from recsys_lib.export.values import Values
else:
    from recsys_lib.lazy import face

    __getattr__, __dir__ = face(__name__)

__all__ = [
    "Curve",
    "Encoder",
    "Platt",
    "Replay",
    "Sampling",
    "Values",
    "export",
    "feature_skew",
    "fit_platt",
    "verify",
]
