"""Data that were read from files: the service reads every raw row as training read it."""

import csv
import json

import numpy as np
import pytest

from recsys_lib.sequence import build_din
from recsys_pipeline.export import Replay, export, feature_skew
from recsys_pipeline.files import load

DESCRIPTION = """
files = "log.csv"
group = "user"

[labels.click]

[columns.user]
group = "user"

[columns."Item"]
group = "item"

[columns.brand]
group = "item"
missing = "zero"
min_count = 3

[columns.price]
kind = "numeric"
scaling = "log"
group = "item"

[columns.age]
kind = "numeric"
scaling = "bins"
num_bins = 4

[columns.history]
kind = "sequence"
max_length = 4
table = "item"
newest_first = true

[columns.tags]
kind = "sequence"
max_length = 2
ordered = false
group = "item"
"""


def raw_rows(count=300):
    """Rows as a log has them: text and numbers, some missing, lists of every length."""
    draw = np.random.default_rng(0)

    def some(values, missing=0.1):
        return None if draw.random() < missing else values[draw.integers(len(values))]

    items = list(range(100, 125))
    return [
        {
            "click": int(draw.random() < 0.4),
            "user": f"u{draw.integers(12)}",
            "Item": some(items),
            "brand": some([f"b{n}" for n in range(60)]),
            "price": None if draw.random() < 0.1 else round(float(draw.lognormal(2, 1)), 2),
            "age": None if draw.random() < 0.1 else int(draw.integers(18, 70)),
            "history": [some(range(100, 130), 0) for _ in range(draw.integers(0, 8))],
            "tags": [some("abcdef", 0) for _ in range(draw.integers(0, 4))],
        }
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def rows():
    return raw_rows()


@pytest.fixture(scope="module")
def data(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    with open(folder / "log.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            lists = {name: "|".join(map(str, row[name])) for name in ("history", "tags")}
            writer.writerow({**row, **lists})
    (folder / "data.toml").write_text(DESCRIPTION)
    return load(folder / "data.toml")


@pytest.fixture(scope="module")
def exported(data, tmp_path_factory):
    model = build_din(data.feature_columns, embedding_dim=3, hidden_units=(4,))
    return export(model, tmp_path_factory.mktemp("exports") / "din", data, onnx=False)


def test_the_service_reads_every_row_as_training_read_it(rows, data, exported):
    encode = Replay(exported, "tensorflow").encode
    for part in data.splits.values():
        raw = {name: [rows[row][name] for row in part.row_id] for name in rows[0]}
        del raw["click"]
        found = feature_skew({n: part.features[n] for n in encode.columns}, encode.rows(raw))
        assert (found["rows"] == 0).all(), found
    assert {"item", "price", "price_missing", "age", "history", "tags"} <= set(encode.columns)


def test_fields_have_the_names_of_the_file(exported):
    description = json.loads((exported / "description.json").read_text())
    golden = json.loads((exported / "golden.json").read_text())
    assert set(golden["request"]) == {"user", "age", "history"}
    assert set(golden["candidates"]) == {"Item", "brand", "price", "tags"}
    # Files are read list by list, so unknown ids leave each list by itself.
    assert description["side_by_side"] == []


def test_text_and_number_of_an_id_and_an_empty_cell_are_read_alike(exported):
    column = Replay(exported, "tensorflow").encode.columns["item"]
    assert column.id_of(101, ()) == column.id_of("101", ()) > 0
    assert column.id_of("", ()) == column.id_of(None, ()) > 0
    assert column.id_of("never", ()) == 0
