"""Mistakes in the scales and the head of the sequence models that the tests must reject."""

from runner import Mutant

ATTENTION = "recsys_lib/layers/attention.py"
HEAD = "recsys_lib/sequence/head.py"
DIN = "recsys_lib/sequence/din.py"
DIEN = "recsys_lib/sequence/dien.py"
DSIN = "recsys_lib/sequence/dsin.py"
BST = "recsys_lib/sequence/bst.py"
POOLING = "recsys_lib/sequence/pooling.py"
TRANSFORMER = "recsys_lib/sequence/transformer.py"
TEST = "sequence/test_head.py"
TEST_DSIN = "sequence/test_dsin.py"
SCALES = f"{TEST}::test_din_equals_the_formula_with_every_scale"
PRODUCTS = f"{TEST}::test_the_network_reads_each_interest_and_its_product"
BATCH = f"{TEST}::test_training_uses_the_batch_of_rows_with_a_behaviour_and_moves_the_statistics"
DEFAULTS = f"{TEST}::test_defaults_start_and_score_as_they_did_before_there_was_a_choice"
SESSIONS = f"{TEST_DSIN}::test_probabilities_equal_the_formula_but_for_the_lstm"
SLICES = f"{TEST_DSIN}::test_self_attention_equals_the_loop"

MUTANTS = [
    Mutant(
        "scale: the length is that of the padded history",
        ATTENTION,
        'ops.sum(ops.cast(mask > 0, "int32"), axis=-1, keepdims=True)',
        'ops.sum(ops.ones_like(mask, dtype="int32"), axis=-1, keepdims=True)',
        SCALES,
    ),
    Mutant(
        "scale: the square root of the length",
        ATTENTION,
        "return weights / ops.cast(ops.maximum(length, 1), weights.dtype)",
        "return weights / ops.sqrt(ops.cast(ops.maximum(length, 1), weights.dtype))",
        SCALES,
    ),
    Mutant(
        "scale: an empty history is divided by zero",
        ATTENTION,
        "ops.maximum(length, 1)",
        "length",
        SCALES,
    ),
    Mutant(
        "scale: lengths are counted in half precision",
        ATTENTION,
        'ops.sum(ops.cast(mask > 0, "int32"), axis=-1, keepdims=True)',
        "ops.cumsum(ops.cast(mask > 0, mask.dtype), axis=-1)[..., -1:]",
        f"{TEST}::test_lengths_are_exact_in_half_precision",
    ),
    Mutant(
        "scale: the bilinear unit forgets its own",
        ATTENTION,
        'return {**super().get_config(), "scale": self.scale}',
        "return super().get_config()",
        f"{TEST}::test_a_scale_travels_with_its_layer",
    ),
    Mutant(
        "scale: the bilinear unit serves a softmax whatever it was told",
        ATTENTION,
        "scores = ops.matmul(turned, ops.transpose(states[0]))\n"
        "        return weights_of_steps(scores, step_mask, self.scale)",
        "scores = ops.matmul(turned, ops.transpose(states[0]))\n"
        "        return masked_softmax(scores, step_mask)",
        "training/test_request_walk.py::test_sessions_of_one_request_are_divided_with_every_scale",
    ),
    Mutant(
        "scale: what is normalised is a softmax",
        HEAD,
        'return "raw" if scale == "batch_normalization" else scale',
        'return "softmax" if scale == "batch_normalization" else scale',
        SCALES,
    ),
    Mutant(
        "scale: DIN is not normalised",
        DIN,
        'interest = normalized(request, interest, scale, "din_interest")',
        'normalized(request, interest, scale, "din_interest")',
        SCALES,
    ),
    Mutant(
        "scale: DSIN's sums are a softmax whatever it is told",
        DSIN,
        'attend = unit(step_scale(scale), name=f"{name}_attention")',
        'attend = unit(name=f"{name}_attention")',
        SESSIONS,
    ),
    Mutant(
        "scale: DSIN is not normalised",
        DSIN,
        'activated.append(normalized(request, interest, scale, f"activated_{name}"))',
        "activated.append(interest)",
        SESSIONS,
    ),
    Mutant(
        "scale: DSIN's default is the raw sum",
        DSIN,
        'scale: str = "softmax",',
        'scale: str = "raw",',
        DEFAULTS,
    ),
    Mutant(
        "scale: DIN's default is the softmax",
        DIN,
        '    scale: str = "raw",\n    product',
        '    scale: str = "softmax",\n    product',
        DEFAULTS,
    ),
    Mutant(
        "scale: the sum of the history is the default",
        POOLING,
        'scale: str = "length",',
        'scale: str = "raw",',
        DEFAULTS,
    ),
    Mutant(
        "normalization: rows without a behaviour count",
        HEAD,
        "is_real = ops.cast(ops.max(step_mask, axis=-1, keepdims=True) > 0, interest.dtype)",
        "is_real = ops.ones_like(interest[:, :1])",
        (BATCH, f"{TEST}::test_a_model_counts_the_rows_with_a_behaviour"),
    ),
    Mutant(
        "normalization: rows count by their lengths",
        HEAD,
        "ops.max(step_mask, axis=-1, keepdims=True) > 0, interest.dtype)",
        "ops.sum(step_mask, axis=-1, keepdims=True), interest.dtype)",
        BATCH,
    ),
    Mutant(
        "normalization: the batch's statistics in inference",
        HEAD,
        "        if training:\n",
        "        if True:\n",
        BATCH,
    ),
    Mutant(
        "normalization: a batch of empty histories moves the statistics",
        HEAD,
        "(1.0 - self.momentum) * ops.cast(total > 0, interest.dtype)",
        "1.0 - self.momentum",
        f"{TEST}::test_a_batch_without_a_behaviour_moves_no_statistics",
    ),
    Mutant(
        "normalization: no gradient through the statistics",
        HEAD,
        "        return mean, variance\n",
        "        return ops.stop_gradient(mean), ops.stop_gradient(variance)\n",
        f"{TEST}::test_where_all_rows_count_it_is_the_batch_normalization_of_keras",
    ),
    Mutant(
        "normalization: statistics in half precision",
        HEAD,
        'keras.backend.result_type(interest.dtype, "float32")',
        "interest.dtype",
        f"{TEST}::test_statistics_stay_in_single_precision",
    ),
    Mutant(
        "product: of the candidate with itself",
        HEAD,
        "    return ops.multiply(interest, candidate)\n",
        "    return ops.multiply(candidate, candidate)\n",
        PRODUCTS,
    ),
    Mutant(
        "product: in place of the interest",
        HEAD,
        "        found.append(_flat(interest))\n        if product:\n",
        "        if not product:\n            found.append(_flat(interest))\n        else:\n",
        PRODUCTS,
    ),
    Mutant(
        "product: BST's with its positions",
        HEAD,
        "interest[..., :width]",
        "interest[..., -width:]",
        PRODUCTS,
    ),
    Mutant(
        "product: a narrow interest passes",
        HEAD,
        "    if interest.shape[-1] != width:\n",
        "    if False:\n",
        f"{TEST_DSIN}::test_bad_options_are_named",
    ),
    *(
        Mutant(
            f"product: {name} does not hand it on",
            file,
            "        product=product,\n        activation=activation,\n",
            "        activation=activation,\n",
            PRODUCTS,
        )
        for name, file in (
            ("DIN", DIN),
            ("DIEN", DIEN),
            ("DSIN", DSIN),
            ("BST", BST),
            ("ETA", "recsys_lib/sequence/eta.py"),
            ("TWIN", "recsys_lib/sequence/twin.py"),
        )
    ),
    Mutant(
        "heads of slices: every head reads the first one's",
        TRANSFORMER,
        "return ops.matmul(ops.transpose(parts, (0, 2, 1, 3)), kernel)",
        "return ops.matmul(ops.transpose(parts[:, :, :1], (0, 2, 1, 3)), kernel)",
        (SLICES, f"{TEST_DSIN}::test_a_slice_reaches_its_own_head_alone"),
    ),
    Mutant(
        "heads of slices: parts interleaved",
        TRANSFORMER,
        "parts = ops.reshape(flat, (-1, steps, self.num_heads, width // self.num_heads))\n",
        "parts = ops.reshape(flat, (-1, steps, width // self.num_heads, self.num_heads))\n"
        "                parts = ops.transpose(parts, (0, 1, 3, 2))\n",
        SLICES,
    ),
    Mutant(
        "heads of slices: started as a convolution",
        TRANSFORMER,
        "start = glorot_of_one(*shape[1:])",
        "start = None",
        f"{TEST_DSIN}::test_the_kernels_of_slices_start_as_matrices_of_their_own_size",
    ),
    Mutant(
        "heads of slices: DSIN does not hand it on",
        DSIN,
        "        head_inputs=head_inputs,\n",
        "",
        SESSIONS,
    ),
    Mutant(
        "heads of slices: DSIN's default reads whole vectors",
        DSIN,
        'head_inputs: str = "slice",',
        'head_inputs: str = "whole",',
        f"{TEST_DSIN}::test_the_heads_are_those_of_the_paper_unless_told_otherwise",
    ),
    Mutant(
        "heads of slices: the block forgets them",
        TRANSFORMER,
        '            "head_inputs": self.attention.head_inputs,\n',
        "",
        f"{TEST_DSIN}::test_the_block_saves_its_activation",
    ),
]
