"""What nbval compares, and what it lets pass, when it runs a lesson again."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).parents[2]
SANITIZE = ROOT / "tests" / "nbval_sanitize.cfg"


def sanitised(text):
    parser = configparser.RawConfigParser()
    parser.read(SANITIZE, encoding="utf-8")
    for section in parser.sections():
        text = re.sub(parser.get(section, "regex"), parser.get(section, "replace"), text)
    return text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("training took 3.2 s", "training took 12 s"),
        ("latency p50 3.1 ms, p99 4.0 ms", "latency p50 2.9 ms, p99 7.25 ms"),
        ("FM: 120,000 examples per second", "FM: 98,111 examples per second"),
        ("<f at 0x7f21aa0012>", "<f at 0x7f99bb1234>"),
        (
            '<img alt="what to see" width="711" src="data:image/png;base64,iVBO/+=">',
            '<img alt="its title &quot;A&quot;" width="712" src="data:image/png;base64,AAAA">',
        ),
        (
            '<img alt="what to see" width="711" src="data:image/svg+xml;base64,PHN2">',
            '<img alt="its title" width="711" src="data:image/svg+xml;base64,PHN2">',
        ),
    ],
)
def test_measurements_are_masked(first, second):
    assert sanitised(first) == sanitised(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("evidence: wide 0.95", "evidence: wide 0.96"),
        ("sample A = +2.6", "sample A = +2.7"),
        ("gap of 30 s between clicks", "gap of 31 s between clicks"),
        ("median rating 3.5", "median rating 4.0"),
        ("training took 3.2 s\nrows 5", "training took 3.2 s\nrows 6"),
        ("0x1f", "0x2f"),
        ("# recsys_lib/second_order/fm.py, build_fm", "# recsys_lib/second_order/fm.py, FM.call"),
        ("line 31", "line 32"),
        ('<img alt="a" width="7" src="a.png">', '<img alt="a" width="7" src="b.png">'),
        (
            '<img alt="a" width="7" src="data:image/svg+xml;base64,PHN2">',
            '<img alt="a" width="7" src="data:image/svg+xml;base64,PHNW">',
        ),
        (
            '<img alt="a" width="7" src="data:image/png;base64,AA">',
            '<p>a</p><img alt="a" width="7" src="data:image/png;base64,AA">',
        ),
    ],
)
def test_everything_else_is_compared(first, second):
    assert sanitised(first) != sanitised(second)


CHECK = """\
from recsys_book import checked_sentences, exact

exact("a.b", "One is positive.", {number} > 0)
print("training took {number} s")
checked_sentences()"""


def committed(folder, source, recorded):
    """Write a notebook whose training took ``recorded`` seconds when it was built."""
    from recsys_book.records.sentences import render_sentences

    block = render_sentences({"a.b": "One is positive."}, [])
    plain = "<IPython.core.display.HTML object>"
    cell = new_code_cell(source, execution_count=1)
    cell.outputs = [
        new_output("stream", name="stdout", text=f"training took {recorded} s\n"),
        new_output("display_data", data={"text/html": block, "text/plain": plain}),
    ]
    path = folder / "lesson.ipynb"
    kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(new_notebook(cells=[cell], metadata={"kernelspec": kernelspec}), path)
    return path


@pytest.mark.parametrize(
    ("source", "recorded", "passes"),
    [
        (CHECK.replace("{number}", "1"), "1", True),
        (CHECK.replace("{number}", "1"), "2", True),
        (CHECK.replace("{number}", "-1"), "-1", False),
        (CHECK.replace("{number}", "1").replace("positive", "one"), "1", False),
    ],
    ids=["same", "measured-anew", "check-fails", "statement-changed"],
)
def test_a_notebook_passes_exactly_when_its_statements_hold(tmp_path, source, recorded, passes):
    path = committed(tmp_path, source, recorded)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval"]
    command += ["--nbval-current-env", "--nbval-sanitize-with", str(SANITIZE), str(path)]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert finished.returncode == (0 if passes else 1), finished.stdout + finished.stderr
