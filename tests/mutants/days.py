"""Mistakes in the days lens, and in what goes through its days, that the tests must reject."""

from runner import Mutant

LENS = "recsys_lib/data/simulator/days.py"
TEST = "data/test_simulator_days.py"
POLICIES = "experiments/one_request/_policies.py"
OF_POLICIES = "experiments/test_policies.py"
LEAK = f"{OF_POLICIES}::test_no_score_depends_on_a_label_of_its_own_day_or_a_later_one"
GROWN = f"{OF_POLICIES}::test_a_warm_start_is_that_of_a_model_that_grows"

MUTANTS = [
    Mutant(
        "days: the spread of tastes shrinks from day to day",
        LENS,
        "kept * before + np.sqrt(1 - kept**2) * noise",
        "kept * before + (1 - kept) * noise",
        f"{TEST}::test_tastes_keep_their_spread_and_forget_at_the_rate_of_the_drift",
    ),
    Mutant(
        "days: every day moves away from the first one alone",
        LENS,
        "before = taste[day - 1, 1:]",
        "before = taste[0, 1:]",
        f"{TEST}::test_tastes_keep_their_spread_and_forget_at_the_rate_of_the_drift",
    ),
    Mutant(
        "days: tastes are those of the day before",
        LENS,
        'truth["taste"][day, segment].T',
        'truth["taste"][day - 1, segment].T',
        f"{TEST}::test_the_probability_of_every_row_is_that_of_the_formula",
    ),
    Mutant(
        "days: items are shown for ever",
        LENS,
        'item = 1 + day * new + pick(uniform("item"), knobs["lifetime"] * new)',
        'item = 1 + pick(uniform("item"), (day + knobs["lifetime"]) * new)',
        f"{TEST}::test_a_day_shows_the_items_of_the_last_days_all_alike",
    ),
    Mutant(
        "days: an item appears a day late",
        LENS,
        "np.maximum(number // new - lifetime + 1, 0)",
        "np.maximum(number // new - lifetime + 2, 0)",
        (
            f"{TEST}::test_a_day_shows_the_items_of_the_last_days_all_alike",
            f"{TEST}::test_the_columns_of_a_day_know_its_items_and_no_later_ones",
        ),
    ),
    Mutant(
        "days: the columns of a day lack its own items",
        LENS,
        'np.searchsorted(first_day, day, side="right")',
        'np.searchsorted(first_day, day, side="left")',
        f"{TEST}::test_the_columns_of_a_day_know_its_items_and_no_later_ones",
    ),
    Mutant(
        "days: a longer log draws other items",
        LENS,
        'quality += [normal(f"quality/{day}", new) for day in range(1, num_days)]',
        'quality += [normal(f"quality/{num_days - day}", new) for day in range(1, num_days)]',
        f"{TEST}::test_a_longer_log_begins_with_the_days_of_the_shorter_one",
    ),
    Mutant(
        "policies: a warm start is trained on a day before it is tested on it",
        POLICIES,
        "        scores[today] = learner.predict(today, known)\n        if day",
        "        learner.go_on(today, known, learning_rate, 1)\n"
        "        scores[today] = learner.predict(today, known)\n        if day",
        LEAK,
    ),
    Mutant(
        "policies: a fresh start reads the next day, too",
        POLICIES,
        "learner.begin(log.last(day + 1, days_read), learning_rate, epochs)",
        "learner.begin(log.last(day + 2, days_read), learning_rate, epochs)",
        LEAK,
    ),
    Mutant(
        "policies: a window holds one day more",
        POLICIES,
        "rows & (self.days >= day - window)",
        "rows & (self.days >= day - window - 1)",
        f"{OF_POLICIES}::test_a_window_leaves_out_what_lies_before_it",
    ),
    Mutant(
        "policies: new items are read before a model was trained on them",
        POLICIES,
        "np.where(is_known[features[name]], features[name], 0)",
        "np.where(is_known[features[name]] | True, features[name], 0)",
        f"{OF_POLICIES}::test_items_of_the_day_itself_are_unknown_in_every_policy",
    ),
    Mutant(
        "policies: a warm start forgets which ids it knows",
        POLICIES,
        "known = _both(known, log.ids_of(today))",
        "known = log.ids_of(today)",
        GROWN,
    ),
    Mutant(
        "policies: every evening takes the rows in the same order",
        POLICIES,
        "        self.evenings += 1",
        "        self.evenings += 0",
        GROWN,
    ),
    Mutant(
        "policies: the optimizer is always the old one",
        POLICIES,
        "        if not keeps_optimizer:",
        "        if not keeps_optimizer and day < 0:",
        f"{OF_POLICIES}::test_each_option_acts",
    ),
    Mutant(
        "policies: validation days are gone through twice in tuning",
        POLICIES,
        'names.remove("valid")',
        "pass",
        f"{OF_POLICIES}::test_in_tuning_the_days_of_validation_are_gone_through_once",
    ),
    Mutant(
        "policies: an old model is as old as the stale one",
        POLICIES,
        'aged = age if policy == "stale" else 0',
        "aged = 0",
        f"{OF_POLICIES}::test_an_aged_model_is_the_stale_one_of_an_earlier_test",
    ),
    Mutant(
        "KuaiRand: new ids are asked for and not given",
        "recsys_lib/data/kuairand.py",
        "known = np.ones(len(log), bool) if new_ids else part == 0",
        "known = part == 0",
        "data/test_kuairand.py::test_new_ids_give_numbers_to_what_training_never_holds",
    ),
]
