"""What a record holds, when it is stale, and what the history of a declaration must show."""

import dataclasses
import os
import subprocess
import sys

import pytest
from tiny_evidence import DECLARED, HereWorkers

from bookmaker import PACKAGES
from experiments import __main__ as command
from experiments.engine import blocks, history, records, registry, running
from experiments.engine.differences import table_of
from experiments.engine.store import Store

NAME = "small.guesses"


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(running, "Workers", HereWorkers)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Folder of a record, and of the build that it came from."""
    home = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "Workers", HereWorkers)
        assert run(home, "run", NAME) == 0
    return home


@pytest.fixture
def home(recorded, tmp_path):
    """A copy of it."""
    for part in ("results", "build"):
        subprocess.run(["cp", "-r", str(recorded / part), str(tmp_path / part)], check=True)
    return tmp_path


def run(home, *arguments, folder=DECLARED):
    places = ["--folder", str(folder), "--results", str(home / "results")]
    return command.main([*places, "--build", str(home / "build"), *arguments])


def read(home):
    return records.read(NAME, home / "results")


def declare(home, *changes):
    """The same experiment with some changes of its text, in a folder of its own."""
    folder = home / "declared"
    (folder / "small").mkdir(parents=True, exist_ok=True)
    text = (DECLARED / "small" / "guesses.py").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "small" / "guesses.py").write_text(text, encoding="utf-8")
    return folder


def test_a_record_says_how_its_numbers_came_about(recorded):
    record = read(recorded)
    experiment = registry.load(NAME, DECLARED)
    assert record["record"] == 1 and record["history"] == []
    assert record["declaration_sha256"] == experiment.sha256()
    assert record["worlds"] == [100, 104] and record["cells"] == 45 + 57
    assert set(record["versions"]) == set(records.PACKAGES)
    arm = record["arms"]["sharp"]
    assert [len(trials) for trials in arm["trials"].values()] == [3, 3, 3]
    # All trials saw the first tuning world; the best, here all three, saw the others too.
    assert {len(one["scores"]) for one in arm["trials"]["1"]} == {3}
    assert arm["choice"]["2"]["options"] == {"reach": 1.0}
    assert len(arm["prefix"]["data"]) == 64 and len(arm["prefix"]["losses"]) == 1
    assert record["arms"]["heir"]["inherits"] == "sharp"
    assert 0 < record["arms"]["aside"]["spread"] < 0.1
    assert record["findings"]["noise_costs"]["verdict"] == "better"
    assert record["findings"]["upside_down"]["reversed"]


def test_the_table_is_that_of_the_log_to_the_last_bit(recorded):
    experiment = registry.load(NAME, DECLARED)
    log = Store(experiment, recorded / "build")
    given = records.read_table(NAME, recorded / "results")
    wanted = table_of(experiment, log)
    for column in ("model", "world", "initialisation", "slice", "auc", "log_loss", "processor"):
        assert given[column].tolist() == wanted[column].tolist()
    keys = ["model", "point", "world", "initialisation", "task", "slice"]
    assert given[keys].equals(given.sort_values(keys)[keys])


def test_a_run_of_what_is_recorded_does_nothing(home, capsys):
    before = read(home)
    assert run(home, "run", NAME) == 0
    assert capsys.readouterr().out == f"{NAME}: recorded\n" and read(home) == before


def test_a_record_made_twice_is_the_same_but_for_its_number(home):
    before = read(home)
    for path in records.paths(NAME, home / "results"):
        path.unlink()
    assert run(home, "run", NAME) == 0
    assert read(home) == before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda table, manifest: manifest.unlink(), "nothing is recorded"),
        (lambda table, manifest: table.unlink(), "the table is not that of the record"),
        (
            lambda table, manifest: table.write_text(table.read_text().replace("100", "101", 1)),
            "the table is not that of the record",
        ),
    ],
)
def test_a_spoilt_record_is_stale(home, spoil, message):
    experiment = registry.load(NAME, DECLARED)
    assert records.stale(experiment, home / "results") is None
    spoil(*records.paths(NAME, home / "results"))
    assert message in records.stale(experiment, home / "results")


def test_wording_leaves_a_record_as_it_is_and_a_margin_does_not(home):
    folder = declare(home, ("Less noise is better.", "A little noise is better."))
    assert records.stale(registry.load(NAME, folder), home / "results") is None
    folder = declare(
        home, ('"sharp", "blurred", at=1.0)', '"sharp", "blurred", at=1.0, margin=3.0)')
    )
    reason = records.stale(registry.load(NAME, folder), home / "results")
    assert reason == f"{NAME}: the declaration changed since the record"


MARGIN = ('"sharp", "blurred", at=1.0)', '"sharp", "blurred", at=1.0, margin=3.0)')
BLOCK = ("worlds=(100, 104),\n    side_", "worlds=(110, 114),\n    side_")
SIDE = ("side_worlds=(100, 103)", "side_worlds=(110, 113)")


def test_a_change_within_one_second_and_of_the_same_size_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder = declare(tmp_path)
    path = folder / "small" / "guesses.py"
    before = path.stat()
    assert registry.load(NAME, folder).worlds == (100, 104)
    declare(tmp_path, BLOCK, SIDE)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert registry.load(NAME, folder).worlds == (110, 114)


def test_a_changed_declaration_costs_new_worlds(home, capsys):
    assert run(home, "run", NAME, folder=declare(home, MARGIN)) == 1
    assert "expected a new block of worlds, got 100:104 after 100:104" in capsys.readouterr().err
    assert read(home)["record"] == 1
    folder = declare(home, MARGIN, BLOCK, SIDE)
    assert run(home, "run", NAME, folder=folder) == 0
    record = read(home)
    assert record["record"] == 2 and record["worlds"] == [110, 114]
    former = record["history"][0]
    assert former["worlds"] == [100, 104] and "declaration changed" in former["replaced"]
    assert former["findings"]["noise_costs"]["verdict"] == "better"
    (amendment,) = record["amendments"]
    assert amendment["declaration"] == record["declaration_sha256"]
    places = (folder, home / "results", home / "CHANGELOG.md")
    assert not any("amendments" in line for line in history.problems_of_records(*places))
    records.write_manifest(record | {"amendments": []}, home / "results")
    found = history.problems_of_records(*places)
    assert any("changed 1 times, expected as many amendments, got 0" in line for line in found)


NOISE = ('"noise": 1.5', '"noise": 1.6')


def test_worlds_are_opened_once_whatever_else_the_declaration_says(home, capsys):
    """Another option makes another log of the run, and the same worlds are not fresh to it."""
    for path in records.paths(NAME, home / "results"):
        path.unlink()
    (entry,) = blocks.read_blocks(home / "results")["opened"]
    assert entry["experiment"] == NAME and entry["worlds"] == [100, 104]
    folder = declare(home, NOISE)
    assert run(home, "run", NAME, folder=folder) == 1
    assert "expected a new block of worlds, got 100:104 after 100:104" in capsys.readouterr().err
    overlapping = (BLOCK[0], BLOCK[1].replace("110, 114", "103, 107"))
    side = (SIDE[0], SIDE[1].replace("110, 113", "103, 106"))
    assert run(home, "run", NAME, folder=declare(home, NOISE, overlapping, side)) == 1
    assert run(home, "run", NAME, folder=declare(home, NOISE, BLOCK, SIDE)) == 0
    assert [one["worlds"] for one in blocks.read_blocks(home / "results")["opened"]] == [
        [100, 104],
        [110, 114],
    ]


def test_worlds_that_were_used_before_are_seen_in_what_was_opened(home):
    kept = blocks.read_blocks(home / "results")
    other = kept["opened"][0] | {"declaration": "other", "worlds": [103, 110]}
    blocks.write_blocks(kept | {"opened": [other, *kept["opened"]]}, home / "results")
    (line,) = history.problems_of_records(DECLARED, home / "results", home / "CHANGELOG.md")
    assert "expected a new block of worlds, got 100:104 after 103:110" in line
    blocks.write_blocks(kept | {"opened": []}, home / "results")
    (line,) = history.problems_of_records(DECLARED, home / "results", home / "CHANGELOG.md")
    assert "expected its worlds among those opened" in line


def second(**changes):
    """The experiment under the second protocol, at one point and without tuning."""
    experiment = registry.load(NAME, DECLARED)
    contrasts = [one for one in experiment.contrasts if one.kind != "trend"]
    fields = {
        "arms": [dataclasses.replace(arm, space={}) for arm in experiment.arms],
        "contrasts": [dataclasses.replace(one, at=None) for one in contrasts],
        "sweep": None,
        "worlds": (100, 120),
        "side_worlds": (100, 110),
        "protocol": 2,
    }
    return dataclasses.replace(experiment, **(fields | changes))


def test_blocks_are_taken_in_order(tmp_path):
    """The second protocol takes the first block that was not opened for another declaration."""
    late = second(worlds=(120, 140), side_worlds=(120, 130))
    with pytest.raises(blocks.Refused, match="expected the next block of worlds, from 100 on"):
        blocks.open_fresh(late, DECLARED, tmp_path)
    blocks.open_fresh(second(), DECLARED, tmp_path)
    blocks.open_fresh(second(), DECLARED, tmp_path)  # the same once more: a run that goes on
    assert len(blocks.read_blocks(tmp_path)["opened"]) == 1
    blocks.open_fresh(late, DECLARED, tmp_path)
    assert len(blocks.read_blocks(tmp_path)["opened"]) == 2


def test_another_experiment_opens_the_same_worlds_if_it_was_committed_before(tmp_path, monkeypatch):
    mine = second(identifier="small.other")
    blocks.open_fresh(second(), DECLARED, tmp_path)
    declared = {}
    monkeypatch.setattr(blocks, "hashes", lambda commit, folder: declared)
    with pytest.raises(blocks.Refused, match=f"{NAME} opened 100:120 before this declaration"):
        blocks.open_fresh(mine, DECLARED, tmp_path)
    for free in ({"knobs": {"num_rows": 700}}, {"worlds": (120, 140), "side_worlds": (120, 130)}):
        blocks.open_fresh(second(identifier="small.free", **free), DECLARED, tmp_path)
    declared["small.other"] = mine.sha256()
    blocks.open_fresh(mine, DECLARED, tmp_path)


def test_a_point_of_a_sweep_opens_its_worlds_too(tmp_path, monkeypatch):
    """Who asks at one point of another's curve, or names a default, asks on the same worlds."""
    monkeypatch.setattr(blocks, "hashes", lambda commit, folder: {})
    curve = dataclasses.replace(registry.load(NAME, DECLARED), identifier="small.curve")
    blocks.note_opened(blocks.entry_of(curve, None), tmp_path)
    opened = blocks.read_blocks(tmp_path)["opened"]
    (knob,) = opened[0]["sweep"]
    on_it = second(knobs=dict(curve.knobs) | {knob: curve.sweep.values[0]})
    beside = second(knobs=dict(curve.knobs) | {knob: 0.123})
    reason = blocks.refusal(on_it, curve.worlds, opened, DECLARED)
    assert "small.curve opened" in reason
    assert blocks.refusal(beside, curve.worlds, opened, DECLARED) is None
    lens = {"lens": "second_order", "knobs": {}}  # as entries were before sweeps were noted
    assert blocks.points_of(lens) == blocks.points_of(lens | {"knobs": {"switched": 0.0}})


def test_a_refresh_keeps_what_was_found_before(home, monkeypatch, capsys):
    import tiny_evidence

    assert run(home, "refresh", NAME, "--reason", " ") == 1
    before = read(home)
    with monkeypatch.context() as patch:
        patch.setattr(tiny_evidence, "guess", _alike(tiny_evidence.guess))
        assert run(home, "refresh", NAME, "--reason", "All guesses are alike.") == 0
    record = read(home)
    assert record["record"] == 2 and record["worlds"] == before["worlds"]
    assert record["history"][0]["replaced"] == "All guesses are alike."
    kept = record["history"][0]["findings"]["noise_costs"]
    assert kept == {
        field: before["findings"]["noise_costs"][field]
        for field in ("verdict", "effect", "interval", "unit")
    }
    assert record["findings"]["noise_costs"]["verdict"] != "better"
    found = history.problems_of_records(DECLARED, home / "results", home / "CHANGELOG.md")
    assert len(found) == 1 and "the verdict of" in found[0] and "noise_costs" in found[0]
    (home / "CHANGELOG.md").write_text(f"- {NAME} was measured again.\n", encoding="utf-8")
    assert history.problems_of_records(DECLARED, home / "results", home / "CHANGELOG.md") == []


def _alike(true_guess):
    def guess(dataset, *, seed, noise=0.5, reach=1.0):
        return true_guess(dataset, seed=seed, noise=0.5, reach=reach)

    guess.fits_itself = True
    return guess


def test_a_refresh_that_was_killed_goes_on(home):
    experiment = registry.load(NAME, DECLARED)
    log = Store(experiment, home / "build")
    marker = log.home / "refreshing"
    marker.write_text("1", encoding="utf-8")
    lines = log.path.read_bytes()
    assert run(home, "refresh", NAME, "--reason", "Again.") == 0
    assert log.path.read_bytes() == lines and not marker.exists()  # nothing was thrown away
    marker.write_text("1", encoding="utf-8")  # that of the refresh before
    assert run(home, "refresh", NAME, "--reason", "Once more.") == 0
    assert log.path.read_bytes() != lines and read(home)["record"] == 3


def test_what_is_not_recorded_cannot_be_refreshed(tmp_path, capsys):
    assert run(tmp_path, "refresh", NAME, "--reason", "Why not.") == 1
    assert capsys.readouterr().err == f"{NAME}: nothing is recorded, use `run`\n"


def test_a_record_without_a_declaration_is_found(home):
    (home / "results" / "small.gone.json").write_text("{}", encoding="utf-8")
    found = history.problems_of_records(DECLARED, home / "results", home / "CHANGELOG.md")
    assert found == ["small.gone.json: no experiment of this name is declared"]


def test_a_lens_beside_its_declaration_is_code_of_its_arms(tmp_path):
    experiment = registry.load("sequence.strength")
    arm = experiment.arms[0]
    for part in (*PACKAGES, "experiments", "data", "constraints.txt"):
        subprocess.run(["cp", "-r", str(history.ROOT / part), str(tmp_path / part)], check=True)
    before = records.code_of(experiment, arm, tmp_path)
    assert before == records.code_of(experiment, arm)
    path = tmp_path / "experiments" / "sequence" / "_plays.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nCHANGED = 1\n", encoding="utf-8")
    assert records.code_of(experiment, arm, tmp_path) != before


def test_the_code_of_an_arm_is_that_of_its_builder_lens_and_training(tmp_path):
    experiment = registry.load("small.factors", DECLARED)
    lr, fm = experiment.arm("LR"), experiment.arm("FM")
    assert records.code_of(experiment, lr) != records.code_of(experiment, fm)
    copy = tmp_path / "copy"
    copy.mkdir()
    for part in (*PACKAGES, "experiments", "data", "constraints.txt"):
        subprocess.run(["cp", "-r", str(history.ROOT / part), str(copy / part)], check=True)
    before = {arm.name: records.code_of(experiment, arm, copy) for arm in (lr, fm)}
    assert before["FM"] == records.code_of(experiment, fm)

    def after(name):
        path = copy / "recsys_lib" / name
        path.write_text(path.read_text(encoding="utf-8") + "\nCHANGED = 1\n", encoding="utf-8")
        os.utime(path, ns=(1, 1))
        return {arm.name: records.code_of(experiment, arm, copy) for arm in (lr, fm)}

    assert after("sequence/din.py") == before
    changed = after("second_order/fm.py")
    assert changed["LR"] == before["LR"] and changed["FM"] != before["FM"]
    for name in ("data/simulator/second_order.py", "training/metrics.py"):
        again = after(name)
        assert again["LR"] != changed["LR"] and again["FM"] != changed["FM"]
        changed = again
