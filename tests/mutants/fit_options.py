"""Mistakes between epochs and in labels with masks that the tests must reject."""

from runner import Mutant

TRAINER = "recsys_lib/training/trainer.py"
RUN = "recsys_lib/training/run.py"
RATES = "recsys_lib/training/rates.py"
STEPS = "recsys_lib/training/steps.py"
WEIGHTING = "recsys_lib/training/weighting.py"
BASELINES = "recsys_lib/training/baselines.py"
OPTIONS = "training/test_fit_options.py"
MASKS = "training/test_label_masks.py"
PLATEAU = f"{OPTIONS}::test_a_plateau_cuts_the_rates"
WAITS = f"{OPTIONS}::test_a_plateau_waits_for_its_patience_and_counts_anew_after_a_cut"
LOWEST = f"{OPTIONS}::test_cuts_end_at_the_lowest_share_and_multiply_with_the_schedule"
SCHEDULE = f"{OPTIONS}::test_a_schedule_gives_factors_on_the_rate_epoch_by_epoch"
RESUMED = f"{OPTIONS}::test_a_killed_run_resumes_rates_cuts_and_callbacks_bit_for_bit"
OWN_ROWS = f"{MASKS}::test_a_tasks_loss_is_the_mean_over_its_own_rows_of_the_batch"
EPOCH = f"{MASKS}::test_an_epochs_mean_counts_the_rows_with_the_label_not_the_batches"
SCORES = f"{MASKS}::test_scores_and_baselines_use_the_rows_with_a_label"
ALONE = f"{MASKS}::test_a_baseline_of_masked_rows_is_that_of_the_rows_alone"

MUTANTS = [
    Mutant(
        "rates: the schedule counts from 1",
        TRAINER,
        "rates.set(run.epoch, run.rate_share)",
        "rates.set(run.epoch + 1, run.rate_share)",
        SCHEDULE,
    ),
    Mutant(
        "rates: factors multiply up",
        RATES,
        "            part.learning_rate = rate * factor\n",
        "            part.learning_rate = part.learning_rate * factor\n",
        SCHEDULE,
    ),
    Mutant(
        "rates: the optimizer keeps the last rate",
        RATES,
        "            part.learning_rate = rate\n",
        "            pass\n",
        SCHEDULE,
    ),
    Mutant(
        "rates: only the first group's rate changes",
        RATES,
        'return list(getattr(optimizer, "optimizers", [optimizer]))',
        'return list(getattr(optimizer, "optimizers", [optimizer]))[:1]',
        f"{OPTIONS}::test_all_groups_keep_their_proportions_and_get_their_rates_back",
    ),
    Mutant(
        "plateau: a gain does not reset the count",
        RUN,
        "            self.epochs_since_cut = 0\n            self.best = ",
        "            self.best = ",
        WAITS,
    ),
    Mutant(
        "plateau: a cut does not reset the count",
        RUN,
        "self.rate_share, self.epochs_since_cut = plateau.cut(self.rate_share), 0",
        "self.rate_share = plateau.cut(self.rate_share)",
        WAITS,
    ),
    Mutant(
        "plateau: one epoch late",
        RUN,
        "self.epochs_since_cut >= plateau.patience",
        "self.epochs_since_cut > plateau.patience",
        PLATEAU,
    ),
    Mutant(
        "plateau: no lowest share",
        RATES,
        "return max(share * self.factor, self.lowest)",
        "return share * self.factor",
        LOWEST,
    ),
    Mutant(
        "plateau: the schedule overrides the cuts",
        RATES,
        "factor = self.factor(epoch) * share",
        "factor = self.factor(epoch) if self.schedule else share",
        LOWEST,
    ),
    Mutant(
        "checkpoints: cuts are forgotten",
        RUN,
        '        "rate_share",\n',
        "",
        RESUMED,
    ),
    Mutant(
        "checkpoints: callbacks start anew",
        RUN,
        "            callback.restore(state)\n",
        "            pass\n",
        RESUMED,
    ),
    Mutant(
        "checkpoints: another schedule goes on",
        RUN,
        'return {**self._fingerprint, "factors of the schedule": factors}',
        "return self._fingerprint",
        f"{OPTIONS}::test_a_resumed_run_follows_the_same_schedule",
    ),
    Mutant(
        "callbacks: the epoch is counted from 1",
        RUN,
        "callback.on_epoch_end(self.epoch - 1, row, self.trainer.model)",
        "callback.on_epoch_end(self.epoch, row, self.trainer.model)",
        f"{OPTIONS}::test_callbacks_see_each_epoch_with_its_row_and_the_model_as_it_is",
    ),
    Mutant(
        "masks: the mean is over all rows",
        WEIGHTING,
        "return total / tf.maximum(count, 1)",
        "return total / tf.cast(tf.size(mask), of_rows.dtype)",
        OWN_ROWS,
    ),
    Mutant(
        "masks: a batch without a label is no number",
        WEIGHTING,
        "return total / tf.maximum(count, 1)",
        "return total / count",
        f"{MASKS}::test_a_batch_without_a_label_has_loss_0_and_no_gradient",
    ),
    Mutant(
        "masks: all tasks by the first task's mask",
        WEIGHTING,
        "None if masks is None else masks[:, position]",
        "None if masks is None else masks[:, 0]",
        OWN_ROWS,
    ),
    Mutant(
        "masks: batches count alike in the epoch's mean",
        STEPS,
        "total + reported * tf.stack(counts(num_rows, of_tasks))",
        "total + reported * tf.stack(counts(num_rows, None))",
        EPOCH,
    ),
    Mutant(
        "masks: masks are not shuffled with the rows",
        STEPS,
        "                reported = train_on_batch(*batch)\n",
        "                batch[3:] = [\n"
        "                    m[index * batch_size : (index + 1) * batch_size]\n"
        "                    for m in matrices[3:]\n"
        "                ]\n"
        "                reported = train_on_batch(*batch)\n",
        EPOCH,
    ),
    Mutant(
        "masks: rows without a label are validated",
        "recsys_lib/training/validation.py",
        "            rows = self.split.rows_of(task)\n",
        "            rows = slice(None)\n",
        OWN_ROWS,
    ),
    Mutant(
        "masks: rows without a label are scored",
        "recsys_lib/training/evaluation.py",
        "    rows = split.rows_of(task)\n",
        "    rows = slice(None)\n",
        SCORES,
    ),
    Mutant(
        "masks: the base rate counts rows without a label",
        BASELINES,
        "    return train.labels[task][train.rows_of(task)].mean(dtype=np.float64)\n",
        "    return train.labels[task].mean(dtype=np.float64)\n",
        SCORES,
    ),
    Mutant(
        "masks: an id's mean counts rows without a label",
        BASELINES,
        "    with_label = train.rows_of(task)\n",
        "    with_label = slice(None)\n",
        ALONE,
    ),
    Mutant(
        "masks: the gap's ends count rows without a label",
        BASELINES,
        "        split = split.take(split.label_masks[trivial.task])\n",
        "        pass\n",
        f"{MASKS}::test_bounds_of_a_gap_are_those_of_the_rows_with_a_label",
    ),
]
