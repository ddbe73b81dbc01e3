"""A log of answered requests, which ``recsys verify FOLDER --log FILE`` replays."""

import datetime
import io
import os
import threading
from collections.abc import Mapping
from typing import Any

import orjson

from recsys_pipeline.serve.metrics import Metrics


class RequestLog:
    """A file of JSON lines: ``time``, ``model``, ``request``, ``candidates`` and ``scores``.

    Lines are appended. One that cannot be written whole, since the disk is full, is taken back and
    counted; its request is answered all the same.

    Args:
        path: of the file.
        metrics: counts what could not be written.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike, metrics: Metrics):
        self._file = io.FileIO(os.fspath(path), "ab")
        self._metrics, self._lock = metrics, threading.Lock()

    def write(self, fields: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Append one request with its answer.

        Args:
            fields: of the request, raw.
            answer: with ``model`` and ``scores``.
        """
        line = {
            "time": datetime.datetime.now(datetime.UTC),
            "model": answer["model"],
            "request": fields["request"],
            "candidates": fields["candidates"],
            "scores": answer["scores"],
        }
        text = orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
        with self._lock:
            end = self._file.seek(0, io.SEEK_END)
            try:
                whole = self._file.write(text) == len(text)
            except OSError:
                whole = False
            if not whole:
                self._file.truncate(end)
                self._metrics.unlogged.inc()
