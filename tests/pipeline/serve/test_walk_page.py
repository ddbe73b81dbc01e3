"""The walk of docs/README.md: a file is written, and the page's own commands make it a service."""

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from page_commands import blocks_of, commands, free_port, run, start_service

from recsys_pipeline.__main__ import main as recsys

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "README.md").read_text(encoding="utf-8")
ROWS = 6000
USERS = 60
LENGTH = 20
"""Items of a history that the command keeps where nobody says another number."""
COMMANDS = [words for _, text in blocks_of(PAGE, "bash") for words in commands(text)]


def write_log(folder):
    """The page's columns; users mostly click what they clicked before.

    The mean of a history hardly tells whether one item is in it: a unit that sees each behaviour
    beside the candidate does.
    """
    rng = np.random.default_rng(0)
    clicked = [[] for _ in range(USERS)]
    rows = []
    for moment in range(ROWS):
        user = rng.integers(USERS)
        recent = clicked[user][-LENGTH:]
        item = rng.choice(recent) if recent and rng.random() < 0.3 else rng.integers(40)
        is_known = item in recent
        click = int(rng.random() < (0.9 if is_known else 0.15))
        like = int(click and rng.random() < (0.5 if is_known else 0.2))
        page = rng.choice(["home", "search"])
        rows.append((f"u{user}", f"i{item}", page, 1_714_528_800 + 5 * moment, click, like))
        clicked[user] += [item] * click
    names = ["user_id", "item_id", "page", "time", "click", "like"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "log.csv", index=False)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The folder after the first two commands, which need TensorFlow: they run in this process."""
    folder = tmp_path_factory.mktemp("walk")
    write_log(folder)
    describe, train = COMMANDS[:2]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert recsys(describe[1:]) == 0
        assert recsys(train[1:]) == 0
    return folder


def test_the_walk_is_these_commands():
    assert [words[:2] for words in COMMANDS[:4]] == [
        ["recsys", "describe"],
        ["recsys", "train"],
        ["recsys", "verify"],
        ["recsys", "serve"],
    ]
    assert [words[0] for words in COMMANDS[4:]] == ["curl"]


def test_the_page_shows_the_columns_of_the_file(walked):
    ((_, shown),) = blocks_of(PAGE, "text")
    header, *rows = shown.splitlines()
    assert header == (walked / "log.csv").read_text().splitlines()[0]
    assert all(row.count(",") == header.count(",") for row in rows)


def test_the_description_is_what_the_page_shows(walked):
    ((_, shown),) = blocks_of(PAGE, "toml")
    said = tomllib.loads((walked / "data.toml").read_text())
    assert tomllib.loads(shown)["history"].items() <= said["history"].items()


def test_the_trained_model_reads_the_history_by_dins_unit(walked):
    scores = json.loads((walked / "runs" / "mmoe" / "scores.json").read_text())
    assert scores["model"] == "mmoe" and scores["options"]["interest"] == "attention"
    assert list(scores["tasks"]) == ["click", "like"]
    assert {"page=home", "page=search"} < set(scores["scores"]["test"])
    # A mean of the history reaches .74 here, the unit .86.
    assert scores["scores"]["test"]["all"]["click"]["auc"] > 0.8


def test_the_export_is_verified_served_and_asked(walked):
    verify, serve, ask = COMMANDS[2:]
    verified = run(verify, walked)
    assert "as exported, with onnx" in verified
    assert f"log.csv: {ROWS // 10:,} rows; scores as runs/mmoe predicted, within" in verified
    assert "4 columns are read as in training" in verified
    port = str(free_port())
    serve, ask = ([word.replace("8123", port) for word in words] for words in (serve, ask))
    service = start_service(serve, walked, port)
    try:
        answer = json.loads(run(ask, walked))
        scored = as_in_the_log(walked, ask)
    finally:
        service.terminate()
        assert service.wait(60) == 0
    assert set(answer["scores"]) == {"click", "like"}
    assert all(0 < p < 1 for scores in answer["scores"].values() for p in scores)
    assert sorted(answer["order"]) == [0, 1, 2] and answer["order"][0] == 0  # it was clicked before
    assert answer["unknown"] == {
        "history": {"count": 1, "ids": ["never seen"]},
        "item_id": {"count": 1, "ids": ["brand new"]},
    }
    for task, (found, expected) in scored.items():
        np.testing.assert_allclose(found, expected, atol=2e-5, err_msg=task)


def as_in_the_log(folder, ask):
    """What the service says of a test row, and what the run predicted for it, by task.

    The request's history is looked up here, in the log.
    """
    table = pd.read_csv(folder / "runs" / "mmoe" / "predictions.csv")
    frame = pd.read_csv(folder / "log.csv")
    row = frame.iloc[table["row_id"][0]]
    before = frame[(frame["user_id"] == row["user_id"]) & (frame["time"] < row["time"])]
    request = {"user_id": row["user_id"], "page": row["page"]}
    request["history"] = before["item_id"][before["click"] == 1].tolist()
    assert len(request["history"]) > LENGTH  # the service cuts it as training did
    body = {"request": request, "candidates": {"item_id": [row["item_id"]]}}
    answer = json.loads(run([*ask[:-1], json.dumps(body)], folder))
    return {task: (answer["scores"][task][0], table[task][0]) for task in ("click", "like")}


def test_every_page_is_named():
    (table,) = re.findall(r"^\| page .*?\n\n", PAGE, flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"\]\(([\w/]+\.md)\)", table))
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert named == pages - {"README.md"}
