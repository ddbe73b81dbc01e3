"""An environment of its own, made by the page's command, serves and verifies without TensorFlow."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
import venv
from pathlib import Path

import pytest
from page_commands import ROOT, free_port
from reference import randomize

from bookmaker import PACKAGES
from recsys_lib.memorization import build_logistic_regression
from recsys_pipeline.export import export
from recsys_pipeline.files import load

PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
BLOCKED = ("tensorflow", "keras", "scipy", "tf2onnx")
LOG = "click,user,item\n" + "".join(f"{n % 2},u{n % 5},{n % 7}.0\n" for n in range(60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An export, the log that it was trained on, and requests."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "log.csv").write_text(LOG)
    (folder / "data.toml").write_text(
        'files = "log.csv"\n[labels.click]\n[columns.user]\ngroup = "user"\n'
        '[columns.item]\ngroup = "item"\n'
    )
    data = load(folder / "data.toml")
    model = build_logistic_regression(data.feature_columns, "click")
    randomize(model, seed=0)
    export(model, folder / "lr", data)
    return folder


def used(python, folder, environment):
    """Verify, serve and ask, each in a process of an environment; its log is verified as well."""

    def recsys(*words):
        return subprocess.run(
            [*python, "-m", "recsys_pipeline", *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )

    done = recsys("verify", "lr", "--log", "log.csv")
    assert done.returncode == 0, done.stderr
    assert "as exported, with onnx" in done.stdout
    assert "60 rows; 2 columns are read as in training" in done.stdout
    port = str(free_port())
    (folder / "asked.jsonl").unlink(missing_ok=True)
    command = [*python, "-m", "recsys_pipeline", "serve", "lr", "--port", port, "--drain", "0"]
    service = subprocess.Popen([*command, "--log", "asked.jsonl"], cwd=folder, env=environment)
    try:
        body = {"request": {"user": "u3"}, "candidates": {"item": [4, "5.0", "new"]}}
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/rank", json.dumps(body).encode())
        for _ in range(600):
            try:
                answer = json.loads(urllib.request.urlopen(asked).read())
                break
            except OSError:
                assert service.poll() is None
                time.sleep(0.1)
    finally:
        service.terminate()
        assert service.wait(60) == 0
    assert len(answer["scores"]["click"]) == 3
    assert answer["unknown"] == {"item": {"count": 1, "ids": ["new"]}}
    done = recsys("verify", "lr", "--log", "asked.jsonl")
    assert "1 requests with 3 candidates; scores as logged" in done.stdout
    return recsys


def test_with_tensorflow_out_of_reach(folder, tmp_path):
    """The same environment as this one, in which nothing imports what only training needs."""
    for name in BLOCKED:
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError('none', name={name!r})\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT), os.environ.get("PYTHONPATH", "")])
    recsys = used([sys.executable], folder, {**os.environ, "PYTHONPATH": path})
    done = recsys("train", "data.toml", "--model", "lr", "--output", "run")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert re.match(r"recsys train: expected the package \w+, found none; .*\[train\]", done.stderr)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Python of an empty environment in which the page's command was run."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place / "env", with_pip=True)
    python = next(path for path in (place / "env").glob("*/python*") if path.is_file())
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    probe = ["install", "--quiet", "--dry-run", "--no-deps", "orjson"]
    words = re.search(r"^python (-m pip install \. .*)$", PAGE, flags=re.MULTILINE)[1].split()
    run = {"cwd": place, "env": environment, "capture_output": True, "text": True}
    if subprocess.run([python, *words[:2], *probe], **run).returncode:
        pytest.skip("no package index can be reached")
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, place / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-text", "constraints.txt"):
        shutil.copy(ROOT / name, place / name)
    done = subprocess.run([python, *words], **run)
    assert done.returncode == 0, done.stderr
    return python, environment


def test_the_pages_command_installs_what_serves(folder, installed):
    python, environment = installed
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json"], env=environment, capture_output=True
    )
    names = {one["name"] for one in json.loads(listed.stdout)}
    assert {"recsys-lib", "onnxruntime"} <= names
    assert not names & {"tensorflow", "tensorflow-cpu", "keras", "jupyterlab", "scipy"}
    used([python], folder, environment)
    script = Path(python).with_name("recsys")
    assert subprocess.run([script, "--help"], env=environment).returncode == 0
