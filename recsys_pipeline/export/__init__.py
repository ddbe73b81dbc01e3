"""Export a trained model as a folder that can be served without this library."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_pipeline.export.calibration import Curve, Platt, Sampling, fit_platt
    from recsys_pipeline.export.folders import export
    from recsys_pipeline.export.reading import Encoder
    from recsys_pipeline.export.replay import Replay
    from recsys_pipeline.export.skew import feature_skew
    from recsys_pipeline.export.values import Values
    from recsys_pipeline.export.verifying import verify, verify_log
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
