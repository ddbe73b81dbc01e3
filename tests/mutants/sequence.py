"""Mistakes in what the sequence models share and in DIN that the tests must reject."""

from runner import Mutant

ACTIVATIONS = "recsys_lib/layers/activations.py"
BEHAVIOURS = "recsys_lib/sequence/behaviours.py"
ATTENTION = "recsys_lib/layers/attention.py"
DIN = "recsys_lib/sequence/din.py"
HEAD = "recsys_lib/sequence/head.py"
EMBEDDING = "recsys_lib/features/embedding.py"
PENALTIES = "recsys_lib/features/penalties.py"
REGULARIZATION = "recsys_lib/sequence/regularization.py"
TEST_ACTIVATIONS = "layers/test_activations.py"
TEST_DIN = "sequence/test_din.py"
TEST_REGULARIZATION = "sequence/test_regularization.py"
FORMULA = f"{TEST_DIN}::test_probabilities_equal_the_formula"
GARBAGE = f"{TEST_DIN}::test_garbage_at_padding_changes_no_bit"
SOFTMAX = f"{TEST_DIN}::test_masked_softmax_survives_extreme_scores_and_empty_rows"
TEST_POOLING = "sequence/test_pooling.py"
TEST_PRECISION = "sequence/test_precision.py"
COUNTING = f"{TEST_REGULARIZATION}::test_ids_are_counted_once_a_row_over_all_columns_of_a_table"
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
            f"{TEST_DIN}::test_statistics_count_real_steps_only_in_the_unit",
        ),
    ),
    Mutant(
        "dice: one alpha for all units",
        ACTIVATIONS,
        'self.add_weight(name="alpha", initializer="zeros", **options)',
        'self.add_weight(name="alpha", initializer="zeros", **{**options, "shape": (1,)})',
        f"{TEST_ACTIVATIONS}::test_alpha_starts_at_zero_one_for_each_unit_whatever_the_axes",
    ),
    Mutant(
        "dice: alpha starts at a quarter",
        ACTIVATIONS,
        'name="alpha", initializer="zeros"',
        'name="alpha", initializer=keras.initializers.Constant(0.25)',
        f"{TEST_ACTIVATIONS}::test_alpha_starts_at_zero_one_for_each_unit_whatever_the_axes",
    ),
    Mutant(
        "dice: alpha on the wrong side",
        ACTIVATIONS,
        "inputs * (alpha + (1 - alpha) * p)",
        "inputs * (1 - p + alpha * p)",
        f"{TEST_ACTIVATIONS}::test_in_training_dice_uses_the_batch",
    ),
    Mutant(
        "dice: an empty batch moves the statistics",
        ACTIVATIONS,
        "(1.0 - self.momentum) * ops.cast(total > 0, inputs.dtype)",
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
        "ops.not_equal(inputs[sequences[0].name], 0)",
        "ops.not_equal(inputs[sequences[0].name], -1)",
        FORMULA,
    ),
    Mutant(
        "requests: the candidate is left out of the network",
        HEAD,
        "side_by_side([*parts, request.candidate, *interests])",
        "side_by_side([*parts, 0 * request.candidate, *interests])",
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
        '(length - ops.arange(step_mask.shape[1], dtype="int32")) * real',
        '(1 + ops.arange(step_mask.shape[1], dtype="int32")) * real',
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
        ATTENTION,
        'if scale == "softmax":',
        "if True:",
        (FORMULA, f"{TEST_DIN}::test_two_equal_behaviours_count_twice"),
    ),
    Mutant(
        "DIN: no mask",
        ATTENTION,
        "    weights = scores * mask\n",
        "    weights = scores\n",
        GARBAGE,
    ),
    Mutant(
        "DIN: the mean of the weighted behaviours",
        ATTENTION,
        "    weights = scores * mask\n",
        "    weights = scores * mask / mask.shape[1]\n",
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
        f"{TEST_DIN}::test_statistics_count_real_steps_only_in_the_unit",
    ),
    Mutant(
        "DIN: the context is not read",
        DIN,
        "            parts.append(context)\n",
        "            parts.append(0 * context)\n",
        f"{TEST_DIN}::test_the_unit_reads_the_context_of_the_steps",
    ),
    Mutant(
        "DIN: the deep network has ReLU whatever it is told",
        DIN,
        "        activation=activation,\n",
        '        activation="relu",\n',
        f"{TEST_DIN}::test_each_network_has_the_activation_that_it_is_given",
    ),
    Mutant(
        "DIN: the unit has the deep network's activation",
        DIN,
        "activation if attention_activation is None else attention_activation",
        "activation",
        f"{TEST_DIN}::test_each_network_has_the_activation_that_it_is_given",
    ),
    Mutant(
        "DIN: normalization counts padding",
        "recsys_lib/layers/blocks.py",
        "training=training, mask=mask)",
        "training=training)",
        f"{TEST_DIN}::test_statistics_count_real_steps_only_in_the_unit",
    ),
    Mutant(
        "profile: lists are averaged whatever their column says",
        BEHAVIOURS,
        "MaskedPooling(column.combiner)",
        "MaskedPooling()",
        f"{TEST_POOLING}::test_lists_of_the_profile_are_pooled_as_their_columns_say",
    ),
    Mutant(
        "pooled: averaged whatever the scale",
        "recsys_lib/sequence/pooling.py",
        "MaskedPooling(combiner, name=",
        "MaskedPooling(name=",
        f"{TEST_POOLING}::test_probabilities_equal_the_formula",
    ),
    Mutant(
        "precision: masks in single precision",
        BEHAVIOURS,
        "behaviours.dtype)",
        '"float32")',
        f"{TEST_PRECISION}::test_probabilities_are_about_those_of_single_precision",
    ),
    Mutant(
        "precision: a billion is infinite in half",
        ATTENTION,
        "tf.as_dtype(logits.dtype).min",
        "-1e9",
        (
            f"{TEST_PRECISION}::test_masked_softmax_has_no_infinities_in_any_precision",
            f"{TEST_PRECISION}::test_an_empty_history_still_gives_the_zero_vector",
        ),
    ),
    Mutant(
        "precision: Dice's statistics in half",
        ACTIVATIONS,
        'keras.backend.result_type(inputs.dtype, "float32")',
        "inputs.dtype",
        (
            f"{TEST_PRECISION}::test_dice_counts_more_rows_than_half_precision_can",
            f"{TEST_PRECISION}::test_a_constant_unit_is_no_division_by_zero_in_half_precision",
        ),
    ),
    Mutant(
        "precision: the auxiliary loss in half",
        "recsys_lib/sequence/auxiliary.py",
        'keras.backend.result_type(states.dtype, "float32")',
        "states.dtype",
        f"{TEST_PRECISION}::test_the_auxiliary_loss_adds_more_steps_than_half_precision_can",
    ),
    Mutant(
        "precision: recency counted in half",
        BEHAVIOURS,
        'real = ops.cast(step_mask > 0, "int32")\n'
        "        length = ops.sum(real, axis=1, keepdims=True)",
        'real = ops.cast(step_mask > 0, "int32")\n'
        '        length = ops.cast(ops.sum(step_mask, axis=1, keepdims=True), "int32")',
        "sequence/test_recurrence.py::test_lengths_are_exact_in_half_precision",
    ),
    Mutant(
        "mini-batch penalty: each occurrence in full",
        PENALTIES,
        "shares * squares / parts",
        "shares * squares",
        PENALTY,
    ),
    Mutant(
        "mini-batch penalty: all ids alike",
        PENALTIES,
        "shares * squares / parts",
        "squares / parts",
        PENALTY,
    ),
    Mutant(
        "mini-batch penalty: without the half",
        PENALTIES,
        "return 0.5 * strength * tf.reduce_sum(shares",
        "return strength * tf.reduce_sum(shares",
        PENALTY,
    ),
    Mutant(
        "mini-batch penalty: in inference too",
        EMBEDDING,
        "if training and is_penalised and",
        "if is_penalised and",
        f"{TEST_REGULARIZATION}::test_it_is_there_in_training_only_and_leaves_the_vectors_alone",
    ),
    Mutant(
        "mini-batch penalty: of drawn negatives too",
        BEHAVIOURS,
        "is_penalised=False)",
        "is_penalised=True)",
        f"{TEST_REGULARIZATION}::"
        "test_every_model_penalises_the_rows_of_the_batch_and_no_drawn_negative",
    ),
    Mutant(
        "counts: occurrences, not rows",
        REGULARIZATION,
        "is_first[:, 1:] = ids[:, 1:] != ids[:, :-1]",
        "is_first[:, 1:] = True",
        COUNTING,
    ),
    Mutant(
        "counts: each column alone",
        REGULARIZATION,
        "members.setdefault(column.table_name, []).append(column)",
        "members[column.table_name] = [column]",
        COUNTING,
    ),
]
