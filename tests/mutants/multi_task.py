"""Mistakes in the multi-task architectures that the tests must reject."""

from runner import Mutant

EXPERTS = "recsys_lib/layers/network_stack.py"
PARTS = "recsys_lib/multi_task/parts.py"
MMOE = "recsys_lib/multi_task/mmoe.py"
PLE = "recsys_lib/multi_task/ple.py"
ESMM = "recsys_lib/multi_task/esmm.py"
TEST = "multi_task/test_architectures.py"
MIXTURES = f"{TEST}::test_mixtures_of_experts_equal_their_formula"
LEVELS = f"{TEST}::test_extraction_levels_equal_their_formula"
STARTS = f"{TEST}::test_experts_and_gates_start_differently"

MUTANTS = [
    Mutant(
        "experts: all start alike",
        EXPERTS,
        'name=f"kernel_{position}",\n                    shape=(self.count, features, units),\n'
        "                    initializer=glorot_of_one(features, units),",
        'name=f"kernel_{position}",\n                    shape=(self.count, features, units),\n'
        "                    initializer=keras.initializers.Constant(0.1),",
        STARTS,
    ),
    Mutant(
        "experts: Keras's limit for the whole stack",
        "recsys_lib/layers/initializers.py",
        "limit = math.sqrt(6 / (fan_in + fan_out))",
        "limit = math.sqrt(6 / (50 * (fan_in + fan_out)))",
        f"{TEST}::test_a_stack_starts_with_glorots_limit_for_one_network",
    ),
    Mutant(
        "experts: the last layer is linear",
        EXPERTS,
        "return outputs if self.output_units is not None else self.activation(outputs)",
        "return outputs",
        (MIXTURES, LEVELS),
    ),
    Mutant(
        "towers: the output is activated",
        EXPERTS,
        "return outputs if self.output_units is not None else self.activation(outputs)",
        "return self.activation(outputs)",
        (MIXTURES, f"{TEST}::test_shared_bottom_equals_its_formula"),
    ),
    Mutant(
        "experts: no activation between the layers",
        EXPERTS,
        "            outputs = self.activation(outputs)\n",
        "",
        MIXTURES,
    ),
    Mutant(
        "gates: over tasks",
        EXPERTS,
        "self.kernel), axis=-1)",
        "self.kernel), axis=1)",
        (MIXTURES, f"{TEST}::test_gates_sum_to_one_over_experts_and_have_no_bias"),
    ),
    Mutant(
        "gates: no softmax",
        EXPERTS,
        "return ops.softmax(ops.einsum(form, inputs, self.kernel), axis=-1)",
        "return ops.einsum(form, inputs, self.kernel)",
        MIXTURES,
    ),
    Mutant(
        "mixture: every gate over the first experts",
        EXPERTS,
        "positions = np.asarray(self.seen, np.int32)",
        "positions = np.asarray([self.seen[0]] * len(self.seen), np.int32)",
        (LEVELS, f"{TEST}::test_a_mixture_saves_what_its_gates_see"),
    ),
    Mutant(
        "tasks: one head for all",
        PARTS,
        "(logits[:, position])",
        "(logits[:, 0])",
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
        "CGC: a gate sees the foreign experts",
        PLE,
        "return np.concatenate([own, np.tile(shared, (num_tasks, 1))], axis=1)",
        "return np.concatenate([own[::-1], np.tile(shared, (num_tasks, 1))], axis=1)",
        (LEVELS, f"{TEST}::test_in_cgc_no_gradient_reaches_a_foreign_expert"),
    ),
    Mutant(
        "PLE: task experts read the shared input",
        PLE,
        "owner = np.repeat(np.arange(num_tasks + 1), sizes)",
        "owner = np.repeat([num_tasks] * (num_tasks + 1), sizes)",
        LEVELS,
    ),
    Mutant(
        "PLE: the shared gate reads a task's input",
        PLE,
        "of_tasks, of_shared = inputs[:, :num_tasks], inputs[:, num_tasks:]",
        "of_tasks, of_shared = inputs[:, :num_tasks], inputs[:, :1]",
        LEVELS,
    ),
    Mutant(
        "PLE: the shared gate sees shared experts only",
        PLE,
        'gate = Gates(1, total, name=f"shared_gate_{level}")(of_shared)\n'
        '    shared = Mixture(name=f"shared_mixture_{level}")(gate, experts)\n',
        'gate = Gates(1, num_shared_experts, name=f"shared_gate_{level}")(of_shared)\n'
        '    shared = Mixture(name=f"shared_mixture_{level}")(\n'
        "        gate, experts[:, num_tasks * num_task_experts :]\n    )\n",
        f"{TEST}::test_in_ple_foreign_experts_are_cut_off_on_the_last_level_only",
    ),
    Mutant(
        "PLE: a shared gate on the last level too",
        PLE,
        "    if is_last:\n        return tasks\n",
        "",
        f"{TEST}::test_the_last_level_has_no_shared_gate",
    ),
    Mutant(
        "ESMM: the conversion alone",
        ESMM,
        "both = keras.layers.Multiply(name=conversion_task)(probabilities)",
        "both = keras.layers.Minimum(name=conversion_task)([probabilities[1]] * 2)",
        f"{TEST}::test_esmm_multiplies_the_two_probabilities_and_shares_the_table",
    ),
    Mutant(
        "tasks: a name twice",
        PARTS,
        "if isinstance(tasks, str) or len(set(names)) != len(names):",
        "if isinstance(tasks, str):",
        f"{TEST}::test_bad_arguments_are_named",
    ),
]
