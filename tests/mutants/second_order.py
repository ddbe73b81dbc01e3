"""Mistakes in the pairs, FM, FwFM, polynomial, AFM and NFM that the tests must reject."""

from runner import Mutant

INTERACTIONS = "recsys_lib/second_order/interactions.py"
FM = "recsys_lib/second_order/fm.py"
FWFM = "recsys_lib/second_order/fwfm.py"
AFM = "recsys_lib/second_order/afm.py"
NFM = "recsys_lib/second_order/nfm.py"
POLYNOMIAL = "recsys_lib/second_order/polynomial.py"
TEST_INTERACTIONS = "second_order/test_interactions.py"
TEST_FM = "second_order/test_fm.py"
TEST_FWFM = "second_order/test_fwfm.py"
TEST_AFM = "second_order/test_afm.py"
TEST_NFM = "second_order/test_nfm.py"
TEST_POLYNOMIAL = "second_order/test_polynomial.py"
TEST_MODELS = "second_order/test_models.py"
FORMULA = "::test_probabilities_equal_the_formula"
LINEAR = "logits = [linear_logit(inputs, feature_columns, l2=linear_l2), "
STILL_LEARNS = f"{TEST_MODELS}::test_with_embeddings_at_zero_the_linear_term_still_learns"
SUM_OF_PAIRS = (
    f"{TEST_INTERACTIONS}::test_the_sum_of_pairs_in_linear_time_equals_the_loop_over_pairs"
)
PICK = f"{TEST_INTERACTIONS}::test_picking_equals_indexing_and_so_does_its_gradient"

MUTANTS = [
    Mutant(
        "pairs: a field with itself",
        INTERACTIONS,
        "np.triu_indices(num_fields, k=1)",
        "np.triu_indices(num_fields, k=0)",
        f"{TEST_INTERACTIONS}::test_pairs_are_all_i_below_j_in_lexical_order",
    ),
    Mutant(
        "pairs: in another order",
        INTERACTIONS,
        "np.triu_indices(num_fields, k=1)",
        "np.tril_indices(num_fields, k=-1)[::-1]",
        f"{TEST_INTERACTIONS}::test_pairs_are_all_i_below_j_in_lexical_order",
    ),
    Mutant(
        "pairs: one field is enough",
        INTERACTIONS,
        "if num_fields < 2:",
        "if num_fields < 0:",
        f"{TEST_MODELS}::test_a_single_field_is_refused",
    ),
    Mutant(
        "pairs: a matrix with one half empty",
        INTERACTIONS,
        "    matrix[..., second, first] = values\n",
        "",
        f"{TEST_INTERACTIONS}::test_a_matrix_holds_each_value_twice_and_nothing_on_its_diagonal",
    ),
    Mutant(
        "pick: the gradient of a field picked twice counts once",
        INTERACTIONS,
        "return tf.matmul(weights, upstream)",
        "once = tf.cast(tf.cumsum(weights, axis=1) < 2, weights.dtype)\n"
        "                return tf.matmul(weights * once, upstream)",
        PICK,
    ),
    Mutant(
        "pick: no gradient along the outermost axis",
        INTERACTIONS,
        "return tf.reshape(tf.matmul(weights, flat), tf.shape(fields))",
        "return tf.zeros_like(fields)",
        PICK,
    ),
    Mutant(
        "pairwise products: sums",
        INTERACTIONS,
        "return self.first(fields) * self.second(fields)",
        "return self.first(fields) + self.second(fields)",
        f"{TEST_INTERACTIONS}::test_pairwise_products_equal_the_loop",
    ),
    Mutant(
        "pairwise inner products: one column off",
        INTERACTIONS,
        "self.pairs[0] * self.num_fields + self.pairs[1]",
        "self.pairs[0] * (self.num_fields - 1) + self.pairs[1]",
        f"{TEST_INTERACTIONS}::test_pairwise_inner_products_equal_the_loop",
    ),
    Mutant(
        "sum of pairs: the half is missing",
        INTERACTIONS,
        "return 0.5 * (square_of_sum - sum_of_squares)",
        "return square_of_sum - sum_of_squares",
        (SUM_OF_PAIRS, f"{TEST_FM}::test_a_worked_example"),
    ),
    Mutant(
        "sum of pairs: squares are not taken off",
        INTERACTIONS,
        "return 0.5 * (square_of_sum - sum_of_squares)",
        "return 0.5 * square_of_sum",
        SUM_OF_PAIRS,
    ),
    Mutant(
        "sum of pairs: squared before it is summed",
        INTERACTIONS,
        "ops.square(ops.sum(fields, axis=1))",
        "ops.sum(ops.square(fields), axis=1)",
        SUM_OF_PAIRS,
    ),
    Mutant(
        "sum of pairs: over the width instead of the fields",
        INTERACTIONS,
        "square_of_sum = ops.square(ops.sum(fields, axis=1))",
        "square_of_sum = ops.square(ops.sum(fields, axis=2))",
        SUM_OF_PAIRS,
    ),
    Mutant(
        "FM: without the linear term",
        FM,
        LINEAR + "second_order]",
        "logits = [second_order]",
        STILL_LEARNS,
    ),
    Mutant(
        "FM: the mean over the width",
        FM,
        "return ops.sum(super().call(fields), axis=1, keepdims=True)",
        "return ops.mean(super().call(fields), axis=1, keepdims=True)",
        f"{TEST_FM}::test_the_second_order_term_equals_the_double_loop",
    ),
    Mutant(
        "FwFM: the strengths start at zero",
        FWFM,
        'initializer="ones"',
        'initializer="zeros"',
        f"{TEST_FWFM}::test_it_starts_as_a_factorization_machine",
    ),
    Mutant(
        "FwFM: the strengths are left out",
        FWFM,
        "return values * self.weight",
        "return values",
        f"{TEST_FWFM}::test_probabilities_and_terms_equal_the_formula",
    ),
    Mutant(
        "FwFM: the linear term is left out",
        FWFM,
        LINEAR + "second_order]",
        "logits = [second_order]",
        STILL_LEARNS,
    ),
    Mutant(
        "polynomial: hashed at the default size whatever is asked",
        POLYNOMIAL,
        "        max_cross_rows=max_cross_rows,\n",
        "",
        f"{TEST_POLYNOMIAL}::test_the_options_of_hashing_and_the_task_are_passed_on",
    ),
    Mutant(
        "polynomial: one pair alone",
        POLYNOMIAL,
        "        tasks,\n        max_cross_rows=",
        '        tasks,\n        cross_pairs=[("user_id", "movie_id")],\n        max_cross_rows=',
        f"{TEST_POLYNOMIAL}::test_it_is_the_wide_model_over_all_pairs",
    ),
    Mutant(
        "AFM: softmax over an axis of length one",
        AFM,
        "return tf.nn.softmax(scores - 1e4 * (1 - both), axis=1)",
        "scores = ops.expand_dims(scores - 1e4 * (1 - both), -1)\n"
        "        return ops.squeeze(tf.nn.softmax(scores, axis=-1), -1)",
        f"{TEST_AFM}::test_weights_sum_to_one_over_the_pairs_of_a_row_and_differ",
    ),
    Mutant(
        "AFM: the attention network gets no gradient",
        AFM,
        "return tf.nn.softmax(scores - 1e4 * (1 - both), axis=1)",
        "return tf.nn.softmax(ops.stop_gradient(scores) - 1e4 * (1 - both), axis=1)",
        f"{TEST_AFM}::test_the_attention_network_gets_a_gradient",
    ),
    Mutant(
        "AFM: softmax over the rows of the batch",
        AFM,
        "return tf.nn.softmax(scores - 1e4 * (1 - both), axis=1)",
        "return tf.nn.softmax(scores - 1e4 * (1 - both), axis=0)",
        f"{TEST_AFM}::test_weights_sum_to_one_over_the_pairs_of_a_row_and_differ",
    ),
    Mutant(
        "AFM: softmax over the hidden units, before the projection",
        AFM,
        "hidden = self.activation(hidden)",
        "hidden = ops.softmax(hidden, axis=-1)",
        f"{TEST_AFM}{FORMULA}",
    ),
    Mutant(
        "AFM: pooled before the softmax",
        AFM,
        "hidden = ops.matmul(products, self.kernel) + self.bias",
        "pooled = ops.sum(products, axis=1, keepdims=True) + 0 * products\n"
        "        hidden = ops.matmul(pooled, self.kernel) + self.bias",
        f"{TEST_AFM}::test_weights_sum_to_one_over_the_pairs_of_a_row_and_differ",
    ),
    Mutant(
        "AFM: scores without a rectifier",
        AFM,
        "        hidden = self.activation(hidden)\n",
        "",
        f"{TEST_AFM}{FORMULA}",
    ),
    Mutant(
        "AFM: always a rectifier",
        AFM,
        "hidden = self.activation(hidden)",
        "hidden = ops.relu(hidden)",
        f"{TEST_AFM}{FORMULA}",
    ),
    Mutant(
        "AFM: the activation is not handed on",
        AFM,
        'PairAttention(attention_dim, attention_l2, activation, name="afm_attention")',
        'PairAttention(attention_dim, attention_l2, name="afm_attention")',
        f"{TEST_AFM}{FORMULA}",
    ),
    Mutant(
        "AFM: dropout of the weights acts on the products",
        AFM,
        "        weights = dropout(weights)\n",
        "        products = dropout(products)\n",
        f"{TEST_AFM}::test_dropout_of_the_weights_takes_whole_pairs_from_the_sum",
    ),
    Mutant(
        "AFM: weights that are left are raised to a sum of one again",
        AFM,
        "        weights = dropout(weights)\n",
        "        weights = dropout(weights)\n"
        "        weights = weights / (ops.sum(weights, axis=1, keepdims=True) + 1e-9)\n",
        f"{TEST_AFM}::test_dropout_of_the_weights_takes_whole_pairs_from_the_sum",
    ),
    Mutant(
        "AFM: absent features take attention",
        AFM,
        "1e4 * (1 - both)",
        "0.0 * (1 - both)",
        f"{TEST_AFM}::test_an_absent_feature_leaves_the_weights_of_the_others_alone",
    ),
    Mutant(
        "AFM: one present feature makes a pair",
        AFM,
        "both = ops.take(present, self.pairs[0], axis=1) * ops.take(",
        "both = ops.take(present, self.pairs[0], axis=1) + 0 * ops.take(",
        f"{TEST_AFM}::test_an_absent_feature_leaves_the_weights_of_the_others_alone",
    ),
    Mutant(
        "AFM: an exclusion that overflows in half precision",
        AFM,
        "1e4 * (1 - both)",
        "1e9 * (1 - both)",
        f"{TEST_AFM}::test_half_precision_leaves_nothing_of_an_absent_pair",
    ),
    Mutant(
        "AFM: dropout on the embeddings",
        AFM,
        '    products = PairwiseProduct(name="afm_pairs")(fields)  # (batch, pairs, dim)\n'
        '    products = keras.layers.Dropout(dropout_rate, name="afm_pairs_dropout")(products)\n',
        '    fields = keras.layers.Dropout(dropout_rate, name="afm_pairs_dropout")(fields)\n'
        '    products = PairwiseProduct(name="afm_pairs")(fields)  # (batch, pairs, dim)\n',
        f"{TEST_AFM}::test_dropout_sits_on_the_products_that_attention_and_sum_both_read",
    ),
    Mutant(
        "AFM: dropout on the weights",
        AFM,
        'pooled = WeightedSum(name="afm_pooled")(weights, products)',
        'pooled = WeightedSum(name="afm_pooled")('
        "keras.layers.Dropout(dropout_rate)(weights), products)",
        f"{TEST_AFM}::test_dropout_sits_on_the_products_that_attention_and_sum_both_read",
    ),
    Mutant(
        "AFM: the mean of the weighted products",
        AFM,
        "return ops.squeeze(pooled, axis=1)",
        "return ops.squeeze(pooled, axis=1) / weights.shape[1]",
        f"{TEST_AFM}::"
        "test_equal_weights_and_ones_give_the_factorization_machine_over_the_number_of_pairs",
    ),
    Mutant(
        "AFM: the penalty reaches the projection",
        AFM,
        'shape=(self.attention_dim, 1), initializer="glorot_uniform"\n',
        'shape=(self.attention_dim, 1), initializer="glorot_uniform",\n'
        "            regularizer=keras.regularizers.L2(self.l2) if self.l2 else None,\n",
        f"{TEST_AFM}::test_the_penalty_is_on_the_attention_matrix_and_on_nothing_else",
    ),
    Mutant(
        "AFM: the linear term is left out",
        AFM,
        LINEAR + "logit]",
        "logits = [logit]",
        STILL_LEARNS,
    ),
    Mutant(
        "NFM: summed to a scalar before the network",
        NFM,
        'hidden = BiInteraction(name="bi_interaction")(fields)  # (batch, dim)',
        'hidden = BiInteraction(name="bi_interaction")(fields)\n'
        "    hidden = keras.ops.sum(hidden, axis=1, keepdims=True)",
        f"{TEST_NFM}::test_the_parameters_are_counted",
    ),
    Mutant(
        "NFM: an activation where there is no hidden layer",
        NFM,
        "    if hidden_units:\n",
        '    hidden = keras.layers.Activation("relu")(hidden)\n    if hidden_units:\n',
        f"{TEST_NFM}::test_without_hidden_layers_and_with_ones_it_is_the_factorization_machine",
    ),
    Mutant(
        "NFM: dropout on the embeddings",
        NFM,
        'hidden = BiInteraction(name="bi_interaction")(fields)',
        'hidden = BiInteraction(name="bi_interaction")('
        "keras.layers.Dropout(interaction_dropout_rate)(fields))\n"
        "    interaction_dropout_rate = 0.0",
        f"{TEST_NFM}::test_normalization_and_dropout_sit_on_the_pooled_pairs_in_this_order",
    ),
    Mutant(
        "NFM: dropout before the normalization",
        NFM,
        "    if batch_normalization:\n",
        "    hidden = keras.layers.Dropout(interaction_dropout_rate)(hidden)\n"
        "    interaction_dropout_rate = 0.0\n"
        "    if batch_normalization:\n",
        f"{TEST_NFM}::test_normalization_and_dropout_sit_on_the_pooled_pairs_in_this_order",
    ),
    Mutant(
        "NFM: the usual momentum",
        NFM,
        'normalization_layer(batch_normalization, "nfm_normalization")',
        'normalization_layer({"momentum": 0.99}, "nfm_normalization")',
        f"{TEST_NFM}::test_normalization_moves_by_a_tenth_and_reaches_the_hidden_layers",
    ),
    Mutant(
        "NFM: hidden layers without normalization",
        NFM,
        'hidden_units, activation, dropout_rate, batch_normalization, name="nfm_hidden"',
        'hidden_units, activation, dropout_rate, name="nfm_hidden"',
        f"{TEST_NFM}::test_normalization_moves_by_a_tenth_and_reaches_the_hidden_layers",
    ),
    Mutant(
        "NFM: the linear term is left out",
        NFM,
        LINEAR + "logit]",
        "logits = [logit]",
        STILL_LEARNS,
    ),
]
