"""Mistakes in predict, rank, save and load that the tests must reject."""

from runner import Mutant

DIN = "recsys_lib/sequence/din.py"
EMBEDDING = "recsys_lib/features/embedding.py"
PREDICTION = "recsys_lib/training/prediction.py"
SERVING = "recsys_lib/training/serving.py"
WALK = "recsys_lib/training/request_walk.py"
TEST_PREDICTION = "training/test_prediction.py"
TEST_SAVING = "training/test_saving.py"
TEST_SERVING = "training/test_serving.py"
TEST_WALK = "training/test_request_walk.py"
HISTORY = f"{TEST_WALK}::test_din_scores_one_history_for_many_candidates_as_it_scores_rows"
PRODUCTS = f"{TEST_WALK}::test_first_products_are_divided_and_scores_stay"

MUTANTS = [
    Mutant(
        "predict: dropout stays on",
        PREDICTION,
        "training=False)",
        "training=True)",
        f"{TEST_PREDICTION}::test_dropout_is_off",
    ),
    Mutant(
        "predict: ids are not checked",
        PREDICTION,
        'num_rows = check_features(columns, features, "predict")',
        "num_rows = len(next(iter(features.values())))",
        f"{TEST_PREDICTION}::test_bad_input_is_named",
    ),
    Mutant(
        "predict: the last batch is dropped",
        PREDICTION,
        "num_batches = (num_rows + batch_size - 1) // batch_size",
        "num_batches = tf.maximum(num_rows // batch_size, 1)",
        f"{TEST_PREDICTION}::test_batches_do_not_matter",
    ),
    Mutant(
        "predict: tasks change places",
        PREDICTION,
        "return {task: result[:, position] for position, task in enumerate(tasks)}",
        "return {task: result[:, position] for position, task in enumerate(tasks[::-1])}",
        f"{TEST_PREDICTION}::test_equals_keras_predict_for_every_task",
    ),
    Mutant(
        "rank: worst first",
        SERVING,
        'np.argsort(-scores, kind="stable")',
        'np.argsort(scores, kind="stable")',
        f"{TEST_SERVING}::test_the_order_is_best_first_and_holds_every_candidate",
    ),
    Mutant(
        "rank: ties in reverse order",
        SERVING,
        'np.argsort(-scores, kind="stable")',
        'np.argsort(scores, kind="stable")[::-1]',
        f"{TEST_SERVING}::test_candidates_with_equal_scores_keep_their_order",
    ),
    Mutant(
        "rank: the request is computed once a candidate",
        WALK,
        "            if all(map(self.is_single, values)):",
        "            args, kwargs = tf.nest.map_structure(self.whole, (args, kwargs))\n"
        "            if False:",
        f"{TEST_SERVING}::test_layers_of_the_request_run_on_a_single_row",
    ),
    Mutant(
        "rank: lookups of request and candidates are tiled",
        WALK,
        'if _offers(operation, "separate"):',
        "if False:",
        f"{TEST_SERVING}::test_layers_of_the_request_run_on_a_single_row",
    ),
    Mutant(
        "rank: a score of the request alone stays one row",
        WALK,
        "        return tf.nest.map_structure(self.whole, outputs)\n",
        "        return outputs\n",
        f"{TEST_SERVING}::"
        "test_a_score_that_depends_on_the_request_alone_is_spread_over_all_candidates",
    ),
    Mutant(
        "rank: requests are not checked",
        SERVING,
        "            check_features(side, features, where)\n",
        "            pass\n",
        f"{TEST_SERVING}::test_bad_requests_are_named",
    ),
    Mutant(
        "rank: always the first task",
        SERVING,
        "(task or tasks[0],)",
        "(tasks[0],)",
        f"{TEST_SERVING}::test_scores_equal_predictions_of_the_tiled_rows",
    ),
    Mutant(
        "rank: fused scores change places",
        SERVING,
        "dict(zip(wanted, outputs, strict=True))",
        "dict(zip(wanted, outputs[::-1], strict=True))",
        f"{TEST_SERVING}::test_scores_of_all_tasks_are_fused_in_one_pass",
    ),
    Mutant(
        "rank: sorted by the first task, not by what was fused",
        SERVING,
        'Ranking(np.argsort(-scores, kind="stable"), scores)',
        'Ranking(np.argsort(-outputs[0], kind="stable"), scores)',
        f"{TEST_SERVING}::test_scores_of_all_tasks_are_fused_in_one_pass",
    ),
    Mutant(
        "rank: unsigned numbers are negated",
        SERVING,
        'if scores.dtype.kind != "f":',
        'if scores.dtype.kind == "i":',
        f"{TEST_SERVING}::test_whole_numbers_are_sorted_from_the_largest",
    ),
    Mutant(
        "rank: a pass for each task",
        SERVING,
        "    outputs = [output.numpy() for output in rankers[key](user, candidates)]\n",
        "    outputs = [rankers[key](user, candidates)[i].numpy() for i in range(len(wanted))]\n",
        f"{TEST_SERVING}::test_fusing_runs_the_model_once",
    ),
    Mutant(
        "rank: what fuse returns is not checked",
        SERVING,
        "        _check_fused(scores, outputs[0].shape)\n",
        "",
        f"{TEST_SERVING}::test_what_fuse_returns_is_checked",
    ),
    Mutant(
        "save: written in place",
        SERVING,
        'written = os.path.join(temporary, "model.keras")',
        "written = path",
        f"{TEST_SAVING}::test_a_save_that_fails_keeps_the_old_file_and_leaves_nothing",
    ),
    Mutant(
        "embedding: a block is looked up once as soon as one of its columns is the request's",
        EMBEDDING,
        "(single if all(is_single(inputs[name]) for name in names) else rest).extend(names)",
        "(single if any(is_single(inputs[name]) for name in names) else rest).extend(names)",
        f"{TEST_WALK}::test_a_block_with_columns_of_both_sides_is_looked_up_for_each_candidate",
    ),
    Mutant(
        "din of one request: the difference has the wrong sign",
        DIN,
        "on_e - on_difference, on_context",
        "on_e + on_difference, on_context",
        HISTORY,
    ),
    Mutant(
        "din of one request: the candidate's part forgets the difference",
        DIN,
        "(on_v + on_difference)[None]",
        "on_v[None]",
        HISTORY,
    ),
    Mutant(
        "din of one request: the bias is left out",
        DIN,
        "on_context, first.bias[None]]",
        "on_context, 0 * first.bias[None]]",
        HISTORY,
    ),
    Mutant(
        "din of one request: dice's shift has the wrong sign",
        DIN,
        "maps * scale + shifts",
        "maps * scale - shifts",
        HISTORY,
    ),
    Mutant(
        "din of one request: dice's alpha is forgotten",
        DIN,
        "(1 - alpha) / 2 * following.kernel",
        "(1 + alpha) / 2 * following.kernel",
        HISTORY,
    ),
    Mutant(
        "din of one request: the bias behind dice is left out",
        DIN,
        "bent + linear + following.bias, others",
        "bent + linear, others",
        HISTORY,
    ),
    Mutant(
        "din of one request: padding is read",
        DIN,
        "tf.where(step_mask[0] > 0)",
        "tf.where(step_mask[0] >= 0)",
        f"{TEST_WALK}::test_padding_of_the_request_is_left_out_of_the_unit",
    ),
    Mutant(
        "din of one request: outer is taken for difference",
        DIN,
        'if self.inputs == "outer" or is_single(candidate):',
        "if is_single(candidate):",
        HISTORY,
    ),
    Mutant(
        "din of one request: a history for each candidate is taken for one",
        DIN,
        "if not all(map(is_single, [step_mask, *of_steps])):",
        "if False:",
        f"{TEST_WALK}::test_the_unit_does_not_divide_where_each_candidate_has_a_history",
    ),
    Mutant(
        "din of one request: never divided",
        DIN,
        'if self.inputs == "outer" or is_single(candidate):',
        "if True:",
        f"{TEST_WALK}::test_ways_of_din",
    ),
    Mutant(
        "rank: parts of a product are multiplied by each other's rows",
        WALK,
        "start += width",
        "start += 0",
        PRODUCTS,
    ),
    Mutant(
        "rank: the request's part of a product is left out",
        WALK,
        "return each + once",
        "return each",
        PRODUCTS,
    ),
    Mutant(
        "rank: a layer's own call is passed over",
        WALK,
        'if name in vars(kind) or "call" in vars(kind):',
        "if name in vars(kind):",
        f"{TEST_WALK}::test_a_layer_with_a_call_of_its_own_is_called",
    ),
    Mutant(
        "rank: half precision is divided too",
        WALK,
        "return layer.compute_dtype == layer.variable_dtype",
        "return True",
        f"{TEST_WALK}::test_in_half_precision_the_layers_run_whole",
    ),
    Mutant(
        "rank: products behind a concatenation are never divided",
        WALK,
        "        if not any(map(self.is_single, joined.parts)):\n",
        "        if True:\n",
        PRODUCTS,
    ),
    Mutant(
        "rank: fields are never laid out apart",
        WALK,
        "if rank == 3 and joined.axis == 1 and",
        "if False and",
        PRODUCTS,
    ),
    Mutant(
        "save: no version in the file",
        SERVING,
        'json.dumps({"version": recsys_lib.__version__})',
        "json.dumps({})",
        f"{TEST_SAVING}::test_a_file_says_which_version_wrote_it",
    ),
    Mutant(
        "load: only modules that the file names are imported",
        SERVING,
        "    if not all(map(_is_known, names)):\n        for package",
        "    if False:\n        for package",
        f"{TEST_SAVING}::test_layers_are_found_wherever_they_are_defined_now",
    ),
    Mutant(
        "load: the model is not called",
        SERVING,
        "    model(keras.tree.map_structure(_zeros, model.input))\n",
        "",
        f"{TEST_SAVING}::test_a_loaded_model_can_be_exported",
    ),
    Mutant(
        "predict: any batch size",
        PREDICTION,
        'batch_size = check_integer("batch_size", batch_size)',
        "batch_size = batch_size",
        f"{TEST_PREDICTION}::test_what_cannot_be_predicted_is_named",
    ),
]
