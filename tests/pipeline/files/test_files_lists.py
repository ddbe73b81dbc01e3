"""Lists of ids: padding, unknown ids, shared tables, moments, sessions, and new rows."""

import json

import numpy as np
import pandas as pd
import pytest

from recsys_lib.data.sessions import age_buckets, divide
from recsys_lib.features.columns import SequenceColumn
from recsys_pipeline import files
from recsys_pipeline.files.encoders import encoder_from_config, encoder_to_config

HEAD = 'files = "log.csv"\nother_columns = "ignore"\n'
ORDER = '[split]\nby = "order"\nratios = [0.6, 0.2, 0.2]\n[labels.label]\n'


@pytest.fixture
def load(tmp_path):
    """Loads columns of text with a label, cut in order 6 : 2 : 2, and what is said of them."""

    def loader(columns, said, top="", split=ORDER, **options):
        rows = len(next(iter(columns.values())))
        frame = pd.DataFrame({"label": np.arange(rows) % 2, **columns})
        frame.to_csv(tmp_path / "log.csv", index=False)
        (tmp_path / "data.toml").write_text(HEAD + top + split + said)
        return files.load(tmp_path / "data.toml", **options)

    return loader


def whole(dataset, name):
    return np.concatenate([split.features[name] for split in dataset.splits.values()])


LISTS = ["a|b|c", "", "b", "c|d|a|b", "a", "b|a", "z|a|y|b|c|d", "", "z|d", "a|b"]
ITEMS = ["a", "b", "c", "d", "e", "a", "b", "q", "a", "e"]
SEQUENCE = '[columns.item]\ngroup = "item"\n[columns.seen]\nkind = "sequence"\nmax_length = 3\n'


def test_lists_keep_the_last_known_ids_padded_behind(load):
    dataset = load({"item": ITEMS, "seen": LISTS}, SEQUENCE + 'table = "item"\n')
    assert dataset.column("seen") == SequenceColumn("seen", 6, 3, table="item")
    known = dataset.vocabularies["item"].tolist()
    assert known == dataset.vocabularies["seen"].tolist() == ["a", "b", "c", "d", "e"]
    ids = {value: number for number, value in enumerate(known, 1)}
    expected = []
    for text in LISTS:
        kept = [ids[value] for value in text.split("|") if value in ids][-3:]
        expected.append(kept + [0] * (3 - len(kept)))
    assert whole(dataset, "seen").tolist() == expected
    assert expected[6] == [ids["b"], ids["c"], ids["d"]]  # z and y are unknown


def test_lists_without_an_order_keep_the_first_ids(load):
    dataset = load({"item": ITEMS, "seen": LISTS}, SEQUENCE + 'ordered = false\ngroup = "item"\n')
    column = dataset.column("seen")
    assert (column.ordered, column.group, column.table_name) == (False, "item", "seen")
    known = dataset.vocabularies["seen"].tolist()
    assert known == ["a", "b", "c", "d"]  # in the order in which training rows show them
    assert whole(dataset, "seen")[3].tolist() == [3, 4, 1]


def test_lists_with_the_newest_in_front_are_turned_round(load):
    said = SEQUENCE + 'table = "item"\nnewest_first = true\n'
    turned = load({"item": ITEMS, "seen": LISTS}, said)
    back = ["|".join(reversed(text.split("|"))) for text in LISTS]
    plain = load({"item": ITEMS, "seen": back}, SEQUENCE + 'table = "item"\n')
    np.testing.assert_array_equal(whole(turned, "seen"), whole(plain, "seen"))


def test_ids_are_counted_over_all_columns_of_a_table(load):
    said = SEQUENCE.replace('group = "item"\n', 'group = "item"\nmin_count = 3\n')
    dataset = load({"item": ITEMS, "seen": LISTS}, said + 'table = "item"\n')
    cells = [value for text in LISTS[:6] for value in text.split("|") if value] + ITEMS[:6]
    expected = {value for value in cells if cells.count(value) >= 3}
    assert set(dataset.vocabularies["item"]) == expected
    assert 0 < len(expected) < len(set(cells))


def test_a_list_in_parquet_is_the_list_in_text(load, tmp_path):
    text = load({"item": ITEMS, "seen": LISTS}, SEQUENCE + 'table = "item"\n')
    frame = pd.DataFrame({"label": np.arange(10) % 2, "item": ITEMS})
    frame["seen"] = [value.split("|") if value else [] for value in LISTS]
    frame.loc[1, "seen"] = None
    frame.to_parquet(tmp_path / "log.parquet")
    toml = (tmp_path / "data.toml").read_text().replace("log.csv", "log.parquet")
    (tmp_path / "other.toml").write_text(toml)
    dataset = files.load(tmp_path / "other.toml")
    np.testing.assert_array_equal(whole(dataset, "seen"), whole(text, "seen"))


def test_whole_numbers_in_lists_and_beside_them_are_the_same_ids(load, tmp_path):
    items = [3, 5, 7, 3, 5, 7, 3, 5, 7, 9]
    lists = [[3, 5], [], [7], [3], [5, 7], [9], [3], [5], [9, 7], []]
    frame = pd.DataFrame({"label": np.arange(10) % 2, "item": items, "seen": lists})
    frame.to_parquet(tmp_path / "log.parquet")
    said = HEAD.replace("log.csv", "log.parquet") + ORDER + SEQUENCE + 'table = "item"\n'
    (tmp_path / "data.toml").write_text(said)
    dataset = files.load(tmp_path / "data.toml")
    assert dataset.vocabularies["item"].tolist() == [3, 5, 7, 9]
    assert whole(dataset, "seen")[8].tolist() == [4, 3, 0]


@pytest.mark.parametrize("text", ["a||b", "|a", "a|"])
def test_an_empty_id_in_a_list_is_named_with_its_line(load, text):
    lists = [*LISTS[:4], text, *LISTS[5:]]
    with pytest.raises(
        ValueError, match=r"log\.csv, line 6, column 'seen': expected ids separated"
    ):
        load({"item": ITEMS, "seen": lists}, SEQUENCE)


def test_lists_that_training_rows_leave_empty_are_left_out(load):
    dataset = load({"item": ITEMS, "seen": [""] * 6 + ["a"] * 4}, SEQUENCE)
    assert dataset.left_out == {"seen": "no id on any training row"}


TIMED = '[columns.seen]\nkind = "sequence"\nmax_length = 4\ntable = "item"\ntimes = "when"\n'
TIME = '[time]\ncolumn = "now"\nunit = "ms"\n'


def timed_rows():
    rng = np.random.default_rng(5)
    now, lists, when = [], [], []
    for row in range(30):
        now.append(10_000 + 7_200_000 * (row + 1))
        count = int(rng.integers(0, 7))
        moments = np.sort(rng.choice(np.arange(1, now[-1] // 1000), count, replace=False)) * 1000
        lists.append([f"i{n}" for n in rng.integers(0, 5, count)])
        when.append(moments.tolist())
    return now, lists, when


def timed(load, now, lists, when, more="sessions = [2, 3]\n"):
    columns = {
        "item": [f"i{row % 5}" for row in range(len(now))],
        "seen": ["|".join(one) for one in lists],
        "when": ["|".join(map(str, one)) for one in when],
        "now": now,
    }
    said = '[columns.item]\ngroup = "item"\n' + TIMED + more + TIME
    return load(columns, said, split=ORDER.replace('"order"', '"time"'))


def test_the_moments_of_a_history_are_checked_and_laid_out_in_sessions(load):
    now, lists, when = timed_rows()
    dataset = timed(load, now, lists, when)
    known = dataset.vocabularies["item"].tolist()
    for split in dataset.splits.values():
        for place, row in enumerate(split.row_id):
            kept = [
                (known.index(v) + 1, t / 1000) for v, t in zip(lists[row], when[row], strict=True)
            ]
            ids = [i for i, _ in kept][-4:]
            moments = [t for _, t in kept][-4:]
            pad = 4 - len(ids)
            assert split.features["seen"][place].tolist() == ids + [0] * pad
            assert split.as_of["seen"][place].tolist() == moments + [-np.inf] * pad
            assert split.time[place] == now[row] / 1000
        as_of = split.as_of["seen"]
        laid, session = divide(split.features["seen"], as_of, 2, 3)
        np.testing.assert_array_equal(split.features["session_seen"], laid)
        np.testing.assert_array_equal(split.features["seen_session"], session)
        ages = age_buckets(as_of, split.time)
        np.testing.assert_array_equal(split.features["seen_age"], ages)
    sessions = dataset.column("session_seen")
    assert (sessions.num_sessions, sessions.max_length, sessions.table_name) == (2, 6, "item")


@pytest.mark.parametrize("more", ["", "sessions = [2, 3]\n"])
def test_a_history_that_knows_the_future_is_refused(load, more):
    now, lists, when = timed_rows()
    row = next(row for row, one in enumerate(lists) if one)
    when[row][-1] = now[row]
    with pytest.raises(
        ValueError, match=r"moments before the row's own|draws on the moment of its"
    ):
        timed(load, now, lists, when, more)


def test_a_history_out_of_order_is_refused(load):
    now, lists, when = timed_rows()
    row = next(row for row, one in enumerate(lists) if len(one) > 1)
    when[row].reverse()
    with pytest.raises(
        ValueError, match=rf"line {row + 2}, column 'when': expected moments in ord"
    ):
        timed(load, now, lists, when)


def test_as_many_moments_as_ids_are_needed(load):
    now, lists, when = timed_rows()
    row = next(row for row, one in enumerate(lists) if len(one) > 1)
    when[row].pop()
    count = len(lists[row])
    expected = (
        f"line {row + 2}, column 'when': expected {count} moments, one for each id, got {count - 1}"
    )
    with pytest.raises(ValueError, match=expected):
        timed(load, now, lists, when)


def test_sessions_need_the_moment_of_the_row(load):
    said = '[columns.item]\ngroup = "item"\n' + TIMED + "sessions = [2, 3]\n"
    columns = {"item": ITEMS, "seen": LISTS, "when": [""] * 10}
    with pytest.raises(ValueError, match=r"sessions: they need \[time\]"):
        load(columns, said)


EVERYTHING = (
    '[columns.item]\ngroup = "item"\n'
    + TIMED
    + "sessions = [2, 3]\n"
    + TIME
    + '[columns.price]\nkind = "numeric"\nscaling = "log"\n'
    + '[columns.size]\nkind = "numeric"\nscaling = "bins"\nnum_bins = 3\n'
    + '[columns.tags]\nkind = "sequence"\nmax_length = 2\nseparator = " "\nordered = false\n'
)


@pytest.mark.parametrize("through_json", [False, True])
def test_new_rows_are_encoded_as_the_training_rows_were(load, through_json):
    """The rows of the file, given once more by hand, become the very same features."""
    now, lists, when = timed_rows()
    rng = np.random.default_rng(1)
    price = [None if n % 5 == 0 else float(v) for n, v in enumerate(rng.normal(size=30).round(4))]
    size = [None if n % 7 == 0 else int(v) for n, v in enumerate(rng.integers(0, 50, 30))]
    tags = [" ".join(rng.choice(list("xyz"), n % 4)) for n in range(30)]
    columns = {
        "item": [f"i{row % 5}" for row in range(30)],
        "seen": ["|".join(one) for one in lists],
        "when": ["|".join(map(str, one)) for one in when],
        "now": now,
        "price": price,
        "size": pd.array(size, "Int64"),
        "tags": tags,
    }
    dataset = load(columns, EVERYTHING, split=ORDER.replace('"order"', '"time"'))
    raw = {
        "item": columns["item"],
        "seen": lists,
        "when": when,
        "now": [moment / 1000 for moment in now],
        "price": price,
        "size": size,
        "tags": [text.split() for text in tags],
    }
    if through_json:
        encoders = files.encoders_from(json.loads(json.dumps(dataset.encoding())))
        features = files.encode_rows(encoders, raw)
    else:
        features = dataset.encode(raw)
    for split in dataset.splits.values():
        assert set(split.features) == set(features)
        for name, array in split.features.items():
            np.testing.assert_array_equal(features[name][split.row_id], array, err_msg=name)
            assert features[name].dtype == array.dtype


def test_encoders_survive_their_configuration(load):
    now, lists, when = timed_rows()
    dataset = timed(load, now, lists, when)
    for encoder in dataset.encoders:
        vocabularies = {"item": encoder.vocabulary}
        again = encoder_from_config(
            json.loads(json.dumps(encoder_to_config(encoder))), vocabularies
        )
        assert again == encoder
