"""A log whose histories have moments, read from a file, for the tests of exports and services."""

import csv
import json

import numpy as np

from recsys_lib.data.session_rules import AGE_EDGES, GAP_SECONDS
from recsys_pipeline.export import Encoder, feature_skew
from recsys_pipeline.export.describing import describe_column, values_of
from recsys_pipeline.export.histories import describe_histories, histories_of
from recsys_pipeline.files import load

LENGTH = 5
FIELDS = ("item", "seen", "when", "now")
MADE = ("session_seen", "seen_session", "seen_age")
HEAD = """
files = "log.csv"

[labels.click]

[split]
by = "order"
ratios = [0.6, 0.2, 0.2]

[columns.user]
group = "user"

[columns.item]
group = "item"
min_count = 2

[columns.seen]
kind = "sequence"
max_length = 5
table = "item"
times = "when"
sessions = [2, 3]
"""
TIME = '\n[time]\ncolumn = "now"\n'
MILLISECONDS = TIME + 'unit = "ms"\n'


def raw_rows(count=400, newest_first=False, seed=0):
    """Rows of a log in milliseconds: histories of every length, pauses on and beside the edges."""
    draw = np.random.default_rng(seed)
    gap = GAP_SECONDS * 1000
    pauses = [0, 0, 1, 4_000, gap - 1, gap, gap + 1, 5 * gap]
    edges = [int(edge) * 1000 for edge in AGE_EDGES[:24]]
    rows = []
    for row in range(count):
        now = 1_600_000_000_000 + 10_000_000 * row + int(draw.integers(1_000))
        steps = int(draw.integers(0, 12)) if row % 7 else 0
        # The last step is as old as a bucket's edge, or a millisecond beside it.
        newest = max(1, int(draw.choice(edges)) + int(draw.integers(-1, 2)))
        back = np.cumsum([newest, *draw.choice(pauses, max(0, steps - 1))])[:steps]
        moments = (now - back)[::-1].tolist()
        ids = [f"i{n}" for n in np.minimum(draw.integers(0, 30, steps), draw.integers(0, 30))]
        if newest_first:
            ids, moments = ids[::-1], moments[::-1]
        rows.append(
            {
                "click": int(draw.random() < 0.4),
                "user": f"u{draw.integers(5)}",
                "item": f"i{draw.integers(20)}",
                "seen": ids,
                "when": moments,
                "now": now,
            }
        )
    return rows


def loaded(folder, rows, more="", time=MILLISECONDS):
    """The data set of rows that stand in a file."""
    with open(folder / "log.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            lists = {name: "|".join(map(str, row[name])) for name in ("seen", "when")}
            writer.writerow({**row, **lists})
    (folder / "data.toml").write_text(HEAD + more + time)
    return load(folder / "data.toml")


def reader(data, names, request=None):
    """What reads raw values for a model of these columns."""
    columns = tuple(data.column(name) for name in names)
    values = values_of(columns, data, None)
    specs = [describe_column(column, values[column.name]) for column in columns]
    request = [name for name in names if name != "item"] if request is None else request
    said = describe_histories(histories_of(columns, data, None), specs)
    description = {"columns": specs, "request": request, "side_by_side": [], **said}
    return Encoder(json.loads(json.dumps(description)))


def as_given(rows, part, fields):
    return {field: [rows[row][field] for row in part.row_id] for field in fields}


def assert_no_skew(data, encode, rows, fields):
    """Raw rows are read as their training rows were: equal in every bit, of one type."""
    for part in data.splits.values():
        found = encode.rows(as_given(rows, part, fields))
        skew = feature_skew({name: part.features[name] for name in found}, found)
        assert (skew["rows"] == 0).all(), skew
        assert all(found[name].dtype == part.features[name].dtype for name in found)
