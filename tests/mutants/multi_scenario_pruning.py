"""Mistakes in AdaSparse that the tests must reject."""

from runner import Mutant

ADASPARSE = "recsys_lib/multi_scenario/adasparse.py"
TESTS = "multi_scenario/test_adasparse.py"
FORMULA = f"{TESTS}::test_adasparse_equals_its_formula"
EXACT = f"{TESTS}::test_pruned_neurons_are_exact_zeros_and_kept_ones_are_what_the_form_says"
THRESHOLD = f"{TESTS}::test_a_threshold_passes_the_gradient_of_what_is_below_it"
COST = f"{TESTS}::test_leaving_the_bounds_costs_in_training_only"
PULL = f"{TESTS}::test_the_loss_pulls_the_share_of_pruned_neurons_between_its_bounds"
APART = f"{TESTS}::test_a_mixed_batch_equals_its_scenarios_apart_in_any_order"
OPTIONS = "multi_scenario/test_scenario_options.py"

MUTANTS = [
    Mutant(
        "adasparse: pruned neurons are turned over",
        ADASPARSE,
        "is_kept = ops.cast(soft > self.epsilon, soft.dtype)",
        "is_kept = ops.sign(soft - self.epsilon)",
        (FORMULA, EXACT),
    ),
    Mutant(
        "adasparse: no gradient passes the threshold",
        ADASPARSE,
        "return ops.stop_gradient(hard) + (soft - ops.stop_gradient(soft))",
        "return ops.stop_gradient(hard)",
        (f"{TESTS}::test_every_weight_is_reached", THRESHOLD),
    ),
    Mutant(
        "adasparse: the sigmoid's value stays in the threshold's",
        ADASPARSE,
        "return ops.stop_gradient(hard) + (soft - ops.stop_gradient(soft))",
        "return ops.stop_gradient(hard) + soft",
        (FORMULA, EXACT),
    ),
    Mutant(
        "adasparse: pruned neurons learn nothing",
        ADASPARSE,
        "return _straight_through(hard, soft)",
        "return hard",
        THRESHOLD,
    ),
    Mutant(
        "adasparse: kept weights are made smaller by epsilon",
        ADASPARSE,
        "else is_kept * soft",
        "else is_kept * (soft - self.epsilon)",
        (FORMULA, EXACT),
    ),
    Mutant(
        "adasparse: binarization without a threshold of its own",
        ADASPARSE,
        'soft = sigmoid if self.form == "binarization" else self.beta * sigmoid',
        "soft = self.beta * sigmoid",
        (FORMULA, THRESHOLD),
    ),
    Mutant(
        "adasparse: alpha outside of the sigmoid",
        ADASPARSE,
        "sigmoid = ops.sigmoid(self.alpha * v)",
        "sigmoid = self.alpha * ops.sigmoid(v)",
        FORMULA,
    ),
    Mutant(
        "adasparse: scaling without beta",
        ADASPARSE,
        "return self.beta * sigmoid\n",
        "return sigmoid\n",
        (FORMULA, f"{TESTS}::test_a_pruner_of_ones_leaves_the_plain_network"),
    ),
    Mutant(
        "adasparse: the pruner does not read the scenario",
        ADASPARSE,
        "ops.concatenate([condition, hidden], axis=-1)",
        "ops.concatenate([0 * condition, hidden], axis=-1)",
        (FORMULA, f"{TESTS}::test_the_pruners_train_the_table_of_the_features"),
    ),
    Mutant(
        "adasparse: the batch's mean scenario",
        ADASPARSE,
        "ops.concatenate([condition, hidden], axis=-1)",
        "ops.concatenate([ops.mean(condition, 0, keepdims=True) + 0 * condition, hidden], axis=-1)",
        (FORMULA, APART),
    ),
    Mutant(
        "adasparse: neurons are not weighed",
        ADASPARSE,
        "([pruner(domain, hidden), hidden])",
        "([ops.ones_like(pruner(domain, hidden)), hidden])",
        FORMULA,
    ),
    Mutant(
        "adasparse: a layer in the place of the scenario",
        ADASPARSE,
        "        current = keras.layers.Multiply",
        "        domain = hidden[:, : domain.shape[-1]]\n        current = keras.layers.Multiply",
        FORMULA,
    ),
    Mutant(
        "adasparse: untrained scenarios answer",
        ADASPARSE,
        "        given.values,\n        feature_columns,",
        "        given.inputs,\n        feature_columns,",
        f"{TESTS}::test_an_unseen_scenario_is_the_zero_vector",
    ),
    Mutant(
        "adasparse: the bounds cost in inference too",
        ADASPARSE,
        "if training and self.sparsity_weight:",
        "if self.sparsity_weight:",
        COST,
    ),
    Mutant(
        "adasparse: the share of kept neurons is kept between the bounds",
        ADASPARSE,
        "share = ops.mean(1 - is_kept, axis=-1)",
        "share = ops.mean(is_kept, axis=-1)",
        (COST, PULL),
    ),
    Mutant(
        "adasparse: one share for the whole batch",
        ADASPARSE,
        "share = ops.mean(1 - is_kept, axis=-1)",
        "share = ops.mean(1 - is_kept)",
        COST,
    ),
    Mutant(
        "adasparse: inside the bounds there is a cost too",
        ADASPARSE,
        "(share < low) | (share > high)",
        "(share < low) | (share >= low)",
        (COST, PULL),
    ),
    Mutant(
        "adasparse: too few pruned neurons cost nothing",
        ADASPARSE,
        "(share < low) | (share > high)",
        "share > high",
        (COST, PULL),
    ),
    Mutant(
        "adasparse: the loss cannot move the share",
        ADASPARSE,
        "self._penalty(_straight_through(is_kept, sigmoid))",
        "self._penalty(is_kept)",
        PULL,
    ),
    Mutant(
        "adasparse: the configuration forgets lambda",
        ADASPARSE,
        '            "sparsity_weight": self.sparsity_weight,\n',
        "",
        f"{OPTIONS}::test_layers_keep_all_of_their_options",
    ),
    Mutant(
        "adasparse: the pruner reads what dropout left",
        ADASPARSE,
        'hidden = MLP((units,), **options, name=f"hidden_{layer}")(current)',
        'hidden = MLP((units,), **options, dropout_rate=dropout_rate, name=f"hidden_{layer}")(\n'
        "            current\n        )",
        f"{OPTIONS}::test_adasparse_drops_what_is_left_after_pruning",
    ),
]
