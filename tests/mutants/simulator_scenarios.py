"""Mistakes in the data of chapter 06 that the tests must reject."""

from runner import Mutant

SCENARIOS = "recsys_lib/data/simulator/scenarios.py"
MOVIELENS = "recsys_lib/data/movielens.py"
ERA = "data/test_movielens.py::test_an_era_is_a_scenario"
TEST = "data/test_simulator_scenarios.py"
FUNCTION = f"{TEST}::test_every_probability_is_the_stated_function_of_the_row"
VARIANCE = f"{TEST}::test_functions_have_mean_zero_and_variance_one_over_all_combinations"
SIZES = f"{TEST}::test_scenarios_have_their_sizes_and_the_test_is_balanced"
NEW = f"{TEST}::test_a_new_scenario_comes_on_top"
DIFFER = f"{TEST}::test_functions_and_their_pairs_differ"

MUTANTS = [
    Mutant(
        "scenario lens: share of the score, not of its variance",
        SCENARIOS,
        'np.sqrt(knobs["share"])',
        'knobs["share"]',
        FUNCTION,
    ),
    Mutant(
        "scenario lens: all scenarios have one function",
        SCENARIOS,
        'np.sqrt(1 - knobs["share"]) * function_value(truth, of_row, ids)',
        'np.sqrt(1 - knobs["share"]) * function_value(truth, shared + 1, ids)',
        FUNCTION,
    ),
    Mutant(
        "scenario lens: the bias of the next scenario",
        SCENARIOS,
        'truth["biases"][of_row - 1]',
        'truth["biases"][of_row % len(truth["biases"])]',
        FUNCTION,
    ),
    Mutant(
        "scenario lens: the strength scales the bias too",
        SCENARIOS,
        'logit = truth["biases"][of_row - 1] + knobs["strength"] * score',
        'logit = knobs["strength"] * (truth["biases"][of_row - 1] + score)',
        FUNCTION,
    ),
    Mutant(
        "scenario lens: functions share their main effects",
        SCENARIOS,
        'effects = normal(f"main/{field}", num_ids)',
        'effects = normal(f"main/{field}", num_ids, name="0")',
        DIFFER,
    ),
    Mutant(
        "scenario lens: interactions hold main effects",
        SCENARIOS,
        "factors - factors.mean(axis=1, keepdims=True)",
        "factors",
        VARIANCE,
    ),
    Mutant(
        "scenario lens: variance of each part, not of the function",
        SCENARIOS,
        "np.sqrt((1 - main_share) / num_pairs)",
        "np.sqrt(1 - main_share)",
        VARIANCE,
    ),
    Mutant(
        "scenario lens: main effects with a mean",
        SCENARIOS,
        "scale * (effects - effects.mean())",
        "scale * effects",
        VARIANCE,
    ),
    Mutant(
        "scenario lens: sizes in reverse",
        SCENARIOS,
        'sizes = np.array(knobs["sizes"])',
        'sizes = np.array(knobs["sizes"])[::-1]',
        SIZES,
    ),
    Mutant(
        "scenario lens: scenarios with fields of their own",
        SCENARIOS,
        'choose(every_id, uniform(f"field_{field}"))',
        'choose(every_id, uniform(f"field_{field}") ** (1 + (of_row == 2)))',
        f"{TEST}::test_fields_are_drawn_alike_in_all_scenarios",
    ),
    Mutant(
        "scenario lens: the new scenario's rows come first",
        SCENARIOS,
        "zip(train, new, strict=True)",
        "zip(new, train, strict=True)",
        NEW,
    ),
    Mutant(
        "scenario lens: the new scenario's function depends on its number",
        SCENARIOS,
        'name = "new" if is_new else str(function)',
        "name = str(function)",
        NEW,
    ),
    Mutant(
        "scenario lens: a group across scenarios",
        SCENARIOS,
        'group=(scenario - 1) * knobs["num_ids"] + ids[:, 0]',
        "group=ids[:, 0]",
        f"{TEST}::test_a_group_is_an_id_of_the_first_field_in_a_scenario",
    ),
    Mutant(
        "era: a year opens the era after it",
        MOVIELENS,
        'np.searchsorted(ERAS, year, side="right")',
        "np.searchsorted(ERAS, year)",
        ERA,
    ),
    Mutant(
        "era: a film without a year is of the last era",
        MOVIELENS,
        "np.where(np.isnan(year), 0, ids)",
        "np.where(np.isnan(year), ids, ids)",
        ERA,
    ),
    Mutant(
        "era: the column is one of the item",
        MOVIELENS,
        'CategoricalColumn("era", len(ERAS) + 2, group="scenario")',
        'CategoricalColumn("era", len(ERAS) + 2, group="item")',
        ERA,
    ),
]
