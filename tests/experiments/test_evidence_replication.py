"""Findings on unseen worlds: who is judged, what holds, and that a block is opened once."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from tiny_evidence import DECLARED, HereWorkers

from experiments import __main__ as command
from experiments.engine import blocks, records, registry, replicating, running

NAME = "small.guesses"


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(running, "Workers", HereWorkers)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    home = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "Workers", HereWorkers)
        assert run(home, "run", NAME) == 0
    return home


def run(home, *arguments):
    places = ["--folder", str(DECLARED), "--results", str(home / "results")]
    return command.main([*places, "--build", str(home / "build"), *arguments])


@pytest.mark.parametrize(
    "text", ["1000:1020", "900:910", "1005:1015", "1000", "a:b", "1010:1000", "01000:01010"]
)
def test_a_block_is_ten_reserved_worlds(text):
    with pytest.raises(ValueError, match="worlds: expected ten from 1000 on, as 1000:1010"):
        replicating.block_of(text)
    assert replicating.block_of("1010:1020") == range(1010, 1020)


def test_only_verdicts_on_worlds_are_judged(recorded):
    experiment = registry.load(NAME, DECLARED)
    record = records.read(NAME, recorded / "results")
    judged = [contrast.finding for contrast in replicating.countable(experiment, record)]
    # `upside_down` is the opposite, and `ties` has a verdict, but not the one that is claimed.
    assert record["findings"]["ties"]["verdict"] == "better"
    assert judged == ["noise_costs", "heirs", "leads", "grows"]


def test_a_replication_measures_new_worlds_once_and_says_what_held(recorded, capsys):
    capsys.readouterr()
    assert run(recorded, "replicate", NAME, "--worlds", "1000:1010") == 0
    printed = capsys.readouterr().out
    assert "small: 4 of 4 findings held" in printed and "at most 2 may fall: passes" in printed
    opened = json.loads((recorded / "results" / "blocks.json").read_text())
    found = opened["replicated"]["1000:1010"][NAME]
    assert found["record"] == 1 and set(found["findings"]) == {
        "noise_costs",
        "heirs",
        "leads",
        "grows",
    }
    one = found["findings"]["noise_costs"]
    assert one["held"] and one["verdict"] == "better" and 0.5 < one["chance"] <= 1
    assert one["effect"] > 2 and one["interval"][0] < one["effect"] < one["interval"][1]
    before = records.read(NAME, recorded / "results")
    assert run(recorded, "replicate", NAME, "--worlds", "1000:1010") == 1
    assert "block 1000:1010 was opened, expected the next one" in capsys.readouterr().err
    assert records.read(NAME, recorded / "results") == before


def test_a_finding_that_falls_is_named(recorded, monkeypatch, capsys):
    import tiny_evidence

    true_guess = tiny_evidence.guess

    def guess(dataset, *, seed, noise=0.5, reach=1.0):
        return true_guess(dataset, seed=seed, noise=0.5, reach=reach)

    guess.fits_itself = True
    monkeypatch.setattr(tiny_evidence, "guess", guess)
    assert run(recorded, "replicate", NAME, "--worlds", "1010:1020") == 0
    printed = capsys.readouterr().out
    assert "fell: small.guesses.noise_costs, better, now" in printed
    assert "1 of 4 effects came back" in printed  # that of the heirs


def test_a_killed_replication_may_go_on(recorded):
    opened = blocks.read_blocks(recorded / "results")
    opened["replicated"]["1020:1030"] = {NAME: {"record": 1}}
    path = recorded / "results" / "blocks.json"
    path.write_text(json.dumps(opened))
    assert run(recorded, "replicate", NAME, "--worlds", "1020:1030") == 0
    opened["replicated"]["1030:1040"] = {NAME: {"record": 7}}
    path.write_text(json.dumps(opened))
    assert run(recorded, "replicate", NAME, "--worlds", "1030:1040") == 1


def test_an_experiment_without_a_confirmed_finding_opens_a_block_and_measures_nothing(
    recorded, tmp_path, monkeypatch, capsys
):
    shutil.copytree(recorded / "results", tmp_path / "results")
    monkeypatch.setattr(replicating, "countable", lambda *_: [])
    assert run(tmp_path, "replicate", NAME, "--worlds", "1060:1070") == 0
    assert capsys.readouterr().out == "small: no finding to replicate\n"
    noted = blocks.read_blocks(tmp_path / "results")["replicated"]
    assert noted["1060:1070"][NAME] == {"record": 1, "findings": {}}


def test_a_block_before_one_that_was_opened_is_opened_no_more(recorded, tmp_path, capsys):
    shutil.copytree(recorded / "results", tmp_path / "results")
    kept = blocks.read_blocks(tmp_path / "results")
    later = {"1050:1060": {NAME: {"record": 1, "findings": {}}}}
    blocks.write_blocks(kept | {"replicated": later}, tmp_path / "results")
    assert run(tmp_path, "replicate", NAME, "--worlds", "1040:1050") == 1
    assert "a later block than 1040:1050 was opened" in capsys.readouterr().err


def test_a_stale_record_is_not_replicated(tmp_path):
    experiment = registry.load(NAME, DECLARED)
    with pytest.raises(running.Refused, match="nothing is recorded; expected a record"):
        replicating.replicate(
            experiment, "1000:1010", running.Places(folder=DECLARED, results=tmp_path)
        )


def test_a_chapter_passes_as_long_as_no_more_fall_than_chance_explains():
    def judged(held, fell):
        one = {"verdict": "better", "effect": 1.0, "chance": 0.95, "back": False}
        found = {f"held_{n}": one | {"held": True} for n in range(held)}
        return found | {f"fell_{n}": one | {"held": False} for n in range(fell)}

    (first, *fell) = replicating.lines({"small.one": judged(10, 2), "small.two": judged(6, 2)})
    assert first == (
        "small: 16 of 20 findings held, 95 % were to be expected; at most 4 may fall: passes; "
        "0 of 20 effects came back"
    )
    assert len(fell) == 4
    assert "does not pass" in next(replicating.lines({"small.one": judged(15, 5)}))
    assert list(replicating.lines({"small.one": {}})) == ["small: no finding to replicate"]


@pytest.mark.parametrize(
    ("lead", "held", "back"), [(5.1, True, True), (4.2, True, False), (1.9, False, False)]
)
def test_an_effect_comes_back_inside_its_old_interval_widened_by_the_new_one(lead, held, back):
    """A lead far above its margin holds although its effect is another one."""
    experiment = registry.load(NAME, DECLARED)
    contrast = experiment.contrasts[0]
    finding = {"verdict": "better", "margin": 2.0, "unit": "points", "worlds": 20}
    finding |= {"effect": 6.0, "interval": [5.5, 6.5]}
    noise = np.tile([-0.7, 0.7], 5)
    rows = [
        {"model": name, "point": "1", "world": 1000 + n, "initialisation": 0, "task": "click"}
        | {"slice": "all", "auc_gap_closed": (50 + (name == "sharp") * (lead + noise[n])) / 100}
        for name in ("sharp", "blurred")
        for n in range(10)
    ]
    record = {"findings": {contrast.finding: finding}}
    found = replicating.judged(experiment, contrast, record, pd.DataFrame(rows))
    assert found["effect"] == pytest.approx(lead, abs=1e-5)
    assert (found["held"], found["back"]) == (held, back)
