"""Mistakes in batches, evaluate and compare that the tests must reject."""

from runner import Mutant

COMPARISON = "recsys_lib/training/comparison.py"
TABLES = "recsys_lib/training/tables.py"
EVALUATION = "recsys_lib/training/evaluation.py"
BATCHES = "recsys_lib/training/batches.py"
TEST_COMPARISON = "training/test_comparison.py"
TEST_TABLES = "training/test_tables_of_runs.py"
TEST_KEPT = "training/test_kept_trainers.py"
TEST_EVALUATION = "training/test_evaluation.py"
TEST_BATCHES = "training/test_batches.py"

MUTANTS = [
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
        "            trainer.restart(lambda: recipe(data.feature_columns), seed)\n",
        "",
        f"{TEST_COMPARISON}::test_numbers_equal_separate_fits_to_the_last_bit",
    ),
    Mutant(
        "compare: asking for a model draws seeds of what is built next",
        COMPARISON,
        "        random.setstate(generator)\n",
        "",
        f"{TEST_COMPARISON}::test_asking_for_a_model_changes_no_seed_of_what_is_built_next",
    ),
    Mutant(
        "compare: what was traced serves other columns",
        COMPARISON,
        "if trainer is not None and before == traced_for:",
        "if trainer is not None:",
        f"{TEST_KEPT}::test_other_columns_are_traced_anew",
    ),
    Mutant(
        "compare: every data set is traced anew",
        COMPARISON,
        "if trainer is not None and before == traced_for:",
        "if False:",
        f"{TEST_KEPT}::"
        "test_a_comparison_goes_on_to_another_data_set_with_the_numbers_of_a_fresh_build",
    ),
    Mutant(
        "compare: one checkpoint for all seeds",
        COMPARISON,
        "_{plain}_seed_{seed}.npz",
        "_{plain}.npz",
        f"{TEST_KEPT}::test_a_killed_comparison_goes_on_where_it_stopped",
    ),
    Mutant(
        "compare: one checkpoint for names that are alike",
        COMPARISON,
        'f"{number:02d}_{plain}_seed_',
        'f"{plain}_seed_',
        f"{TEST_KEPT}::test_a_killed_comparison_goes_on_where_it_stopped",
    ),
    Mutant(
        "compare: the order of rows is the same for every seed",
        COMPARISON,
        "data, seed=seed, checkpoint=",
        "data, seed=0, checkpoint=",
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
        "Trainer(model, data, recipe.fresh_optimizer(), **weighing)",
        "Trainer(model, data, None, **weighing)",
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
        TABLES,
        'by = ("model", "task", "slice") if table["task"].nunique() > 1 else ("model", "slice")',
        'by = ("model", "slice")',
        f"{TEST_TABLES}::test_a_summary_keeps_tasks_apart",
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
        TABLES,
        "grouped.std(ddof=1)",
        "grouped.std(ddof=0)",
        f"{TEST_TABLES}::test_summarize_gives_mean_and_sample_deviation_over_seeds",
    ),
    Mutant(
        "batches: numbers begin where ids do",
        BATCHES,
        "position[numeric] += column.num_slots",
        "position[True] += column.num_slots\n            position[False] += column.num_slots",
        f"{TEST_BATCHES}::test_unpack_gives_back_what_pack_was_given",
    ),
    Mutant(
        "batches: a dict of one task must have the data's name",
        BATCHES,
        "if isinstance(outputs, dict) and len(outputs) > 1:",
        "if isinstance(outputs, dict):",
        f"{TEST_BATCHES}::test_a_dict_of_one_task_is_an_output_like_a_tensor",
    ),
    Mutant(
        "batches: masks that no task has are packed",
        BATCHES,
        "if any(task in split.label_masks for task in tasks):",
        "if True:",
        f"{TEST_BATCHES}::test_masks_are_packed_where_a_task_of_the_model_has_one",
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
        TABLES,
        'scores["highest"] >= best["lowest"]',
        'scores["mean"] >= best["mean"]',
        f"{TEST_TABLES}::test_models_tie_unless_every_seed_of_one_beats_every_seed_of_the_other",
    ),
    Mutant(
        "ties: more is better whatever is said",
        TABLES,
        "ascending=not higher_is_better",
        "ascending=False",
        f"{TEST_TABLES}::test_where_less_is_better_the_lowest_mean_is_best",
    ),
    Mutant(
        "tables: every combination of rows is shown",
        TABLES,
        "frame.reindex(index=_in_order(trained, rows), columns=_in_order(trained, columns))",
        "frame.reindex(columns=_in_order(trained, columns))",
        f"{TEST_TABLES}::test_runs_that_were_not_made_are_no_rows",
    ),
]
