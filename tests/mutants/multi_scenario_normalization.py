"""Mistakes in the normalization by scenario that the tests must reject."""

from runner import Mutant

NORMALIZATION = "recsys_lib/multi_scenario/normalization.py"
TEST_STAR = "multi_scenario/test_star.py"
TRAINING_MOMENTS = f"{TEST_STAR}::test_training_normalises_with_the_moments_of_the_scenario"
INFERENCE_MOMENTS = f"{TEST_STAR}::test_inference_uses_the_moving_moments_of_the_scenario"
MOVING_MOMENTS = f"{TEST_STAR}::test_without_forgetting_the_moving_moments_are_those_of_all_rows"
OPTIONS = "multi_scenario/test_scenario_options.py"

MUTANTS = [
    Mutant(
        "partitioned normalization: gammas are added",
        NORMALIZATION,
        "self.gamma * own_gamma], 0)",
        "self.gamma + own_gamma], 0)",
        (TRAINING_MOMENTS, INFERENCE_MOMENTS),
    ),
    Mutant(
        "partitioned normalization: betas are multiplied",
        NORMALIZATION,
        "self.beta + own_beta], 0)",
        "self.beta * own_beta], 0)",
        (TRAINING_MOMENTS, INFERENCE_MOMENTS),
    ),
    Mutant(
        "partitioned normalization: moments of the mixed batch",
        NORMALIZATION,
        "places = tf.one_hot(ids, self.count + 1, dtype=inputs.dtype)",
        "places = tf.one_hot(0 * ids, self.count + 1, dtype=inputs.dtype)",
        (TRAINING_MOMENTS, INFERENCE_MOMENTS),
    ),
    Mutant(
        "partitioned normalization: moments of the batch in inference",
        NORMALIZATION,
        "        if training:\n            mean, centred",
        "        if True:\n            mean, centred",
        INFERENCE_MOMENTS,
    ),
    Mutant(
        "partitioned normalization: a single row has no variance",
        NORMALIZATION,
        "variance = tf.where(variance > 0, variance, of_all)",
        "variance = tf.identity(variance)",
        f"{TEST_STAR}::test_a_scenario_of_a_single_row_is_not_blown_up",
    ),
    Mutant(
        "partitioned normalization: all rows lend their variance to scenarios of few",
        NORMALIZATION,
        "variance = tf.where(variance > 0, variance, of_all)",
        "variance = (self.moving_rows * variance + variance[:1]) / (self.moving_rows + 1)",
        f"{TEST_STAR}::test_a_scenario_that_varies_little_keeps_its_own_variance",
    ),
    Mutant(
        "partitioned normalization: the moments are constants",
        NORMALIZATION,
        "            self._move(*map(tf.stop_gradient, (mean, variance, sizes)))\n",
        "            self._move(*map(tf.stop_gradient, (mean, variance, sizes)))\n"
        "            variance = tf.stop_gradient(variance)\n"
        "            centred = inputs - places @ tf.stop_gradient(mean)\n",
        f"{TEST_STAR}::test_the_gradient_passes_through_the_moments_of_the_batch",
    ),
    Mutant(
        "partitioned normalization: absent scenarios' moments decay",
        NORMALIZATION,
        "tf.where(sizes > 0, before + sizes, self.moving_rows)",
        "before + sizes",
        f"{TEST_STAR}::test_an_absent_scenario_leaves_its_moments_alone",
    ),
    Mutant(
        "partitioned normalization: absent scenarios divide by zero",
        NORMALIZATION,
        "at_least_one = tf.maximum(sizes, 1.0)",
        "at_least_one = sizes",
        f"{TEST_STAR}::test_an_absent_scenario_leaves_its_moments_alone",
    ),
    Mutant(
        "partitioned normalization: the variance within batches only",
        NORMALIZATION,
        "between = share * (1 - share) * step**2",
        "between = 0 * step",
        MOVING_MOMENTS,
    ),
    Mutant(
        "partitioned normalization: all rows vary as within scenarios",
        NORMALIZATION,
        "between = tf.reduce_sum(sizes[1:] * (mean[1:] - mean[0]) ** 2, 0)",
        "between = 0 * mean[0]",
        (MOVING_MOMENTS, f"{TEST_STAR}::test_unknown_rows_are_normalised_with_the_moments_of_all"),
    ),
    Mutant(
        "partitioned normalization: moments of the batch, and only in inference",
        NORMALIZATION,
        "        if training:\n            mean, centred",
        "        if not training:\n            mean, centred",
        (TRAINING_MOMENTS, INFERENCE_MOMENTS),
    ),
    Mutant(
        "partitioned normalization: sums in half precision",
        NORMALIZATION,
        "inputs = tf.cast(inputs, self.variable_dtype)",
        "inputs = tf.cast(inputs, self.compute_dtype)",
        f"{OPTIONS}::test_moments_are_those_of_single_precision_at_least",
    ),
]
