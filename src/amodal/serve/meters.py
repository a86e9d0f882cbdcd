"""What is measured of a server, for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_NUMBERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Meters:
    """One server's own: two in a process do not count each other's requests."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)  # memory, CPU seconds, open files
        self.requests = Counter("amodal_requests", "Requests answered", ["route", "status"], registry=registry)
        self.latency = Histogram(
            "amodal_request_seconds", "From the first byte to the last", ["route"], buckets=_SECONDS, registry=registry
        )
        self.line_length = Gauge("amodal_queue_photos", "Photos waiting or at work", registry=registry)
        self._photos = Counter("amodal_photos", "Photos that got a scene", registry=registry)
        self._objects = Counter("amodal_objects", "Objects in these scenes", registry=registry)
        self._refused = Counter("amodal_refused", "Requests that got no scene", ["reason"], registry=registry)
        self._batch_photos = Histogram("amodal_batch_photos", "Photos in a batch", buckets=_NUMBERS, registry=registry)
        self._batch_objects = Histogram(
            "amodal_batch_objects", "Objects in a batch", buckets=_NUMBERS, registry=registry
        )
        self._batch_seconds = Histogram(
            "amodal_batch_seconds", "The model's time for a batch", buckets=_SECONDS, registry=registry
        )

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request is done with; reasons of refusal follow from its status."""
        self.requests.labels(route, str(status)).inc()
        self.latency.labels(route).observe(seconds)
        if route == "/v1/segment" and status in REASONS:
            self._refused.labels(REASONS[status]).inc()

    def batch(self, photos: int, objects: Sequence[int], seconds: float) -> None:
        """The model has worked; `objects`: how many each scene has."""
        self._batch_photos.observe(photos)
        self._batch_objects.observe(sum(objects))
        self._batch_seconds.observe(seconds)
        self._photos.inc(len(objects))
        self._objects.inc(sum(objects))

    def text(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self._registry)


REASONS = {
    400: "unreadable",
    401: "no_token",
    408: "slow_client",
    413: "too_large",
    422: "bad_input",
    429: "queue_full",
    499: "client_gone",
    500: "mistake",
    503: "stopping",
    504: "timeout",
}
