"""Mistakes in the L2 penalties of tables that the tests must reject."""

from runner import Mutant

PENALTIES = "recsys_lib/features/penalties.py"
EMBEDDING = "recsys_lib/features/embedding.py"
CROSSES = "recsys_lib/features/crosses.py"
BLOCKS = "recsys_lib/layers/blocks.py"
TEST_PENALTIES = "features/test_penalties.py"
PENALTY = f"{TEST_PENALTIES}::test_the_penalty_of_a_table_and_its_gradient_equal_the_formula"
CROSSES_PENALTY = f"{TEST_PENALTIES}::test_the_penalty_of_crosses_equals_the_formula"
CROSSES_CONFIGURATION = (
    f"{TEST_PENALTIES}::"
    "test_crosses_have_a_penalty_in_training_only_and_keep_it_in_their_configuration"
)

MUTANTS = [
    Mutant(
        "penalty: a row that comes up three times is pulled three times",
        PENALTIES,
        "tf.reduce_sum(shares * squares / parts)",
        "tf.reduce_sum(shares * squares)",
        (PENALTY, CROSSES_PENALTY),
    ),
    Mutant(
        "penalty: without the half",
        PENALTIES,
        "return 0.5 * strength * tf.reduce_sum",
        "return strength * tf.reduce_sum",
        (PENALTY, CROSSES_PENALTY),
    ),
    Mutant(
        "penalty: padding is penalised",
        PENALTIES,
        "        share[0] = 0.0\n",
        "",
        PENALTY,
    ),
    Mutant(
        "penalty: counts are ignored",
        PENALTIES,
        "share = (1 / np.maximum(counts, 1)).astype(np.float32)",
        "share = np.ones(size, np.float32)",
        PENALTY,
    ),
    Mutant(
        "penalty: tables without counts are penalised too",
        PENALTIES,
        "share = np.zeros(size, np.float32)",
        "share = np.ones(size, np.float32)",
        PENALTY,
    ),
    Mutant(
        "embedding: the penalty of the table for that of the batch",
        EMBEDDING,
        'if self.l2.rows == "table":',
        "if True:",
        PENALTY,
    ),
    Mutant(
        "embedding: a penalty in prediction too",
        EMBEDDING,
        "if training and is_penalised and self.l2.strength:",
        "if is_penalised and self.l2.strength:",
        f"{TEST_PENALTIES}::test_it_is_there_in_training_only_and_not_at_strength_0",
    ),
    Mutant(
        "linear term: the penalty is not handed on",
        BLOCKS,
        'FusedEmbedding(columns, 1, "zeros", l2, name=name)',
        'FusedEmbedding(columns, 1, "zeros", name=name)',
        f"{TEST_PENALTIES}::test_the_linear_term_has_a_penalty_of_its_own",
    ),
    Mutant(
        "crosses: unknown pairs are penalised",
        CROSSES,
        "return penalty_of_rows(self.l2.strength, rows, stored, known)",
        "return penalty_of_rows(self.l2.strength, rows, stored, tf.ones_like(known))",
        CROSSES_PENALTY,
    ),
    Mutant(
        "crosses: unknown pairs take a part of a bucket's penalty",
        CROSSES,
        "        rows = tf.where(known, rows, tf.constant(-1, rows.dtype))\n",
        "",
        f"{TEST_PENALTIES}::test_a_bucket_that_unknown_pairs_share_is_penalised_once_and_in_full",
    ),
    Mutant(
        "crosses: weights that no pair reads are penalised",
        CROSSES,
        "part = tf.reshape(part, (first, second))[1:, 1:]",
        "part = tf.reshape(part, (first, second))",
        CROSSES_PENALTY,
    ),
    Mutant(
        "crosses: buckets are cut as if they were pairs",
        CROSSES,
        "            if not self.is_hashed[pair]:\n                part = ",
        "            if True:\n                part = ",
        f"{TEST_PENALTIES}::test_a_bucket_that_unknown_pairs_share_is_penalised_once_and_in_full",
    ),
    Mutant(
        "crosses: a penalty in prediction too",
        CROSSES,
        "if training and self.l2.strength:",
        "if self.l2.strength:",
        CROSSES_CONFIGURATION,
    ),
    Mutant(
        "crosses: the penalty is not saved",
        CROSSES,
        '            "l2": self.l2.get_config(),\n',
        "",
        CROSSES_CONFIGURATION,
    ),
]
