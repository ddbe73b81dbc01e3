"""The section on the service: what it asks over HTTP is what the bare pass computes."""

import contextlib
import io
import json

import keras
import numpy as np
import pytest
from asgi import ask

from benchmarks import serving
from recsys_pipeline.export import Replay, export
from recsys_pipeline.serve import create_application, golden_body


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    keras.utils.set_random_seed(0)
    model, _ = serving.small("fm")
    return export(model, tmp_path_factory.mktemp("serving") / "fm", request_columns=["user_id"])


def test_both_score_the_same_candidates(folder):
    body, replay = golden_body(folder, serving.NUM_CANDIDATES), Replay(folder)
    user, candidates = replay.encode(body["request"], body["candidates"])
    bare = replay.run["request"]({**user, **candidates})["click"]
    _, _, answer = ask(create_application(folder), "/rank", body)
    assert bare.shape == (serving.NUM_CANDIDATES,)
    np.testing.assert_allclose(answer["scores"]["click"], bare, rtol=1e-6)


def test_the_tables_are_printed(folder, monkeypatch, capsys):
    def measure(module):
        assert module == serving.__name__
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            serving.main()
        return json.loads(printed.getvalue())

    monkeypatch.setattr(serving, "measure", measure)
    monkeypatch.setattr(serving, "MODELS", {"FM, 3 columns": lambda: serving.small("fm")})
    monkeypatch.setattr(serving, "THREADED", ("FM, 3 columns",))
    monkeypatch.setattr(serving, "NUM_REQUESTS", 8)
    monkeypatch.setattr(serving, "NUM_WARM", 1)
    serving.print_section()
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].startswith("FM, 3 columns ") and lines[3].endswith("goal: at most 1.8")
    assert lines[4] == "FM, 3 columns, 4 clients at once after one alone:"
    assert all(line.endswith(" a second") for line in lines[5:]) and len(lines) > 6
