"""Histories that are made from the log, against loops over the definition."""

import bisect
import collections
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys_lib.features.columns import SequenceColumn
from recsys_pipeline import files
from recsys_pipeline.files import command, histories

SAID = """\
files = "log.csv"
other_columns = "ignore"
group = "user"
[time]
column = "now"
unit = "ms"
[labels.click]
optional = true
[columns.user]
group = "user"
[columns.item]
group = "item"
"""
HISTORY = '[history]\nfrom = "click"\nlength = 4\n'
KUAIRAND = Path(os.environ.get("RECSYS_DATA", "")) / "kuairand_pure"


def frame(rows=500, seed=0):
    """A log in any order, with many rows of one moment, and gaps in every column but the time."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "user": rng.choice(["u1", "u2", "u3", None], rows),
            "item": rng.choice([*(f"i{n}" for n in range(15)), None], rows),
            "now": 1_700_000_000_000 + rng.integers(0, rows // 3, rows),
            "click": rng.choice(["1", "0", None], rows, p=[0.4, 0.5, 0.1]),
            "like": rng.choice(["yes", "no"], rows),
        }
    )


@pytest.fixture
def load(tmp_path):
    def loader(said, log=None, **options):
        log = frame() if log is None else log
        log.to_csv(tmp_path / "log.csv", index=False)
        (tmp_path / "data.toml").write_text(said)
        return files.load(tmp_path / "data.toml", **options)

    return loader


def histories_by_loops(users, items, times, positive, known, length):
    """For each row the last ``length`` known items of its user's positive rows before its moment.

    Args:
        users, items, times, positive: lists with a value for each row; times are integers.
        known: the items that have an id.
        length: most items.
    """
    moments, events = collections.defaultdict(list), collections.defaultdict(list)
    for row in sorted(range(len(users)), key=lambda row: times[row]):  # ties keep their order
        if positive[row] and users[row] is not None and items[row] in known:
            moments[users[row]].append(times[row])
            events[users[row]].append(items[row])
    return [
        events[user][: bisect.bisect_left(moments[user], time)][-length:] if user else []
        for user, time in zip(users, times, strict=True)
    ]


def histories_of(dataset, name="history", item="item"):
    """For each row of the log the values of its list, and the values that have an id."""
    names = dataset.vocabularies[item].tolist()
    found = {}
    for split in dataset.splits.values():
        for row, ids in zip(split.row_id.tolist(), split.features[name].tolist(), strict=True):
            kept = [one for one in ids if one]
            assert ids == kept + [0] * (len(ids) - len(kept))  # padded behind
            found[row] = [names[one - 1] for one in kept]
    return [found[row] for row in range(len(found))], {one for one in names if one is not None}


def check_against_loops(dataset, log, positive, length, name="history"):
    found, known = histories_of(dataset, name)
    columns = log.astype(object).where(log.notna(), None)
    expected = histories_by_loops(
        columns["user"].tolist(),
        columns["item"].tolist(),
        columns["now"].tolist(),
        positive,
        known,
        length,
    )
    assert found == expected
    assert sum(map(len, found)) > len(found) // 2  # there is something to compare
    return known


@pytest.mark.parametrize("split", ["time", "user"])
def test_a_history_holds_the_earlier_positive_items_of_its_user(load, split):
    log = frame()
    said = SAID + HISTORY
    dataset = load(said + f'[split]\nby = "{split}"\n', log)
    known = check_against_loops(dataset, log, (log["click"] == "1").tolist(), 4)
    assert dataset.column("history") == SequenceColumn(
        "history", len(known) + 2, 4, table="item"
    )  # one more id is that of a missing item, which is in no list


def test_items_that_training_does_not_know_are_left_out_and_counted(load):
    log = frame()
    said = SAID
    rare = said.replace('group = "item"\n', 'group = "item"\nmin_count = 26\n')
    dataset = load(rare + HISTORY, log)
    is_click = log["click"] == "1"
    known = check_against_loops(dataset, log, is_click.tolist(), 4)
    assert 2 < len(known) < 12
    columns = log.astype(object).where(log.notna(), None)
    words = columns["user"].tolist(), columns["item"].tolist(), columns["now"].tolist()
    everything = set(log["item"].dropna())
    whole = histories_by_loops(*words, is_click.tolist(), everything, len(log))
    for name, split in dataset.splits.items():
        lists = [one for row in split.row_id for one in whole[row]]
        share = np.mean([one not in known for one in lists])
        assert dataset.unknown["history"][name] == pytest.approx(share)
        assert files.describe(dataset)["unknown_history"][name] == pytest.approx(share)
    share = dataset.unknown["history"]["test"]
    assert f"{share:>10.2%}  up to 4 ids" in command.report(dataset)


def test_several_lists_of_labels_and_of_columns(load):
    log = frame()
    said = SAID + (
        '[columns.like]\nkind = "ignore"\n'
        '[[history]]\nfrom = "click"\nname = "clicked"\nlength = 7\n'
        '[[history]]\nfrom = "like"\nname = "liked"\nuser = "user"\nitem = "item"\n'
    )
    dataset = load(said, log)
    check_against_loops(dataset, log, (log["click"] == "1").tolist(), 7, "clicked")
    check_against_loops(dataset, log, (log["like"] == "yes").tolist(), 20, "liked")
    assert load(said, log, ignore=["liked"]).feature_columns == dataset.feature_columns[:-1]


def test_blocks_and_caches_give_the_same_to_the_last_id(load, tmp_path, monkeypatch):
    said = SAID + HISTORY
    said += "sessions = [3, 2]\n"
    whole = load(said)
    monkeypatch.setattr(histories, "ROWS_PER_BLOCK", 7)
    for again in (load(said), load(said, cache=tmp_path / "c"), load(said, cache=tmp_path / "c")):
        assert again.feature_columns == whole.feature_columns
        assert again.unknown == whole.unknown
        for name, split in whole.splits.items():
            for kind in ("features", "as_of", "labels"):
                arrays = getattr(again.splits[name], kind)
                assert arrays.keys() == getattr(split, kind).keys()
                for key, array in getattr(split, kind).items():
                    np.testing.assert_array_equal(arrays[key], array)
                    assert arrays[key].dtype == array.dtype


def test_a_made_list_is_the_list_that_a_file_would_hold(load):
    """With its moments and sessions, and so a service is asked for it in the same way."""
    log = frame().dropna()
    said = SAID
    made = load(said + HISTORY + "sessions = [3, 2]\n", log)
    rows = list(log.itertuples(index=False))
    before = [
        sorted(
            (other for other in rows if other.user == row.user and other.now < row.now),
            key=lambda other: other.now,
        )
        for row in rows
    ]
    clicks = [[other for other in others if other.click == "1"] for others in before]
    log["history"] = ["|".join(other.item for other in others) for others in clicks]
    log["history_times"] = ["|".join(str(other.now) for other in others) for others in clicks]
    column = (
        '[columns.history]\nkind = "sequence"\ntable = "item"\nmax_length = 4\n'
        'times = "history_times"\nsessions = [3, 2]\n'
    )
    given = load(said + column, log)
    assert given.feature_columns == made.feature_columns
    assert given.encoding() == made.encoding()
    for name, split in given.splits.items():
        for key, array in split.features.items():
            np.testing.assert_array_equal(made.splits[name].features[key], array)
        for key, array in split.as_of.items():
            np.testing.assert_array_equal(made.splits[name].as_of[key], array)
    rows = {"user": ["u1"], "item": ["i3"], "now": [1_700_000_000.9]}
    rows |= {"history": [["i1", "i2"]], "history_times": [[1_700_000_000_100, 1_700_000_000_200]]}
    assert made.encode(rows)["history"].tolist() == given.encode(rows)["history"].tolist()


def test_nothing_later_enters_a_history(load):
    """A later row may change its label, and the lists before it stay."""
    log = frame()
    said = SAID + HISTORY
    first, _ = histories_of(load(said, log))
    middle = int(log["now"].median())
    log.loc[log["now"] >= middle, "click"] = ["1", "0"] * int((log["now"] >= middle).sum() // 2) + (
        ["1"] * int((log["now"] >= middle).sum() % 2)
    )
    second, _ = histories_of(load(said, log))
    until = (log["now"] <= middle).to_numpy()
    assert [a for a, early in zip(first, until, strict=True) if early] == [
        b for b, early in zip(second, until, strict=True) if early
    ]
    assert first != second


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('from = "click"\n', ""), r"\[history\]: expected from, a label or a column, got"),
        (('from = "click"', 'from = "clicks"'), "from names the column 'clicks', which is not the"),
        (('from = "click"', 'form = "click"'), "unknown key 'form'; did you mean 'from'"),
        (("length = 4", "length = 0"), "length: expected an integer of 1 or more, got 0"),
        (("length = 4", 'user = "member"'), "user names the column 'member', which is not there"),
        (("length = 4", 'item = "user_id"'), r"item: expected a category .* \['user', 'item'\]"),
        (("length = 4", 'name = "item"'), "expected no column 'item', since .history. makes it"),
        (('group = "item"', 'group = "user"'), r"expected item, .* with group = 'item', got \[\]"),
        (
            ('group = "user"\n[time]', "[time]"),
            r"\[history\], user: expected the column that names",
        ),
        (("optional = true", 'kind = "regression"'), "from: expected a binary label, got 'click'"),
        (
            ("length = 4", '[columns.history]\nkind = "sequence"\nmax_length = 2'),
            "expected kind = 'i",
        ),
    ],
)
def test_a_history_that_cannot_be_made_is_refused(load, change, message):
    said = SAID + HISTORY
    said = said.replace(
        'group = "user"\nother_columns = "ignore"\n[time]',
        'other_columns = "ignore"\ngroup = "user"\n[time]',
    )
    assert change[0] in said
    with pytest.raises(ValueError, match=message):
        load(said.replace(*change))


def test_a_history_needs_a_time_and_names_of_its_own(load):
    said = 'files = "log.csv"\nother_columns = "ignore"\ngroup = "user"\n[labels.like]\n'
    said += '[columns.item]\ngroup = "item"\n'
    with pytest.raises(ValueError, match=r"\[history\]: it needs \[time\]"):
        load(said + '[history]\nfrom = "like"\n')
    said += '[time]\ncolumn = "now"\n'
    with pytest.raises(ValueError, match=r"expected a name for each list, got twice \['history'\]"):
        load(said + '[[history]]\nfrom = "like"\n' * 2)


def test_the_history_of_items_that_are_left_out_is_left_out(load):
    log = frame()
    log["item"] = "i1"
    said = SAID + HISTORY
    assert load(said, log).left_out["history"] == "its items, item, are left out"


def test_a_log_of_ratings_makes_lists_of_what_was_liked(tmp_path):
    """MovieLens-1M's form: no header, two colons between fields, and seconds."""
    rng = np.random.default_rng(1)
    log = pd.DataFrame(
        {
            "user": rng.integers(1, 20, 800),
            "item": rng.integers(1, 60, 800),
            "stars": rng.integers(1, 6, 800),
            "now": 978_300_000 + rng.integers(0, 400, 800),
        }
    )
    lines = ["::".join(map(str, row)) for row in log.itertuples(index=False)]
    (tmp_path / "ratings.dat").write_text("\n".join(lines) + "\n\n")
    (tmp_path / "data.toml").write_text(
        'files = "ratings.dat"\nformat = "csv"\nheader = false\nseparator = "::"\n'
        'group = "column_1"\n[time]\ncolumn = "column_4"\n[history]\nfrom = "liked"\n'
        '[labels.liked]\ncolumn = "column_3"\nthreshold = 4\n'
        '[labels.stars]\ncolumn = "column_3"\nkind = "regression"\n'
        '[columns.column_1]\ngroup = "user"\n[columns.column_2]\ngroup = "item"\n'
    )
    dataset = files.load(tmp_path / "data.toml", cache=tmp_path / "cache")
    found, known = histories_of(dataset, item="column_2")
    words = (log[name].astype(str).tolist() for name in ("user", "item"))
    liked = (log["stars"] >= 4).tolist()
    expected = histories_by_loops(*words, log["now"].tolist(), liked, known, 20)
    assert found == expected
    assert sum(map(len, found)) > 5 * len(found)


LEAKS = {
    "at the end": (
        lambda before, item, click: [*before, *[item] * click],
        "it ends with the row's",
    ),
    "somewhere": (lambda before, item, click: [*[item] * click, *before], "it holds the row's own"),
    "nowhere": (lambda before, item, click: before, None),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_list_that_holds_the_rows_own_click_is_remarked(load, leak):
    rng = np.random.default_rng(0)
    log = frame().dropna().drop(columns="like")
    write, expected = LEAKS[leak]
    log["seen"] = [
        "|".join(write([f"i{n}" for n in rng.integers(0, 15, rng.integers(3))], item, click == "1"))
        for item, click in zip(log["item"], log["click"], strict=True)
    ]
    said = SAID + '[columns.seen]\nkind = "sequence"\nmax_length = 5\ntable = "item"\n'
    dataset = load(said + HISTORY, log)
    found = [one for one in dataset.warnings if "row's own" in one]
    if expected is None:
        assert found == []
        return
    (one,) = found  # and none about the list that is made
    assert one.startswith(f"seen: {expected}")
    assert "the row's own item on 100% of the rows with click, on " in one
    assert f"look at {one}" in command.report(dataset)


@pytest.mark.skipif(not KUAIRAND.is_dir(), reason="KuaiRand-Pure is not on this machine")
def test_the_genuine_log_makes_its_histories(tmp_path):
    path = KUAIRAND / "data" / "log_standard_4_22_to_5_08_pure.csv"
    (tmp_path / "data.toml").write_text(
        f'files = "{path}"\ngroup = "user_id"\nother_columns = "ignore"\n'
        '[time]\ncolumn = "time_ms"\nunit = "ms"\n'
        "[split]\nvalid_from = 2022-05-05\ntest_from = 2022-05-06\n"
        '[history]\nfrom = "is_click"\n[labels.is_click]\n[labels.long_view]\n'
        '[columns.user_id]\ngroup = "user"\n[columns.video_id]\ngroup = "item"\n'
    )
    dataset = files.load(tmp_path / "data.toml", cache=tmp_path / "cache")
    log = pd.read_csv(path, usecols=["user_id", "video_id", "time_ms", "is_click"])
    found, known = histories_of(dataset, item="video_id")
    columns = (log[name].tolist() for name in ("user_id", "video_id", "time_ms"))
    expected = histories_by_loops(
        *([str(one) for one in next(columns)], [str(one) for one in next(columns)], next(columns)),
        (log["is_click"] == 1).tolist(),
        known,
        20,
    )
    assert len(found) > 200_000
    assert found == expected
    assert not any("history" in one for one in dataset.warnings)
