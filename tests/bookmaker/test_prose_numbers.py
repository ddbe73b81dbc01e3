"""A measured number in prose is one that the same notebook shows, or a record that it shows."""

import pandas as pd
import pytest
import record_made
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pair_text import fake_pair

from bookmaker.checks import lesson_checks
from bookmaker.checks.numbers import is_held, numbers_in, problems, said_in
from bookmaker.lessons.figures import describe_figures
from bookmaker.lessons.lessons import Lesson
from bookmaker.lessons.output_numbers import shown_in


def texts(markdown):
    return [number[0] for number, _ in numbers_in(markdown)]


@pytest.mark.parametrize(
    ("prose", "found"),
    [
        ("It reaches 0.766, .77 or 1,234.5.", ["0.766", ".77", "1,234.5"]),
        ("It takes 45 % of them, 45% or 45 percent.", ["45 %", "45 %", "45 %"]),
        ("3.2 s, 12 ms, 5 seconds, 7µs, 8 us", ["3.2 s", "12 ms", "5 s", "7 µs", "8 µs"]),
        ("61 points of the gap, 61.3 points", ["61 points", "61.3 points"]),
        ("61 points of the AUC gap; of its own gap", ["61 points"]),
        ("80, 15 and 5 % of the rows", ["80 %", "15 %", "5 %"]),
        ("from 45 to 61.5 points of the gap", ["45 points", "61.5 points"]),
        ("3–4 ms, 5 to 10 ms", ["3 ms", "4 ms", "5 ms", "10 ms"]),
        ("-0.3, −0.4, 0.3-0.5, 2e-4", ["0.3", "0.4", "0.3", "0.5", "2e-4"]),
        ("**0.766** and [a link of 0.5](x_0.7.md)", ["0.766", "0.5"]),
        ("1.2 million rows and 2 billion", ["1.2 million"]),
        ("1.5 hours", ["1.5 hours"]),
        # Counts and times to read are no measurements.
        ("20 runs, 1,200 rows, 35 minutes, 2 hours, 3 points for an answer", []),
        ("7 seeds, 4 models, 2 msgs, 5 users", []),
        ("v2.21, 1.2.3, x0.5, NumPy 2.4, Keras 3.5, Python 3.11", []),
        ("section 3.2, equations 2.1 and 2.2, table 4.1, § 5.3", []),
        # A version has no unit, and below and above are no marks.
        ("in NumPy 3.2 ms, with TensorFlow 45 %", ["3.2 ms", "45 %"]),
        ("The gap is < 0.05 on one and the score > 0.71", ["0.05", "0.71"]),
        ("`0.766`, ``0.7 ` 0.8``, $0.766$, $$\n0.766\n$$, <!-- 0.766 --> <img width=0.5>", []),
        ("```\n0.766\n```\n\n~~~python\n45 %\n~~~", []),
    ],
)
def test_what_has_to_be_held(prose, found):
    assert texts(prose) == found


@pytest.mark.parametrize(
    ("prose", "output", "held"),
    [
        # The same digits, or a rounding at the digits of the prose.
        ("0.766", "auc 0.766", True),
        ("0.766", "auc 0.7664", True),
        ("0.766", "auc 0.7656", True),
        ("0.766", "auc 0.7667", False),
        ("0.766", "auc 0.7653", False),
        ("0.77", "auc 0.766", True),
        ("0.766", "auc 0.77", False),
        (".766", "auc -0.766", True),
        ("0.766", "auc 7.66", False),
        ("0.766", "auc_0.766 x0.766 1.0.766", False),
        ("1.2 million", "rows 1,234,567", True),
        ("1.2 million", "rows 1,264,567", False),
        ("0.0002", "rate 1.8e-04", True),
        ("2e-4", "rate 0.0002", True),
        ("3.0", "rows 3", True),
        # Percentages: with their sign, as points, or as a share.
        ("61 %", "clicked: 61.3 %", True),
        ("61 %", "clicked: 61.3 percent", True),
        ("61 %", "mean: 61.3 points of the gap", True),
        ("61 %", "share .613", True),
        ("61.3 %", "share 0.613", True),
        ("61.3 %", "share 0.61", False),
        ("61 %", "rows 61", False),
        ("62 %", "clicked: 61.3 %", False),
        ("61 points of the gap", "mean 61.3", True),
        ("61 points of the gap", "closed 0.613", True),
        ("61 points of the gap", "mean 62", False),
        # Durations, in any unit.
        ("3.2 s", "training took 3.21 s", True),
        ("12 ms", "took 0.0121 s", True),
        ("12 ms", "p50 12.3 ms, p99 40 ms", True),
        ("12 ms", "p50 12.3 us", False),
        ("12 ms", "training 12 s, p50 3 ms", False),
        ("0.012 s", "p50 12 ms", True),
        ("12 ms", "rows 12", False),
        ("3.2 s", "auc 3.2", False),
        ("1.5 hours", "took 5,400 s", True),
        ("45 s", "the model's 45 rows", False),
    ],
)
def test_what_holds_a_number(prose, output, held):
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"It is {prose}."),
            new_code_cell("x", outputs=[new_output("stream", name="stdout", text=f"{output}\n")]),
        ]
    )
    (number,) = said_in(notebook)
    assert is_held(number, shown_in(notebook)) is held


def shown_of(**data):
    outputs = [new_output("display_data", data={k.replace("_", "/"): v for k, v in data.items()})]
    return shown_in(new_notebook(cells=[new_code_cell("x", outputs=outputs)]))


def number_of(prose):
    (number,) = said_in(new_notebook(cells=[new_markdown_cell(prose)]))
    return number


@pytest.mark.parametrize(
    ("head", "value", "prose", "held"),
    [
        ("share, %", 61.3, "61 %", True),
        ("points of the AUC gap", 61.3, "61 %", True),
        ("AUC", 61.3, "61 %", False),
        ("AUC", 0.613, "61 %", True),
        ("seconds", 3.21, "3.2 s", True),
        ("time (ms)", 12.3, "12 ms", True),
        ("time (ms)", 12.3, "0.0123 s", True),
        ("AUC", 12.3, "12 ms", False),
    ],
)
def test_a_column_of_a_table_says_the_unit(head, value, prose, held):
    table = pd.DataFrame({"rows": [5, 7], head: [value, 1.0]}, index=["mean", "DIN"])
    shown = shown_of(text_html=table.to_html(), text_plain=str(table))
    assert is_held(number_of(prose), shown) is held
    # The other column is in another unit.
    assert not is_held(number_of("7 %"), shown) and not is_held(number_of("7 s"), shown)
    # A row that names the unit does as well, and only it.
    shown = shown_of(text_html=table.T.to_html())
    assert is_held(number_of(prose), shown) is held
    assert not is_held(number_of("7 %"), shown) and not is_held(number_of("7 s"), shown)


def test_heads_of_two_rows_stand_above_their_columns():
    columns = pd.MultiIndex.from_product([["AUC", "share, %"], ["seen", "unseen"]])
    table = pd.DataFrame([[41.0, 42.0, 43.0, 44.0]], columns=columns).to_html()
    held = [is_held(number_of(f"{n} %"), shown_of(text_html=table)) for n in (41, 42, 43, 44)]
    assert held == [False, False, True, True]


def test_what_stands_for_a_figure_is_prose_and_holds_nothing():
    picture = '<img alt="It ends at 0.766." width="9" src="data:image/png;base64,0.767">'
    drawn = f"<style>p {{ top: 0.766em }}</style><svg><text>0.766</text></svg>{picture}"
    assert not is_held(number_of("0.766"), shown_of(text_html=drawn))
    assert is_held(number_of("0.766"), shown_of(text_html=f"{drawn}<p>0.766</p>"))
    assert is_held(number_of("0.766"), shown_of(text_plain="0.766"))
    assert not is_held(number_of("0.766"), shown_of(text_markdown="0.766"))


# ------------------------------------------------------------------------------------------ lessons


@pytest.fixture
def found(tmp_path):
    """Function that returns the problems of a lesson without its path; `small.told` is recorded."""
    results = tmp_path / "experiments" / "results"
    results.mkdir(parents=True)
    record_made.put(results, record_made.made())
    path = tmp_path / "chapters" / "00_small" / "01_small.md"

    def of(*cells, anatomy="core"):
        lesson = Lesson(path, "T", "Q?", "m", 5, anatomy=anatomy)
        made = [
            new_code_cell(one[2:], outputs=[]) if one.startswith("> ") else new_markdown_cell(one)
            for one in cells
        ]
        lines = problems(lesson, new_notebook(cells=made))
        assert all(line.startswith(f"{path}: ") for line in lines)
        return [line.removeprefix(f"{path}: ") for line in lines]

    return of


def test_number_sentence_and_place_are_named(found):
    text = (
        "## What it does\n\nThe mean keeps four. It reaches *0.766* in all\nof them. DIN does not."
    )
    assert found("# T", text) == [
        "cell 2, What it does: no output of the notebook and no record that it shows has '0.766': "
        "It reaches *0.766* in all of them."
    ]
    (line,) = found("# T", f"## What it does\n\n{'So it goes on, ' * 30}to 0.766{' and on' * 40}.")
    assert "0.766" in line.split("has '0.766': ")[1] and len(line) < 300


@pytest.mark.parametrize("anatomy", ["core", "survey", "deeper"])
def test_places_that_are_exempt(found, anatomy):
    parts = ["The mathematics", "A worked example", "References"]
    exempt = [f"## {part}\n\nIt is 0.766.\n\n### More\n\n45 %." for part in parts]
    time = "# T\n\n**Time.** 6 minutes: it runs in 1.5 s.\n\n**Library.** `m`"
    assert found(time, *exempt, anatomy=anatomy) == []
    for part in ("The problem", "What it does", "In short"):
        (line,) = found(time, "\n\n".join([*exempt, f"## {part}\n\nIt is 0.766."]), anatomy=anatomy)
        assert f"cell 2, {part}" in line
    (line,) = found(time.replace("1.5 s.", "1.5 s.\n\nIt takes 45 %."), anatomy=anatomy)
    assert "cell 1, the opening" in line
    (line,) = found("# T", time, anatomy=anatomy)
    assert "1.5 s" in line
    (line,) = found(time, "## Preferences\n\nIt is 0.766.", anatomy=anatomy)
    assert "cell 2, Preferences" in line


def test_labs_are_left_alone(found):
    assert found("# T\n\n0.766", anatomy="lab") == []


@pytest.mark.parametrize(
    ("prose", "held"),
    [
        ("61.3 points", True),  # of the summary
        ("61 %", True),
        ("94.0 points", True),  # an end of an interval
        ("an AUC of 0.71", True),
        ("12.3 points", True),  # of a finding
        ("13.68 points", True),
        ("a 95 % interval", True),
        ("an AUC of 0.75", False),
        ("71 %", False),  # an AUC is no share
        ("71 points of the gap", False),
        ("20 points of the gap", False),  # so many worlds
        ("20 s", False),
    ],
)
@pytest.mark.parametrize(
    "shows",
    [
        'evidence("small.told")',
        'finding("small.told.leads")',
        'recorded("small.told", model="DIN")',
        'checked_sentences("small.told.leads")',
    ],
)
def test_a_record_that_the_lesson_shows_holds_its_numbers(found, prose, held, shows):
    assert (found("# T", f"## P\n\nIt is {prose}.", f"> {shows}") == []) is held
    assert found("# T", f"## P\n\nIt is {prose}.", '> print("small.told")') != []


def test_a_record_that_is_missing_holds_nothing(found):
    assert len(found("# T", "## P\n\nIt is 0.71.", '> evidence("small.other")')) == 1


def test_links_between_lessons_are_no_prose(found):
    notebook = new_notebook(cells=[new_markdown_cell("0.5", metadata={"tags": ["links"]})])
    assert list(said_in(notebook)) == []


def test_the_check_asks_for_it(chapters):
    core, _ = fake_pair(chapters)
    assert lesson_checks.check_lesson(core) == []
    core.write_text(core.read_text().replace("By counting.", "By counting 45 % of it."))
    chapters.fake(core, describe_figures)
    (line,) = lesson_checks.check_lesson(core)
    assert line.startswith(f"{core}: cell ") and "How this was measured: no output" in line
