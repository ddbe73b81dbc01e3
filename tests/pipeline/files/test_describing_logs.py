"""``describe`` on logs in the forms in which they are published: what it guesses, and why."""

import datetime
import decimal
import os
import tomllib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from recsys_lib.data import kuairand, registry
from recsys_pipeline import files
from recsys_pipeline.__main__ import main

ROWS = 6_000


def kuairand_log():
    """The genuine log, or a skip."""
    found = (
        registry.find("kuairand_pure") if os.environ.get(registry.ENVIRONMENT_VARIABLE) else None
    )
    if found is None:
        pytest.skip("RECSYS_DATA names no folder with the genuine KuaiRand-Pure")
    return found / "data" / kuairand.LOGS[1]


def test_kuairand_as_it_was_published(tmp_path):
    text = files.suggest(kuairand_log(), folder=tmp_path)
    found = tomllib.loads(text)
    assert found["time"] == {"column": "time_ms", "unit": "ms"}  # finer than the column date
    assert (found["group"], found["slices"]) == ("user_id", ["tab"])
    assert found["groups"] == {"page": {"surface": "tab", "gap": "30min"}}
    binary = ["is_click", "is_like", "is_follow", "is_comment", "is_forward", "is_hate"]
    assert [name for name, one in found["labels"].items() if not one] == binary
    columns = found["columns"]
    assert [name for name, one in columns.items() if one["kind"] == "ignore"] == [
        *("date", "long_view", "is_profile_enter", "is_rand")
    ]
    assert "on the 70,963 rows with a value like 1 the rate of is_click is 99.6%" in text
    assert 'group = "item"             # one video_id keeps one value on 100.0% of its rows' in text
    groups = {name: columns[name]["group"] for name in ("user_id", "video_id", "duration_ms")}
    assert groups == {"user_id": "user", "video_id": "item", "duration_ms": "item"}


def test_kuairands_users_and_videos_keep_their_values(tmp_path):
    """``is_video_author`` is named like the label, but a user has one value of it."""
    log = pd.read_csv(kuairand_log(), nrows=60_000)
    folder = kuairand_log().parent
    for name, key in (("user_features_pure", "user_id"), ("video_features_basic_pure", "video_id")):
        log = log.merge(pd.read_csv(folder / f"{name}.csv"), on=key, how="left")
    log.to_csv(tmp_path / "log.csv", index=False)
    columns = tomllib.loads(files.suggest(tmp_path / "log.csv", label=["is_click"]))["columns"]
    groups = {name: one.get("group") for name, one in columns.items()}
    users = [f"onehot_feat{number}" for number in range(18)]
    users += ["user_active_degree", "is_video_author", "register_days", "fans_user_num_range"]
    videos = ["author_id", "video_type", "upload_type", "video_duration", "music_id", "tag"]
    assert {groups[name] for name in users} == {"user"}
    assert {groups[name] for name in videos} == {"item"}
    # Numbers of fans and friends are small whole numbers, as ids are.
    assert columns["fans_user_num"]["kind"] == columns["friend_user_num"]["kind"] == "numeric"
    assert columns["tag"]["separator"] == ","
    assert "table" not in columns["tag"]
    assert columns["is_like"]["kind"] == "ignore"


def movielens():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "userId": rng.integers(1, 300, ROWS),
            "movieId": rng.integers(1, 900, ROWS),
            "rating": rng.integers(1, 6, ROWS),
            "timestamp": 978_300_760 + np.sort(rng.integers(0, 10**7, ROWS)),
        }
    )


def test_movielens_with_names(tmp_path):
    movielens().to_csv(tmp_path / "ratings.csv", index=False)
    text = files.suggest(tmp_path / "ratings.csv", folder=tmp_path)
    found = tomllib.loads(text)
    assert (found["group"], found["time"]) == ("userId", {"column": "timestamp", "unit": "s"})
    assert found["labels"] == {"rating": {"kind": "regression"}}
    assert "# or, of 0 and 1: threshold = 3" in text
    assert found["columns"]["movieId"] == {"kind": "categorical", "group": "item"}


def test_movielens_without_names(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = movielens().astype(str).agg("::".join, axis=1)
    (tmp_path / "ratings.dat").write_text("\n".join(rows) + "\n")
    command = ["describe", "ratings.dat", "--format", "csv", "--no-header", "--label", "column_3"]
    assert main([*command, "--group", "column_1", "--output", "data.toml"]) == 0
    found = tomllib.loads((tmp_path / "data.toml").read_text())
    assert (found["separator"], found["header"]) == ("::", False)
    assert found["time"] == {"column": "column_4", "unit": "s"}
    groups = {name: one["group"] for name, one in found["columns"].items()}
    assert groups == {"column_1": "user", "column_2": "item"}
    assert len(files.load("data.toml").train) == 0.8 * ROWS


def test_adults_blanks_and_two_texts_as_a_label(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(17, 90, ROWS),
            "workclass": rng.choice([" State-gov", " Private", " ?"], ROWS),
            "hours": np.where(np.arange(ROWS) % 200, rng.integers(1, 99, ROWS).astype(str), " ?"),
            "income": np.where(rng.random(ROWS) < 0.24, " >50K", " <=50K"),
        }
    )
    frame.to_csv(tmp_path / "adult.csv", index=False)
    with open(tmp_path / "adult.csv", "a") as file:
        file.write("\n")
    text = files.suggest(tmp_path / "adult.csv", label=["income"])
    found = tomllib.loads(text)
    assert found["labels"]["income"] == {"positive": ">50K"}
    assert "3 values, 6,000 with blanks around them, which do not count" in text
    assert "# look at hours: numbers, but 30 rows hold something like '?'" in text
    assert found["columns"]["age"]["kind"] == "numeric"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["yes", "no"], {"positive": "yes"}),
        (["False", "True"], {"positive": "True"}),
        (["lost", "won", "lost"], {"positive": "won"}),  # the rarer one
        ([1, 2], {"threshold": 2}),
        ([0, 1], {}),
        ([-1.0, 1.0], {}),
        ([1, 2, 3], {"kind": "regression"}),
    ],
)
def test_labels_of_two_values(tmp_path, values, expected):
    many = 200_000  # several batches
    frame = pd.DataFrame({"user": np.arange(many) % 50, "won": np.resize(values, many)})
    frame.to_csv(tmp_path / "log.csv", index=False)
    found = tomllib.loads(files.suggest(tmp_path / "log.csv", label=["won"]))
    assert found["labels"]["won"] == expected


def test_a_label_of_many_texts_is_refused(tmp_path):
    (tmp_path / "log.csv").write_text("user,won\n1,a\n2,b\n3,c\n")
    message = "expected a label of numbers or of two values, got column 'won' with 3 values such as"
    with pytest.raises(ValueError, match=message):
        files.suggest(tmp_path / "log.csv", label=["won"])


def test_criteos_gaps_and_tabs(tmp_path):
    rng = np.random.default_rng(0)
    columns = {0: rng.integers(0, 2, ROWS)}
    for number in range(1, 14):
        known = rng.random(ROWS) < 0.7
        columns[number] = np.where(known, rng.integers(-1, 900, ROWS).astype(str), "")
    for number in range(14, 40):
        codes = [f"{code * 7919:08x}" for code in rng.integers(0, 10 ** (number % 4 + 1), ROWS)]
        columns[number] = np.where(rng.random(ROWS) < 0.9, codes, "")
    pd.DataFrame(columns).to_csv(tmp_path / "train.txt", sep="\t", header=False, index=False)
    found = tomllib.loads(
        files.suggest(tmp_path / "train.txt", format="csv", header=False, folder=tmp_path)
    )
    assert found["separator"] == "\t"
    assert found["labels"] == {"column_1": {}}
    kinds = [one["kind"] for one in found["columns"].values()]
    assert kinds == ["numeric"] * 13 + ["categorical"] * 26


def test_types_of_parquet(tmp_path):
    rng = np.random.default_rng(0)
    first = datetime.datetime(2024, 5, 1)
    item = rng.integers(0, 300, ROWS)
    history = [rng.integers(0, 300, n).tolist() for n in rng.integers(0, 30, ROWS)]
    second = int(first.replace(tzinfo=datetime.UTC).timestamp()) + 5 * np.arange(ROWS)
    times = [
        [int(end) - n for n in range(len(ids), 0, -1)]
        for ids, end in zip(history, second, strict=True)
    ]
    words = [rng.choice(list("abc"), 2).tolist() for _ in range(ROWS)]
    columns = {
        "user_id": pa.array(rng.integers(0, 200, ROWS)),
        "item_id": pa.array(item),
        "history": pa.array(history, pa.list_(pa.int32())),
        "history_times": pa.array(times, pa.large_list(pa.int64())),
        "late_times": pa.array([[int(end)] for end in second]),
        "words": pa.array(words, pa.list_(pa.string())),
        "pair": pa.array(np.stack([item, item + 1], 1).tolist(), pa.list_(pa.int64(), 2)),
        "vector": pa.array(rng.random((ROWS, 4)).tolist(), pa.list_(pa.float32())),
        "info": pa.array([{"a": 1}] * ROWS),
        "extra": pa.array([[("k", 1)]] * ROWS, pa.map_(pa.string(), pa.int32())),
        "deep": pa.array([[[1], [2]]] * ROWS),
        "blob": pa.array([b"x%d" % one for one in item]),
        "nothing": pa.nulls(ROWS),
        "brand": pa.array(item % 7).dictionary_encode(),
        "cost": pa.array([decimal.Decimal(int(one)) / 100 for one in item], pa.decimal128(9, 2)),
        "seen": pa.array([first + datetime.timedelta(seconds=5 * n) for n in range(ROWS)]),
        "day": pa.array([(first + datetime.timedelta(int(n))).date() for n in item]),
        "click": pa.array(rng.random(ROWS) < 0.3),
    }
    parquet.write_table(pa.table(columns), tmp_path / "log.parquet", row_group_size=1000)
    text = files.suggest(tmp_path / "log.parquet", folder=tmp_path)
    found = tomllib.loads(text)
    assert found["time"] == {"column": "seen"}
    assert found["labels"] == {"click": {}}
    described = found["columns"]
    history = {"kind": "sequence", "max_length": 29, "table": "item_id", "times": "history_times"}
    assert described["history"] == history
    assert "history_times" not in described
    assert described["words"]["max_length"] == described["pair"]["max_length"] == 2
    assert described["brand"] == {"kind": "categorical", "group": "item"}
    assert described["cost"]["kind"] == "numeric"
    assert described["day"]["group"] == "item"
    ignored = [name for name, one in described.items() if one["kind"] == "ignore"]
    assert ignored == ["late_times", "vector", "info", "extra", "deep", "blob", "nothing"]
    for words in (
        "moments, and of no list: none is always as long",
        "lists of numbers with fractions, which are no ids",
        "of type struct<a: int64>: training reads one value, or a list of ids",
        "of type map<string, int32 ('extra')>",
        "of type binary",
        "it has no values",
    ):
        assert f'kind = "ignore"            # {words}' in text
    (tmp_path / "data.toml").write_text(text)
    dataset = files.load(tmp_path / "data.toml")
    assert dataset.column("history").max_length == 29
    assert dataset.column("history").table_name == "item_id"


def test_three_files_are_one_table(tmp_path):
    """The longest list is in the last file."""
    frame = movielens()
    frame["history"] = ["1|2"] * (ROWS - 1) + ["|".join(map(str, range(1, 40)))]
    frame.loc[: ROWS // 2, "history"] = [f"{n % 30}|{n % 7}" for n in range(ROWS // 2 + 1)]
    for name, start in (("train", 0), ("valid", 2000), ("test", 4000)):
        frame[start : start + 2000].to_csv(tmp_path / f"{name}.csv", index=False)
    paths = [tmp_path / f"{name}.csv" for name in ("train", "valid", "test")]
    found = tomllib.loads(files.suggest(paths, folder=tmp_path))
    assert found["columns"]["history"]["max_length"] == 39
    frame.rename(columns={"rating": "stars"})[:100].to_csv(paths[2], index=False)
    with pytest.raises(ValueError, match=r"test\.csv: expected the columns of .*train\.csv"):
        files.suggest(paths)


def test_a_german_log_of_a_shop(tmp_path):
    """Decimal commas are no lists, dates need no name, and --group names the user."""
    rng = np.random.default_rng(0)
    first = datetime.datetime(2025, 10, 1, 7)
    moments = [first + datetime.timedelta(minutes=11 * n) for n in range(2_000)]
    users = [f"kd{n}" for n in rng.integers(0, 90, 2_000)]
    frame = pd.DataFrame(
        {
            "Kunde": [name.upper() if n % 3 == 0 else name for n, name in enumerate(users)],
            "Artikel": rng.integers(100, 300, 2_000),
            "Zeitpunkt": [f"{moment:%d.%m.%Y %H:%M}" for moment in moments],
            "Preis": [f"{price:.2f}".replace(".", ",") for price in rng.lognormal(1, 1, 2_000)],
            "Gekauft": rng.choice(["ja", "nein"], 2_000, p=[0.7, 0.3]),
        }
    )
    frame.to_csv(tmp_path / "bons.csv", sep=";", index=False, encoding="utf-8-sig")
    text = files.suggest(tmp_path / "bons.csv", label=["Gekauft"], group="Kunde")
    found = tomllib.loads(text)
    assert found["time"] == {"column": "Zeitpunkt", "format": "%d.%m.%Y %H:%M"}
    assert found["labels"]["gekauft"]["positive"] == "ja"
    assert found["columns"]["Preis"] == {"kind": "ignore"}
    assert "# numbers with a decimal comma: write them as 4.52" in text
    assert found["columns"]["Kunde"]["group"] == "user"
    assert "180 values, 90 of which differ from another in case alone" in text
    assert "# look at the item: no column is named for it" in text
    with pytest.raises(ValueError, match="name it with --label"):
        files.suggest(tmp_path / "bons.csv")


def test_a_log_of_podcasts(tmp_path):
    rng = np.random.default_rng(0)
    episode = rng.integers(0, 200, ROWS)
    frame = pd.DataFrame(
        {
            "user_id": rng.integers(0, 90, ROWS),
            "show_id": episode // 10,
            "episode_id": episode,
            "listened_seconds": rng.random(ROWS) * 3_000,
            "completed": rng.random(ROWS) < 0.4,
            "skipped": rng.random(ROWS) < 0.3,
        }
    )
    frame.to_parquet(tmp_path / "plays.parquet")
    found = tomllib.loads(files.suggest(tmp_path / "plays.parquet"))
    regression = {"kind": "regression"}
    assert found["labels"] == {"completed": {}, "skipped": {}, "listened_seconds": regression}
    groups = {name: one["group"] for name, one in found["columns"].items()}
    assert groups == {"user_id": "user", "show_id": "item", "episode_id": "item"}
