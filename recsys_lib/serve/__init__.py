"""An exported model behind HTTP: ``python -m recsys_lib.serve FOLDER``."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.serve.application import create_application
    from recsys_lib.serve.clients import Latencies, Service, golden_body, measure_latency
else:
    from recsys_lib.lazy import face

    __getattr__, __dir__ = face(__name__)

__all__ = ["Latencies", "Service", "create_application", "golden_body", "measure_latency"]
