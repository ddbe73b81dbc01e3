"""Mistakes in the leaderboard that the tests must reject."""

from runner import Mutant

LEADERBOARD = "recsys_lib/leaderboard.py"
TEST = "test_leaderboard.py"
COMMAND = f"{TEST}::test_one_command_trains_stops_early_and_writes_the_scores"
OPTIONS = f"{TEST}::test_the_options_of_the_command_reach_the_models"
BUILDS = f"{TEST}::test_every_model_builds_with_the_sizes_that_it_has"
ONE_SEED = f"{TEST}::test_one_seed_and_no_groups_leave_out_what_they_cannot_say"
MISTAKE = f"{TEST}::test_a_mistake_is_one_line_and_a_status"

MUTANTS = [
    Mutant(
        "leaderboard: no early stopping",
        LEADERBOARD,
        "patience=given.patience",
        "patience=None",
        COMMAND,
    ),
    Mutant(
        "leaderboard: the width is forgotten",
        LEADERBOARD,
        "            embedding_dim=given.embedding_dim,\n",
        "",
        OPTIONS,
    ),
    Mutant(
        "leaderboard: every network model gets a network",
        LEADERBOARD,
        'return option != "hidden_units" or row.options.get(option, parameter.default) != ()',
        "return True",
        BUILDS,
    ),
    Mutant(
        "leaderboard: an option of one model goes to all",
        LEADERBOARD,
        "having = list(chosen([model]))",
        "having = list(wanted)",
        (OPTIONS, MISTAKE),
    ),
    Mutant(
        "leaderboard: what is said for one model is overruled by what is said for all",
        LEADERBOARD,
        "{**given, **of_model[name]}",
        "{**of_model[name], **given}",
        OPTIONS,
    ),
    Mutant(
        "leaderboard: a spread of one seed",
        LEADERBOARD,
        "_columns(seeds > 1,",
        "_columns(True,",
        ONE_SEED,
    ),
    Mutant(
        "leaderboard: GAUC without groups",
        LEADERBOARD,
        "len(np.unique(dataset.test.group)) > 1",
        "True",
        ONE_SEED,
    ),
    Mutant(
        "leaderboard: no remark on what learned nothing",
        LEADERBOARD,
        'return values["auc"] > CHANCE and values["log_loss"] < base.log_loss',
        "return True",
        COMMAND,
    ),
    Mutant(
        "leaderboard: the folder has to be there",
        LEADERBOARD,
        "os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)",
        "pass",
        COMMAND,
    ),
    Mutant(
        "leaderboard: time left as if nothing were done",
        LEADERBOARD,
        "spent / number * (len(recipes) - number)",
        "spent / number * len(recipes)",
        f"{TEST}::test_time_left_is_the_pace_so_far_for_the_models_to_come",
    ),
    Mutant(
        "leaderboard: one model that does not fit ends the board",
        LEADERBOARD,
        "            if number == len(recipes) and len(tables) == 1:\n                raise\n",
        "            raise\n",
        f"{TEST}::test_a_model_that_does_not_fit_the_columns_ends_no_board",
    ),
]
