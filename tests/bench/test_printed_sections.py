"""The benchmark's tables are printed from what a measuring process really reports."""

import contextlib
import io
import json

from recsys_lib.bench import __main__ as table
from recsys_lib.bench import sequences


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
