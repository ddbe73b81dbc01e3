"""Mistakes in growing models that the tests must reject."""

from runner import Mutant

GROWTH = "recsys_lib/training/growth.py"
CROSSES = "recsys_lib/features/crosses.py"
OWN = "recsys_lib/multi_scenario/baselines.py"
TESTS = "training/test_growth.py"
CONTRACT = "contract/test_growing.py"
DAYS = f"{CONTRACT}::test_training_after_growth_is_that_of_the_larger_model_from_the_start"
HASHED = f"{TESTS}::test_hashed_crosses_keep_the_bucket_of_every_pair"
EXACT = f"{TESTS}::test_exact_crosses_keep_the_weight_of_every_pair"
STATISTICS = f"{TESTS}::test_statistics_go_with_their_rows_and_new_ones_start_as_they_would"
REFUSED = f"{TESTS}::test_columns_that_the_model_cannot_grow_to_are_refused"
SHARES = f"{TESTS}::test_new_ids_count_as_met_once_and_tables_that_are_not_penalised_stay_so"

MUTANTS = [
    Mutant(
        "grow: rows stay where they were",
        GROWTH,
        "new.table_offsets[column.table_name] + ids",
        "old.table_offsets[column.table_name] + ids",
        f"{TESTS}::test_rows_of_old_ids_keep_their_bits_in_every_table",
    ),
    Mutant(
        "grow: ids of a scenario stay where they were",
        GROWTH,
        "moved.get(column.name, np.arange(column.vocabulary_size))",
        "np.arange(column.vocabulary_size)",
        f"{DAYS}[separate]",
    ),
    Mutant(
        "grow: new rows are zero",
        GROWTH,
        "    values = new.numpy()\n    values[rows]",
        "    values = np.zeros(new.shape, np.float32)\n    values[rows]",
        (
            f"{TESTS}::test_new_rows_are_drawn_as_those_of_a_fresh_table_and_follow_the_seed",
            STATISTICS,
        ),
    ),
    Mutant(
        "grow: the optimizer begins anew",
        GROWTH,
        "        _copy_statistics(optimizer, new_optimizer, tables)\n",
        "        pass\n",
        (STATISTICS, f"{DAYS}[fm]"),
    ),
    Mutant(
        "grow: the optimizer is built on old values",
        GROWTH,
        "            # Before old values come in",
        "            for variable in grown.trainable_variables:\n"
        "                variable.assign(np.ones(variable.shape))\n"
        "            # Before old values come in",
        f"{TESTS}::test_an_optimizer_for_each_group_grows_with_its_tables",
    ),
    Mutant(
        "grow: variables in the order in which a model lists them",
        GROWTH,
        "_copy(old, twins[id(old)], places.get(id(old)))",
        "_copy(old, grown.variables[model.variables.index(old)], places.get(id(old)))",
        f"{DAYS}[star]",
    ),
    Mutant(
        "grow: layers of Keras are known by their names alone",
        GROWTH,
        'return kind.__module__.split(".")[0] == "keras"',
        "return False",
        f"{DAYS}[fibinet]",
    ),
    Mutant(
        "grow: the model itself is changed",
        GROWTH,
        "    return Grown(grown, new_optimizer)\n",
        "    model.variables[0].assign(np.zeros(model.variables[0].shape))\n"
        "    return Grown(grown, new_optimizer)\n",
        f"{TESTS}::test_the_model_and_its_optimizer_are_left_as_they_are",
    ),
    Mutant(
        "grow: new ids of tables without penalty are penalised",
        GROWTH,
        "                shares[new.rows_of(name)] = 0.0\n",
        "                pass\n",
        SHARES,
    ),
    Mutant(
        "grow: shares of the penalty begin anew",
        GROWTH,
        "                places[id(old.penalty_shares)] = rows\n",
        "                places[id(old.penalty_shares)] = rows[:0]\n",
        SHARES,
    ),
    Mutant(
        "grow: negatives are old ids",
        GROWTH,
        'if hasattr(call.operation, "vocabulary_size")',
        "if False",
        f"{TESTS}::test_negatives_are_drawn_from_the_new_ids_too",
    ),
    Mutant(
        "grow: fewer ids pass",
        GROWTH,
        "        if column.vocabulary_size < own.vocabulary_size:\n",
        "        if False:\n",
        REFUSED,
    ),
    Mutant(
        "grow: another table passes",
        GROWTH,
        "        if described[0] != described[1]:\n",
        "        if False:\n",
        REFUSED,
    ),
    Mutant(
        "grow: new scenarios pass",
        "recsys_lib/multi_scenario/parts.py",
        "    has_weights_for_each_id = True\n",
        "    has_weights_for_each_id = False\n",
        f"{CONTRACT}::test_a_new_scenario_needs_another_model[star]",
    ),
    Mutant(
        "grow: scenarios keep their stride",
        OWN,
        "ids // known * (after.vocabulary_size - 1) + ids % known + 1",
        "ids // known * known + ids % known + 1",
        (
            f"{DAYS}[separate]",
            f"{TESTS}::test_a_vocabulary_for_each_scenario_moves_scenario_by_scenario",
        ),
    ),
    Mutant(
        "grow: pairs keep their stride",
        CROSSES,
        "own = own // before * grown._members(pair)[1].vocabulary_size + own % before",
        "own = own // before * before + own % before",
        (EXACT, f"{DAYS}[wide_and_deep]"),
    ),
    Mutant(
        "grow: keys of hashed pairs move",
        CROSSES,
        "factor = self.first_sizes[second.name] if is_hashed",
        "factor = second.vocabulary_size if is_hashed",
        HASHED,
    ),
    Mutant(
        "grow: pairs are hashed once they are many",
        CROSSES,
        "product = self.first_sizes[first.name] * self.first_sizes[second.name]",
        "product = first.vocabulary_size * second.vocabulary_size",
        f"{TESTS}::test_crosses_stay_exact_above_the_limit",
    ),
    Mutant(
        "grow: a new pair has the key of an old one",
        CROSSES,
        "        if self.has_grown:\n",
        "        if False:\n",
        f"{TESTS}::test_keys_of_new_ids_are_those_of_no_other_pair",
    ),
    Mutant(
        "grow: a saved cross forgets its first sizes",
        CROSSES,
        'grown = {"first_sizes": self.first_sizes} if self.has_grown else {}',
        "grown = {}",
        HASHED,
    ),
    Mutant(
        "grow: the second growth counts as the first",
        GROWTH,
        'changed["config"].setdefault("first_sizes", first)',
        'changed["config"]["first_sizes"] = first',
        HASHED,
    ),
]
