"""The log of answered requests."""

import datetime
import io
import json

import pytest
from asgi import ask
from small_shop import BODY

from recsys_pipeline.serve import create_application, request_log


def test_answered_requests_are_logged_and_refused_ones_are_not(folder, tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text("{}\n")
    application = create_application(folder, log=log)
    _, _, answer = ask(application, "/rank", BODY)
    assert ask(application, "/rank", {})[0] == 422
    old, line = map(json.loads, log.read_text().splitlines())
    assert old == {}
    assert {name: line[name] for name in BODY} == BODY
    assert {name: line[name] for name in ("model", "scores")} == {
        name: answer[name] for name in ("model", "scores")
    }
    moment = datetime.datetime.fromisoformat(line["time"])
    assert abs(datetime.datetime.now(datetime.UTC) - moment) < datetime.timedelta(hours=1)
    with pytest.raises(OSError, match="Is a directory"):
        create_application(folder, log=tmp_path)


@pytest.mark.parametrize("is_short", [False, True])
def test_a_request_is_answered_where_the_log_is_full(folder, tmp_path, monkeypatch, is_short):
    """A part of a line is taken back, so that the next one stands alone."""

    class Full(io.FileIO):
        def write(self, text):
            written = super().write(text[:10])
            if is_short:
                return written
            raise OSError("no space left on device")

    log = tmp_path / "log.jsonl"
    application = create_application(folder, log=log)
    assert ask(application, "/rank", BODY)[0] == 200
    before = log.read_bytes()
    monkeypatch.setattr(request_log.io, "FileIO", Full)
    application = create_application(folder, log=log)
    assert ask(application, "/rank", BODY)[0] == 200
    assert log.read_bytes() == before
    assert "recsys_unlogged_requests_total 1.0" in ask(application, "/metrics")[2]
