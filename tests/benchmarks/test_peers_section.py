"""Models beside a peer's: the same rows, the same model, rounds in turn."""

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import exchange, inputs, peers, worker
from recsys_lib.data import simulator
from recsys_lib.features.columns import NumericColumn
from recsys_lib.zoo import find

SMALL = {"num_rows": 40, "num_valid_rows": 20, "num_test_rows": 20}


@pytest.fixture(scope="module")
def world():
    return simulator.sessions(**SMALL, num_sessions=2, session_length=3)


@pytest.fixture(scope="module")
def rows(world, tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.npz"
    exchange.write(world, path)
    return path


@pytest.fixture(scope="module")
def histories(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "histories.npz"
    exchange.write(simulator.interests(**SMALL, history_length=5), path)
    return path


def test_a_data_set_comes_back_as_it_was(world, rows):
    found = exchange.read_dataset(rows)
    assert found.feature_columns == world.feature_columns and found.tasks == world.tasks
    for name, split in world.splits.items():
        other = found.splits[name]
        for column, values in split.features.items():
            np.testing.assert_array_equal(other.features[column], values)
        np.testing.assert_array_equal(other.labels["click"], split.labels["click"])
        np.testing.assert_array_equal(other.group, split.group)


def test_a_worker_builds_and_trains(histories):
    library = worker.Library(histories)
    data = exchange.read_dataset(histories)
    answer = library.build("mean")
    expected = find("mean").build(data.feature_columns).count_params()
    assert answer["parameters"] == expected
    assert answer["epochs"] >= 1
    assert library.round("mean", 2)["examples_per_second"] > 0
    library.drop("mean")
    assert "mean" not in library.trainers


def test_a_failure_is_a_reason_and_ends_nothing(monkeypatch, capsys):
    def fail(text):
        raise ValueError(text)

    lines = [{"do": "fail", "text": text} for text in ("a\nb", "in user code:\n\nOSError: c\n  d")]
    monkeypatch.setattr(sys, "stdin", map(json.dumps, [*lines, {"do": "fine", "text": "x"}]))
    worker.serve({"fail": fail, "fine": lambda text: {"text": text}})
    printed = capsys.readouterr().out.splitlines()
    answers = [json.loads(line.removeprefix(worker.MARK)) for line in printed]
    reasons = ["ValueError: a", "OSError: c"]
    assert answers == [*({"reason": reason} for reason in reasons), {"text": "x"}]


def test_a_round_lasts_long_enough():
    assert worker.epochs_of_a_round(1_000, 1_000_000) == 1
    assert worker.epochs_of_a_round(1_000_000, 1_000) * 1_000 >= worker.SECONDS_PER_ROUND * 1e6


def test_two_sides_train_in_turn_each_in_its_own_process(histories):
    path = [str(peers.ROOT)]
    sides = {
        "now": peers.Side("benchmarks.worker", (str(histories),), path, {}),
        "peer": peers.Side("benchmarks.worker", ("no-such.npz",), path, {}),
    }
    found = peers.measure_model(sides, "mean", num_rounds=2)
    for side in sides.values():
        side.close()
    assert len(found["now"]["speeds"]) == 2
    # A side that ends says with what.
    assert found["peer"]["reason"].startswith("FileNotFoundError")


def side(*answers):
    answers = iter(answers)
    return types.SimpleNamespace(ask=lambda **request: next(answers))


def test_rounds_alternate_and_a_side_without_a_model_has_a_reason():
    asked = []

    def recording(name, speeds):
        speeds = iter(speeds)

        def ask(do, **_):
            asked.append((name, do))
            if do == "build":
                return {"parameters": 5, "epochs": 3}
            return {"examples_per_second": next(speeds)} if do == "round" else {}

        return types.SimpleNamespace(ask=ask)

    sides = {"now": recording("now", [10.0, 12.0, 11.0]), "peer": recording("peer", [8, 6, 11])}
    found = peers.measure_model(sides, "fm", num_rounds=3)
    turns = [name for name, do in asked if do == "round"]
    assert turns == ["now", "peer"] * 3
    assert peers.ratios(found) == (12 / 11, 10 / 8)
    text = peers.line(find("fm"), found, " oneDNN off")
    assert text.split()[:5] == ["FM", "12", "11", "1.09", "1.25"]
    sides = {"now": recording("now", [1.0]), "peer": side({"reason": "none there"})}
    found = peers.measure_model(sides, "fm", num_rounds=1)
    assert peers.ratios(found) is None
    assert peers.line(find("fm"), found, "").endswith("peer: none there")


def test_runs_of_several_processes_are_one_row_of_pairs():
    runs = [
        {"now": {"parameters": 5, "epochs": 3, "speeds": [4.0, 2.0]}, "peer": {"reason": "no"}},
        {"now": {"parameters": 5, "epochs": 3, "speeds": [3.0]}, "peer": {"reason": "no"}},
    ]
    merged = peers.merge(runs)
    assert merged["now"]["speeds"] == [4.0, 2.0, 3.0] and merged["peer"] == {"reason": "no"}


def test_a_missed_goal_and_other_sizes_are_noted():
    def found(now, then, parameters=5):
        return {
            "now": {"parameters": 5, "speeds": now},
            "peer": {"parameters": parameters, "speeds": then},
        }

    assert list(peers.notes(found([13.0], [10.0]))) == []
    notes = list(peers.notes(found([10.5], [10.0], 7)))
    assert notes == ["under the goal of 1.1", "peer: 7 parameters, now 5"]
    broken = {"now": {"reason": "no"}, "peer": {"parameters": 5, "speeds": [1.0]}}
    assert list(peers.notes(broken)) == ["now: no"]


def test_the_section_prints_every_model_on_its_rows(monkeypatch, capsys):
    opened, asked = [], []

    def open_side(module, arguments, path, environment):
        opened.append((module, path, environment))
        return types.SimpleNamespace(close=lambda: None)

    def measure(sides, key):
        asked.append((key, tuple(sides)))
        return {name: {"parameters": 5, "epochs": 1, "speeds": [2.0, 1.0]} for name in sides}

    monkeypatch.setattr(peers, "Side", open_side)
    monkeypatch.setattr(peers, "measure_model", measure)
    monkeypatch.setattr(peers, "peer_path", lambda folder: (["somewhere"], None))
    loaders = {kind: lambda load=load: load(num_rows=200) for kind, load in inputs.LOADERS.items()}
    monkeypatch.setattr(inputs, "LOADERS", loaders)
    written = []
    monkeypatch.setattr(exchange, "write", lambda data, path: written.append(data))
    assert command.main(["peers", "--models", "fm,DIN,ple,star", "--onednn", "on"]) == 0
    printed = capsys.readouterr().out
    wanted = ["FM", "DIN", "PLE", "STAR"]
    lines = [line for line in printed.splitlines() if line[:28].strip() in wanted]
    assert [line.split()[0] for line in lines] == wanted
    assert all(line.split()[1:5] == ["2", "2", "1.00", "1.00"] for line in lines)
    assert len(asked) == len(wanted) * peers.PROCESSES
    assert {sides for _, sides in asked} == {("now", "peer")}
    assert {environment["TF_ENABLE_ONEDNN_OPTS"] for _, _, environment in opened} == {"1"}
    kinds = {type(column) for data in written for column in data.feature_columns}
    assert NumericColumn not in kinds
    assert "goal: at least 1.1 (best)" in printed


def test_no_peer_is_a_reason(monkeypatch, capsys):
    failed = types.SimpleNamespace(returncode=1, stderr="Traceback\nModuleNotFoundError: deepctr\n")
    monkeypatch.setattr(peers.subprocess, "run", lambda *a, **k: failed)
    assert peers.peer_path(None) == (None, "DeepCTR: ModuleNotFoundError: deepctr")
    peers.print_section()
    assert capsys.readouterr().out == "no peer: DeepCTR: ModuleNotFoundError: deepctr\n"
    fine = types.SimpleNamespace(returncode=0)
    monkeypatch.setattr(peers.subprocess, "run", lambda *a, **k: fine)
    path, reason = peers.peer_path("/somewhere")
    assert path == [str(peers.ROOT), str(Path("/somewhere").resolve())] and reason is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["no_such"], "no section"), (["peers", "--models", "GBDT"], "model: expected one of")],
)
def test_a_mistake_of_the_command_is_named(arguments, message, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert message in capsys.readouterr().err
