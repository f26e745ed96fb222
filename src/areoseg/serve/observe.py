"""Metrics for Prometheus, and one line in the log per request, without its content."""

import logging
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("areoseg.serve")

_OTHER = "other"
"""The route of files and of refused requests, whose addresses are not recorded."""

_METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The metrics of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "areoseg_requests",
            "Answered requests",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "areoseg_request_seconds",
            "Duration of requests",
            ("method", "route"),
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "areoseg_requests_in_progress", "Requests in progress", registry=self.registry
        )
        self.jobs = Gauge("areoseg_batches", "Batches by state", ("state",), registry=self.registry)
        self.pass_images = Histogram(
            "areoseg_forward_pass_images",
            "Images or tiles per forward pass",
            buckets=_SIZES,
            registry=self.registry,
        )
        self.pass_seconds = Histogram(
            "areoseg_forward_pass_seconds", "Duration of forward passes", registry=self.registry
        )

    def forward_pass(self, images: int, seconds: float) -> None:
        """Record a forward pass of the model."""
        self.pass_images.observe(images)
        self.pass_seconds.observe(seconds)


class ObserveMiddleware:
    """Counts, times and logs requests by their route, never by their address or content.

    Args:
        app: The application.
        metrics: The metrics.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, sent = 500, 0

        async def observed(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            sent += len(message.get("body", b""))
            await send(message)

        started = time.perf_counter()
        self._metrics.in_progress.inc()
        try:
            await self._app(scope, receive, observed)
        finally:
            seconds = time.perf_counter() - started
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = getattr(scope.get("route"), "path", _OTHER)
            self._metrics.in_progress.dec()
            self._metrics.requests.labels(method, route, status).inc()
            self._metrics.seconds.labels(method, route).observe(seconds)
            logger.info("%s %s %d %.3f s %d bytes", method, route, status, seconds, sent)
