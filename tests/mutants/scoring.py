"""Mistakes in predict, evaluate, compare, rank and save that the tests must reject."""

from runner import Mutant

COMPARISON = "recsys_lib/training/comparison.py"
EVALUATION = "recsys_lib/training/evaluation.py"
PREDICTION = "recsys_lib/training/prediction.py"
SERVING = "recsys_lib/training/serving.py"
BATCHES = "recsys_lib/training/batches.py"
TEST_COMPARISON = "training/test_comparison.py"
TEST_KEPT = "training/test_kept_trainers.py"
TEST_EVALUATION = "training/test_evaluation.py"
TEST_PREDICTION = "training/test_prediction.py"
TEST_SERVING = "training/test_serving.py"
TEST_BATCHES = "training/test_batches.py"

MUTANTS = [
    Mutant(
        "predict: dropout stays on",
        PREDICTION,
        "training=False)",
        "training=True)",
        f"{TEST_PREDICTION}::test_dropout_is_off",
    ),
    Mutant(
        "predict: ids are not checked",
        PREDICTION,
        'num_rows = check_features(columns, features, "predict")',
        "num_rows = len(next(iter(features.values())))",
        f"{TEST_PREDICTION}::test_bad_input_is_named",
    ),
    Mutant(
        "predict: the last batch is dropped",
        PREDICTION,
        "num_batches = (num_rows + batch_size - 1) // batch_size",
        "num_batches = tf.maximum(num_rows // batch_size, 1)",
        f"{TEST_PREDICTION}::test_batches_do_not_matter",
    ),
    Mutant(
        "predict: tasks change places",
        PREDICTION,
        "return {task: result[:, position] for position, task in enumerate(tasks)}",
        "return {task: result[:, position] for position, task in enumerate(tasks[::-1])}",
        f"{TEST_PREDICTION}::test_equals_keras_predict_for_every_task",
    ),
    Mutant(
        "evaluate: gauc is the auc",
        EVALUATION,
        '"gauc": grouped.value if grouped else np.nan,',
        '"gauc": metrics.auc(label, prediction) if grouped else np.nan,',
        f"{TEST_EVALUATION}::test_scores_equal_scikit_learn",
    ),
    Mutant(
        "evaluate: groups of one class are not counted",
        EVALUATION,
        '"one_class_groups": grouped.num_one_class if grouped else len(groups),',
        '"one_class_groups": 0,',
        f"{TEST_EVALUATION}::test_what_is_not_defined_is_missing_and_the_rest_is_scored",
    ),
    Mutant(
        "compare: a later seed goes on from the earlier one",
        COMPARISON,
        "trainer.restart(lambda r=recipe, d=data: r.build(d.feature_columns), seed)",
        "pass",
        f"{TEST_COMPARISON}::test_numbers_equal_separate_fits_to_the_last_bit",
    ),
    Mutant(
        "compare: a kept trainer serves every recipe",
        COMPARISON,
        "trainer = trainer if before == made_of else None",
        "trainer = trainer if trainer is not None else None",
        f"{TEST_KEPT}::test_a_kept_trainer_serves_nothing_else",
    ),
    Mutant(
        "compare: a kept trainer serves other weights of the tasks",
        COMPARISON,
        "made_of = (recipe, data.feature_columns, data.tasks, loss_weights, balancing)",
        "made_of = (recipe, data.feature_columns, data.tasks)",
        f"{TEST_KEPT}::test_a_kept_trainer_serves_nothing_else",
    ),
    Mutant(
        "compare: kept trainers are built anew",
        COMPARISON,
        "trainer = trainer if before == made_of else None",
        "trainer = None",
        f"{TEST_KEPT}::test_kept_trainers_serve_another_data_set_with_the_numbers_of_a_fresh_build",
    ),
    Mutant(
        "compare: the order of rows is the same for every seed",
        COMPARISON,
        "trainer.fit(data, seed=seed, ",
        "trainer.fit(data, seed=0, ",
        f"{TEST_COMPARISON}::test_numbers_equal_separate_fits_to_the_last_bit",
    ),
    Mutant(
        "compare: scores of the validation split",
        COMPARISON,
        'parts = {"all": dataset.test, ',
        'parts = {"all": dataset.valid, ',
        f"{TEST_COMPARISON}::test_numbers_equal_separate_fits_to_the_last_bit",
    ),
    Mutant(
        "compare: a recipe's own optimizer is ignored",
        COMPARISON,
        "optimizer = recipe.optimizer() if recipe.optimizer else None",
        "optimizer = None",
        f"{TEST_COMPARISON}::test_a_recipe_has_its_own_columns_optimizer_and_options",
    ),
    Mutant(
        "compare: gaps of a slice against the whole split's bounds",
        COMPARISON,
        "bounds = trivial.score_bounds(dataset, split, task)",
        "bounds = trivial.score_bounds(dataset, dataset.test, task)",
        f"{TEST_COMPARISON}::test_shares_of_the_gap_run_from_the_trivial_score_to_the_oracle",
    ),
    Mutant(
        "compare: a summary mixes the tasks",
        COMPARISON,
        'by = ("model", "task", "slice") if table["task"].nunique() > 1 else ("model", "slice")',
        'by = ("model", "slice")',
        f"{TEST_COMPARISON}::test_a_summary_keeps_tasks_apart",
    ),
    Mutant(
        "compare: no gap for regression tasks",
        COMPARISON,
        "if task in split.probability:",
        'if task in split.probability and dataset.tasks[task] == "binary":',
        f"{TEST_COMPARISON}::test_regression_tasks_have_errors_bounds_and_gaps",
    ),
    Mutant(
        "compare: the spread of a whole population",
        COMPARISON,
        "grouped.std(ddof=1)",
        "grouped.std(ddof=0)",
        f"{TEST_COMPARISON}::test_summarize_gives_mean_and_sample_deviation_over_seeds",
    ),
    Mutant(
        "rank: worst first",
        SERVING,
        'np.argsort(-scores, kind="stable")',
        'np.argsort(scores, kind="stable")',
        f"{TEST_SERVING}::test_the_order_is_best_first_and_holds_every_candidate",
    ),
    Mutant(
        "rank: ties in reverse order",
        SERVING,
        'np.argsort(-scores, kind="stable")',
        'np.argsort(scores, kind="stable")[::-1]',
        f"{TEST_SERVING}::test_candidates_with_equal_scores_keep_their_order",
    ),
    Mutant(
        "rank: the request is computed once a candidate",
        SERVING,
        "            if all(id(tensor) in single for tensor in tensors):",
        "            args, kwargs = tf.nest.map_structure(spread, (args, kwargs))\n"
        "            if False:",
        f"{TEST_SERVING}::test_layers_of_the_request_run_on_a_single_row",
    ),
    Mutant(
        "rank: lookups of request and candidates are tiled",
        SERVING,
        'if getattr(operation, "separable_inputs", False) and isinstance(args[0], dict):',
        "if False:",
        f"{TEST_SERVING}::test_layers_of_the_request_run_on_a_single_row",
    ),
    Mutant(
        "rank: a score of the request alone stays one row",
        SERVING,
        "    return tf.nest.map_structure(spread, outputs)\n",
        "    return outputs\n",
        f"{TEST_SERVING}::"
        "test_a_score_that_depends_on_the_request_alone_is_spread_over_all_candidates",
    ),
    Mutant(
        "rank: requests are not checked",
        SERVING,
        "            check_features(side, features, where)\n",
        "            pass\n",
        f"{TEST_SERVING}::test_bad_requests_are_named",
    ),
    Mutant(
        "rank: always the first task",
        SERVING,
        "(task or tasks[0],)",
        "(tasks[0],)",
        f"{TEST_SERVING}::test_scores_equal_predictions_of_the_tiled_rows",
    ),
    Mutant(
        "rank: fused scores change places",
        SERVING,
        "dict(zip(wanted, outputs, strict=True))",
        "dict(zip(wanted, outputs[::-1], strict=True))",
        f"{TEST_SERVING}::test_scores_of_all_tasks_are_fused_in_one_pass",
    ),
    Mutant(
        "rank: sorted by the first task, not by what was fused",
        SERVING,
        'Ranking(np.argsort(-scores, kind="stable"), scores)',
        'Ranking(np.argsort(-outputs[0], kind="stable"), scores)',
        f"{TEST_SERVING}::test_scores_of_all_tasks_are_fused_in_one_pass",
    ),
    Mutant(
        "rank: unsigned numbers are negated",
        SERVING,
        'if scores.dtype.kind != "f":',
        'if scores.dtype.kind == "i":',
        f"{TEST_SERVING}::test_whole_numbers_are_sorted_from_the_largest",
    ),
    Mutant(
        "rank: a pass for each task",
        SERVING,
        "    outputs = [output.numpy() for output in rankers[key](user, candidates)]\n",
        "    outputs = [rankers[key](user, candidates)[i].numpy() for i in range(len(wanted))]\n",
        f"{TEST_SERVING}::test_fusing_runs_the_model_once",
    ),
    Mutant(
        "rank: what fuse returns is not checked",
        SERVING,
        "        _check_fused(scores, outputs[0].shape)\n",
        "",
        f"{TEST_SERVING}::test_what_fuse_returns_is_checked",
    ),
    Mutant(
        "save: written in place",
        SERVING,
        '        model.save(os.path.join(temporary, "model.keras"))\n'
        '        os.replace(os.path.join(temporary, "model.keras"), path)\n',
        "        model.save(path)\n",
        f"{TEST_SERVING}::test_a_save_that_fails_keeps_the_old_file_and_leaves_nothing",
    ),
    Mutant(
        "batches: numbers begin where ids do",
        BATCHES,
        "position[numeric] += column.num_slots",
        "position[True] += column.num_slots\n            position[False] += column.num_slots",
        f"{TEST_BATCHES}::test_unpack_gives_back_what_pack_was_given",
    ),
    Mutant(
        "batches: outputs in the model's order",
        BATCHES,
        "    return [by_name[task] for task in tasks]\n",
        "    return list(outputs)\n",
        f"{TEST_BATCHES}::test_outputs_are_found_by_the_names_of_their_tasks",
    ),
    Mutant(
        "ties: by means",
        COMPARISON,
        'scores["highest"] >= best["lowest"]',
        'scores["mean"] >= best["mean"]',
        f"{TEST_COMPARISON}::"
        "test_models_tie_unless_every_seed_of_one_beats_every_seed_of_the_other",
    ),
    Mutant(
        "ties: more is better whatever is said",
        COMPARISON,
        "ascending=not higher_is_better",
        "ascending=False",
        f"{TEST_COMPARISON}::test_where_less_is_better_the_lowest_mean_is_best",
    ),
]
