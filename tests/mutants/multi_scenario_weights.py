"""Mistakes in PEPNet, APG and M2M that the tests must reject."""

from runner import Mutant

CONDITIONS = "recsys_lib/multi_scenario/conditions.py"
PEPNET = "recsys_lib/multi_scenario/pepnet.py"
TEST_PEPNET = "multi_scenario/test_pepnet.py"
PEPNET_FORMULA = f"{TEST_PEPNET}::test_pepnet_equals_its_formula"
EPNET_GRADIENT = (
    f"{TEST_PEPNET}::test_no_gradient_passes_the_gate_of_epnet_but_the_gated_features_train"
)
PPNET_GRADIENT = (
    f"{TEST_PEPNET}::test_no_gradient_passes_the_gates_of_ppnet_to_the_embeddings_of_epnet"
)
IDENTITY = f"{TEST_PEPNET}::test_zero_weights_in_the_last_layer_make_a_gate_the_identity"

APG = "recsys_lib/multi_scenario/apg.py"
TEST_APG = "multi_scenario/test_apg.py"
APG_FORMULA = f"{TEST_APG}::test_apg_equals_the_explicit_matrix_of_each_row"
APG_MATRICES = f"{TEST_APG}::test_matrices_are_of_rank_k_and_alike_where_the_conditions_are"
FOLDING = f"{TEST_APG}::test_folding_keeps_the_predictions_and_drops_weights"

MUTANTS = [
    Mutant(
        "conditions: all features are picked",
        CONDITIONS,
        "if group in of_chosen]",
        "if group]",
        PEPNET_FORMULA,
    ),
    Mutant(
        "pepnet: a detached embedding enters the towers",
        PEPNET,
        'name="gated_features")([gate, features])',
        'name="gated_features")([gate, ops.stop_gradient(features)])',
        EPNET_GRADIENT,
    ),
    Mutant(
        "pepnet: the towers read the detached embedding",
        PEPNET,
        'name=f"hidden_{layer}")(current)',
        'name=f"hidden_{layer}")(ops.stop_gradient(current))',
        f"{TEST_PEPNET}::test_the_towers_train_the_gated_features",
    ),
    Mutant(
        "pepnet: the gate of EPNet trains the embedding",
        PEPNET,
        "[domain, ops.stop_gradient(features)]",
        "[domain, features]",
        EPNET_GRADIENT,
    ),
    Mutant(
        "pepnet: the gates of PPNet train the embedding",
        PEPNET,
        "[personal, ops.stop_gradient(embedded)]",
        "[personal, embedded]",
        PPNET_GRADIENT,
    ),
    Mutant(
        "pepnet: the prior is detached",
        PEPNET,
        "[personal, ops.stop_gradient(embedded)]",
        "ops.stop_gradient([personal, embedded])",
        PPNET_GRADIENT,
    ),
    Mutant(
        "pepnet: gates read the ungated embedding",
        PEPNET,
        "[personal, ops.stop_gradient(embedded)]",
        "[personal, ops.stop_gradient(features)]",
        PEPNET_FORMULA,
    ),
    Mutant(
        "pepnet: gates end at one",
        PEPNET,
        "gamma=2.0, **kwargs",
        "gamma=1.0, **kwargs",
        (PEPNET_FORMULA, IDENTITY),
    ),
    Mutant(
        "pepnet: a gate without its hidden layer's activation",
        PEPNET,
        'Dense(hidden_units, "relu", name="hidden")',
        'Dense(hidden_units, name="hidden")',
        PEPNET_FORMULA,
    ),
    Mutant(
        "pepnet: the factors of tasks are mixed up",
        PEPNET,
        "return ops.reshape(factors, (-1, self.num_tasks, self.units))",
        "return ops.moveaxis(ops.reshape(factors, (-1, self.units, self.num_tasks)), 1, 2)",
        PEPNET_FORMULA,
    ),
    Mutant(
        "pepnet: hidden units are not gated",
        PEPNET,
        'name=f"gated_{layer}")([gate, hidden])',
        'name=f"gated_{layer}")([ops.ones_like(gate), hidden])',
        PEPNET_FORMULA,
    ),
    Mutant(
        "pepnet: untrained scenarios answer",
        PEPNET,
        "domain = scenario_vector(given, embedding_dim)",
        "domain = scenario_vector(given._replace(values=given.inputs), embedding_dim)",
        f"{TEST_PEPNET}::test_an_unseen_scenario_is_the_zero_vector",
    ),
    Mutant(
        "apg: an activation before U",
        APG,
        "return self.activation(inside @ u + self.bias)",
        "return self.activation(self.activation(inside) @ u + self.bias)",
        APG_FORMULA,
    ),
    Mutant(
        "apg: the core is transposed",
        APG,
        "tf.matmul(self.core(condition), (inputs @ v)[:, :, None])",
        "tf.matmul(self.core(condition), (inputs @ v)[:, :, None], transpose_a=True)",
        (APG_FORMULA, APG_MATRICES),
    ),
    Mutant(
        "apg: one core for the whole batch",
        APG,
        "tf.matmul(self.core(condition), (inputs @ v)",
        "tf.matmul(tf.reduce_mean(self.core(condition), 0, keepdims=True), (inputs @ v)",
        (APG_FORMULA, f"{TEST_APG}::test_a_mixed_batch_equals_its_scenarios_apart"),
    ),
    Mutant(
        "apg: no core",
        APG,
        "inside = tf.matmul(self.core(condition), (inputs @ v)[:, :, None])[:, :, 0]",
        "inside = inputs @ v",
        APG_FORMULA,
    ),
    Mutant(
        "apg: the core starts near zero",
        APG,
        "rank * rank, bias_initializer=_flat_identity, name",
        "rank * rank, name",
        f"{TEST_APG}::test_a_core_starts_at_the_identity_where_the_condition_is_zero",
    ),
    Mutant(
        "apg: a rank above the layer's width",
        APG,
        "if self.rank > min(features, self.units):",
        "if self.rank > features:",
        f"{TEST_APG}::test_bad_arguments_are_named",
    ),
    Mutant(
        "apg: the inner width lowers the rank",
        APG,
        "if inner_units is not None and inner_units < rank:",
        "if inner_units is not None and inner_units < 1:",
        f"{TEST_APG}::test_bad_arguments_are_named",
    ),
    Mutant(
        "apg: the full matrix is of full rank",
        APG,
        'return tf.einsum("ku,bkl,fl->buf", u, self.core(condition), v)',
        'return tf.einsum("ku,bkl,fl->buf", u, self.core(condition), v) + tf.eye(6, 7)',
        APG_MATRICES,
    ),
    Mutant(
        "apg: folding leaves the factors",
        APG,
        'config["inner_units"] = None',
        "pass",
        FOLDING,
    ),
    Mutant(
        "apg: folding mixes up U and V",
        APG,
        "for factors in (self.v, self.u)",
        "for factors in (self.u, self.v)",
        (APG_FORMULA, FOLDING),
    ),
    Mutant(
        "apg: self reads the features in every layer",
        APG,
        "    for layer, units in enumerate(hidden_units, start=1):\n"
        '        dense = APGDense(units, rank, inner_units, condition_units, name=f"apg_{layer}")\n'
        '        current = dense(current, current if condition == "self" else read)\n',
        '    read = current if condition == "self" else read\n'
        "    for layer, units in enumerate(hidden_units, start=1):\n"
        '        dense = APGDense(units, rank, inner_units, condition_units, name=f"apg_{layer}")\n'
        "        current = dense(current, read)\n",
        APG_FORMULA,
    ),
    Mutant(
        "apg: untrained scenarios answer",
        APG,
        "features_and_part(given.values, feature_columns, names",
        "features_and_part(given.inputs, feature_columns, names",
        f"{TEST_APG}::test_an_unseen_scenario_is_the_zero_vector",
    ),
]
