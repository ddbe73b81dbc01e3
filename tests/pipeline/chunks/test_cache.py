"""The cache: what is read back is what was written, and nothing that is half or stale is read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys_lib.data import simulator
from recsys_pipeline import files
from recsys_pipeline.chunks import cache
from recsys_pipeline.files import loading

ROOT = Path(__file__).parents[3]

SAID = """\
files = "log.csv"
other_columns = "categorical"
slices = ["item"]
group = "user"
[time]
column = "time"
[labels.label]
[labels.watch]
kind = "regression"
optional = true
[columns.price]
kind = "numeric"
[columns.seen]
kind = "sequence"
max_length = 3
table = "item"
"""


@pytest.fixture
def shop(tmp_path):
    rng = np.random.default_rng(0)
    rows = 80
    frame = pd.DataFrame(
        {
            "label": rng.integers(0, 2, rows),
            "watch": np.where(rng.random(rows) < 0.5, np.nan, rng.normal(size=rows).round(3)),
            "user": [f"u{number}" for number in rng.integers(0, 4, rows)],
            "item": [f"i{number}" for number in rng.integers(0, 5, rows)],
            "time": np.arange(rows),
            "price": rng.normal(size=rows).round(3),
            "seen": ["|".join(f"i{n}" for n in rng.integers(0, 5, k)) for k in np.arange(rows) % 5],
        }
    )
    frame.to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "data.toml").write_text(SAID)
    return tmp_path


def assert_equal(first, second):
    assert first.feature_columns == second.feature_columns
    assert first.tasks == second.tasks
    assert first.left_out == second.left_out
    assert first.warnings == second.warnings
    assert first.description == second.description
    assert first.encoders == second.encoders
    assert set(first.vocabularies) == set(second.vocabularies)
    for name, values in first.vocabularies.items():
        assert values.tolist() == second.vocabularies[name].tolist()
    for name, split in first.splits.items():
        other = second.splits[name]
        for kind in ("features", "labels", "as_of", "slices", "label_masks"):
            assert list(getattr(split, kind)) == list(getattr(other, kind)) or kind == "features"
            for key, array in getattr(split, kind).items():
                np.testing.assert_array_equal(array, getattr(other, kind)[key])
                assert array.dtype == getattr(other, kind)[key].dtype
        for kind in ("group", "row_id", "time"):
            np.testing.assert_array_equal(getattr(split, kind), getattr(other, kind))


def is_mapped(array):
    while array is not None:
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


def test_what_comes_from_the_cache_is_what_comes_from_the_files(shop):
    plain = files.load(shop / "data.toml")
    first = files.load(shop / "data.toml", cache=shop / "cache")
    again = files.load(shop / "data.toml", cache=shop / "cache")
    assert_equal(plain, first)
    assert_equal(plain, again)
    assert is_mapped(again.train.features["seen"])
    assert is_mapped(again.train.labels["label"])
    raw = {"user": ["u1"], "item": ["i2"], "price": [0.5], "seen": [["i1"]]}
    for name, array in plain.encode(raw).items():
        np.testing.assert_array_equal(array, again.encode(raw)[name])


def reads(shop, monkeypatch, **options):
    """Whether the files had to be read."""
    opened = []
    real = loading.open_sources
    monkeypatch.setattr(loading, "open_sources", lambda *a, **k: opened.append(1) or real(*a, **k))
    dataset = files.load(shop / "data.toml", cache=shop / "cache", **options)
    monkeypatch.setattr(loading, "open_sources", real)
    assert_equal(dataset, files.load(shop / "data.toml", **options))
    return bool(opened)


def test_the_files_are_read_again_when_something_has_changed(shop, monkeypatch):
    assert reads(shop, monkeypatch)
    assert not reads(shop, monkeypatch)
    (shop / "data.toml").write_text("# the same words\n" + SAID)
    os.utime(shop / "log.csv", (1, 1))
    assert not reads(shop, monkeypatch)
    (shop / "data.toml").write_text(SAID.replace("max_length = 3", "max_length = 2"))
    assert reads(shop, monkeypatch)
    assert reads(shop, monkeypatch, min_count=2)
    assert reads(shop, monkeypatch)
    # One digit, the same size and the same time.
    text, stat = (shop / "log.csv").read_text(), (shop / "log.csv").stat()
    place = text.rindex("u")
    (shop / "log.csv").write_text(text[:place] + "x" + text[place + 1 :])
    os.utime(shop / "log.csv", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert reads(shop, monkeypatch)
    assert not reads(shop, monkeypatch)


def test_files_that_change_their_places_are_other_data(shop, monkeypatch):
    lines = (shop / "log.csv").read_text().splitlines(keepends=True)
    for name, first, last in (("a", 1, 41), ("b", 41, 51), ("c", 51, 61), ("d", 61, 81)):
        (shop / f"{name}.csv").write_text(lines[0] + "".join(lines[first:last]))
    said = SAID.replace('files = "log.csv"\n', "") + "[files]\n"
    # The same contents in the same order, but the second file belongs to other splits.
    for parts in (
        'train = ["a.csv", "b.csv"]\nvalid = "c.csv"\ntest = "d.csv"\n',
        'train = "a.csv"\nvalid = ["b.csv", "c.csv"]\ntest = "d.csv"\n',
    ):
        (shop / "data.toml").write_text(said + parts)
        assert reads(shop, monkeypatch)
        assert not reads(shop, monkeypatch)


def test_a_cache_that_lost_something_is_not_read(shop, monkeypatch):
    assert reads(shop, monkeypatch)
    note = json.loads((shop / "cache" / "cache.json").read_text())
    file = shop / "cache" / note["splits"]["train"]["arrays"][3]["file"]
    for break_it in (
        lambda: file.unlink(),
        lambda: file.write_bytes(file.read_bytes()[:-4]),
        lambda: (shop / "cache" / "cache.json").write_text('{"format": 1'),
        lambda: (shop / "cache" / "cache.json").write_text(json.dumps({**note, "format": 0})),
    ):
        break_it()
        assert reads(shop, monkeypatch)
        assert not reads(shop, monkeypatch)


def test_a_cache_that_was_being_written_is_not_read(shop):
    """A process that is killed in the middle leaves no cache, and the next one is whole."""
    code = (
        "import os, sys\n"
        "from recsys_pipeline import files\nfrom recsys_pipeline.chunks import cache\n"
        "real = cache.Writer.register\n"
        "def register(self, split, kind, *others):\n"
        "    real(self, split, kind, *others)\n"
        "    if kind == 'features':\n"
        "        os.kill(os.getpid(), 9)\n"
        "cache.Writer.register = register\n"
        "files.load(sys.argv[1] + '/data.toml', cache=sys.argv[1] + '/cache')\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, shop], cwd=ROOT, capture_output=True)
    assert killed.returncode == -9
    assert not (shop / "cache").exists()
    assert any(path.name.startswith(".cache.") for path in shop.iterdir())
    assert cache.read(shop / "cache") is None
    first = files.load(shop / "data.toml", cache=shop / "cache")
    assert_equal(first, files.load(shop / "data.toml", cache=shop / "cache"))


def test_data_that_are_wrong_leave_no_cache_and_the_old_one_stays(shop):
    files.load(shop / "data.toml", cache=shop / "cache")
    before = (shop / "cache" / "cache.json").read_text()
    (shop / "data.toml").write_text(SAID + '[split]\nby = "random"\n')
    with pytest.raises(ValueError, match="rows lie before the same group's"):
        files.load(shop / "data.toml", cache=shop / "cache")
    assert (shop / "cache" / "cache.json").read_text() == before
    assert sorted(path.name for path in shop.iterdir()) == ["cache", "data.toml", "log.csv"]


def test_who_reads_an_old_cache_keeps_it_while_a_new_one_is_written(shop):
    old = files.load(shop / "data.toml", cache=shop / "cache")
    old = files.load(shop / "data.toml", cache=shop / "cache")
    before = {name: array.copy() for name, array in old.train.features.items()}
    (shop / "data.toml").write_text(SAID.replace("max_length = 3", "max_length = 1"))
    assert files.load(shop / "data.toml", cache=shop / "cache").column("seen").max_length == 1
    for name, array in before.items():
        np.testing.assert_array_equal(old.train.features[name], array)


def test_a_folder_with_other_files_is_not_replaced(shop):
    (shop / "cache").mkdir()
    (shop / "cache" / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="expected a cache or no folder, got one with other files"):
        files.load(shop / "data.toml", cache=shop / "cache")
    assert (shop / "cache" / "thesis.tex").read_text() == "years of work"


def test_any_data_set_can_be_written_and_read(tmp_path):
    world = simulator.second_order(num_rows=500, num_valid_rows=100, num_test_rows=100)
    with cache.writing(tmp_path / "cache") as writer:
        for name, split in world.splits.items():
            writer.write(name, [cache.arrays_of(split)])
        writer.finish("abc", world.name, world.feature_columns, world.tasks, {"seed": 0})
    assert cache.read(tmp_path / "cache", "abcd") is None
    found = cache.read(tmp_path / "cache", "abc")
    assert (found.name, found.columns, found.details) == (
        world.name,
        world.feature_columns,
        {"seed": 0},
    )
    for name, split in world.splits.items():
        for kind in ("features", "labels", "probability", "slices"):
            assert set(getattr(split, kind)) == set(getattr(found.splits[name], kind))
            for key, array in getattr(split, kind).items():
                np.testing.assert_array_equal(getattr(found.splits[name], kind)[key], array)


def test_a_writer_refuses_splits_of_two_lengths_and_a_forgotten_end(tmp_path):
    with pytest.raises(ValueError, match=r"train, labels\['x'\]: expected 3 rows, got 2"):
        with cache.writing(tmp_path / "cache") as writer:
            writer.write("train", [{("group", None): np.arange(3)}])
            writer.write("train", [{("labels", "x"): np.arange(2)}])
    with pytest.raises(ValueError, match="expected the writer's finish to be called"):
        with cache.writing(tmp_path / "cache") as writer:
            writer.write("train", [{("group", None): np.arange(3)}])
    assert not list(tmp_path.iterdir())


def test_names_that_no_file_can_have_are_kept(tmp_path):
    names = ["page=/etc", "0", "page=*", "ok", "page=\n"]
    with cache.writing(tmp_path / "cache") as writer:
        for split in cache.SPLITS:
            for number, name in enumerate(names):
                writer.write(split, [{("slices", name): np.arange(4) == number}])
            writer.write(split, [{(name, None): np.arange(4) for name in ("row_id", "group")}])
        writer.finish("x", "x", (), {}, {})
    slices = cache.read(tmp_path / "cache").splits["valid"].slices
    assert list(slices) == names
    for number, name in enumerate(names):
        assert slices[name].tolist() == (np.arange(4) == number).tolist()


def test_a_checksum_depends_on_contents_order_and_words(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"one")
    b.write_bytes(b"two")
    sums = [
        cache.checksum_of([a, b]),
        cache.checksum_of([b, a]),
        cache.checksum_of([a]),
        cache.checksum_of([a, b], 1),
        cache.checksum_of([a, b], 2),
    ]
    assert len(set(sums)) == 5
    b.rename(tmp_path / "c")
    assert cache.checksum_of([a, tmp_path / "c"]) == sums[0]
