"""Mistakes in DCN, xDeepFM and the parts of recsys_lib/higher_order that the tests must reject."""

from runner import Mutant

DCN = "recsys_lib/higher_order/dcn.py"
XDEEPFM = "recsys_lib/higher_order/xdeepfm.py"
PARTS = "recsys_lib/higher_order/parts.py"
TEST_DCN = "higher_order/test_dcn.py"
TEST_XDEEPFM = "higher_order/test_xdeepfm.py"
TEST_AUTOINT = "higher_order/test_autoint.py"
DCN_FORMULA = f"{TEST_DCN}::test_the_model_equals_its_formula"
DCN_DEGREE = f"{TEST_DCN}::test_along_a_ray_the_crosses_are_a_polynomial_of_degree_layers_plus_one"
DCN_BIAS = f"{TEST_DCN}::test_the_bias_stands_outside_the_product_in_dcn_and_inside_in_dcn_v2"
DCN_PARAMETERS = f"{TEST_DCN}::test_parameters"
CIN_FORMULA = f"{TEST_XDEEPFM}::test_the_model_equals_its_formula"
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
        "outputs.append(network(first))",
        "outputs.append(network(current))",
        DCN_FORMULA,
    ),
    Mutant(
        "dcn: the crosses are left out of the logit",
        DCN,
        "    outputs = [current]\n",
        "    outputs = [current] if hidden_units is None else []\n",
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
        "elif self.rank > width:",
        "elif False:",
        f"{TEST_DCN}::test_bad_input_is_named",
    ),
    Mutant(
        "dcn v2: the rank is not saved",
        DCN,
        'return {**super().get_config(), "rank": self.rank}',
        "return super().get_config()",
        f"{TEST_DCN}::test_saving_padding_and_rows",
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
        "    pooled = pooled[0] if len(pooled) == 1 else ops.concatenate(pooled, axis=1)\n",
        "    pooled = pooled[-1]\n",
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
        "    if linear:\n",
        "    if False:\n",
        (f"{TEST_XDEEPFM}::test_parameters", CIN_FORMULA),
    ),
    Mutant(
        "xdeepfm: the network reads the pooled maps",
        XDEEPFM,
        "deep_logit(flatten_fields(fields), hidden_units",
        "deep_logit(pooled, hidden_units",
        (f"{TEST_XDEEPFM}::test_parameters", CIN_FORMULA),
    ),
    Mutant(
        "parts: the network's logit has a bias",
        PARTS,
        'Dense(1, use_bias=False, name="deep_logit")',
        'Dense(1, name="deep_logit")',
        (f"{TEST_XDEEPFM}::test_parameters", AUTOINT_PARAMETERS),
    ),
    Mutant(
        "parts: counts may be fractions",
        PARTS,
        "not isinstance(value, int) or value < minimum",
        "value < minimum",
        (f"{TEST_DCN}::test_bad_input_is_named", f"{TEST_AUTOINT}::test_bad_input_is_named"),
    ),
]
