"""Mistakes in recsys_lib/higher_order/autoint.py that the tests must reject."""

from runner import Mutant

AUTOINT = "recsys_lib/higher_order/autoint.py"
TEST_AUTOINT = "higher_order/test_autoint.py"
AUTOINT_FORMULA = f"{TEST_AUTOINT}::test_the_model_equals_its_formula"
AUTOINT_ROWS = f"{TEST_AUTOINT}::test_every_field_spreads_a_weight_of_one_over_the_fields"
AUTOINT_RELU = (
    f"{TEST_AUTOINT}::test_without_values_and_with_the_identity_as_projection_a_layer_is_relu"
)
AUTOINT_PARAMETERS = f"{TEST_AUTOINT}::test_parameters"
IDENTITY = "test_the_identity_takes_the_place_of_a_projection_of_equal_width_alone"

MUTANTS = [
    Mutant(
        "autoint: softmax over the queries",
        AUTOINT,
        "weights = ops.softmax(scores, axis=-1)",
        "weights = ops.softmax(scores, axis=-2)",
        (AUTOINT_ROWS, AUTOINT_FORMULA),
    ),
    Mutant(
        "autoint: softmax over the heads",
        AUTOINT,
        "weights = ops.softmax(scores, axis=-1)",
        "weights = ops.softmax(scores, axis=1)",
        (AUTOINT_ROWS, AUTOINT_FORMULA),
    ),
    Mutant(
        "autoint: queries and keys swapped",
        AUTOINT,
        "scores = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2)))",
        "scores = ops.matmul(keys, ops.transpose(queries, (0, 1, 3, 2)))",
        AUTOINT_FORMULA,
    ),
    Mutant(
        "autoint: one kernel for queries and keys",
        AUTOINT,
        "ops.matmul(fields, self.key_kernel)",
        "ops.matmul(fields, self.query_kernel)",
        (f"{TEST_AUTOINT}::test_gradients_reach_every_weight", AUTOINT_FORMULA),
    ),
    Mutant(
        "autoint: scores always scaled",
        AUTOINT,
        "        if self.scale:\n",
        "        if True:\n",
        AUTOINT_FORMULA,
    ),
    Mutant(
        "autoint: scaled by the width of all heads",
        AUTOINT,
        "math.sqrt(self.head_dim)",
        "math.sqrt(self.head_dim * self.num_heads)",
        AUTOINT_FORMULA,
    ),
    Mutant(
        "autoint: the residual projects the values",
        AUTOINT,
        "residual = self.projection_activation(ops.matmul(fields, self.residual_kernel))",
        "residual = values",
        (AUTOINT_RELU, AUTOINT_FORMULA),
    ),
    Mutant(
        "autoint: no residual",
        AUTOINT,
        "outputs = ops.relu(mixed + residual)",
        "outputs = ops.relu(mixed)",
        (AUTOINT_RELU, AUTOINT_FORMULA),
    ),
    Mutant(
        "autoint: ReLU before the sum",
        AUTOINT,
        "outputs = ops.relu(mixed + residual)",
        "outputs = ops.relu(mixed) + residual",
        (AUTOINT_RELU, AUTOINT_FORMULA),
    ),
    Mutant(
        "autoint: no ReLU",
        AUTOINT,
        "outputs = ops.relu(mixed + residual)",
        "outputs = mixed + residual",
        (AUTOINT_RELU, AUTOINT_FORMULA),
    ),
    Mutant(
        "autoint: heads joined without turning them back",
        AUTOINT,
        "ops.transpose(mixed, (0, 2, 1, 3)), (-1,",
        "mixed, (-1,",
        (
            f"{TEST_AUTOINT}::test_heads_differ_and_do_not_mix",
            f"{TEST_AUTOINT}::test_fields_in_another_order_give_the_same_fields_in_that_order",
        ),
    ),
    Mutant(
        "autoint: heads cut without turning them",
        AUTOINT,
        "    vectors = ops.reshape(vectors, (-1, num_fields, num_heads, width // num_heads))\n"
        "    return ops.transpose(vectors, (0, 2, 1, 3))",
        "    return ops.reshape(vectors, (-1, num_heads, num_fields, width // num_heads))",
        (
            f"{TEST_AUTOINT}::test_heads_differ_and_do_not_mix",
            f"{TEST_AUTOINT}::test_fields_in_another_order_give_the_same_fields_in_that_order",
        ),
    ),
    Mutant(
        "autoint: attention runs across the batch",
        AUTOINT,
        "weights = ops.softmax(scores, axis=-1)",
        "weights = ops.softmax(scores, axis=0)",
        AUTOINT_FORMULA,
    ),
    Mutant(
        "autoint: the width is the total of the heads",
        AUTOINT,
        "            num_heads,\n            head_dim,\n            projection_activation,\n",
        "            num_heads,\n            head_dim // num_heads,\n"
        "            projection_activation,\n",
        (AUTOINT_PARAMETERS, f"{TEST_AUTOINT}::test_the_width_is_stated_per_head"),
    ),
    Mutant(
        "autoint: every input is projected",
        AUTOINT,
        "self.is_projected = not self.identity_residual or fields_shape[2] != width",
        "self.is_projected = True",
        (f"{TEST_AUTOINT}::{IDENTITY}", AUTOINT_FORMULA),
    ),
    Mutant(
        "autoint: no input of equal width is projected",
        AUTOINT,
        "self.is_projected = not self.identity_residual or fields_shape[2] != width",
        "self.is_projected = fields_shape[2] != width",
        (AUTOINT_PARAMETERS, AUTOINT_FORMULA),
    ),
    Mutant(
        "autoint: the identity passes all but the first layer by",
        AUTOINT,
        "            layer_normalization,\n            identity_residual,\n",
        "            layer_normalization,\n            identity_residual and depth == 1,\n",
        (f"{TEST_AUTOINT}::{IDENTITY}", AUTOINT_FORMULA),
    ),
    Mutant(
        "autoint: attention is dropped when it is served too",
        AUTOINT,
        "self.dropout(weights, training=training)",
        "self.dropout(weights, training=True)",
        f"{TEST_AUTOINT}::test_attention_is_dropped_in_training_only",
    ),
    Mutant(
        "autoint: every layer reads the embeddings",
        AUTOINT,
        ")(fields)\n        fields = InteractingLayer(",
        ")(embedded)\n        fields = InteractingLayer(",
        (AUTOINT_PARAMETERS, AUTOINT_FORMULA),
    ),
    Mutant(
        "autoint: the authors' ReLU by default",
        AUTOINT,
        "        values = self.projection_activation(ops.matmul(fields, self.value_kernel))\n",
        "        values = ops.relu(ops.matmul(fields, self.value_kernel))\n",
        AUTOINT_FORMULA,
    ),
    Mutant(
        "autoint: no ReLU on the projected input in the authors' form",
        AUTOINT,
        "residual = self.projection_activation(ops.matmul(fields, self.residual_kernel))",
        "residual = ops.matmul(fields, self.residual_kernel)",
        AUTOINT_FORMULA,
    ),
    Mutant(
        "autoint: the layer normalization is not applied",
        AUTOINT,
        "return self.normalization(outputs) if self.layer_normalization else outputs",
        "return outputs",
        AUTOINT_FORMULA,
    ),
    Mutant(
        "autoint: a single field is taken",
        AUTOINT,
        "if embedded.shape[1] < 2:",
        "if embedded.shape[1] < 1:",
        f"{TEST_AUTOINT}::test_bad_input_is_named",
    ),
]
