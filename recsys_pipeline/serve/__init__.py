"""An exported model behind HTTP: ``recsys serve FOLDER``."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_pipeline.serve.application import create_application
    from recsys_pipeline.serve.clients import Latencies, Service, golden_body, measure_latency
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
