"""A request gives a history with its moments; the reader makes of it what training made."""

import numpy as np
import pytest
from timed_log import FIELDS, LENGTH, MADE, TIME, as_given, assert_no_skew, loaded, raw_rows, reader

from recsys_pipeline.export import Encoder, Values
from recsys_pipeline.export.describing import describe_column
from recsys_pipeline.export.fields import BadField
from recsys_pipeline.export.histories import describe_histories, histories_of
from recsys_pipeline.export.moments import seconds_of


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("names", [MADE, ("seen", *MADE), ("session_seen",), ("seen", "seen_age")])
def test_every_raw_row_becomes_what_training_made_of_it(tmp_path, newest_first, ordered, names):
    rows = raw_rows(newest_first=newest_first)
    said = f"newest_first = {str(newest_first).lower()}\nordered = {str(ordered).lower()}\n"
    data = loaded(tmp_path, rows, said)
    assert_no_skew(data, reader(data, ["item", *names]), rows, FIELDS)
    # What is compared is not all padding, and every kind of history is among it.
    known = [sum(one in set(data.vocabularies["item"]) for one in row["seen"]) for row in rows]
    lengths = [len(row["seen"]) for row in rows]
    assert min(known) == 0 and max(known) > LENGTH
    assert any(0 < a < b for a, b in zip(known, lengths, strict=True))
    assert any(len(set(row["when"])) < len(row["when"]) for row in rows)


def test_the_description_states_the_rules(tmp_path):
    data = loaded(tmp_path, raw_rows())
    columns = tuple(data.column(name) for name in ("item", "seen_age"))
    specs = [describe_column(column, Values()) for column in columns]
    said = describe_histories(histories_of(columns, data, None), specs)
    assert said["moment"] == {"source": "now", "unit": 1e-3, "format": None}
    (history,) = said["histories"]
    assert (history["name"], history["times"], history["unit"]) == ("seen", "when", 1e-3)
    assert history["made"] == ["seen_age"]
    assert history["sessions"] == {
        "rule": "a pause of more than `gap` seconds begins a session",
        "gap": 1800.0,
        "number": 2,
        "length": 3,
    }
    assert history["ages"]["edges"] == [2.0**power for power in range(31)]
    # The model does not read the ids themselves, so the history says how they are read.
    assert history["column"]["values"]["known"] == data.vocabularies["item"].tolist()
    assert specs[1]["values"] == {"source": "seen", "made": "ages"}
    for rule in ("sessions", "ages"):
        other = {**history, rule: {**history[rule], "rule": "another"}}
        description = {"columns": specs, "request": [], "side_by_side": []}
        with pytest.raises(ValueError, match=r"history 'seen': expected the rule .*got 'another'"):
            Encoder({**description, **said, "histories": [other]})


def test_a_model_that_reads_the_ids_alone_needs_no_moments(tmp_path):
    rows = raw_rows()
    data = loaded(tmp_path, rows)
    encode = reader(data, ["item", "seen"])
    assert_no_skew(data, encode, rows, ("item", "seen"))
    with pytest.raises(BadField, match=r"rows\.when: no such field"):
        encode.rows(as_given(rows, data.test, FIELDS))


ISO = "{:%Y-%m-%d %H:%M:%S.%f}"
IN_TOKYO = "{:%Y-%m-%dT%H:%M:%S.%f}+09:00"


@pytest.mark.parametrize(
    ("time", "shape", "hours"),
    [
        (TIME, ISO, 0),
        (TIME, IN_TOKYO, 9),
        (TIME + 'format = "%d.%m.%Y %H:%M:%S.%f"\n', "{:%d.%m.%Y %H:%M:%S.%f}", 0),
        (TIME + 'format = "%Y%m%d"\n', "{:%Y%m%d}", 24),
    ],
)
def test_the_requests_moment_may_be_a_text_as_in_the_file(tmp_path, time, shape, hours):
    rows = raw_rows(120)
    for row in rows:
        moment = np.datetime64(row["now"] + hours * 3_600_000, "ms").astype(object)
        row["when"] = [one / 1000 for one in row["when"]]
        row["now"] = shape.format(moment)
    data = loaded(tmp_path, rows, time=time)
    encode = reader(data, ["item", *MADE])
    assert_no_skew(data, encode, rows, FIELDS)
    if shape == "{:%Y%m%d}":  # a whole number that is read as a text
        rows = [{**row, "now": int(row["now"])} for row in rows]
        assert_no_skew(data, encode, rows, FIELDS)


def test_numbers_may_come_as_the_file_has_them_as_text(tmp_path):
    rows = raw_rows(120)
    for row in rows:  # fractions of a second, which no unit makes whole
        row["when"] = [f"{one / 1000:.3f}" for one in row["when"]]
        row["now"] = f"{row['now'] / 1000:.3f}"
    data = loaded(tmp_path, rows, time=TIME)
    encode = reader(data, ["item", *MADE])
    assert_no_skew(data, encode, rows, FIELDS)
    numbers = [
        {**row, "when": [float(one) for one in row["when"]], "now": float(row["now"])}
        for row in rows
    ]
    assert_no_skew(data, encode, numbers, FIELDS)


def test_what_was_seen_of_a_candidate_has_the_requests_moment(tmp_path):
    rows = raw_rows()
    data = loaded(tmp_path, rows, 'group = "item"\n')
    names = ["user", "item", *MADE]
    encode = reader(data, names, request=["user"])
    part, chosen = data.test, range(30, 40)
    now = max(rows[part.row_id[row]]["now"] for row in chosen)
    moved = [{**rows[part.row_id[row]], "now": now} for row in chosen]
    candidates = {field: [row[field] for row in moved] for field in ("item", "seen", "when")}
    user, found = encode({"user": "u1", "now": now}, candidates)
    assert set(user) == {"user"}
    raw = {field: [row[field] for row in moved] for field in ("user", "item", "seen", "when")}
    expected = data.encode({**raw, "now": [now / 1000] * len(moved)})
    for name in ("item", *MADE):
        np.testing.assert_array_equal(found[name], expected[name])
    assert len(np.unique(found["seen_age"])) > 3
    with pytest.raises(BadField) as caught:
        encode({"user": "u1", "now": now}, {**candidates, "when": candidates["when"][:-1]})
    assert caught.value.place == ("candidates", "when")


def test_only_steps_that_are_read_are_looked_at(tmp_path):
    """As in training: an unknown step, or one before those that are kept, may have any moment."""
    data = loaded(tmp_path, raw_rows())
    encode = reader(data, ["item", *MADE])
    known = data.vocabularies["item"][:LENGTH].tolist()
    request = {"seen": ["never", *known], "when": [99_000, 1, 2, 3, 4, 5], "now": 9_000}
    user, _ = encode(request, {"item": ["i1"]})
    raw = {name: [value] for name, value in {**request, "item": "i1", "user": "u1"}.items()}
    expected = data.encode({**raw, "now": [9.0]})
    for name in MADE:
        np.testing.assert_array_equal(user[name], expected[name])
    older = {**request, "seen": [known[0], *known]}
    np.testing.assert_array_equal(encode(older, {"item": ["i1"]})[0]["seen_age"], user["seen_age"])
    late = {**request, "when": [1, 2, 3, 4, 5, 99_000]}
    with pytest.raises(BadField, match=r"request\.when\.5: expected a moment before"):
        encode(late, {"item": ["i1"]})
    with pytest.raises(ValueError, match="expected moments before the row's own"):
        data.encode({**raw, "when": [late["when"]], "now": [9.0]})


@pytest.mark.parametrize("raw", [-1e306, 1e306, "-1e306", "nan", "1e999", True, None])
def test_a_moment_is_a_finite_number_of_seconds(raw):
    """Minus infinity would be taken for padding."""
    with pytest.raises(BadField, match=r"request\.when\.0: expected a number, got"):
        seconds_of(raw, 86_400, ("request", "when", 0))
    assert seconds_of("-1.5", 86_400, ()) == -129_600


def test_a_moment_is_one_of_this_age():
    assert seconds_of(1.65e12, 1e-3, ()) == 1.65e9
    with pytest.raises(BadField, match=r"when: .* in units of 1 s, got 1650000000000, after the y"):
        seconds_of(1_650_000_000_000, 1, ("request", "when"))
