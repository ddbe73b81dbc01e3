"""The two projects: a copy with a fault and marks for an answer, a log and a board of exports."""

import dataclasses
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bookmaker.building.build import BuildError
from bookmaker.course import planted, scoreboard

FAULT = planted.Fault("sum of pairs: the half is missing", "fm", {})
FILE = "recsys_lib/second_order/interactions.py"
PROVES = """
import numpy as np
from recsys_lib.second_order.interactions import BiInteraction

def test_two_fields_give_their_product():
    fields = np.array([[[1.0, 2.0], [3.0, 4.0]]], "float32")
    np.testing.assert_allclose(BiInteraction()(fields)[0], [3.0, 8.0])
"""


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    return planted.plant(FAULT, tmp_path_factory.mktemp("planted") / "ann")


def answer(folder, test, file=FILE, line=None):
    """What a student hands in."""
    folder.mkdir(exist_ok=True)
    if line is None:
        line = min(planted.changed_lines(FAULT)[1])
    (folder / planted.ANSWER).write_text(f'file = "{file}"\nline = {line}\nwhy = "half"\n')
    (folder / planted.TEST).write_text(test)
    return folder


def marks(folder):
    return [right for right, _ in planted.mark(FAULT, folder)]


def test_every_fault_of_the_table_is_recorded_and_changes_lines_of_one_file():
    for fault in planted.faults():
        file, lines = planted.changed_lines(fault)
        assert file.startswith("recsys_lib/") and 0 < len(lines) <= 30


def test_only_what_a_score_does_not_show_is_drawn(monkeypatch):
    found = {planted.drawn(seed).name for seed in range(200)}
    assert found == {one.name for one in planted.faults() if one.is_hidden}
    first, again = ([planted.drawn(seed).name for seed in range(40)] for _ in range(2))
    assert first == again
    hidden = dataclasses.replace(FAULT, right=0.75, broken=0.745)
    shown = dataclasses.replace(FAULT, right=0.75, broken=0.735)
    monkeypatch.setattr(planted, "faults", lambda: [FAULT, shown, hidden])  # the first: no scores
    assert all(planted.drawn(seed) == hidden for seed in range(40))


def test_the_copy_differs_in_one_file_and_does_not_say_which(handed_out):
    right = {
        path.relative_to(planted.ROOT): path.read_bytes()
        for path in (planted.ROOT / "recsys_lib").rglob("*.py")
    }
    assert [str(path) for path in right if (handed_out / path).read_bytes() != right[path]] == [
        FILE
    ]
    said = (handed_out / planted.ANSWER).read_text()
    assert 'model = "fm"' in said and FAULT.name not in said and FILE not in said
    for path in right:  # a time of its own would tell which file was changed
        assert (handed_out / path).stat().st_mtime == (planted.ROOT / path).stat().st_mtime
    with pytest.raises(BuildError, match="expected a folder that is not there"):
        planted.plant(FAULT, handed_out)


def test_a_right_answer_has_all_marks(tmp_path):
    assert marks(answer(tmp_path / "right", PROVES)) == [True] * 5


def test_each_fault_of_an_answer_is_told(tmp_path):
    nothing = "def test_nothing():\n    pass\n"
    assert marks(answer(tmp_path / "line", nothing, line=1))[:2] == [True, False]
    elsewhere = answer(tmp_path / "file", nothing, file="recsys_lib/zoo/row.py")
    assert marks(elsewhere)[:2] == [False, False]


def test_a_test_that_does_not_tell_the_libraries_apart_earns_nothing(tmp_path):
    on_both = answer(tmp_path / "both", "def test_nothing():\n    assert False\n")
    assert marks(on_both)[2:] == [False, False, True]
    on_none = answer(tmp_path / "none", "import recsys_lib\n\ndef test_nothing():\n    pass\n")
    assert marks(on_none)[2:] == [True, False, True]
    beside = "from pathlib import Path\nimport recsys_lib\n\ndef test_what_stands_beside():\n"
    beside += "    assert not (Path(recsys_lib.__path__[0]).parent / 'answer.toml').exists()\n"
    assert marks(answer(tmp_path / "beside", beside))[2:] == [False, False, True]
    breaks = answer(tmp_path / "breaks", "import nothing_like_this\n")
    assert marks(breaks)[2:] == [False, False, True]


def test_a_test_that_reads_the_source_is_named(tmp_path):
    reads = "import inspect\nfrom recsys_lib.second_order import interactions\n"
    reads += "def test_text():\n    assert '0.5 * (' in inspect.getsource(interactions)\n"
    assert marks(answer(tmp_path / "reads", reads)) == [True, True, True, True, False]


def rows(folder):
    """The rows of the two runs of the test."""
    return planted.mark(FAULT, folder)[2:4]


def test_all_rows_follow_from_one_result(tmp_path):
    passes, fails = "the test passes on the library: ", "the test fails on the copy: "
    not_run = (False, fails + "not run, since it does not pass on the library")
    one_of_two = "def test_one():\n    pass\n\n\ndef test_other():\n    assert False\n"
    for name, test, said in (
        ("fails a part", one_of_two, "it fails"),
        ("empty", "", "it holds no test"),
        ("breaks", "import nothing_like_this\n", "it cannot be run, pytest ends with 2"),
        ("ends", "import os\nos.kill(os.getpid(), 9)\n", "it cannot be run, pytest ends with -9"),
    ):
        assert rows(answer(tmp_path / name, test)) == [(False, passes + said), not_run]
    nothing = answer(tmp_path / "nothing", "def test_nothing():\n    pass\n")
    assert rows(nothing) == [(True, passes + "it passes"), (False, fails + "it passes")]
    # The right line of another file: the row names the file that is meant.
    right = min(planted.changed_lines(FAULT)[1])
    elsewhere = answer(tmp_path / "elsewhere", "", file="recsys_lib/zoo/row.py", line=right)
    assert planted.mark(FAULT, elsewhere)[1][0] is False
    assert planted.mark(FAULT, elsewhere)[1][1].endswith(f" of {FILE}")
    several = planted.mark(FAULT, answer(tmp_path / "several", "", line=[right]))
    assert several[1][0] is False and several[1][1].startswith(f"the line: [{right}], ")


@pytest.mark.skipif(sys.platform != "linux", reason="the clock counts where the system tells less")
def test_the_limit_is_of_the_processor_and_the_clock_stops_who_only_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(planted, "SECONDS", 3)
    waits = "import time\n\n\ndef test_waits():\n    time.sleep({})\n    assert False\n"
    said = "the test passes on the library: it fails"  # and it is not stopped before
    assert rows(answer(tmp_path / "slow", waits.format(4)))[0] == (False, said)
    busy = "import subprocess, sys\n\n\ndef test_busy():\n"
    busy += "    subprocess.run([sys.executable, '-c', 'while True: pass'], timeout=60)\n"
    said = "the test passes on the library: it took over 3 s of processor time"
    assert rows(answer(tmp_path / "busy", busy))[0] == (False, said)
    monkeypatch.setattr(planted, "WAITING", 1)
    said = "it took over 3 s by the clock, and waited for most of them"
    stopped = rows(answer(tmp_path / "sleeps", waits.format(20)))
    assert stopped[0] == (False, f"the test passes on the library: {said}")


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_what_a_test_has_started_ends_with_it(tmp_path):
    # It holds the output open, and nobody waits for it.
    note = tmp_path / "process"
    test = "import subprocess, sys\n\n\ndef test_starts():\n"
    test += "    one = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    test += f"    open({str(note)!r}, 'w').write(str(one.pid))\n"
    started = time.monotonic()
    assert rows(answer(tmp_path / "starts", test))[0][0] and time.monotonic() - started < 50
    stat = Path("/proc", note.read_text(), "stat")
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() - started < 50


def test_an_answer_that_cannot_be_read_is_refused(tmp_path):
    broken = answer(tmp_path / "broken", "def test(:\n")
    with pytest.raises(BuildError, match="test_answer"):
        planted.mark(FAULT, broken)
    with pytest.raises(BuildError, match="expected a recorded mutant, got 'nothing'"):
        planted.mutated("nothing")


SIZES = {"num_rows": 4_000, "num_test_rows": 4_000}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A log as it is handed out, a model that was trained on it, and a folder that is no export."""
    from recsys_pipeline.__main__ import main as recsys

    folder = scoreboard.write_log(5, tmp_path_factory.mktemp("board") / "log", **SIZES)
    train = "train data.toml --model mean --learning-rate 0.01 --epochs 1 --batch-size 256 "
    train += "--output runs/mean --export exports/ann"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert recsys(train.split()) == 0
    (folder / "exports" / "ben").mkdir()
    return folder


def test_the_log_has_no_test_row_and_no_truth(exported):
    log = pd.read_csv(exported / "log.csv")
    dataset = scoreboard.world(5, **SIZES)
    assert len(log) == len(dataset.train) + len(dataset.valid)
    assert not set(log["request"]) & set(dataset.test.group)
    assert list(log) == [
        *("time", "request", "surface", "budget", "history", "history_category"),
        *("item_id", "category", "log_price", "click"),
    ]
    with pytest.raises(BuildError, match="expected a folder that is not there"):
        scoreboard.write_log(5, exported)


def test_the_board_scores_what_the_model_predicts(exported):
    from recsys_lib.training import gauc

    board = scoreboard.score(5, exported / "exports", budget=1e6, **SIZES)
    assert board.index.tolist() == ["ann", "ben"]
    ann, ben = board.loc["ann"], board.loc["ben"]
    assert ann["fault"] == "" and 0 < ann["ms"] < 1e6
    assert "expected the description of an export" in ben["fault"] and ben["points"] == 0

    # The same rows one by one through the service's way.
    from recsys_pipeline.export import Replay

    replay, test = Replay(exported / "exports" / "ann"), scoreboard.world(5, **SIZES).test
    rows = scoreboard.raw_rows(test)
    scores = []
    for _, part in rows.groupby("request", sort=False):
        fields = {name: scoreboard._values(part, name) for name in part}
        request = {name: fields[name][0] for name in replay.golden["request"]}
        candidates = {name: fields[name] for name in replay.golden["candidates"]}
        scores.append(replay.scores(*replay.encode(request, candidates))["click"])
    one_by_one = gauc(test.labels["click"], np.concatenate(scores), test.group)[0]
    assert ann["gauc"] == pytest.approx(one_by_one, abs=1e-4)
    best = gauc(test.labels["click"], test.probability["click"], test.group)[0]
    assert ann["points"] == pytest.approx(100 * (ann["gauc"] - 0.5) / (best - 0.5))


def stand_in(scores, asked=("item_id",)):
    """An export that is asked with some columns and gives known scores."""

    def encode(request, candidates):
        return request, candidates

    encode.rows = lambda columns: columns
    run = {"rows": lambda features: {"click": scores(features)}}
    golden = {"request": {"surface": "s"}, "candidates": dict.fromkeys(asked)}
    return SimpleNamespace(golden=golden, encode=encode, run=run, scores=lambda *_: None)


def test_the_best_in_time_is_first_and_a_refused_export_says_why(tmp_path, monkeypatch):
    truth = scoreboard.world(5, **SIZES).test.probability["click"]
    exports = {
        "coin": stand_in(lambda _: np.zeros(len(truth))),
        "late": stand_in(lambda _: truth),
        "oracle": stand_in(lambda _: truth),
        "thief": stand_in(lambda features: np.array(features["click"], float), ("click",)),
    }
    monkeypatch.setattr(scoreboard, "Replay", lambda path: exports[path.name])
    monkeypatch.setattr(
        scoreboard, "milliseconds", lambda one, _: 5 + 15 * (one is exports["late"])
    )
    with pytest.raises(BuildError, match="expected a folder for each student"):
        scoreboard.score(5, tmp_path, **SIZES)
    for name in exports:
        (tmp_path / name).mkdir()
    board = scoreboard.score(5, tmp_path, budget=10, **SIZES)
    assert board.index.tolist() == ["oracle", "coin", "late", "thief"]
    assert board["points"].tolist() == pytest.approx([100, 0, 100, 0])
    refusal = "too slow: expected 300 candidates in 10 ms for 95 of 100 requests, got 20.0 ms"
    assert board["fault"].tolist() == ["", "", refusal, "KeyError: 'click'"]


def test_the_time_is_that_of_the_slow_requests_without_the_first_ones(monkeypatch):
    lasted = iter([9.0] * scoreboard.WARM + [number / 1000 for number in range(1, 51)])
    now, calls = [0.0], []
    monkeypatch.setattr(scoreboard, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    export = stand_in(None)

    def scores(request, candidates):
        now[0] += next(lasted)
        calls.append((request, len(candidates["item_id"])))

    export.scores = scores
    rows = pd.DataFrame({"surface": ["feed"] * 900, "item_id": range(900)})
    assert scoreboard.milliseconds(export, rows) == pytest.approx(np.percentile(range(1, 51), 95))
    assert calls == [({"surface": "feed"}, 300)] * 55
