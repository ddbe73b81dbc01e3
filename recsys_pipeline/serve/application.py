"""The web application of one exported model: ``/rank``, ``/health``, ``/metrics``.

    POST /rank   {"request": {"user_id": "u7"}, "candidates": {"item_id": ["a", "b"]}}
                 -> {"model": "1f3c...", "scores": {"click": [.1, .2]}, "order": [1, 0], ...}

A body that is no JSON is answered with 400, one whose fields cannot be read with 422 and the wrong
field; one that is longer than is allowed is refused by its length, and one that does not arrive is
given up. A model is replayed before the first request is taken; if the replay fails, it is not
served.
"""

import asyncio
import concurrent.futures
import os
import time
from typing import Any

import prometheus_client
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from recsys_lib.checks import check_integer, check_number
from recsys_pipeline.export.fields import BadField, BadNumber
from recsys_pipeline.export.replay import Replay
from recsys_pipeline.serve.answering import Answering, NotJson
from recsys_pipeline.serve.arriving import SECONDS, Arrivals, Message, Receive, Refusal, Send
from recsys_pipeline.serve.metrics import Metrics
from recsys_pipeline.serve.request_log import RequestLog
from recsys_pipeline.serve.schema import schema_of

MAX_CANDIDATES = 10_000
MAX_BODY = 2 * 2**20
"""Bytes of a body: 200 for each of 10,000 candidates. While it is parsed, some 20 ms, no other
request is answered; so its length is limited and not only its candidates."""
SHORT_SECONDS, ALONE_SECONDS = 0.002, 0.02
"""A request that takes less is answered where it was read: a thread takes longer to begin, and on
another core finds the model in no cache. The second holds as long as no other request waits."""
_PATHS = ("/rank", "/health", "/metrics")


class Application(FastAPI):
    """FastAPI, with counts and times of all requests, and a shorter way for those to ``/rank``.

    Args:
        metrics: to update.
        **options: of FastAPI.
    """

    def __init__(self, metrics: Metrics, **options: Any):
        super().__init__(**options)
        self.metrics = metrics
        self.state.draining = False
        self.in_flight = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        started, status = time.perf_counter(), "500"

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
                if self.state.draining:
                    # So the client's next request opens a connection, to another process.
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        path = scope["path"] if scope["path"] in _PATHS else "other"
        self.in_flight += 1
        self.metrics.in_flight.set(self.in_flight)
        try:
            if path == "/rank" and scope["method"] == "POST":
                # FastAPI's own way to it takes as long as a small model.
                answer = await self.state.rank(Request(scope, receive))
                await answer(scope, receive, observed)
            else:
                await super().__call__(scope, receive, observed)
        finally:
            self.in_flight -= 1
            self.metrics.in_flight.set(self.in_flight)
            self.metrics.requests.labels(path, status).inc()
            if path == "/rank":
                self.metrics.seconds.observe(time.perf_counter() - started)


def create_application(
    folder: Any,
    engine: str = "onnx",
    threads: int = 1,
    max_candidates: int = MAX_CANDIDATES,
    max_body: int = MAX_BODY,
    receive_timeout: float = SECONDS,
    log: str | os.PathLike | None = None,
) -> Application:
    """The application of an exported model.

    Args:
        folder: what ``export`` wrote.
        engine: ``"onnx"`` or ``"tensorflow"``.
        threads: most threads for one request; several requests are scored at once in any case.
        max_candidates: of one request.
        max_body: bytes of one request.
        receive_timeout: seconds in which a body arrives.
        log: a file to which every answered request is appended, as a line of JSON.

    Returns:
        FastAPI application; setting ``state.draining`` tells clients that it will stop.

    Raises:
        ValueError: not an export, one whose files have changed, or one that does not score its
            golden request as at the time of the export; an option out of range.
        OSError: the log cannot be written.
    """
    check_integer("threads", threads)
    check_integer("max_candidates", max_candidates)
    check_integer("max_body", max_body)
    check_number("receive_timeout", receive_timeout, 0, exclude=(0,))
    replay = Replay(folder, engine, threads)
    replay.verify()
    model = replay.description["checksum"]
    metrics = Metrics(model, [n for n, c in replay.encode.columns.items() if c.has_ids])
    answering = Answering(
        replay, max_candidates, metrics, None if log is None else RequestLog(log, metrics)
    )
    arrivals = Arrivals(max_body, receive_timeout)
    # More would wait for each other's turn in Python, and so would the loop.
    pool = concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 1))
    application = Application(
        metrics,
        title=replay.description["model"],
        version=model[:12],
        docs_url=None,  # the pages of documentation load scripts from another host
        redoc_url=None,
    )
    application.state.arrivals = arrivals

    @application.post("/rank", openapi_extra=schema_of(replay.description))
    async def rank(request: Request) -> Response:
        body = await arrivals.body(request.scope, request.receive)
        if isinstance(body, Response):
            return body
        try:
            await asyncio.sleep(0)  # those that have arrived are counted
            is_alone = application.in_flight == 1
            if answering.seconds(len(body)) < (ALONE_SECONDS if is_alone else SHORT_SECONDS):
                content = answering(body)
            else:
                # On a thread, so that the next request is read while this one is scored.
                loop = asyncio.get_running_loop()
                content = await loop.run_in_executor(pool, answering, body)
        except BadField as error:
            status = 400 if isinstance(error, NotJson | BadNumber) else 422
            return Refusal(status, error.message, "value_error", error.place)
        return Response(content, media_type="application/json")

    application.state.rank = rank

    @application.get("/health")
    async def health() -> Response:
        status = "stopping" if application.state.draining else "ok"
        found = {"status": status, "model": model, "versions": replay.description["versions"]}
        return JSONResponse(found, 503 if application.state.draining else 200)

    @application.get("/metrics")
    async def numbers() -> Response:
        return Response(metrics.text(), media_type=prometheus_client.CONTENT_TYPE_LATEST)

    return application
