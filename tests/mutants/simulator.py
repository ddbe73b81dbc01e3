"""Mistakes in the lenses of chapters 02 and 03 that the tests must reject."""

from runner import Mutant

SECOND_ORDER = "recsys_lib/data/simulator/second_order.py"
HIGHER_ORDER = "recsys_lib/data/simulator/higher_order.py"
TEST_SECOND = "data/test_simulator_second_order.py"
TEST_HIGHER = "data/test_simulator_higher_order.py"
PLANTED = f"{TEST_SECOND}::test_interactions_have_the_stated_rank_spread_and_no_main_effects"
GRADED = f"{TEST_SECOND}::test_graded_gains_are_the_spread_and_the_map"
UNSEEN = f"{TEST_SECOND}::test_unseen_rows_hold_three_held_out_combinations_and_seen_rows_none"
LOG_ODDS = f"{TEST_SECOND}::test_every_probability_is_the_sigmoid_of_the_planted_log_odds"
FUNCTION = f"{TEST_HIGHER}::test_every_probability_is_the_stated_function_of_the_features"

MUTANTS = [
    Mutant(
        "second order: training holds held-out combinations",
        SECOND_ORDER,
        '("train", "num_rows", 0.0),',
        '("train", "num_rows", 0.1),',
        f"{TEST_SECOND}::test_training_never_holds_a_held_out_combination",
    ),
    Mutant(
        "second order: unseen rows draw from all combinations",
        SECOND_ORDER,
        "((unseen, held_out), (~unseen, ~held_out))",
        "((unseen, held_out | True), (~unseen, ~held_out))",
        UNSEEN,
    ),
    Mutant(
        "second order: the ids of a pair change places",
        SECOND_ORDER,
        "ids[i], ids[j] = np.divmod(combination, num_ids)",
        "ids[j], ids[i] = np.divmod(combination, num_ids)",
        (LOG_ODDS, UNSEEN),
    ),
    Mutant(
        "second order: interactions hide main effects",
        SECOND_ORDER,
        "return factors - factors.mean(axis=1, keepdims=True)",
        "return factors",
        PLANTED,
    ),
    Mutant(
        "second order: factors centred over the rank",
        SECOND_ORDER,
        "factors.mean(axis=1, keepdims=True)",
        "factors.mean(axis=0, keepdims=True)",
        PLANTED,
    ),
    Mutant(
        "second order: the gain is the variance",
        SECOND_ORDER,
        "scale = gain / product.std()",
        "scale = gain**0.5 / product.std()",
        GRADED,
    ),
    Mutant(
        "second order: a map of one triangle",
        SECOND_ORDER,
        "pair_importance[i, j] = pair_importance[j, i] = gain",
        "pair_importance[i, j] = gain",
        GRADED,
    ),
    Mutant(
        "second order: pairs share their factors",
        SECOND_ORDER,
        'f"factors/{i}-{j}/second"',
        '"factors/second"',
        f"{TEST_SECOND}::test_pairs_have_factors_of_their_own",
    ),
    Mutant(
        "second order: streams count pairs instead of naming fields",
        SECOND_ORDER,
        'stream(seed, LENS, f"held_out/{i}-{j}")',
        'stream(seed, LENS, f"held_out/{position}")',
        f"{TEST_SECOND}::test_a_pair_keeps_its_plan_whatever_the_others_are",
    ),
    Mutant(
        "second order: main effects of field 0 for all fields",
        SECOND_ORDER,
        "logit += main[ids[field]]",
        "logit += main[ids[0]]",
        LOG_ODDS,
    ),
    Mutant(
        "second order: fields without a pair copy each other",
        SECOND_ORDER,
        'uniform(f"field_{field}")',
        'uniform("field")',
        f"{TEST_SECOND}::test_pairs_that_are_not_planted_are_independent",
    ),
    Mutant(
        "higher order: a sum instead of a product",
        HIGHER_ORDER,
        "signs[product].prod(axis=0)",
        "signs[product].sum(axis=0)",
        FUNCTION,
    ),
    Mutant(
        "higher order: one field too many in the product",
        HIGHER_ORDER,
        "signs[product].prod(axis=0)",
        "signs[[*product, -1]].prod(axis=0)",
        (FUNCTION, f"{TEST_HIGHER}::test_only_the_whole_product_says_anything"),
    ),
    Mutant(
        "higher order: the probability does not know the noise",
        HIGHER_ORDER,
        "noise + (1 - 2 * noise) * sigmoid(logit)",
        "sigmoid(logit)",
        FUNCTION,
    ),
    Mutant(
        "higher order: noise on one side only",
        HIGHER_ORDER,
        "noise + (1 - 2 * noise) * sigmoid(logit)",
        "noise + (1 - noise) * sigmoid(logit)",
        FUNCTION,
    ),
    Mutant(
        "higher order: products overlap",
        HIGHER_ORDER,
        "np.arange(order * products, dtype=np.int64).reshape(products, order)",
        "np.arange(order)[None, :] + np.arange(products)[:, None]",
        FUNCTION,
    ),
    Mutant(
        "higher order: every sign is +1",
        HIGHER_ORDER,
        "np.repeat([-1.0, 1.0], num_ids // 2)",
        "np.repeat([1.0, 1.0], num_ids // 2)",
        f"{TEST_HIGHER}::test_the_default_is_recipe_sized_and_fast",
    ),
    Mutant(
        "higher order: signs alternate over the ids",
        HIGHER_ORDER,
        "np.repeat([-1.0, 1.0], num_ids // 2)",
        "np.tile([-1.0, 1.0], num_ids // 2)",
        f"{TEST_HIGHER}::test_ids_carry_the_signs_of_the_numbers",
    ),
    Mutant(
        "higher order: ids from 0",
        HIGHER_ORDER,
        "(ids + 1).astype(np.int32)",
        "ids.astype(np.int32)",
        f"{TEST_HIGHER}::test_ids_carry_the_signs_of_the_numbers",
    ),
    Mutant(
        "higher order: fields copy each other",
        HIGHER_ORDER,
        'f"draws/{split_name}/field_{field}"',
        'f"draws/{split_name}/field"',
        f"{TEST_HIGHER}::test_only_the_whole_product_says_anything",
    ),
    Mutant(
        "higher order: a field is in a product with itself",
        HIGHER_ORDER,
        "np.fill_diagonal(same_product, 0.0)",
        "np.fill_diagonal(same_product, 1.0)",
        f"{TEST_HIGHER}::test_same_product_is_the_map_of_planted_interactions",
    ),
]
