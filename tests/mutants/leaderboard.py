"""Mistakes in the leaderboard that the tests must reject."""

from runner import Mutant

FOLDER = "recsys_pipeline/leaderboard"
BOARD, COMMAND_FILE = f"{FOLDER}/board.py", f"{FOLDER}/command.py"
ENTRIES, PLANNING = f"{FOLDER}/entries.py", f"{FOLDER}/planning.py"
RECIPES, SETTINGS = f"{FOLDER}/recipe_files.py", f"{FOLDER}/settings.py"
JUDGING, STORE = f"{FOLDER}/judging.py", f"{FOLDER}/store.py"
RUNS, FIGURE, REPORT = f"{FOLDER}/runs.py", f"{FOLDER}/figure.py", f"{FOLDER}/report.py"

TEST = "leaderboard/test_leaderboard_command.py"
COMMAND = f"{TEST}::test_one_command_trains_stops_early_and_writes_the_scores"
OPTIONS = f"{TEST}::test_the_options_of_the_command_reach_the_models"
BUILDS = f"{TEST}::test_every_model_builds_with_the_sizes_that_it_has"
ONE_SEED = f"{TEST}::test_one_seed_and_no_groups_leave_out_what_they_cannot_say"
MISTAKE = f"{TEST}::test_a_mistake_is_one_line_and_a_status"
BEFORE = f"{TEST}::test_what_needs_no_data_is_looked_at_before_any_is_read"
TEST_BOARD = "leaderboard/test_board.py"
SAME = f"{TEST_BOARD}::test_the_numbers_are_those_of_a_comparison"
READ = f"{TEST_BOARD}::test_what_is_done_is_read_and_the_rest_is_run"
REFUSED = f"{TEST_BOARD}::test_a_folder_of_another_board_is_refused"
GRID = f"{TEST_BOARD}::test_a_grid_is_chosen_on_validation_rows_and_the_test_rows_are_left_alone"
TEST_RECIPES = "leaderboard/test_recipe_files.py"
SAID = f"{TEST_RECIPES}::test_a_recipe_says_who_stands_on_the_board_with_which_options"
WINS = f"{TEST_RECIPES}::test_the_command_line_wins_over_the_recipe_and_one_model_over_all"
TEST_JUDGING = "leaderboard/test_judging.py"
LEVELS = f"{TEST_JUDGING}::test_a_worse_model_is_behind_an_equal_one_level_and_a_close_one_unclear"
TEST_FIGURES = "leaderboard/test_board_figures.py"

MUTANTS = [
    Mutant(
        "leaderboard: no early stopping",
        SETTINGS,
        '    "patience": 2,\n',
        '    "patience": None,\n',
        COMMAND,
    ),
    Mutant(
        "leaderboard: the width is forgotten",
        COMMAND_FILE,
        'for name in ("embedding_dim", "hidden_units")}',
        'for name in ("hidden_units",)}',
        OPTIONS,
    ),
    Mutant(
        "leaderboard: every network model gets a network",
        SETTINGS,
        'return option != "hidden_units" or model.options.get(option, parameter.default) != ()',
        "return True",
        BUILDS,
    ),
    Mutant(
        "leaderboard: an option of one model goes to all",
        PLANNING,
        "            if everyone or model in (entry.name, entry.model.key, entry.model.name):\n",
        "            if option in having:\n",
        OPTIONS,
    ),
    Mutant(
        "leaderboard: a setting of the training for all models goes to none",
        PLANNING,
        "everyone = model is None and (option in having or option in FIT)",
        "everyone = model is None and option in having",
        WINS,
    ),
    Mutant(
        "leaderboard: the recipe wins over the command line",
        PLANNING,
        "fit = {**self.fit, **entry.fit, **self.fit_given}",
        "fit = {**self.fit_given, **self.fit, **entry.fit}",
        WINS,
    ),
    Mutant(
        "leaderboard: what holds for all wins over a model's own",
        PLANNING,
        "        options |= entry.options\n",
        "        options = {**entry.options, **options}\n",
        SAID,
    ),
    Mutant(
        "leaderboard: the published form of Wide & Deep has crosses",
        ENTRIES,
        'options={"cross_pairs": ()},',
        "options={},",
        f"{TEST}::test_wide_and_deep_stands_there_with_crosses_and_without",
    ),
    Mutant(
        "leaderboard: models that lack what they need are tried",
        ENTRIES,
        "if set(model.needs) <= there}",
        "if model}",
        f"{TEST_BOARD}::test_what_the_data_provide_decides_who_stands_on_the_board",
    ),
    Mutant(
        "leaderboard: sessions count as a history",
        ENTRIES,
        '"sessions" if column.num_sessions > 1 else "history"',
        '"sessions"',
        f"{TEST_BOARD}::test_what_the_data_provide_decides_who_stands_on_the_board",
    ),
    Mutant(
        "leaderboard: a spread of one seed",
        BOARD,
        "_columns(width, plan.seeds > 1, groups)",
        "_columns(width, True, groups)",
        ONE_SEED,
    ),
    Mutant(
        "leaderboard: GAUC without groups",
        BOARD,
        "groups = len(np.unique(dataset.test.group)) > 1",
        "groups = True",
        ONE_SEED,
    ),
    Mutant(
        "leaderboard: no remark on what learned nothing",
        BOARD,
        'return bool(values["auc"] > CHANCE and values["log_loss"] < base["log_loss"])',
        "return True",
        (COMMAND, f"{TEST_BOARD}::test_a_model_at_the_base_rate_is_told"),
    ),
    Mutant(
        "leaderboard: the folder has to be there",
        STORE,
        "    folder.mkdir(parents=True, exist_ok=True)\n    descriptor, name",
        "    descriptor, name",
        COMMAND,
    ),
    Mutant(
        "leaderboard: the output's folder is looked at after the data are read",
        COMMAND_FILE,
        "check_folder(pathlib.Path(given.output).absolute().parent)",
        "pass",
        BEFORE,
    ),
    Mutant(
        "leaderboard: a second seed goes on from the first one's weights",
        RUNS,
        "        if self._is_fresh != seed:\n            self.trainer.restart(self._build, seed)\n",
        "",
        SAME,
    ),
    Mutant(
        "leaderboard: the steps of the estimate stay in the model",
        RUNS,
        "        self._is_fresh = -1\n        return history.seconds",
        "        return history.seconds",
        SAME,
    ),
    Mutant(
        "leaderboard: all is run again",
        BOARD,
        '        one = store.get(best, seed, f"seed_{seed}")\n',
        "        one = None\n",
        READ,
    ),
    Mutant(
        "leaderboard: a folder of another board is read",
        STORE,
        "            if made_of.get(key) != value:\n",
        "            if False:\n",
        REFUSED,
    ),
    Mutant(
        "leaderboard: the training is no part of what a run is made of",
        PLANNING,
        '"options": said, "fit": dict(self.fit)}',
        '"options": said}',
        REFUSED,
    ),
    Mutant(
        "leaderboard: test rows are no part of what a run is made of",
        STORE,
        "    for name, split in dataset.splits.items():\n        arrays",
        '    for name, split in {"train": dataset.train}.items():\n        arrays',
        REFUSED,
    ),
    Mutant(
        "leaderboard: the worst of a grid is chosen",
        BOARD,
        "return trials[int(np.argmax(scores))]",
        "return trials[int(np.argmin(scores))]",
        GRID,
    ),
    Mutant(
        "leaderboard: trials of a grid are tested",
        BOARD,
        "tested=False\n",
        "tested=True\n",
        GRID,
    ),
    Mutant(
        "leaderboard: the first task is scored whatever was asked",
        BOARD,
        "task = next(iter(tasks)) if task is None else task",
        "task = next(iter(tasks))",
        (
            MISTAKE,
            f"{TEST_BOARD}::test_models_of_several_tasks_are_scored_on_the_one_that_is_asked_for",
        ),
    ),
    Mutant(
        "leaderboard: one model that diverges ends the board",
        BOARD,
        "except FloatingPointError as error:",
        "except KeyError as error:",
        f"{TEST_BOARD}::test_a_loss_that_is_not_finite_ends_no_board",
    ),
    Mutant(
        "recipe: a table of a penalty is a number",
        SETTINGS,
        "            return EmbeddingL2(**value)\n",
        '            return value["strength"]\n',
        SAID,
    ),
    Mutant(
        "recipe: the optimizer's own settings are forgotten",
        SETTINGS,
        "return kind(learning_rate, **given)",
        "return kind(learning_rate)",
        SAID,
    ),
    Mutant(
        "recipe: an unknown section is passed over",
        RECIPES,
        "    unknown = sorted(set(table) - set(_SECTIONS))\n",
        "    unknown = []\n",
        f"{TEST_RECIPES}::test_what_a_file_may_not_say_is_named",
    ),
    Mutant(
        "verdicts: rows are drawn where users are given",
        JUDGING,
        "users = np.arange(len(labels)) if group is None else",
        "users = np.arange(len(labels)) if True else",
        f"{TEST_JUDGING}::test_where_no_group_is_given_rows_are_drawn_and_users_widen_the_interval",
    ),
    Mutant(
        "verdicts: the same draws again and again",
        JUDGING,
        "seed=seed + start)",
        "seed=seed)",
        f"{TEST_JUDGING}::test_own_scores_are_those_of_the_rows_and_draws_lie_around_them",
    ),
    Mutant(
        "verdicts: whoever is not the best is behind",
        JUDGING,
        '    return "level" if said == LEVEL_VERDICT else "cannot tell"',
        '    return "behind"',
        LEVELS,
    ),
    Mutant(
        "verdicts: the difference is not turned round",
        JUDGING,
        "Interval(-to_best.mean, -to_best.high, -to_best.low, to_best.num_units)",
        "to_best",
        LEVELS,
    ),
    Mutant(
        "verdicts: ties in GAUC count as won",
        JUDGING,
        "rank = (first + last)[block] / 2",
        "rank = last[block]",
        f"{TEST_JUDGING}::test_gauc_of_a_draw_is_that_of_its_users",
    ),
    Mutant(
        "figure: costs on an even scale",
        FIGURE,
        "share = (math.log10(value) - left) / (right - left)",
        "share = (value - 10**left) / (10**right - 10**left)",
        f"{TEST_FIGURES}::test_points_stand_where_cost_and_score_say",
    ),
    Mutant(
        "figure: whatever is cheapest is on the front",
        FIGURE,
        "if not found or point.score > found[-1].score:",
        "if not found or point.cost > found[-1].cost:",
        f"{TEST_FIGURES}::test_a_dearer_model_that_scores_less_is_not_on_the_front",
    ),
    Mutant(
        "pages: a name is written as it is",
        REPORT,
        "    title = html.escape(_title(made))\n",
        "    title = _title(made)\n",
        f"{TEST_FIGURES}::test_pages_hold_every_row_and_how_it_was_made",
    ),
]
