"""The web application of one exported model: ``/rank``, ``/health``, ``/metrics``.

    POST /rank   {"request": {"user_id": "u7"}, "candidates": {"item_id": ["a", "b"]}}
                 -> {"model": "1f3c...", "scores": {"click": [.1, .2]}, "order": [1, 0], ...}

A body that cannot be read is answered with 422 and the wrong field; one that is longer than its
candidates can need is refused by its length, and one that does not arrive is given up. A model is
replayed before the first request is taken; if the replay fails, it is not served.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import numpy as np
import prometheus_client
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from recsys_lib.checks import check_integer
from recsys_pipeline.export.reading import BadField
from recsys_pipeline.export.replay import Replay

MAX_CANDIDATES = 10_000
BYTES_OF_A_REQUEST, BYTES_OF_A_CANDIDATE = 2**20, 2**10
"""A body may have so many bytes, and so many more for each candidate that is allowed. While it is
parsed no other request is answered, so that its length is limited and not only its candidates."""
SECONDS_TO_ARRIVE = 10.0
"""A client that has sent half of a body holds its connection at most so long."""
_FIELDS = ("request", "candidates", "task", "features")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_PATHS = ("/rank", "/health", "/metrics")

Message = MutableMapping[str, Any]


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
        for name in columns:
            self.unknown.labels(name)  # 0 is a value too
        prometheus_client.Info("model", "The exported model", **own).info({"checksum": model})

    def text(self) -> bytes:
        """All metrics, in the text format of Prometheus."""
        return prometheus_client.generate_latest(self.registry)


class Observed:
    """Counts and times an application's requests, and closes connections before it stops.

    Args:
        application: an ASGI application.
        metrics: to update.
        state: its ``draining`` is true while clients should leave this process.
    """

    def __init__(self, application: Any, metrics: Metrics, state: Any):
        self.application, self.metrics, self.state = application, metrics, state

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
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
        self.metrics.in_flight.inc()
        try:
            await self.application(scope, receive, observed)
        finally:
            self.metrics.in_flight.dec()
            self.metrics.requests.labels(path, status).inc()
            if path == "/rank":
                self.metrics.seconds.observe(time.perf_counter() - started)


def create_application(
    folder: Any,
    engine: str = "onnx",
    threads: int = 1,
    max_candidates: int = MAX_CANDIDATES,
) -> FastAPI:
    """The application of an exported model.

    Args:
        folder: what ``export`` wrote.
        engine: ``"onnx"`` or ``"tensorflow"``.
        threads: most threads for one request; several requests are scored at once in any case.
        max_candidates: of one request; its body may have 1 MiB and 1 KiB for each of them.

    Returns:
        FastAPI application; setting ``state.draining`` tells clients that it will stop.

    Raises:
        ValueError: not an export, one whose files have changed, or one that does not score its
            golden request as at the time of the export; an option out of range.
    """
    check_integer("threads", threads)
    max_bytes = BYTES_OF_A_REQUEST + BYTES_OF_A_CANDIDATE * check_integer(
        "max_candidates", max_candidates
    )
    replay = Replay(folder, engine, threads)
    replay.verify()
    model = replay.description["checksum"]
    metrics = Metrics(model, [n for n, c in replay.encode.columns.items() if c.has_ids])
    application = FastAPI(
        title=replay.description["model"],
        version=model[:12],
        docs_url=None,  # the pages of documentation load scripts from another host
        redoc_url=None,
    )
    application.state.draining = False

    def answer(body: bytes) -> dict[str, Any]:
        fields = _read(body, replay.tasks)
        _check_count(fields["candidates"], max_candidates)
        user, candidates = replay.encode(fields["request"], fields["candidates"])
        count = len(next(iter(candidates.values())))
        scores = replay.scores(user, candidates)
        _check_scores(replay, scores, user, candidates)
        metrics.candidates.inc(count)
        unknown = _unknown(replay, fields, user, candidates)
        for name, number in unknown.items():
            metrics.unknown.labels(name).inc(number)
        found = {
            "model": model,
            "scores": {task: values.tolist() for task, values in scores.items()},
            "unknown": unknown,
        }
        if fields.get("task") is not None:
            order = np.argsort(-scores[fields["task"]], kind="stable")
            found["order"] = order.tolist()
        if fields.get("features"):
            both = {**user, **candidates}
            found["features"] = {name: values.tolist() for name, values in both.items()}
        return found

    @application.post("/rank", openapi_extra=_schema(replay.description))
    async def rank(request: Request) -> Response:
        body = await _body(request, max_bytes)
        if isinstance(body, Response):
            return body
        try:
            # On a thread, so that the next request is read while this one is scored.
            content = await run_in_threadpool(lambda: json.dumps(answer(body), allow_nan=False))
        except BadField as error:
            return _refused(422, error.message, "value_error", error.place)
        except RecursionError:
            return _refused(422, "expected JSON, got lists nested too deeply", "value_error")
        return Response(content, media_type="application/json")

    @application.get("/health")
    async def health() -> Response:
        status = "stopping" if application.state.draining else "ok"
        found = {"status": status, "model": model, "versions": replay.description["versions"]}
        return JSONResponse(found, 503 if application.state.draining else 200)

    @application.get("/metrics")
    async def numbers() -> Response:
        return Response(metrics.text(), media_type=prometheus_client.CONTENT_TYPE_LATEST)

    application.add_middleware(Observed, metrics=metrics, state=application.state)
    return application


def _refused(status, message, kind, place=()):
    """The answer to a body that is not used; without its end the connection cannot go on."""
    detail = {"loc": ["body", *place], "msg": message, "type": kind}
    headers = {} if status == 422 else {"connection": "close"}
    return JSONResponse({"detail": [detail]}, status, headers)


async def _body(request, max_bytes):
    """The bytes of a request; or the answer to one that is too long or does not arrive.

    What is too long is read to its end and thrown away: a client that is still sending would not
    see an answer.
    """
    parts, size, more = [], 0, True
    try:
        async with asyncio.timeout(SECONDS_TO_ARRIVE):
            while more:
                message = await request.receive()
                if message["type"] == "http.disconnect":  # nobody reads the answer; it is counted
                    wanted = "expected a whole body, the client has left"
                    return _refused(400, wanted, "disconnect")
                part, more = message.get("body", b""), message.get("more_body", False)
                size += len(part)
                if size <= max_bytes:
                    parts.append(part)
    except TimeoutError:
        if size <= max_bytes:
            message = f"expected the whole body within {SECONDS_TO_ARRIVE:g} s"
            return _refused(408, message, "timeout")
    if size > max_bytes:
        return _refused(413, f"expected at most {max_bytes} bytes", "size")
    return b"".join(parts)


def _read(body, tasks):
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise BadField((), f"expected JSON: {error}") from None
    if not isinstance(fields, Mapping):
        raise BadField((), "expected an object with a request and its candidates")
    for name in fields:
        if name not in _FIELDS:
            raise BadField((name,), f"no such field; expected {', '.join(_FIELDS)}")
    for name in _FIELDS[:2]:
        if name not in fields:
            raise BadField((name,), "this field is missing")
    task = fields.get("task", tasks[0] if len(tasks) == 1 else None)
    if task is not None and task not in tasks:
        raise BadField(("task",), f"expected one of {', '.join(tasks)}, got {task!r}")
    if not isinstance(fields.get("features", False), bool):
        raise BadField(("features",), "expected true or false")
    return {**fields, "task": task}


def _check_count(candidates, most):
    """Too many candidates are refused before each of their values is read."""
    for name, values in candidates.items() if isinstance(candidates, Mapping) else ():
        if isinstance(values, list) and len(values) > most:
            message = f"expected at most {most} candidates, got {len(values)}"
            raise BadField(("candidates", name), message)


def _check_scores(replay, scores, user, candidates):
    """Numbers can be finite and too large for the model; the largest is named with its candidate.

    Raises:
        BadField: a score is not finite.
    """
    bad = ~np.all([np.isfinite(values) for values in scores.values()], axis=0)
    if not bad.any():
        return
    row, found = int(np.argmax(bad)), {}
    for side, arrays, at in (("request", user, 0), ("candidates", candidates, row)):
        for name, values in arrays.items():
            column = replay.encode.columns[name]
            if column.is_number:
                place = (side, column.source, *([row] if side == "candidates" else []))
                found[place] = float(np.abs(values[at]).max())
    place = max(found, key=found.get, default=("candidates",))
    raise BadField(
        place, f"expected values with a finite score, got none for candidate {row} of {len(bad)}"
    )


def _unknown(replay, fields, user, candidates):
    """Number of ids of each column that were unknown or left out of a list, without zeros."""
    found = {}
    for side, arrays in (("request", user), ("candidates", candidates)):
        for name, array in arrays.items():
            column = replay.encode.columns[name]
            if not column.has_ids:
                continue
            if column.is_list:
                number = _steps(fields[side][column.source]) - int(np.count_nonzero(array))
            else:
                number = int(np.isin(array, column.unknown).sum())
            if number:
                found[name] = number
    return found


def _steps(raw):
    """Number of values in lists of lists."""
    return sum(map(_steps, raw)) if isinstance(raw, list) else int(raw is not None)


def _schema(description):
    """The schema of a body in ``/openapi.json``: every column by name."""
    request, candidates = {}, {}
    moment = {"type": ["number", "string"]}
    for spec in description["columns"]:
        value: dict[str, Any] = {"type": ["string", "integer", "null"]}
        if spec["kind"] == "number":
            value = {"type": ["number", "null"]}
        if spec["kind"] == "list" or spec["length"] > 1:
            for _ in range(1 + (spec.get("sessions", 1) > 1 and "made" not in spec["values"])):
                value = {"type": "array", "items": value}
        fields = {spec["values"].get("source") or spec["name"]: value}
        for history in description.get("histories", ()):
            if spec["name"] in history["made"]:
                fields[history["times"]] = {"type": "array", "items": moment}
        if spec["name"] in description["request"]:
            request |= fields
        else:
            candidates |= {
                field: {"type": "array", "items": value, "minItems": 1}
                for field, value in fields.items()
            }
    if "moment" in description:
        request[description["moment"]["source"]] = moment
    sides = {
        name: {
            "type": "object",
            "properties": side,
            "required": list(side),
            "additionalProperties": False,
        }
        for name, side in (("request", request), ("candidates", candidates))
    }
    body = {
        "type": "object",
        "required": ["request", "candidates"],
        "additionalProperties": False,
        "properties": {
            **sides,
            "task": {"enum": list(description["tasks"])},
            "features": {"type": "boolean"},
        },
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}}
