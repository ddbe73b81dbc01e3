"""Models beside their former selves: the same rows, the same model, rounds in turn."""

import dataclasses
import json
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import adapter, exchange, former, inputs, worker
from recsys_lib.data import simulator
from recsys_lib.features.columns import NumericColumn
from recsys_lib.zoo import MODELS, find

SMALL = {"num_rows": 40, "num_valid_rows": 20, "num_test_rows": 20}
HAS_GIT = shutil.which("git") and (former.ROOT / ".git").exists()


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


def test_columns_of_a_library_without_todays_fields_are_read_too(rows, monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class SequenceColumn:
        name: str
        vocabulary_size: int

    about, _ = exchange.read(rows)
    assert any(column.get("num_sessions") == 2 for column in about["columns"])
    from recsys_lib.features import columns

    monkeypatch.setattr(columns, "SequenceColumn", SequenceColumn)
    monkeypatch.setattr("recsys_lib.data.Dataset", lambda *parts, **more: parts)
    _, found = exchange.read_dataset(rows)[:2]
    assert SequenceColumn("history", 401) in found


@pytest.fixture
def builders(monkeypatch):
    """A module of builders as they were, each of which returns its arguments."""
    module = types.ModuleType("former_library")

    def build_deepfm(feature_columns, embedding_dim=16, hidden_units=(64, 32), task="click"):
        return locals()

    def build_autoint(feature_columns, hidden_units=None, num_layers=3, task="click"):
        return locals()

    def build_shared_bottom(
        feature_columns, tasks, bottom_units=(64, 32), bottom_activation="relu"
    ):
        return locals()

    def build_esmm(feature_columns, click_task="click", conversion_task="conversion"):
        return locals()

    def build_mmoe(feature_columns, tasks, num_experts=4, one_gate=False):
        return locals()

    def build_dcn_v2(feature_columns, tasks, *, expert_activation=None, activation="relu"):
        return locals()

    def build_omoe(feature_columns, tasks, **options):
        return locals()

    def build_ranker(feature_columns, tasks=(), history="attention", scenario="gate"):
        return locals()

    def build_today(feature_columns, tasks="click", *, embedding_dim=16, dropout_rate=0.0):
        return locals()

    for function in list(locals().values()):
        if isinstance(function, types.FunctionType):
            function.__module__ = module.__name__
            setattr(module, function.__name__, function)
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def build(name, tasks, options=(), **defaults):
        where = f"{module.__name__}:build_{name}"
        found = adapter.build(where, "columns", tasks, dict(options), defaults)
        assert found.pop("feature_columns") == "columns"
        return found

    return build


def test_options_at_rest_are_left_out_and_others_are_missed(builders):
    rest = {"hidden_units": [64, 32], "dropout_rate": 0.0, "activation": "relu"}
    found = builders("deepfm", "like", embedding_dim=16, **rest)
    assert found == {"embedding_dim": 16, "hidden_units": (64, 32), "task": "like"}
    found = builders("deepfm", "like", {"embedding_dim": 8, "dropout_rate": 0.0}, **rest)
    assert found["embedding_dim"] == 8
    with pytest.raises(adapter.Missing, match="no option dropout_rate in build_deepfm"):
        builders("deepfm", "like", {"dropout_rate": 0.5}, **rest)
    with pytest.raises(adapter.Missing, match="no build_dcn"):
        builders("dcn", "like")


def test_no_network_was_none(builders):
    assert builders("autoint", "like", hidden_units=[])["hidden_units"] is None
    assert builders("autoint", "like", {"hidden_units": [8]}, hidden_units=[])["hidden_units"] == (
        8,
    )


def test_names_that_changed_are_the_ones_that_were(builders):
    found = builders(
        "shared_bottom",
        ["like", "love"],
        hidden_units=[8],
        activation="tanh",
        bottom_activation=None,
    )
    assert found == {"tasks": ("like", "love"), "bottom_units": (8,), "bottom_activation": "tanh"}
    found = builders("esmm", ["like", "love"])
    assert found == {"click_task": "like", "conversion_task": "love"}
    found = builders("ranker", ["a", "b"], interest="mean", scenario_use="none", scenario=None)
    assert found == {"tasks": ("a", "b"), "history": "mean", "scenario": "none"}


def test_none_stays_none_where_it_always_meant_none(builders):
    found = builders("dcn_v2", "like", expert_activation=None, activation="relu")
    assert found["expert_activation"] is None


def test_options_handed_on_are_those_of_the_wider_builder(builders):
    found = builders("omoe", ["like", "love"], num_experts=2, one_gate=True)
    assert found == {"tasks": ("like", "love"), "options": {"num_experts": 2}}


def test_todays_builders_take_a_name_or_several_tasks(builders):
    found = builders("today", "like", embedding_dim=4, dropout_rate=0.0)
    assert found == {"tasks": "like", "embedding_dim": 4, "dropout_rate": 0.0}
    assert builders("today", ["like"])["tasks"] == ("like",)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.key)
def test_a_request_is_json_and_builds_the_row(model):
    """As the process gets it, in which tuples are lists."""
    data = types.SimpleNamespace(tasks={"click": "binary", "conversion": "binary"})
    request = json.loads(json.dumps(former.request_for(model, data)))
    assert request["where"] == model.builder and request["key"] == model.key
    assert set(model.options) == set(request["options"]) <= set(request["defaults"])


def test_a_worker_builds_trains_and_says_what_it_cannot(histories):
    library = worker.Library(histories)
    data = exchange.read_dataset(histories)
    request = former.request_for(find("mean"), data)
    del request["do"]
    answer = library.build(**request)
    expected = find("mean").build(data.feature_columns).count_params()
    assert answer["parameters"] == expected
    assert answer["graph_seconds"] > 0 and answer["epochs"] >= 1
    assert library.round("mean", 2)["examples_per_second"] > 0
    library.drop("mean")
    assert "mean" not in library.trainers
    answer = library.build(**{**request, "options": {"unheard_of": 1}})
    assert answer == {"reason": "no option unheard_of in build_pooled"}


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


@pytest.mark.skipif(not HAS_GIT, reason="no git")
def test_a_revision_is_the_library_alone_and_another_one_an_error(tmp_path):
    former.extract("HEAD", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["recsys_lib"]
    with pytest.raises(ValueError, match=r"^revision: expected one that git has, got 'no-such'"):
        former.extract("no-such", tmp_path)


@pytest.mark.skipif(not HAS_GIT, reason="no git")
def test_two_sides_train_in_turn_each_on_its_own_library(histories, tmp_path):
    former.extract("HEAD", tmp_path)
    root = str(former.ROOT)
    sides = {
        "now": former.Side("benchmarks.worker", (root, str(histories)), [root], {}),
        "former": former.Side(
            "benchmarks.worker", (str(tmp_path), str(histories)), [str(tmp_path), root], {}
        ),
        "peer": former.Side("benchmarks.worker", (str(tmp_path), str(histories)), [root], {}),
    }
    request = former.request_for(find("mean"), exchange.read_dataset(histories))
    found = former.measure_model(sides, request, num_rounds=2)
    for side in sides.values():
        side.close()
    assert len(found["now"]["speeds"]) == len(found["former"]["speeds"]) == 2
    assert found["now"]["parameters"] == found["former"]["parameters"]
    # A side that holds another library than the one it is asked for ends and says so.
    assert found["peer"]["reason"].startswith("worker: expected the library of")


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

    sides = {"now": recording("now", [10.0, 12.0, 11.0]), "former": recording("former", [8, 6, 11])}
    sides["peer"] = side({"reason": "none there"})
    found = former.measure_model(sides, {"do": "build", "key": "fm"}, num_rounds=3)
    turns = [name for name, do in asked if do == "round"]
    assert turns == ["now", "former"] * 3
    best, median = former.ratios(found, "former")
    assert (best, median) == (12 / 11, 10 / 8)
    assert former.ratios(found, "peer") is None
    text = former.line(find("fm"), found, " oneDNN off")
    assert text.split()[:6] == ["FM", "12", "11", "-", "1.09", "1.25"]
    assert text.endswith("peer: none there")


def test_runs_of_several_processes_are_one_row_of_pairs():
    runs = [
        {"now": {"parameters": 5, "epochs": 3, "speeds": [4.0, 2.0]}, "former": {"reason": "no"}},
        {"now": {"parameters": 5, "epochs": 3, "speeds": [3.0]}, "former": {"reason": "no"}},
    ]
    merged = former.merge(runs)
    assert merged["now"]["speeds"] == [4.0, 2.0, 3.0] and merged["former"] == {"reason": "no"}


def test_missed_goals_and_other_sizes_are_noted():
    def found(now, then, parameters=5):
        return {
            "now": {"parameters": 5, "speeds": now},
            "former": {"parameters": parameters, "speeds": then},
        }

    assert list(former.notes(find("ple"), found([13.0], [10.0]))) == []
    assert list(former.notes(find("ple"), found([11.0], [10.0]))) == ["under its goal of 1.2"]
    notes = list(former.notes(find("fm"), found([9.0], [10.0], 7)))
    assert notes == ["under 0.95 of its former self", "former: 7 parameters, now 5"]
    broken = {"now": {"reason": "no"}, "former": {"parameters": 5, "speeds": [1.0]}}
    assert list(former.notes(find("fm"), broken)) == ["now: no"]


def test_the_section_prints_every_model_on_its_rows(monkeypatch, capsys):
    opened, asked = [], []

    def open_side(module, arguments, path, environment):
        opened.append((module, path, environment))
        return types.SimpleNamespace(close=lambda: None)

    def measure(sides, request):
        asked.append((request["key"], tuple(sides)))
        return {name: {"parameters": 5, "epochs": 1, "speeds": [2.0, 1.0]} for name in sides}

    monkeypatch.setattr(former, "Side", open_side)
    monkeypatch.setattr(former, "measure_model", measure)
    monkeypatch.setattr(former, "extract", lambda revision, folder: None)
    monkeypatch.setattr(former, "peer_path", lambda peer: (["somewhere"], None))
    loaders = {kind: lambda load=load: load(num_rows=200) for kind, load in inputs.LOADERS.items()}
    monkeypatch.setattr(inputs, "LOADERS", loaders)
    written = []
    monkeypatch.setattr(exchange, "write", lambda data, path: written.append(data))
    assert command.main(["former", "--models", "fm,DIN,ple,star", "--onednn", "on"]) == 0
    printed = capsys.readouterr().out
    wanted = ["FM", "DIN", "PLE", "STAR"]
    lines = [line for line in printed.splitlines() if line[:28].strip() in wanted]
    assert [line.split()[0] for line in lines] == wanted
    assert all(line.split()[1:8] == ["2", "2", "2", *["1.00"] * 4] for line in lines)
    assert len(asked) == len(wanted) * former.PROCESSES
    assert {sides for _, sides in asked} == {("now", "former", "peer")}
    assert {environment["TF_ENABLE_ONEDNN_OPTS"] for _, _, environment in opened} == {"1"}
    kinds = {type(column) for data in written for column in data.feature_columns}
    assert NumericColumn not in kinds
    assert "goals: PLE 1.2, DIEN 1.3, DIN 1.15, MMoE 1.1 (best)" in printed


def test_no_peer_is_a_reason(monkeypatch):
    failed = types.SimpleNamespace(returncode=1, stderr="Traceback\nModuleNotFoundError: deepctr\n")
    monkeypatch.setattr(former.subprocess, "run", lambda *a, **k: failed)
    assert former.peer_path(None) == (None, "DeepCTR: ModuleNotFoundError: deepctr")
    fine = types.SimpleNamespace(returncode=0)
    monkeypatch.setattr(former.subprocess, "run", lambda *a, **k: fine)
    path, reason = former.peer_path("/somewhere")
    assert path == [str(former.ROOT), str(Path("/somewhere").resolve())] and reason is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["no_such"], "no section"), (["former", "--models", "GBDT"], "model: expected one of")],
)
def test_a_mistake_of_the_command_is_named(arguments, message, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert message in capsys.readouterr().err
