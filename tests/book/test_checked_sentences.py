"""Exact checks print nothing; the closed block shows them, and recorded findings below them."""

import configparser
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import record_made

from recsys_book import checked_sentences, exact
from recsys_book.records import sentences
from recsys_book.records.sentences import render_sentences, setting


@pytest.fixture(autouse=True)
def checked(monkeypatch):
    """What this kernel has checked: nothing yet."""
    monkeypatch.setattr(sentences, "_checked", {})
    return sentences._checked


@pytest.fixture
def results(tmp_path):
    return record_made.put(tmp_path, record_made.made())


class Rows(HTMLParser):
    """The rows of the block: dict of identifier to the texts of its cells."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open, self.tags = {}, None, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.open = dict(attributes).get("id")
            self.found[self.open] = []
        elif tag == "td":
            self.found[self.open].append("")
        elif tag == "br":
            self.found[self.open][-1] += " "

    def handle_data(self, data):
        if self.found.get(self.open):
            self.found[self.open][-1] += data.strip("\n")

    def handle_endtag(self, tag):
        self.open = None if tag == "tr" else self.open


def test_an_exact_check_that_holds_prints_nothing(checked, capsys):
    assert exact("small.sum.of_two", "Two and two are four.", 2 + 2 == 4) is None
    assert exact("small.sum.numpy", "They are close.", np.allclose(1, 1)) is None
    exact("small.sum.bit", "Equal.", np.float64(1) == np.float64(1))
    assert capsys.readouterr().out == ""
    assert list(checked) == ["small.sum.of_two", "small.sum.numpy", "small.sum.bit"]


@pytest.mark.parametrize("holds", [False, np.bool_(False)])
def test_one_that_does_not_hold_names_identifier_and_statement(checked, holds):
    with pytest.raises(AssertionError) as failure:
        exact("small.sum.of_two", "Two and two are five.", holds)
    assert str(failure.value) == "exact small.sum.of_two does not hold: Two and two are five."
    assert checked == {}


@pytest.mark.parametrize("holds", [1, "yes", None, np.array([True]), np.float64(1.0)])
def test_rejects_what_is_not_a_boolean(holds):
    with pytest.raises(TypeError, match=r"exact a\.b: holds must be a bool"):
        exact("a.b", "S.", holds)


@pytest.mark.parametrize(
    "identifier", ["", "wide", "Wide.seen", "wide.", ".wide", "a b.c", "wide-deep.a", "a..b", 3]
)
def test_an_identifier_is_dotted_lower_case(identifier):
    with pytest.raises(ValueError, match="exact, identifier: expected dotted lower-case"):
        exact(identifier, "S.", True)


@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        ("", ValueError, "exact a.b: statement is empty"),
        ("  ", ValueError, "exact a.b: statement is empty"),
        ("S\nT", ValueError, "exact a.b: statement must stand on one line"),
        (3, TypeError, "exact a.b: statement must be a string, got int"),
    ],
)
def test_a_statement_is_one_line(statement, error, message):
    with pytest.raises(error, match=message):
        exact("a.b", statement, True)


def test_one_identifier_stands_for_one_statement():
    exact("a.b", "First.", True)
    exact("a.b", "First.", True)
    with pytest.raises(ValueError, match=r"exact a\.b already stands for 'First\.'"):
        exact("a.b", "Second.", True)


def test_one_that_stopped_holding_leaves_the_block(checked):
    exact("a.b", "First.", True)
    with pytest.raises(AssertionError):
        exact("a.b", "First.", False)
    assert checked == {}


def test_the_block_shows_exact_checks_and_then_findings(checked, results):
    exact("z.last", "One < two.", True)
    exact("a.first", "Second.", True)
    text = render_sentences(checked, ["small.told.behind", "small.told.leads"], results)
    rows = Rows(text).found
    rows.pop(None)  # the head
    assert list(rows) == ["z.last", "a.first", "small.told.behind", "small.told.leads"]
    assert rows["z.last"][:2] == ["≡", "One < two."]
    assert rows["small.told.leads"] == [
        "✓",
        "DIN leads.",
        "better: DIN to mean +12.3 points of the gap, 95 % interval +10.9 to +13.7, 20 worlds, "
        "margin 2; lens interests, num_interests 4, num_rows 60,000 small.told.leads",
    ]
    assert rows["small.told.behind"][:2] == ["○", "Not shown: A mean <is> behind."]
    assert "2 exact, 2 recorded" in text


def test_the_block_is_closed_and_says_the_same_again(checked, results):
    exact("a.b", "First.", True)
    one, two = (render_sentences(checked, ["small.told.leads"], results) for _ in "ab")
    assert one == two
    (details,) = [attributes for tag, attributes in Rows(one).tags if tag == "details"]
    assert "open" not in details


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "not worse"},
        {"effect": 12.41},
        {"interval": [10.94, 13.78]},
        {"worlds": 19},
        {"margin": 1.0},
        {"confirmed": False},
        {"sentence": "The model took a median of 3 s."},
    ],
)
def test_what_is_recorded_is_compared_when_the_lesson_is_tested(tmp_path, changes):
    def block(found):
        record = record_made.made(findings={"leads": found})
        return masked(render_sentences({}, ["small.told.leads"], record_made.put(tmp_path, record)))

    assert block(record_made.LEADS) != block(record_made.LEADS | changes)


def masked(text):
    parser = configparser.RawConfigParser()
    parser.read(Path(__file__).parents[1] / "nbval_sanitize.cfg", encoding="utf-8")
    for section in parser.sections():
        text = re.sub(parser.get(section, "regex"), parser.get(section, "replace"), text)
    return text


def test_a_lesson_displays_it(results, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    exact("a.b", "First.", True)
    checked_sentences("small.told.leads", results=results)
    (block,) = shown
    assert 'id="a.b"' in block.data and 'id="small.told.leads"' in block.data
    assert "First." in block.data


@pytest.mark.parametrize(
    ("findings", "message"),
    [
        (["small.other.leads"], r"expected one of \['small\.told'\], got 'small\.other'"),
        (["small.told.follows"], r"expected one of \['behind', 'leads'\] of small\.told"),
        (["small.told.leads"] * 2, r"checked_sentences: expected each finding once"),
    ],
)
def test_what_is_not_recorded_or_named_twice_is_an_error(results, findings, message):
    with pytest.raises(ValueError, match=message):
        checked_sentences(*findings, results=results)


def test_an_exploratory_finding_has_no_tick(tmp_path):
    leads = record_made.LEADS | {"exploratory": True}
    results = record_made.put(tmp_path, record_made.made(findings={"leads": leads}))
    rows = Rows(render_sentences({}, ["small.told.leads"], results)).found
    assert rows["small.told.leads"][0] == "○"
    assert "exploratory, better" in rows["small.told.leads"][2]


@pytest.mark.parametrize(
    ("declared", "contrast", "said"),
    [
        ({}, {}, "lens interests, num_interests 4, num_rows 60,000"),
        (
            {"sweep": record_made.SWEPT, "knobs": {}},
            {"at": 6},
            "lens interests, num_interests 6",
        ),
        (
            {"sweep": record_made.SWEPT, "knobs": {}},
            {"at": None},
            "lens interests, num_interests 1 and 6 and 10",
        ),
        (
            {"knobs": {"gains": [3.0], "kind": "hard"}},
            {"part": "rare"},
            "lens interests, gains 3.0, kind hard, slice rare",
        ),
        (
            {"lens": None, "data": "movielens", "split": "per_user", "knobs": {}},
            {},
            "data MovieLens, split per user",
        ),
        ({"lens": "experiments.sequence._plays:plays", "knobs": {}}, {}, "lens plays"),
    ],
)
def test_a_finding_names_where_it_was_measured(declared, contrast, said):
    record = record_made.made()
    record["declaration"] |= declared
    record["declaration"]["contrasts"][0] |= contrast
    assert setting(record, "leads") == said
