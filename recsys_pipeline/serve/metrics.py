"""What a service counts and times, for Prometheus."""

from typing import Any

import prometheus_client

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The counts and times of a service, for Prometheus.

    Args:
        model: the export's checksum.
        columns: names of the columns.
    """

    def __init__(self, model: str, columns: list[str]):
        self.registry = prometheus_client.CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry, "namespace": "recsys"}
        self.requests = prometheus_client.Counter(
            "requests", "Answered requests", ["path", "status"], **own
        )
        self.in_flight = prometheus_client.Gauge(
            "requests_in_flight", "Requests that are not answered yet", **own
        )
        self.seconds = prometheus_client.Histogram(
            "request_seconds", "From the request to its whole answer", buckets=_SECONDS, **own
        )
        self.candidates = prometheus_client.Counter("candidates", "Scored candidates", **own)
        self.unknown = prometheus_client.Counter(
            "unknown_values", "Ids that the model was not trained on", ["column"], **own
        )
        self.unlogged = prometheus_client.Counter(
            "unlogged_requests", "Answered requests that could not be written to the log", **own
        )
        for name in columns:
            self.unknown.labels(name)  # 0 is a value too
        prometheus_client.Info("model", "The exported model", **own).info({"checksum": model})

    def text(self) -> bytes:
        """All metrics, in the text format of Prometheus."""
        return prometheus_client.generate_latest(self.registry)
