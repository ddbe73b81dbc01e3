"""Mistakes in the multi-task architectures that the tests must reject."""

from runner import Mutant

STACK = "recsys_lib/layers/network_stack.py"
HEADS = "recsys_lib/layers/heads.py"
PARTS = "recsys_lib/multi_task/parts.py"
SHARED_BOTTOM = "recsys_lib/multi_task/shared_bottom.py"
MMOE = "recsys_lib/multi_task/mmoe.py"
PLE = "recsys_lib/multi_task/ple.py"
ESMM = "recsys_lib/multi_task/esmm.py"
TEST = "multi_task/test_architectures.py"
TEST_STACK = "layers/test_network_stack.py"
TEST_PRODUCT = "layers/test_product_head.py"
TEST_ESMM = "multi_task/test_esmm.py"
MIXTURES = f"{TEST}::test_mixtures_of_experts_equal_their_formula"
LEVELS = f"{TEST}::test_extraction_levels_equal_their_formula"
STARTS = f"{TEST}::test_experts_and_gates_start_differently"
ONE_BY_ONE = f"{TEST_STACK}::test_a_stack_equals_its_networks_one_by_one"
OPTIONS = f"{TEST}::test_every_hidden_network_gets_the_options"
DERIVATIVES = "multi_task/test_derivatives.py::test_autodiff_is_the_derivative_in_every_variable"
LOSS = f"{TEST_PRODUCT}::test_the_loss_and_its_slopes_are_those_of_the_logits"
STEP = f"{TEST_ESMM}::test_a_step_of_training_moves_the_biases_by_the_slopes_of_the_logits"
FUNNEL = f"{TEST_PRODUCT}::test_conversions_without_a_click_are_named"

MUTANTS = [
    Mutant(
        "experts: all start alike",
        STACK,
        'name=f"kernel_{position}",\n'
        "                    shape=(self.count, features, units),\n"
        "                    initializer=glorot_of_one(features, units),",
        'name=f"kernel_{position}",\n'
        "                    shape=(self.count, features, units),\n"
        "                    initializer=keras.initializers.Constant(0.1),",
        STARTS,
    ),
    Mutant(
        "experts: Keras's limit for the whole stack",
        "recsys_lib/layers/initializers.py",
        "limit = math.sqrt(6 / (fan_in + fan_out))",
        "limit = math.sqrt(6 / (50 * (fan_in + fan_out)))",
        f"{TEST_STACK}::test_a_stack_starts_with_glorots_limit_for_one_network",
    ),
    Mutant(
        "experts: the last layer is linear",
        STACK,
        "            if position < len(self.hidden_units):\n",
        "            if position + 1 < len(self.widths):\n",
        (MIXTURES, LEVELS, ONE_BY_ONE),
    ),
    Mutant(
        "towers: the output is activated",
        STACK,
        "return ops.reshape(outputs, (-1, self.count, self.widths[-1]))",
        "return self.activation(ops.reshape(outputs, (-1, self.count, self.widths[-1])))",
        (MIXTURES, f"{TEST}::test_shared_bottom_equals_its_formula", ONE_BY_ONE),
    ),
    Mutant(
        "experts: no activation between the layers",
        STACK,
        "            if position < len(self.hidden_units):\n",
        "            if position + 1 == len(self.hidden_units):\n",
        (MIXTURES, ONE_BY_ONE),
    ),
    Mutant(
        "stacks: readers in another order",
        STACK,
        "readers = self.readers or (1,) * self.count",
        "readers = (self.readers or (1,) * self.count)[::-1]",
        (ONE_BY_ONE, LEVELS),
    ),
    Mutant(
        "stacks: the activation sees the units of all networks",
        STACK,
        "outputs = ops.reshape(self.activation(apart), (-1, self.count * units))",
        "outputs = self.activation(outputs)",
        f"{TEST_STACK}::test_an_activation_over_units_sees_one_network",
    ),
    Mutant(
        "stacks: no normalization",
        STACK,
        "        if self.normalizations:\n",
        "        if False:\n",
        f"{TEST_STACK}::test_normalization_and_dice_are_those_of_each_network_alone",
    ),
    Mutant(
        "stacks: normalization as in inference",
        STACK,
        "(outputs, training=training)\n        if self.unit_activations:",
        "(outputs, training=False)\n        if self.unit_activations:",
        f"{TEST_STACK}::test_normalization_and_dice_are_those_of_each_network_alone",
    ),
    Mutant(
        "stacks: no dropout",
        STACK,
        "if self.dropouts else outputs",
        "if False else outputs",
        f"{TEST_STACK}::test_dropout_drops_units_of_each_network_in_training_only",
    ),
    Mutant(
        "stacks: dropout behind the first hidden layer only",
        STACK,
        "if self.dropouts else outputs",
        "if self.dropouts and position == 0 else outputs",
        f"{TEST_STACK}::test_dropout_follows_every_hidden_layer_and_not_the_output",
    ),
    Mutant(
        "gates: over tasks",
        STACK,
        "return ops.softmax(self._logits(inputs), axis=-1)",
        "return ops.softmax(self._logits(inputs), axis=1)",
        (MIXTURES, f"{TEST}::test_gates_sum_to_one_over_experts_and_have_no_bias"),
    ),
    Mutant(
        "gates: no softmax",
        STACK,
        "return ops.softmax(self._logits(inputs), axis=-1)",
        "return self._logits(inputs)",
        MIXTURES,
    ),
    Mutant(
        "gates: zeros in front of the experts",
        STACK,
        "[0, most - kernel.shape[1]]",
        "[most - kernel.shape[1], 0]",
        (LEVELS, f"{TEST}::test_a_gate_shows_zero_behind_a_tasks_last_expert"),
    ),
    Mutant(
        "gates: unequal numbers read the first task's input",
        STACK,
        "inputs[:, gate]",
        "inputs[:, 0]",
        (LEVELS, f"{TEST_STACK}::test_gates_are_softmaxes_of_linear_maps"),
    ),
    Mutant(
        "mixture: every gate over the first experts",
        STACK,
        "if self.seen is None else self.seen\n        columns",
        "if self.seen is None else [self.seen[0]] * num_gates\n        columns",
        (LEVELS, f"{TEST_STACK}::test_a_mixture_adds_up_the_experts_that_a_gate_sees"),
    ),
    Mutant(
        "mixture: the first gate's weights for all",
        STACK,
        "own = columns[gate * num_seen : (gate + 1) * num_seen]",
        "own = columns[:num_seen]",
        (MIXTURES, LEVELS),
    ),
    Mutant(
        "tasks: one head for all",
        HEADS,
        "each = ops.unstack(logits, num=len(kinds), axis=1)",
        "each = ops.unstack(logits, num=len(kinds), axis=1)[:1] * len(kinds)",
        (MIXTURES, f"{TEST}::test_shared_bottom_equals_its_formula"),
    ),
    Mutant(
        "MMoE: towers read the first mixture",
        MMOE,
        "    if one_gate:\n",
        "    if True:\n",
        MIXTURES,
    ),
    Mutant(
        "MMoE: the gates' gradient is stopped below them",
        MMOE,
        'name="gates")(features)',
        'name="gates")(keras.ops.stop_gradient(features))',
        f"{DERIVATIVES}[MMoE-pooled]",
    ),
    Mutant(
        "MMoE: expert_activation is ignored",
        MMOE,
        "of_experts = activation if expert_activation is None else expert_activation",
        "of_experts = activation",
        OPTIONS,
    ),
    Mutant(
        "Shared-Bottom: bottom_activation is ignored",
        SHARED_BOTTOM,
        "of_bottom = activation if bottom_activation is None else bottom_activation",
        "of_bottom = activation",
        OPTIONS,
    ),
    Mutant(
        "towers: dropout is not handed on",
        PARTS,
        "        dropout_rate=dropout_rate,\n",
        "",
        OPTIONS,
    ),
    Mutant(
        "towers: normalization is not handed on",
        PARTS,
        "        batch_normalization=batch_normalization,\n",
        "",
        OPTIONS,
    ),
    Mutant(
        "CGC: a gate sees the foreign experts",
        PLE,
        "for end, count in zip(ends, own, strict=True)]",
        "for end, count in zip(ends[::-1], own, strict=True)]",
        (LEVELS, f"{TEST}::test_in_cgc_no_gradient_reaches_a_foreign_expert"),
    ),
    Mutant(
        "PLE: task experts read the shared input",
        PLE,
        "of_experts = ops.concatenate([of_tasks, of_shared], axis=1)",
        "of_experts = ops.repeat(of_shared, len(own) + 1, axis=1)",
        LEVELS,
    ),
    Mutant(
        "PLE: the shared gate reads a task's input",
        PLE,
        'name=f"shared_gate_{level}")(of_shared)',
        'name=f"shared_gate_{level}")(\n'
        "        of_shared if level == 1 else of_tasks[:, :1]\n"
        "    )",
        LEVELS,
    ),
    Mutant(
        "PLE: the shared gate sees shared experts only",
        PLE,
        'gate = Gates(1, total, name=f"shared_gate_{level}")(of_shared)\n'
        '    return mixtures, Mixture(name=f"shared_mixture_{level}")(gate, experts)',
        'gate = Gates(1, num_shared, name=f"shared_gate_{level}")(of_shared)\n'
        "    experts = experts[:, sum(own) :]\n"
        '    return mixtures, Mixture(name=f"shared_mixture_{level}")(gate, experts)',
        f"{TEST}::test_in_ple_foreign_experts_are_cut_off_on_the_last_level_only",
    ),
    Mutant(
        "PLE: the first task's number of experts for all",
        PLE,
        "counts[task], num_levels) for task in tasks]",
        "counts[tasks[0]], num_levels) for task in tasks]",
        LEVELS,
    ),
    Mutant(
        "PLE: every level has the first one's experts",
        PLE,
        "counts = own[level - 1], shared[level - 1]",
        "counts = own[0], shared[0]",
        LEVELS,
    ),
    Mutant(
        "ESMM: the conversion alone",
        HEADS,
        "keep_logits(first * second, logit)",
        "keep_logits(second * second, logit)",
        f"{TEST_ESMM}::test_esmm_multiplies_the_two_probabilities_and_shares_the_table",
    ),
    Mutant(
        "ESMM: the conversion tower's gradient is stopped below it",
        ESMM,
        "logits.append(to_logit(network(features)))",
        'read = features if tower == "click_tower" else keras.ops.stop_gradient(features)\n'
        "        logits.append(to_logit(network(read)))",
        f"{DERIVATIVES}[ESMM-pooled]",
    ),
    Mutant(
        "ESMM: the loss of clipped probabilities",
        HEADS,
        "return keep_logits(first * second, logit)",
        "return first * second",
        (LOSS, STEP),
    ),
    Mutant(
        "ESMM: the loss of the conversion once clicked",
        HEADS,
        "return keep_logits(first * second, logit)",
        "return keep_logits(first * second, b)",
        (LOSS, STEP),
    ),
    Mutant(
        "ESMM: logits without the biases",
        HEADS,
        "totals = [head(logit, as_logit=True) for head, logit in zip(heads, logits, strict=True)]",
        "totals = [keras.ops.squeeze(logit, axis=-1) for logit in logits]",
        (STEP, f"{TEST_PRODUCT}::test_the_output_is_the_product_and_the_biases_are_the_heads"),
    ),
    Mutant(
        "ESMM: the logit of a product by logaddexp",
        HEADS,
        "logit = -ops.logsumexp(ops.stack([-a, -b, -a - b], axis=-1), axis=-1)",
        "logit = -ops.logaddexp(ops.logaddexp(-a, -b), -a - b)",
        f"{TEST_PRODUCT}::test_equal_logits_share_the_slope",
    ),
    Mutant(
        "funnel: conversions without a click pass",
        HEADS,
        "impossible = np.asarray(labels[conversion]) > np.asarray(labels[click])",
        "impossible = np.zeros(len(labels[click]), bool)",
        (FUNNEL, f"{TEST_ESMM}::test_training_refuses_a_conversion_without_a_click"),
    ),
    Mutant(
        "funnel: rows without a label count",
        HEADS,
        "            if masks and task in masks:\n",
        "            if False:\n",
        f"{TEST_PRODUCT}::test_rows_without_one_of_the_labels_are_left_out",
    ),
    Mutant(
        "funnel: fit does not look",
        "recsys_lib/training/trainer.py",
        '        check_funnel(self.model, labels.labels, labels.label_masks, "fit, train")\n',
        "",
        f"{TEST_ESMM}::test_training_refuses_a_conversion_without_a_click",
    ),
    Mutant(
        "tasks: a name twice",
        HEADS,
        "if len(set(tasks)) != len(tasks):",
        "if False:",
        f"{TEST}::test_bad_arguments_are_named",
    ),
]
