"""Findings that a record confirms and the book does not say."""

import json

import pytest
import record_made

from bookmaker.building import evidence as ledger
from bookmaker.building.inputs import hash_of, parts_read
from bookmaker.lessons.sentences import findings_recorded
from recsys_book.records.records import RESULTS, finding_of, in_words, is_confirmed
from recsys_book.records.sentences import render_sentences
from recsys_book.records.withdrawn import read_blocks

LEADS = "small.told.leads"
REASON = "the recipe does not fit one arm"


@pytest.fixture
def results(tmp_path):
    """The folder of records beside chapters: one record, and another of the same findings."""
    folder = tmp_path / "experiments" / "results"
    folder.mkdir(parents=True)
    (tmp_path / "chapters").mkdir()
    record_made.put(folder, record_made.made(identifier="small.other"))
    return record_made.put(folder, record_made.made())


def note(results, **blocks):
    (results / "blocks.json").write_text(json.dumps(blocks), encoding="utf-8")


def replicated(held, effect, record=1):
    leads = {"held": held, "effect": effect, "chance": 0.9, "back": held}
    return {"small.told": {"record": record, "findings": {"leads": leads}}}


def leads(results):
    record, name = finding_of(LEADS, results)
    return record["findings"][name]


def test_a_finding_is_withdrawn_by_hand(results):
    assert is_confirmed(leads(results))
    note(results, withdrawn={LEADS: REASON})
    assert not is_confirmed(leads(results))
    line = in_words(leads(results))
    assert line.startswith("Withdrawn: DIN leads. (better: DIN to mean +12.3 points")
    assert line.endswith(f"margin 2; withdrawn: {REASON})")
    other, _ = finding_of("small.other.leads", results)
    assert is_confirmed(other["findings"]["leads"])


def test_what_fell_on_unseen_worlds_is_withdrawn(results):
    note(results, replicated={"1000:1010": replicated(False, 1.234)})
    reason = "it did not hold on ten unseen worlds, where the mean was +1.23 points"
    assert leads(results)["withdrawn"] == reason
    note(results, replicated={"1000:1010": replicated(True, 11.0)})
    assert is_confirmed(leads(results))


def test_the_last_block_of_this_very_record_judges(results):
    note(
        results,
        replicated={"1000:1010": replicated(False, 1.0), "1010:1020": replicated(True, 9.0)},
    )
    assert is_confirmed(leads(results))
    note(results, replicated={"1000:1010": replicated(False, 1.0, record=2)})
    assert is_confirmed(leads(results))


def test_ledger_block_and_inputs_of_a_lesson_know_the_reason(results):
    root = results.parents[1]
    (root / "constraints.txt").write_text("")
    before = hash_of(parts_read([f"finding({LEADS!r})"], {}, root))
    note(results, withdrawn={LEADS: REASON})
    assert hash_of(parts_read([f"finding({LEADS!r})"], {}, root)) != before
    assert f"| better, withdrawn: {REASON} |" in ledger.render(root / "chapters")
    block = render_sentences({}, [LEADS], results)
    assert "○" in block and "✓" not in block and REASON in block


def test_what_this_checkout_withdraws_is_recorded_and_would_be_said():
    known = findings_recorded(RESULTS)
    for identifier, reason in read_blocks(RESULTS)["withdrawn"].items():
        assert known[identifier]["confirmed"], identifier
        assert known[identifier]["withdrawn"] == reason
