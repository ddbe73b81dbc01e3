"""The numbers of the public tests are right: found again by the reference, and in another way."""

import copy

import public_numbers_higher_order
import public_numbers_memorization
import public_numbers_multi_scenario
import public_numbers_multi_task
import public_numbers_one_request
import public_numbers_ranking
import public_numbers_second_order
import public_numbers_sequence
import pytest

from recsys_book.exercises.comparing import compare_values
from recsys_book.exercises.source import find_exercise, find_sources, read_source
from recsys_book.exercises.verdicts import define

ANSWERS = {
    identifier: function
    for module in (
        public_numbers_ranking,
        public_numbers_memorization,
        public_numbers_second_order,
        public_numbers_higher_order,
        public_numbers_sequence,
        public_numbers_multi_task,
        public_numbers_multi_scenario,
        public_numbers_one_request,
    )
    for identifier, function in module.ANSWERS.items()
}
EXERCISES = [
    pytest.param(file, one, id=one.identifier)
    for file in map(read_source, find_sources())
    for one in file.exercises
]
# Numbers of cases are written with six decimals, measured ones with four digits.
OF_CASES = {"rtol": 1e-6, "atol": 1e-6}
OF_MEASUREMENTS = {"rtol": 6e-4, "atol": 1e-9}


def numbers_of(file, one):
    """What a public test compares: ``(cases with the function called on them, measurements)``."""
    cases, measurements = [], []

    def take_cases(function, given, **options):
        cases.extend((function, one_case) for one_case in given)

    def take_prediction(predicted, measure, settings=None, rtol=0.0, atol=0.0, **options):
        if not callable(measure):
            exact = max(rtol, atol) < 1e-3
            measurements.extend((*pair, exact) for pair in zip(settings, measure, strict=True))

    namespace = {"__name__": "numbers", one.target: define(file.setup, one.solution, one.target)}
    exec(file.setup, namespace)
    exec(one.public, namespace | {"check_cases": take_cases, "check_prediction": take_prediction})
    return cases, measurements


@pytest.mark.parametrize(("file", "one"), EXERCISES)
def test_the_reference_gives_the_numbers_of_the_cases(file, one):
    for function, case in numbers_of(file, one)[0]:
        came = function(*copy.deepcopy(case.arguments), **copy.deepcopy(case.keywords))
        compare_values(case.expected, came, **OF_CASES)


@pytest.mark.parametrize("identifier", ANSWERS)
def test_another_way_gives_the_same_numbers(identifier):
    cases, measurements = numbers_of(*find_exercise(identifier))
    assert cases or measurements
    for _, case in cases:
        came = ANSWERS[identifier](*case.arguments, **case.keywords)
        compare_values(case.expected, came, **OF_CASES)
    for setting, number, exact in measurements:
        came = float(ANSWERS[identifier](*setting))
        compare_values(number, came, **({"rtol": 1e-8, "atol": 1e-9} if exact else OF_MEASUREMENTS))


def test_every_measured_number_is_measured_again():
    measured = {p.values[1].identifier for p in EXERCISES if numbers_of(*p.values)[1]}
    assert len(measured) > 20
    assert measured <= set(ANSWERS)
