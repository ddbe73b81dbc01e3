"""Every lens is declared once: its knobs, their defaults and ranges are what the function takes."""

import inspect
import re
import typing
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from recsys_lib.data import simulator
from recsys_lib.data.simulator import LENSES
from recsys_lib.data.simulator.knobs import KINDS, Knob, check_all

CARD = Path(__file__).parents[2] / "data" / "simulator.md"
CHAPTERS = Path(__file__).parents[2] / "chapters"
SIZES = {"num_rows": 40, "num_valid_rows": 40, "num_test_rows": 40}
EVERY_KNOB = [
    pytest.param(lens, knob, id=f"{lens.name}-{knob.name}")
    for lens in LENSES.values()
    for knob in lens.knobs.values()
]
NUMBERS = [p for p in EVERY_KNOB if p.values[1].kind in ("integer", "number", "numbers")]
TYPES = {
    "integer": int,
    "number": float,
    "bool": bool,
    "numbers": Sequence[float],
    "pairs": Sequence[Sequence[int]],
}


def call(lens, **knobs):
    return lens.simulate()(**SIZES | knobs)


def beside(knob, number):
    """A value of the knob that holds this number."""
    return (number,) if knob.kind == "numbers" and knob.count is None else number


def test_every_lens_of_the_simulator_is_declared_and_no_other():
    functions = {
        name
        for name in simulator.__all__
        if inspect.isfunction(getattr(simulator, name))
        and "num_rows" in inspect.signature(getattr(simulator, name)).parameters
    }
    assert functions == set(LENSES)
    for name, lens in LENSES.items():
        assert lens.name == name
        assert lens.simulate() is getattr(simulator, name)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_names_defaults_and_types_are_those_of_the_function(lens):
    parameters = inspect.signature(lens.simulate()).parameters
    assert list(parameters) == list(lens.knobs)
    hints = typing.get_type_hints(lens.simulate())
    assert hints["return"] is simulator.SimulatedDataset
    for name, knob in lens.knobs.items():
        default, hint = parameters[name].default, TYPES[knob.kind]
        assert (knob.name, repr(knob.default)) == (name, repr(default))
        hint = hint | float if knob.kind == "numbers" and knob.count is not None else hint
        assert hints[name] == (hint | None if knob.optional else hint)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_a_declaration_is_complete(lens):
    assert len(list(CHAPTERS.glob(f"{lens.chapter}_*"))) == 1
    for knob in lens.knobs.values():
        assert knob.kind in KINDS and knob.meaning
        assert f"{knob.name}" in lens.simulate().__doc__
        assert set(knob.exclude) <= {knob.minimum, knob.maximum}
        assert bool(knob.each) or knob.count is None
        assert knob.needs() <= set(lens.knobs) - {knob.name}
    assert {"num_rows", "num_valid_rows", "num_test_rows", "seed"} < set(lens.knobs)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_defaults_are_in_their_ranges_and_come_back_as_they_are(lens):
    defaults = lens.defaults
    checked = check_all(lens.knobs.values(), defaults)
    assert checked == defaults and list(checked) == list(defaults)
    assert call(lens).knobs == defaults | SIZES


@pytest.mark.parametrize(("lens", "knob"), EVERY_KNOB)
def test_a_value_of_another_kind_is_refused_by_name(lens, knob):
    wrong = 0 if knob.kind == "bool" else "many"
    with pytest.raises(ValueError, match=f"^{knob.name}: expected .*, got {wrong!r}"):
        call(lens, **{knob.name: wrong})
    if not knob.optional:
        with pytest.raises(ValueError, match=f"^{knob.name}: expected .*, got None"):
            call(lens, **{knob.name: None})


@pytest.mark.parametrize(("lens", "knob"), NUMBERS)
def test_a_number_beyond_an_end_is_refused_by_name(lens, knob):
    step = 1 if knob.kind == "integer" else 0.001
    beyond = [np.nan, np.inf] if knob.kind != "integer" else [1.5, True]
    beyond += [knob.minimum - step] if knob.minimum is not None else []
    beyond += [knob.maximum + step] if knob.maximum is not None else []
    for number in (*beyond, *knob.exclude):
        with pytest.raises(ValueError, match=f"^{knob.name}: expected .*, got {number!r}$"):
            call(lens, **{knob.name: beside(knob, number)})


@pytest.mark.parametrize(("lens", "knob"), NUMBERS)
def test_an_end_that_is_allowed_is_allowed(lens, knob):
    """By the declaration; whether it fits the other knobs is the lens's own question."""
    others = lens.defaults
    if knob.relation is not None:
        others[knob.relation[1]] = 1 if knob.relation[0] != "less than" else 2
    for end in (knob.minimum, knob.maximum):
        if end is not None and end not in knob.exclude:
            found = knob.check(beside(knob, end), others)
            assert set(np.atleast_1d(found)) == {end}


@pytest.mark.parametrize(
    ("relation", "right", "wrong"),
    [("less than", 3, 4), ("at most", 4, 5), ("at least", 4, 3), ("a multiple of", 8, 6)],
)
def test_a_knob_is_held_against_another_one(relation, right, wrong):
    first = Knob("first", "integer", 4, "counts", 1, relation=(relation, "second"))
    knobs = (first, Knob("second", "integer", 4, "counts", 1))
    assert check_all(knobs, {"first": right, "second": 4}) == {"first": right, "second": 4}
    message = f"^first: expected {relation} second, which is 4, got {wrong}$"
    with pytest.raises(ValueError, match=message):
        check_all(knobs, {"first": wrong, "second": 4})


def test_one_number_stands_for_all_where_their_count_is_known():
    sizes = Knob("sizes", "numbers", (1.0, 2.0), "parts", 0, exclude=(0,), each="shop")
    bias = Knob("bias", "numbers", (0.0, 0.0), "log-odds", each="shop", count="sizes")
    found = check_all((bias, sizes), {"bias": -1, "sizes": [3, 1, 2]})
    assert found == {"bias": (-1.0, -1.0, -1.0), "sizes": (3.0, 1.0, 2.0)}
    with pytest.raises(ValueError, match=r"^bias: expected a number for each of 3 shops, got 2$"):
        check_all((bias, sizes), {"bias": (1, 2), "sizes": [3, 1, 2]})
    with pytest.raises(ValueError, match=r"^sizes: expected a number for each shop, got 3$"):
        check_all((bias, sizes), {"bias": 1, "sizes": 3})


def test_numpy_numbers_are_numbers():
    found = simulator.memorization(
        **SIZES, num_items=np.int64(40), num_segments=np.int32(30), bias=np.float32(0.5)
    )
    assert found.knobs["num_items"] == 40 and type(found.knobs["num_items"]) is int
    assert type(found.knobs["bias"]) is float


def test_the_card_holds_the_table_of_every_lens():
    text = CARD.read_text("utf-8")
    found = re.findall(r"^\| knob \|.*?(?=\n\n)", text, re.MULTILINE | re.DOTALL)
    assert found == [lens.table() for lens in LENSES.values()]


def test_a_table_says_what_a_knob_may_be():
    lines = LENSES["scenarios"].table().splitlines()
    assert "| `rank` | 2 | integer, from 1, less than `num_ids` | factors behind an" in lines[11]
    assert "| (0.8, 0.15, 0.04, 0.01) | a number for each scenario, above 0 |" in lines[3]
    assert "| `new_rows` | None | integer, from 0, or None |" in "\n".join(lines)
    assert "| `num_rows` | 120,000 | integer, from 1 | rows of" in lines[2]
