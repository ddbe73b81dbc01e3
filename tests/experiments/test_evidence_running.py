"""A run that is killed goes on and ends with the same table; two at once spoil nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from tiny_evidence import DECLARED, HereWorkers

from experiments.engine import registry, running, store
from experiments.engine.differences import table_of
from experiments.engine.store import Store

ROOT = Path(__file__).parents[2]
NAME = "small.guesses"
COMMAND = """
import sys
from pathlib import Path
from experiments.engine import registry, running
folder, build = Path(sys.argv[1]), Path(sys.argv[2])
experiment = registry.load(sys.argv[3], folder)
try:
    places = running.Places(build / "results", folder, build, 1)
    running.run(experiment, places)
except running.Refused as refused:
    sys.exit(str(refused))
"""


def below(build, folder=DECLARED):
    return running.Places(folder=folder, build=build, results=build / "results")


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(running, "Workers", HereWorkers)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The log of a run that nobody disturbed, done in this process."""
    build = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "Workers", HereWorkers)
        return running.run(registry.load(NAME, DECLARED), below(build))


def start(build):
    paths = [str(ROOT), str(ROOT / "tests" / "shared")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "RECSYS_PROGRESS": "0"}
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(DECLARED), str(build), NAME],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def fork(build):
    """A run in a child of this process, which need not import anything again."""
    child = os.fork()
    if child:
        return child
    try:
        running.run(registry.load(NAME, DECLARED), below(build))
    finally:
        os._exit(0)


def wait_for_lines(path, count, seconds=120):
    deadline = time.monotonic() + seconds
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def assert_same(experiment, log, whole):
    assert set(log.done) == set(whole.done)
    # The switches are those of whoever runs; nothing is trained here.
    given = table_of(experiment, log).drop(columns="switches")
    pd.testing.assert_frame_equal(given, table_of(experiment, whole).drop(columns="switches"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_killed_at_five_points_and_started_again_it_gives_the_same_table(tmp_path, whole, here):
    experiment = registry.load(NAME, DECLARED)
    path = Store(experiment, tmp_path).path
    before = 0
    for share in (0.02, 0.25, 0.45, 0.65, 0.85):
        child = fork(tmp_path)
        wait_for_lines(path, share * len(whole.done))
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        done = len(Store(experiment, tmp_path).done)
        assert before < done < len(whole.done)
        before = done
    # A line that the kill cut off in its middle.
    with open(path, "ab") as file:
        file.write(b'{"key": ["cell", "sharp", 0.5, 100')
    log = running.run(experiment, below(tmp_path))
    assert_same(experiment, log, whole)
    assert_same(experiment, Store(experiment, tmp_path), whole)


def test_a_killed_run_of_several_processes_leaves_none_behind_and_goes_on(tmp_path, whole):
    experiment = registry.load(NAME, DECLARED)
    path = Store(experiment, tmp_path).path
    process = start(tmp_path)
    wait_for_lines(path, 3)
    workers = children_of(process.pid)
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    assert "Traceback" not in errors
    if sys.platform == "linux":
        assert workers
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    process = start(tmp_path)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert_same(experiment, Store(experiment, tmp_path), whole)


def children_of(pid):
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def test_a_second_run_at_the_same_time_is_refused(tmp_path, here):
    experiment = registry.load(NAME, DECLARED)
    with running.alone(NAME, tmp_path):
        with pytest.raises(running.Refused, match="another process has it"):
            running.run(experiment, below(tmp_path))
    assert not Store(experiment, tmp_path).done


def test_nothing_is_measured_twice(whole, here, monkeypatch):
    experiment = registry.load(NAME, DECLARED)

    class Idle(HereWorkers):
        def run(self, jobs):
            # Whoever finds its trials in the log asks for no job at all.
            assert not list(jobs)
            return iter(())

    monkeypatch.setattr(running, "Workers", Idle)
    build = whole.home.parent
    again = running.run(experiment, below(build))
    assert set(again.done) == set(whole.done)


def test_every_wanted_cell_is_there_once(whole):
    experiment = registry.load(NAME, DECLARED)
    table = table_of(experiment, whole)
    assert not table.duplicated(
        ["model", "point", "world", "initialisation", "task", "slice"]
    ).any()
    plain = table[(table["slice"] == "all") & (table["initialisation"] == 0)]
    counts = plain.groupby("model").size().to_dict()
    assert counts == {"aside": 9, "blurred": 12, "heir": 12, "sharp": 12}
    first = table[(table["slice"] == "all") & (table["initialisation"] > 0)]
    assert set(first["world"]) == {100} and set(first["point"]) == {"0.5"}
    assert len(first) == 4 * 3


def test_the_heir_takes_the_choice_of_its_arm(whole):
    experiment = registry.load(NAME, DECLARED)
    chosen = running.choices(experiment, whole)
    assert chosen["heir"] == chosen["sharp"] and set(chosen["sharp"]) == {0.5, 1.0, 2.0}
    # The true log-odds need no shrinking.
    assert chosen["sharp"][2.0].options == {"reach": 1.0}
    table = table_of(experiment, whole).set_index("model")
    assert table.loc["heir", "auc"].tolist() == table.loc["sharp", "auc"].tolist()


def test_no_test_row_and_no_fresh_world_is_seen_in_tuning(whole):
    worlds = {key[4] for key in whole.done if key[0] == "tune"}
    assert worlds == {0, 1, 2}
    assert {key[3] for key in whole.done if key[0] == "cell"} == set(range(100, 104))


def test_a_moved_margin_keeps_the_trials_and_may_not_keep_the_worlds(tmp_path, here):
    experiment = registry.load(NAME, DECLARED)
    build = tmp_path / "build"
    running.run(
        experiment,
        below(build),
        only_tuning=True,
    )
    folder = tmp_path / "declared"
    (folder / "small").mkdir(parents=True)
    text = (DECLARED / "small" / "guesses.py").read_text(encoding="utf-8")
    path = folder / "small" / "guesses.py"
    path.write_text(
        text.replace('"blurred", at=1.0)', '"blurred", at=1.0, margin=1.0)', 1), "utf-8"
    )
    moved = registry.load(NAME, folder)
    assert moved.sha256() != experiment.sha256()
    assert set(Store(moved, build).done) == set(Store(experiment, build).done)
    results = tmp_path / "results"
    finished = running.run(moved, running.Places(folder=folder, results=results, build=build))
    assert any(key[0] == "cell" for key in finished.done)
    with pytest.raises(running.Refused, match="expected a new block of worlds, got 100:104 after"):
        running.run(experiment, running.Places(folder=DECLARED, results=results, build=build))


def declare(folder, **changes):
    """A declaration of the second protocol whose best reach lies beyond its space."""
    values = {"space": "(0.2, 0.3, 0.4, 0.5, 1.0)", "protocol": 2} | changes
    (folder / "small").mkdir(parents=True, exist_ok=True)
    (folder / "small" / "reaching.py").write_text(REACHING.format(**values), encoding="utf-8")
    return registry.load("small.reaching", folder)


REACHING = """
from experiments.engine.arms import Arm
from experiments.engine.contrasts import better
from experiments.engine.declaration import Experiment

EXPERIMENT = Experiment(
    identifier="small.reaching",
    question="How far?",
    lens="tiny_evidence:lens",
    arms=[
        Arm(name="far", model="tiny_evidence:guess", options={{"noise": 0.1}}, space={{
            "reach": {space},
        }}),
        Arm(name="near", model="tiny_evidence:guess", options={{"noise": 0.1, "reach": 0.2}}),
    ],
    contrasts=[better("helps", "Reach helps.", "far", "near", measure="log_loss", margin=0.01)],
    worlds=(100, 102),
    side_worlds=(100, 102),
    protocol={protocol},
)
"""


def test_a_choice_on_an_edge_extends_the_space_once(tmp_path, here):
    """The true reach is 1; a smaller one, after noise of its own, is a little better."""
    one = declare(tmp_path, space="(1.0, 2.0, 4.0, 8.0, 16.0)")
    log = running.run(
        one,
        below(tmp_path, tmp_path),
        only_tuning=True,
    )
    options, _, choice = running.tried(one, log, one.arms[0], None)
    assert options[5:] == [{"reach": 0.5}] and choice.options == {"reach": 1.0}
    assert choice.edges == ()
    trials = {key[2] for key in log.done if key[0] == "tune" and key[1] == "far"}
    assert trials == set(range(6))
    again = running.run(
        one,
        below(tmp_path, tmp_path),
        only_tuning=True,
    )
    assert again.done.keys() == log.done.keys()


def test_the_space_is_extended_before_fresh_worlds_and_goes_into_the_record(tmp_path, here):
    from experiments.engine import records

    one = declare(tmp_path, space="(0.1, 0.2, 0.3, 0.4, 0.5, 1.0)")
    log = running.run(one, below(tmp_path, tmp_path))
    made = records.make(one, log, results=tmp_path / "results")
    arm = made["manifest"]["arms"]["far"]
    assert arm["trials"][""][-1]["options"] == {"reach": 2.0}
    assert len(arm["trials"][""][-1]["scores"]) in (1, 3)
    former = declare(tmp_path / "former", protocol=1, space="(0.1, 0.2, 0.3, 0.4, 0.5, 1.0)")
    log = running.run(
        former,
        running.Places(
            folder=tmp_path / "former", build=tmp_path / "b", results=tmp_path / "results"
        ),
        only_tuning=True,
    )
    options, _, choice = running.tried(former, log, former.arms[0], None)
    assert len(options) == 6 and choice.edges == ("reach",)


def test_a_choice_waits_for_all_of_the_best_trials(tmp_path, here):
    """What a kill left of the second stage decides nothing yet."""
    one = declare(tmp_path, space="(1.0, 2.0, 4.0, 8.0, 16.0)")
    log = running.run(
        one,
        below(tmp_path, tmp_path),
        only_tuning=True,
    )
    options, *_ = running.tried(one, log, one.arms[0], None)
    assert len(options) == 6
    del log.done["tune", "far", 0, None, 2, 0]  # one of the best four
    waiting = running.tried(one, log, one.arms[0], None)
    assert (waiting.options, waiting.choice) == (options[:5], None)


def test_an_error_in_a_worker_is_one_line_and_ends_the_run(tmp_path):
    from experiments.engine.workers import WorkFailed

    folder = tmp_path / "declared"
    (folder / "small").mkdir(parents=True)
    text = (DECLARED / "small" / "guesses.py").read_text(encoding="utf-8")
    broken = text.replace('"noise": 1.5', '"noise": -1.5').replace(
        "tiny_evidence:guess", "frail:guess"
    )
    (folder / "small" / "guesses.py").write_text(broken, encoding="utf-8")
    source = (ROOT / "tests/shared/tiny_evidence.py").read_text(encoding="utf-8")
    frail = source.replace(
        "    random =",
        '    if noise < 0:\n        raise ValueError("noise: expected 0 or more")\n    random =',
    )
    (tmp_path / "frail.py").write_text(frail, encoding="utf-8")
    sys.path.insert(0, str(tmp_path))
    try:
        with pytest.raises(WorkFailed, match="ValueError: noise: expected 0 or more"):
            running.run(
                registry.load(NAME, folder),
                running.Places(
                    folder=folder, build=tmp_path, num_workers=1, results=tmp_path / "results"
                ),
            )
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("frail", None)


def test_torn_and_foreign_lines_of_a_log_are_passed_over(tmp_path):
    experiment = registry.load(NAME, DECLARED)
    log = Store(experiment, tmp_path)
    log.add({"key": ["prefix", "sharp"], "value": 1, "seconds": 0.1})
    log.add({"key": ["prefix", "sharp"], "value": 2, "seconds": 0.1})
    with open(log.path, "ab") as file:
        file.write(b'7\n{"key": ["prefix", "heir"]}\n{"key": ["prefix", "bl')
    again = Store(experiment, tmp_path)
    assert again.done.keys() == {("prefix", "sharp")} and again.value("prefix", "sharp") == 1
    again.add({"key": ["prefix", "blurred"], "value": 3, "seconds": 0.1})
    assert Store(experiment, tmp_path).value("prefix", "blurred") == 3


def test_a_beginning_belongs_to_its_world(tmp_path, here):
    """A new block of worlds has the log of the old one, and not its prefixes."""
    experiment = registry.load(NAME, DECLARED)
    with running.Session(
        experiment, running.Places(folder=DECLARED, build=tmp_path, results=tmp_path)
    ) as session:
        session.store.add({"key": ["prefix", "sharp", 100], "value": 1, "seconds": 0.1})
        units = [
            {"keys": [("prefix", "sharp", world)], "options": {"sharp": {"reach": 1.0}}}
            for world in (100, 120)
        ]
        session.do(units, "measuring")
    assert session.store.value("prefix", "sharp", 100) == 1
    assert "losses" in session.store.value("prefix", "sharp", 120)


def test_a_former_block_in_the_log_is_not_counted(tmp_path):
    experiment = registry.load(NAME, DECLARED)
    log = Store(experiment, tmp_path)
    first = experiment.worlds[0]
    for number, world in enumerate((first, first - 1)):
        log.add({"key": ["cell", "sharp", None, world, 0], "value": [], "seconds": 1.0 + number})
        log.add({"key": ["bounds", None, world], "value": [], "seconds": 5.0 + number})
    log.add({"key": ["tune", "sharp", 0, None, 0, 0], "value": {}, "seconds": 9.0})
    assert log.seconds("cell", "bounds", "tune") == [1.0, 5.0, 9.0]


def test_what_decides_the_cells_decides_the_folder_of_the_log():
    import dataclasses

    experiment = registry.load(NAME, DECLARED)
    same = dataclasses.replace(experiment, worlds=(200, 204), side_worlds=(200, 203))
    assert store.measured_sha(same) == store.measured_sha(experiment)
    first, *others = experiment.arms
    judged = dataclasses.replace(first, at_base_rate=not first.at_base_rate)
    same = dataclasses.replace(experiment, arms=[judged, *others])
    assert store.measured_sha(same) == store.measured_sha(experiment)
    other = dataclasses.replace(experiment, knobs={"num_rows": 700})
    assert store.measured_sha(other) != store.measured_sha(experiment)


def test_jobs_are_plain_json(whole):
    experiment = registry.load(NAME, DECLARED)
    units = running.trial_units(experiment, whole, False) + running.bound_units(experiment)
    for unit in units:
        keys = json.loads(json.dumps(unit))["keys"]
        assert [tuple(key) for key in keys] == unit["keys"]
