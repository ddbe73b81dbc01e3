"""What ``make test`` takes: what changed since it was green, and a tenth of the rest."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bookmaker.building import inputs
from bookmaker.gate import selection

ROOT = Path(__file__).parents[2]
NAMES = [f"tests/test_{number:02}.py" for number in range(25)]
MUTANTS = """[
{"file": "recsys_lib/sequence/din.py", "tests": "sequence/test_din.py", "mutants": [
{"name": "DIN: half", "tests": ["test_din"], "old": "2 * x", "new": "x"}]},
{"file": "recsys_lib/checks.py", "tests": "sequence/test_din.py", "mutants": [
{"name": "one", "tests": ["test_din"], "old": "1", "new": "2"}]}]
"""
SOURCES = {
    ".gitignore": "__pycache__/\n",
    "recsys_lib/__init__.py": "",
    "recsys_lib/checks.py": "ONE = 1\n",
    "recsys_lib/layers/__init__.py": "",
    "recsys_lib/layers/base.py": '"""Bases."""\n\nfrom recsys_lib import checks\n',
    "recsys_lib/sequence/__init__.py": "",
    "recsys_lib/sequence/din.py": "from recsys_lib.layers import base\n\nDIN = 'x'\n",
    "recsys_lib/sequence/dien.py": "from recsys_lib.layers import base\n",
    "recsys_lib/zoo/__init__.py": "BUILDERS = ['recsys_lib.sequence.din:build']\n",
    "recsys_pipeline/__init__.py": "",
    "recsys_pipeline/serve/__init__.py": "def f():\n    from recsys_lib import zoo\n",
    "tests/conftest.py": "SEED = 0\n",
    "tests/layers/test_base.py": "import known\nfrom recsys_lib.layers.base import checks\n",
    "tests/pipeline/test_serve.py": "from recsys_lib.sequence.din import DIN\n",
    "tests/project/test_texts.py": "",
    "tests/sequence/test_din.py": "import tiny\nfrom recsys_lib.sequence.din import DIN\n",
    "tests/sequence/tiny.py": "TWO = 2\n",
    "tests/shared/known.py": "SIX = 6\n",
    "tests/mutants/sequence.json": MUTANTS,
    "constraints.txt": "numpy==2.5.5\n",
    "docs/serving.md": "# Serve\n",
}
BASE, DIN = "tests/layers/test_base.py", "tests/sequence/test_din.py"
SERVE, TEXTS = "tests/pipeline/test_serve.py", "tests/project/test_texts.py"
OF_DIN = "mutants of recsys_lib/sequence/din.py: sequence/test_din.py"
OF_CHECKS = "mutants of recsys_lib/checks.py: sequence/test_din.py"


@pytest.fixture
def tree(tmp_path):
    """The root of a small project."""
    for name, source in SOURCES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    for name in ("runner.py", "mutant_rows.py"):
        shutil.copy(ROOT / "tests" / "mutants" / name, tmp_path / "project" / "tests/mutants")
    return tmp_path / "project"


@pytest.mark.parametrize(
    ("name", "forced"),
    [
        ("recsys_lib/checks.py", {BASE, DIN, SERVE, TEXTS, OF_CHECKS}),
        ("recsys_lib/layers/base.py", {BASE, DIN, SERVE, TEXTS}),
        # The zoo is a border: neither pipeline nor project follows from a model.
        ("recsys_lib/sequence/din.py", {DIN, OF_DIN}),
        ("recsys_lib/sequence/dien.py", {DIN}),
        ("recsys_lib/zoo/__init__.py", {SERVE, TEXTS}),
        ("recsys_pipeline/serve/__init__.py", {SERVE, TEXTS}),
        (DIN, {DIN, TEXTS, OF_DIN, OF_CHECKS}),
        ("tests/sequence/tiny.py", {DIN, TEXTS}),
        ("tests/shared/known.py", {BASE, TEXTS}),
        ("tests/conftest.py", {BASE, DIN, SERVE, TEXTS}),
        ("tests/mutants/runner.py", {OF_DIN, OF_CHECKS, TEXTS}),
        ("constraints.txt", {BASE, DIN, SERVE, TEXTS}),
        ("docs/serving.md", {SERVE, TEXTS}),
    ],
)
def test_a_change_forces_what_follows_from_it(tree, name, forced):
    def units():
        return selection.current([], tree / "chapters", tree)

    before = units()
    assert set(before) == {BASE, DIN, SERVE, TEXTS, OF_DIN, OF_CHECKS} and units() == before
    with (tree / name).open("a") as file:
        file.write("\nLATER = 1\n")
    after = units()
    assert {one for one in after if after[one] != before[one]} == forced


def test_docstrings_and_comments_of_code_force_nothing(tree):
    before = selection.Tree(tree).hash_of(BASE)
    path = tree / "recsys_lib" / "layers" / "base.py"
    path.write_text(path.read_text().replace("Bases.", "All bases.") + "# A remark.\n")
    assert selection.Tree(tree).hash_of(BASE) == before


def test_of_each_package_above_the_zoo_one_file_follows_from_every_model(monkeypatch, tree):
    monkeypatch.setattr(selection, "SMOKE", (BASE,))
    before = selection.Tree(tree).hash_of(BASE)
    with (tree / "recsys_lib/sequence/dien.py").open("a") as file:
        file.write("\nLATER = 1\n")
    assert selection.Tree(tree).hash_of(BASE) != before


def test_the_files_that_follow_from_every_model_are_there():
    folders = {Path(one).parts[1] for one in selection.SMOKE}
    assert folders == {"benchmarks", "book", "experiments", "pipeline"}
    assert all((ROOT / one).exists() for one in selection.SMOKE)


def chosen(today, found=(), everything=False, weekly=False):
    return selection.chosen(today, found, everything=everything, weekly=weekly)


def test_a_tenth_of_the_rest_is_drawn_another_in_each_commit():
    today = dict.fromkeys(NAMES, "1")
    record = {"green": today | {NAMES[3]: "0"}, "built": {}}
    assert selection.changed(today, record) == [NAMES[3]]
    assert len(chosen(today)) == 3
    assert chosen(today) == chosen(dict.fromkeys(NAMES[::-1], "1"))
    assert chosen(today, NAMES[3:4])[0] == NAMES[3] and len(chosen(today, NAMES[3:4])) == 4
    values = (dict.fromkeys(NAMES, str(value)) for value in range(60))
    assert {name for hashes in values for name in chosen(hashes)} == set(NAMES)


def test_a_lab_runs_where_it_changed_and_in_the_weekly_run_and_stays_recorded(tmp_path, chapters):
    lab, other = (
        "chapters/04_sequence_models/lab_a.ipynb",
        "chapters/04_sequence_models/lab_b.ipynb",
    )
    today = dict.fromkeys([*NAMES, lab, other], "1")
    record = {"green": today | {other: "0"}, "built": {}}
    found = selection.changed(today, record)
    assert found == [other]
    assert chosen(today, found, everything=True) == [other, *NAMES]
    assert chosen(today, found, everything=True, weekly=True) == [other, *NAMES, lab]
    (tmp_path / "tests").mkdir(exist_ok=True)
    (tmp_path / "tests" / "nbval_sanitize.cfg").touch()
    selection.write_record({lab: "1", NAMES[0]: "1"}, {lab: 60}, anew=True, root=tmp_path)
    selection.write_record({NAMES[1]: "1"}, {NAMES[1]: 2}, anew=True, root=tmp_path)
    kept = selection.read_record(tmp_path, chapters.folder)
    assert kept["green"] == {lab: "1", NAMES[1]: "1"} and kept["seconds"] == {lab: 60, NAMES[1]: 2}


def test_a_notebook_is_green_as_it_was_built_or_found(chapters, tmp_path):
    notebook = chapters.fake(chapters.write())
    unit = selection.notebook_of(notebook, chapters.folder)
    (chapters.folder / "constraints.txt").touch()
    text = notebook.with_suffix(".md")
    inputs.record_built(text, inputs.inputs_of(text, chapters.folder), chapters.folder)
    today = selection.current([notebook], chapters.folder, chapters.folder)
    masks = tmp_path / "tests" / "nbval_sanitize.cfg"
    masks.parent.mkdir(exist_ok=True)
    masks.write_text("one")
    selection.write_record({unit: "found"}, {}, anew=True, root=tmp_path)

    def changed(value):
        return selection.changed({unit: value}, selection.read_record(tmp_path, chapters.folder))

    assert changed(today[unit]) == changed("found") == []
    assert changed("others") == [unit]
    masks.write_text("two")
    assert changed(today[unit]) == changed("found") == [unit], "other masks compare anew"


def test_how_long_a_run_takes_follows_from_the_seconds_of_its_units():
    units = dict.fromkeys(NAMES[:4], "")
    seconds = {NAMES[0]: 60, NAMES[1]: 300}
    told = selection.summary(NAMES[:3], units, seconds, 2)
    assert told == "3 of 4 units run, about 4 min with 2 workers"
    told = selection.summary(NAMES[:1], units, {}, 1)
    assert told == "1 of 4 units run, about 1 min with 1 workers"


TESTS = {
    "test_good.py": "def test_a():\n    pass\n",
    "test_bad.py": "def test_a():\n    pass\n\ndef test_b():\n    assert False\n",
    "test_part.py": "import pytest\n\ndef test_a():\n    pass\n\n"
    "def test_b():\n    pytest.skip('none')\n",
    "test_left.py": "def test_a():\n    assert False\n",
}
PLUGIN = """
from pathlib import Path

from bookmaker.gate import chosen_tests, selection
from bookmaker.gate.chosen_tests import *

chosen_tests.ROOT = Path.cwd()
selection.write_record.__kwdefaults__["root"] = Path.cwd()
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_what_passed_whole_is_recorded_and_nothing_else(tmp_path, workers):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "nbval_sanitize.cfg").touch()
    for name, text in TESTS.items():
        (tmp_path / "tests" / name).write_text(text)
    run = {f"tests/{name}": "1" for name in TESTS if name != "test_left.py"}
    (tmp_path / "chosen.json").write_text(json.dumps({"run": run, "all": False}))
    selection.write_record({"tests/test_old.py": "1"}, {}, anew=True, root=tmp_path)
    (tmp_path / "planted.py").write_text(PLUGIN)

    def make(*options):
        command = [sys.executable, "-m", "pytest", "-p", "planted", "--chosen", "chosen.json"]
        command += ["-p", "no:cacheprovider", "-p", "no:nbval", f"-n{workers}", "-q", "tests"]
        command += options
        environment = {"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": "/usr/bin:/bin"}
        made = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
        return made.stdout.decode(), selection.read_record(tmp_path)["green"]

    for narrowed in (["-x"],) if workers else (["-k", "test_a"], ["-x"]):
        assert make(*narrowed)[1] == {"tests/test_old.py": "1"}
    said, green = make()
    assert "1 failed, 3 passed, 1 skipped" in said, said
    assert green == {"tests/test_good.py": "1", "tests/test_old.py": "1"}


def test_the_cases_of_mutants_grading_and_contract_are_chosen_one_by_one(tmp_path):
    pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")
    mutants = selection.mutants_of("recsys_lib/second_order/fm.py", ["second_order/test_fm.py"])
    run = {mutants: "1", "grading of 02_second_order_crosses/01_fm": "1", "contract of fm": "1"}
    (tmp_path / "chosen").write_text(json.dumps({"run": run, "all": False}))
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "no:nbval", "-p", "bookmaker.gate.chosen_tests"]
    command += ["--chosen", str(tmp_path / "chosen")]
    command += [selection.MUTANTS_TEST, selection.GRADING_TEST, "tests/contract/test_promises.py"]
    found = subprocess.run([*command, "tests/test_locks.py"], cwd=ROOT, capture_output=True)
    tests = [line for line in found.stdout.decode().splitlines() if "::" in line]
    assert not any("test_locks" in test for test in tests)
    assert {t.split("[")[1] for t in tests if "test_saved_and_loaded" in t} == {"fm]"}
    assert {t.split("[")[1] for t in tests if "the_reference_gets_full" in t} == {"01_fm]"}
    command = [sys.executable, ROOT / "tests" / "mutants" / "runner.py", "list"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    of_fm = [one for one in listed if selection.mutants_of(one["file"], one["tests"]) == mutants]
    assert len(of_fm) == sum("the_mutant_is_rejected" in test for test in tests) > 0
