"""Mistakes in the data of chapter 07 that the tests must reject."""

from runner import Mutant

PLATFORM = "recsys_lib/data/simulator/platform.py"
INTERESTS = "recsys_lib/data/simulator/interests.py"
TEST = "data/test_simulator_platform.py"
FUNCTION = f"{TEST}::test_every_probability_is_the_stated_function_of_the_row"
LABELS = f"{TEST}::test_labels_follow_the_probabilities_and_no_conversion_is_without_a_click"
EFFECTS = f"{TEST}::test_effects_have_mean_zero_variance_one_and_the_stated_correlation"
WHOLE = f"{TEST}::test_whole_requests_are_new_and_their_candidates_all_differ"
HISTORIES = f"{TEST}::test_histories_hold_every_interest_and_nothing_else"

MUTANTS = [
    Mutant(
        "platform lens: the label of a conversion needs no click",
        PLATFORM,
        "converted = clicked & (",
        "converted = (p_after > 2) | (",
        LABELS,
    ),
    Mutant(
        "platform lens: a conversion is conditional on nothing",
        PLATFORM,
        '"conversion": p_click * p_after}',
        '"conversion": p_after}',
        FUNCTION,
    ),
    Mutant(
        "platform lens: share of the score, not of its variance",
        PLATFORM,
        'np.sqrt(knobs["share"]) * shared',
        'knobs["share"] * shared',
        FUNCTION,
    ),
    Mutant(
        "platform lens: the surface before",
        PLATFORM,
        'truth[f"{task}_taste"][surface[:, None], category]',
        'truth[f"{task}_taste"][surface[:, None] - 1, category]',
        FUNCTION,
    ),
    Mutant(
        "platform lens: loyalty to the category beside",
        PLATFORM,
        "topics + 1), 1)",
        "topics), 1)",
        FUNCTION,
    ),
    Mutant(
        "platform lens: the price of another budget",
        PLATFORM,
        'np.array(knobs["sensitivity"])[budget - 1]',
        'np.array(knobs["sensitivity"])[budget - 2]',
        FUNCTION,
    ),
    Mutant(
        "platform lens: the column's price is rounded after the probability",
        PLATFORM,
        '| {"log_price": log_price.ravel()}',
        '| {"log_price": log_price.ravel().round(2)}',
        f"{TEST}::test_what_belongs_to_the_item_is_in_its_columns",
    ),
    Mutant(
        "platform lens: agreement without its square",
        PLATFORM,
        "np.sqrt(1 - agreement**2) * second",
        "(1 - abs(agreement)) * second",
        EFFECTS,
    ),
    Mutant(
        "platform lens: all surfaces draw one taste",
        PLATFORM,
        'effects(f"taste/{surface}", num_categories)',
        'effects("taste", num_categories)',
        EFFECTS,
    ),
    Mutant(
        "platform lens: candidates of a request repeat",
        PLATFORM,
        "1 + order[:, :num_candidates]",
        "1 + order[:, :num_candidates] // 2",
        WHOLE,
    ),
    Mutant(
        "platform lens: whole requests are those of the test",
        PLATFORM,
        '_uniform(knobs["seed"], "whole_requests")\n    order',
        '_uniform(knobs["seed"], "test")\n    first = 0\n    order',
        f"{TEST}::test_whole_requests_differ_from_the_test_split",
    ),
    Mutant(
        "interests: the first steps are not shuffled",
        INTERESTS,
        "    which[:, :num_interests] = np.arange(num_interests)\n",
        "",
        HISTORIES,
    ),
    Mutant(
        "platform lens: what is shown comes from own categories alone",
        INTERESTS,
        '    is_own = uniform("is_own", *shape) < own_share\n',
        '    is_own = uniform("is_own", *shape) < 2\n',
        HISTORIES,
    ),
]
