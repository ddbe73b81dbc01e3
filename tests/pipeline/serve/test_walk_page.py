"""The walk of docs/README.md: a file is written, and the page's own commands make it a service."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from page_commands import blocks_of, commands, free_port, run, start_service

from recsys_pipeline.__main__ import main as recsys

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "README.md").read_text(encoding="utf-8")
ROWS = 6000
COMMANDS = [words for _, text in blocks_of(PAGE, "bash") for words in commands(text)]


def write_log(folder):
    """The page's columns; what is clicked is mostly what stands in the history already.

    The mean of a history hardly tells whether one item is in it: a unit that sees each behaviour
    beside the candidate does.
    """
    rng = np.random.default_rng(0)
    item = rng.integers(0, 40, ROWS)
    lists = [rng.integers(0, 40, rng.integers(0, 9)) for _ in range(ROWS)]
    for row in np.flatnonzero(rng.random(ROWS) < 0.4):
        if len(lists[row]):
            lists[row][rng.integers(len(lists[row]))] = item[row]
    is_known = np.array([one in history for one, history in zip(item, lists, strict=True)])
    click = (rng.random(ROWS) < np.where(is_known, 0.7, 0.1)).astype(int)
    frame = pd.DataFrame(
        {
            "user_id": [f"u{number}" for number in rng.integers(0, 60, ROWS)],
            "item_id": [f"i{number}" for number in item],
            "page": rng.choice(["home", "search"], ROWS),
            "history": ["|".join(f"i{number}" for number in history) for history in lists],
            "time": 1_714_528_800 + 5 * np.arange(ROWS),
            "click": click,
            "like": click * (rng.random(ROWS) < np.where(is_known, 0.5, 0.2)),
        }
    )
    frame.to_csv(folder / "log.csv", index=False)


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


def test_the_trained_model_reads_the_history_by_dins_unit(walked):
    scores = json.loads((walked / "runs" / "mmoe" / "scores.json").read_text())
    assert scores["model"] == "mmoe" and scores["options"]["interest"] == "attention"
    assert list(scores["tasks"]) == ["click", "like"]
    assert {"page=home", "page=search"} < set(scores["scores"]["test"])
    # A mean of the history reaches .66 here.
    assert scores["scores"]["test"]["all"]["click"]["auc"] > 0.75


def test_the_export_is_verified_served_and_asked(walked):
    verify, serve, ask = COMMANDS[2:]
    verified = run(verify, walked)
    assert "as exported, with onnx" in verified
    assert f"log.csv: {ROWS:,} rows; 4 columns are read as in training" in verified
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
    """What the service says of a test row, and what the run predicted for it, by task."""
    table = pd.read_csv(folder / "runs" / "mmoe" / "predictions.csv")
    frame = pd.read_csv(folder / "log.csv", keep_default_na=False)
    place = next(n for n, row in enumerate(table["row_id"]) if frame["history"][row])
    row = frame.iloc[table["row_id"][place]]
    request = {"user_id": row["user_id"], "page": row["page"]}
    request["history"] = row["history"].split("|")
    body = {"request": request, "candidates": {"item_id": [row["item_id"]]}}
    answer = json.loads(run([*ask[:-1], json.dumps(body)], folder))
    return {task: (answer["scores"][task][0], table[task][place]) for task in ("click", "like")}


def test_every_page_is_named():
    (table,) = re.findall(r"^\| page .*?\n\n", PAGE, flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"\]\(([\w/]+\.md)\)", table))
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert named == pages - {"README.md"}
