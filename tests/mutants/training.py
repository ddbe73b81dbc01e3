"""Mistakes in fit and its checkpoints that the tests must reject."""

from runner import Mutant

TRAINER = "recsys_lib/training/trainer.py"
RUN = "recsys_lib/training/run.py"
CHUNKS = "recsys_lib/training/chunks.py"
WEIGHTING = "recsys_lib/training/weighting.py"
CHECKPOINTS = "recsys_lib/training/checkpoints.py"
STEPS = "recsys_lib/training/steps.py"
RESTARTS = "recsys_lib/training/restarts.py"
TEST_TRAINER = "training/test_trainer.py"
TEST_ARGUMENTS = "training/test_arguments.py"
TEST_RESTARTS = "training/test_restarts.py"
TEST_CHECKPOINTS = "training/test_checkpoints.py"
KILLED = f"{TEST_CHECKPOINTS}::test_more_epochs_go_on_where_fewer_ended"
ANOTHER_RUN = f"{TEST_CHECKPOINTS}::test_a_checkpoint_of_another_run_is_refused"
OTHER_DATA = f"{TEST_CHECKPOINTS}::test_a_checkpoint_of_other_data_of_the_same_size_is_refused"
RESTART = f"{TEST_RESTARTS}::test_a_restart_equals_a_fresh_build_bit_for_bit_and_traces_nothing"

MUTANTS = [
    Mutant(
        "fit: the partial batch is dropped",
        CHUNKS,
        "yield Stretch(self._matrices, order, 0, -(-self.num_rows // batch_size))",
        "yield Stretch(self._matrices, order, 0, max(1, self.num_rows // batch_size))",
        f"{TEST_TRAINER}::test_an_epoch_takes_every_row_once_and_the_last_batch_what_is_left",
    ),
    Mutant(
        "fit: the same order in every epoch",
        CHUNKS,
        "order_of(seed, epoch, self.num_rows)",
        "order_of(seed, 0, self.num_rows)",
        f"{TEST_TRAINER}::test_an_epoch_takes_every_row_once_and_the_last_batch_what_is_left",
    ),
    Mutant(
        "fit: the seed does not decide the order",
        CHUNKS,
        "order_of(seed, epoch, self.num_rows)",
        "order_of(0, epoch, self.num_rows)",
        f"{TEST_TRAINER}::test_the_seed_decides_the_order_of_rows_and_nothing_else_does",
    ),
    Mutant(
        "fit: rows are not shuffled",
        CHUNKS,
        "order_of(seed, epoch, self.num_rows)",
        "np.arange(self.num_rows, dtype=np.int32)",
        f"{TEST_TRAINER}::test_an_epoch_takes_every_row_once_and_the_last_batch_what_is_left",
    ),
    Mutant(
        "fit: labels are not shuffled with the rows",
        STEPS,
        "batch = [tf.gather(matrix, rows) for matrix in matrices]",
        "batch = [tf.gather(matrix, rows) for matrix in matrices[:2]]; "
        "batch += [m[index * batch_size : (index + 1) * batch_size] for m in matrices[2:]]",
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
        "of_rows = ops.binary_crossentropy(label, prediction)",
        "of_rows = ops.binary_crossentropy(label, ops.clip(prediction, 1e-7, 1 - 1e-7))",
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
        "row_losses(kind, labels[:, position], predictions[position])",
        "row_losses(kind, labels[:, 0], predictions[position])",
        f"{TEST_TRAINER}::test_two_tasks_and_their_weights",
    ),
    Mutant(
        "fit: the mean loss counts each batch alike",
        STEPS,
        "total + reported * num_rows",
        "total + reported * tf.cast(batch_size, tf.float32)",
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
        "Validation(dataset.valid, self.layout, self.kinds)",
        "Validation(dataset.train, self.layout, self.kinds)",
        f"{TEST_TRAINER}::test_the_validation_score_is_the_auc_on_the_validation_split",
    ),
    Mutant(
        "restart: the optimizer goes on",
        TRAINER,
        "            variable.assign(np.broadcast_to(value, variable.shape))\n",
        "            pass\n",
        RESTART,
    ),
    Mutant(
        "restart: only trainable weights",
        TRAINER,
        "        for variable, value in zip(self.model.variables, values, strict=True):\n",
        "        for variable, value in zip(self.model.variables, values, strict=True):\n"
        "            if not variable.trainable:\n                continue\n",
        RESTART,
    ),
    Mutant(
        "restart: the seed is forgotten",
        RESTARTS,
        "        keras.utils.set_random_seed(seed)\n        seeds = ",
        "        seeds = ",
        f"{TEST_RESTARTS}::test_the_values_drawn_are_those_of_a_fresh_build",
    ),
    Mutant(
        "restart: dropout goes on with the seeds of the first build",
        RESTARTS,
        "place = places.get(int(variable.numpy()[0]))",
        "place = None",
        f"{TEST_RESTARTS}::test_no_model_is_built_twice_for_its_initial_values",
    ),
    Mutant(
        "restart: Python's generator is left behind",
        RESTARTS,
        "seeds = [_draw_seed(random) for _ in range(self.num_seeds)]",
        "seeds = [_draw_seed(g) for g in [random.Random(seed)] for _ in range(self.num_seeds)]",
        f"{TEST_RESTARTS}::test_the_values_drawn_are_those_of_a_fresh_build",
    ),
    Mutant(
        "restart: what is drawn is not put to the test",
        RESTARTS,
        "        if not np.array_equal(expected, variable.numpy(), equal_nan=False):\n",
        "        if False:\n",
        f"{TEST_RESTARTS}::test_values_that_no_initializer_explains_are_not_drawn",
    ),
    Mutant(
        "fit: a model of other columns is trained",
        TRAINER,
        "        check_columns_of(self.model, columns)\n",
        "",
        f"{TEST_ARGUMENTS}::test_a_model_of_other_columns_than_the_datas_is_refused",
    ),
    Mutant(
        "fit: tables of other columns are read",
        "recsys_lib/training/arguments.py",
        'for attribute in ("vocabulary_size", "table_name"):',
        'for attribute in ("vocabulary_size",):',
        f"{TEST_ARGUMENTS}::test_a_model_of_other_columns_than_the_datas_is_refused",
    ),
    Mutant(
        "fit: an optimizer trains a second model",
        "recsys_lib/training/arguments.py",
        "    if owner is not None and owner is not model:\n",
        "    if False:\n",
        f"{TEST_ARGUMENTS}::test_an_optimizer_trains_one_model",
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
        '                variable.assign(self.arrays[f"{name}_{position}"])\n',
        '                if name != "optimizer":\n'
        '                    variable.assign(self.arrays[f"{name}_{position}"])\n',
        KILLED,
    ),
    Mutant(
        "checkpoints: the best weights are lost",
        CHECKPOINTS,
        "        return best or None",
        "        return None",
        f"{TEST_CHECKPOINTS}::"
        "test_a_finished_run_started_again_trains_nothing_and_holds_the_best_weights",
    ),
    Mutant(
        "checkpoints: another run's file is accepted",
        CHECKPOINTS,
        "        if was != now:\n",
        "        if False:\n",
        ANOTHER_RUN,
    ),
    Mutant(
        "checkpoints: options that the new run lacks do not count",
        CHECKPOINTS,
        "for key in {**now, **stored}:",
        "for key in now:",
        f"{TEST_CHECKPOINTS}::test_an_option_that_only_the_first_run_had_counts",
    ),
    Mutant(
        "checkpoints: the optimizer's options do not count",
        RUN,
        '            if option != "name":\n',
        "            if False:\n",
        ANOTHER_RUN,
    ),
    Mutant(
        "checkpoints: an optimizer is known by its class's name alone",
        RUN,
        'described["registered_name"] or described["class_name"]',
        'described["class_name"]',
        ANOTHER_RUN,
    ),
    Mutant(
        "checkpoints: the data do not count",
        RUN,
        '            "hash of the training rows": training.digest(),\n',
        "",
        OTHER_DATA,
    ),
    Mutant(
        "checkpoints: the validation rows do not count",
        RUN,
        '            made_of["hash of the validation rows"] = valid.digest()\n',
        "            pass\n",
        OTHER_DATA,
    ),
    Mutant(
        "checkpoints: labels do not count",
        "recsys_lib/training/batches.py",
        "in map(np.ascontiguousarray, self.arrays):",
        "in map(np.ascontiguousarray, self.arrays[:2]):",
        OTHER_DATA,
    ),
    Mutant(
        "checkpoints: how layers are joined does not count",
        CHECKPOINTS,
        '_NAMES_OF_LAYERS = ("name", "inbound_nodes", "input_layers", "output_layers")',
        "_NAMES_OF_LAYERS = ()",
        f"{TEST_CHECKPOINTS}::test_a_checkpoint_of_another_structure_is_refused_whatever_its_shapes",
    ),
    Mutant(
        "checkpoints: the variables are not looked at",
        CHECKPOINTS,
        "kept[position], variable)",
        "variable, variable)",
        f"{TEST_CHECKPOINTS}::test_variables_are_checked_before_the_first_is_overwritten",
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
        "        for name in Run._stored:\n            setattr(self, name, found.state[name])\n",
        "",
        KILLED,
    ),
]
