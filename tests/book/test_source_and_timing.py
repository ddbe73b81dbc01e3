"""Excerpts of the library's source, and durations of calls."""

import pytest

from recsys_book import Durations, excerpt, stopwatch
from recsys_lib.layers.blocks import MLP, deep_logit
from recsys_lib.second_order.fm import FactorizationMachine, build_fm


def lines_of(capsys):
    return capsys.readouterr().out.splitlines()


def test_an_excerpt_names_its_place_and_leaves_docstrings_out(capsys):
    excerpt(FactorizationMachine.call)
    first, *rest = lines_of(capsys)
    assert first == "# recsys_lib/second_order/fm.py, FactorizationMachine.call"
    assert rest[0] == "def call(self, fields):"
    excerpt(build_fm)
    first, *rest = lines_of(capsys)
    assert first == "# recsys_lib/second_order/fm.py, build_fm"
    assert '"""' not in "\n".join(rest)


def test_a_part_of_it_starts_and_ends_where_it_is_told(capsys):
    excerpt(MLP, start="def call", end="@property")
    first, *rest = lines_of(capsys)
    assert first == "# recsys_lib/layers/blocks.py, MLP"
    assert rest[0].startswith("def call") and rest[-1] == "    return outputs"
    excerpt(deep_logit, start="return")
    assert lines_of(capsys)[1].startswith("return keras.layers.Dense")


def test_a_text_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match=r"excerpt of MLP\.call: expected a line with 'einsum'"):
        excerpt(MLP.call, start="einsum")


@pytest.mark.parametrize("thing", [3, len, "MLP"])
def test_what_has_no_source_is_named(thing):
    with pytest.raises(ValueError, match="excerpt: expected a function or class written in Python"):
        excerpt(thing)


def test_warm_up_calls_do_not_count():
    calls = []
    durations = stopwatch(calls.append, 1, repeats=3, warm_up=2)
    assert len(calls) == 5 and len(durations.seconds) == 3
    assert all(seconds >= 0 for seconds in durations.seconds)


def test_best_median_and_percentiles():
    durations = Durations((4.0, 1.0, 2.0, 3.0, 10.0))
    assert (durations.best, durations.median) == (1.0, 3.0)
    assert [durations.percentile(p) for p in (0, 50, 75, 100)] == [1.0, 3.0, 4.0, 10.0]
    assert durations.percentile(90) == pytest.approx(7.6)


def test_no_call_is_an_error():
    with pytest.raises(ValueError, match="repeats: expected an integer of 1 or more, got 0"):
        stopwatch(print, repeats=0)
