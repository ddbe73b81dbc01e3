"""Models whose histories have moments: exported, replayed and served, asked with raw requests."""

import json
import re

import keras
import numpy as np
import pytest
from asgi import ask
from reference import randomize
from timed_log import FIELDS, MADE, assert_no_skew, loaded, raw_rows

from recsys_lib.sequence import build_din, build_dsin
from recsys_pipeline.export import Replay, Values, export, folders, verify
from recsys_pipeline.export.describing import values_of
from recsys_pipeline.export.golden import golden_request
from recsys_pipeline.export.histories import histories_of
from recsys_pipeline.serve import create_application


@pytest.fixture(scope="module")
def rows():
    return raw_rows(newest_first=True)


@pytest.fixture(scope="module")
def data(rows, tmp_path_factory):
    return loaded(tmp_path_factory.mktemp("files"), rows, "newest_first = true\n")


def dsin(data):
    names = ("user", "item", "session_seen")
    model = build_dsin(
        [data.column(name) for name in names],
        histories=("session_seen",),
        num_sessions=2,
        embedding_dim=4,
        hidden_units=(4,),
    )
    randomize(model, seed=1)
    return model


def din(data):
    names = ("user", "item", "seen", "seen_session", "seen_age")
    model = build_din(
        [data.column(name) for name in names],
        histories=("seen",),
        step_context=("seen_age", "seen_session"),
        embedding_dim=4,
        hidden_units=(4,),
    )
    randomize(model, seed=2)
    return model


@pytest.fixture(scope="module", params=[dsin, din], ids=["dsin", "din"])
def exported(request, data, tmp_path_factory):
    keras.utils.set_random_seed(0)
    model = request.param(data)
    return export(model, tmp_path_factory.mktemp("exports") / "model", data, onnx=False)


@pytest.fixture(scope="module")
def application(exported):
    return create_application(exported, engine="tensorflow")


def test_an_exported_model_reads_every_row_as_training_read_it(rows, data, exported):
    encode = Replay(exported, "tensorflow").encode
    fields = ("user", *FIELDS)
    assert_no_skew(data, encode, rows, fields)
    assert set(encode.columns) & set(MADE)


def test_the_golden_request_holds_moments_and_is_replayed_without_the_library(data, exported):
    golden = json.loads((exported / "golden.json").read_text())
    assert set(golden["request"]) == {"user", "seen", "when", "now"}
    assert set(golden["candidates"]) == {"item"}
    when, now = golden["request"]["when"], golden["request"]["now"]
    assert len(when) == len(golden["request"]["seen"]) >= 3
    assert when == sorted(when, reverse=True) and when[0] < now  # the newest in front
    assert {type(one) for one in [*when, now]} == {int}
    # It is a row of the test split.
    (row,) = np.flatnonzero(data.test.time == now / 1000)
    made = [name for name in MADE if name in golden["features"]]
    for name in made:
        np.testing.assert_array_equal(golden["features"][name][0], data.test.features[name][row])
    assert made and "as exported" in verify(exported, "tensorflow")


def test_the_service_answers_raw_moments_and_makes_the_features_of_training(
    rows, data, application
):
    part, known = data.test, set(data.vocabularies["item"])
    lost = [sum(one not in known for one in rows[row]["seen"]) for row in part.row_id]
    for place in (3, 4, int(np.argmax(lost))):
        row = rows[part.row_id[place]]
        request = {field: row[field] for field in ("user", "seen", "when", "now")}
        body = {"request": request, "candidates": {"item": ["i1", "i2"]}, "features": True}
        status, _, answer = ask(application, "/rank", body)
        assert status == 200 and len(answer["order"]) == 2
        for name in set(MADE) & set(answer["features"]):
            assert answer["features"][name] == [part.features[name][place].tolist()]
    assert set(answer["unknown"]) <= {"user", "item", "seen", "session_seen"}
    (name,) = {"seen", "session_seen"} & set(answer["unknown"])
    assert answer["unknown"][name]["count"] == max(lost) > 0
    _, _, text = ask(application, "/metrics")
    assert f'recsys_unknown_values_total{{column="{name}"}}' in text
    assert 'column="seen_age"' not in text
    schema = ask(application, "/openapi.json")[2]["paths"]["/rank"]["post"]["requestBody"]
    side = schema["content"]["application/json"]["schema"]["properties"]["request"]
    moment = {"type": ["number", "string"]}
    assert set(side["required"]) == {"user", "seen", "when", "now"}
    assert side["properties"]["now"] == moment
    assert side["properties"]["when"] == {"type": "array", "items": moment}
    assert side["properties"]["seen"]["items"] == {"type": ["string", "integer", "null"]}


BEFORE = "expected a moment before the request's own"
REQUEST = {"user": "u1", "seen": ["i3", "i2", "i1"], "when": [5_000, 4_000, 3_000], "now": 9_000}


@pytest.mark.parametrize(
    ("changed", "place", "message"),
    [
        ({"when": [5_000, 4_000]}, ["when"], "expected 3 moments, one for each id, got 2"),
        ({"when": 5_000}, ["when"], "expected a list"),
        ({"when": [5_000, "soon", 3_000]}, ["when", 1], "expected a number, got"),
        ({"when": [5_000, "1970-01-01", 3_000]}, ["when", 1], "expected a number, got"),
        ({"when": [5_000, None, 3_000]}, ["when", 1], "expected a number, got null"),
        ({"when": [5_000, True, 3_000]}, ["when", 1], "expected a number, got true"),
        ({"when": [5_000, "inf", 3_000]}, ["when", 1], "expected a number"),
        ({"when": [9_000, 4_000, 3_000]}, ["when", 0], BEFORE),
        ({"when": [5_000, 4_000, 9_500]}, ["when", 2], BEFORE),
        ({"when": [3_000, 4_000, 5_000]}, ["when", 1], "expected moments in order of time"),
        ({"when": [5_000, 6_000, 3_000]}, ["when", 0], "expected moments in order of time"),
        ({"seen": None}, ["when"], "expected 0 moments"),
        ({"seen": ["i3", 1.5, "i1"]}, ["seen", 1], "expected text or an integer"),
        ({"now": None}, ["now"], r"expected a number or a date \(ISO 8601\), got null"),
        ({"now": "tomorrow"}, ["now"], r"expected a number or a date \(ISO 8601\), got"),
        ({"now": [9_000]}, ["now"], r"expected a number or a date \(ISO 8601\), got \["),
        ({"seen_age": [1, 2, 3]}, ["seen_age"], "no such field"),
        ({"session_seen": [["i1"]]}, ["session_seen"], "no such field"),
    ],
)
def test_a_bad_moment_is_answered_with_its_place(application, changed, place, message):
    body = {"request": {**REQUEST, **changed}, "candidates": {"item": ["i1"]}}
    status, _, answer = ask(application, "/rank", body)
    (detail,) = answer["detail"]
    assert (status, detail["loc"]) == (422, ["body", "request", *place])
    assert re.match(message, detail["msg"])


@pytest.mark.parametrize("field", ["when", "now"])
def test_a_moment_that_is_not_there_is_named(application, field):
    request = {name: value for name, value in REQUEST.items() if name != field}
    status, _, answer = ask(
        application, "/rank", {"request": request, "candidates": {"item": ["i1"]}}
    )
    (detail,) = answer["detail"]
    assert (status, detail["loc"]) == (422, ["body", "request", field])
    assert detail["msg"] == "this field is missing"


def test_without_the_ids_in_the_data_the_golden_request_draws_a_history(data, tmp_path):
    model = dsin(data)
    part = data.with_columns(["user", "item", "session_seen"])
    folder = export(model, tmp_path / "dsin", part, onnx=False)
    golden = json.loads((folder / "golden.json").read_text())
    when = golden["request"]["when"]
    assert when and when == sorted(when, reverse=True) and when[0] < golden["request"]["now"]
    assert np.count_nonzero(golden["features"]["session_seen"])


def test_a_golden_request_gives_the_newest_moment_first_where_the_file_does(data):
    names = ("user", "item", "seen", "seen_age")
    columns = [data.column(name) for name in names]
    values, histories = values_of(columns, data, None), histories_of(columns, data, None)
    once, _ = golden_request(columns, values, ["user", "seen", "seen_age"], data, histories)
    assert len(once["when"]) == len(once["seen"]) >= 3
    assert once["when"] == sorted(once["when"], reverse=True) != once["when"][::-1]


def test_a_candidates_history_is_in_the_golden_request_too(tmp_path):
    data = loaded(tmp_path, raw_rows(), 'group = "item"\n')
    folder = export(din(data), tmp_path / "din", data, onnx=False)
    golden = json.loads((folder / "golden.json").read_text())
    assert set(golden["request"]) == {"user", "now"}
    assert set(golden["candidates"]) == {"item", "seen", "when"}
    now, when = golden["request"]["now"], golden["candidates"]["when"]
    assert all(one < now for times in when for one in times) and any(when)


def test_ages_that_are_described_by_hand_are_given_as_ids(data, tmp_path):
    values = {"seen_age": Values(keep="last"), "seen_session": Values(keep="last")}
    folder = export(din(data), tmp_path / "din", data, values=values, onnx=False)
    golden = json.loads((folder / "golden.json").read_text())
    assert set(golden["request"]) == {"user", "seen", "seen_age", "seen_session"}
    assert not {"moment", "histories"} & set(json.loads((folder / "description.json").read_text()))


@pytest.mark.parametrize("name", ["seen", "seen_session"])
def test_a_history_with_moments_has_no_list_beside_it(data, tmp_path, name):
    groups = [[name, "seen_age"]]
    with pytest.raises(ValueError, match=r"side_by_side: expected lists that are not read with"):
        export(din(data), tmp_path / "din", data, side_by_side=groups, onnx=False)


def test_the_script_gives_no_name_to_two_things():
    """Its modules stand one behind the other: the last of two definitions would hold for both."""
    text = folders.standalone()
    names = re.findall(r"^(?:def |class )(\w+)|^(\w+)(?:, \w+)*(?:: [^=\n]+)? = ", text, re.M)
    found = [a or b for a, b in names]
    assert len(found) == len(set(found)) > 20
    assert "recsys_" not in "\n".join(
        line for line in text.splitlines() if line.startswith(("import ", "from "))
    )
