"""Mistakes in what workers exchange that the tests must reject."""

from runner import Mutant

REPLICAS = "recsys_lib/replicas.py"
PENALTIES = "recsys_lib/features/penalties.py"
NORMALIZATION = "recsys_lib/layers/normalization.py"
PARTITIONED = "recsys_lib/multi_scenario/normalization.py"
WEIGHTING = "recsys_lib/training/weighting.py"
DISTRIBUTED = "recsys_pipeline/workers/distributed.py"
LAUNCH = "recsys_pipeline/workers/launch.py"
TEST = "training/test_replicas.py"
TEST_DISTRIBUTED = "training/test_distributed.py"
TEST_LAUNCH = "training/test_launch.py"
UNEQUAL = f"{TEST}::test_slices_of_unequal_length_are_gathered_and_then_summed"
SHARES = f"{TEST}::test_shares_add_up_and_have_the_gradient_of_the_whole"
IDS = f"{TEST}::test_penalties_count_an_id_once_however_many_replicas_read_it"
PAIRS = f"{TEST}::test_a_pair_of_ids_is_penalised_once_too"
MOMENTS = f"{TEST}::test_dice_and_an_interests_normalization_have_the_moments_of_all_rows"
BATCH = f"{TEST}::test_batch_normalization_has_the_moments_of_all_rows"
STEPS = f"{TEST}::test_batch_normalization_of_steps_counts_the_real_ones_of_all_rows"
STAR = f"{TEST}::test_star_has_the_moments_of_all_rows_of_a_scenario"
DIEN = f"{TEST}::test_the_auxiliary_loss_of_dien_is_divided_by_the_steps_or_rows_of_all"
TASKS = f"{TEST}::test_task_losses_count_the_rows_with_a_label_and_methods_weigh_losses_of_all"
CLIPPING = f"{TEST}::test_clipping_sees_the_gradient_of_all_rows"

MUTANTS = [
    Mutant(
        "replicas: rows that several replicas touched are not summed after the exchange",
        REPLICAS,
        "    return sum_duplicates(gradient)\n",
        "    return gradient if num_replicas() > 1 else sum_duplicates(gradient)\n",
        UNEQUAL,
    ),
    Mutant(
        "replicas: each adds up the rows of its own table alone",
        REPLICAS,
        "rows, values = rows_of_replicas(gradient.indices, gradient.values)",
        "rows, values = gradient.indices, gradient.values",
        (UNEQUAL, f"{IDS}[batch]"),
    ),
    Mutant(
        "replicas: gradients of networks are not summed",
        REPLICAS,
        "reduced = iter(sums_over_replicas(*dense))",
        "reduced = iter(dense)",
        (UNEQUAL, CLIPPING),
    ),
    Mutant(
        "replicas: a share of a mean is divided by the own rows",
        REPLICAS,
        "count = sum_over_replicas(tf.cast(tf.size(of_rows), of_rows.dtype))",
        "count = tf.cast(tf.size(of_rows), of_rows.dtype)",
        SHARES,
    ),
    Mutant(
        "replicas: a loss that all compute in full counts for each",
        REPLICAS,
        "return loss if num_replicas() == 1 else loss / num_replicas()",
        "return loss",
        (SHARES, f"{IDS}[table]"),
    ),
    Mutant(
        "penalties: an id is counted among the own places alone",
        PENALTIES,
        "    if num_replicas() == 1:\n",
        "    if True:\n",
        (f"{IDS}[batch]", f"{IDS}[counted]", f"{PAIRS}[batch]"),
    ),
    Mutant(
        "penalties: the own places count twice",
        PENALTIES,
        "return own, count - tf.math.unsorted_segment_sum(tf.ones_like(own), own, tf.size(count))",
        "return own, count",
        f"{IDS}[batch]",
    ),
    Mutant(
        "penalties: every replica penalises the whole table",
        PENALTIES,
        "return one_part(0.5 * strength",
        "return (0.5 * strength",
        f"{IDS}[table]",
    ),
    Mutant(
        "crosses: every replica penalises all pairs",
        "recsys_lib/features/crosses.py",
        "return one_part(0.5 * self.l2.strength * self._square_of_table())",
        "return 0.5 * self.l2.strength * self._square_of_table()",
        f"{PAIRS}[table]",
    ),
    Mutant(
        "dice: the mean is that of the own rows",
        "recsys_lib/layers/activations.py",
        "sums, total = sums_over_replicas(add_up(inputs), total)",
        "sums = add_up(inputs)",
        f"{MOMENTS}[softmax]",
    ),
    Mutant(
        "dice: the variance is that of the own rows",
        "recsys_lib/layers/activations.py",
        "variance = sum_over_replicas(add_up(ops.square(inputs - mean))) / count",
        "variance = add_up(ops.square(inputs - mean)) * 2 / count",
        f"{MOMENTS}[softmax]",
    ),
    Mutant(
        "interest: the mean is that of the own rows",
        "recsys_lib/sequence/head.py",
        "sums, total = sums_over_replicas(sums, ops.sum(is_real))",
        "total = ops.sum(is_real)",
        f"{MOMENTS}[batch_normalization]",
    ),
    Mutant(
        "interest: the variance is that of the own rows",
        "recsys_lib/sequence/head.py",
        "variance = sum_over_replicas(squares) / count",
        "variance = squares * 2 / count",
        f"{MOMENTS}[batch_normalization]",
    ),
    Mutant(
        "batch normalization: the mean is that of the own rows",
        NORMALIZATION,
        "sums, count = sums_over_replicas(ops.sum(weight * values, axes), ops.sum(weight))",
        "sums, count = ops.sum(weight * values, axes), ops.sum(weight)",
        (BATCH, STEPS),
    ),
    Mutant(
        "batch normalization: the variance is that of the own rows",
        NORMALIZATION,
        "squares = sum_over_replicas(ops.sum(weight * ops.square(values - mean), axes))",
        "squares = 2 * ops.sum(weight * ops.square(values - mean), axes)",
        (BATCH, STEPS),
    ),
    Mutant(
        "batch normalization: several workers count padding",
        NORMALIZATION,
        "        if mask is not None:\n",
        "        if False:\n",
        STEPS,
    ),
    Mutant(
        "batch normalization: several workers do not move the moments",
        NORMALIZATION,
        "moving.assign(ops.cast(kept + value * (1.0 - self.momentum), moving.dtype))",
        "moving.assign(ops.cast(kept / self.momentum, moving.dtype))",
        (BATCH, STEPS),
    ),
    Mutant(
        "star: the means are those of the own rows",
        PARTITIONED,
        "of_ids, sizes = sums_over_replicas(of_ids, sizes)",
        "of_ids, sizes = of_ids, sizes",
        STAR,
    ),
    Mutant(
        "star: the variances are those of the own rows",
        PARTITIONED,
        "squares = sum_over_replicas(tf.matmul(places, centred**2, transpose_a=True))",
        "squares = 2 * tf.matmul(places, centred**2, transpose_a=True)",
        STAR,
    ),
    Mutant(
        "scenarios: a worker counts its own rows of each alone",
        "recsys_lib/multi_scenario/parts.py",
        "rows += sum_over_replicas(found)",
        "rows += found",
        STAR,
    ),
    Mutant(
        "dien: the auxiliary loss is divided by the own steps",
        "recsys_lib/sequence/auxiliary.py",
        "ops.maximum(sum_over_replicas(ops.sum(following)), 1.0)",
        "ops.maximum(ops.sum(following), 1.0)",
        f"{DIEN}[steps]",
    ),
    Mutant(
        "dien: the auxiliary loss is divided by the own rows",
        "recsys_lib/sequence/auxiliary.py",
        "sum_over_replicas(tf.cast(ops.shape(states)[0], total.dtype))",
        "tf.cast(ops.shape(states)[0], total.dtype)",
        f"{DIEN}[rows]",
    ),
    Mutant(
        "adasparse: the loss is a mean over the own rows",
        "recsys_lib/multi_scenario/adasparse.py",
        "share_of_mean(outside",
        "ops.mean(outside",
        f"{TEST}::test_the_share_of_pruned_neurons_is_a_mean_over_all_rows",
    ),
    Mutant(
        "losses: a task is divided by its own labelled rows",
        WEIGHTING,
        "count = sum_over_replicas(tf.cast(tf.math.count_nonzero(mask), of_rows.dtype))",
        "count = tf.cast(tf.math.count_nonzero(mask), of_rows.dtype)",
        f"{TASKS}[sum]",
    ),
    Mutant(
        "losses: a task without a mask is a mean over the own rows",
        WEIGHTING,
        "        return share_of_mean(of_rows)\n",
        "        return ops.mean(of_rows, axis=-1)\n",
        (CLIPPING, f"{IDS}[table]"),
    ),
    Mutant(
        "losses: every replica asks the whole of a regularizer",
        WEIGHTING,
        "surplus = 1 - 1 / num_replicas()",
        "surplus = 0",
        f"{IDS}[regularizer]",
    ),
    Mutant(
        "gradnorm: rates follow the own share of the losses",
        "recsys_lib/multi_task/balancing/gradnorm.py",
        "self._rates(sum_over_replicas(tf.stack(losses)))",
        "self._rates(tf.stack(losses))",
        f"{TASKS}[GradNorm]",
    ),
    Mutant(
        "uncertainty: weights follow the own share of the losses",
        "recsys_lib/multi_task/balancing/uncertainty.py",
        "weights * sum_over_replicas(tf.stack(losses))",
        "weights * tf.stack(losses)",
        f"{TASKS}[UncertaintyWeighting]",
    ),
    Mutant(
        "gradients of tasks: each replica weighs by its own",
        "recsys_lib/multi_task/gradients.py",
        "return sum_over_replicas(tf.stack(found))",
        "return tf.stack(found)",
        (f"{TASKS}[GradNorm]", f"{TASKS}[ParetoWeights]"),
    ),
    Mutant(
        "trainer: a worker reports its own share of the loss",
        "recsys_lib/training/trainer.py",
        "added, *losses = sums_over_replicas(added, *losses)",
        "added, *losses = added, *losses",
        (CLIPPING, f"{IDS}[batch]"),
    ),
    Mutant(
        "optimizers: a gradient is clipped before it is summed",
        "recsys_lib/training/optimizers.py",
        "        super().apply(sum_gradients(grads), trainable_variables)",
        "        super().apply(sum_gradients(self._clip_gradients(grads)), trainable_variables)",
        CLIPPING,
    ),
    Mutant(
        "optimizers: Keras adds up what was added up before",
        "recsys_lib/keras_internals.py",
        "        return grads_and_vars\n",
        "        return super()._all_reduce_sum_gradients(grads_and_vars)\n",
        "test_keras_internals.py::test_keras_does_not_add_up_gradients_that_were_added_up_before",
    ),
    Mutant(
        "workers: all train on the same rows",
        DISTRIBUTED,
        "return train_on_rows(rows[number::count])",
        "return train_on_rows(rows[0::count])",
        f"{TEST_DISTRIBUTED}::test_rows_of_a_batch_are_dealt_out_in_turn",
    ),
    Mutant(
        "workers: all drop the same units",
        DISTRIBUTED,
        "move = direction * SEED_STEP * tf.cast(replica, seed.dtype)",
        "move = direction * SEED_STEP * tf.cast(0, seed.dtype)",
        f"{TEST_DISTRIBUTED}::test_seeds_lie_apart_during_steps_and_are_common_between_them",
    ),
    Mutant(
        "workers: each stops by its own score",
        DISTRIBUTED,
        "return float(self._gather(np.array([value]))[0, 0])",
        "return float(self._gather(np.array([value]))[self.index, 0])",
        f"{TEST_DISTRIBUTED}::test_a_score_is_the_chiefs_everywhere",
    ),
    Mutant(
        "workers: all write the checkpoint",
        DISTRIBUTED,
        "return self.index == 0",
        "return True",
        f"{TEST_DISTRIBUTED}::test_the_chief_is_the_first_of_the_workers",
    ),
    Mutant(
        "workers: a cluster's chief is not counted",
        DISTRIBUTED,
        'first = sizes["chief"] if resolver.task_type == "worker" else 0',
        "first = 0",
        f"{TEST_DISTRIBUTED}::test_the_chief_is_the_first_of_the_workers",
    ),
    Mutant(
        "workers: other rows elsewhere go unnoticed",
        DISTRIBUTED,
        '"training rows": rows.digest(),',
        '"training rows": 0,',
        f"{TEST_DISTRIBUTED}::test_a_run_starts_only_if_all_are_about_to_do_the_same",
    ),
    Mutant(
        "workers: a checkpoint that one does not see goes unnoticed",
        DISTRIBUTED,
        "[run.epoch, run.step],",
        "[0, 0],",
        f"{TEST_DISTRIBUTED}::test_a_run_starts_only_if_all_are_about_to_do_the_same",
    ),
    Mutant(
        "workers: predictions are put together worker by worker",
        DISTRIBUTED,
        "return parts.swapaxes(0, 1).reshape(",
        "return parts.reshape(",
        f"{TEST_DISTRIBUTED}::test_a_split_is_predicted_in_parts_and_put_together_in_order",
    ),
    Mutant(
        "workers: an optimizer that clips too early is taken",
        DISTRIBUTED,
        "if not isinstance(part, ReducedBefore):",
        "if False:",
        f"{TEST_DISTRIBUTED}::test_a_keras_optimizer_is_refused",
    ),
    Mutant(
        "launch: all are the first worker",
        LAUNCH,
        '"task": {"type": "worker", "index": index}',
        '"task": {"type": "worker", "index": 0}',
        f"{TEST_LAUNCH}::test_every_worker_knows_all_addresses_and_its_own_place",
    ),
    Mutant(
        "launch: a signal is no failure",
        LAUNCH,
        "return failed[0] if failed[0] > 0 else 128 - failed[0]",
        "return max(failed[0], 0)",
        f"{TEST_LAUNCH}::test_a_killed_worker_has_the_code_of_its_signal",
    ),
    Mutant(
        "launch: it starts again once too often",
        LAUNCH,
        "for _ in range(restarts + 1):",
        "for _ in range(restarts + 2):",
        f"{TEST_LAUNCH}::test_all_start_again_after_a_failure_as_often_as_allowed",
    ),
]
