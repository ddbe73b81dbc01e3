import pytest
from pair_text import fake_pair

from bookmaker import ledger, lesson_checks
from recsys_book.paths import LessonError


def test_lists_claims_by_lesson(chapters):
    chapters.fake(chapters.write())
    text = ledger.render(chapters.folder)
    assert "The book makes 1 claim.\n" in text
    assert "## [A small lesson](00_small/01_small.ipynb)" in text
    assert "| `small.sum` | The sum is four. | sum 4 |" in text


def test_a_checked_claim_without_output_is_named(chapters):
    chapters.fake(chapters.write(), lambda notebook: notebook.cells[1].update(outputs=[]))
    with pytest.raises(LessonError, match=r"no output of the claims \['small.sum'\]"):
        ledger.render(chapters.folder)


def test_a_book_without_lessons_has_an_empty_ledger(chapters):
    path = ledger.write(chapters.folder)
    assert "The book makes 0 claims." in path.read_text()


def test_exact_checks_of_a_lesson_and_its_companion_are_listed(chapters):
    _, deeper = fake_pair(chapters)
    check = 'exact(\n    "small.sum.of_three",\n    "Two and one " "are | three.",\n    True,\n)'
    cell = f"## More of it\n\n```{{code-cell}}\n{check}\n```\n"
    text = deeper.read_text().replace("## More of it\n", cell)
    deeper.write_text(text)
    chapters.fake(deeper)
    chapters.fake(chapters.write(name="02_other"))
    text = ledger.render(chapters.folder)
    assert "The book makes 1 claim and 2 exact checks.\n" in text
    assert "| `small.sum.of_two` | Two and two are four. | exact |" in text
    assert "| `small.sum.of_three` | Two and one are \\| three. | exact |" in text
    assert text.index("(00_small/01_small.ipynb)") < text.index("(00_small/01_small.deeper.ipynb)")


@pytest.mark.parametrize("statement", ["said", "f'Two and {two} are four.'", "4"])
def test_a_statement_that_is_no_text_is_named(chapters, statement):
    core, _ = fake_pair(chapters)
    core.write_text(core.read_text().replace('"Two and two are four."', statement))
    chapters.fake(core)
    with pytest.raises(LessonError, match=r"01_small.ipynb: cell 11: exact: expected identifier"):
        ledger.render(chapters.folder)
    (problem,) = lesson_checks.ledger_problems(chapters.folder)
    assert "exact: expected identifier and statement as texts" in problem


def test_names_of_arguments_do_not_matter(chapters):
    core, _ = fake_pair(chapters)
    text = core.read_text().replace('of_two", "Two and', 'of_two", statement="Two and')
    core.write_text(text.replace(", total == 4)", ", holds=total == 4)"))
    chapters.fake(core)
    assert "| `small.sum.of_two` | Two and two are four. | exact |" in ledger.render(
        chapters.folder
    )
