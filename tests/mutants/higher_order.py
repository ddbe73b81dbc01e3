"""Mistakes in DCN, xDeepFM and the parts of recsys_lib/higher_order that the tests must reject."""

from runner import Mutant

DCN = "recsys_lib/higher_order/dcn.py"
XDEEPFM = "recsys_lib/higher_order/xdeepfm.py"
BLOCKS = "recsys_lib/layers/blocks.py"
CHECKS = "recsys_lib/checks.py"
TEST_DCN = "higher_order/test_dcn.py"
TEST_XDEEPFM = "higher_order/test_xdeepfm.py"
TEST_AUTOINT = "higher_order/test_autoint.py"
DCN_FORMULA = f"{TEST_DCN}::test_the_model_equals_its_formula"
DCN_DEGREE = f"{TEST_DCN}::test_along_a_ray_the_crosses_are_a_polynomial_of_degree_layers_plus_one"
DCN_BIAS = f"{TEST_DCN}::test_the_bias_stands_outside_the_product_in_dcn_and_inside_in_dcn_v2"
DCN_PARAMETERS = f"{TEST_DCN}::test_parameters"
CIN_FORMULA = f"{TEST_XDEEPFM}::test_the_model_equals_its_formula"
CIN_ALONE = f"{TEST_XDEEPFM}::test_build_cin_is_the_model_without_its_other_parts"
CIN_LOOPS = f"{TEST_XDEEPFM}::test_the_loop_forms_give_the_same_maps"
CIN_SQUARE = f"{TEST_XDEEPFM}::test_one_map_of_ones_pools_to_the_square_of_the_sum"
AUTOINT_PARAMETERS = f"{TEST_AUTOINT}::test_parameters"

CROSSES = """    for depth in range(1, num_cross_layers + 1):
        current = cross_layer(name=f"cross_{depth}")(first, current)
"""

MUTANTS = [
    Mutant(
        "dcn: one weight for all layers",
        DCN,
        CROSSES,
        """    shared = cross_layer(name="cross_1")
    for _ in range(num_cross_layers):
        current = shared(first, current)
""",
        DCN_PARAMETERS,
    ),
    Mutant(
        "dcn: the bias inside the product",
        DCN,
        "return first * projection + self.bias + current",
        "return first * (projection + self.bias) + current",
        (DCN_BIAS, DCN_FORMULA),
    ),
    Mutant(
        "dcn: no residual",
        DCN,
        "return first * projection + self.bias + current",
        "return first * projection + self.bias",
        (DCN_BIAS, DCN_FORMULA),
    ),
    Mutant(
        "dcn: the product with the current input",
        DCN,
        "return first * projection + self.bias + current",
        "return current * projection + self.bias + current",
        (DCN_DEGREE, DCN_FORMULA),
    ),
    Mutant(
        "dcn: the projection of the first input",
        DCN,
        "projection = ops.matmul(current, self.kernel)",
        "projection = ops.matmul(first, self.kernel)",
        (DCN_DEGREE, DCN_FORMULA),
    ),
    Mutant(
        "dcn: an activation between the layers",
        DCN,
        "return first * projection + self.bias + current",
        "return ops.relu(first * projection + self.bias + current)",
        (DCN_DEGREE, DCN_FORMULA),
    ),
    Mutant(
        "dcn: one layer too few",
        DCN,
        "for depth in range(1, num_cross_layers + 1):",
        "for depth in range(1, num_cross_layers):",
        (DCN_PARAMETERS, DCN_FORMULA),
    ),
    Mutant(
        "dcn: the network reads the crosses",
        DCN,
        'outputs.append(MLP(**network, name="deep")(first))',
        'outputs.append(MLP(**network, name="deep")(current))',
        DCN_FORMULA,
    ),
    Mutant(
        "dcn: the crosses are left out of the logit",
        DCN,
        "    outputs = [current]\n",
        '    outputs = [] if network["hidden_units"] else [current]\n',
        (DCN_PARAMETERS, DCN_FORMULA),
    ),
    Mutant(
        "dcn: a second bias",
        DCN,
        'Dense(1, use_bias=False, name="logit")',
        'Dense(1, name="logit")',
        DCN_PARAMETERS,
    ),
    Mutant(
        "dcn v2: the bias outside the product",
        DCN,
        "return first * (product + self.bias) + current",
        "return first * product + self.bias + current",
        (DCN_BIAS, DCN_FORMULA),
    ),
    Mutant(
        "dcn v2: no residual",
        DCN,
        "return first * (product + self.bias) + current",
        "return first * (product + self.bias)",
        (DCN_BIAS, DCN_FORMULA),
    ),
    Mutant(
        "dcn v2: the product with the current input",
        DCN,
        "return first * (product + self.bias) + current",
        "return current * (product + self.bias) + current",
        (DCN_DEGREE, DCN_FORMULA),
    ),
    Mutant(
        "dcn v2: the low rank is ignored",
        DCN,
        "if self.rank is None:\n            # Stored",
        "if True:\n            self.rank = None\n            # Stored",
        DCN_PARAMETERS,
    ),
    Mutant(
        "dcn v2: the factors swapped",
        DCN,
        "ops.matmul(ops.matmul(current, self.v), ops.transpose(self.u))",
        "ops.matmul(ops.matmul(current, self.u), ops.transpose(self.v))",
        (f"{TEST_DCN}::test_low_rank_of_a_factored_matrix_equals_the_full_layer", DCN_FORMULA),
    ),
    Mutant(
        "dcn v2: a rank above the width",
        DCN,
        "if rank > width:",
        "if False:",
        f"{TEST_DCN}::test_bad_input_is_named",
    ),
    Mutant(
        "dcn v2: the rank is not saved",
        DCN,
        'return {**super().get_config(), "rank": self.rank}',
        "return super().get_config()",
        f"{TEST_DCN}::test_the_low_rank_comes_back_from_its_configuration",
    ),
    Mutant(
        "dcn: the network is not normalised",
        DCN,
        'outputs.append(MLP(**network, name="deep")(first))',
        'outputs.append(MLP(**{**network, "batch_normalization": False}, name="deep")(first))',
        DCN_PARAMETERS,
    ),
    Mutant(
        "dcn: batch_normalization is not handed on",
        DCN,
        """        CrossLayer,
        feature_columns,
        tasks,
        num_cross_layers,
        {
            "embedding_dim": embedding_dim,
            "embeddings_initializer": embeddings_initializer,
            "l2": check_l2(feature_columns, embedding_l2),
        },
        {
            "hidden_units": hidden_units,
            "activation": activation,
            "dropout_rate": dropout_rate,
            "batch_normalization": batch_normalization,
""",
        """        CrossLayer,
        feature_columns,
        tasks,
        num_cross_layers,
        {
            "embedding_dim": embedding_dim,
            "embeddings_initializer": embeddings_initializer,
            "l2": check_l2(feature_columns, embedding_l2),
        },
        {
            "hidden_units": hidden_units,
            "activation": activation,
            "dropout_rate": dropout_rate,
""",
        DCN_PARAMETERS,
    ),
    Mutant(
        "cin: each layer crosses with the layer before",
        XDEEPFM,
        "(fields, maps)  # (batch, size, D)",
        "(maps, maps)  # (batch, size, D)",
        (f"{TEST_XDEEPFM}::test_parameters", CIN_FORMULA),
    ),
    Mutant(
        "cin: maps are activated by default",
        XDEEPFM,
        "return self.activation(ops.transpose(new_maps, (0, 2, 1)))",
        "return ops.relu(ops.transpose(new_maps, (0, 2, 1)))",
        (f"{TEST_XDEEPFM}::test_maps_have_no_activation_by_default", CIN_FORMULA),
    ),
    Mutant(
        "cin: the activation is ignored",
        XDEEPFM,
        "CINLayer(size, activation, name=",
        "CINLayer(size, None, name=",
        CIN_FORMULA,
    ),
    Mutant(
        "xdeepfm: cin_activation is not handed on",
        XDEEPFM,
        "compressed_interaction(fields, cin_layer_sizes, cin_activation, split_half)",
        "compressed_interaction(fields, cin_layer_sizes, None, split_half)",
        CIN_FORMULA,
    ),
    Mutant(
        "build_cin: cin_activation is not handed on",
        XDEEPFM,
        "        hidden_units=(),\n        cin_activation=cin_activation,\n",
        "        hidden_units=(),\n",
        CIN_ALONE,
    ),
    Mutant(
        "build_cin: split_half is not handed on",
        XDEEPFM,
        "        split_half=split_half,\n        linear=False,\n",
        "        linear=False,\n",
        CIN_ALONE,
    ),
    Mutant(
        "cin: pooled over the maps",
        XDEEPFM,
        "pooled.append(ops.sum(to_pool, axis=2))",
        "pooled.append(ops.sum(to_pool, axis=1))",
        (CIN_SQUARE, CIN_FORMULA),
    ),
    Mutant(
        "cin: the mean instead of the sum",
        XDEEPFM,
        "pooled.append(ops.sum(to_pool, axis=2))",
        "pooled.append(ops.mean(to_pool, axis=2))",
        (CIN_SQUARE, CIN_FORMULA),
    ),
    Mutant(
        "cin: rows reshaped without turning them first",
        XDEEPFM,
        "ops.expand_dims(ops.transpose(maps, (0, 2, 1)), 2)",
        "ops.reshape(maps, (-1, maps.shape[2], 1, maps.shape[1]))",
        (CIN_LOOPS, f"{TEST_XDEEPFM}::test_crosses_are_vector_wise"),
    ),
    Mutant(
        "cin: new maps reshaped without turning them back",
        XDEEPFM,
        "self.activation(ops.transpose(new_maps, (0, 2, 1)))",
        "self.activation(ops.reshape(new_maps, (-1, self.num_maps, dim)))",
        (CIN_LOOPS, f"{TEST_XDEEPFM}::test_crosses_are_vector_wise"),
    ),
    Mutant(
        "cin: the kernel's axes swapped",
        XDEEPFM,
        "shape=(fields_shape[1], maps_shape[1], self.num_maps)",
        "shape=(maps_shape[1], fields_shape[1], self.num_maps)",
        CIN_FORMULA,
    ),
    Mutant(
        "cin: only the last layer is pooled",
        XDEEPFM,
        'keras.layers.Identity(name="cin_pooled")(side_by_side(pooled))',
        'keras.layers.Identity(name="cin_pooled")(pooled[-1])',
        (f"{TEST_XDEEPFM}::test_parameters", CIN_FORMULA),
    ),
    Mutant(
        "cin: halves by default",
        XDEEPFM,
        "if split_half and depth < len(layer_sizes):",
        "if depth < len(layer_sizes) and size % 2 == 0:",
        CIN_FORMULA,
    ),
    Mutant(
        "cin: halves in the last layer too",
        XDEEPFM,
        "if split_half and depth < len(layer_sizes):",
        "if split_half:",
        f"{TEST_XDEEPFM}::test_parameters",
    ),
    Mutant(
        "cin: the half that is passed on is pooled",
        XDEEPFM,
        "maps, to_pool = maps[:, : size // 2], maps[:, size // 2 :]",
        "maps = to_pool = maps[:, : size // 2]",
        CIN_FORMULA,
    ),
    Mutant(
        "xdeepfm: no linear term",
        XDEEPFM,
        '    if check_bool("linear", linear):\n',
        "    if False:\n",
        (f"{TEST_XDEEPFM}::test_parameters", CIN_FORMULA),
    ),
    Mutant(
        "xdeepfm: the network reads the pooled maps",
        XDEEPFM,
        "            flatten_fields(fields),\n",
        "            pooled,\n",
        (f"{TEST_XDEEPFM}::test_parameters", CIN_FORMULA),
    ),
    Mutant(
        "parts: the network's logit has a bias",
        BLOCKS,
        'keras.layers.Dense(1, use_bias=False, name=f"{name}_logit")',
        'keras.layers.Dense(1, name=f"{name}_logit")',
        (f"{TEST_XDEEPFM}::test_parameters", AUTOINT_PARAMETERS),
    ),
    Mutant(
        "parts: counts may be fractions",
        CHECKS,
        "if not is_integer or value < minimum or",
        "if value < minimum or",
        (f"{TEST_DCN}::test_bad_input_is_named", f"{TEST_AUTOINT}::test_bad_input_is_named"),
    ),
]
