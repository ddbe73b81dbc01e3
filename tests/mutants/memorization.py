"""Mistakes in logistic regression and in Wide & Deep that their tests must reject."""

from runner import Mutant

LOGISTIC = "recsys_lib/memorization/logistic_regression.py"
TEST_LOGISTIC = "memorization/test_logistic_regression.py"
MODEL = "recsys_lib/memorization/wide_and_deep.py"
BLOCKS = "recsys_lib/layers/blocks.py"
TEST = "memorization/test_wide_and_deep.py"
FIRST_ORDER = f"{TEST}::test_without_crosses_the_wide_part_is_the_first_order_term"
WHICH_PENALTY = (
    f"{TEST}::test_the_linear_penalty_is_on_ids_and_crosses_and_the_other_on_the_embeddings"
)
FORMULA = f"{TEST}::test_equals_the_formula_row_by_row"

MUTANTS = [
    Mutant(
        "logistic regression: the sum counted twice",
        LOGISTIC,
        "predict_one(tasks, logit)",
        "predict_one(tasks, [logit, logit])",
        f"{TEST_LOGISTIC}::test_equals_the_formula",
    ),
    Mutant(
        "logistic regression: the penalty is not handed on",
        LOGISTIC,
        "linear_logit(inputs, feature_columns, l2=linear_l2)",
        "linear_logit(inputs, feature_columns)",
        f"{TEST_LOGISTIC}::test_the_penalty_is_on_the_ids_of_the_batch",
    ),
    Mutant(
        "wide & deep: crosses left out",
        MODEL,
        "        logits.append(crosses(inputs))\n",
        "        crosses(inputs)\n",
        (f"{TEST}::test_number_of_weights", FORMULA),
    ),
    Mutant(
        "wide & deep: the linear term counted twice",
        MODEL,
        'logits = [linear_logit(inputs, columns, name="wide_linear", l2=l2)]',
        'logits = 2 * [linear_logit(inputs, columns, name="wide_linear", l2=l2)]',
        FORMULA,
    ),
    Mutant(
        "wide & deep: always one network per group",
        MODEL,
        'if not check_bool("network_per_group", network_per_group):',
        "if False:",
        f"{TEST}::test_a_network_per_group_lets_no_two_groups_meet",
    ),
    Mutant(
        "wide & deep: never a network per group",
        MODEL,
        'if not check_bool("network_per_group", network_per_group):',
        "if True:",
        f"{TEST}::test_a_network_per_group_lets_no_two_groups_meet",
    ),
    Mutant(
        "wide & deep: a network per group from one seed",
        MODEL,
        "        for group, vector in groups.items()\n",
        "        for group, vector in groups.items()\n"
        "        if keras.utils.set_random_seed(1) is None\n",
        f"{TEST}::test_networks_of_different_groups_start_different",
    ),
    Mutant(
        "wide & deep: dropout not handed on",
        MODEL,
        "deep_logit(vector, hidden_units, **network, name",
        'deep_logit(vector, hidden_units, **{**network, "dropout_rate": 0.0}, name',
        f"{TEST}::test_dropout_acts_in_training_only",
    ),
    Mutant(
        "wide & deep: an activated logit",
        BLOCKS,
        'keras.layers.Dense(1, use_bias=False, name=f"{name}_logit")',
        'keras.layers.Dense(1, "relu", use_bias=False, name=f"{name}_logit")',
        FORMULA,
    ),
    Mutant(
        "wide & deep: a second bias",
        BLOCKS,
        'keras.layers.Dense(1, use_bias=False, name=f"{name}_logit")',
        'keras.layers.Dense(1, name=f"{name}_logit")',
        f"{TEST}::test_number_of_weights",
    ),
    Mutant(
        "wide & deep: the crosses ignore the chosen pairs",
        MODEL,
        "CrossProduct(columns, cross_pairs, max_rows",
        "CrossProduct(columns, None, max_rows",
        f"{TEST}::test_number_of_weights",
    ),
    Mutant(
        "wide & deep: the deep rule for both parts",
        MODEL,
        'return optimizer_per_group({"wide_.*": ftrl, "(?!wide_).*": deep})',
        'return optimizer_per_group({".*": deep})',
        f"{TEST}::test_each_part_has_its_own_rule",
    ),
    Mutant(
        "wide & deep: FTRL on the linear term only",
        MODEL,
        '{"wide_.*": ftrl, "(?!wide_).*": deep}',
        '{"wide_linear.*": ftrl, "(?!wide_linear).*": deep}',
        f"{TEST}::test_each_part_has_its_own_rule",
    ),
    Mutant(
        "wide & deep: L1 taken for L2",
        MODEL,
        "        l1_regularization_strength=l1,\n        l2_regularization_strength=l2,",
        "        l1_regularization_strength=l2,\n        l2_regularization_strength=l1,",
        f"{TEST}::test_l1_gives_exact_zeros_and_none_of_it_gives_none",
    ),
    Mutant(
        "wide & deep: embeddings start at zero",
        MODEL,
        'embed_groups(inputs, columns, embedding_dim, name="deep_embedding", **tables)',
        'embed_groups(inputs, columns, embedding_dim, "deep_embedding", "zeros")',
        f"{TEST}::test_wide_tables_start_at_zero_and_embeddings_do_not",
    ),
    Mutant(
        "wide & deep: crosses where none are asked for",
        MODEL,
        "    if cross_pairs is None or len(cross_pairs):\n",
        "    cross_pairs = cross_pairs or None\n    if True:\n",
        FIRST_ORDER,
    ),
    Mutant(
        "wide & deep: the crosses have no penalty",
        MODEL,
        "CrossProduct(columns, cross_pairs, max_rows, num_buckets, l2, name=",
        "CrossProduct(columns, cross_pairs, max_rows, num_buckets, name=",
        WHICH_PENALTY,
    ),
    Mutant(
        "wide & deep: the wide part's ids have no penalty",
        MODEL,
        'linear_logit(inputs, columns, name="wide_linear", l2=l2)',
        'linear_logit(inputs, columns, name="wide_linear")',
        WHICH_PENALTY,
    ),
]
