"""The benchmark's tables are printed from what a measuring process really reports."""

import contextlib
import io
import json

from benchmarks import __main__ as table
from benchmarks import requests, sequences


def test_the_sequences_section_prints_every_model_and_nothing_else(monkeypatch, capsys):
    row = {"graph_seconds": 1.0, "examples_per_second": 500.0, "two_epochs_seconds": 4.0}
    monkeypatch.setattr(sequences, "histories", lambda length: None)
    monkeypatch.setattr(sequences, "measure_length", lambda data, names: dict.fromkeys(names, row))

    def measure(module, length):
        assert module == sequences.__name__
        monkeypatch.setattr("sys.argv", [module, str(length)])
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            sequences.main()
        return json.loads(printed.getvalue())

    monkeypatch.setattr(table, "measure", measure)
    table.sequences()
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if line.split() and line.split()[-1] in "500-"]
    assert [line[:32].strip() for line in rows] == sequences.names_at(min(sequences.LENGTHS))
    assert printed.count("at 50 behaviours: 1.0") == len(sequences.LOOPED)


def test_the_requests_section_prints_both_models_from_real_measurements(monkeypatch, capsys):
    monkeypatch.setattr(requests, "NUM_REQUESTS", 2)
    monkeypatch.setattr(requests, "NUM_PREDICTS", 1)

    def measure(module):
        assert module == requests.__name__
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            requests.main()
        return json.loads(printed.getvalue())

    monkeypatch.setattr(table, "measure", measure)
    table.requests()
    printed = capsys.readouterr().out
    for name in requests.MODELS:
        assert f"Ranking 1,000 candidates of one request, {name}, milliseconds" in printed
    differences = [line.split()[-1] for line in printed.splitlines() if "difference" in line]
    assert len(differences) == 2 and all(float(number) < 1e-3 for number in differences)
    assert printed.count("model.predict, tiled rows") == 2
