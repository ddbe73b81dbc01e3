"""The speed table of the multi-scenario models: what is measured, and what is printed of it."""

import contextlib
import io
import json

import numpy as np
import pytest

from benchmarks import __main__ as table
from benchmarks import multi_scenario as section
from recsys_lib import multi_scenario as library


def test_every_model_of_the_chapter_is_measured():
    builders = {build.func.__name__ for build in section.MODELS.values()}
    assert builders == {name for name in library.__all__ if name.startswith("build_")}
    assert next(iter(section.MODELS)) == section.PLAIN


@pytest.fixture(scope="module")
def small():
    return section.platform(4, num_rows=300)


def test_scenarios_are_of_unequal_size_and_say_nothing(small):
    train, test = (split.features[section.COLUMN] for split in (small.train, small.test))
    assert len(train) == 300 and set(train) == {1, 2, 3, 4}
    share = np.bincount(test)[1:] / len(test)
    np.testing.assert_allclose(share, np.array([12, 6, 4, 3]) / 25, atol=0.01)
    rates = [small.test.labels[section.TASK][test == surface].mean() for surface in set(test)]
    assert np.ptp(rates) < 0.05


def test_measurements_have_speeds_beside_the_plain_network(small):
    results = section.measure_count(small, ["STAR", "PEPNet"], num_rounds=1)
    assert list(results) == [section.PLAIN, "STAR", "PEPNet"]
    reference = results[section.PLAIN]["examples_per_second"]
    for result in results.values():
        assert result["to_plain"] == result["examples_per_second"] / reference > 0
        assert result["parameters"] > 0
    assert results["STAR"]["parameters"] > results[section.PLAIN]["parameters"]


def test_growth_is_that_of_a_step_in_steps_of_the_plain_network():
    results = {50: {"STAR": {"to_plain": 0.2}}, 3: {"STAR": {"to_plain": 0.8}}, 15: {}}
    assert section.growth(results, "STAR") == 4


def test_the_section_prints_every_model_at_every_count(monkeypatch, capsys):
    def results(data):
        row = {"parameters": 7, "examples_per_second": 500.0, "to_plain": 0.25}
        return {name: row for name in section.MODELS}

    asked = []
    monkeypatch.setattr(section, "platform", asked.append)
    monkeypatch.setattr(section, "measure_count", results)

    def measure(module, count):
        assert module == section.__name__
        monkeypatch.setattr("sys.argv", [module, str(count)])
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            section.main()
        return json.loads(printed.getvalue())

    monkeypatch.setattr(table, "measure", measure)
    table.SECTIONS["multi_scenario"]()
    printed = capsys.readouterr().out
    assert asked == list(section.COUNTS)
    for name in section.MODELS:
        lines = [line for line in printed.splitlines() if line[:24].strip() == name]
        assert lines[0].split()[-9:] == ["7", "500", "0.25"] * 3
        assert "1.00   goal: under 16.7" in lines[1]
    assert "STAR to plain, 15 scenarios: 0.25   goal: at least 0.5" in printed
