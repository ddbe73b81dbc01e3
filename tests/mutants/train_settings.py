"""Mistakes in optimizer, weights, export and workers of the command that trains, to be rejected."""

from runner import Mutant

SETTINGS = "recsys_pipeline/train/settings.py"
PLANNING = "recsys_pipeline/train/planning.py"
RUNNING = "recsys_pipeline/train/running.py"
COMMAND = "recsys_pipeline/train/__main__.py"
TEST = "train/test_train_settings.py"
SAID = f"{TEST}::test_a_run_is_trained_as_it_was_said"
MISTAKES = f"{TEST}::test_mistakes_are_told_before_training"
CHIEF = f"{TEST}::test_of_several_workers_the_chief_writes_the_folder"

LINE = f"{TEST}::test_an_export_answers_by_the_line_of_the_validation_rows"
CALIBRATION = "recsys_pipeline/export/calibration.py"
FITTED = "export/test_export_calibration.py"

MUTANTS = [
    Mutant(
        "calibration: labels are certain",
        CALIBRATION,
        "target = np.where(label == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))",
        "target = label",
        f"{FITTED}::test_the_fitted_line_is_that_of_a_logistic_regression",
    ),
    Mutant(
        "calibration: one step of the search",
        CALIBRATION,
        'options={"gtol": 1e-9}',
        'options={"gtol": 1e-9, "maxiter": 1}',
        f"{FITTED}::test_the_fitted_line_is_that_of_a_logistic_regression",
    ),
    Mutant(
        "calibration: a falling line is one",
        CALIBRATION,
        "    if line[0] <= 0:\n",
        "    if False:\n",
        f"{FITTED}::test_rows_without_a_line_are_named",
    ),
    Mutant(
        "train: calibrated scores are of validation rows",
        RUNNING,
        '_of_lines(data, told["test"], lines)',
        '_of_lines(data, told["valid"], lines)',
        LINE,
    ),
    Mutant(
        "train: a killed run cannot replace its export",
        RUNNING,
        "        shutil.rmtree(export)\n",
        "        pass\n",
        f"{TEST}::test_a_run_killed_at_its_export_goes_on",
    ),
    Mutant(
        "train: a killed run replaces whatever stands where it exported",
        PLANNING,
        "return said == [str(Path(folder).resolve()), checksum(folder)]",
        "return said[0] == str(Path(folder).resolve())",
        f"{TEST}::test_the_export_of_another_run_is_kept",
    ),
    Mutant(
        "train: a killed run does not know its export",
        RUNNING,
        "    _write_json(folder / EXPORTED, [str(export.resolve()), checksum(export)])\n",
        "",
        f"{TEST}::test_a_run_killed_at_its_export_goes_on",
    ),
    Mutant(
        "train: the export answers without its line",
        RUNNING,
        "write_export(model, export, data, calibration=lines.values())",
        "write_export(model, export, data)",
        LINE,
    ),
    Mutant(
        "train: Adam whatever optimizer is asked for",
        SETTINGS,
        "return getattr(training, name)(",
        "return training.Adam(",
        f"{TEST}::test_ftrl_trains_tables_that_start_at_zero",
    ),
    Mutant(
        "train: options of the optimizer are checked and forgotten",
        SETTINGS,
        "(self.learning_rate, **self.optimizer_options)",
        "(self.learning_rate)",
        SAID,
    ),
    Mutant(
        "train: the rate does not fall",
        SETTINGS,
        "lambda epoch: decay**epoch",
        "lambda epoch: decay**0",
        SAID,
    ),
    Mutant(
        "train: options of the balancing method are forgotten",
        SETTINGS,
        "return kind(**self.balancing_options)",
        "return kind()",
        SAID,
    ),
    Mutant(
        "train: no method balances",
        SETTINGS,
        '"balancing": self.method(),',
        '"balancing": None,',
        (SAID, f"{TEST}::test_every_method_may_be_asked_for"),
    ),
    Mutant(
        "train: a method beside weights",
        SETTINGS,
        "if self.balancing is not None and self.loss_weights is not None:",
        "if False:",
        MISTAKES,
    ),
    Mutant(
        "train: the optimizer meets the model in training only",
        SETTINGS,
        "        self.fresh_optimizer().build(model.trainable_variables)\n",
        "",
        MISTAKES,
    ),
    Mutant(
        "train: the method meets the model in training only",
        SETTINGS,
        "                    method.start(model, tasks)\n",
        "                    pass\n",
        (MISTAKES, f"{TEST}::test_one_task_has_nothing_to_balance"),
    ),
    Mutant(
        "train: a plateau may be longer than the patience",
        SETTINGS,
        "plateau.patience >= self.patience",
        "plateau.patience > self.patience",
        MISTAKES,
    ),
    Mutant(
        "train: the cluster may have another size",
        SETTINGS,
        "if named is not None and workers != named:",
        "if False:",
        f"{TEST}::test_a_cluster_of_another_size_is_a_mistake",
    ),
    Mutant(
        "train: a place for the export is looked for in the end",
        PLANNING,
        "        check_target(folder)\n",
        "        pass\n",
        (MISTAKES, f"{TEST}::test_what_writes_onnx_is_missed_before_training"),
    ),
    Mutant(
        "train: sessions beside the history that attention reads",
        PLANNING,
        ' or options.get("interest") == "attention"',
        "",
        f"{TEST}::test_attention_reads_the_history_that_is_not_in_sessions",
    ),
    Mutant(
        "train: every worker writes the folder",
        RUNNING,
        "        if not is_chief():\n            return {}\n",
        "",
        CHIEF,
    ),
    Mutant(
        "train: a worker of a cluster starts others",
        COMMAND,
        'if workers > 1 and "TF_CONFIG" not in os.environ:',
        "if workers > 1:",
        f"{TEST}::test_workers_are_started_with_the_same_arguments",
    ),
    Mutant(
        "train: workers are started before the plan is checked",
        COMMAND,
        "        plan, workers = _planned(given)\n",
        '        if "TF_CONFIG" not in os.environ and (given.workers or 1) > 1:\n'
        '            return launch([sys.executable, "-m", "recsys_pipeline"], given.workers)\n'
        "        plan, workers = _planned(given)\n",
        MISTAKES,
    ),
    Mutant(
        "train: workers write the cache at once",
        COMMAND,
        'return locked(f"{cache}.lock", seconds=SECONDS_TO_READ)',
        "return contextlib.nullcontext()",
        f"{TEST}::test_the_cache_is_written_by_one_worker_at_a_time",
    ),
]
