"""Mistakes in the row-wise optimizers that the tests must reject."""

from runner import Mutant

OPTIMIZERS = "recsys_lib/training/optimizers.py"
REPLICAS = "recsys_lib/replicas.py"
TEST_OPTIMIZERS = "training/test_optimizers.py"
EQUALS_STOCK = f"{TEST_OPTIMIZERS}::test_equals_stock_keras_fed_the_dense_gradient"
EQUALS_FTRL = f"{TEST_OPTIMIZERS}::test_ftrl_equals_algorithm_1_of_mcmahan_and_its_zeros_are_exact"
UNTOUCHED = (
    f"{TEST_OPTIMIZERS}::test_rows_that_no_batch_reads_keep_every_bit_of_weight_and_statistics"
)

MUTANTS = [
    Mutant(
        "optimizers: duplicates are not summed",
        REPLICAS,
        "    return sum_duplicates(gradient)\n",
        "    return gradient\n",
        EQUALS_STOCK,
    ),
    Mutant(
        "optimizers: duplicates are averaged",
        REPLICAS,
        "tf.math.unsorted_segment_sum(",
        "tf.math.unsorted_segment_mean(",
        (f"{TEST_OPTIMIZERS}::test_duplicates_are_summed", EQUALS_STOCK),
    ),
    Mutant(
        "adam: no bias correction",
        OPTIMIZERS,
        "rows -= learning_rate * correction * momentum",
        "rows -= learning_rate * momentum",
        EQUALS_STOCK,
    ),
    Mutant(
        "adam: the step is counted from 0",
        OPTIMIZERS,
        "step = tf.cast(self.iterations + 1, rows.dtype)",
        "step = tf.cast(self.iterations + 2, rows.dtype)",
        EQUALS_STOCK,
    ),
    Mutant(
        "adam: momentum and velocity change places",
        OPTIMIZERS,
        "return rows, [momentum, velocity]",
        "return rows, [velocity, momentum]",
        EQUALS_STOCK,
    ),
    Mutant(
        "adagrad: the accumulator is not kept",
        OPTIMIZERS,
        "return rows, [accumulator]",
        "return rows, [slots[0]]",
        (EQUALS_STOCK, UNTOUCHED),
    ),
    Mutant(
        "adagrad: the accumulator starts at zero",
        OPTIMIZERS,
        "return keras.initializers.Constant(self.initial_accumulator_value)",
        'return "zeros"',
        EQUALS_STOCK,
    ),
    Mutant(
        "ftrl: decay instead of zeros",
        OPTIMIZERS,
        "rows = (tf.clip_by_value(linear, -l1, l1) - linear)",
        "rows = (l1 * tf.tanh(linear) * 0.5 - linear)",
        (EQUALS_STOCK, EQUALS_FTRL),
    ),
    Mutant(
        "ftrl: L2 counted once",
        OPTIMIZERS,
        "(new_power / learning_rate + 2 * l2)",
        "(new_power / learning_rate + l2)",
        (EQUALS_STOCK, EQUALS_FTRL),
    ),
    Mutant(
        "ftrl: z without the correction by the old weight",
        OPTIMIZERS,
        "linear += gradient - (new_power - old_power) / learning_rate * rows",
        "linear += gradient",
        EQUALS_FTRL,
    ),
    Mutant(
        "ftrl: beta is ignored",
        OPTIMIZERS,
        "l2 = self.l2_regularization_strength + self.beta / (2 * learning_rate)",
        "l2 = self.l2_regularization_strength",
        EQUALS_FTRL,
    ),
    Mutant(
        "ftrl: a table that starts anywhere is accepted",
        OPTIMIZERS,
        "if _is_rowwise(variable) and _has_non_zero(variable):",
        "if False:",
        f"{TEST_OPTIMIZERS}::test_ftrl_refuses_a_table_that_does_not_start_at_zero",
    ),
    Mutant(
        "optimizers: rows without a gradient are written too",
        OPTIMIZERS,
        "        rows, values = gradient.indices, tf.cast(gradient.values, variable.dtype)",
        """        else:
            gradient = tf.IndexedSlices(
                tf.convert_to_tensor(gradient) + 1e-9, tf.range(tf.shape(variable)[0])
            )
        rows, values = gradient.indices, tf.cast(gradient.values, variable.dtype)""",
        UNTOUCHED,
    ),
    Mutant(
        "optimizers: whole-table options are accepted",
        OPTIMIZERS,
        "if kwargs.get(option) is not None and kwargs[option] is not False:",
        "if False:",
        f"{TEST_OPTIMIZERS}::test_options_that_rewrite_whole_tables_are_refused",
    ),
    Mutant(
        "per group: an unmatched variable takes the default",
        OPTIMIZERS,
        "        if len(matches) != 1:",
        "        if not matches:\n            return self.default_optimizer\n"
        "        if len(matches) != 1:",
        f"{TEST_OPTIMIZERS}::test_patterns_that_do_not_part_the_variables_are_refused",
    ),
    Mutant(
        "per group: one optimizer for both",
        OPTIMIZERS,
        "return optimizers[matches[0]]",
        "return self.default_optimizer",
        f"{TEST_OPTIMIZERS}::test_each_group_gets_its_own_rule_and_its_own_statistics",
    ),
    Mutant(
        "per group: a pattern may match nothing",
        OPTIMIZERS,
        "if not any(re.fullmatch(pattern, path) for path in paths):",
        "if False:",
        f"{TEST_OPTIMIZERS}::test_patterns_that_do_not_part_the_variables_are_refused",
    ),
    Mutant(
        "per group: a prefix is enough",
        OPTIMIZERS,
        "if not any(re.fullmatch(pattern, path) for path in paths):",
        "if not any(re.match(pattern, path) for path in paths):",
        f"{TEST_OPTIMIZERS}::test_patterns_that_do_not_part_the_variables_are_refused",
    ),
    Mutant(
        "adam: the correction counts the row's own steps",
        OPTIMIZERS,
        "step = tf.cast(self.iterations + 1, rows.dtype)",
        "step = tf.ones([], rows.dtype)",
        f"{TEST_OPTIMIZERS}::test_a_row_that_is_first_touched_late_moves_further_than_the_rate",
    ),
]
