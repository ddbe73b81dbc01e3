"""Tables in prose name their alignment."""

import pytest

from bookmaker import lesson_checks, tables

TABLE = "| model | AUC |\n{}\n| FM | 0.7 |\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("|---|---|", "|:---|:---|"),
        ("| --- | ---: |", "| :--- | ---: |"),
        ("|:--|:-:|", "|:--|:-:|"),
        ("--- | ---", ":--- | :---"),
    ],
)
def test_columns_without_an_alignment_are_aligned_to_the_left(line, expected):
    assert list(tables.separators(TABLE.format(line))) == [line]
    assert tables.aligned(line) == expected
    assert tables.aligned(expected) == expected


@pytest.mark.parametrize(
    "markdown",
    [
        "```text\n| a | b |\n|---|---|\n```",
        "A rule below a sentence.\n\n---\n\nMore.",
        "A heading\n---------",
        "| one | row |",
    ],
)
def test_what_is_no_table_is_left_alone(markdown):
    assert list(tables.separators(markdown)) == []


def test_a_table_that_leaves_its_alignment_open_is_a_problem_of_the_lesson(chapters, survey):
    for line, count in (("|---|:---|", 1), ("|:---|---:|", 0)):
        text = f"{survey}\n{TABLE.format(line)}"
        path = chapters.write(text)
        chapters.fake(path)
        expected = (
            f"{path}: cell 5: expected `:---`, `---:` or `:---:` for each column of a table, got "
            f"`{line}`"
        )
        assert lesson_checks.check_lesson(path) == [expected] * count
