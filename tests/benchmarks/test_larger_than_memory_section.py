"""Rate and memory of training on chunks: the same rows in all ways, and memory that is counted."""

import sys
import time

import numpy as np
import pytest

from benchmarks import larger_than_memory as section
from recsys_lib.features.columns import NumericColumn


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows")
    section.write(path, 2_500, 1_000)
    return path


def test_rows_have_39_columns_with_ids_of_their_vocabularies():
    columns = section.columns()
    assert len(columns) == 39 and sum(isinstance(c, NumericColumn) for c in columns) == 13
    assert max(c.vocabulary_size for c in columns[13:]) == section.LARGEST
    labels = section.rows_of(0, 5_000).label
    assert 0.3 < labels.mean() < 0.7
    assert (
        section.rows_of(0, 100).features["id_3"] != section.rows_of(1, 100).features["id_3"]
    ).any()


def test_all_ways_hold_the_same_rows(folder):
    data = {way: section.open_way(way, folder, 1_000) for way in section.WAYS}
    expected = data["memory"].train
    assert len(expected) == 2_500
    for way in ("mapped", "parquet"):
        assert data[way].train.sizes == (1_000, 1_000, 500)
        for number, rows in enumerate((slice(0, 1_000), slice(1_000, 2_000), slice(2_000, 2_500))):
            piece = data[way].train.read(number)
            for name, values in expected.features.items():
                np.testing.assert_array_equal(piece.features[name], values[rows])
            np.testing.assert_array_equal(piece.label, expected.label[rows])


@pytest.mark.skipif(sys.platform != "linux", reason="counted on Linux alone")
def test_the_peak_is_that_of_what_was_held_for_a_moment():
    """Other memory of the process may be given back meanwhile, so the block is a large one."""
    ends = time.monotonic() + 30
    with section.peak_of_anonymous() as largest:
        start = largest[0]
        block = np.ones(400 * 2**20 // 8)
        while largest[0] < start + 200 and time.monotonic() < ends:
            block += 1
        del block
    assert 200 <= largest[0] - start < 500
    assert start > 10


def test_the_section_prints_a_line_for_each_way_and_ratios(monkeypatch, capsys):
    found = {
        "memory": {"examples_per_second": [100.0], "start_mib": 10.0, "anonymous_mib": 900.0},
        "mapped": {"examples_per_second": [90.0], "start_mib": 10.0, "anonymous_mib": 300.0},
        "parquet": {"examples_per_second": [50.0], "start_mib": 10.0, "anonymous_mib": 400.0},
        "rates": {"rates": {"memory": [100, 10], "mapped": [80, 10], "parquet": [60, 5]}},
        "write": {},
    }
    calls = []

    def measure(module, what, *arguments):
        calls.append((what, *arguments[1:]))
        return found[what]

    monkeypatch.setattr(section, "measure", measure)
    section.print_section(50)
    printed = capsys.readouterr().out
    assert "50 rows of 39 columns, chunks of 10\n" in printed
    assert "4,096" in printed
    assert "            55             900             890" in printed
    assert "mapped chunks to in memory                      0.90   goal: at least 0.8" in printed
    assert "Parquet chunks to in memory                     0.55" in printed
    assert calls[0] == ("write", 50, 10) and calls[-1] == ("rates", 10, section.ROUNDS)
    section.print_section(30_000_000, in_turn=False)
    printed = capsys.readouterr().out
    assert "chunks of 1,000,000\n" in printed
    assert "mapped chunks to in memory                      0.90" in printed
    assert "Parquet chunks to in memory                     0.50" in printed
