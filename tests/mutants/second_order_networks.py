"""Mistakes in PNN, FiBiNET, DeepFM and the loops that the tests must reject."""

from runner import Mutant

INTERACTIONS = "recsys_lib/second_order/interactions.py"
PNN = "recsys_lib/second_order/pnn.py"
FIBINET = "recsys_lib/second_order/fibinet.py"
DEEPFM = "recsys_lib/second_order/deepfm.py"
LOOPS = "recsys_lib/loops/crosses.py"
TEST_INTERACTIONS = "second_order/test_interactions.py"
TEST_PNN = "second_order/test_pnn.py"
TEST_FIBINET = "second_order/test_fibinet.py"
TEST_DEEPFM = "second_order/test_deepfm.py"
TEST_MODELS = "second_order/test_models.py"
TEST_LOOPS = "benchmarks/test_loops.py"
FORMULA = "::test_probabilities_equal_the_formula"
LINEAR = "logits = [linear_logit(inputs, feature_columns, l2=linear_l2), "
STILL_LEARNS = f"{TEST_MODELS}::test_with_embeddings_at_zero_the_linear_term_still_learns"
INNER = "inner = ops.matmul(fields, ops.transpose(fields, (0, 2, 1)))"
SIGNAL = "return ops.matmul(ops.reshape(inner, (-1, num_products)), ops.transpose(weights))"

MUTANTS = [
    Mutant(
        "PNN: the signals are concatenated",
        PNN,
        """        shape = tuple(input_shape[0])
        self.bias = self.add_weight(name="bias", shape=shape[-1:], initializer="zeros")
        if self.batch_normalization:
            self.normalization.build(shape)
        self.activation_layer.build(shape)

    def call(self, signals, training=None):
        total = sum(signals[1:], start=signals[0]) + self.bias
""",
        """        shape = (input_shape[0][0], sum(s[-1] for s in input_shape))
        self.bias = self.add_weight(name="bias", shape=shape[-1:], initializer="zeros")
        if self.batch_normalization:
            self.normalization.build(shape)
        self.activation_layer.build(shape)

    def call(self, signals, training=None):
        total = ops.concatenate(signals, axis=-1) + self.bias
""",
        (
            f"{TEST_PNN}::test_signals_are_added_with_one_bias_before_the_rectifier",
            f"{TEST_PNN}::test_the_parameters_are_counted",
        ),
    ),
    Mutant(
        "PNN: a product layer without a rectifier",
        PNN,
        "return self.activation_layer(total)",
        "return total",
        f"{TEST_PNN}::test_signals_are_added_with_one_bias_before_the_rectifier",
    ),
    Mutant(
        "PNN: the quadratic signal alone",
        PNN,
        "total = sum(signals[1:], start=signals[0]) + self.bias",
        "total = sum(signals[2:], start=signals[1]) + self.bias",
        f"{TEST_PNN}::test_signals_are_added_with_one_bias_before_the_rectifier",
    ),
    Mutant(
        "IPNN: the square is missing",
        PNN,
        SIGNAL,
        SIGNAL.replace("return ", "return ops.sqrt(") + ")",
        f"{TEST_PNN}::test_the_inner_signal_equals_the_sum_over_all_pairs",
    ),
    Mutant(
        "IPNN: fields and width swapped",
        PNN,
        INNER,
        "fields = ops.reshape(ops.transpose(fields, (0, 2, 1)), (-1, *fields.shape[1:]))\n"
        "        " + INNER,
        f"{TEST_PNN}::test_permuting_fields_with_their_weights_changes_no_inner_signal",
    ),
    Mutant(
        "IPNN: pairs i = j are taken off",
        PNN,
        INNER,
        INNER + " * (1 - ops.eye(fields.shape[1], dtype=fields.dtype))",
        f"{TEST_PNN}::test_the_inner_signal_equals_the_sum_over_all_pairs",
    ),
    Mutant(
        "IPNN: a sum of vectors for each unit",
        PNN,
        INNER,
        "sums = ops.matmul(self.theta, fields)\n"
        "        return ops.sum(ops.square(sums), axis=-1)\n"
        "        " + INNER,
        f"{TEST_PNN}::test_the_inner_signal_needs_no_vector_for_each_unit",
    ),
    Mutant(
        "PNN: the product layer is normalised after its activation",
        PNN,
        """            total = self.normalization(total, training=training)
        return self.activation_layer(total)""",
        """            return self.normalization(self.activation_layer(total), training=training)
        return self.activation_layer(total)""",
        f"{TEST_PNN}::test_the_product_layer_is_normalised_before_its_activation",
    ),
    Mutant(
        "PNN: the product layer is not normalised",
        PNN,
        'AddedSignals(activation, batch_normalization, name="product_layer")',
        'AddedSignals(activation, name="product_layer")',
        f"{TEST_PNN}::test_the_parameters_are_counted",
    ),
    Mutant(
        "OPNN: outer products of single fields instead of the superposition",
        PNN,
        "outer = ops.expand_dims(total, 2) * ops.expand_dims(total, 1)",
        "outer = ops.matmul(ops.transpose(fields, (0, 2, 1)), fields)",
        f"{TEST_PNN}::test_the_outer_signal_equals_the_superposition_by_brute_force",
    ),
    Mutant(
        "OPNN: pairs i < j alone",
        PNN,
        "outer = ops.expand_dims(total, 2) * ops.expand_dims(total, 1)",
        "outer = ops.expand_dims(total, 2) * ops.expand_dims(total, 1) "
        "- ops.matmul(ops.transpose(fields, (0, 2, 1)), fields)",
        f"{TEST_PNN}::test_the_outer_signal_equals_the_superposition_by_brute_force",
    ),
    Mutant(
        "OPNN: the mean of the fields",
        PNN,
        "total = ops.sum(fields, axis=1)",
        "total = ops.mean(fields, axis=1)",
        f"{TEST_PNN}::test_the_outer_signal_equals_the_superposition_by_brute_force",
    ),
    Mutant(
        "PNN: both means inner",
        PNN,
        """        signals.append(InnerProductSignal(units, name="inner_signal")(fields))
    if products != "inner":""",
        """        signals.append(InnerProductSignal(units, name="inner_signal")(fields))
    if products == "outer":""",
        f"{TEST_PNN}::test_the_parameters_are_counted",
    ),
    Mutant(
        "PNN: matrices start at Keras's scale for a stack",
        PNN,
        """        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.num_pairs, self.embedding_dim, self.embedding_dim),
            initializer=glorot_of_one(self.embedding_dim, self.embedding_dim),""",
        """        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.num_pairs, self.embedding_dim, self.embedding_dim),""",
        f"{TEST_PNN}::test_matrices_start_at_the_scale_of_one_matrix",
    ),
    Mutant(
        "PNN: no dropout after the product layer",
        PNN,
        '        hidden = keras.layers.Dropout(dropout_rate, name="product_dropout")(hidden)\n',
        '        hidden = keras.layers.Dropout(0.0, name="product_dropout")(hidden)\n',
        f"{TEST_PNN}::test_dropout_follows_every_hidden_layer",
    ),
    Mutant(
        "FiBiNET: field weights by a sigmoid",
        FIBINET,
        'senet_activation: Activation = "relu"',
        'senet_activation: Activation = "sigmoid"',
        f"{TEST_FIBINET}::test_the_papers_activation_is_the_default",
    ),
    Mutant(
        "FiBiNET: no rectifier in the bottleneck",
        FIBINET,
        "hidden = ops.relu(ops.matmul(means, self.squeeze_kernel))",
        "hidden = ops.matmul(means, self.squeeze_kernel)",
        f"{TEST_FIBINET}::test_field_weights_equal_the_formula",
    ),
    Mutant(
        "FiBiNET: squeezed to the largest element",
        FIBINET,
        "means = ops.mean(fields, axis=-1)",
        "means = ops.max(fields, axis=-1)",
        f"{TEST_FIBINET}::test_field_weights_equal_the_formula",
    ),
    Mutant(
        "FiBiNET: a bottleneck without units",
        FIBINET,
        "max(1, int(num_fields / self.reduction_ratio))",
        "int(num_fields / self.reduction_ratio)",
        f"{TEST_FIBINET}::test_the_bottleneck_has_a_unit_at_least",
    ),
    Mutant(
        "FiBiNET: both branches share their matrices",
        FIBINET,
        """    products = [
        BilinearInteraction(bilinear, name="bilinear_original")(fields),
        BilinearInteraction(bilinear, name="bilinear_senet")(weighted),
    ]""",
        """    shared = BilinearInteraction(bilinear, name="bilinear_original")
    products = [shared(fields), shared(weighted)]""",
        f"{TEST_FIBINET}::test_the_parameters_are_counted",
    ),
    Mutant(
        "FiBiNET: both branches read the original vectors",
        FIBINET,
        'name="bilinear_senet")(weighted)',
        'name="bilinear_senet")(fields)',
        (f"{TEST_FIBINET}{FORMULA}", f"{TEST_MODELS}::test_gradients_reach_every_trainable_weight"),
    ),
    Mutant(
        "FiBiNET: both branches read the weighted vectors",
        FIBINET,
        'name="bilinear_original")(fields)',
        'name="bilinear_original")(weighted)',
        f"{TEST_FIBINET}{FORMULA}",
    ),
    Mutant(
        "FiBiNET: the second member is turned",
        FIBINET,
        "left = self.first(ops.matmul(fields, self.kernel))",
        "left = self.second(ops.matmul(fields, self.kernel))",
        f"{TEST_FIBINET}::test_bilinear_products_equal_the_loop",
    ),
    Mutant(
        "FiBiNET: each field's matrix by its second member",
        FIBINET,
        'ops.einsum("bfd,fde->bfe", fields[:, :-1], self.kernel)',
        'ops.einsum("bfd,fde->bfe", fields[:, :-1], self.kernel[::-1])',
        f"{TEST_FIBINET}::test_bilinear_products_equal_the_loop",
    ),
    Mutant(
        "bilinear: matrices are transposed",
        INTERACTIONS,
        "turned = ops.matmul(pick(by_field, self.pairs[0], axis=0), kernel)",
        "turned = ops.matmul("
        "pick(by_field, self.pairs[0], axis=0), ops.transpose(kernel, (0, 2, 1)))",
        f"{TEST_FIBINET}::test_bilinear_products_equal_the_loop",
    ),
    Mutant(
        "FiBiNET: matrices start at Keras's scale for a stack",
        FIBINET,
        "            initializer=glorot_of_one(self.embedding_dim, self.embedding_dim),\n",
        "",
        f"{TEST_FIBINET}::test_every_matrix_starts_at_the_scale_of_one_matrix",
    ),
    Mutant(
        "FiBiNET: the linear term is left out",
        FIBINET,
        LINEAR + "logit]",
        "logits = [logit]",
        STILL_LEARNS,
    ),
    Mutant(
        "DeepFM: always two tables",
        DEEPFM,
        'if not check_bool("shared_embedding", shared_embedding):',
        "if True:",
        (
            f"{TEST_DEEPFM}::test_one_row_of_the_shared_table_moves_both_parts",
            f"{TEST_DEEPFM}::test_the_parameters_are_counted",
        ),
    ),
    Mutant(
        "DeepFM: always one table",
        DEEPFM,
        'if not check_bool("shared_embedding", shared_embedding):',
        "if False:",
        f"{TEST_DEEPFM}::test_with_two_tables_each_moves_its_own_part",
    ),
    Mutant(
        "DeepFM: the network reads detached vectors",
        DEEPFM,
        "    deep_fields = fields\n",
        "    deep_fields = keras.ops.stop_gradient(fields) * 0\n",
        f"{TEST_DEEPFM}::test_one_row_of_the_shared_table_moves_both_parts",
    ),
    Mutant(
        "DeepFM: the linear term is left out",
        DEEPFM,
        LINEAR + "second_order, deep]",
        "logits = [second_order, deep]",
        STILL_LEARNS,
    ),
    Mutant(
        "DeepFM: the second order is left out",
        DEEPFM,
        LINEAR + "second_order, deep]",
        LINEAR + "deep]",
        f"{TEST_DEEPFM}{FORMULA}",
    ),
    Mutant(
        "loops: the matrix of the second member",
        LOOPS,
        '"each": lambda first, pair: self.kernel[first],',
        '"each": lambda first, pair: self.kernel[first - 1],',
        f"{TEST_LOOPS}::test_the_loop_over_pairs_equals_the_layer",
    ),
    Mutant(
        "loops: a twin with weights of its own",
        LOOPS,
        "    twin.set_weights(model.get_weights())\n",
        "",
        f"{TEST_LOOPS}::test_a_looped_model_predicts_the_same",
    ),
]
