"""What the service answers: scores of raw values, what is wrong with a body, health, metrics."""

import asyncio
import json
import shutil
import threading
import time

import numpy as np
import pytest
import small_shop
from asgi import ask, asked
from small_shop import BODY, CANDIDATES, REQUEST

from recsys_lib.training import rank
from recsys_pipeline.export import Platt, Replay, export
from recsys_pipeline.export.reading import Encoder
from recsys_pipeline.serve import answering, create_application
from recsys_pipeline.serve import application as application_module

ENCODED_USER = {
    "user_id": 1,
    "place": [0.5, -1.0],
    "history": [3, 1, 0, 0],
    "history_category": [2, 3, 0, 0],
}
ENCODED_CANDIDATES = {"item_id": [1, 6, 2], "category": [1, 2, 3], "price": [0.1, -2.0, 3.5]}


@pytest.fixture(scope="module")
def two_tasks(tmp_path_factory):
    model = small_shop.mmoe()
    parent = tmp_path_factory.mktemp("served")
    steps = [Platt("zeta", 2.0, 0.5)]
    data = small_shop.dataset(small_shop.TASKS)
    return create_application(export(model, parent / "mmoe", data, calibration=steps))


def changed(side, **columns):
    return {**BODY, side: {**BODY[side], **columns}}


def test_raw_values_score_like_rank(din, application):
    status, _, answer = ask(application, "/rank", BODY)
    expected = rank(din, ENCODED_USER, ENCODED_CANDIDATES)
    assert status == 200
    np.testing.assert_allclose(answer["scores"]["click"], expected.scores, atol=1e-5)
    assert answer["order"] == expected.order.tolist()
    assert answer["unknown"] == {}


def test_unknown_values_are_answered_and_counted(din, application):
    body = changed("request", user_id="nobody", history=["i3", "new", "i1"])
    body["request"]["history_category"] = [20, 10, 30]
    body["candidates"] = {**CANDIDATES, "item_id": ["i1", "new", None]}
    status, _, answer = ask(application, "/rank", body)
    user = {**ENCODED_USER, "user_id": 0}
    expected = rank(din, user, {**ENCODED_CANDIDATES, "item_id": [1, 0, 0]})
    assert status == 200
    np.testing.assert_allclose(answer["scores"]["click"], expected.scores, atol=1e-5)
    assert answer["unknown"] == {
        "user_id": {"count": 1, "ids": ["nobody"]},
        "history": {"count": 1, "ids": ["new"]},
        "item_id": {"count": 2, "ids": ["new", None]},
    }
    _, _, text = ask(application, "/metrics")
    assert 'recsys_unknown_values_total{column="item_id"} 2.0' in text
    assert 'recsys_unknown_values_total{column="category"} 0.0' in text


def test_what_the_model_reads_is_told_on_request(application):
    _, _, answer = ask(application, "/rank", {**BODY, "features": True})
    found = answer["features"]
    assert found["history"] == [ENCODED_USER["history"]]
    assert found["item_id"] == ENCODED_CANDIDATES["item_id"]
    np.testing.assert_allclose(found["price"], ENCODED_CANDIDATES["price"], rtol=1e-6)
    assert "features" not in ask(application, "/rank", BODY)[2]


def test_of_several_tasks_one_may_be_named_for_the_order(two_tasks):
    names = ("user_id", "place")
    body = {"request": {name: REQUEST[name] for name in names}, "candidates": CANDIDATES}
    _, _, answer = ask(two_tasks, "/rank", body)
    assert set(answer["scores"]) == set(small_shop.TASKS) and "order" not in answer
    _, _, named = ask(two_tasks, "/rank", {**body, "task": "alpha"})
    assert named["order"] == np.argsort(-np.array(answer["scores"]["alpha"])).tolist()
    assert named["scores"] == answer["scores"]


def test_answers_are_calibrated(two_tasks, tmp_path):
    body = {
        "request": {name: REQUEST[name] for name in ("user_id", "place")},
        "candidates": CANDIDATES,
    }
    _, _, answer = ask(two_tasks, "/rank", body)
    plain = export(small_shop.mmoe(), tmp_path / "plain", small_shop.dataset(small_shop.TASKS))
    _, _, raw = ask(create_application(plain), "/rank", body)
    p = np.array(raw["scores"]["zeta"])
    expected = 1 / (1 + np.exp(-(2 * np.log(p / (1 - p)) + 0.5)))
    np.testing.assert_allclose(answer["scores"]["zeta"], expected, rtol=1e-6)
    np.testing.assert_allclose(answer["scores"]["alpha"], raw["scores"]["alpha"], rtol=1e-9)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ([], []),
        ({"request": REQUEST}, ["candidates"]),
        ({"candidates": CANDIDATES}, ["request"]),
        ({**BODY, "candidate": {}}, ["candidate"]),
        ({**BODY, "task": "buy"}, ["task"]),
        ({**BODY, "task": ["click"]}, ["task"]),
        ({**BODY, "features": "yes"}, ["features"]),
        ({**BODY, "request": None}, ["request"]),
        (changed("request", user_id=1.5), ["request", "user_id"]),
        (changed("request", place=[1.0]), ["request", "place"]),
        (changed("request", place=[1.0, "x"]), ["request", "place", 1]),
        (
            changed("request", history=["i1"] * 5, history_category=[10] * 5),
            ["request", "history"],
        ),
        (changed("request", history=["i1"]), ["request", "history_category"]),
        (changed("request", histroy=[]), ["request", "histroy"]),
        (changed("candidates", item_id=["i1", "i2", {}]), ["candidates", "item_id", 2]),
        (changed("candidates", category=[10]), ["candidates", "category"]),
        (changed("candidates", item_id=[]), ["candidates", "item_id"]),
        ({**BODY, "candidates": {"item_id": ["i1"]}}, ["candidates", "category"]),
    ],
)
def test_a_body_that_cannot_be_read_names_the_field(application, body, place):
    status, _, answer = ask(application, "/rank", body)
    assert status == 422
    (detail,) = answer["detail"]
    assert detail["loc"] == ["body", *place]
    assert detail["msg"]


@pytest.mark.parametrize(
    ("body", "place", "message"),
    [
        (b"not json", [], "invalid literal"),
        (changed("candidates", price=[1, 2, float("inf")]), [], "unexpected character"),
        (changed("candidates", price=[1, float("nan"), 2]), [], "unexpected character"),
        (changed("candidates", price=[1, 10**400, 2]), [], "number is infinity"),
        (b'{"request": ' + b"[" * 40_000 + b"]" * 40_000 + b"}", [], "depth limit"),
        (changed("candidates", price=[1, 2, -1e39]), ["candidates", "price", 2], "got -1e+39"),
        (b"[" + b"[]," * 100_000 + b"[]]", [], "at most 100000 lists and objects, got 100002"),
        (changed("request", place=[1e39, 0]), ["request", "place", 0], "got 1e+39"),
    ],
)
def test_what_is_no_json_of_numbers_that_float32_has_is_a_bad_request(
    application, body, place, message
):
    status, _, answer = ask(application, "/rank", body)
    (detail,) = answer["detail"]
    assert (status, detail["loc"]) == (400, ["body", *place])
    assert detail["msg"].startswith("expected ") and message in detail["msg"]


def test_too_many_candidates_are_refused(folder):
    application = create_application(folder, max_candidates=2)
    status, _, answer = ask(application, "/rank", BODY)
    assert (status, answer["detail"][0]["loc"]) == (422, ["body", "candidates", "item_id"])
    two = {name: values[:2] for name, values in CANDIDATES.items()}
    assert ask(application, "/rank", {**BODY, "candidates": two})[0] == 200


def test_too_many_candidates_are_refused_before_their_values_are_read(folder, monkeypatch):
    application = create_application(folder, max_candidates=2)
    monkeypatch.setattr(Encoder, "__call__", None)
    assert ask(application, "/rank", BODY)[0] == 422


def test_health_is_answered_while_a_large_body_is_read(application, monkeypatch):
    """What takes long is read and scored on a thread; so are the first requests."""
    finished, begun = [], threading.Event()

    def slow(*_):
        begun.set()
        time.sleep(0.5)
        return b"{}"

    monkeypatch.setattr(answering.Answering, "__call__", slow)

    async def note(path, *body):
        assert (await asked(application, path, *body))[0] == 200
        finished.append(path)

    async def once_begun():
        while not begun.is_set():
            await asyncio.sleep(0.001)
        await note("/health")

    async def both():
        await asyncio.gather(note("/rank", BODY), once_begun())

    asyncio.run(both())
    assert finished == ["/health", "/rank"]


def test_short_requests_are_answered_where_they_are_read(application, monkeypatch):
    threads = []
    scores = Replay.scores
    monkeypatch.setattr(
        Replay,
        "scores",
        lambda *arguments: threads.append(threading.current_thread()) or scores(*arguments),
    )
    monkeypatch.setattr(application_module, "SHORT_SECONDS", 0.0)
    monkeypatch.setattr(application_module, "ALONE_SECONDS", 60.0)

    def is_on_a_thread():
        assert ask(application, "/rank", BODY)[0] == 200
        return threads[-1] is not threading.main_thread()

    assert is_on_a_thread()  # nobody knows yet how long it takes
    assert not [is_on_a_thread() for _ in range(4)][-1]
    application.in_flight += 1  # another one waits
    assert is_on_a_thread()
    monkeypatch.setattr(application_module, "SHORT_SECONDS", 60.0)
    assert not is_on_a_thread()


def test_requests_that_arrive_together_are_none_of_them_alone(application, monkeypatch):
    places = []
    call = answering.Answering.__call__
    monkeypatch.setattr(
        answering.Answering,
        "__call__",
        lambda *given: places.append(threading.current_thread()) or call(*given),
    )
    monkeypatch.setattr(answering.Answering, "seconds", lambda *_: 0.01)

    async def both():
        await asyncio.gather(*[asked(application, "/rank", BODY) for _ in range(2)])

    asyncio.run(both())
    assert len(places) == 2 and places[0] is not threading.main_thread()


def test_of_many_unknown_ids_some_are_named(application):
    many = {"item_id": [f"new {n % 30}" for n in range(60)], "category": [10] * 60}
    body = {"request": REQUEST, "candidates": {**many, "price": [0] * 60}}
    _, _, answer = ask(application, "/rank", body)
    expected = {"count": 60, "ids": [f"new {n}" for n in range(20)]}
    assert answer["unknown"] == {"item_id": expected}


def test_a_number_that_is_too_large_for_the_model_is_named_with_its_candidate(tmp_path):
    large = small_shop.din()
    for variable in large.trainable_variables:  # products of finite numbers become infinite
        variable.assign(100 * variable)
    application = create_application(export(large, tmp_path / "din", small_shop.dataset()))
    for body, place in (
        (changed("candidates", price=[1, 2, 2e38]), ["candidates", "price", 2]),
        (changed("candidates", price=[1, -2e38, 2e38]), ["candidates", "price", 1]),
        (changed("request", place=[0.5, -3e38]), ["request", "place"]),
    ):
        status, _, answer = ask(application, "/rank", body)
        (detail,) = answer["detail"]
        assert (status, detail["loc"]) == (422, ["body", *place])
        row = place[2] if len(place) == 3 else 0
        message = f"expected values with a finite score, got none for candidate {row} of 3"
        assert detail["msg"] == message
    assert ask(application, "/rank", BODY)[0] == 200


@pytest.mark.parametrize("option", ["threads", "max_candidates", "max_body"])
def test_options_that_cannot_be_meant_are_refused(folder, option):
    with pytest.raises(ValueError, match=f"{option}: expected an integer of 1 or more, got 0"):
        create_application(folder, **{option: 0})


def test_other_paths_and_methods_are_none(application):
    assert ask(application, "/rnak", BODY)[0] == 404
    assert ask(application, "/rank")[0] == 405


def test_health_says_which_model_is_served(application, folder):
    status, headers, answer = ask(application, "/health")
    description = json.loads((folder / "description.json").read_text())
    assert (status, answer["status"]) == (200, "ok")
    assert answer["model"] == description["checksum"]
    assert answer["versions"] == description["versions"]
    assert "connection" not in headers
    assert ask(application, "/rank", BODY)[2]["model"] == description["checksum"]


def test_a_service_that_is_about_to_stop_says_so_and_answers(application):
    application.state.draining = True
    status, headers, answer = ask(application, "/health")
    assert (status, answer["status"], headers["connection"]) == (503, "stopping", "close")
    status, headers, _ = ask(application, "/rank", BODY)
    assert (status, headers["connection"]) == (200, "close")


def test_metrics_count_requests_candidates_and_time(application):
    for body in (BODY, BODY, b"no"):
        ask(application, "/rank", body)
    ask(application, "/somewhere")
    status, headers, text = ask(application, "/metrics")
    lines = text.splitlines()
    assert status == 200 and headers["content-type"].startswith("text/plain")
    assert 'recsys_requests_total{path="/rank",status="200"} 2.0' in lines
    assert 'recsys_requests_total{path="/rank",status="400"} 1.0' in lines
    assert 'recsys_requests_total{path="other",status="404"} 1.0' in lines
    assert "recsys_candidates_total 6.0" in lines
    assert "recsys_request_seconds_count 3.0" in lines
    # This one is not answered yet.
    assert "recsys_requests_in_flight 1.0" in lines


def test_an_answer_that_fails_is_counted_and_leaves_nothing_in_flight(application, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Replay, "scores", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        ask(application, "/rank", BODY)
    lines = ask(application, "/metrics")[2].splitlines()
    assert 'recsys_requests_total{path="/rank",status="500"} 1.0' in lines
    assert "recsys_requests_in_flight 1.0" in lines


def test_the_schema_names_every_column(application):
    status, _, schema = ask(application, "/openapi.json")
    body = schema["paths"]["/rank"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert status == 200
    assert set(body["properties"]["request"]["properties"]) == set(REQUEST)
    assert set(body["properties"]["candidates"]["required"]) == set(CANDIDATES)
    assert body["properties"]["task"]["enum"] == ["click"]
    numbers = body["properties"]["request"]["properties"]["place"]
    assert numbers == {"type": "array", "items": {"type": ["number", "null"]}}


def test_an_export_that_was_changed_is_not_served(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    with open(copy / "request.onnx", "ab") as file:
        file.write(b"\n")
    with pytest.raises(ValueError, match="expected the file that was exported"):
        create_application(copy)
    with pytest.raises(ValueError, match="expected the description of an export"):
        create_application(tmp_path)


def test_a_model_that_scores_otherwise_is_not_served(folder, monkeypatch):
    from recsys_pipeline.export import replay

    monkeypatch.setattr(replay, "difference", lambda found, expected: 1.0)
    with pytest.raises(ValueError, match="golden request, rows, 'click': candidate"):
        create_application(folder)


def test_both_engines_give_one_answer(folder):
    answers = [
        ask(create_application(folder, engine=engine), "/rank", BODY)[2]["scores"]["click"]
        for engine in ("onnx", "tensorflow")
    ]
    np.testing.assert_allclose(*answers, atol=1e-5)
