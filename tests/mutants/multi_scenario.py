"""Mistakes in the multi-scenario models that the tests must reject."""

from runner import Mutant

PARTS = "recsys_lib/multi_scenario/parts.py"
STAR = "recsys_lib/multi_scenario/star.py"
HMOE = "recsys_lib/multi_scenario/hmoe.py"
BASELINES = "recsys_lib/multi_scenario/baselines.py"
TEST_PARTS = "multi_scenario/test_scenario_parts.py"
TEST_BASELINES = "multi_scenario/test_scenario_baselines.py"
TEST_STAR = "multi_scenario/test_star.py"
FALLBACK = f"{TEST_PARTS}::test_scenarios_without_training_rows_fall_back"
BLOCKS = f"{TEST_PARTS}::test_a_block_holds_rows_of_one_scenario"
OWN_NETWORK = f"{TEST_PARTS}::test_every_row_goes_through_its_own_scenarios_network"
ONE_PASS = f"{TEST_PARTS}::test_one_pass_equals_splitting_the_batch_by_scenario"
WAYS = f"{TEST_PARTS}::test_gradients_of_the_way_in_and_out_equal_those_of_gathers"
SEPARATE = f"{TEST_BASELINES}::test_separate_models_are_plain_networks_side_by_side"
APART = f"{TEST_BASELINES}::test_a_row_trains_its_own_separate_model_and_no_other"
STAR_FORMULA = f"{TEST_STAR}::test_star_equals_its_formula"
ONE_NETWORK = f"{TEST_STAR}::test_with_own_weights_at_their_start_all_scenarios_are_one_network"
TEST_HMOE = "multi_scenario/test_hmoe.py"
HMOE_FORMULA = f"{TEST_HMOE}::test_hmoe_equals_its_formula"
OWN_TOWER = f"{TEST_HMOE}::test_a_row_trains_its_own_tower_and_all_weights"
OWN_SCORE = f"{TEST_HMOE}::test_experts_and_gate_learn_through_the_own_score_only"
OPTIONS = "multi_scenario/test_scenario_options.py"
OWN_MODEL = f"{OPTIONS}::test_separate_normalises_each_scenario_as_its_own_model_would"
NORMALIZED = f"{TEST_PARTS}::test_units_are_normalised_by_scenario_before_the_activation"

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
        "rows += sum_over_replicas(found)",
        "rows = sum_over_replicas(found)",
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
        "tf.math.segment_sum(of_blocks, self.scenario)",
        "tf.math.segment_max(of_blocks, self.scenario)",
        (ONE_PASS, WAYS),
    ),
    Mutant(
        "blocks: the gradient of a bias is the mean of its rows",
        PARTS,
        "(gradient, tf.reduce_sum(gradient, 1))",
        "(gradient, tf.reduce_mean(gradient, 1))",
        ONE_PASS,
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
        "features = flat_features(given.values, feature_columns, embedding_dim, **tables)",
        "features = flat_features(given.inputs, feature_columns, embedding_dim, **tables)",
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
        "PredictionHead(kind, name=task, trainable=False)",
        "PredictionHead(kind, name=task)",
        SEPARATE,
    ),
    Mutant(
        "shared bottom: an untrained tower answers",
        BASELINES,
        'unknown="largest")\n    tables =',
        'unknown="zero")\n    tables =',
        f"{TEST_BASELINES}::test_the_largest_scenario_answers_for_unknown_ones",
    ),
    Mutant(
        "STAR: kernels are added",
        STAR,
        "kernel * self.specific_kernels[position]",
        "kernel + self.specific_kernels[position]",
        (STAR_FORMULA, ONE_NETWORK),
    ),
    Mutant(
        "STAR: biases are multiplied",
        STAR,
        "bias + self.specific_biases[position]",
        "bias * self.specific_biases[position]",
        (STAR_FORMULA, ONE_NETWORK),
    ),
    Mutant(
        "STAR: own kernels start at random",
        STAR,
        '("glorot_uniform", "ones")',
        '("glorot_uniform", "glorot_uniform")',
        f"{TEST_STAR}::test_own_kernels_start_at_one_and_own_biases_at_zero",
    ),
    Mutant(
        "STAR: the auxiliary network does not read the scenario",
        STAR,
        "[scenario_vector(given, embedding_dim, **tables), features]",
        "[0 * scenario_vector(given, embedding_dim, **tables), features]",
        (STAR_FORMULA, f"{TEST_STAR}::test_a_row_trains_the_shared_part_and_its_own"),
    ),
    Mutant(
        "STAR: two sigmoids are summed",
        STAR,
        'logits.append(deep_logit(both, auxiliary_units, **options, name="auxiliary"))',
        "logits.append(\n            keras.ops.sigmoid(\n"
        '                deep_logit(both, auxiliary_units, **options, name="auxiliary")\n'
        "            )\n        )",
        STAR_FORMULA,
    ),
    Mutant(
        "HMoE: other towers learn from a row",
        HMOE,
        "(1 - own) * tf.stop_gradient(scores)",
        "(1 - own) * scores",
        (OWN_TOWER, OWN_SCORE),
    ),
    Mutant(
        "HMoE: a row's own score is the constant",
        HMOE,
        "own * scores + (1 - own) * tf.stop_gradient(scores)",
        "own * tf.stop_gradient(scores) + (1 - own) * scores",
        (OWN_TOWER, OWN_SCORE),
    ),
    Mutant(
        "HMoE: other scores are left out",
        HMOE,
        "detached = own * scores + (1 - own) * tf.stop_gradient(scores)",
        "detached = own * scores",
        HMOE_FORMULA,
    ),
    Mutant(
        "HMoE: the weights do not learn",
        HMOE,
        "tf.reduce_sum(weights * detached,",
        "tf.reduce_sum(tf.stop_gradient(weights) * detached,",
        OWN_TOWER,
    ),
    Mutant(
        "HMoE: the tower of the next scenario is the own one",
        HMOE,
        "own = tf.one_hot(ids - 1, scores.shape[-1], dtype=scores.dtype)",
        "own = tf.one_hot(ids % scores.shape[-1], scores.shape[-1], dtype=scores.dtype)",
        OWN_TOWER,
    ),
    Mutant(
        "HMoE: only one gate is alive",
        HMOE,
        '    mixtures = Mixture(name="mixtures")(gates, experts)\n',
        "    gates = gates[:, :1] + 0 * gates\n"
        '    mixtures = Mixture(name="mixtures")(gates, experts)\n',
        (HMOE_FORMULA, OWN_TOWER),
    ),
    Mutant(
        "HMoE: the weights of the first scenario",
        HMOE,
        "own = tf.gather(gates, tf.maximum(ids - 1, 0), axis=1, batch_dims=1)",
        "own = gates[:, 0]",
        (HMOE_FORMULA, OWN_TOWER),
    ),
    Mutant(
        "HMoE: an unknown scenario has the first one's weights",
        HMOE,
        "tf.where(ids[:, None] > 0, own, tf.reduce_mean(gates, axis=1))",
        "own",
        f"{TEST_HMOE}::test_an_unknown_scenario_is_scored_by_all_towers",
    ),
    Mutant(
        "HMoE: the own weight is given to the next scenario",
        HMOE,
        "own = tf.one_hot(ids - 1, weights.shape[-1], dtype=weights.dtype)",
        "own = tf.one_hot(ids, weights.shape[-1], dtype=weights.dtype)",
        f"{TEST_HMOE}::test_own_weight_raises_the_odds_of_the_own_score",
    ),
    Mutant(
        "HMoE: raised weights do not sum to one",
        HMOE,
        "return raised / tf.reduce_sum(raised, axis=-1, keepdims=True)",
        "return raised",
        f"{TEST_HMOE}::test_own_weight_raises_the_odds_of_the_own_score",
    ),
    Mutant(
        "scenario networks: the moments of all rows",
        PARTS,
        'own = {"ids": tf.maximum(ids, 1), "training": training}',
        'own = {"ids": tf.ones_like(ids), "training": training}',
        (OWN_MODEL, NORMALIZED),
    ),
    Mutant(
        "scenario networks: normalised after the activation",
        PARTS,
        """                    outputs = self.into(normalizations[position](self.back(outputs)))
                outputs = activation(outputs)
""",
        """                    outputs = activation(outputs)
                    outputs = self.into(normalizations[position](self.back(outputs)))
                else:
                    outputs = activation(outputs)
""",
        NORMALIZED,
    ),
    Mutant(
        "scenario networks: a scale that all scenarios share",
        PARTS,
        "PartitionedNormalization(self.count, shared=False, name",
        "PartitionedNormalization(self.count, name",
        f"{OPTIONS}::test_separate_shares_nothing_with_normalization_either",
    ),
    Mutant(
        "scenario networks: no dropout",
        PARTS,
        "outputs = dropouts[position](outputs) if dropouts else outputs",
        "outputs = tf.identity(outputs)",
        (
            f"{TEST_PARTS}::test_dropout_follows_every_activation_in_training",
            f"{OPTIONS}::test_dropout_and_normalization_act_in_training_only",
        ),
    ),
    Mutant(
        "STAR: the scenario's own table is not penalised",
        STAR,
        "[scenario_vector(given, embedding_dim, **tables), features]",
        "[scenario_vector(given, embedding_dim, embeddings_initializer), features]",
        f"{OPTIONS}::test_the_penalty_and_the_start_reach_every_table",
    ),
]
