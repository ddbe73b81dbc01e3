"""``recsys check FILE``: options, report and exit status."""

import argparse

import numpy as np
import pytest

from recsys_pipeline.__main__ import main
from recsys_pipeline.files import command as files_command


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{rng.integers(1, 6)};u{rng.integers(5)};{row};{row % 7};x" for row in range(50)]
    path = tmp_path / "rows.txt"
    path.write_text("stars;user;row;size;kind\n" + "\n".join(rows) + "\n")
    return path


OPTIONS = ["--format", "csv", "--separator", ";", "--label", "stars", "--threshold", "4"]


def test_the_report_states_rows_ids_and_what_is_unknown(path, capsys):
    options = [str(path), *OPTIONS, "--numeric", "size", "--split", "ordered", "--group", "user"]
    assert main(["check", *options]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["rows"]
    assert lines[2][:2] == ["train", "40"]
    assert lines[4][:2] == ["test", "5"]
    assert ["user", "context", "5", "0.00%", "0.00%"] in lines
    assert ["row", "context", "40", "100.00%", "100.00%"] in lines
    assert ["size", "context", "number"] in lines
    assert "left out: kind (one value on all training rows: x)".split() in lines
    # Every row has a number of its own, and later rows have others.
    assert [line[:3] for line in lines[-3:]] == [["look", "at", "row:"]] * 3


def test_every_option_arrives(path):
    parser = argparse.ArgumentParser()
    files_command.add_arguments(parser)
    options = [*OPTIONS, "--ignore", "kind,size", "--ratios", "0.5,0.3,0.2", "--min-count", "3"]
    dataset = files_command.load(parser.parse_args([str(path), *options, "--split-seed", "3"]))
    again = files_command.load(parser.parse_args([str(path), *options]))
    assert [len(part) for part in dataset.splits.values()] == [25, 15, 10]
    assert [column.name for column in dataset.feature_columns] == ["user"]
    assert "row" in dataset.left_out  # no value stands on three rows
    assert dataset.test.row_id.tolist() != again.test.row_id.tolist()


def test_tabs_headers_and_field_starts(tmp_path):
    parser = argparse.ArgumentParser()
    files_command.add_arguments(parser)
    table = tmp_path / "rows.data"
    table.write_text("1\ta\n0\tb\n" * 5)
    options = ["--format", "csv", "--separator", "\\t", "--no-header"]
    dataset = files_command.load(parser.parse_args([str(table), *options]))
    assert [column.name for column in dataset.feature_columns] == ["column_2"]
    pairs = tmp_path / "rows.svm"
    pairs.write_text("1 1:1 5:1\n0 2:1\n" * 5)
    dataset = files_command.load(parser.parse_args([str(pairs), "--field-starts", "1,5"]))
    assert [column.name for column in dataset.feature_columns] == ["field_1", "field_2"]


def test_a_mistake_is_one_line_and_a_status(path, capsys):
    assert main(["check", str(path), "--format", "csv", "--separator", ";"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "label names the column 'label', which is not there" in output.err
    assert output.err.count("\n") == 1
