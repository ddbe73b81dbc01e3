"""Every command and program of docs/serving.md runs, one after the other, as it stands there."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


def commands(text):
    """The commands of a block; a quoted text may go over several lines."""
    found = [""]
    for line in text.splitlines():
        found[-1] += line + "\n"
        try:
            shlex.split(found[-1])
        except ValueError:  # a quotation that is still open
            continue
        found.append("")
    return [shlex.split(command) for command in found if command.strip()]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


def run(words, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_for(address):
    for _ in range(600):
        try:
            return urllib.request.urlopen(address).status
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


def test_the_page_runs_from_its_first_line_to_its_last(folder):
    service, ran, port = None, [], str(free_port())
    try:
        for kind, text in BLOCKS:
            text = text.replace("8123", port)
            if kind == "python":
                ran.append(run([sys.executable, "-c", text], folder))
                continue
            for words in commands(text):
                if words[:4] == ["python", "-m", "pip", "install"]:
                    assert words[4:] == ["-e", ".[export,serve]", "-c", "constraints.txt"]
                elif words[:3] == ["python", "-m", "recsys_lib.serve"]:
                    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
                    command = [sys.executable, *words[1:], "--drain", "0"]
                    service = subprocess.Popen(command, cwd=folder, env=environment)
                    assert wait_for(f"http://127.0.0.1:{port}/health") == 200
                else:
                    words = [sys.executable, *words[1:]] if words[0] == "python" else words
                    ran.append(run(words, folder))
    finally:
        if service is not None:
            service.terminate()
            assert service.wait(60) == 0
    exported, replayed, health, ranked, metrics, latency = ran
    assert "as exported, with onnx" in exported and "as exported, with onnx" in replayed
    assert json.loads(health)["status"] == "ok"
    answer = json.loads(ranked)
    assert sorted(answer["order"]) == [0, 1, 2] and answer["unknown"] == {"item_id": 1}
    assert "recsys_candidates_total 3.0" in metrics
    assert re.search(r"1,000 candidates: p50 \d+ ms, p99 \d+ ms", latency)


def test_the_table_of_files_is_what_an_export_holds(folder):
    named = re.findall(r"^\| `([\w.]+)/?` \|", PAGE, flags=re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in (folder / "exports" / "din").iterdir())
