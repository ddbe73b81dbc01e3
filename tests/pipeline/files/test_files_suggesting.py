"""``describe``: the first data.toml of files, and whether it can be used as it is."""

import datetime
import gzip
import tomllib

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline import files
from recsys_pipeline.__main__ import main

ROWS = 400


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    click = rng.integers(0, 2, ROWS)
    first = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC).timestamp()
    return pd.DataFrame(
        {
            "request_id": rng.permutation(ROWS),
            "user_id": rng.integers(0, 30, ROWS),
            "Item-ID": rng.integers(100, 140, ROWS),
            "genres": [
                "|".join(rng.choice(list("abcdef"), rng.integers(1, 4))) for _ in range(ROWS)
            ],
            "tab": rng.integers(0, 3, ROWS),
            "price": rng.normal(size=ROWS).round(3),
            "views": np.floor(rng.lognormal(0, 3, ROWS)),
            "hour": rng.integers(0, 12, ROWS),
            "user_history": [
                "|".join(map(str, rng.integers(100, 140, rng.integers(0, 9)))) for _ in range(ROWS)
            ],
            "timestamp_ms": ((first + np.arange(ROWS)) * 1000).astype(np.int64),
            "is_click": click,
            "watch_time": np.where(click == 1, rng.random(ROWS).round(3), np.nan),
        }
    )


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "parquet"])
def test_a_first_description_guesses_all_roles(tmp_path, frame, ending):
    path = tmp_path / f"log.{ending}"
    if ending == "parquet":
        for name in ("genres", "user_history"):
            frame[name] = [text.split("|") if text else [] for text in frame[name]]
        frame["user_history"] = [[int(one) for one in some] for some in frame["user_history"]]
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    text = files.suggest(path, folder=tmp_path)
    found = tomllib.loads(text)
    assert found["files"] == f"log.{ending}"
    assert (found["group"], found["slices"]) == ("user_id", ["tab"])
    assert found["time"] == {"column": "timestamp_ms", "unit": "ms"}
    assert found["split"] == {"by": "time"}
    assert found["labels"]["is_click"] == {}
    assert found["labels"]["watch_time"] == {"kind": "regression", "optional": True}
    columns = found["columns"]
    assert list(columns) == [
        n for n in frame if n not in ("is_click", "watch_time", "timestamp_ms")
    ]
    assert columns["request_id"] == {"kind": "ignore"}
    assert columns["user_id"] == {"kind": "categorical", "group": "user"}
    assert columns["Item-ID"] == {"kind": "categorical", "group": "item"}
    assert columns["tab"] == {"kind": "categorical", "group": "scenario"}
    assert columns["hour"] == {"kind": "categorical", "group": "context"}
    assert columns["price"] == {"kind": "numeric", "scaling": "standard", "group": "item"}
    assert columns["views"] == {"kind": "numeric", "scaling": "log", "group": "context"}
    separator = {} if ending == "parquet" else {"separator": "|"}
    history = {"kind": "sequence", "max_length": 8, "table": "Item-ID"}
    assert columns["user_history"] == separator | history
    genres = {"kind": "sequence", "max_length": 3, "group": "item", "ordered": False}
    assert columns["genres"] == separator | genres
    (tmp_path / "data.toml").write_text(text)
    dataset = files.load(tmp_path / "data.toml")
    assert dataset.column("user_history").table_name == "item_id"
    assert [len(split) for split in dataset.splits.values()] == [320, 40, 40]


def test_three_files_and_names_that_are_given(tmp_path, frame):
    frame = frame.rename(columns={"is_click": "outcome"}).drop(columns="watch_time")
    parts = [tmp_path / f"{name}.csv" for name in ("train", "valid", "test")]
    for part, rows in zip(parts, (frame[:300], frame[300:350], frame[350:]), strict=True):
        rows.to_csv(part, index=False)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    with pytest.raises(ValueError, match="expected a column that looks like a label, got"):
        files.suggest(parts)
    text = files.suggest(parts, label=["outcome"], group="tab", folder=tmp_path / "deep" / "er")
    found = tomllib.loads(text)
    assert found["files"]["valid"] == "../../valid.csv"
    assert "split" not in found
    assert found["group"] == "tab"
    (tmp_path / "deep" / "er" / "data.toml").write_text(text)
    assert len(files.load(tmp_path / "deep" / "er" / "data.toml").valid) == 50


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("date", ["2024-05-01", "2024-05-02"], {"column": "date"}),
        ("day", [20240501, 20240502], {"column": "day", "format": "%Y%m%d"}),
        ("ts", [1714521600, 1714608000], {"column": "ts", "unit": "s"}),
        (
            "eventTime",
            [1714521600 * 10**6, 1714608000 * 10**6],
            {"column": "eventTime", "unit": "us"},
        ),
        ("time", [1714521600 * 10**9, 1714608000 * 10**9], {"column": "time", "unit": "ns"}),
        ("time", [3, 4], None),  # an hour of the day
        ("time", ["early", "late"], None),
        ("timeline", [1714521600, 1714608000], None),
    ],
)
def test_times_by_name_and_value(tmp_path, frame, name, values, expected):
    frame = frame.drop(columns="timestamp_ms")
    frame[name] = np.repeat(values, ROWS // 2)
    frame.to_csv(tmp_path / "log.csv", index=False)
    found = tomllib.loads(files.suggest(tmp_path / "log.csv"))
    assert found.get("time") == expected


def test_files_without_names_are_refused(tmp_path):
    (tmp_path / "log.libsvm").write_text("1 3:1\n")
    with pytest.raises(ValueError, match="expected CSV or Parquet, whose columns have names"):
        files.suggest(tmp_path / "log.libsvm")
    (tmp_path / "log.csv").write_text("click,user\n1,a\n0,b\n")
    with pytest.raises(ValueError, match=r"expected one of the columns .* got 'clicks'"):
        files.suggest(tmp_path / "log.csv", label=["clicks"])
    with pytest.raises(ValueError, match="expected one file, or train, valid and test, got 2"):
        files.suggest(["a.csv", "b.csv"])
    with pytest.raises(ValueError, match=r"a\.csv: no such file"):
        files.suggest(tmp_path / "a.csv")


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_all_rows_are_read_and_a_broken_one_is_named(tmp_path, frame, ending):
    path = tmp_path / f"log.{ending}"
    frame.to_csv(path, index=False)
    opened = gzip.open if ending.endswith("gz") else open
    with opened(path, "at") as file:
        file.write("broken\n")
    with pytest.raises(ValueError, match=r"line 402: expected 12 fields"):
        files.suggest(path)
    with opened(path, "wb") as file:
        file.write(b"user_id,click\n1,0\n2,1\n\xff\xfe,1\n")
    with pytest.raises(ValueError, match=r"line 4: expected utf-8-sig text, got byte 0xff"):
        files.suggest(path)
    with opened(path, "wb") as file:
        file.write(b"user_id,click\n")
    with pytest.raises(ValueError, match="expected rows below the columns' names, got none"):
        files.suggest(path)


def test_what_a_description_cannot_hold(tmp_path, frame):
    """Labels of one name, and values that would end a comment or fill it."""
    frame["IS_CLICK"] = frame["is_click"]
    frame.to_csv(tmp_path / "log.csv", index=False)
    with pytest.raises(ValueError, match="expected labels whose names differ in lower case, got"):
        files.suggest(tmp_path / "log.csv")
    frame = frame.drop(columns="IS_CLICK")
    frame["end"] = np.where(frame["is_click"], "a\nb\x02" + "c" * 99, "x\r\ny")
    frame.to_csv(tmp_path / "log.csv", index=False)
    text = files.suggest(tmp_path / "log.csv", label=["is_click"])
    assert tomllib.loads(text)["columns"]["end"]["kind"] == "ignore"
    assert f"rows with a value like a b {'c' * 36} the rate of" in text


def test_the_command_writes_a_file_that_the_next_one_reads(tmp_path, frame, capsys):
    frame.to_csv(tmp_path / "log.csv", index=False)
    output = tmp_path / "data.toml"
    assert main(["describe", str(tmp_path / "log.csv"), "--output", str(output)]) == 0
    assert "read it, correct it" in capsys.readouterr().out
    assert main(["check", str(output)]) == 0
    report = capsys.readouterr().out
    assert "is click rate" in report
    assert "watch time mean" in report
    assert (tmp_path / "data.cache" / "cache.json").is_file()
    assert main(["describe", str(tmp_path / "log.csv"), "--output", str(output)]) == 1
    assert (
        "expected a new file, got one that exists; give another --output" in capsys.readouterr().err
    )
    assert main(["describe", str(tmp_path / "log.csv"), "--label", "tab", "--time", "hour"]) == 0
    found = tomllib.loads(capsys.readouterr().out)
    assert list(found["labels"]) == ["tab"]
    assert found["time"]["column"] == "hour"


def test_small_whole_numbers_are_taken_for_the_item(tmp_path, frame):
    """Every number of the list is a user's too, and there are fewer users than items."""
    rng = np.random.default_rng(1)
    frame["user_id"], frame["Item-ID"] = rng.integers(0, 9, ROWS), rng.integers(0, 20, ROWS)
    frame["user_history"] = ["|".join(map(str, rng.integers(0, 9, 1 + n % 4))) for n in range(ROWS)]
    frame.to_csv(tmp_path / "log.csv", index=False)
    found = tomllib.loads(files.suggest(tmp_path / "log.csv"))
    assert found["columns"]["user_history"]["table"] == "Item-ID"
