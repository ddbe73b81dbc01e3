"""Mistakes in recsys_lib/features that the tests must reject."""

from runner import Mutant

COLUMNS = "recsys_lib/features/columns.py"
EMBEDDING = "recsys_lib/features/embedding.py"
BLOCKS = "recsys_lib/layers/blocks.py"
NORMALIZATION = "recsys_lib/layers/normalization.py"
TEST_NORMALIZATION = "layers/test_normalization.py"
HEADS = "recsys_lib/layers/heads.py"
CROSSES = "recsys_lib/features/crosses.py"
TEST_COLUMNS = "features/test_columns.py"
TEST_EMBEDDING = "features/test_embedding.py"
TEST_BLOCKS = "layers/test_blocks.py"
TEST_CROSSES = "features/test_crosses.py"

MUTANTS = [
    Mutant(
        "columns: a vocabulary of the reserved id alone",
        COLUMNS,
        '_require_positive(column, "vocabulary_size", 2)',
        '_require_positive(column, "vocabulary_size", 1)',
        f"{TEST_COLUMNS}::test_a_vocabulary_holds_id_0_and_at_least_one_more",
    ),
    Mutant(
        "columns: shared tables may disagree on the width",
        COLUMNS,
        'for attribute in ("vocabulary_size", "embedding_dim"):',
        'for attribute in ("vocabulary_size",):',
        f"{TEST_COLUMNS}::test_columns_that_do_not_fit_together_are_refused",
    ),
    Mutant(
        "columns: a name used twice",
        COLUMNS,
        "if column.name in names:",
        "if False:",
        f"{TEST_COLUMNS}::test_columns_that_do_not_fit_together_are_refused",
    ),
    Mutant(
        "columns: select by name in the columns' order",
        COLUMNS,
        "columns = tuple(by_name[name] for name in names)",
        "columns = tuple(c for c in columns if c.name in names)",
        f"{TEST_COLUMNS}::test_select_by_kind_group_and_name",
    ),
    Mutant(
        "embedding: no mask of id 0",
        EMBEDDING,
        "        vectors *= tf.cast(ids != 0, vectors.dtype)[:, :, None]\n",
        "",
        (
            f"{TEST_EMBEDDING}::test_lookup_equals_numpy_and_garbage_in_row_0_changes_no_bit",
            f"{TEST_EMBEDDING}::test_appended_padding_changes_no_pooled_bit",
        ),
    ),
    Mutant(
        "embedding: the mask after the offset",
        EMBEDDING,
        "tf.cast(ids != 0, vectors.dtype)[:, :, None]",
        "tf.cast(ids + tf.constant(offsets, tf.int32) != 0, vectors.dtype)[:, :, None]",
        f"{TEST_EMBEDDING}::test_lookup_equals_numpy_and_garbage_in_row_0_changes_no_bit",
    ),
    Mutant(
        "embedding: the whole table is read",
        EMBEDDING,
        "tf.gather(resource_of(self.table), rows)",
        "tf.gather(tf.convert_to_tensor(self.table), rows)",
        f"{TEST_EMBEDDING}::test_the_graph_gathers_from_the_variable_and_never_reads_the_whole_table",
    ),
    Mutant(
        "embedding: the table never trains",
        EMBEDDING,
        "tf.gather(resource_of(self.table), rows)",
        "tf.raw_ops.ResourceGather(resource=resource_of(self.table).handle, indices=rows, "
        "dtype=tf.float32)",
        f"{TEST_EMBEDDING}::test_gradients_are_sparse_and_reach_only_the_rows_read",
    ),
    Mutant(
        "embedding: every column reads the first table",
        EMBEDDING,
        "self.table_offsets[column.table_name] = self.num_rows",
        "self.table_offsets[column.table_name] = 0",
        f"{TEST_EMBEDDING}::test_every_table_has_its_own_rows_and_shared_ones_are_shared",
    ),
    Mutant(
        "embedding: a shared table gets rows of its own",
        EMBEDDING,
        """            if column.table_name not in self.table_offsets:
                self.table_offsets[column.table_name] = self.num_rows
                self.num_rows += column.vocabulary_size
                self._of_tables.append(column)
""",
        """            self.table_offsets[column.table_name] = self.num_rows
            self.num_rows += column.vocabulary_size
            self._of_tables.append(column)
""",
        f"{TEST_EMBEDDING}::test_every_table_has_its_own_rows_and_shared_ones_are_shared",
    ),
    Mutant(
        "embedding: blocks cut in sorted order",
        EMBEDDING,
        "return dict(zip(blocks, tf.split(vectors, sizes, axis=1), strict=True))",
        "return dict(zip(sorted(blocks), tf.split(vectors, sizes, axis=1), strict=True))",
        f"{TEST_EMBEDDING}::test_lookup_equals_numpy_and_garbage_in_row_0_changes_no_bit",
    ),
    Mutant(
        "embedding: the table is not marked as row-wise",
        EMBEDDING,
        "        self.table.rowwise = True\n",
        "",
        f"{TEST_EMBEDDING}::test_save_and_load_predict_the_same_bits",
    ),
    Mutant(
        "pooling: padded steps are counted",
        EMBEDDING,
        "count = ops.maximum(ops.sum(mask, axis=1), 1.0)",
        "count = ops.sum(ops.ones_like(mask), axis=1)",
        (
            f"{TEST_EMBEDDING}::test_pooling_equals_a_loop_and_ignores_garbage_in_padded_steps",
            f"{TEST_EMBEDDING}::test_appended_padding_changes_no_pooled_bit",
        ),
    ),
    Mutant(
        "pooling: an empty sequence divides by zero",
        EMBEDDING,
        "count = ops.maximum(ops.sum(mask, axis=1), 1.0)",
        "count = ops.sum(mask, axis=1)",
        f"{TEST_EMBEDDING}::test_pooling_equals_a_loop_and_ignores_garbage_in_padded_steps",
    ),
    Mutant(
        "pooling: padded steps are added",
        EMBEDDING,
        "total = ops.sum(vectors * ops.expand_dims(mask, -1), axis=1, keepdims=True)",
        "total = ops.sum(vectors, axis=1, keepdims=True)",
        f"{TEST_EMBEDDING}::test_pooling_equals_a_loop_and_ignores_garbage_in_padded_steps",
    ),
    Mutant(
        "pooling: every sequence by its mean",
        EMBEDDING,
        "MaskedPooling(sequences[name].combiner)(vectors, inputs[name])",
        "MaskedPooling()(vectors, inputs[name])",
        f"{TEST_EMBEDDING}::test_fields_equal_a_float64_oracle_in_the_order_of_their_names",
    ),
    Mutant(
        "fields: a column of another width is accepted",
        EMBEDDING,
        "if column.embedding_dim not in (None, embedding_dim):",
        "if False:",
        f"{TEST_EMBEDDING}::test_fields_of_one_width_refuse_a_column_with_another",
    ),
    Mutant(
        "groups: a sequence makes a group of its own name",
        EMBEDDING,
        "parts.setdefault(group_of_sequence.get(block, block), []).append(flat)",
        "parts.setdefault(block, []).append(flat)",
        f"{TEST_EMBEDDING}::test_groups_have_one_vector_each_and_every_width_its_table",
    ),
    Mutant(
        "groups: one width for all columns",
        EMBEDDING,
        "widths = sorted({column.embedding_dim or embedding_dim for column in id_columns})",
        "widths = [embedding_dim]\n    id_columns = [c for c in id_columns if not c.embedding_dim]",
        f"{TEST_EMBEDDING}::test_groups_have_one_vector_each_and_every_width_its_table",
    ),
    Mutant(
        "perceptron: the last layer is linear",
        BLOCKS,
        "            self.stack.append(activation_layer(self.activation, "
        'name=f"activation_{position}"))\n',
        "            if position < len(self.hidden_units) - 1:\n                self.stack.append("
        'activation_layer(self.activation, name=f"activation_{position}"))\n',
        (
            f"{TEST_BLOCKS}::test_the_perceptron_equals_its_formula_with_the_last_layer_activated",
            f"{TEST_BLOCKS}::test_a_single_layer_is_not_linear",
        ),
    ),
    Mutant(
        "perceptron: the same seed for every kernel",
        BLOCKS,
        'keras.layers.Dense(units, name=f"dense_{position}")',
        "keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed=0))",
        f"{TEST_BLOCKS}::test_two_perceptrons_start_with_different_kernels",
    ),
    Mutant(
        "perceptron: momentum 0.99",
        NORMALIZATION,
        'DEFAULTS = {"momentum": 0.9, ',
        'DEFAULTS = {"momentum": 0.99, ',
        f"{TEST_BLOCKS}::test_batch_normalization_moves_by_a_tenth_before_the_activation",
    ),
    Mutant(
        "normalization: what is said of it is forgotten",
        NORMALIZATION,
        "{**DEFAULTS, **(value if isinstance(value, Mapping) else {})}",
        "DEFAULTS",
        (
            f"{TEST_NORMALIZATION}::test_a_small_variance_is_normalised_where_epsilon_is_smaller",
            f"{TEST_NORMALIZATION}::test_it_reaches_every_normalization_of_the_model_and_is_saved",
        ),
    ),
    Mutant(
        "normalization: the default is kept as if it had been said",
        NORMALIZATION,
        "if number != DEFAULTS[option]} or True",
        "}",
        f"{TEST_NORMALIZATION}::test_a_configuration_keeps_what_is_not_the_default",
    ),
    Mutant(
        "perceptron: batch normalization does not know that it trains",
        BLOCKS,
        "outputs = layer(outputs, training=training)",
        "outputs = layer(outputs, training=False)",
        (
            f"{TEST_BLOCKS}::test_batch_normalization_moves_by_a_tenth_before_the_activation",
            f"{TEST_BLOCKS}::test_dropout_acts_in_training_only_and_after_the_activation",
        ),
    ),
    Mutant(
        "linear term: in the width of the embeddings",
        BLOCKS,
        'FusedEmbedding(columns, 1, "zeros", l2, name=name)',
        'FusedEmbedding(columns, 8, "zeros", l2, name=name)',
        f"{TEST_BLOCKS}::test_the_linear_term_of_numbers_alone_and_of_ids_alone",
    ),
    Mutant(
        "linear term: starts at random",
        BLOCKS,
        'FusedEmbedding(columns, 1, "zeros", l2, name=name)',
        "FusedEmbedding(columns, 1, None, l2, name=name)",
        f"{TEST_BLOCKS}::test_the_linear_term_starts_at_zero_in_a_table_of_its_own",
    ),
    Mutant(
        "linear term: numbers are left out",
        BLOCKS,
        "    if numbers is not None:\n        terms.append(",
        "    if numbers is not None and not terms:\n        terms.append(",
        f"{TEST_BLOCKS}::test_the_linear_term_equals_the_sum_of_its_weights",
    ),
    Mutant(
        "head: Dense(1) instead of the plain sum",
        HEADS,
        "total = ops.squeeze(sum(logits[1:], start=logits[0]), axis=-1) + self.bias",
        """if not hasattr(self, "dense"):
            self.dense = keras.layers.Dense(1, use_bias=False)
        total = ops.squeeze(self.dense(sum(logits[1:], start=logits[0])), axis=-1) + self.bias""",
        f"{TEST_BLOCKS}::test_one_weight_set_and_all_else_zero_gives_exactly_its_sigmoid",
    ),
    Mutant(
        "head: only the first logit",
        HEADS,
        "sum(logits[1:], start=logits[0])",
        "logits[0]",
        f"{TEST_BLOCKS}::test_the_head_sums_logits_with_weight_one",
    ),
    Mutant(
        "head: shapes are not checked",
        HEADS,
        "if len(shape) != 2 or shape[-1] != 1:",
        "if False:",
        f"{TEST_BLOCKS}::test_the_head_refuses_shapes_that_would_broadcast",
    ),
    Mutant(
        "head: the sigmoid in regression too",
        HEADS,
        'return ops.sigmoid(total) if self.kind == "binary" and not as_logit else total',
        "return ops.sigmoid(total)",
        f"{TEST_BLOCKS}::test_a_regression_head_is_the_sum_itself",
    ),
    Mutant(
        "crosses: swapped vocabularies",
        CROSSES,
        "if is_hashed else second.vocabulary_size",
        "if is_hashed else first.vocabulary_size",
        (
            f"{TEST_CROSSES}::test_all_pairs_of_a_small_world_have_distinct_rows",
            f"{TEST_CROSSES}::test_the_notes_example_gives_2_6_and_minus_0_1",
        ),
    ),
    Mutant(
        "crosses: index in int32",
        CROSSES,
        "index = left * self._factors + right",
        "index = tf.cast(tf.cast(left * self._factors + right, tf.int32), tf.int64)",
        f"{TEST_CROSSES}::test_no_overflow_at_70_000_by_40_000_ids",
    ),
    Mutant(
        "crosses: an id 0 has a weight",
        CROSSES,
        "return index + self._offsets, (left != 0) & (right != 0)",
        "return index + self._offsets, (left >= 0) & (right >= 0)",
        (
            f"{TEST_CROSSES}::test_an_id_0_contributes_nothing_whatever_its_rows_hold",
            f"{TEST_CROSSES}::test_the_gradient_reaches_only_the_rows_read",
        ),
    ),
    Mutant(
        "crosses: one unknown id is enough to keep a pair",
        CROSSES,
        "(left != 0) & (right != 0)",
        "(left != 0) | (right != 0)",
        f"{TEST_CROSSES}::test_an_id_0_contributes_nothing_whatever_its_rows_hold",
    ),
    Mutant(
        "crosses: all pairs share one table",
        CROSSES,
        "offsets.append(self.num_rows)",
        "offsets.append(0)",
        f"{TEST_CROSSES}::test_all_pairs_of_a_small_world_have_distinct_rows",
    ),
    Mutant(
        "crosses: ids are added",
        CROSSES,
        "index = left * self._factors + right",
        "index = left + right",
        f"{TEST_CROSSES}::test_all_pairs_of_a_small_world_have_distinct_rows",
    ),
    Mutant(
        "crosses: plain pairs are hashed with the others",
        CROSSES,
        "index = tf.where(self._hashed, hash_bucket(index, self._rows), index)",
        "index = hash_bucket(index, self._rows)",
        f"{TEST_CROSSES}::test_hashed_and_plain_pairs_live_side_by_side",
    ),
    Mutant(
        "crosses: no hashing at all",
        CROSSES,
        "is_hashed = product > self.max_rows",
        "is_hashed = False",
        f"{TEST_CROSSES}::test_a_pair_is_hashed_only_above_the_limit",
    ),
    Mutant(
        "crosses: hashed from the limit on",
        CROSSES,
        "is_hashed = product > self.max_rows",
        "is_hashed = product >= self.max_rows",
        f"{TEST_CROSSES}::test_a_pair_is_hashed_only_above_the_limit",
    ),
    Mutant(
        "hash: the sign bit is kept",
        CROSSES,
        "tf.bitwise.right_shift(mixed, tf.constant(1, tf.uint64))",
        "tf.bitwise.right_shift(mixed, tf.constant(0, tf.uint64))",
        f"{TEST_CROSSES}::test_hashes_are_known_values_inside_the_buckets",
    ),
    Mutant(
        "hash: another constant",
        CROSSES,
        "0xBF58476D1CE4E5B9",
        "0xBF58476D1CE4E5B8",
        f"{TEST_CROSSES}::test_hashes_are_known_values_inside_the_buckets",
    ),
    Mutant(
        "hash: the remainder alone",
        CROSSES,
        "return positive % num_buckets",
        "return keys % num_buckets",
        f"{TEST_CROSSES}::test_collisions_are_as_rare_as_chance_allows",
    ),
    Mutant(
        "report: rows instead of distinct pairs",
        CROSSES,
        "pairs = np.unique(np.stack([index[mask], rows[:, slots][mask]]), axis=1)",
        "pairs = np.stack([index[mask], rows[:, slots][mask]])",
        f"{TEST_CROSSES}::test_collision_report_equals_brute_force",
    ),
    Mutant(
        "crosses: a repeated pair is counted twice",
        CROSSES,
        "if frozenset(pair) in seen:",
        "if pair in seen:",
        f"{TEST_CROSSES}::test_bad_pairs_are_named",
    ),
    Mutant(
        "parts: a logit's network ignores its options",
        BLOCKS,
        "MLP(hidden_units, activation, dropout_rate, batch_normalization, name=name)",
        "MLP(hidden_units, name=name)",
        f"{TEST_BLOCKS}::test_the_options_of_a_networks_logit_are_those_of_its_network",
    ),
    Mutant(
        "embedding: one initializer for several tables",
        EMBEDDING,
        'return initializer.clone() if hasattr(initializer, "clone") else initializer',
        "return initializer",
        "second_order/test_deepfm.py::"
        "test_two_tables_start_with_different_vectors_also_from_one_initializer",
    ),
    Mutant(
        "embedding: a block with one column of the request is the request's",
        EMBEDDING,
        "(single if all(is_single(inputs[name]) for name in names) else rest)",
        "(single if any(is_single(inputs[name]) for name in names) else rest)",
        f"{TEST_EMBEDDING}::test_a_block_goes_with_the_candidates_where_any_of_its_columns_does",
    ),
]
