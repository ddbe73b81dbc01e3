"""Mistakes in the ranker of chapter 07 and in its calibration that the tests must reject."""

from runner import Mutant

RANKER = "recsys_lib/one_request/ranker.py"
DIN = "recsys_lib/sequence/din.py"
CALIBRATION = "recsys_lib/one_request/calibration.py"
TEST = "one_request/test_ranker.py"
TEST_CALIBRATION = "one_request/test_calibration.py"
FORMULA = f"{TEST}::test_both_outputs_equal_the_formulas"
SCALED = f"{TEST}::test_the_features_end_with_the_scaled_interest_and_its_product"
LAW = f"{TEST_CALIBRATION}::test_both_probabilities_come_back"

MUTANTS = [
    Mutant(
        "ranker: the conversion is not multiplied by the click",
        RANKER,
        "outputs = predict_funnel(tasks, ops.unstack(logits, num=2, axis=1))",
        "outputs = predict_each(tasks, logits)",
        FORMULA,
    ),
    Mutant(
        "ranker: both heads read the first tower",
        RANKER,
        "predict_funnel(tasks, ops.unstack(logits, num=2, axis=1))",
        "predict_funnel(tasks, [logits[:, 0], logits[:, 0]])",
        FORMULA,
    ),
    Mutant(
        "ranker: the gate trains the features",
        RANKER,
        "ops.stop_gradient(features)",
        "features",
        f"{TEST}::test_the_gate_reads_the_features_without_training_them",
    ),
    Mutant(
        "ranker: the gate does not read the surface",
        RANKER,
        "read = ops.concatenate([vector, ops.stop_gradient(features)], axis=-1)",
        "read = ops.concatenate([0 * vector, ops.stop_gradient(features)], axis=-1)",
        FORMULA,
    ),
    Mutant(
        "ranker: the gate is computed and not applied",
        RANKER,
        'Multiply(name="gated_features")([gate, features])',
        'Multiply(name="gated_features")([ops.ones_like(gate), features])',
        FORMULA,
    ),
    Mutant(
        "ranker: padding counts as behaviours",
        DIN,
        "    weights = unit(request.behaviours, request.candidate, request.mask)",
        "    weights = unit(request.behaviours, request.candidate, ops.ones_like(request.mask))",
        f"{TEST}::test_padded_steps_have_weight_zero",
    ),
    Mutant(
        "ranker: padding counts in the mean",
        "recsys_lib/sequence/pooling.py",
        'ops.cast(request.mask, "int32")',
        'ops.cast(ops.ones_like(request.mask), "int32")',
        f"{TEST}::test_the_mean_is_that_of_the_real_steps",
    ),
    Mutant(
        "ranker: the raw sum whatever the scale",
        DIN,
        "        scale=step_scale(scale),\n",
        "",
        SCALED,
    ),
    Mutant(
        "ranker: the interest of attention is not normalised",
        DIN,
        "    return normalized(request, interest, scale, name)",
        "    normalized(request, interest, scale, name)\n    return interest",
        SCALED,
    ),
    Mutant(
        "ranker: no product of attention's interest",
        RANKER,
        "with_products(request, [vector], product)",
        "with_products(request, [vector], False)",
        SCALED,
    ),
    Mutant(
        "ranker: the mean without its product",
        RANKER,
        "product = is_pooled if product is None else",
        "product = False if product is None else",
        SCALED,
    ),
    Mutant(
        "ranker: an untrained vector answers for a surface without rows",
        RANKER,
        'known = KnownScenarios(surface, name="known_scenarios")(inputs[surface.name])',
        "known = inputs[surface.name]",
        f"{TEST}::test_a_surface_without_training_rows_is_the_unknown_one",
    ),
    Mutant(
        "ranker: a model without scenarios still asks for one",
        RANKER,
        '    if scenario_use != "none":\n',
        "    if True:\n",
        f"{TEST}::test_what_is_left_out_is_not_read",
    ),
    Mutant(
        "ranker: the surface's own table is not penalised",
        RANKER,
        "            embeddings_initializer,\n            l2,\n",
        "            embeddings_initializer,\n",
        f"{TEST}::test_the_penalty_reaches_both_tables",
    ),
    Mutant(
        "ranker: no dropout in the unit of the attention",
        RANKER,
        "attention_units, attention_activation, **options",
        "attention_units, attention_activation",
        f"{TEST}::test_options_of_networks_reach_unit_experts_and_towers",
    ),
    Mutant(
        "sampling: odds multiplied instead of divided",
        CALIBRATION,
        "return q / (q + (1 - q) / share)",
        "return q / (q + (1 - q) * share)",
        LAW,
    ),
    Mutant(
        "sampling: the probability is scaled, not its odds",
        CALIBRATION,
        "return q / (q + (1 - q) / share)",
        "return q * share",
        LAW,
    ),
    Mutant(
        "sampling: the click's law for the conversion",
        CALIBRATION,
        "np.where(click > 0, both * factor, 0.0)",
        "both / (both + (1 - both) / share)",
        LAW,
    ),
    Mutant(
        "sampling: a conversion without a click",
        CALIBRATION,
        "np.where(click > 0, both * factor, 0.0)",
        "both * factor",
        f"{TEST_CALIBRATION}::test_where_no_click_can_be_no_conversion_can",
    ),
    Mutant(
        "sampling: clicks are thinned too",
        CALIBRATION,
        "(split.labels[task] == 1) | (rng",
        "(split.labels[task] == 2) | (rng",
        f"{TEST_CALIBRATION}::test_thinning_keeps_every_click_and_the_stated_share_of_the_rest",
    ),
]
