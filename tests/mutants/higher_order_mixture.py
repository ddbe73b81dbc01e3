"""Mistakes in DCN-V2's mixture of low-rank experts that the tests must reject."""

from runner import Mutant

DCN = "recsys_lib/higher_order/dcn.py"
TEST = "higher_order/test_dcn_mixture.py"
LAYER = f"{TEST}::test_the_layer_equals_its_formula"
MODEL = f"{TEST}::test_the_model_equals_its_formula"
EQUAL = f"{TEST}::test_equal_experts_are_one_expert_since_a_softmax_sums_to_one"
UNDECIDED = f"{TEST}::test_with_an_undecided_gate_it_is_the_mean_of_the_experts_matrices"

MUTANTS = [
    Mutant(
        "dcn mixture: softmax over the rows of the batch",
        DCN,
        "GATES[self.gate](ops.matmul(current, self.gate_kernel))",
        "ops.softmax(ops.matmul(current, self.gate_kernel), axis=0)",
        (LAYER, EQUAL),
    ),
    Mutant(
        "dcn mixture: always a softmax",
        DCN,
        "gates = GATES[self.gate](",
        'gates = GATES["softmax"](',
        LAYER,
    ),
    Mutant(
        "dcn mixture: the gate reads the first input",
        DCN,
        "ops.matmul(current, self.gate_kernel)",
        "ops.matmul(first, self.gate_kernel)",
        (LAYER, MODEL),
    ),
    Mutant(
        "dcn mixture: the experts are added without a gate",
        DCN,
        "hidden = hidden * ops.expand_dims(gates, -1)",
        "hidden = hidden * ops.ones_like(ops.expand_dims(gates, -1))",
        (LAYER, UNDECIDED),
    ),
    Mutant(
        "dcn mixture: the bias is not gated",
        DCN,
        "bias = bias * ops.sum(gates, axis=-1, keepdims=True)",
        "bias = bias * ops.ones_like(ops.sum(gates, axis=-1, keepdims=True))",
        LAYER,
    ),
    Mutant(
        "dcn mixture: one activation instead of two",
        DCN,
        "            hidden = self.activation(hidden)\n",
        "",
        LAYER,
    ),
    Mutant(
        "dcn mixture: no activation behind C",
        DCN,
        "hidden = self.activation(self._through_c(hidden))",
        "hidden = self._through_c(hidden)",
        LAYER,
    ),
    Mutant(
        "dcn mixture: C is transposed",
        DCN,
        "ops.matmul(part, ops.transpose(c))",
        "ops.matmul(part, c)",
        LAYER,
    ),
    Mutant(
        "dcn mixture: C is left out",
        DCN,
        "hidden = self.activation(self._through_c(hidden))",
        "hidden = self.activation(hidden + 0 * self._through_c(hidden))",
        LAYER,
    ),
    Mutant(
        "dcn mixture: the product with the current input",
        DCN,
        """        product = ops.matmul(ops.reshape(hidden, (-1, num_hidden)), u)  # (batch, d)
        return first * (product + bias) + current""",
        """        product = ops.matmul(ops.reshape(hidden, (-1, num_hidden)), u)  # (batch, d)
        return current * (product + bias) + current""",
        (LAYER, MODEL),
    ),
    Mutant(
        "dcn mixture: no residual",
        DCN,
        """        product = ops.matmul(ops.reshape(hidden, (-1, num_hidden)), u)  # (batch, d)
        return first * (product + bias) + current""",
        """        product = ops.matmul(ops.reshape(hidden, (-1, num_hidden)), u)  # (batch, d)
        return first * (product + bias)""",
        (LAYER, MODEL),
    ),
    Mutant(
        "dcn mixture: experts and ranks are mixed up",
        DCN,
        "u = ops.reshape(ops.transpose(self.u, (0, 2, 1)), (num_hidden, width))",
        "u = ops.reshape(self.u, (num_hidden, width))",
        (LAYER, UNDECIDED),
    ),
    Mutant(
        "dcn mixture: matrices start at Keras's scale for a stack",
        DCN,
        "                initializer=glorot_of_one(width, self.rank),\n",
        "",
        f"{TEST}::test_experts_start_apart_each_at_the_scale_of_one_matrix",
    ),
    Mutant(
        "dcn mixture: one expert whatever is asked",
        DCN,
        "return MixtureCrossLayer(num_experts, rank, expert_activation, gate, name=name)",
        "return MixtureCrossLayer(1, rank, expert_activation, gate, name=name)",
        (MODEL, f"{TEST}::test_parameters"),
    ),
    Mutant(
        "dcn mixture: expert_activation is not handed on",
        DCN,
        "MixtureCrossLayer(num_experts, rank, expert_activation, gate, name=name)",
        "MixtureCrossLayer(num_experts, rank, None, gate, name=name)",
        (MODEL, f"{TEST}::test_parameters"),
    ),
    Mutant(
        "dcn mixture: gate is not handed on",
        DCN,
        "MixtureCrossLayer(num_experts, rank, expert_activation, gate, name=name)",
        "MixtureCrossLayer(num_experts, rank, expert_activation, name=name)",
        MODEL,
    ),
    Mutant(
        "dcn mixture: an activation never asked for after loading",
        DCN,
        '"activation": None if activation is None else keras.activations.serialize(activation),',
        '"activation": keras.activations.serialize(keras.activations.get(activation)),',
        f"{TEST}::test_the_layer_comes_back_from_its_configuration",
    ),
    Mutant(
        "dcn mixture: experts without a rank",
        DCN,
        "if rank is None and (num_experts > 1 or expert_activation is not None):",
        "if False:",
        f"{TEST}::test_bad_options_are_named",
    ),
]
