"""What ``make test`` takes: what changed against committed records, and a tenth of the rest."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bookmaker import inputs, selection
from bookmaker.__main__ import main

ROOT = Path(__file__).parents[2]
NAMES = [f"{number:02}_lesson" for number in range(25)]
MUTANTS = """[
{"file": "recsys_lib/models/fm.py", "tests": "models/test_fm.py", "mutants": [
{"name": "FM: half", "tests": ["test_fm"], "old": "2 * x", "new": "x"}]},
{"file": "recsys_lib/models/dcn.py", "tests": "models/test_dcn.py", "mutants": [
{"name": "DCN: half", "tests": ["test_dcn"], "old": "3 * x", "new": "x"}]},
{"file": "recsys_lib/checks.py", "tests": "models/test_fm.py", "mutants": [
{"name": "pairs", "tests": ["test_fm"], "old": "1", "new": "2"}]}
]
"""
SOURCES = {
    "recsys_lib/__init__.py": "",
    "recsys_lib/checks.py": "ONE = 1\n",
    "recsys_lib/models/__init__.py": "",
    "recsys_lib/models/fm.py": "from recsys_lib import checks\n\ndef fm(x):\n    return 2 * x\n",
    "recsys_lib/models/dcn.py": "def dcn(x):\n    return 3 * x\n",
    "tests/models/test_fm.py": "import tiny\nfrom recsys_lib.models.fm import fm\n",
    "tests/models/test_dcn.py": "import known\nfrom recsys_lib.models.dcn import dcn\n",
    "tests/models/tiny.py": "from recsys_lib import checks\n",
    "tests/shared/known.py": "SIX = 6\n",
    "tests/conftest.py": "SEED = 0\n",
    "tests/mutants/models.json": MUTANTS,
    "constraints.txt": "numpy==2.5.5\n",
    "data/movielens.md": "# MovieLens\n",
}
FM = "recsys_lib/models/fm.py: models/test_fm.py"
DCN = "recsys_lib/models/dcn.py: models/test_dcn.py"
CHECKS = "recsys_lib/checks.py: models/test_fm.py"


def hashes(notebooks=(), mutants=(), grading=(), tests=(), value="1"):
    kinds = {"tests": tests, "notebooks": notebooks, "mutants": mutants, "grading": grading}
    return {kind: {name: value for name in names} for kind, names in kinds.items()}


@pytest.fixture
def tree(tmp_path):
    """The root of a small project with two models, their tests and their mutants."""
    for name, source in SOURCES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    for name in ("runner.py", "mutant_rows.py"):
        shutil.copy(ROOT / "tests" / "mutants" / name, tmp_path / "project" / "tests/mutants")
    return tmp_path / "project"


@pytest.mark.parametrize(
    ("changed", "forced"),
    [
        ("recsys_lib/models/dcn.py", {DCN}),
        ("recsys_lib/models/fm.py", {FM, CHECKS}),
        ("recsys_lib/checks.py", {FM, CHECKS}),
        ("tests/models/test_dcn.py", {DCN}),
        ("tests/models/tiny.py", {FM, CHECKS}),
        ("tests/shared/known.py", {DCN}),
        ("tests/conftest.py", {FM, DCN, CHECKS}),
        ("tests/mutants/runner.py", {FM, DCN, CHECKS}),
        ("constraints.txt", {FM, DCN, CHECKS}),
        ("data/movielens.md", set()),
    ],
)
def test_a_change_forces_the_mutants_that_follow_from_it(tree, changed, forced):
    before = selection.mutants(tree)
    assert set(before) == {FM, DCN, CHECKS}
    assert selection.mutants(tree) == before
    with (tree / changed).open("a") as file:
        file.write("\nLATER = 1\n")
    after = selection.mutants(tree)
    assert {name for name in after if after[name] != before[name]} == forced


def test_a_changed_mutant_forces_those_of_its_file(tree):
    before = selection.mutants(tree)
    path = tree / "tests" / "mutants" / "models.json"
    path.write_text(MUTANTS.replace('"3 * x", "new": "x"', '"3 * x", "new": "0 * x"'))
    after = selection.mutants(tree)
    assert {name for name in after if after[name] != before[name]} == {DCN}


def test_mutants_that_other_tests_find_are_a_group_of_their_own(tree):
    other = """[{"file": "recsys_lib/models/fm.py", "tests": "test_all.py", "mutants": [
    {"name": "x", "tests": ["t"], "old": "2", "new": "3"}]}]"""
    (tree / "tests" / "mutants" / "others.json").write_text(other)
    (tree / "tests" / "test_all.py").write_text("from recsys_lib.models import dcn, fm\n")
    before = selection.mutants(tree)
    assert "recsys_lib/models/fm.py: test_all.py" in before
    with (tree / "recsys_lib" / "models" / "dcn.py").open("a") as file:
        file.write("\nLATER = 1\n")
    after = selection.mutants(tree)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {DCN, "recsys_lib/models/fm.py: test_all.py"}


def test_what_is_recorded_is_left_out_but_for_a_tenth():
    today = hashes(NAMES, NAMES[:10], NAMES[:1], NAMES[:11])
    green = hashes(NAMES, NAMES[:10], NAMES[:1], NAMES[:11])
    chosen = selection.select(today, green, {})
    assert chosen.changed == {kind: [] for kind in selection.KINDS}
    assert [len(chosen.drawn[kind]) for kind in selection.KINDS] == [2, 3, 1, 1]
    assert chosen.chosen("notebooks") == chosen.drawn["notebooks"]
    assert selection.select(today, green, {}) == chosen, "the same hashes draw the same tenth"


def test_every_tenth_is_drawn_in_its_turn():
    seen = set()
    for value in range(60):
        today = hashes(NAMES, value=str(value))
        seen.update(selection.select(today, today, {}).drawn["notebooks"])
    assert seen == set(NAMES)


def test_what_changed_is_taken_whole_and_the_tenth_is_of_the_rest():
    today = hashes(NAMES, NAMES)
    green = hashes(NAMES[10:], NAMES)
    green["mutants"][NAMES[3]] = "another"
    chosen = selection.select(today, green, {})
    assert chosen.changed["notebooks"] == NAMES[:10]
    assert chosen.changed["mutants"] == [NAMES[3]]
    assert len(chosen.drawn["notebooks"]) == 2 and len(chosen.drawn["mutants"]) == 3
    assert not set(chosen.drawn["notebooks"]) & set(NAMES[:10])
    assert len(chosen.chosen("notebooks")) == 12
    everything = selection.everything(today)
    assert everything.chosen("notebooks") == everything.chosen("mutants") == NAMES


def test_what_has_passed_here_is_not_run_again():
    today = hashes(NAMES, NAMES)
    first = selection.select(today, {}, {})
    passed = {"notebooks": dict.fromkeys(NAMES[:20], "1"), "mutants": dict.fromkeys(NAMES, "0")}
    again = selection.select(today, {}, passed)
    assert again.changed == first.changed
    assert again.chosen("notebooks") == NAMES[20:]
    assert again.chosen("mutants") == NAMES
    assert "notebooks: 5 of 25 run (25 changed, 0 drawn" in again.summary(today)[1]


def test_how_long_a_run_takes_follows_from_the_seconds_of_its_files():
    today = hashes(["a", "b"], NAMES[:4], [], ["tests/test_a.py", "tests/test_new.py"])
    took = {
        "chapters/a.ipynb": 10,
        "chapters/b.ipynb": 30,
        "tests/test_a.py": 5,
        selection.MUTANTS_TEST: 100,
    }
    everything = selection.everything(today)
    assert everything.seconds(today, took) == 10 + 30 + 5 + 5 + 100, "a new file takes the average"
    known = hashes(["a"], NAMES[:3], [], ["tests/test_new.py"])
    some = selection.select(today, known, known)
    assert some.chosen("notebooks") == ["b"] and some.chosen("mutants") == [NAMES[3]]
    assert some.seconds(today, took) == 30 + 25 + 5
    assert some.seconds(today, {}) == 0


def test_only_a_full_green_run_renews_the_committed_record(chapters):
    stamp = chapters.folder.parent / "build" / "tested.json"
    record = selection.record_path(chapters.folder)
    record.parent.mkdir()
    today = hashes(["a"], ["m", "n"], ["g"], ["t"])
    with pytest.raises(FileNotFoundError):
        selection.finish(stamp, chapters.folder)

    some = selection.select(today, hashes([], ["n"]), {})
    waiting = selection.begin(some, today, stamp, full=False)
    assert json.loads(waiting.read_text())["run"]["notebooks"] == ["a"]
    assert selection.read_stamp(stamp) == {}, "a run that fails gets no further"
    selection.finish(stamp, chapters.folder)
    assert not record.exists() and not waiting.exists()
    assert selection.read_stamp(stamp) == hashes(["a"], some.chosen("mutants"), ["g"], ["t"])
    assert selection.seconds_recorded(chapters.folder) == {}

    waiting = selection.begin(selection.everything(today), today, stamp, full=True)
    waiting.write_text(json.dumps(json.loads(waiting.read_text()) | {"seconds": {"t": 3}}))
    selection.finish(stamp, chapters.folder)
    assert selection.recorded(chapters.folder) == today
    assert selection.seconds_recorded(chapters.folder) == {"t": 3}

    # Where neither can run, what is recorded stays.
    elsewhere = hashes(["a"], value="2")
    selection.begin(selection.everything(elsewhere), elsewhere, stamp, full=True)
    selection.finish(stamp, chapters.folder)
    kept = selection.recorded(chapters.folder)
    assert kept == today | {"notebooks": elsewhere["notebooks"]}
    assert selection.seconds_recorded(chapters.folder) == {"t": 3}


def test_a_stamp_counts_on_this_python_alone_and_a_broken_one_not_at_all(tmp_path):
    stamp = tmp_path / "build" / "tested.json"
    assert selection.read_stamp(stamp) == {}
    today = hashes(["a"])
    selection.begin(selection.everything(today), today, stamp, full=False)
    selection.finish(stamp, tmp_path / "chapters")
    assert selection.read_stamp(stamp) == today
    kept = json.loads(stamp.read_text())
    for broken in (json.dumps({**kept, "python": "3.9.1 x86_64"}), "[]", "{", "\n"):
        stamp.write_text(broken)
        assert selection.read_stamp(stamp) == {}


def test_other_masks_compare_every_notebook_anew(chapters):
    chapters.fake(chapters.write())
    record = selection.record_path(chapters.folder)
    assert selection.recorded(chapters.folder)["notebooks"] == {}
    record.parent.mkdir()
    record.write_text(json.dumps({"masks": selection.masks()}))
    assert set(selection.recorded(chapters.folder)["notebooks"]) == {"00_small/01_small"}
    record.write_text(json.dumps({"masks": "others", "notebooks": {"00_small/01_small": "1"}}))
    assert selection.recorded(chapters.folder)["notebooks"] == {}


def test_a_notebook_counts_with_the_inputs_of_its_build_or_of_a_run_of_everything(chapters):
    chapters.fake(chapters.write())
    record = selection.record_path(chapters.folder)
    record.parent.mkdir()
    found = {"masks": selection.masks(), "notebooks": {"00_small/01_small": "others outputs"}}
    record.write_text(json.dumps(found))
    green = selection.recorded(chapters.folder)
    (built,) = inputs.read_built(chapters.folder).values()
    for value, changed in (
        (f"{built['inputs']} {built['outputs']}", []),
        ("others outputs", []),
        ("others", ["00_small/01_small"]),
    ):
        today = hashes() | {"notebooks": {"00_small/01_small": value}}
        assert selection.select(today, green, {}).changed["notebooks"] == changed


def test_a_notebook_is_run_again_when_its_outputs_or_inputs_are_others(chapters, tmp_path, capsys):
    text = chapters.write()
    notebook = chapters.fake(text)
    stamp = tmp_path / "tested.json"
    command = ["--chapters", str(chapters.folder)]
    options = ["--stamp", str(stamp)]

    def listed():
        capsys.readouterr()
        assert main([*command, "changed", *options]) == 0
        return capsys.readouterr().out

    assert main([*command, "tested", *options]) == 1, "nothing was listed before"
    assert listed() == f"{notebook}\n"
    assert main([*command, "tested", *options]) == 0
    assert listed() == ""
    text.write_text(text.read_text().replace("The sum is four `", "The sum is surely four `"))
    assert listed() == "", "prose is not run"
    notebook.write_text(notebook.read_text().replace("sum 4", "sum 5"))
    assert listed() == f"{notebook}\n"
    notebook.write_text(notebook.read_text().replace("sum 5", "sum 4"))
    assert listed() == ""
    text.write_text(text.read_text().replace("2 + 2", "1 + 3"))
    assert listed() == f"{notebook}\n"
    assert inputs.read_built(chapters.folder)


OF_LOCKS, OF_PAST = "tests/test_locks.py", "tests/data/test_past.py"
COLLECTED = [selection.MUTANTS_TEST, selection.GRADING_TEST, OF_LOCKS, OF_PAST]


def collected(*options):
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "bookmaker.chosen_tests"]
    found = subprocess.run([*command, *options, *COLLECTED], cwd=ROOT, capture_output=True)
    return {line for line in found.stdout.decode().splitlines() if "::" in line}


def test_the_tests_leave_out_what_is_not_selected_and_nothing_else(tmp_path):
    pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")
    group = selection.group_of("recsys_lib/second_order/fm.py", ["second_order/test_fm.py"])
    run = {"tests": [OF_PAST], "mutants": [group], "grading": ["02_second_order_crosses/01_fm"]}
    chosen = tmp_path / "chosen"
    chosen.write_text(json.dumps({"run": run}))
    some, everything = collected("--selected", str(chosen)), collected()
    assert some < everything
    command = [sys.executable, ROOT / "tests" / "mutants" / "runner.py", "list"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    mutants = [test for test in some if "::test_the_mutant_is_rejected[" in test]
    groups = [selection.group_of(mutant["file"], mutant["tests"]) for mutant in listed]
    assert len(mutants) == groups.count(group) > 0
    graded = {test for test in everything if test.startswith(selection.GRADING_TEST)}
    of_lessons = {test for test in graded if test.endswith("]")}
    assert some & of_lessons == {test for test in of_lessons if test.endswith("[01_fm]")}
    assert any(test.startswith(OF_PAST) for test in some)
    for test in everything - some:
        whole = test.startswith(OF_LOCKS)
        assert whole or test in of_lessons or "::test_the_mutant_is_rejected[" in test
