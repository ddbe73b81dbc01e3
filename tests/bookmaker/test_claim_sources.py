import pytest

from bookmaker.claim_sources import calls_in_cell, claim_problems
from bookmaker.lessons import read_text


def problems(chapters, text):
    path = chapters.write(text)
    return claim_problems(path, read_text(path))


def test_prose_and_cells_agree(chapters, overview):
    assert problems(chapters, overview) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("`claim: small.sum`", "", "claim small.sum is checked; no sentence of prose has it"),
        ("`claim: small.sum`", "`claim: small.other`", "claim small.other stands in the prose"),
        ('claim("small.sum", "The sum is four.", total == 4, f"sum {total}")', "", "no cell"),
        ("total = 2 + 2", 'claim("small.sum", "The sum is four.", True, "4")', "in 2 places"),
        ('claim("small.sum"', 'claim("small." + "sum"', "cell 2 calls claim without a literal"),
        ("claims_table()", "print()", "no cell calls claims_table()"),
    ],
)
def test_finds_disagreements(chapters, overview, old, new, what):
    assert old in overview
    assert what in " ".join(problems(chapters, overview.replace(old, new, 1)))


def test_a_comment_is_no_check(chapters, overview):
    commented = overview.replace('claim("small.sum"', '# claim("small.sum"')
    assert "no cell checks it" in " ".join(problems(chapters, commented))


def test_reads_cells_with_magics_and_keywords():
    source = '%matplotlib inline\nbook.claim(identifier="a.b", holds=True)\nother("c")'
    assert len(calls_in_cell(source)) == 1
    assert calls_in_cell("x = (") == []
