"""The library stays small: what a reader of one model opens, and how much there is beside them."""

import economy
import pytest

MOST = {
    "second_order.fm": 1050,
    "higher_order.dcn": 1050,
    "sequence.din": 1400,
    "multi_task.mmoe": 1400,
    "multi_scenario.star": 1400,
}
"""Lines of code that a reader of a model's file opens, all that it imports among them."""


@pytest.mark.parametrize(("module", "most"), MOST.items())
def test_one_model_is_read_in_at_most_twelve_short_files(module, most):
    read = economy.closure(f"recsys_lib.{module}")
    assert len(read) <= 12, read
    assert sum(read.values()) <= most, read


def test_what_a_model_imports_is_followed():
    read = economy.closure("recsys_lib.sequence.din")
    # By a lazy export, in a function, and what only an option names as text.
    assert "recsys_lib.features.embedding" in read
    assert "recsys_lib.layers.activations" not in read
    assert "recsys_lib.layers.activations" in economy.closure("recsys_lib.layers.activations")


def test_the_library_beside_models_and_simulator_is_small():
    assert economy.lines_of("recsys_lib", economy.ASIDE) <= 11_000


def test_the_engine_of_experiments_is_small():
    files = (economy.ROOT / "experiments").glob("*.py")
    assert sum(economy.lines_of_code(one.read_text(encoding="utf-8")) for one in files) <= 2_600


def test_models_take_few_lines():
    assert economy.lines_per_model() <= 190


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
