"""Mistakes in DIEN, DSIN and BST that the tests must reject."""

from runner import Mutant

RECURRENCE = "recsys_lib/sequence/recurrence.py"
AUXILIARY = "recsys_lib/sequence/auxiliary.py"
ATTENTION = "recsys_lib/layers/attention.py"
DIEN = "recsys_lib/sequence/dien.py"
DSIN = "recsys_lib/sequence/dsin.py"
BST = "recsys_lib/sequence/bst.py"
TRANSFORMER = "recsys_lib/sequence/transformer.py"
TEST_RECURRENCE = "sequence/test_recurrence.py"
TEST_DIEN = "sequence/test_dien.py"
TEST_DSIN = "sequence/test_dsin.py"
TEST_BST = "sequence/test_bst.py"
STATES = f"{TEST_RECURRENCE}::test_states_equal_the_formula"
DIEN_FORMULA = f"{TEST_DIEN}::test_probabilities_equal_the_formula_from_the_states_on"
LOSS = f"{TEST_DIEN}::test_the_loss_equals_the_formula_with_inner_products"
NEGATIVES = f"{TEST_DIEN}::test_negatives_are_never_the_positive_nor_padding_and_all_others_alike"
DSIN_FORMULA = f"{TEST_DSIN}::test_probabilities_equal_the_formula_but_for_the_lstm"
LSTM = f"{TEST_DSIN}::test_session_states_are_those_of_the_real_sessions_alone_forward_and_backward"
LOOP = f"{TEST_DSIN}::test_self_attention_equals_the_loop"
CUDNN = (
    "sequence/test_sequence_models.py::"
    "test_no_recurrence_takes_a_kernel_that_refuses_empty_histories"
)
BST_FORMULA = f"{TEST_BST}::test_probabilities_equal_the_formula_with_ages_as_positions"

MUTANTS = [
    Mutant(
        "AUGRU: the gate that keeps is scaled",
        RECURRENCE,
        "state = (1 - update) * state + update * candidate",
        "state = update * state + (1 - update) * candidate",
        (STATES, f"{TEST_RECURRENCE}::test_a_score_of_zero_keeps_the_state"),
    ),
    Mutant(
        "AUGRU: the score is not used",
        RECURRENCE,
        'score * update if self.kind == "augru" else update',
        "update",
        (STATES, f"{TEST_RECURRENCE}::test_a_score_of_zero_keeps_the_state"),
    ),
    Mutant(
        "AUGRU: the reset gate before the product",
        RECURRENCE,
        "candidate = ops.tanh(candidate + reset * of_candidate)",
        "candidate = ops.tanh(candidate + ops.matmul(\n            reset * state, "
        "self.recurrent_kernel[:, 2 * self.units :]))",
        (STATES, f"{TEST_RECURRENCE}::test_a_score_of_one_is_keras_own_gru"),
    ),
    Mutant(
        "AIGRU: the input is not scaled",
        RECURRENCE,
        'column * sequence if self.kind == "aigru" else sequence',
        "sequence",
        STATES,
    ),
    Mutant(
        "recurrence: padding moves the state",
        RECURRENCE,
        ', axis=-1), mask=ops.cast(step_mask, "bool")\n',
        ", axis=-1)\n",
        (STATES, f"{TEST_RECURRENCE}::test_garbage_at_padding_changes_no_bit"),
    ),
    Mutant(
        "GRU: padding moves the state",
        RECURRENCE,
        'return layer(sequence, mask=ops.cast(mask, "bool"))',
        "return layer(sequence)",
        f"{TEST_RECURRENCE}::test_the_gru_leaves_padding_out_and_an_empty_row_at_zero",
    ),
    Mutant(
        "GRU: cuDNN may be taken",
        RECURRENCE,
        "not save this argument.\n"
        '        super().__init__(*args, **{**kwargs, "use_cudnn": False})',
        "not save this argument.\n        super().__init__(*args, **kwargs)",
        CUDNN,
    ),
    Mutant(
        "GRU: cuDNN may be taken once the model is loaded",
        RECURRENCE,
        "not save this argument.\n"
        '        super().__init__(*args, **{**kwargs, "use_cudnn": False})',
        "not save this argument.\n"
        '        own = {} if "bias_constraint" in kwargs else {"use_cudnn": False}\n'
        "        super().__init__(*args, **{**kwargs, **own})",
        CUDNN,
    ),
    Mutant(
        "LSTM: cuDNN may be taken",
        RECURRENCE,
        'LSTM without cuDNN."""\n\n    def __init__(self, *args, **kwargs):\n'
        '        super().__init__(*args, **{**kwargs, "use_cudnn": False})',
        'LSTM without cuDNN."""\n\n    def __init__(self, *args, **kwargs):\n'
        "        super().__init__(*args, **kwargs)",
        CUDNN,
    ),
    Mutant(
        "recurrence: always a loop",
        RECURRENCE,
        "return num_steps <= LONGEST_UNROLLED",
        "return False",
        f"{TEST_RECURRENCE}::test_long_histories_run_in_one_compiled_loop_and_short_ones_unrolled",
    ),
    Mutant(
        "recurrence: never a loop",
        RECURRENCE,
        "return num_steps <= LONGEST_UNROLLED",
        "return True",
        f"{TEST_RECURRENCE}::test_long_histories_run_in_one_compiled_loop_and_short_ones_unrolled",
    ),
    Mutant(
        "last state: lengths counted in half precision",
        RECURRENCE,
        'ops.sum(ops.cast(step_mask > 0, "int32"), axis=1)',
        'ops.cast(ops.sum(step_mask, axis=1), "int32")',
        f"{TEST_RECURRENCE}::test_lengths_are_exact_in_half_precision",
    ),
    Mutant(
        "last state: one step early",
        RECURRENCE,
        "ops.maximum(length - 1, 0)",
        "ops.maximum(length - 2, 0)",
        f"{TEST_RECURRENCE}::test_the_last_state_is_that_of_the_last_real_step",
    ),
    Mutant(
        "last state: an empty row has the first step's",
        RECURRENCE,
        "ops.expand_dims(length > 0, -1)",
        "ops.expand_dims(length >= 0, -1)",
        f"{TEST_RECURRENCE}::test_the_last_state_is_that_of_the_last_real_step",
    ),
    Mutant(
        "negatives: the positive may come",
        AUXILIARY,
        'drawn + ops.cast(drawn >= ids, "int32")',
        "drawn",
        NEGATIVES,
    ),
    Mutant(
        "negatives: stepped over by half",
        AUXILIARY,
        'ops.cast(drawn >= ids, "int32")',
        'ops.cast(drawn == ids, "int32")',
        NEGATIVES,
    ),
    Mutant(
        "negatives: padding may come",
        AUXILIARY,
        "ops.shape(ids), 1, self.vocabulary_size - 1",
        "ops.shape(ids), 0, self.vocabulary_size - 1",
        NEGATIVES,
    ),
    Mutant(
        "negatives: padding gets one",
        AUXILIARY,
        "return ops.where(ids > 0, drawn, 0)",
        "return drawn",
        NEGATIVES,
    ),
    Mutant(
        "negatives: the same in every step",
        AUXILIARY,
        "seed=self.seed_generator",
        "seed=7",
        f"{TEST_DIEN}::test_negatives_are_drawn_anew_in_every_step_and_not_in_inference",
    ),
    Mutant(
        "auxiliary loss: the same step instead of the next",
        AUXILIARY,
        "of_next = self._logit(before, behaviours[:, 1:])",
        "of_next = self._logit(before, behaviours[:, :-1])",
        LOSS,
    ),
    Mutant(
        "auxiliary loss: the state after the behaviour",
        AUXILIARY,
        "before = states[:, :-1]",
        "before = states[:, 1:]",
        LOSS,
    ),
    Mutant(
        "auxiliary loss: positives and negatives swapped",
        AUXILIARY,
        "ops.softplus(-of_next) + ops.softplus(of_other)",
        "ops.softplus(of_next) + ops.softplus(-of_other)",
        LOSS,
    ),
    Mutant(
        "auxiliary loss: padding counts",
        AUXILIARY,
        "following = step_mask[:, 1:]  #",
        "following = ops.ones_like(step_mask[:, 1:])  #",
        (LOSS, f"{TEST_DIEN}::test_garbage_at_padding_does_not_reach_the_loss"),
    ),
    Mutant(
        "auxiliary loss: in inference too",
        AUXILIARY,
        "if training and states.shape[1] > 1:",
        "if states.shape[1] > 1:",
        f"{TEST_DIEN}::test_the_loss_is_there_in_training_only_and_the_states_pass",
    ),
    Mutant(
        "auxiliary loss: without its factor",
        AUXILIARY,
        "self.add_loss(self.weight * self.loss(",
        "self.add_loss(self.loss(",
        LOSS,
    ),
    Mutant(
        "DIEN: behaviours evolve instead of states",
        DIEN,
        "        states, attention, request.mask\n",
        "        request.behaviours, attention, request.mask\n",
        DIEN_FORMULA,
    ),
    Mutant(
        "bilinear attention: transposed",
        ATTENTION,
        "ops.matmul(candidate, ops.transpose(self.kernel))  #",
        "ops.matmul(candidate, self.kernel)  #",
        DIEN_FORMULA,
    ),
    Mutant(
        "DSIN: the mean over all slots",
        DSIN,
        "return total / ops.expand_dims(count, -1)",
        "return total / sessions.shape[2]",
        (
            DSIN_FORMULA,
            f"{TEST_DSIN}::test_the_mean_is_over_real_steps_and_empty_sessions_are_zero",
        ),
    ),
    Mutant(
        "DSIN: padding is looked at",
        TRANSFORMER,
        "ops.broadcast_to(mask, ops.shape(scores))",
        "ops.ones_like(scores)",
        (DSIN_FORMULA, LOOP),
    ),
    Mutant(
        "attention: scaled by the head's width",
        TRANSFORMER,
        "scores / width**0.5",
        "scores / self.size**0.5",
        LOOP,
    ),
    Mutant(
        "attention: over queries",
        TRANSFORMER,
        "weights = masked_softmax(scores / width**0.5, ops.broadcast_to(mask, ops.shape(scores)))",
        "weights = ops.softmax(scores / width**0.5, axis=-2)",
        LOOP,
    ),
    Mutant(
        "attention: heads interleaved",
        TRANSFORMER,
        "seen = ops.transpose(ops.matmul(weights, heads(self.value)), (0, 2, 1, 3))",
        "seen = ops.transpose(ops.matmul(weights, heads(self.value)), (0, 2, 3, 1))",
        LOOP,
    ),
    Mutant(
        "block: no residual around the attention",
        TRANSFORMER,
        "self.first_norm(sequence + seen)",
        "self.first_norm(seen)",
        (DSIN_FORMULA, BST_FORMULA),
    ),
    Mutant(
        "block: no residual around the network",
        TRANSFORMER,
        "self.second_norm(mixed + self.second_dropout(",
        "self.second_norm(self.second_dropout(",
        (DSIN_FORMULA, BST_FORMULA),
    ),
    Mutant(
        "DSIN: the LSTM reads sessions that are not there",
        DSIN,
        'interests, mask=ops.cast(session_mask, "bool")\n',
        "interests\n",
        LSTM,
    ),
    Mutant(
        "DSIN: zeros written where the backward LSTM read something",
        DSIN,
        "self.backward_layer.zero_output_for_mask = False",
        "self.backward_layer.zero_output_for_mask = True",
        LSTM,
    ),
    Mutant(
        "block: Dice sees padding",
        TRANSFORMER,
        "self.expand(mixed, step_mask=step_mask, training=training)",
        "self.expand(mixed, training=training)",
        f"{TEST_DSIN}::test_dice_in_the_block_counts_real_steps_only",
    ),
    Mutant(
        "DSIN: one attention for both",
        DSIN,
        "weights = attend(vectors, request.candidate, session_mask)",
        "weights = attend(interests, request.candidate, session_mask)",
        DSIN_FORMULA,
    ),
    Mutant(
        "DSIN: a place's bias for every unit",
        DSIN,
        'name="position", shape=(steps, 1)',
        'name="position", shape=(steps, width)',
        f"{TEST_DSIN}::test_one_block_serves_all_sessions",
    ),
    Mutant(
        "DSIN: a session that nobody had has attention",
        DSIN,
        "ops.max(step_mask, axis=-1)",
        "ops.ones_like(step_mask[..., 0])",
        f"{TEST_DSIN}::test_both_attentions_sum_to_one_over_real_sessions",
    ),
    Mutant(
        "BST: the candidate first",
        BST,
        "ops.concatenate([history, ops.expand_dims(last, 1)], axis=1)",
        "ops.concatenate([ops.expand_dims(last, 1), history], axis=1)",
        BST_FORMULA,
    ),
    Mutant(
        "BST: padding goes on to the network",
        BST,
        " * ops.expand_dims(mask, -1)  # nothing",
        "  # nothing",
        f"{TEST_BST}::test_what_stands_at_padding_does_not_reach_the_network",
    ),
    Mutant(
        "BST: the candidate is not looked at",
        BST,
        "[request.mask, ops.ones_like(request.mask[:, :1])]",
        "[request.mask, ops.zeros_like(request.mask[:, :1])]",
        BST_FORMULA,
    ),
]
