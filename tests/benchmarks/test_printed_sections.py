"""The benchmark's tables are printed from what a measuring process really reports."""

import contextlib
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import __main__ as table
from benchmarks import (
    crosses,
    inputs,
    lessons,
    multi_scenario,
    multi_task,
    objectives,
    peer,
    peers,
    process,
    requests,
    seeds,
    sequences,
    vocabulary,
)
from benchmarks.process import ONEDNN, BenchmarkError
from bookmaker.building.build import BuildError
from recsys_lib.zoo import find

ROW = {
    "parameters": 7,
    "graph_seconds": 1.0,
    "trace_seconds": 0.5,
    "speeds": [500.0],
    "examples_per_second": 500.0,
}


@pytest.fixture
def in_this_process(monkeypatch):
    """Run a measuring process's ``main`` here; returns what each was called with."""
    calls = []

    def run(section):
        def measure(module, *arguments, environment=None):
            assert module == section.__name__
            calls.append((arguments, environment))
            monkeypatch.setattr("sys.argv", [module, *map(str, arguments)])
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                section.main()
            return json.loads(printed.getvalue())

        monkeypatch.setattr(section, "measure", measure)
        return calls

    return run


def test_every_section_prints_and_the_command_runs_those_that_are_named(monkeypatch):
    printed = []
    for name, section in table.SECTIONS.items():
        monkeypatch.setattr(section, "print_section", lambda *_, name=name: printed.append(name))
    assert table.main([]) == 0
    assert printed == list(table.SECTIONS) == list(table.MINUTES)
    table.main(["seeds", "requests"])
    assert printed[len(table.SECTIONS) :] == ["seeds", "requests"]


def test_the_command_says_how_long_it_takes_and_goes_on_after_a_failure(monkeypatch, capsys):
    def fail():
        raise BenchmarkError("no memory")

    monkeypatch.setattr(seeds, "print_section", fail)
    monkeypatch.setattr(requests, "print_section", lambda: print("a table"))
    monkeypatch.setattr(table, "MINUTES", {**table.MINUTES, "seeds": 3, "requests": 2})
    assert table.main(["seeds", "requests"]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines[0].startswith("about 5 min on two idle cores (seeds 3, requests 2);")
    assert lines[1:] == [
        "[1 of 2] seeds, about 3 min",
        "seeds: not measured: no memory",
        "seeds: 0.0 min",
        "[2 of 2] requests, about 2 min",
        "a table",
        "requests: 0.0 min",
        "1 of 2 sections in 0.0 min",
    ]


def test_a_model_of_the_peers_section_takes_its_share_of_the_time(monkeypatch, capsys):
    monkeypatch.setattr(peers, "print_section", lambda *_: None)
    monkeypatch.setattr(table, "MINUTES", {"peers": len(peer.MODELS)})
    table.main(["peers", "--models", "fm,din"])
    assert "[1 of 1] peers, about 2 min" in capsys.readouterr().out


SECTIONS = [section for name, section in table.SECTIONS.items() if hasattr(section, "measure")]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_a_section_says_what_it_measures_before_it_measures(section, monkeypatch, capsys):
    def fail(*_, **__):
        raise BenchmarkError("not now")

    monkeypatch.setattr(section, "measure", fail)
    with pytest.raises(BenchmarkError, match="not now"):
        section.print_section()
    heading = capsys.readouterr().out.splitlines()[-1]
    for word in ("setting", "batch", "threads"):
        assert word in heading


def test_a_row_says_how_it_was_measured(monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    assert process.conditions(4096).split() == ["oneDNN", "on", "4,096", "3"]
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert process.conditions("various", threads=1).split() == ["oneDNN", "off", "various", "1"]
    assert len(process.conditions(4096)) == len(process.CONDITIONS)


def test_the_models_section_prints_both_settings_of_onednn(monkeypatch, capsys, in_this_process):
    calls = in_this_process(crosses)
    monkeypatch.setattr(inputs, "crosses", lambda: None)
    monkeypatch.setattr(crosses, "cases", lambda data: dict.fromkeys(["dnn", "fm", *loops]))
    loops = [*crosses.LOOPED, *map(crosses.loop_name, crosses.LOOPED)]
    monkeypatch.setattr(
        crosses,
        "measure_speeds",
        lambda data, names, rounds: {
            name: {**ROW, "examples_per_second": 1_000.0 if name == "fm" else 500.0}
            for name in names
        },
    )
    crosses.print_section()
    assert [environment for _, environment in calls] == list(ONEDNN.values())
    lines = capsys.readouterr().out.splitlines()
    fm = next(line for line in lines if line.startswith("FM "))
    assert fm.split()[:4] == ["FM", "off,", "on", "1,024"]
    assert fm.split()[5:] == ["7", "0.5", "1,000", "1,000", "2.00"]
    assert sum("to its loop: 1.0" in line for line in lines) == len(crosses.LOOPED)
    assert not any(line.startswith("ipnn") for line in lines)


def test_the_sequences_section_prints_every_model_at_its_faster_setting(
    monkeypatch, capsys, in_this_process
):
    calls = in_this_process(sequences)
    speeds = iter([500.0, 400.0] * len(sequences.LENGTHS))
    monkeypatch.setattr(inputs, "sequences", lambda length, rows: inputs_of(length))
    made = {}

    def inputs_of(length):
        made[length] = made.get(length, 0) + 1
        return None

    monkeypatch.setattr(inputs, "builder", lambda model, data, **options: None)

    def measured(data, names, rounds):
        speed = next(speeds)
        return {name: {**ROW, "examples_per_second": speed} for name in names}

    monkeypatch.setattr(sequences, "measure_speeds", measured)
    sequences.print_section()
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if line.split() and line.split()[-1] in "500-"]
    assert [line[:32].strip() for line in rows] == list(sequences.cases(None, 20))
    assert made == dict.fromkeys(sequences.LENGTHS, len(ONEDNN))
    assert [environment for _, environment in calls[:2]] == list(ONEDNN.values())
    assert printed.count("at 50 behaviours: 1.0") == len(sequences.LOOPED)


def test_the_multi_task_section_prints_models_and_overheads(monkeypatch, capsys, in_this_process):
    in_this_process(multi_task)
    monkeypatch.setattr(inputs, "multi_task", lambda: inputs.crosses(50))
    monkeypatch.setattr(
        multi_task,
        "measure_speeds",
        lambda data, names, rounds, balancing: {
            name: {**ROW, "examples_per_second": 250.0 if name in balancing else 500.0}
            for name in names
        },
    )
    multi_task.print_section()
    lines = capsys.readouterr().out.splitlines()
    for model in inputs.models_of("multi_task").values():
        line = next(line for line in lines if line[:28].strip() == model.name)
        assert line[28:].split()[-3:] == ["7", "0.5", "500"]
    line = next(line for line in lines if line.startswith("GradNorm"))
    assert line.split()[1:] == ["2.00", "2.00"]
    assert "MMoE with 8 experts to the notes' loop: 1.0   goal: at least 2" in lines


def test_the_objectives_section_names_what_is_above_its_goal(monkeypatch, capsys, in_this_process):
    in_this_process(objectives)
    made = []

    def speeds(data, builds, rounds, objectives):
        made.append(data.train)
        assert list(builds) == list(objectives) and objectives["rows"] is None
        slow = {"pairs": 250.0, "jrc": 400.0}
        return {name: {**ROW, "examples_per_second": slow.get(name, 500.0)} for name in objectives}

    monkeypatch.setattr(objectives, "measure_speeds", speeds)
    loaders = {kind: lambda load=load: load(num_rows=40) for kind, load in inputs.LOADERS.items()}
    monkeypatch.setattr(inputs, "LOADERS", loaders)
    objectives.print_section()
    for train in made:
        assert np.bincount(train.groups["page"]).tolist() == [10] * 4
    lines = capsys.readouterr().out.splitlines()
    rows = {line[:28].strip(): line.split()[-4:] for line in lines}
    assert rows["LR"][1:] == ["500", "2.00", "1.00"]  # no network to give a second unit to
    assert rows["DIN"] == ["500", "2.00", "1.00", "1.25"]
    assert "goal: at most 1.3; above it: LR with pairs, DNN with pairs, DIN with pairs" in lines


def test_the_multi_scenario_section_prints_every_model_at_every_count(
    monkeypatch, capsys, in_this_process
):
    calls = in_this_process(multi_scenario)
    keys = list(inputs.models_of("multi_scenario"))
    monkeypatch.setattr(inputs, "multi_scenario", lambda count: None)
    monkeypatch.setattr(multi_scenario, "measure_speeds", lambda *_: dict.fromkeys(keys, ROW))
    multi_scenario.print_section()
    printed = capsys.readouterr().out
    assert [arguments for arguments, _ in calls] == [(count,) for count in multi_scenario.COUNTS]
    for key in keys:
        lines = [line for line in printed.splitlines() if line[:28].strip() == find(key).name]
        assert lines[0].split()[-9:] == ["7", "500", "1.00"] * 3
        assert "1.00   goal: under 16.7" in lines[1]
    assert "STAR to plain, 15 scenarios: 1.00   goal: at least 0.5" in printed


def test_the_vocabulary_section_compares_small_and_large_tables(monkeypatch, capsys):
    def measure(module, which, size, steps):
        speed = {"ours": 300, "deepfm": 200, "stock": 100}[which] / (2 if size > 1_000 else 1)
        return {"examples_per_second": speed, "peak_mib": 10.0}

    monkeypatch.setattr(vocabulary, "measure", measure)
    vocabulary.print_section()
    lines = capsys.readouterr().out.splitlines()
    assert sum("0.50   goal: at least" in line for line in lines) == 2
    line = next(line for line in lines if line.startswith("DeepFM, 1,000,000 to 1,000 ids"))
    assert line.split()[-5:] == ["0.50", "goal:", "at", "least", "0.55"]
    assert sum(line.startswith("DeepFM, recsys_lib") for line in lines) == 2


@pytest.mark.parametrize("which", ["ours", "deepfm", "stock"])
def test_a_vocabulary_is_measured(which, monkeypatch, capsys):
    monkeypatch.setattr(vocabulary, "REPETITIONS", 1)
    vocabulary.main(which, 30, 1)
    assert json.loads(capsys.readouterr().out)["examples_per_second"] > 0


def test_the_seeds_section_prints_each_seed(monkeypatch, capsys):
    columns = ("trace_seconds", "train_seconds", "examples_per_second")
    monkeypatch.setattr(seeds, "measure", lambda module: {name: [1.0, 0.0] for name in columns})
    seeds.print_section()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].split()[-3:] == ["0.00", "0.00", "0"]


def test_a_lesson_that_fails_does_not_end_the_section(monkeypatch, capsys):
    def run(path):
        if path.stem == "first":
            raise BuildError("first.md: cell 3 failed\nTraceback")
        return None, SimpleNamespace(total=12.0, first_output=3.0)

    monkeypatch.setattr(lessons, "find_texts", lambda: [Path("first.md"), Path("second.md")])
    monkeypatch.setattr(lessons, "is_lab", lambda path: False)
    monkeypatch.setattr(lessons, "describe", lambda path: SimpleNamespace(name=path.stem))
    monkeypatch.setattr(lessons, "run", run)
    assert list(lessons.lesson_seconds()) == [("second", 12.0, 3.0)]
    assert capsys.readouterr().out == "first: not measured: first.md: cell 3 failed\n"


def test_the_lessons_section_prints_each_lesson(monkeypatch, capsys):
    monkeypatch.setattr(lessons, "lesson_seconds", lambda: [("a lesson", 12.0, 3.0)])
    lessons.print_section()
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if line.startswith("a lesson")).split()[2:] == [
        "12.0",
        "3.0",
    ]


def test_the_requests_section_prints_its_models_from_real_measurements(
    monkeypatch, capsys, in_this_process
):
    for name in ("NUM_REQUESTS", "NUM_PREDICTS", "NUM_WARM"):
        monkeypatch.setattr(requests, name, 1)
    monkeypatch.setattr(requests, "NUM_CANDIDATES", 20)
    in_this_process(requests)
    requests.print_section()
    printed = capsys.readouterr().out
    for name in requests.REQUESTS:
        assert f"\n{name}:\n" in printed
    lines = [line for line in printed.splitlines() if "difference" in line]
    differences = [float(line.split(":")[1].split()[0]) for line in lines]
    assert len(differences) == 3 and max(differences) < 1e-6
    assert printed.count("goal: at least 1.3") == len(requests.GOALED) == 2


def test_calls_take_turns():
    called = []
    calls = {name: lambda name=name: called.append(name) for name in ("rank", "compiled", "slow")}
    times = requests.in_turns(calls, {"rank": 3, "compiled": 3, "slow": 1})
    assert called == ["rank", "compiled", "slow", "rank", "compiled", "rank", "compiled"]
    assert {name: len(values) for name, values in times.items()} == {
        "rank": 3,
        "compiled": 3,
        "slow": 1,
    }


def test_a_request_is_one_user_and_many_candidates():
    data = inputs.requests(100)
    model = find("ranker").build(data.feature_columns)
    user, candidates = requests.request_of(
        model, data.feature_columns, data.train.features, np.arange(7)
    )
    assert {"history", "surface"} <= set(user) and user["history"].shape == (20,)
    assert {name: len(values) for name, values in candidates.items()}["item_id"] == 7
