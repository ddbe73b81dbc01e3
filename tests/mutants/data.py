"""Mistakes in recsys_lib/data, the metrics and the baselines that the tests must reject."""

from runner import Mutant

DATASET = "recsys_lib/data/dataset.py"
MOVIELENS = "recsys_lib/data/movielens.py"
SESSIONS = "recsys_lib/data/sessions.py"
PAST = "recsys_lib/data/history.py"
LENS = "recsys_lib/data/simulator/memorization.py"
WORLD = "recsys_lib/data/simulator/world.py"
METRICS = "recsys_lib/training/metrics.py"
BASELINES = "recsys_lib/training/baselines.py"
TEST_DATASET = "data/test_dataset.py"
TEST_MOVIELENS = "data/test_movielens.py"
TEST_PAST = "data/test_past.py"
TEST_LENS = "data/test_simulator_memorization.py"
TEST_WORLD = "data/test_simulator_world.py"
TEST_METRICS = "training/test_metrics.py"
TEST_BASELINES = "training/test_baselines.py"
BAD_SPLIT = f"{TEST_DATASET}::test_a_bad_split_is_refused_with_its_column_and_rows"
KUAIRAND_SESSIONS = "data/test_kuairand.py::test_sessions_and_ages_follow_from_the_clicks_moments"
PAST_LOOPS = f"{TEST_PAST}::test_counts_and_histories_equal_loops"
SPLITS = f"{TEST_MOVIELENS}::test_splits_are_disjoint_complete_and_ordered"
FEATURES = f"{TEST_MOVIELENS}::test_features_equal_a_loop_over_the_past"

MUTANTS = [
    Mutant(
        "dataset: the leak check is not strict",
        DATASET,
        "late = moments >= split.time",
        "late = moments > split.time",
        BAD_SPLIT,
    ),
    Mutant(
        "dataset: only the first step of a history is checked",
        DATASET,
        "        if late.any():\n",
        "        if late.reshape(len(late), -1)[:, -1].any():\n",
        BAD_SPLIT,
    ),
    Mutant(
        "dataset: overlapping splits are not detected",
        DATASET,
        "            if shared.any():\n",
        "            if shared.all():\n",
        BAD_SPLIT,
    ),
    Mutant(
        "dataset: a row may appear twice",
        DATASET,
        "if len(unique) != len(split):",
        "if False:",
        BAD_SPLIT,
    ),
    Mutant(
        "dataset: splits out of order in time",
        DATASET,
        "early = known & (split.time < latest[position])",
        "early = known & (split.time < -np.inf)",
        BAD_SPLIT,
    ),
    Mutant(
        "dataset: all groups share one clock",
        DATASET,
        "early = known & (split.time < latest[position])",
        "early = split.time < latest.max()",
        f"{TEST_DATASET}::test_another_group_may_be_earlier",
    ),
    Mutant(
        "dataset: equal times on both sides of a cut are refused",
        DATASET,
        "early = known & (split.time < latest[position])",
        "early = known & (split.time <= latest[position])",
        f"{TEST_DATASET}::test_rows_of_one_second_may_lie_on_both_sides_of_a_cut",
    ),
    Mutant(
        "dataset: an id equal to the vocabulary's size",
        DATASET,
        "bad = (values < 0) | (values >= column.vocabulary_size)",
        "bad = (values < 0) | (values > column.vocabulary_size)",
        BAD_SPLIT,
    ),
    Mutant(
        "dataset: negative ids",
        DATASET,
        "bad = (values < 0) | (values >= column.vocabulary_size)",
        "bad = values >= column.vocabulary_size",
        BAD_SPLIT,
    ),
    Mutant(
        "dataset: infinite numbers",
        DATASET,
        "bad = ~np.isfinite(values)",
        "bad = np.isnan(values)",
        BAD_SPLIT,
    ),
    Mutant(
        "sessions: ages are counted from the newest behaviour",
        SESSIONS,
        "= age_buckets(moments, time)",
        "= age_buckets(moments, 1 + np.max(moments, axis=1))",
        KUAIRAND_SESSIONS,
    ),
    Mutant(
        "sessions: the leak check is told the oldest behaviour",
        SESSIONS,
        "newest = np.max(moments, axis=1)",
        "newest = np.min(moments, axis=1)",
        KUAIRAND_SESSIONS,
    ),
    Mutant(
        "past: a row sees its own moment",
        PAST,
        "new_moment[1:] |= sorted_time[1:] != sorted_time[:-1]",
        "new_moment[1:] = True",
        PAST_LOOPS,
    ),
    Mutant(
        "past: counts run over all keys",
        PAST,
        "total[order] = running[moment_start] - running[key_start]",
        "total[order] = running[moment_start]",
        PAST_LOOPS,
    ),
    Mutant(
        "past: the oldest events instead of the newest",
        PAST,
        "index = np.where(real, (end - length)[:, None] + step, 0)",
        "index = np.where(real, events_before[key_start][:, None] + step, 0)",
        PAST_LOOPS,
    ),
    Mutant(
        "past: the time of the oldest event",
        PAST,
        "newest[order[some]] = sorted_time[moment_start[some] - 1]",
        "newest[order[some]] = sorted_time[key_start[some]]",
        PAST_LOOPS,
    ),
    Mutant(
        "movielens: validation after test",
        MOVIELENS,
        "(from_the_end <= 2 * fifth).astype(np.int8) + (from_the_end <= fifth)",
        "2 * (from_the_end <= 2 * fifth).astype(np.int8) - (from_the_end <= fifth)",
        SPLITS,
    ),
    Mutant(
        "movielens: split per user by the order of the log",
        MOVIELENS,
        "order = np.lexsort((time, user))",
        'order = np.argsort(user, kind="stable")',
        SPLITS,
    ),
    Mutant(
        "movielens: ids of films that training never saw",
        MOVIELENS,
        "np.where(seen[inverse], inverse + 1, 0)",
        "(inverse + 1)",
        FEATURES,
    ),
    Mutant(
        "movielens: histories of all films instead of the liked",
        MOVIELENS,
        "history.last_events(user, time, liked & (movie_ids > 0), max_history)",
        "history.last_events(user, time, movie_ids > 0, max_history)",
        FEATURES,
    ),
    Mutant(
        "movielens: a rating of more than 4 is a like",
        MOVIELENS,
        'log["rating"].to_numpy() >= LOWEST_RATING["like"]\n',
        'log["rating"].to_numpy() > LOWEST_RATING["like"]\n',
        FEATURES,
    ),
    Mutant(
        "movielens: weekdays are shifted",
        MOVIELENS,
        "(time // 86400 + 3) % 7 + 1",
        "(time // 86400) % 7 + 1",
        f"{TEST_MOVIELENS}::test_hours_and_weekdays_are_utc",
    ),
    Mutant(
        "simulator: rules on unseen pairs too",
        LENS,
        "    rule_pair &= ~unseen_pair\n",
        "",
        f"{TEST_LENS}::test_unseen_pairs_are_in_the_test_split_only",
    ),
    Mutant(
        "simulator: every rule raises the log-odds",
        LENS,
        "np.where(rule_pair, rule_strength * sign, 0.0)",
        "np.where(rule_pair, rule_strength, 0.0)",
        f"{TEST_LENS}::test_planted_structure",
    ),
    Mutant(
        "simulator: training holds unseen pairs",
        LENS,
        '("train", "num_rows", 0.0),',
        '("train", "num_rows", 0.1),',
        f"{TEST_LENS}::test_unseen_pairs_are_in_the_test_split_only",
    ),
    Mutant(
        "simulator: ids from 0",
        LENS,
        "segment, item = (segment + 1).astype(np.int32), (item + 1).astype(np.int32)",
        "segment, item = segment.astype(np.int32), item.astype(np.int32)",
        f"{TEST_LENS}::test_every_probability_is_the_sigmoid_of_the_planted_log_odds",
    ),
    Mutant(
        "simulator: labels of all splits from one stream",
        WORLD,
        'stream(seed, lens, f"labels/{split_name}/{task}")',
        'stream(seed, lens, f"labels/{task}")',
        f"{TEST_WORLD}::test_make_dataset_times_the_splits_and_seals_the_truth",
    ),
    Mutant(
        "simulator: labels are the reverse",
        WORLD,
        "(generator.random(len(probability)) < probability)",
        "(generator.random(len(probability)) > probability)",
        f"{TEST_WORLD}::test_labels_follow_the_probability",
    ),
    Mutant(
        "simulator: streams of all parts are one",
        WORLD,
        'key = zlib.crc32(f"{lens}/{part}".encode())',
        "key = zlib.crc32(lens.encode())",
        f"{TEST_WORLD}::test_streams_depend_on_seed_lens_and_part_alone",
    ),
    Mutant(
        "auc: a tie counts as a win",
        METRICS,
        "twice_rank = first + last + 2 - 2 * np.repeat(starts, rows)",
        "twice_rank = 2 * last + 2 - 2 * np.repeat(starts, rows)",
        f"{TEST_METRICS}::test_auc_equals_scikit_learn_with_ties",
    ),
    Mutant(
        "auc: ties by their order in the log",
        METRICS,
        "_tie_blocks(new_group | np.append(True, score[1:] != score[:-1]))",
        "_tie_blocks(np.ones(len(score), bool))",
        (
            f"{TEST_METRICS}::test_auc_equals_scikit_learn_with_ties",
            f"{TEST_METRICS}::test_auc_ignores_row_order_and_monotone_transforms_to_the_last_digit",
        ),
    ),
    Mutant(
        "gauc: every group weighs the same",
        METRICS,
        "    weight = rows[counts]\n",
        "    weight = np.ones(counts.sum(), np.int64)\n",
        f"{TEST_METRICS}::test_gauc_equals_a_loop_over_groups",
    ),
    Mutant(
        "gauc: weighted by pairs instead of impressions",
        METRICS,
        "    weight = rows[counts]\n",
        "    weight = (positives * negatives)[counts]\n",
        f"{TEST_METRICS}::test_gauc_equals_a_loop_over_groups",
    ),
    Mutant(
        "gauc: groups of one class count as one half",
        METRICS,
        "    counts = (positives > 0) & (negatives > 0)\n",
        "    counts = positives + negatives > 0\n"
        "    negatives = np.maximum(negatives, 1)\n    positives = np.maximum(positives, 1)\n",
        f"{TEST_METRICS}::test_gauc_equals_a_loop_over_groups",
    ),
    Mutant(
        "gauc: ties reach into the next group",
        METRICS,
        "_tie_blocks(new_group | np.append(True, score[1:] != score[:-1]))",
        "_tie_blocks(np.append(True, score[1:] != score[:-1]))",
        f"{TEST_METRICS}::test_gauc_equals_a_loop_over_groups",
    ),
    Mutant(
        "log loss: in bits",
        METRICS,
        "return float(-np.log(given).mean())",
        "return float(-np.log2(given).mean())",
        f"{TEST_METRICS}::test_log_loss_equals_scikit_learn",
    ),
    Mutant(
        "calibration: bins weigh the same",
        METRICS,
        "(distance * bins.num_rows).sum() / bins.num_rows.sum()",
        "distance.mean()",
        (
            f"{TEST_METRICS}::test_calibration_error_on_worked_rows",
            f"{TEST_METRICS}::test_equal_predictions_share_a_calibration_bin",
        ),
    ),
    Mutant(
        "calibration: signed errors cancel",
        METRICS,
        "distance = np.abs(bins.mean_probability - bins.mean_label)",
        "distance = bins.mean_probability - bins.mean_label",
        f"{TEST_METRICS}::test_calibration_error_on_worked_rows",
    ),
    Mutant(
        "calibration ratio: upside down",
        METRICS,
        "return float(probability.mean() / label.mean())",
        "return float(label.mean() / probability.mean())",
        f"{TEST_METRICS}::test_calibration_ratio",
    ),
    Mutant(
        "share of the gap: from the oracle down",
        METRICS,
        "return (score - trivial) / (oracle - trivial)",
        "return (oracle - score) / (oracle - trivial)",
        f"{TEST_METRICS}::test_share_of_gap",
    ),
    Mutant(
        "mean squared error: in float32",
        METRICS,
        "label, prediction = np.asarray(label, np.float64), np.asarray(prediction, np.float64)",
        "label, prediction = np.asarray(label, np.float32), np.asarray(prediction, np.float32)",
        f"{TEST_METRICS}::test_mean_squared_error_is_computed_in_float64",
    ),
    Mutant(
        "baselines: a regression task's mean is clipped like a probability",
        BASELINES,
        'return _clip(predicted) if self.kind == "binary" else predicted',
        "return _clip(predicted)",
        (
            f"{TEST_BASELINES}::test_tasks_are_resolved",
            f"{TEST_BASELINES}::test_bounds_of_a_regression_task_are_errors_of_mean_and_expectation",
        ),
    ),
    Mutant(
        "baselines: unknown ids have a mean of their own",
        BASELINES,
        "    table[0] = base",
        "    table[0] = table[0]",
        (
            f"{TEST_BASELINES}::test_column_mean_on_worked_rows",
            f"{TEST_BASELINES}::test_column_mean_equals_a_loop",
        ),
    ),
    Mutant(
        "baselines: smoothed towards zero",
        BASELINES,
        "np.divide(total + smoothing * base, weight, out=table, where=weight > 0)",
        "np.divide(total, weight, out=table, where=weight > 0)",
        f"{TEST_BASELINES}::test_column_mean_equals_a_loop",
    ),
    Mutant(
        "baselines: additive means count the base rate twice",
        BASELINES,
        "logit = base + sum(_logit(table[_ids(column, split)]) - base for",
        "logit = base + sum(_logit(table[_ids(column, split)]) for",
        f"{TEST_BASELINES}::test_additive_means_add_log_odds",
    ),
    Mutant(
        "baselines: means of the test split",
        BASELINES,
        "    train = dataset.train\n    with_label",
        "    train = dataset.test\n    with_label",
        f"{TEST_BASELINES}::test_column_mean_learns_from_the_training_split_only",
    ),
    Mutant(
        "calibration: numbers of bins of NumPy are refused",
        METRICS,
        'num_bins = check_integer("num_bins", num_bins)',
        "num_bins = num_bins if type(num_bins) is int else check_integer('num_bins', None)",
        f"{TEST_METRICS}::test_numpy_integers_count_bins",
    ),
]
