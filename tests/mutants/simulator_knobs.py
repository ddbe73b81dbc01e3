"""Mistakes in the declaration of the lenses and its checks that the tests must reject."""

from runner import Mutant

KNOBS = "recsys_lib/data/simulator/knobs.py"
LENSES = "recsys_lib/data/simulator/lenses.py"
DRIFT = "recsys_lib/data/simulator/drift.py"
TEST = "data/test_simulator_lenses.py"
SAME = f"{TEST}::test_names_defaults_and_types_are_those_of_the_function"
BEYOND = f"{TEST}::test_a_number_beyond_an_end_is_refused_by_name"
ONE = f"{TEST}::test_one_number_stands_for_all_where_their_count_is_known"
HELD = f"{TEST}::test_a_knob_is_held_against_another_one"
CARD = f"{TEST}::test_the_card_holds_the_table_of_every_lens"

MUTANTS = [
    Mutant(
        "lenses: a default of the declaration moved",
        LENSES,
        '_share("drift", 0.5,',
        '_share("drift", 0.4,',
        (SAME, CARD),
    ),
    Mutant(
        "lenses: a default of the function moved",
        DRIFT,
        "num_styles: int = 5",
        "num_styles: int = 6",
        SAME,
    ),
    Mutant(
        "lenses: a lens does not check its knobs",
        DRIFT,
        "knobs = check_knobs(LENS, locals())",
        "knobs = dict(locals())",
        BEYOND,
    ),
    Mutant(
        "lenses: ends that are not allowed are",
        KNOBS,
        "check_number(self.name, value, low, high, self.exclude)",
        "check_number(self.name, value, low, high)",
        BEYOND,
    ),
    Mutant(
        "lenses: no upper end",
        KNOBS,
        "high = math.inf if self.maximum is None else self.maximum",
        "high = math.inf",
        BEYOND,
    ),
    Mutant(
        "lenses: each number of a sequence is checked as the first",
        KNOBS,
        "tuple(self._number(number, others) for number in several)",
        "tuple(self._number(several[0], others) for number in several)",
        ONE,
    ),
    Mutant(
        "lenses: any count of numbers will do",
        KNOBS,
        "if count is not None and len(several) != count:",
        "if False:",
        ONE,
    ),
    Mutant(
        "lenses: less than is at most",
        KNOBS,
        '"less than": lambda value, other: value < other',
        '"less than": lambda value, other: value <= other',
        HELD,
    ),
    Mutant(
        "lenses: a multiple is anything at least as large",
        KNOBS,
        '"a multiple of": lambda value, other: value % other == 0',
        '"a multiple of": lambda value, other: value >= other',
        HELD,
    ),
    Mutant(
        "lenses: a knob is held against an unchecked one",
        KNOBS,
        "            for other in knobs[name].needs():\n                check(other)\n",
        "",
        (HELD, ONE),
    ),
    Mutant(
        "lenses: one field in two pairs",
        KNOBS,
        "            taken |= set(pair)\n",
        "",
        "data/test_simulator_second_order.py::test_bad_knobs_are_named",
    ),
    Mutant(
        "interests: no topic is left that a user has not",
        "recsys_lib/data/simulator/interests.py",
        'min(knobs["history_length"], knobs[topics] - 1)',
        'min(knobs["history_length"], knobs[topics])',
        "data/test_simulator_requests.py::test_knobs_out_of_range_are_named",
    ),
]
