"""One letter has one meaning, and lessons use the letters of the page."""

from pathlib import Path

import pytest

from bookmaker import notation
from bookmaker.lessons import read_text
from recsys_book.paths import CHAPTERS

PAGE = """\
| letter | meaning |
|:---|:---|
| $T$ | steps |
| $w$ | a weight |
| $\\mathbf{e}$ | the vector of a behaviour |
"""
LESSON = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
---

| symbol | meaning | shape |
|:---|:---|:---|
| $T$, $w_{i,j}$ | steps and weights | |
| $\\hat{\\mathbf{e}}_t$ | another behaviour | |
| $e_j$ | a number, not a vector | |

| letter | of another table |
|:---|:---|
| $Q$ | nothing |
"""


@pytest.mark.parametrize(
    ("formula", "letter"),
    [
        ("T", "T"),
        ("w_{i,v}", "w"),
        (r"\mathbf{u}(\mathbf{v})", r"\mathbf{u}"),
        (r"\hat{\mathbf{e}}_t", r"\mathbf{e}"),
        (r"\bar p_k", "p"),
        (r"\sigma(x)", r"\sigma"),
    ],
)
def test_indices_and_accents_make_no_other_letter(formula, letter):
    assert notation.letter_of(formula) == letter


def test_a_symbol_that_the_page_lacks_is_named(tmp_path):
    page, lesson = tmp_path / "notation.md", tmp_path / "01_small.md"
    page.write_text(PAGE)
    lesson.write_text(LESSON)
    expected = ["symbol $e_j$: expected a letter of notation.md, got e"]
    assert notation.problems(read_text(lesson), page) == expected


def test_the_page_has_each_letter_once():
    letters = notation.letters()
    assert len(letters) > 15 and len(set(letters)) == len(letters)


def test_din_uses_letters_of_the_page():
    text = read_text(Path(CHAPTERS) / "04_sequence_models" / "01_din.md")
    assert "| symbol |" in "".join(cell.source for cell in text.cells)
    assert notation.problems(text) == []
