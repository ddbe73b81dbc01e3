"""Mistakes in fit and its checkpoints that the tests must reject."""

from runner import Mutant

TRAINER = "recsys_lib/training/trainer.py"
RUN = "recsys_lib/training/run.py"
WEIGHTING = "recsys_lib/training/weighting.py"
CHECKPOINTS = "recsys_lib/training/checkpoints.py"
TEST_TRAINER = "training/test_trainer.py"
TEST_CHECKPOINTS = "training/test_checkpoints.py"
KILLED = f"{TEST_CHECKPOINTS}::test_more_epochs_go_on_where_fewer_ended"
RESTART = f"{TEST_TRAINER}::test_a_restart_equals_a_fresh_build_bit_for_bit_and_traces_nothing"

MUTANTS = [
    Mutant(
        "fit: the partial batch is dropped",
        TRAINER,
        "num_steps = -(-num_rows // batch_size)",
        "num_steps = max(1, num_rows // batch_size)",
        f"{TEST_TRAINER}::test_an_epoch_takes_every_row_once_and_the_last_batch_what_is_left",
    ),
    Mutant(
        "fit: the same order in every epoch",
        TRAINER,
        "np.random.default_rng([seed, run.epoch])",
        "np.random.default_rng([seed, 0])",
        f"{TEST_TRAINER}::test_an_epoch_takes_every_row_once_and_the_last_batch_what_is_left",
    ),
    Mutant(
        "fit: the seed does not decide the order",
        TRAINER,
        "np.random.default_rng([seed, run.epoch])",
        "np.random.default_rng([0, run.epoch])",
        f"{TEST_TRAINER}::test_the_seed_decides_the_order_of_rows_and_nothing_else_does",
    ),
    Mutant(
        "fit: rows are not shuffled",
        TRAINER,
        ".permutation(num_rows)",
        ".permutation(1).repeat(num_rows) + np.arange(num_rows)",
        f"{TEST_TRAINER}::test_an_epoch_takes_every_row_once_and_the_last_batch_what_is_left",
    ),
    Mutant(
        "fit: labels are not shuffled with the rows",
        TRAINER,
        "tf.gather(labels, rows)",
        "labels[index * batch_size : (index + 1) * batch_size]",
        f"{TEST_TRAINER}::test_weights_equal_a_plain_loop_over_the_same_batches",
    ),
    Mutant(
        "fit: dropout and batch normalization do not know that they train",
        TRAINER,
        "outputs = self.model(self.layout.unpack(ids, numbers), training=True)",
        "outputs = self.model(self.layout.unpack(ids, numbers), training=False)",
        f"{TEST_TRAINER}::test_training_updates_batch_normalization_and_drops_units",
    ),
    Mutant(
        "loss: a clipped probability",
        WEIGHTING,
        "functions[position](labels[:, position], output)",
        "functions[position](labels[:, position], keras.ops.clip(output, 1e-7, 1 - 1e-7))",
        f"{TEST_TRAINER}::test_a_confident_mistake_keeps_its_gradient",
    ),
    Mutant(
        "loss: what layers add is left out",
        TRAINER,
        "        total = added\n",
        "        total = tf.constant(0.0)\n",
        f"{TEST_TRAINER}::test_losses_that_layers_add_are_counted",
    ),
    Mutant(
        "loss: what layers add is not told apart",
        TRAINER,
        "return tf.stack([total + beside, added,",
        "return tf.stack([total + beside, total,",
        f"{TEST_TRAINER}::test_losses_that_layers_add_are_counted",
    ),
    Mutant(
        "loss: weights are ignored",
        TRAINER,
        "output_gradients=[tf.constant(1.0), *weights]",
        "output_gradients=[tf.constant(1.0)] * (1 + len(losses))",
        f"{TEST_TRAINER}::test_weights_scale_the_gradients",
    ),
    Mutant(
        "loss: reported without its weights",
        TRAINER,
        "total += weight * loss",
        "total += loss",
        f"{TEST_TRAINER}::test_two_tasks_and_their_weights",
    ),
    Mutant(
        "loss: what layers add does not train",
        TRAINER,
        "output_gradients=[tf.constant(1.0), *weights]",
        "output_gradients=[tf.constant(0.0), *weights]",
        f"{TEST_TRAINER}::test_what_layers_add_trains_with_weight_one",
    ),
    Mutant(
        "history: weights and losses of the tasks change places",
        TRAINER,
        "apart = [*losses, *weights]",
        "apart = [*weights, *losses]",
        f"{TEST_TRAINER}::test_weights_scale_the_gradients",
    ),
    Mutant(
        "loss: every task by the first label",
        WEIGHTING,
        "(labels[:, position], output)",
        "(labels[:, 0], output)",
        f"{TEST_TRAINER}::test_two_tasks_and_their_weights",
    ),
    Mutant(
        "fit: the mean loss counts each batch alike",
        TRAINER,
        "total + loss * tf.cast(tf.size(rows), tf.float32)",
        "total + loss * tf.cast(batch_size, tf.float32)",
        f"{TEST_TRAINER}::test_the_loss_is_the_cross_entropy_of_the_logits",
    ),
    Mutant(
        "early stopping: the last weights stay",
        RUN,
        "        if self.best is not None:\n",
        "        if False:\n",
        f"{TEST_TRAINER}::test_early_stopping_restores_the_best_epoch",
    ),
    Mutant(
        "early stopping: the worst score is the best",
        RUN,
        "elif self.best_score is None or score > self.best_score:",
        "elif self.best_score is None or score < self.best_score:",
        f"{TEST_TRAINER}::test_early_stopping_restores_the_best_epoch",
    ),
    Mutant(
        "early stopping: an equal score is a gain",
        RUN,
        "elif self.best_score is None or score > self.best_score:",
        "elif self.best_score is None or score >= self.best_score:",
        f"{TEST_TRAINER}::test_early_stopping_restores_the_best_epoch",
    ),
    Mutant(
        "early stopping: a gain does not reset the patience",
        RUN,
        "self.best_score, self.best_epoch, self.epochs_without_gain = score, self.epoch, 0",
        "self.best_score, self.best_epoch = score, self.epoch",
        f"{TEST_TRAINER}::test_a_gain_resets_the_patience",
    ),
    Mutant(
        "early stopping: validates on the training split",
        TRAINER,
        "            label, prediction = dataset.valid.labels[task], predictions[task]",
        "            predictions = predict(self.model, dataset.train.features, self.tasks)\n"
        "            label, prediction = dataset.train.labels[task], predictions[task]",
        f"{TEST_TRAINER}::test_the_validation_score_is_the_auc_on_the_validation_split",
    ),
    Mutant(
        "restart: the optimizer goes on",
        TRAINER,
        "        for variable, start in zip(self._beside_the_model(), "
        "self._initial, strict=True):\n            variable.assign(start)\n",
        "",
        RESTART,
    ),
    Mutant(
        "restart: the seed is forgotten",
        TRAINER,
        "        keras.utils.set_random_seed(seed)\n        twin = build()",
        "        twin = build()",
        RESTART,
    ),
    Mutant(
        "restart: only trainable weights",
        TRAINER,
        "for variable, start in zip(self.model.variables, twin.variables, strict=True):",
        "for variable, start in zip("
        "self.model.trainable_variables, twin.trainable_variables, strict=True):",
        RESTART,
    ),
    Mutant(
        "fit: a loss that is not finite goes on",
        TRAINER,
        "if not np.isfinite(run.sums[0]):",
        "if False:",
        f"{TEST_TRAINER}::test_a_loss_that_is_not_finite_is_an_error_that_names_the_epoch",
    ),
    Mutant(
        "progress: the bar stays",
        "recsys_lib/training/progress.py",
        "leave=False",
        "leave=True",
        f"{TEST_TRAINER}::test_progress_leaves_nothing_behind",
    ),
    Mutant(
        "checkpoints: without the optimizer's variables",
        CHECKPOINTS,
        '            variable.assign(arrays[f"{name}_{position}"])\n',
        '            if name != "optimizer":\n'
        '                variable.assign(arrays[f"{name}_{position}"])\n',
        KILLED,
    ),
    Mutant(
        "checkpoints: the best weights are lost",
        CHECKPOINTS,
        "    return state, best or None",
        "    return state, None",
        f"{TEST_CHECKPOINTS}::"
        "test_a_finished_run_started_again_trains_nothing_and_holds_the_best_weights",
    ),
    Mutant(
        "checkpoints: another run's file is accepted",
        CHECKPOINTS,
        "    if changed:\n",
        "    if False:\n",
        f"{TEST_CHECKPOINTS}::test_a_checkpoint_of_another_run_is_refused",
    ),
    Mutant(
        "checkpoints: written in place",
        CHECKPOINTS,
        '    temporary = f"{path}.part"\n',
        "    temporary = path\n",
        f"{TEST_CHECKPOINTS}::test_a_write_that_fails_keeps_the_old_file_and_leaves_no_part",
    ),
    Mutant(
        "checkpoints: the position in the run is forgotten",
        RUN,
        "            for name in Run._stored:\n                setattr(self, name, state[name])\n",
        "",
        KILLED,
    ),
]
