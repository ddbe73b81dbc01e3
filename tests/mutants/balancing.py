"""Mistakes in loss balancing that the tests must reject."""

from runner import Mutant

UNCERTAINTY = "recsys_lib/multi_task/balancing/uncertainty.py"
GRADNORM = "recsys_lib/multi_task/balancing/gradnorm.py"
PARETO = "recsys_lib/multi_task/balancing/pareto.py"
DECAY = "recsys_lib/multi_task/balancing/decay.py"
GRADIENTS = "recsys_lib/multi_task/gradients.py"
TRAINER = "recsys_lib/training/trainer.py"
COMPARISON = "recsys_lib/training/comparison.py"
TEST = "multi_task/test_balancing.py"
RUNS = "multi_task/test_balancing_runs.py"
SHARED = "multi_task/test_task_gradients.py"
OPTIMUM = f"{TEST}::test_log_variances_come_to_their_optimum"
HALF = f"{TEST}::test_the_loss_has_a_half_for_regression_only"
LIMIT = f"{TEST}::test_gradnorms_weights_come_to_rates_over_norms"
STEP = f"{TEST}::test_the_network_steps_along_the_weighted_gradients"
THEORY = f"{TEST}::test_first_losses_in_theory_are_log_2_for_binary_tasks_and_measured_for_others"
FADING = f"{TEST}::test_weights_are_the_first_ones_times_the_factor_to_the_power_of_time"
GOES_ON = f"{RUNS}::test_a_run_that_goes_on_and_one_started_over_equal_a_fresh_one"
PEPNET = "multi_scenario/test_pepnet.py"
LAYERS = f"{SHARED}::test_the_last_shared_layer_of_each_architecture"

MUTANTS = [
    Mutant(
        "uncertainty: one form for all kinds of tasks",
        UNCERTAINTY,
        '[0.5 if kind == "regression" else 1.0 for kind in kinds.values()]',
        "[1.0 for kind in kinds.values()]",
        (HALF, OPTIMUM),
    ),
    Mutant(
        "uncertainty: log variances are clamped at zero",
        UNCERTAINTY,
        "log_variances = self.log_variances.read_value()",
        "log_variances = tf.maximum(self.log_variances.read_value(), 0.0)",
        OPTIMUM,
    ),
    Mutant(
        "uncertainty: s itself instead of its half",
        UNCERTAINTY,
        "self._adam(0.5 - weights * ",
        "self._adam(1.0 - weights * ",
        OPTIMUM,
    ),
    Mutant(
        "uncertainty: s climbs",
        UNCERTAINTY,
        "self._adam(0.5 - weights * ",
        "self._adam(-0.5 + weights * ",
        (HALF, OPTIMUM),
    ),
    Mutant(
        "uncertainty: the reported loss lacks s",
        UNCERTAINTY,
        "tf.reduce_sum(log_variances) / 2, []",
        "0.0, []",
        HALF,
    ),
    Mutant(
        "uncertainty: Adam's long memory",
        UNCERTAINTY,
        "0.9, 0.95, 1e-7",
        "0.9, 0.999, 1e-7",
        OPTIMUM,
    ),
    Mutant(
        "GradNorm: one rate for all tasks",
        GRADNORM,
        "return tf.math.divide_no_nan(progress, tf.reduce_mean(progress))",
        "return progress * 0.0 + tf.reduce_mean(progress)",
        (LIMIT, f"{TEST}::test_the_slow_tasks_weight_rises_and_alpha_zero_ignores_rates"),
    ),
    Mutant(
        "GradNorm: fast tasks are favoured",
        GRADNORM,
        "progress = tf.math.divide_no_nan(losses, initial)",
        "progress = tf.math.divide_no_nan(initial, losses)",
        LIMIT,
    ),
    Mutant(
        "GradNorm: norms without the weights",
        GRADNORM,
        "weighted = weights * norms",
        "weighted = norms",
        LIMIT,
    ),
    Mutant(
        "GradNorm: the paper's targets, which no weights reach",
        GRADNORM,
        "targets *= tf.math.divide_no_nan(tf.reduce_mean(weighted), tf.reduce_mean(targets))",
        "targets *= tf.reduce_mean(weighted)",
        LIMIT,
    ),
    Mutant(
        "GradNorm: alpha is ignored",
        GRADNORM,
        "targets = rates**self.method.alpha",
        "targets = rates**1.0",
        LIMIT,
    ),
    Mutant(
        "GradNorm: weights move away from the targets",
        GRADNORM,
        "slopes = tf.sign(weighted - targets) * weighted",
        "slopes = tf.sign(targets - weighted) * weighted",
        LIMIT,
    ),
    Mutant(
        "GradNorm: weights sum to one",
        GRADNORM,
        "(self.num_tasks / tf.reduce_sum(weights))",
        "(1 / tf.reduce_sum(weights))",
        LIMIT,
    ),
    Mutant(
        "GradNorm: weights are not scaled",
        GRADNORM,
        "return weights * (self.num_tasks / tf.reduce_sum(weights))",
        "return weights",
        f"{TEST}::test_weights_stay_positive_and_sum_to_the_number_of_tasks_even_where_a_gradient"
        "_is_zero",
    ),
    Mutant(
        "GradNorm: a weight may vanish",
        GRADNORM,
        "_LOWEST_WEIGHT = 1e-6",
        "_LOWEST_WEIGHT = 0.0",
        f"{TEST}::test_weights_stay_positive_and_sum_to_the_number_of_tasks_even_where_a_gradient"
        "_is_zero",
    ),
    Mutant(
        "GradNorm: the network steps with the next weights",
        GRADNORM,
        "return tf.unstack(weights), 0.0, reports",
        "return tf.unstack(self.weights.read_value()), 0.0, reports",
        STEP,
    ),
    Mutant(
        "GradNorm: L(0) is the last batch's",
        GRADNORM,
        "tf.where(seen < self.method.initial_steps, mean, initial)",
        "losses",
        (f"{TEST}::test_initial_losses_are_the_mean_over_the_first_batches_and_then_stay", LIMIT),
    ),
    Mutant(
        "GradNorm: L(0) is the first batch's",
        GRADNORM,
        "tf.where(seen < self.method.initial_steps, mean, initial)",
        "tf.where(seen < 1, mean, initial)",
        f"{TEST}::test_initial_losses_are_the_mean_over_the_first_batches_and_then_stay",
    ),
    Mutant(
        "GradNorm: L(0) is not stored",
        GRADNORM,
        "self.variables = [self.weights, self.initial_losses, self.steps_seen]",
        "self.variables = [self.weights, self.steps_seen]",
        GOES_ON,
    ),
    Mutant(
        "GradNorm: first losses in theory are measured",
        GRADNORM,
        "initial = tf.where(self.is_known, math.log(2), initial)",
        "initial = initial + 0.0",
        THEORY,
    ),
    Mutant(
        "GradNorm: log 2 for regression too",
        GRADNORM,
        '[in_theory and kind == "binary" for kind in tasks.values()]',
        "[in_theory for kind in tasks.values()]",
        THEORY,
    ),
    Mutant(
        "decay: the same weights for ever",
        DECAY,
        "tf.constant(self.decay) ** time",
        "tf.constant(self.decay) ** 0.0",
        FADING,
    ),
    Mutant(
        "decay: the first epoch has faded already",
        DECAY,
        "tf.constant(self.decay) ** time",
        "tf.constant(self.decay) ** (time + 1.0)",
        FADING,
    ),
    Mutant(
        "decay: steps count, though epochs are asked for",
        DECAY,
        'if self.every == "step":',
        "if True:",
        FADING,
    ),
    Mutant(
        "decay: time is not stored",
        DECAY,
        "self.variables = [self.time]",
        "self.variables = []",
        GOES_ON,
    ),
    Mutant(
        "decay: fit does not say that an epoch has ended",
        TRAINER,
        "                    self.weighting.end_epoch()\n",
        "",
        FADING,
    ),
    Mutant(
        "Pareto: bounds in sorted task order",
        PARETO,
        "for task in kinds], len(kinds))",
        "for task in sorted(kinds)], len(kinds))",
        f"{TEST}::test_pareto_bounds_belong_to_their_names_in_any_order_of_tasks",
    ),
    Mutant(
        "task gradients: rows without a label count",
        GRADIENTS,
        "    if split.label_masks:\n",
        "    if False:\n",
        f"{SHARED}::test_a_tasks_gradient_is_that_of_its_own_rows",
    ),
    Mutant(
        "uncertainty: log variances are not stored",
        UNCERTAINTY,
        "self.variables = [self.log_variances, self.momentum,",
        "self.variables = [self.momentum,",
        GOES_ON,
    ),
    Mutant(
        "restart: the balancing goes on",
        TRAINER,
        'return [*self.parts["optimizer"], *self.parts["balancing"]]',
        'return [*self.parts["optimizer"]]',
        GOES_ON,
    ),
    Mutant(
        "checkpoints: another balancing is accepted",
        "recsys_lib/training/run.py",
        '            "balancing": repr(trainer.balancing),\n',
        "",
        f"{RUNS}::test_a_checkpoint_of_another_balancing_is_refused",
    ),
    Mutant(
        "Pareto: bounds are ignored",
        PARETO,
        "return _ShortestGradient(self.method, bounds,",
        "return _ShortestGradient(self.method, 0 * bounds,",
        (f"{TEST}::test_pareto_weights_sum_to_one_and_keep_to_their_bounds", STEP),
    ),
    Mutant(
        "Pareto: the paper's way is never taken",
        PARETO,
        "solve(gram, self.bounds, self.method)",
        'solve(gram, self.bounds, "exact")',
        f"{TEST}::test_the_two_ways_part_where_a_third_task_has_no_weight",
    ),
    Mutant(
        "task gradients: the first shared layer",
        GRADIENTS,
        "return weights[kernels[-1] :] if kernels else weights",
        "return weights",
        LAYERS,
    ),
    Mutant(
        "task gradients: CGC's own experts count as shared",
        GRADIENTS,
        "tuple(sorted(set.intersection(*map(set, seen))))",
        "tuple(sorted(set.union(*map(set, seen))))",
        LAYERS,
    ),
    Mutant(
        "task gradients: the first level",
        GRADIENTS,
        '("shared_bottom", "experts", *levels[::-1])',
        '("shared_bottom", "experts", *levels)',
        (LAYERS, f"{SHARED}::test_levels_are_ordered_as_numbers"),
    ),
    Mutant(
        "task gradients: a layer with gates for each task counts as shared",
        GRADIENTS,
        'own = getattr(layer, "num_tasks", None) is not None',
        "own = False",
        f"{PEPNET}::test_the_last_layer_that_tasks_share_is_the_gate_of_the_embeddings",
    ),
    Mutant(
        "task gradients: a tower that one output passes on is shared",
        GRADIENTS,
        "nested = any(a < b for a in behind for b in behind)",
        "nested = False",
        f"{SHARED}::test_layers_that_cannot_be_shared_are_named",
    ),
    Mutant(
        "task gradients: dropout is on",
        GRADIENTS,
        "training=False",
        "training=True",
        f"{SHARED}::test_dropout_and_moving_statistics_stay_as_they_are",
    ),
    Mutant(
        "cosines: without the lengths",
        GRADIENTS,
        "(gradients @ gradients.T) / np.outer(lengths, lengths)",
        "np.sign(gradients @ gradients.T) / (lengths[:, None] * lengths > 0)",
        f"{SHARED}::test_the_signs_and_sizes_of_cosines",
    ),
    Mutant(
        "compare: weights of tasks that a model lacks",
        COMPARISON,
        "for task, w in self.loss_weights.items() if task in tasks}",
        "for task, w in self.loss_weights.items()}",
        "training/test_comparison.py::test_weights_apply_to_the_tasks_that_each_model_has",
    ),
    Mutant(
        "compare: a weight for no task is ignored",
        COMPARISON,
        "if missing and self.recipes:",
        "if False:",
        "training/test_comparison.py::test_a_weight_for_a_task_of_no_model_is_an_error",
    ),
    Mutant(
        "compare: a recipe's balancing is overruled",
        COMPARISON,
        "if recipe.balancing is not None:",
        "if recipe.balancing is not None and self.balancing is None:",
        f"{RUNS}::test_compare_balances_each_seed_anew_and_leaves_single_tasks_alone",
    ),
]
