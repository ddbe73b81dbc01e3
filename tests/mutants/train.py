"""Mistakes in the command that trains one model that the tests must reject."""

from runner import Mutant

PLANNING = "recsys_pipeline/train/planning.py"
RUNNING = "recsys_pipeline/train/running.py"
OPTIONS = "recsys_pipeline/files/options.py"
TEST = "train/test_train_command.py"
LEAVES = f"{TEST}::test_a_run_leaves_model_scores_and_predictions[deepfm-tasks0-options0]"
PLANNED = f"{TEST}::test_every_model_of_the_book_is_planned_on_one_description[dsin]"
MISTAKES = f"{TEST}::test_mistakes_are_told_before_a_row_is_read"
MASKS = f"{TEST}::test_several_labels_of_two_kinds_with_masks"

MUTANTS = [
    Mutant(
        "train: sessions are read as a history",
        PLANNING,
        '    if "sessions" in row.needs:\n        names',
        "    if False:\n        names",
        PLANNED,
    ),
    Mutant(
        "train: options are checked when the data are there",
        PLANNING,
        "            built = plan.build(columns)\n"
        "            plan.settings.check_with(built, plan.tasks)\n",
        "            pass\n",
        MISTAKES,
    ),
    Mutant(
        "train: a finished run is written over",
        PLANNING,
        "if (folder / SCORES).exists():",
        "if False:",
        f"{TEST}::test_a_killed_run_goes_on_and_a_finished_one_is_kept",
    ),
    Mutant(
        "train: labels that do not exist are written as 0",
        RUNNING,
        "pa.array(split.labels[task], mask=~exists)",
        "pa.array(split.labels[task])",
        MASKS,
    ),
    Mutant(
        "train: slices hold all rows",
        RUNNING,
        'parts = {"all": np.ones(len(split), bool), **split.slices}',
        'parts = dict.fromkeys(["all", *split.slices], np.ones(len(split), bool))',
        LEAVES,
    ),
    Mutant(
        "train: the plan.s options of fit are forgotten",
        RUNNING,
        "            **plan.fit,\n            **plan.settings",
        "            **{**plan.fit, 'epochs': 1},\n            **plan.settings",
        LEAVES,
    ),
    Mutant(
        "train: moments of a list that is left out have to be described",
        OPTIONS,
        'if kind == "ignore" and "times" in was:',
        "if False:",
        MISTAKES,
    ),
]
