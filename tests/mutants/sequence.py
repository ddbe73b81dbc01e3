"""Mistakes in what the sequence models share and in DIN that the tests must reject."""

from runner import Mutant

ACTIVATIONS = "recsys_lib/layers/activations.py"
BEHAVIOURS = "recsys_lib/sequence/behaviours.py"
ATTENTION = "recsys_lib/layers/attention.py"
DIN = "recsys_lib/sequence/din.py"
REGULARIZATION = "recsys_lib/sequence/regularization.py"
TEST_ACTIVATIONS = "layers/test_activations.py"
TEST_DIN = "sequence/test_din.py"
TEST_REGULARIZATION = "sequence/test_regularization.py"
FORMULA = f"{TEST_DIN}::test_probabilities_equal_the_formula"
GARBAGE = f"{TEST_DIN}::test_garbage_at_padding_changes_no_bit"
SOFTMAX = f"{TEST_DIN}::test_masked_softmax_survives_extreme_scores_and_empty_rows"
PENALTY = (
    f"{TEST_REGULARIZATION}::"
    "test_the_gradient_is_lambda_over_n_times_the_row_once_for_each_id_present"
)

MUTANTS = [
    Mutant(
        "dice: the batch's statistics at inference",
        ACTIVATIONS,
        "        if training:\n            mean, variance",
        "        if True:\n            mean, variance",
        f"{TEST_ACTIVATIONS}::test_in_inference_dice_uses_the_moving_statistics_and_no_neighbour",
    ),
    Mutant(
        "dice: padding counts",
        ACTIVATIONS,
        "if step_mask is not None:",
        "if False:",
        (
            f"{TEST_ACTIVATIONS}::test_statistics_count_real_steps_only",
            f"{TEST_DIN}::test_dice_counts_real_steps_only_in_the_unit",
        ),
    ),
    Mutant(
        "dice: one alpha for all units",
        ACTIVATIONS,
        'self.add_weight(name="alpha", shape=units,',
        'self.add_weight(name="alpha", shape=(1,),',
        f"{TEST_ACTIVATIONS}::test_alpha_starts_at_zero_one_for_each_unit_whatever_the_axes",
    ),
    Mutant(
        "dice: alpha starts at a quarter",
        ACTIVATIONS,
        'shape=units, initializer="zeros")\n        self.moving_mean',
        "shape=units, initializer=keras.initializers.Constant(0.25))\n        self.moving_mean",
        f"{TEST_ACTIVATIONS}::test_alpha_starts_at_zero_one_for_each_unit_whatever_the_axes",
    ),
    Mutant(
        "dice: alpha on the wrong side",
        ACTIVATIONS,
        "p * inputs + (1 - p) * self.alpha * inputs",
        "(1 - p) * inputs + p * self.alpha * inputs",
        f"{TEST_ACTIVATIONS}::test_in_training_dice_uses_the_batch",
    ),
    Mutant(
        "dice: an empty batch moves the statistics",
        ACTIVATIONS,
        "ops.where(total > 0, 1.0 - self.momentum, 0.0)",
        "1.0 - self.momentum",
        f"{TEST_ACTIVATIONS}::test_a_batch_of_padding_moves_no_statistics",
    ),
    Mutant(
        "dice: no gradient through the statistics",
        ACTIVATIONS,
        "        return mean, variance\n",
        "        return ops.stop_gradient(mean), ops.stop_gradient(variance)\n",
        f"{TEST_ACTIVATIONS}::test_the_gradient_passes_through_the_batch_statistics",
    ),
    Mutant(
        "prelu: slopes of its own for every step",
        ACTIVATIONS,
        "self.shared_axes = list(range(1, len(input_shape) - 1)) or None",
        "self.shared_axes = None",
        f"{TEST_ACTIVATIONS}::test_prelu_has_one_slope_for_each_unit_and_shares_it_over_the_steps",
    ),
    Mutant(
        "requests: unknown behaviours count as real",
        BEHAVIOURS,
        'mask = ops.cast(ops.not_equal(inputs[sequences[0].name], 0), "float32")',
        'mask = ops.cast(ops.not_equal(inputs[sequences[0].name], -1), "float32")',
        FORMULA,
    ),
    Mutant(
        "requests: the candidate is left out of the network",
        BEHAVIOURS,
        "ops.concatenate([*parts, request.candidate, *interests], axis=-1)",
        "ops.concatenate([*parts, 0 * request.candidate, *interests], axis=-1)",
        FORMULA,
    ),
    Mutant(
        "requests: histories of two lengths pass",
        BEHAVIOURS,
        "if len(set(lengths.values())) > 1:",
        "if False:",
        f"{TEST_DIN}::test_bad_options_are_named",
    ),
    Mutant(
        "recency: counted from the beginning",
        BEHAVIOURS,
        "(length - ops.arange(steps, dtype=step_mask.dtype)) * step_mask",
        "(1 + ops.arange(steps, dtype=step_mask.dtype)) * step_mask",
        f"{TEST_DIN}::test_recency_is_counted_from_the_last_real_step",
    ),
    Mutant(
        "softmax: padding takes part",
        ATTENTION,
        "weights = ops.exp(shifted) * mask",
        "weights = ops.exp(shifted)",
        (SOFTMAX, f"{TEST_DIN}::test_softmax_weights_sum_to_one_over_the_real_steps"),
    ),
    Mutant(
        "softmax: a row without a real step divides by zero",
        ATTENTION,
        "weights / ops.where(total > 0, total, 1.0)",
        "weights / total",
        SOFTMAX,
    ),
    Mutant(
        "softmax: the largest score of all is taken off",
        ATTENTION,
        "ops.stop_gradient(ops.max(real, axis=axis, keepdims=True))",
        "ops.stop_gradient(ops.max(logits, axis=axis, keepdims=True))",
        SOFTMAX,
    ),
    Mutant(
        "DIN: weights are normalised",
        DIN,
        'if self.weighting == "softmax":',
        "if True:",
        (FORMULA, f"{TEST_DIN}::test_two_equal_behaviours_count_twice"),
    ),
    Mutant(
        "DIN: no mask",
        DIN,
        "        return weights * step_mask\n",
        "        return weights\n",
        GARBAGE,
    ),
    Mutant(
        "DIN: the mean of the weighted behaviours",
        DIN,
        "        return weights * step_mask\n",
        "        return weights * step_mask / behaviours.shape[1]\n",
        FORMULA,
    ),
    Mutant(
        "DIN: behaviour minus candidate",
        DIN,
        "repeated - behaviours, repeated * behaviours]",
        "behaviours - repeated, repeated * behaviours]",
        FORMULA,
    ),
    Mutant(
        "DIN: scores scaled by the width",
        DIN,
        "weights = ops.squeeze(self.to_weight(hidden), axis=-1)",
        "weights = ops.squeeze(self.to_weight(hidden), axis=-1) / width**0.5",
        FORMULA,
    ),
    Mutant(
        "DIN: the outer product transposed",
        DIN,
        "outer = ops.expand_dims(behaviours, -1) * ops.expand_dims(repeated, -2)",
        "outer = ops.expand_dims(behaviours, -2) * ops.expand_dims(repeated, -1)",
        FORMULA,
    ),
    Mutant(
        "DIN: Dice sees padding",
        DIN,
        "self.network(features, step_mask=step_mask, training=training)",
        "self.network(features, training=training)",
        f"{TEST_DIN}::test_dice_counts_real_steps_only_in_the_unit",
    ),
    Mutant(
        "DIN: the context is not read",
        DIN,
        "            parts.append(context)\n",
        "            parts.append(0 * context)\n",
        f"{TEST_DIN}::test_the_unit_reads_the_context_of_the_steps",
    ),
    Mutant(
        "penalty: each occurrence in full",
        REGULARIZATION,
        "(share * tf.gather(self.counts, flat))",
        "tf.gather(self.counts, flat)",
        PENALTY,
    ),
    Mutant(
        "penalty: all ids alike",
        REGULARIZATION,
        "(share * tf.gather(self.counts, flat))",
        "share",
        PENALTY,
    ),
    Mutant(
        "penalty: without the half",
        REGULARIZATION,
        "return 0.5 * self.strength",
        "return self.strength",
        PENALTY,
    ),
    Mutant(
        "penalty: in inference too",
        REGULARIZATION,
        "        if training:\n",
        "        if True:\n",
        f"{TEST_REGULARIZATION}::test_it_is_there_in_training_only_and_leaves_the_vectors_alone",
    ),
    Mutant(
        "penalty: each column counted alone",
        REGULARIZATION,
        "counts[column.table_name] = counts.get(column.table_name, 0) + found",
        "counts[column.table_name] = found",
        f"{TEST_REGULARIZATION}::test_ids_are_counted_over_all_columns_of_a_table",
    ),
]
