import numpy as np
import pytest

from recsys_book import claims
from recsys_book.claims import ClaimFailed, claim, claims_table, parse_output


@pytest.fixture(autouse=True)
def no_claims_yet(monkeypatch):
    monkeypatch.setattr(claims, "_checked", {})


def test_prints_statement_and_evidence(capsys):
    claim("memorization.wide.seen_rules", "The wide part wins.", True, "wide 0.953, deep 0.941")
    assert capsys.readouterr().out == (
        "✓ memorization.wide.seen_rules: The wide part wins.\n  evidence: wide 0.953, deep 0.941\n"
    )


def test_accepts_a_numpy_boolean(capsys):
    claim("a.b", "One is less than two.", np.float64(1) < np.float64(2), "1 < 2")
    assert "✓ a.b" in capsys.readouterr().out


@pytest.mark.parametrize("holds", [False, np.bool_(False)])
def test_failed_claim_names_identifier_statement_and_evidence(holds, capsys):
    with pytest.raises(ClaimFailed) as failure:
        claim("a.b", "The deep part wins.", holds, "deep 0.941")
    assert isinstance(failure.value, AssertionError)
    for part in ("a.b", "The deep part wins.", "deep 0.941"):
        assert part in str(failure.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "identifier", ["", "wide", "Wide.seen", "wide.", ".wide", "wide seen", "wide-deep.a", "a..b", 3]
)
def test_rejects_malformed_identifiers(identifier):
    with pytest.raises(ValueError, match="dotted lower-case"):
        claim(identifier, "A statement.", True, "1")


@pytest.mark.parametrize("holds", [1, "yes", None, np.array([True]), np.float64(1.0)])
def test_rejects_what_is_not_a_boolean(holds):
    with pytest.raises(TypeError, match="holds must be a bool"):
        claim("a.b", "A statement.", holds, "1")


@pytest.mark.parametrize(("statement", "evidence"), [("", "1"), ("S.", ""), ("S.", "  ")])
def test_rejects_empty_texts(statement, evidence):
    with pytest.raises(ValueError, match="is empty"):
        claim("a.b", statement, True, evidence)


@pytest.mark.parametrize(("statement", "evidence"), [("S\nT", "1"), ("S.", "1\n2")])
def test_rejects_texts_of_several_lines(statement, evidence):
    with pytest.raises(ValueError, match="one line"):
        claim("a.b", statement, True, evidence)


def test_rejects_evidence_that_is_not_text():
    with pytest.raises(TypeError, match="evidence must be a string, got float"):
        claim("a.b", "S.", True, 0.5)


def test_one_identifier_stands_for_one_statement():
    claim("a.b", "First.", True, "1")
    claim("a.b", "First.", True, "2")
    with pytest.raises(ValueError, match=r"already stands for 'First\.'"):
        claim("a.b", "Second.", True, "1")


def test_a_claim_that_stopped_holding_leaves_the_table():
    claim("a.b", "First.", True, "1")
    with pytest.raises(ClaimFailed):
        claim("a.b", "First.", False, "0")
    assert claims._checked == {}


def test_table_lists_the_checked_claims_with_evidence(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    claim("a.b", "One < two.", True, "1 & 2")
    claim("c.d", "Second.", True, "3")
    claims_table()
    (table,) = shown
    assert table.data.index("a.b") < table.data.index("c.d")
    assert "One &lt; two." in table.data
    assert "1 &amp; 2" in table.data


def test_empty_table_says_so():
    assert "No claim has been checked" in claims.render_table([])


def test_printed_claims_can_be_read_back(capsys):
    claim("a.b", "First: with a colon.", True, "wide 0.9")
    print("between")
    claim("c.d", "Second.", True, "3")
    found = parse_output(capsys.readouterr().out)
    assert [(c.identifier, c.statement, c.evidence) for c in found] == [
        ("a.b", "First: with a colon.", "wide 0.9"),
        ("c.d", "Second.", "3"),
    ]
