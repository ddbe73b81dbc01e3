"""Mistakes in the multi-scenario models that the tests must reject."""

from runner import Mutant

PARTS = "recsys_lib/multi_scenario/parts.py"
BASELINES = "recsys_lib/multi_scenario/baselines.py"
TEST_PARTS = "multi_scenario/test_scenario_parts.py"
TEST_BASELINES = "multi_scenario/test_scenario_baselines.py"
FALLBACK = f"{TEST_PARTS}::test_scenarios_without_training_rows_fall_back"
BLOCKS = f"{TEST_PARTS}::test_a_block_holds_rows_of_one_scenario"
OWN_NETWORK = f"{TEST_PARTS}::test_every_row_goes_through_its_own_scenarios_network"
ONE_PASS = f"{TEST_PARTS}::test_one_pass_equals_splitting_the_batch_by_scenario"
WAYS = f"{TEST_PARTS}::test_gradients_of_the_way_in_and_out_equal_those_of_gathers"
SEPARATE = f"{TEST_BASELINES}::test_separate_models_are_plain_networks_side_by_side"
APART = f"{TEST_BASELINES}::test_a_row_trains_its_own_separate_model_and_no_other"

MUTANTS = [
    Mutant(
        "scenarios: untrained ids pass",
        PARTS,
        "(of_scenarios > 0) | ~tf.reduce_any(of_scenarios > 0)",
        "of_scenarios >= 0",
        FALLBACK,
    ),
    Mutant(
        "scenarios: predictions count as training",
        PARTS,
        "        if training:\n",
        "        if True:\n",
        FALLBACK,
    ),
    Mutant(
        "scenarios: the unknown rows are the largest scenario",
        PARTS,
        "fallback = 1 + tf.argmax(of_scenarios, output_type=tf.int32)",
        "fallback = tf.argmax(rows, output_type=tf.int32)",
        FALLBACK,
    ),
    Mutant(
        "scenarios: only the last batch counts",
        PARTS,
        "rows += tf.math.bincount(",
        "rows = tf.math.bincount(",
        FALLBACK,
    ),
    Mutant(
        "blocks: regrouped rows are never put back",
        PARTS,
        "return self.back(outputs)",
        "return tf.boolean_mask(tf.reshape(outputs, [-1, outputs.shape[-1]]), self._filled[:, 0])",
        (OWN_NETWORK, ONE_PASS),
    ),
    Mutant(
        "blocks: padding holds a row",
        PARTS,
        "padded = tf.gather(rows, self._row) * tf.cast(self._filled, rows.dtype)",
        "padded = tf.gather(rows, self._row)",
        (BLOCKS, WAYS),
    ),
    Mutant(
        "blocks: two scenarios in a block",
        PARTS,
        "tf.cumsum(blocks, exclusive=True) * block_size - tf.cumsum(sizes, exclusive=True)",
        "0 * (tf.cumsum(blocks, exclusive=True) * block_size - tf.cumsum(sizes, exclusive=True))",
        (BLOCKS, OWN_NETWORK),
    ),
    Mutant(
        "blocks: a scenario's weights learn from its first block only",
        PARTS,
        "return tf.math.unsorted_segment_sum(gradient, self.scenario, self.count)",
        "return tf.math.unsorted_segment_max(gradient, self.scenario, self.count)",
        (ONE_PASS, WAYS),
    ),
    Mutant(
        "scenario networks: the next scenario's",
        PARTS,
        "Blocks(tf.maximum(ids - 1, 0), self.count)",
        "Blocks(tf.minimum(ids, self.count - 1), self.count)",
        (OWN_NETWORK, SEPARATE),
    ),
    Mutant(
        "scenario networks: the output is activated",
        PARTS,
        "            if not (last_is_linear and position == len(kernels) - 1):\n",
        "            if True:\n",
        OWN_NETWORK,
    ),
    Mutant(
        "global: reads the scenario",
        BASELINES,
        "    inputs = build_inputs(others)\n",
        "    others = tuple(feature_columns)\n    inputs = build_inputs(others)\n",
        f"{TEST_BASELINES}::test_global_is_a_plain_network_without_the_scenario",
    ),
    Mutant(
        "scenario as a feature: untrained vectors",
        BASELINES,
        "features = flat_features(given.values, feature_columns, embedding_dim)",
        "features = flat_features(given.inputs, feature_columns, embedding_dim)",
        f"{TEST_BASELINES}::test_an_untrained_scenario_is_the_zero_vector",
    ),
    Mutant(
        "separate: vocabularies overlap",
        BASELINES,
        "first = (tf.cast(ids, value.dtype) - 1) * (column.vocabulary_size - 1)",
        "first = tf.cast(ids, value.dtype) - 1",
        (SEPARATE, APART),
    ),
    Mutant(
        "separate: the embeddings are shared",
        BASELINES,
        "tf.where(value > 0, value + first, 0)",
        "value",
        APART,
    ),
    Mutant(
        "separate: padding becomes an id",
        BASELINES,
        "tf.where(value > 0, value + first, 0)",
        "value + first",
        (SEPARATE, APART),
    ),
    Mutant(
        "separate: all share a bias",
        BASELINES,
        "PredictionHead(name=task, trainable=False)",
        "PredictionHead(name=task)",
        SEPARATE,
    ),
    Mutant(
        "shared bottom: an untrained tower answers",
        BASELINES,
        'unknown="largest")\n    features = flat_features(given.values, given.others',
        'unknown="zero")\n    features = flat_features(given.values, given.others',
        f"{TEST_BASELINES}::test_the_largest_scenario_answers_for_unknown_ones",
    ),
]
