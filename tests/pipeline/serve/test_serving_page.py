"""Every command and program of docs/serving.md runs, one after the other, as it stands there."""

import json
import re
import sys
from pathlib import Path

import pytest
from page_commands import blocks_of, commands, free_port, run, start_service

PAGE = (Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


def test_the_page_runs_from_its_first_line_to_its_last(folder):
    service, ran, port = None, [], str(free_port())
    try:
        for kind, text in blocks_of(PAGE, "bash", "python"):
            text = text.replace("8123", port)
            if kind == "python":
                ran.append(run([sys.executable, "-c", text], folder))
                continue
            for words in commands(text):
                if words[:4] == ["python", "-m", "pip", "install"]:
                    assert words[4] in (".", ".[train]") and words[5:] == ["-c", "constraints.txt"]
                elif words[:2] == ["recsys", "serve"]:
                    service = start_service(words, folder, port)
                else:
                    ran.append(run(words, folder))
    finally:
        if service is not None:
            service.terminate()
            assert service.wait(60) == 0
    exported, replayed, health, ranked, metrics, latency, logged = ran
    assert "as exported, with onnx" in exported and "as exported, with onnx" in replayed
    assert json.loads(health)["status"] == "ok"
    answer = json.loads(ranked)
    assert sorted(answer["order"]) == [0, 1, 2] and answer["unknown"] == {
        "item_id": {"count": 1, "ids": [99999]}
    }
    assert '"unknown": {"item_id": {"count": 1, "ids": [99999]}}' in PAGE
    assert "1 requests with 3 candidates; scores as logged" in logged
    assert "recsys_candidates_total 3.0" in metrics
    assert re.search(r"1,000 candidates: p50 \d+ ms, p99 \d+ ms", latency)


def test_the_table_of_files_is_what_an_export_holds(folder):
    named = re.findall(r"^\| `([\w.]+)/?` \|", PAGE, flags=re.MULTILINE)
    found = sorted(path.name for path in (folder / "exports" / "din").iterdir())
    assert sorted(named) == sorted([*found, "encoding.json"])  # of data from files
