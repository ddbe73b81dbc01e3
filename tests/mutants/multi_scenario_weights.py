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

M2M = "recsys_lib/multi_scenario/m2m.py"
TEST_M2M = "multi_scenario/test_m2m.py"
M2M_FORMULA = f"{TEST_M2M}::test_m2m_equals_its_formula"
ATTENTION = f"{TEST_M2M}::test_attention_sums_to_one_over_the_experts"
RESIDUAL = f"{TEST_M2M}::test_a_silent_meta_unit_leaves_the_residual"
M2M_APART = f"{TEST_M2M}::test_a_mixed_batch_equals_its_scenarios_apart"
OPTIONS = "multi_scenario/test_scenario_options.py"

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
        'Dense(self.hidden_units, "relu", name="hidden")',
        'Dense(self.hidden_units, name="hidden")',
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
        "domain = scenario_vector(given, embedding_dim, **tables)",
        "domain = scenario_vector(given._replace(values=given.inputs), embedding_dim, **tables)",
        f"{TEST_PEPNET}::test_an_unseen_scenario_is_the_zero_vector",
    ),
    Mutant(
        "apg: an activation before U",
        APG,
        "outputs = inside @ u + self.bias",
        "outputs = self.activation(inside) @ u + self.bias",
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
        "self.rank**2, bias_initializer=_flat_identity, name",
        "self.rank**2, name",
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
        "if inner_units is not None and inner_units < self.rank:",
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
        'current = dense(current, current if condition == "self" else read)',
        "read = current if read is None else read\n        current = dense(current, read)",
        APG_FORMULA,
    ),
    Mutant(
        "apg: untrained scenarios answer",
        APG,
        "features_and_part(given.values, feature_columns, names",
        "features_and_part(given.inputs, feature_columns, names",
        f"{TEST_APG}::test_an_unseen_scenario_is_the_zero_vector",
    ),
    Mutant(
        "m2m: a softmax over tasks",
        M2M,
        "return ops.softmax(scores, axis=-1)",
        "return ops.softmax(scores, axis=1)",
        (M2M_FORMULA, ATTENTION),
    ),
    Mutant(
        "m2m: attention across the batch",
        M2M,
        "return ops.softmax(scores, axis=-1)",
        "return ops.softmax(scores, axis=0)",
        (M2M_FORMULA, ATTENTION, M2M_APART),
    ),
    Mutant(
        "m2m: a softmax over an axis of one",
        M2M,
        "return ops.softmax(scores, axis=-1)",
        "return ops.softmax(scores[..., None], axis=-1)[..., 0]",
        (M2M_FORMULA, ATTENTION),
    ),
    Mutant(
        "m2m: scores are not normalised",
        M2M,
        "return ops.softmax(scores, axis=-1)",
        "return scores",
        (M2M_FORMULA, ATTENTION),
    ),
    Mutant(
        "m2m: the attention does not know the task",
        M2M,
        "tasks + ops.zeros_like(experts)]",
        "ops.zeros_like(tasks + experts)]",
        M2M_FORMULA,
    ),
    Mutant(
        "m2m: the tower has no residual",
        M2M,
        "total = outputs + inputs",
        "total = outputs",
        (M2M_FORMULA, RESIDUAL),
    ),
    Mutant(
        "m2m: the residual is added after the activation",
        M2M,
        "total = self.activation(total)",
        "total = self.activation(outputs) + inputs",
        (M2M_FORMULA, RESIDUAL),
    ),
    Mutant(
        "m2m: the tower's layers share a meta unit",
        M2M,
        "        meta = MetaUnit(expert_units[-1], num_meta_layers, activation, "
        'name=f"meta_unit_{layer}")\n',
        "        meta = MetaUnit(expert_units[-1], num_meta_layers, activation, "
        'name=f"meta_unit_{layer}") if layer == 1 else meta\n',
        (M2M_FORMULA, f"{TEST_M2M}::test_every_layer_of_the_tower_has_a_meta_unit_of_its_own"),
    ),
    Mutant(
        "m2m: a residual inside the meta unit",
        M2M,
        "outputs = self.activation(ops.matmul(outputs, kernel) + bias[:, :, None])",
        "before = outputs\n"
        "            outputs = self.activation(ops.matmul(outputs, kernel) + bias[:, :, None])\n"
        "            if kernel.shape[-1] == kernel.shape[-2]:\n"
        "                outputs = outputs + before",
        (M2M_FORMULA, RESIDUAL),
    ),
    Mutant(
        "m2m: the biases are not generated",
        M2M,
        "+ bias[:, :, None])",
        "+ ops.mean(bias, axis=0)[None, :, None])",
        (M2M_FORMULA, M2M_APART),
    ),
    Mutant(
        "m2m: the batch's mean knowledge",
        M2M,
        "flat = knowledge @ ",
        "flat = ops.mean(knowledge, axis=0, keepdims=True) @ ",
        (M2M_FORMULA, M2M_APART),
    ),
    Mutant(
        "m2m: meta units are linear",
        M2M,
        "outputs = self.activation(ops.matmul(outputs, kernel) + bias[:, :, None])",
        "outputs = ops.matmul(outputs, kernel) + bias[:, :, None]",
        M2M_FORMULA,
    ),
    Mutant(
        "m2m: the profile is left out",
        M2M,
        "if person is not None:",
        "if person is None:",
        M2M_FORMULA,
    ),
    Mutant(
        "m2m: untrained scenarios answer",
        M2M,
        "facts = scenario_vector(given, embedding_dim, **tables)",
        "facts = scenario_vector(given._replace(values=given.inputs), embedding_dim, **tables)",
        f"{TEST_M2M}::test_an_unseen_scenario_leaves_the_weights_to_the_profile",
    ),
    Mutant(
        "m2m: an empty batch is taken for a bias",
        M2M,
        "total = outputs + inputs",
        "total = ops.add(outputs, inputs)",
        f"{OPTIONS}::test_a_batch_may_be_empty",
    ),
    Mutant(
        "m2m: tasks share the moments of their towers",
        M2M,
        "flat = ops.reshape(total, (-1, num_tasks * units))",
        "flat = ops.tile(ops.mean(total, axis=1), (1, num_tasks))",
        f"{OPTIONS}::test_the_towers_of_m2m_normalise_each_task_apart",
    ),
    Mutant(
        "apg: the condition's network has no dropout",
        APG,
        "                dropout_rate,\n                batch_normalization,\n",
        "",
        f"{OPTIONS}::test_the_conditions_network_of_apg_has_the_options_too",
    ),
]
