"""Bodies that are too long, that do not arrive, and clients that leave."""

import json

import pytest
from asgi import ask
from small_shop import BODY

from recsys_pipeline.serve import answering, create_application


@pytest.mark.parametrize("chunk", [None, 50])
def test_a_body_that_is_too_long_is_refused_before_it_is_parsed(folder, chunk, monkeypatch):
    size = len(json.dumps(BODY))
    assert ask(create_application(folder, max_body=size), "/rank", BODY, chunk=chunk)[0] == 200
    application = create_application(folder, max_body=size - 1)
    monkeypatch.setattr(answering, "_read", None)
    status, headers, answer = ask(application, "/rank", BODY, chunk=chunk)
    assert (status, headers["connection"]) == (413, "close")
    assert answer["detail"][0]["msg"] == f"expected at most {size - 1} bytes"


def test_a_body_that_says_that_it_is_too_long_is_refused_before_it_arrives(folder):
    """Nothing of it has come when the answer goes; what comes then is read for a while."""
    application = create_application(folder, receive_timeout=0.05)
    length = [(b"content-length", b"2097153")]
    status, headers, answer = ask(application, "/rank", b"", ends=False, headers=length)
    assert (status, headers["connection"]) == (413, "close")
    assert answer["detail"][0]["msg"] == "expected at most 2097152 bytes"


def test_a_body_that_does_not_arrive_is_given_up(folder):
    application = create_application(folder, receive_timeout=0.05)
    status, headers, answer = ask(application, "/rank", json.dumps(BODY)[:50].encode(), ends=False)
    assert (status, headers["connection"]) == (408, "close")
    assert answer["detail"][0]["msg"] == "expected the whole body within 0.05 s"


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_fault_of_ours(application):
    some = json.dumps(BODY)[:50].encode()
    status, headers, _ = ask(application, "/rank", some, ends=False, leaves=True)
    assert (status, headers["connection"]) == (400, "close")
    assert 'path="/rank",status="400"} 1.0' in ask(application, "/metrics")[2]
