"""``recsys verify FOLDER --log FILE``: logged rows are read as training reads them, or named."""

import json
import os
import pathlib
import shutil

import numpy as np
import pandas as pd
import pytest
from asgi import ask
from test_export_of_files import DESCRIPTION, raw_rows
from timed_log import loaded
from timed_log import raw_rows as timed_rows

from recsys_lib.memorization import build_logistic_regression
from recsys_lib.sequence import build_din, build_dsin
from recsys_pipeline.__main__ import main
from recsys_pipeline.export import export, replay, verify_log, verifying
from recsys_pipeline.export.verifying import ENCODING
from recsys_pipeline.files import load
from recsys_pipeline.serve import create_application

HEADER = "click,user,Item,brand,price,age,history,tags"
ROW = "1,u3, 101.0 ,b2,12.5,,100.0|103,a|b"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a log, its description and an export."""
    folder, rows = tmp_path_factory.mktemp("verified"), raw_rows()
    lines = [
        ",".join("|".join(map(str, v)) if isinstance(v, list) else "" if v is None else str(v)
                 for v in row.values())
        for row in rows
    ]  # fmt: skip
    (folder / "log.csv").write_text("\n".join([HEADER, *lines, ROW]) + "\n")
    (folder / "data.toml").write_text(DESCRIPTION)
    data = load(folder / "data.toml")
    export(build_din(data.feature_columns, embedding_dim=3, hidden_units=(4,)), folder / "e", data)
    return folder


@pytest.fixture
def requests(folder, tmp_path):
    """A log of the service: values in every form that a client may give."""
    path = tmp_path / "requests.jsonl"
    application = create_application(folder / "e", log=path)
    for user, item, brand, price, age, history, tags in (
        ("u3", [101, "101.0", 101.0, " 101", None], "b2", 12.5, 30, [100, "103.0", "new"], ["a"]),
        ("nobody", ["101", 999, "x", "", 7.5e3], None, -3, None, None, None),
        (7, [1, 2, 3, 4, 5], " b2 ", None, 18.5, [], ["f", "e", "d", None]),
    ):
        candidates = {"Item": item, "brand": [brand] * 5, "price": [price] * 5, "tags": [tags] * 5}
        body = {"request": {"user": user, "age": age, "history": history}, "candidates": candidates}
        status, _, answer = ask(application, "/rank", body)
        assert status == 200, answer
    return path


def changed(folder, target, name, change):
    """A copy of an export, of which one file was changed, and the digests as well."""
    shutil.copytree(folder / "e", target)
    content = json.loads((target / name).read_text())
    change(content)
    (target / name).write_text(json.dumps(content))
    description = json.loads((target / "description.json").read_text())
    description["files"][ENCODING] = replay.digest(target / ENCODING)
    description["checksum"] = replay.checksum_of(description)
    (target / "description.json").write_text(json.dumps(description))
    return target


def test_the_log_of_training_is_read_as_training_reads_it(folder, capsys):
    assert main(["verify", str(folder / "e"), "--log", str(folder / "log.csv")]) == 0
    golden, line = capsys.readouterr().out.splitlines()
    assert "as exported, with onnx" in golden
    assert line.endswith("log.csv: 301 rows; 8 columns are read as in training")


def test_logged_requests_are_replayed(folder, requests, capsys):
    lines = [json.loads(line) for line in requests.read_text().splitlines()]
    assert [sorted(line) for line in lines] == [
        ["candidates", "model", "request", "scores", "time"]
    ] * 3
    assert main(["verify", str(folder / "e"), "--log", str(requests)]) == 0
    assert "3 requests with 15 candidates; scores as logged, within" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("column", "change", "message"),
    [
        (
            "item",
            lambda spec: spec["values"].update(canonical=False),
            "item: 1 rows, the first is row 301, 'Item' ' 101.0 ': training reads",
        ),
        ("price", lambda spec: spec["values"].update(logarithm=False), "price: "),
        ("age", lambda spec: spec["values"]["edges"].pop(), "age: "),
        ("history", lambda spec: spec["values"].update(newest_first=False), "history: "),
        ("tags", lambda spec: spec["values"].update(keep="last"), "tags: "),
    ],
)
def test_a_column_that_is_read_in_two_ways_is_named(folder, tmp_path, column, change, message):
    def change_it(description):
        change(next(one for one in description["columns"] if one["name"] == column))

    other = changed(folder, tmp_path / "other", "description.json", change_it)
    with pytest.raises(ValueError, match="of 8 columns 1 are not read as in training") as caught:
        verify_log(other, folder / "log.csv")
    assert message in str(caught.value).splitlines()[1]


def test_another_vocabulary_of_training_is_named_in_requests(folder, requests, tmp_path):
    def swap(encoding):
        values = encoding["vocabularies"]["brand"]
        (key,) = [key for key in values if isinstance(values[key], list)]
        values[key] = values[key][::-1]

    other = changed(folder, tmp_path / "other", ENCODING, swap)
    with pytest.raises(ValueError, match=r"brand: .* rows, the first is row 1, 'brand' 'b2'"):
        verify_log(other, requests)


def test_a_score_that_is_not_the_logged_one_is_named_with_its_line(folder, requests):
    first, second, third = map(json.loads, requests.read_text().splitlines())
    second["scores"]["click"][3] += 1e-3
    lines = [json.dumps(line) + "\n" for line in (first, second, third)]
    requests.write_text("".join(lines))
    with pytest.raises(ValueError, match=r"line 2, 'click': candidate 3: expected "):
        verify_log(folder / "e", requests)
    second["model"] = "another"
    requests.write_text(lines[0] + json.dumps(second) + "\n")
    assert "but for 1 requests that another model answered" in verify_log(folder / "e", requests)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected logged requests, got an empty file"),
        ("{\n", "line 1: expected JSON with request, candidates and scores, got"),
        ('{"request": {}}\n', "line 1: expected JSON with request, candidates and scores, got"),
        (
            '{"request": {}, "candidates": {}, "scores": {"click": []}}\n',
            "line 1: request.user: this field is missing",
        ),
    ],
)
def test_a_log_that_cannot_be_read_is_named(folder, tmp_path, text, message):
    path = tmp_path / "requests.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        verify_log(folder / "e", path)


def test_rows_that_cannot_be_read_are_named(folder, tmp_path):
    path = tmp_path / "rows.csv"
    with pytest.raises(ValueError, match="no such file"):
        verify_log(folder / "e", path)
    path.write_text("user,Item\nu1,100\n")
    with pytest.raises(ValueError, match=r"expected columns \['age', .*\], got \['user', 'Item'\]"):
        verify_log(folder / "e", path)
    path.write_text(f"{HEADER}\n{ROW.replace('12.5', 'cheap')}\n")
    with pytest.raises(ValueError, match="line 2, column 'price': expected a number, got 'cheap'"):
        verify_log(folder / "e", path)


@pytest.mark.parametrize("read", ["session_seen", "seen"])
def test_moments_are_compared_too(tmp_path, read):
    """Of a model that reads sessions; one that reads the ids alone is asked without moments."""
    rows = timed_rows()
    data = loaded(tmp_path, rows)
    columns = [data.column(name) for name in ("user", "item", read)]
    options = {"histories": (read,), "embedding_dim": 4, "hidden_units": (4,)}
    if read == "seen":
        model = build_din(columns, **options)
    else:
        model = build_dsin(columns, num_sessions=2, **options)
    exported = export(model, tmp_path / "e", data)
    assert "400 rows; " in verify_log(exported, tmp_path / "log.csv")
    log = tmp_path / "requests.jsonl"
    application = create_application(exported, log=log)
    for row in rows[:20]:
        request = {name: row[name] for name in replay.Replay(exported).golden["request"]}
        body = {"request": request, "candidates": {"item": [row["item"], "new"]}}
        assert ask(application, "/rank", body)[0] == 200
    assert "20 requests with 40 candidates" in verify_log(exported, log)


@pytest.mark.parametrize("read", ["session_seen", "seen"])
def test_lists_of_parquet_are_read_as_training_reads_them(tmp_path, read):
    rows = timed_rows()
    loaded(tmp_path, rows)  # its description
    pd.DataFrame(rows).to_parquet(tmp_path / "log.parquet")
    path = tmp_path / "data.toml"
    path.write_text(path.read_text().replace("log.csv", "log.parquet"))
    data = load(path)
    columns = [data.column(name) for name in ("user", "item", read)]
    options = {"histories": (read,), "embedding_dim": 4, "hidden_units": (4,)}
    options |= {"num_sessions": 2} if read == "session_seen" else {}
    build = build_dsin if read == "session_seen" else build_din
    exported = export(build(columns, **options), tmp_path / "e", data)
    assert "rows; 3 columns are read as in" in verify_log(exported, tmp_path / "log.parquet")


@pytest.mark.parametrize("sessions", ["", "sessions = [2, 4]"], ids=["plain", "sessions"])
def test_a_list_that_is_made_from_the_log_is_made_again(tmp_path, sessions, monkeypatch):
    draw = np.random.default_rng(0)
    rows = [
        f"u{draw.integers(4)},i{draw.integers(9)},{100_000 * (row // 3)},{draw.integers(2)}"
        for row in range(120)
    ]
    (tmp_path / "log.csv").write_text("\n".join(["user,item,time,click", *rows, ",,12000000,1"]))
    history = f'[history]\nfrom = "click"\nlength = 8\nuser = "user"\n{sessions}\n'
    columns = '[columns.user]\ngroup = "user"\n[columns.item]\ngroup = "item"\nmin_count = 5\n'
    described = 'files = "log.csv"\n[labels.click]\n[time]\ncolumn = "time"\n'
    (tmp_path / "data.toml").write_text(described + '[split]\nby = "time"\n' + history + columns)
    data = load(tmp_path / "data.toml")
    options = {"embedding_dim": 2, "hidden_units": (3,)}
    if sessions:
        (read,) = (one.name for one in data.feature_columns if getattr(one, "num_sessions", 1) > 1)
        options |= {"histories": (read,), "num_sessions": 2}
        model = build_dsin(data.feature_columns, **options)
    else:
        model = build_din(data.feature_columns, **options)
    exported = export(model, tmp_path / "e", data)
    said = verify_log(exported, tmp_path / "log.csv")
    assert "121 rows; 3 columns are read as in training" in said
    monkeypatch.setattr(verifying, "MOST_ROWS", 50)
    assert "50 rows; " in verify_log(exported, tmp_path / "log.csv")


def test_without_files_there_is_nothing_to_compare_with(tmp_path):
    import small_shop

    exported = export(small_shop.mmoe(), tmp_path / "e", small_shop.dataset(small_shop.TASKS))
    log = tmp_path / "requests.jsonl"
    golden = replay.Replay(exported).golden
    line = {name: golden[name] for name in ("request", "candidates")}
    log.write_text(json.dumps({**line, "scores": golden["answers"]}))
    assert "training's features were not compared" in verify_log(exported, log)
    with pytest.raises(ValueError, match="expected an export of data that were read from files"):
        verify_log(exported, tmp_path / "e" / "verify.py")


@pytest.mark.skipif(
    not os.path.isdir(os.path.join(os.environ.get("RECSYS_DATA", ""), "kuairand_pure")),
    reason="KuaiRand-Pure is not there",
)
def test_a_real_log_is_read_as_training_reads_it(tmp_path):
    folder = pathlib.Path(os.environ["RECSYS_DATA"], "kuairand_pure")
    with open(next(folder.rglob("log_standard_*.csv"))) as file:
        lines = [next(file) for _ in range(20_001)]
    (tmp_path / "log.csv").write_text("".join(lines))
    data = load(
        tmp_path / "log.csv",
        label="is_click",
        numeric=["duration_ms"],
        ignore=[c for c in lines[0].strip().split(",") if c.startswith(("is_", "long", "play"))
                and c != "is_click"],
        group="user_id",
    )  # fmt: skip
    model = build_logistic_regression(data.feature_columns, "is_click")
    exported = export(model, tmp_path / "e", data, request_columns=["user_id"])
    assert "20,000 rows; " in verify_log(exported, tmp_path / "log.csv")
    assert np.isfinite(replay.Replay(exported).golden["scores"]["is_click"]).all()
