"""Ticks stand for what is checked or recorded, and for nothing else; guesses are answered."""

import json

import pytest
import record_made
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bookmaker.checks import lesson_checks
from bookmaker.lessons.prose import without_code
from bookmaker.lessons.sentences import (
    Tick,
    experiments_named,
    findings_recorded,
    problems,
    problems_between,
    ticks,
)

EXACT = 'exact("small.sum.of_two", "Two and two are four.", total == 4)'
TICK = "Two and two are four [≡](#small.sum.of_two)."
LEADS = "DIN leads [✓](#small.told.leads)."
BEHIND = "The mean is behind [○](#small.told.behind)."
ALL = 'checked_sentences("small.told.leads", "small.told.behind")'


def notebook_of(*cells):
    """A cell of prose for each text, a folded code cell for each text of code."""
    made = []
    for cell in cells:
        is_code = "(" in cell.split("[")[0] or cell.startswith("total")
        new = new_code_cell(cell) if is_code else new_markdown_cell(cell)
        new.metadata["tags"] = ["hide-input"]
        made.append(new)
    return new_notebook(cells=made)


@pytest.fixture
def found(tmp_path):
    """Function that returns a lesson's problems without its path; `small.told` is recorded."""
    results = tmp_path / "experiments" / "results"
    results.mkdir(parents=True)
    record_made.put(results, record_made.made())
    path = tmp_path / "chapters" / "00_small" / "01_small.md"

    def of(*cells):
        lines = problems(path, notebook_of(*cells))
        assert all(line.startswith(f"{path}: ") for line in lines)
        return [line.removeprefix(f"{path}: ") for line in lines]

    return of


def test_a_lesson_that_says_what_it_checks(found):
    assert found(TICK, f"total = 4\n{EXACT}", LEADS, BEHIND, ALL) == []
    assert found("No sentence is checked.", "total = 2 + 2") == []
    # A finding may stand in the closed block alone.
    assert found(LEADS, ALL) == []


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (
            (TICK, "checked_sentences()"),
            "cell 1: [≡](#small.sum.of_two): no exact check and no record has this name",
        ),
        (
            ("Four.", EXACT, "checked_sentences()"),
            "exact small.sum.of_two is checked; no sentence of prose links to it",
        ),
        (
            (TICK.replace("≡", "✓"), EXACT, "checked_sentences()"),
            "cell 1: [✓](#small.sum.of_two): expected ≡, an exact check",
        ),
        (
            (TICK.replace("≡", "x"), EXACT, "checked_sentences()"),
            "cell 1: [x](#small.sum.of_two): expected ≡, an exact check",
        ),
        (
            (LEADS.replace("✓", "○"), ALL),
            "cell 1: [○](#small.told.leads): expected ✓, the record confirms this finding",
        ),
        (
            (LEADS.replace("✓", "≡"), ALL),
            "cell 1: [≡](#small.told.leads): expected ✓, the record confirms this finding",
        ),
        (
            (BEHIND.replace("○", "✓"), ALL),
            "cell 1: [✓](#small.told.behind): expected ○, the record does not confirm this finding",
        ),
        (
            (LEADS, 'checked_sentences("small.told.behind")'),
            "cell 1: [✓](#small.told.leads): expected its finding among those of "
            "checked_sentences(...)",
        ),
        (
            (LEADS.replace("leads]", "leads]").replace("told.leads", "told.lost"), ALL),
            "cell 1: [✓](#small.told.lost): expected one of ['behind', 'leads'] of small.told, "
            "got lost",
        ),
        (
            (LEADS, 'checked_sentences("small.told.leads", "small.told.lost")'),
            "cell 2: checked_sentences: expected one of ['behind', 'leads'] of small.told, got",
        ),
        (
            (LEADS, ALL, 'finding("small.told.lost")'),
            "cell 3: finding: expected one of ['behind', 'leads'] of small.told, got lost",
        ),
        (
            (TICK, EXACT, EXACT, "checked_sentences()"),
            "exact small.sum.of_two is checked in 2 places",
        ),
        ((TICK, EXACT), "calls checked_sentences(...) 0 times, expected once"),
        (
            (TICK, EXACT, "checked_sentences()", "checked_sentences()"),
            "calls checked_sentences(...) 2 times, expected once",
        ),
        (
            (TICK, "checked_sentences()", EXACT),
            "cell 3 calls exact behind checked_sentences(...), which does not show it",
        ),
        (
            (TICK, EXACT, 'exact(f"{a}.b", "S.", True)', "checked_sentences()"),
            "cell 3 calls exact without a literal identifier",
        ),
        (
            (TICK, EXACT.replace('"Two and two are four."', "said"), "checked_sentences()"),
            "cell 2 calls exact without a literal statement",
        ),
        (
            (TICK, f"# {EXACT}", "checked_sentences()"),
            "cell 1: [≡](#small.sum.of_two): no exact check and no record has this name",
        ),
        (
            (LEADS, ALL, "finding(name)"),
            "cell 3 calls finding without a literal identifier",
        ),
        (
            ("Text.", "checked_sentences(*names)"),
            "cell 2 calls checked_sentences without a literal",
        ),
        (("Text.", "recorded(name, model='DIN')"), "cell 2 calls recorded without a literal"),
    ],
)
def test_what_does_not_fit_is_one_line(found, cells, problem):
    (line,) = found(*cells)
    assert line.startswith(problem)


def test_the_block_is_folded(tmp_path):
    notebook = notebook_of(TICK, EXACT, "checked_sentences()")
    notebook.cells[2].metadata["tags"] = []
    (line,) = problems(tmp_path / "chapters" / "00_small" / "01_small.md", notebook)
    assert line.endswith("cell 3 calls checked_sentences(...), expected the tag hide-input")


def test_an_exploratory_finding_is_not_shown_yet(found, tmp_path):
    results = tmp_path / "experiments" / "results"
    findings = {"leads": record_made.LEADS | {"exploratory": True}, "behind": record_made.BEHIND}
    record_made.put(results, record_made.made(findings=findings))
    (line,) = found(LEADS, ALL)
    assert "expected ○, the record does not confirm" in line
    assert found(LEADS.replace("✓", "○"), ALL) == []


def test_a_finding_that_fell_on_unseen_worlds_has_no_tick(found, tmp_path):
    fell = {"leads": {"held": False, "effect": 0.5}}
    blocks = {"replicated": {"1000:1010": {"small.told": {"record": 1, "findings": fell}}}}
    path = tmp_path / "experiments" / "results" / "blocks.json"
    path.write_text(json.dumps(blocks), encoding="utf-8")
    (line,) = found(LEADS, ALL)
    assert "expected ○, it did not hold on ten unseen worlds, where the mean was +0.5" in line
    assert found(LEADS.replace("✓", "○"), ALL) == []


@pytest.mark.parametrize(
    "cells",
    [
        (LEADS, BEHIND, ALL),
        (LEADS, 'evidence("small.told")', 'finding("small.told.leads")', ALL),
        ("Text.", 'evidence("small.told")'),
        ("Text.", 'x = recorded("small.told", model="DIN")'),
        ("Text.", 'x = recorded(model="DIN", experiment="small.told")'),
    ],
)
def test_a_missing_record_is_one_problem(found, tmp_path, cells):
    (tmp_path / "experiments" / "results" / "small.told.json").unlink()
    (line,) = found(*cells)
    assert line.startswith("no record of small.told; run `python -m experiments run small.told`")


def test_ticks_in_code_are_none():
    text = f"{TICK}\n`{TICK}` and ``a ` {TICK}``\n\n```\n{TICK}\n```\n\n{BEHIND} [here](#a-part)"
    assert ticks(notebook_of("Text.", text)) == [
        Tick(2, "≡", "small.sum.of_two"),
        Tick(2, "○", "small.told.behind"),
    ]


@pytest.mark.parametrize("target", ["Small.sum.of_two", "small-sum-of-two", "small"])
@pytest.mark.parametrize("mark", ["≡", "✓", "○"])
def test_a_tick_to_what_is_no_identifier_is_named(found, mark, target):
    (line,) = found(f"Two [{mark}](#{target}). See [above](#The-problem).")
    assert line.startswith(f"cell 1: [{mark}](#{target}): expected the identifier of a check")


def test_marks_of_code_in_two_paragraphs_do_not_hide_what_lies_between():
    text = f"press ` here.\n\n{TICK}\n\nand ` there"
    assert ticks(notebook_of(text)) == [Tick(1, "≡", "small.sum.of_two")]


def test_what_is_no_code_keeps_its_place():
    text = "one `two`\n~~~python\nthree\n~~~\nfour"
    left = without_code(text)
    assert len(left) == len(text) and left.split() == ["one", "four"]
    assert left.index("four") == text.index("four")


def test_records_are_named_by_what_shows_them():
    sources = [
        'evidence("a.one", part="rare")\nx.evidence("a.no")',
        'value = 2 * recorded("b.two", model="DIN") + recorded(experiment="c.three", model="m")',
        'checked_sentences("d.four.wins", "d.four.loses", "e.five.wins")\nfinding("f.six.wins")',
        'exact("g.seven.is", "S.", True)\nprint("h.eight")',
        "this is no Python",
    ]
    assert experiments_named(sources) == ["a.one", "b.two", "c.three", "d.four", "e.five", "f.six"]


def test_a_function_of_the_lessons_own_is_not_the_books(found):
    own = "def evidence(name):\n    return name"
    assert experiments_named([own, 'evidence("a.b")', 'finding("c.d.wins")']) == ["c.d"]
    assert found(own, 'evidence("FM")', "evidence(name)") == []


# ---------------------------------------------------------------------------------------- guesses

ASKS = 'guess("rows", ...)  # rows'
ANSWERS = 'resolve("rows", total, unit="rows")'


def test_a_guess_that_is_answered(found):
    assert found(ASKS, 'guess(name="more", value=...)', ANSWERS, 'resolve("more", 1, "rows")') == []
    assert found("total = Path('.').resolve()") == []


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ((ASKS,), "cell 1: guess('rows', ...) is nowhere resolved"),
        ((ANSWERS,), "cell 1: resolve('rows', ...) answers what no guess asks"),
        ((ANSWERS, ASKS), "cell 1: resolve('rows', ...) stands before its guess"),
        ((ASKS, ASKS, ANSWERS), "cell 2: guess('rows', ...) stands in cell 1, too"),
        ((ASKS, ANSWERS, ANSWERS), "cell 3: resolve('rows', ...) stands in cell 2, too"),
        (('guess("rows", 40)', ANSWERS), "cell 1: guess('rows', ...): expected `...` for the"),
        (('guess("rows", value=40)', ANSWERS), "cell 1: guess('rows', ...): expected `...` for"),
        (('guess("rows")', ANSWERS), "cell 1: guess('rows', ...): expected `...` for the"),
        ((ASKS, ANSWERS, "guess(name, ...)"), "cell 3 calls guess without a literal name"),
        ((ASKS, ANSWERS, "resolve(name, 1, 'x')"), "cell 3 calls resolve without a literal name"),
    ],
)
def test_a_guess_has_one_answer(found, cells, problem):
    (line,) = found(*cells)
    assert line.startswith(problem)


# -------------------------------------------------------------------------------------- the book


def test_identifiers_are_unique_in_the_book(chapters, survey):
    first = chapters.write(survey)
    second = chapters.write(
        "# Small\n\n```{code-cell} ipython3\n" + EXACT + "\n```\n", name="02_small"
    )
    assert problems_between([first, second]) == []
    second.write_text(second.read_text().replace("small.sum.of_two", "small.sum"))
    said = f"{second}: exact small.sum is already checked in {first}"
    assert problems_between([first, second]) == [said]
    (line,) = problems_between([first], findings=["small.sum"])
    assert line == f"{first}: exact small.sum has the name of a recorded finding"


def test_all_findings_of_a_folder_of_records(tmp_path):
    record_made.put(tmp_path, record_made.made())
    (tmp_path / "blocks.json").write_text("{}")
    assert set(findings_recorded(tmp_path)) == {"small.told.leads", "small.told.behind"}


def test_the_check_of_a_lesson_asks_for_it(chapters, survey):
    path = chapters.write(survey.replace("The sum is four", "The sum is four [≡](#small.sum.no)"))
    chapters.fake(path)
    assert f"{path}: cell 1: [≡](#small.sum.no): no exact check and no record has this name" in (
        lesson_checks.check_lesson(path)
    )
    assert lesson_checks.text_problems(path)
