"""Mistakes in the lens of long histories that the tests must reject."""

from runner import Mutant

LENS = "recsys_lib/data/simulator/long_history.py"
TEST = "data/test_simulator_long_history.py"
FORMULA = f"{TEST}::test_probabilities_follow_from_number_and_age_of_the_relevant_steps"

MUTANTS = [
    Mutant(
        "long history: ages are counted from the oldest behaviour",
        LENS,
        "np.exp2(-(length - 1 - position) / knobs",
        "np.exp2(-position / knobs",
        FORMULA,
    ),
    Mutant(
        "long history: other behaviours may be of a candidate's topic",
        LENS,
        "asked, others = order[:, :candidates], order[:, candidates:]",
        "asked, others = order[:, :candidates], order",
        FORMULA,
    ),
    Mutant(
        "long history: two relevant behaviours in one place",
        LENS,
        "drawn = np.sort(pick(uniform(part, *shape), room + 1), axis=1) + np.arange(shape[1])",
        "drawn = pick(uniform(part, *shape), room + shape[1])",
        FORMULA,
    ),
    Mutant(
        "long history: places in their order, so that few relevant ones are old ones",
        LENS,
        "return first + np.take_along_axis(drawn, order, axis=1)",
        "return first + drawn",
        f"{TEST}::test_so_many_of_the_relevant_steps_are_recent_and_the_others_are_anywhere",
    ),
    Mutant(
        "long history: all relevant places count",
        LENS,
        'np.arange(knobs["relevant"]) < count[:, :, None]',
        'np.arange(knobs["relevant"]) < 99 + count[:, :, None]',
        f"{TEST}::test_half_of_the_candidates_have_one_to_r_relevant_steps_all_alike",
    ),
    Mutant(
        "long history: behaviours of another category may be of the candidate's",
        LENS,
        'shift = 1 + pick(uniform("other", *position.shape), in_topic - 1)',
        'shift = pick(uniform("other", *position.shape), in_topic)',
        (
            f"{TEST}::test_a_search_by_category_finds_all_or_nothing_and_nothing_else",
            f"{TEST}::test_the_other_categories_of_a_topic_are_alike",
        ),
    ),
    Mutant(
        "long history: each behaviour is of another category by itself",
        LENS,
        'uniform("across", requests, candidates, 1)',
        'uniform("across", *position.shape)',
        f"{TEST}::test_a_search_by_category_finds_all_or_nothing_and_nothing_else",
    ),
    Mutant(
        "long history: the other category is that of another topic",
        LENS,
        "(own[:, :, None] + is_across * shift) % in_topic",
        "(own[:, :, None] + is_across * shift)",
        (FORMULA, f"{TEST}::test_the_other_categories_of_a_topic_are_alike"),
    ),
    Mutant(
        "long history: one category of a topic is shown",
        LENS,
        'own = pick(uniform("category", requests, candidates), in_topic)',
        'own = 0 * pick(uniform("category", requests, candidates), in_topic)',
        f"{TEST}::test_every_category_of_a_topic_is_shown_and_items_are_of_the_catalogues_category",
    ),
    Mutant(
        "long history: the short history is the oldest part",
        LENS,
        '"short_history": history[:, -short:],',
        '"short_history": history[:, :short],',
        f"{TEST}::test_the_columns_tell_the_same_story",
    ),
    Mutant(
        "long history: room is not checked",
        LENS,
        'if knobs["relevant"] * knobs["candidates"] > room:',
        'if knobs["relevant"] > room:',
        f"{TEST}::test_relevant_steps_need_a_place_each",
    ),
]
