"""One number of a record."""

import pytest
import record_made

from recsys_book import recorded
from recsys_book.records.records import is_confirmed, records


@pytest.fixture
def swept(tmp_path):
    rows = [
        record_made.row("DIN", "1", 95.5),
        record_made.row("DIN", "6", 93.02, log_loss=[0.55, 0.54, 0.56]),
        record_made.row("mean", "6", 61.28),
        record_made.row("mean", "6", 41.5, slice="rare"),
        record_made.row("mean", "0.5", 71.5),
        record_made.row("mean", "varied", 1.0),
    ]
    record = record_made.made(summary=rows)
    record["declaration"]["sweep"] = record_made.SWEPT
    return record_made.put(tmp_path, record)


def test_without_a_sweep_the_model_is_enough(tmp_path):
    results = record_made.put(tmp_path, record_made.made())
    assert recorded("small.told", model="mean", results=results) == 61.28
    assert recorded("small.told", model="DIN", measure="auc", results=results) == 0.71


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        ({"model": "mean", "point": 6}, 61.28),
        ({"model": "mean", "point": 6.0}, 61.28),
        ({"model": "mean", "point": "6"}, 61.28),
        ({"model": "mean", "point": 0.5}, 71.5),
        ({"model": "DIN", "point": 1}, 95.5),
        ({"model": "DIN", "point": 6, "measure": "log_loss"}, 0.55),
        ({"model": "mean", "point": 6, "part": "rare"}, 41.5),
        ({"model": "mean", "part": "rare"}, 41.5),
        ({"model": "mean", "point": 6, "task": "click"}, 61.28),
    ],
)
def test_in_a_sweep_a_point_is_named(swept, wanted, number):
    assert recorded("small.told", results=swept, **wanted) == number


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"model": "GRU", "point": 6}, r"model: expected one of \['mean', 'DIN'\], got 'GRU'"),
        ({"model": "DIN"}, r"point: expected one of \['1', '6'\], got None"),
        ({"model": "DIN", "point": 7}, r"point: expected one of \['1', '6'\], got '7'"),
        ({"model": "mean", "point": "varied"}, r"point: expected one of \['0.5', '6'\]"),
        (
            {"model": "mean", "point": 6, "measure": "log_loss"},
            r"measure: expected one of \['points', 'auc'\], got 'log_loss'",
        ),
        (
            {"model": "mean", "point": 6, "measure": "worlds"},
            r"measure: expected one of \['points', 'auc'\], got 'worlds'",
        ),
        ({"model": "mean", "part": "frequent"}, r"part: expected one of \['all', 'rare'\]"),
        ({"model": "mean", "task": "like"}, r"task: expected one of \['click'\]"),
    ],
)
def test_what_is_not_recorded_is_named(swept, wanted, message):
    with pytest.raises(ValueError, match=message):
        recorded("small.told", results=swept, **wanted)


def test_an_experiment_without_record_is_named(swept):
    with pytest.raises(ValueError, match=r"expected one of \['small\.told'\], got 'small\.other'"):
        recorded("small.other", model="DIN", results=swept)


def test_an_exploratory_finding_is_not_confirmed():
    assert is_confirmed(record_made.LEADS)
    assert not is_confirmed(record_made.BEHIND)
    assert not is_confirmed(record_made.LEADS | {"exploratory": True})


def test_every_number_of_this_checkouts_records_can_be_asked_for():
    for identifier, one in records().items():
        for row in (row for row in one["summary"] if row["point"] != "varied"):
            wanted = {name: row[name] for name in ("model", "task", "point")}
            for measure in {"points", "error_points", "auc", "log_loss"} & set(row):
                found = recorded(identifier, part=row["slice"], measure=measure, **wanted)
                assert found == row[measure][0]
