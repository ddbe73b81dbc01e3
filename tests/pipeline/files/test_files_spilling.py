"""A CSV file that is read into a cache goes block by block to the disk, and gives the same data."""

import gzip

import numpy as np
import pyarrow as pa
import pytest

from recsys_pipeline import files
from recsys_pipeline.files import sources
from recsys_pipeline.files.arrays import bytes_of, number_values

ROWS = 500


@pytest.fixture
def log(tmp_path, monkeypatch):
    """A log of many blocks: ids that come late, missing values, numbers, a list."""
    monkeypatch.setattr(sources, "BLOCK_BYTES", 1 << 10)
    draw = np.random.default_rng(0)
    lines = ["click,item,price,seen"]
    for row in range(ROWS):
        item = "" if row % 50 == 7 else f"i{draw.integers(0, 3 + row // 20)}"
        price = "" if row % 9 == 0 else f"{draw.normal():.3f}"
        seen = "|".join(f"i{n}" for n in draw.integers(0, 9, row % 4))
        lines.append(f"{row % 2},{item},{price},{seen}")
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "data.toml").write_text(
        'files = "log.csv"\n[split]\nby = "order"\n[labels.click]\n[columns.item]\n'
        '[columns.price]\nkind = "numeric"\n'
        '[columns.seen]\nkind = "sequence"\nmax_length = 3\nseparator = "|"\ntable = "item"\n'
    )
    return tmp_path


def assert_same(found, expected):
    assert found.encoding() == expected.encoding()
    for name, split in expected.splits.items():
        for feature, values in split.features.items():
            np.testing.assert_array_equal(found.splits[name].features[feature], values)
        np.testing.assert_array_equal(found.splits[name].label, split.label)


def test_a_spilled_file_gives_the_data_of_one_in_memory(log):
    spilled = files.load(log / "data.toml", cache=log / "data.cache")
    assert_same(spilled, files.load(log / "data.toml"))
    assert sorted(path.name for path in log.iterdir()) == ["data.cache", "data.toml", "log.csv"]


def test_what_was_read_lies_in_mapped_blocks_and_not_in_memory(log):
    source = sources.TextFile(log / "log.csv", True, None, spill=log)
    before = pa.total_allocated_bytes()
    source.load({"item": ["category"], "price": ["number"]})
    column = source.column("item", "category")
    assert column.num_chunks > 5
    assert pa.total_allocated_bytes() - before < source.column("price", "number").nbytes // 4
    # Each block numbers its values anew; together they are numbered once.
    assert len({tuple(chunk.dictionary.to_pylist()) for chunk in column.chunks}) > 5
    found = number_values(column)
    values = [found.values[int(code)].as_py() if code >= 0 else None for code in found.codes]
    assert values == column.to_pylist()


def test_a_packed_file_is_unpacked_on_the_disk(log):
    packed = log / "log.csv.gz"
    packed.write_bytes(gzip.compress((log / "log.csv").read_bytes()))
    text = (log / "data.toml").read_text().replace("log.csv", "log.csv.gz")
    (log / "packed.toml").write_text(text)
    spilled = files.load(log / "packed.toml", cache=log / "packed.cache")
    assert_same(spilled, files.load(log / "data.toml"))
    found = bytes_of(packed, log)
    assert not isinstance(found, bytes) and found[:5] == b"click"
    (log / "broken.csv.gz").write_bytes(packed.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"broken\.csv\.gz: expected gzip data, got an error"):
        bytes_of(log / "broken.csv.gz", log)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n1,", "\n1,more,", r"log\.csv, line 3: expected 4 fields .*, got 5"),
        (",0.", ",O.", r"log\.csv, line \d+, column 'price': expected a number, got 'O\."),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_left(log, old, new, message):
    text = (log / "log.csv").read_text()
    (log / "log.csv").write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        files.load(log / "data.toml", cache=log / "data.cache")
    assert sorted(path.name for path in log.iterdir()) == ["data.toml", "log.csv"]
