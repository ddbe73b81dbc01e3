"""The library stays small: what a reader of one model opens, and how much there is beside them."""

import economy
import pytest

from recsys_lib.zoo import MODELS, find

COUNTS = economy.counts()
CEILINGS = {
    "library": 6_775,
    "models": 90 * len(MODELS),
    "book": 7_100,
    "bookmaker": 7_500,
    "engine": 2_807,
    "pipeline": 10_311,
}
"""Lines of code; the engine is what runs questions, without the questions."""


@pytest.mark.parametrize("row", MODELS, ids=lambda row: row.key)
def test_one_model_is_read_in_at_most_twelve_short_files(row):
    read = economy.closure_of(row)
    assert len(read) <= 12, read
    assert sum(read.values()) <= 1400, read


def test_what_trains_a_model_is_read_in_few_files():
    assert len(economy.closure("recsys_lib.training.trainer")) <= 20


def test_what_a_model_imports_is_followed():
    read = economy.closure("recsys_lib.sequence.din")
    # By a lazy export, in a function, and what only an option names as text.
    assert "recsys_lib.features.embedding" in read
    assert "recsys_lib.layers.activations" not in read
    assert "recsys_lib.layers.activations" in economy.closure_of(find("din"))


@pytest.mark.parametrize(("part", "most"), CEILINGS.items())
def test_each_part_of_the_tree_stays_small(part, most):
    lines, tokens = COUNTS[part]
    assert lines <= most
    assert tokens <= 12.5


def test_no_builder_has_more_than_ten_parameters_of_its_own():
    many = {name: own for name, own in economy.own_parameters().items() if len(own) > 10}
    assert many == {}


def test_parameters_are_counted():
    assert economy.own_parameters()["recsys_lib.higher_order:build_dcn"] == [
        "feature_columns",
        "tasks",
        "num_cross_layers",
    ]


def test_the_longest_chain_of_calls_is_short():
    chain = economy.deepest_chain()
    assert "trainer.fit" in chain[0] and 8 <= len(chain) <= 12


def test_lines_of_code_are_counted_without_docstrings_comments_and_blank_lines():
    source = '"""Doc.\n\nMore."""\n\nx = (\n    1,  # one\n)\n\n'
    source += 'def f():\n    """Doc."""\n    return x\n'
    assert economy.lines_of_code(source) == 5
