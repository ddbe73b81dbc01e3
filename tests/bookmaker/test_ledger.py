"""The ledger lists the exact checks by lesson; what it says of records has its own tests."""

import pytest
from pair_text import fake_pair

from bookmaker.building import evidence
from bookmaker.checks import lesson_checks
from recsys_book.base.paths import LessonError


def test_lists_checks_by_lesson(chapters):
    chapters.write()
    text = evidence.render(chapters.folder)
    assert "0 findings of 0 experiments, 1 exact check.\n" in text
    exact = text.split("## Exact checks\n")[1]
    assert "### [A small lesson](00_small/01_small.ipynb)\n\n| check | statement |\n" in exact
    assert "| `small.sum` | The sum is four. |\n" in exact


def test_a_book_without_lessons_has_an_empty_ledger(chapters):
    path = evidence.write(chapters.folder)
    assert "0 findings of 0 experiments, 0 exact checks." in path.read_text()


def test_exact_checks_of_a_lesson_and_its_companion_are_listed(chapters):
    _, deeper = fake_pair(chapters)
    check = 'exact(\n    "small.sum.of_three",\n    "Two and one " "are | three.",\n    True,\n)'
    cell = f"## More of it\n\n```{{code-cell}}\n{check}\n```\n"
    deeper.write_text(deeper.read_text().replace("## More of it\n", cell))
    chapters.write(name="02_other")
    text = evidence.render(chapters.folder)
    assert ", 3 exact checks.\n" in text
    assert "| `small.sum.of_two` | Two and two are four. |" in text
    assert "| `small.sum.of_three` | Two and one are \\| three. |" in text
    assert text.index("(00_small/01_small.ipynb)") < text.index("(00_small/01_small.deeper.ipynb)")


@pytest.mark.parametrize("statement", ["said", "f'Two and {two} are four.'", "4"])
def test_a_statement_that_is_no_text_is_named(chapters, statement):
    core, _ = fake_pair(chapters)
    core.write_text(core.read_text().replace('"Two and two are four."', statement))
    with pytest.raises(LessonError, match=r"01_small.md: cell 11: exact: expected identifier"):
        evidence.render(chapters.folder)
    (problem,) = evidence.problems(chapters.folder)
    assert "exact: expected identifier and statement as texts" in problem
    (problem,) = lesson_checks.text_problems(core)
    assert problem == f"{core}: cell 11 calls exact without a literal statement"


def test_names_of_arguments_do_not_matter(chapters):
    core, _ = fake_pair(chapters)
    text = core.read_text().replace('of_two", "Two and', 'of_two", statement="Two and')
    core.write_text(text.replace(", total == 4)", ", holds=total == 4)"))
    text = evidence.render(chapters.folder)
    assert "| `small.sum.of_two` | Two and two are four. |" in text
