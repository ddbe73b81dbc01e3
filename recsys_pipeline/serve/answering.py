"""From the bytes of a request to the bytes of its answer."""

import collections
import time
from collections.abc import Mapping

import numpy as np
import orjson

from recsys_pipeline.export.fields import BadField
from recsys_pipeline.export.replay import Replay
from recsys_pipeline.serve.metrics import Metrics
from recsys_pipeline.serve.request_log import RequestLog

SHOWN_IDS = 20
"""So many unknown ids of a column are named."""
MAX_LISTS = 100_000
"""So many lists and objects a body may hold. They take most of the time of those that are parsed,
in which no other request is answered."""
_FIELDS = ("request", "candidates", "task", "features")


class NotJson(BadField):
    """A body that is no JSON text."""


class Answering:
    """Answers the bodies of ``/rank``.

    Args:
        replay: the model.
        max_candidates: of one request.
        metrics: to update.
        log: where answered requests are written, or None.
    """

    def __init__(
        self, replay: Replay, max_candidates: int, metrics: Metrics, log: RequestLog | None
    ):
        self.replay, self.max_candidates, self.metrics = replay, max_candidates, metrics
        self.log = log
        # Seconds per byte of the latest bodies: the first is no short one.
        self._paces = collections.deque([float("inf")], maxlen=16)

    def seconds(self, num_bytes: int) -> float:
        """How long a body of so many bytes will take at most, by what the latest ones took."""
        if self.log is not None:  # a disk may be slow
            return float("inf")
        return num_bytes * sorted(self._paces)[len(self._paces) // 2]

    def __call__(self, body: bytes) -> bytes:
        """The answer to a body, as JSON.

        Raises:
            BadField: something of the body cannot be read.
        """
        started = time.perf_counter()
        replay = self.replay
        fields = _read(body, replay.tasks)
        _check_count(fields["candidates"], self.max_candidates)
        user, candidates = replay.encode(fields["request"], fields["candidates"])
        count = len(next(iter(candidates.values())))
        scores = replay.scores(user, candidates)
        _check_scores(replay, scores, user, candidates)
        self.metrics.candidates.inc(count)
        unknown = {}
        for name, raws in replay.encode.unknown(fields, user, candidates).items():
            self.metrics.unknown.labels(name).inc(len(raws))
            unknown[name] = {"count": len(raws), "ids": [*dict.fromkeys(raws)][:SHOWN_IDS]}
        found = {"model": replay.description["checksum"], "scores": scores, "unknown": unknown}
        if fields["task"] is not None:
            found["order"] = np.argsort(-scores[fields["task"]], kind="stable")
        if fields.get("features"):
            found["features"] = {**user, **candidates}
        if self.log is not None:
            self.log.write(fields, found)
        answer = orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY)
        self._paces.append((time.perf_counter() - started) / len(body))
        return answer


def _read(body, tasks):
    if (count := body.count(b"[") + body.count(b"{")) > MAX_LISTS:
        raise NotJson((), f"expected at most {MAX_LISTS} lists and objects, got {count}")
    try:
        fields = orjson.loads(body)
    except ValueError as error:
        raise NotJson(
            (), f"expected JSON with finite numbers, at most 1,024 levels deep: {error}"
        ) from None
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
