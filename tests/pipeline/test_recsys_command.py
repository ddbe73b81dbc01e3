"""``recsys``: one command for every step, told at once what it can do."""

import json
import re
import resource
import subprocess
import sys
import tomllib

import pytest
from page_commands import ROOT

from bookmaker import PACKAGES
from recsys_pipeline import INSTALL
from recsys_pipeline.__main__ import COMMANDS, main


def spent(*words):
    """Processor seconds of a command in a process of its own, and what it printed."""

    def seconds():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = seconds()
    command = [sys.executable, "-m", "recsys_pipeline", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    return seconds() - before, done


def test_help_names_all_commands_at_once():
    seconds, done = spent("--help")
    assert done.returncode == 0 and seconds < 1
    assert all(f"recsys {name}" in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_waits_for_no_tensorflow(name):
    seconds, done = spent(name, "--help")
    assert done.returncode == 0 and done.stdout.startswith(f"usage: recsys {name}")
    assert seconds < 1


def test_without_a_command_it_says_what_there_is(capsys):
    assert main([]) == 2
    assert "recsys train" in capsys.readouterr().out


def test_an_unknown_command_is_one_line(capsys):
    assert main(["trian"]) == 2
    assert capsys.readouterr().err == (
        f"recsys: expected one of {', '.join(COMMANDS)}, got 'trian'\n"
    )


def test_a_folder_without_a_model_is_one_line(tmp_path, capsys):
    (tmp_path / "log.csv").write_text("label,user\n1,a\n0,b\n")
    words = [str(tmp_path / "log.csv"), "--run", str(tmp_path), "--output", str(tmp_path / "e")]
    assert main(["export", *words]) == 1
    assert capsys.readouterr().err == (
        f"--run: expected a folder with model.keras in it, got {tmp_path}\n"
    )
    assert not (tmp_path / "e").exists()


def test_a_trained_model_is_exported_and_verified(tmp_path, capsys):
    """As ``recsys train --export`` writes it, though by a command of its own."""
    rows = [f"{n % 2},u{n % 5},i{n % 7}" for n in range(200)]
    (tmp_path / "log.csv").write_text("label,user_id,item_id\n" + "\n".join(rows) + "\n")
    log, run, export = (str(tmp_path / name) for name in ("log.csv", "run", "export"))
    train = ["--model", "fm", "--epochs", "1", "--output", run, "--export", f"{export}_of_train"]
    assert main(["train", log, *train]) == 0
    assert main(["export", log, "--run", run, "--output", export]) == 0
    assert f"recsys serve {export}" in capsys.readouterr().out
    golden = [
        json.loads((tmp_path / name / "golden.json").read_text())
        for name in ("export", "export_of_train")
    ]
    assert golden[0] == golden[1]
    assert main(["verify", export]) == 0
    assert "as exported, with onnx" in capsys.readouterr().out
    assert main(["export", log, "--run", run, "--output", export]) == 1
    assert "expected one that does not exist yet" in capsys.readouterr().err


def test_what_messages_name_to_install_exists():
    """The extra of this project, by the command of its pages: no index has a distribution of it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (command, extra) = re.match(r'(.* "\.\[(\w+)\]") in the folder of the book$', INSTALL).groups()
    assert extra in project["optional-dependencies"]
    for page in ("README.md", "docs/serving.md"):
        assert command in (ROOT / page).read_text()
    files = [path for path in ROOT.iterdir() if path.is_file() and path.name != "pyproject.toml"]
    for folder in (*PACKAGES, "bookmaker", "experiments", "benchmarks", "docs", "chapters"):
        files += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    name = project["name"].replace("-", "[-_]")
    wrong = re.compile(rf"{name}\[[a-z]+\]|install[\s\"'\\]+(-\S+\s+)*{name}\b", re.IGNORECASE)
    texts = [
        path for path in files if path.suffix in (".py", ".md", ".ipynb", ".toml", ".yaml", "")
    ]
    assert len(texts) > 500
    found = [path for path in texts if wrong.search(path.read_text(errors="replace"))]
    assert found == []
    assert wrong.search("pip \"\n \"install 'recsys-lib[train]'") and wrong.search(
        "pip install -U recsys_lib"
    )


def test_an_export_that_is_none_is_told(tmp_path, capsys):
    assert main(["verify", str(tmp_path)]) == 1
    assert "expected what `export` wrote" in capsys.readouterr().err
