"""Profiles of columns: what is counted exactly, and how near the samples of large logs come."""

import gzip

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline.files import column_profiles as profiles
from recsys_pipeline.files.batches import Batches
from recsys_pipeline.files.column_profiles import Values, hashes_of, profile


def values_of(numbers):
    found = Values()
    for part in np.array_split(numbers, 7):
        found.add(hashes_of(pa.array(part.astype(str))))
    return found


def test_many_values_are_estimated(monkeypatch):
    monkeypatch.setattr(profiles, "MOST_HASHES", 2000)
    few, many, half = (values_of(np.arange(n)) for n in (1500, 60_000, 30_000))
    assert (len(few), few.is_exact) == (1500, True)
    assert len(many) == pytest.approx(60_000, rel=0.1)
    assert len(many.hashes) == len(half.hashes) == 2000
    assert half.share_in(many) == 1
    assert many.share_in(half) == pytest.approx(0.5, abs=0.05)
    assert few.share_in(values_of(np.arange(750, 9000))) == pytest.approx(0.5, abs=0.08)


def batches_of(columns, rows=997):
    table = pa.table(columns)
    return table.to_batches(max_chunksize=rows)


@settings(max_examples=30, deadline=None)
@given(
    numbers=st.lists(st.one_of(st.none(), st.integers(-99, 99), st.floats(-9, 9)), min_size=1),
    rows=st.integers(1, 9),
)
def test_counts_and_ranges_are_those_of_all_rows(numbers, rows):
    texts = [None if number is None else f" {number}" for number in numbers]
    found = profile(batches_of({"x": pa.array(texts, pa.string())}, rows), [])[0]["x"]
    known = [number for number in numbers if number is not None]
    assert (found.rows, found.missing) == (len(numbers), len(numbers) - len(known))
    assert found.padded == len(known)
    if known:
        assert (found.low, found.high) == (min(known), max(known))
        assert found.is_number
        assert found.is_whole == all(float(number).is_integer() for number in known)


def owned(rows=40_000):
    rng = np.random.default_rng(0)
    item, user = rng.integers(0, 900, rows), rng.integers(0, 700, rows)
    once = np.where(rng.random(rows) < 0.01, 99, item % 13)
    return {
        "item": item,
        "user": user,
        "brand": item % 13,
        "nearly": once,
        "often": np.where(rng.random(rows) < 0.3, 99, item % 13),
        "country": user % 5,
        "gaps": np.where(rng.random(rows) < 0.3, "", (item % 13).astype(str)),
        "rare": (rng.random(rows) < 0.001).astype(int),  # nearly always 0, whatever the item is
        "constant": np.zeros(rows, int),
        "day": np.arange(rows) // 8000,
    }


@pytest.mark.parametrize("cells", [profiles.OWNER_CELLS, 0])
def test_what_depends_on_one_id_alone(monkeypatch, cells):
    """With fewer ids followed, too: 1,000 at least, here all or, of 3,000 items, a third."""
    monkeypatch.setattr(profiles, "OWNER_CELLS", cells)
    columns = owned()
    columns["item"] = columns["item"] + 900 * (np.arange(40_000) % 4)
    found, owners = profile(batches_of(columns), ["item", "user"])
    of_item = [name for name in columns if name != "item" and owners["item"].owns(found[name])]
    of_user = [name for name in columns if name != "user" and owners["user"].owns(found[name])]
    assert of_item == ["brand", "nearly", "gaps"]
    assert of_user == ["country"]
    assert owners["item"].share(found["brand"]) == 1
    assert owners["item"].share(found["nearly"]) == pytest.approx(0.98, abs=0.01)
    assert owners["item"].share(found["constant"]) is None
    if not cells:
        assert owners["item"].compared.max() < 20_000


def test_rows_of_the_sample_stay_together(monkeypatch):
    monkeypatch.setattr(profiles, "SAMPLE_BYTES", 1 << 16)
    numbers = np.arange(100_000)
    found = profile(batches_of({"a": numbers, "b": -numbers}), [])[0]
    kept = found["a"].numbers
    assert 2_000 < len(kept) < 5_000
    np.testing.assert_array_equal(kept, -found["b"].numbers)
    assert kept.mean() == pytest.approx(50_000, rel=0.05)  # of the whole file
    assert (found["a"].low, found["a"].high, found["a"].distinct) == (0, 99_999, 100_000)


@pytest.mark.parametrize("mark", [",", "::", "\t"])
def test_batches_are_the_rows_of_the_file(tmp_path, monkeypatch, mark):
    """Wherever a block ends, in the middle of a separator too; blank lines are none."""
    rng = np.random.default_rng(0)
    rows = [[f"{n}", "é" * (n % 9), "x y"] for n in rng.integers(0, 10**6, 2000)]
    lines = ["a" + mark + "b" + mark + "c", *(mark.join(row) for row in rows), "", ""]
    path = tmp_path / "log.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\r\n".join(lines))
    for size in (1 << 7, 1001, 1 << 20):
        monkeypatch.setattr("recsys_pipeline.files.batches.BLOCK_BYTES", size)
        read = pa.Table.from_batches(Batches([path], "csv").read())
        found = list(zip(*read.to_pydict().values(), strict=True))
        assert found == [(a, b or None, c) for a, b, c in rows]
    few = next(Batches([path], "csv").read(["c"]))
    assert few.column_names == ["c"]


def test_a_broken_archive_is_named(tmp_path):
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(b"a,click\n" + b"1,0\n2,1\n" * 9999)[:-20])
    with pytest.raises(ValueError, match=r"log\.csv\.gz: expected gzip data, got an error"):
        list(Batches([path], "csv").read())
