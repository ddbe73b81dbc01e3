"""Mistakes in Wide & Deep that its tests must reject."""

from runner import Mutant

MODEL = "recsys_lib/memorization/wide_and_deep.py"
TEST = "memorization/test_wide_and_deep.py"
FORMULA = f"{TEST}::test_equals_the_formula_row_by_row"

MUTANTS = [
    Mutant(
        "wide & deep: crosses left out",
        MODEL,
        'return [linear_logit(inputs, columns, name="wide_linear"), crosses(inputs)]',
        'return [linear_logit(inputs, columns, name="wide_linear")]',
        (f"{TEST}::test_number_of_weights", FORMULA),
    ),
    Mutant(
        "wide & deep: the linear term counted twice",
        MODEL,
        'return [linear_logit(inputs, columns, name="wide_linear"), crosses(inputs)]',
        'linear = linear_logit(inputs, columns, name="wide_linear")\n'
        "    return [linear, linear, crosses(inputs)]",
        FORMULA,
    ),
    Mutant(
        "wide & deep: always one network per group",
        MODEL,
        "if not network_per_group:",
        "if False:",
        f"{TEST}::test_a_network_per_group_lets_no_two_groups_meet",
    ),
    Mutant(
        "wide & deep: never a network per group",
        MODEL,
        "if not network_per_group:",
        "if True:",
        f"{TEST}::test_a_network_per_group_lets_no_two_groups_meet",
    ),
    Mutant(
        "wide & deep: a network per group from one seed",
        MODEL,
        'hidden = MLP(hidden_units, dropout_rate=dropout_rate, name=f"deep_{group}")(vector)',
        "keras.utils.set_random_seed(1)\n        "
        'hidden = MLP(hidden_units, dropout_rate=dropout_rate, name=f"deep_{group}")(vector)',
        f"{TEST}::test_networks_of_different_groups_start_different",
    ),
    Mutant(
        "wide & deep: dropout not handed on",
        MODEL,
        "MLP(hidden_units, dropout_rate=dropout_rate, name",
        "MLP(hidden_units, dropout_rate=0.0, name",
        f"{TEST}::test_dropout_acts_in_training_only",
    ),
    Mutant(
        "wide & deep: an activated logit",
        MODEL,
        "keras.layers.Dense(1, use_bias=False, name=",
        'keras.layers.Dense(1, "relu", use_bias=False, name=',
        FORMULA,
    ),
    Mutant(
        "wide & deep: a second bias",
        MODEL,
        "keras.layers.Dense(1, use_bias=False, name=",
        "keras.layers.Dense(1, name=",
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
        'embed_groups(inputs, columns, embedding_dim, name="deep_embedding")',
        'embed_groups(inputs, columns, embedding_dim, "deep_embedding", "zeros")',
        f"{TEST}::test_wide_tables_start_at_zero_and_embeddings_do_not",
    ),
]
