"""Mistakes in the search of long histories and in the models around it that tests must reject."""

from runner import Mutant

ETA = "recsys_lib/sequence/eta.py"
HEADS = "recsys_lib/layers/heads.py"
SDIM = "recsys_lib/sequence/sdim.py"
SEARCH = "recsys_lib/sequence/search.py"
SIM = "recsys_lib/sequence/sim.py"
TARGET = "recsys_lib/sequence/target_attention.py"
TWIN = "recsys_lib/sequence/twin.py"
WEIGHTING = "recsys_lib/training/weighting.py"
TEST_ETA = "sequence/test_eta.py"
TEST_TARGET = "sequence/test_target_attention.py"
TEST_SDIM = "sequence/test_sdim.py"
TEST_SEARCH = "sequence/test_search.py"
TEST_SIM = "sequence/test_sim.py"
TEST_TWIN = "sequence/test_twin.py"
LATEST = f"{TEST_SEARCH}::test_the_highest_scores_are_found_and_of_equal_ones_the_latest"
LOSS = f"{TEST_SIM}::test_the_loss_is_that_of_both_predictions"
RECALL = f"{TEST_SEARCH}::test_recall_is_the_share_of_the_relevant_steps_that_are_found"
SIM_FORMULA = f"{TEST_SIM}::test_the_soft_searchs_probabilities_equal_the_formula"
TWIN_FORMULA = f"{TEST_TWIN}::test_probabilities_equal_the_formula"
ETA_FORMULA = f"{TEST_ETA}::test_probabilities_equal_the_formula"
SDIM_FORMULA = f"{TEST_SDIM}::test_probabilities_equal_the_formula"

MUTANTS = [
    Mutant(
        "search: of equal scores the oldest steps",
        SEARCH,
        "ops.top_k(ops.flip(scores, axis=1), min(self.found_steps, steps))",
        "ops.top_k(scores, min(self.found_steps, steps)); backwards = steps - 1 - backwards",
        LATEST,
    ),
    Mutant(
        "search: positions counted from the end",
        SEARCH,
        'steps - 1 - ops.cast(backwards, "int32")',
        'ops.cast(backwards, "int32")',
        LATEST,
    ),
    Mutant(
        "search: padding can be found",
        SEARCH,
        "scores = ops.where(step_mask > 0, scores, nothing)",
        "scores = ops.where(step_mask > -1, scores, nothing)",
        f"{TEST_SEARCH}::test_garbage_at_padding_is_never_found",
    ),
    Mutant(
        "search: padding scores zero",
        SEARCH,
        "scores = ops.where(step_mask > 0, scores, nothing)",
        "scores = ops.where(step_mask > 0, scores, 0.0)",
        LATEST,
    ),
    Mutant(
        "search: the first head alone counts",
        SEARCH,
        "scores = ops.mean(scores, axis=-1)",
        "scores = scores[..., 0]",
        f"{TEST_SEARCH}::test_the_mean_over_heads_counts",
    ),
    Mutant(
        "search: nothing found stands for the first step",
        SEARCH,
        "return ops.where(ops.expand_dims(positions >= 0, -1), found, 0)",
        "return found",
        f"{TEST_SEARCH}::test_what_stands_at_the_positions_is_handed_on_and_zeros_for_none",
    ),
    Mutant(
        "search: the request's steps in another order than their weights",
        SEARCH,
        "return self._real(tf.gather(vectors[0], ops.maximum(positions, 0)), positions)",
        "return self._real(tf.gather(vectors[0], positions[:, ::-1]), positions)",
        "contract/test_promises.py::test_rank_scores_like_predict_however_the_columns_are_divided"
        "[twin]",
    ),
    Mutant(
        "recall: of what was found, not of what matters",
        SEARCH,
        "return np.where(count > 0, hits.sum(axis=1) / np.maximum(count, 1), np.nan)",
        "return np.where(count > 0, hits.mean(axis=1), np.nan)",
        RECALL,
    ),
    Mutant(
        "recall: nothing found counts as the first step",
        SEARCH,
        "np.take_along_axis(relevant, np.maximum(positions, 0), axis=1) & (positions >= 0)",
        "np.take_along_axis(relevant, np.maximum(positions, 0), axis=1)",
        f"{TEST_SEARCH}::test_steps_that_were_not_found_hide_behind_no_minus_one",
    ),
    Mutant(
        "recall: rows without a relevant step count as missed",
        SEARCH,
        "np.maximum(count, 1), np.nan)",
        "np.maximum(count, 1), 0.0)",
        RECALL,
    ),
    Mutant(
        "target attention: scaled by the whole width",
        TARGET,
        "return asked / self.size**0.5 if self.scaled else asked",
        "return asked / (self.size * self.num_heads) ** 0.5 if self.scaled else asked",
        (TWIN_FORMULA, ETA_FORMULA),
    ),
    Mutant(
        "target attention: the request's scores without the context",
        TARGET,
        "        if context is not None and not is_single(context):\n"
        "            return NotImplemented\n",
        "        context = None\n",
        "contract/test_promises.py::test_rank_scores_like_predict_however_the_columns_are_divided"
        "[twin]",
    ),
    Mutant(
        "target attention: the softmax over heads",
        TARGET,
        "ops.broadcast_to(found, ops.shape(scores)), axis=1)",
        "ops.broadcast_to(found, ops.shape(scores)), axis=-1)",
        (TWIN_FORMULA, f"{TEST_TWIN}::test_both_stages_have_the_same_scores"),
    ),
    Mutant(
        "target attention: the two maps are drawn apart",
        TARGET,
        "shape=(behaviours_shape[-1], inner), initializer=self._like_the_query",
        "shape=(behaviours_shape[-1], inner)",
        (
            f"{TEST_TARGET}::test_a_model_that_has_learned_nothing_finds_the_candidate_itself",
            f"{TEST_TARGET}::test_over_all_heads_the_first_scores_are_the_inner_product",
        ),
    ),
    Mutant(
        "target attention: the maps that begin alike are not orthogonal",
        TARGET,
        'shape=(candidate_shape[-1], inner), initializer="orthogonal"',
        "shape=(candidate_shape[-1], inner)",
        f"{TEST_TARGET}::test_over_all_heads_the_first_scores_are_the_inner_product",
    ),
    Mutant(
        "target attention: the context of the steps begins without a map",
        TARGET,
        "return ops.concatenate([query, own[query.shape[0] :]])",
        "return ops.concatenate([query, 0 * own[query.shape[0] :]])",
        f"{TEST_TARGET}::test_what_stands_behind_the_behaviours_vector_has_a_map_of_its_own",
    ),
    Mutant(
        "sim: the pooled history counts padding",
        SIM,
        "relevance = ops.multiply(ops.squeeze(scores, axis=-1), request.mask)",
        "relevance = ops.squeeze(scores, axis=-1) / (1 + 0 * request.mask) + 1",
        SIM_FORMULA,
    ),
    Mutant(
        "sim: the exact unit is scaled",
        SIM,
        '"sim", found, candidate, positions, num_heads=num_heads, head_dim=width, scaled=False',
        '"sim", found, candidate, positions, num_heads=num_heads, head_dim=width',
        f"{TEST_SIM}::test_neither_units_scores_are_scaled_and_heads_are_as_wide_as_the_candidate",
    ),
    Mutant(
        "sim: an unknown category matches padding",
        SIM,
        "ops.logical_and(ops.equal(categories, candidate), ops.not_equal(categories, 0))",
        "ops.equal(categories, candidate)",
        f"{TEST_SIM}::test_an_unknown_category_matches_nothing_and_padding_neither",
    ),
    Mutant(
        "sim: the hard search finds other categories too",
        SIM,
        'positions = TopSteps(found_steps, name="sim_search")(scores, matching)',
        'positions = TopSteps(found_steps, name="sim_search")(scores, request.mask)',
        (
            f"{TEST_SIM}::test_the_hard_search_is_attention_masked_by_the_category",
            f"{TEST_SIM}::test_the_hard_search_takes_the_latest_of_too_many",
        ),
    ),
    Mutant(
        "sim: the weight of the search's loss is dropped",
        SIM,
        "beside = (auxiliary_weight, of_search)",
        "beside = (1.0, of_search)",
        LOSS,
    ),
    Mutant(
        "heads: the other prediction is laid beside in inference, too",
        HEADS,
        "        if training:\n            prediction._recsys_beside",
        "        if True:\n            prediction._recsys_beside",
        LOSS,
    ),
    Mutant(
        "fit: the loss beside is left out",
        WEIGHTING,
        "return of_rows + weight * row_losses(kind, label, other)",
        "return of_rows",
        (LOSS, f"{TEST_SIM}::test_the_search_learns_from_its_own_loss_alone"),
    ),
    Mutant(
        "eta: the codes of the two sides are of different directions",
        ETA,
        "(codes(request.behaviours), codes(candidate))",
        "(codes(request.behaviours), HashCodes(num_bits)(candidate))",
        ETA_FORMULA,
    ),
    Mutant(
        "eta: the farthest codes are found",
        ETA,
        'return (ops.einsum("btm,bm->bt", codes, candidate) - codes.shape[-1]) / 2',
        'return -(ops.einsum("btm,bm->bt", codes, candidate) - codes.shape[-1]) / 2',
        (ETA_FORMULA, f"{TEST_ETA}::test_many_bits_find_what_the_cosine_finds_and_few_do_not"),
    ),
    Mutant(
        "eta: the directions are trained",
        ETA,
        "            trainable=False,",
        "            trainable=True,",
        f"{TEST_ETA}::test_directions_differ_are_not_trained_and_no_gradient_passes",
    ),
    Mutant(
        "eta: all directions are alike",
        ETA,
        "keras.initializers.RandomNormal(stddev=1.0)",
        "keras.initializers.Ones()",
        f"{TEST_ETA}::test_directions_differ_are_not_trained_and_no_gradient_passes",
    ),
    Mutant(
        "twin: the search does not see the cross features",
        TWIN,
        'positions = TopSteps(found_steps, name="twin_search")(scores, request.mask)',
        'positions = TopSteps(found_steps, name="twin_search")('
        "attention(request.behaviours, candidate), request.mask)",
        TWIN_FORMULA,
    ),
    Mutant(
        "twin: the second stage forgets the scores of the first",
        TWIN,
        'found_scores = FoundSteps(name="twin_found_scores")(scores, positions)',
        'found_scores = FoundSteps(name="twin_found_scores")(0 * scores, positions)',
        (TWIN_FORMULA, f"{TEST_TWIN}::test_both_stages_have_the_same_scores"),
    ),
    Mutant(
        "eta: lengths are part of the code",
        ETA,
        "return ops.where(projected >= 0, 1.0, -1.0)",
        "return ops.where(projected >= 0.1, 1.0, -1.0)",
        (f"{TEST_ETA}::test_codes_know_directions_and_no_lengths", ETA_FORMULA),
    ),
    Mutant(
        "sdim: any equal sign is enough",
        SDIM,
        "bits * 2 ** ops.arange",
        "bits * 1 ** ops.arange",
        (
            f"{TEST_SDIM}::test_signatures_are_numbers_in_base_two",
            f"{TEST_SDIM}::test_a_behaviour_counts_as_often_as_its_angle_says",
        ),
    ),
    Mutant(
        "sdim: padding falls together with a candidate",
        SDIM,
        "same = same * ops.expand_dims(ops.cast(step_mask, behaviours.dtype), -1)",
        "same = same * ops.expand_dims(0 * ops.cast(step_mask, behaviours.dtype) + 1, -1)",
        f"{TEST_SDIM}::test_padding_falls_together_with_nothing",
    ),
    Mutant(
        "sdim: the mean is normalised and not each round",
        SDIM,
        "            of_rounds = ops.cast(wide / length, dtype)\n"
        "        return ops.mean(of_rounds, axis=1)",
        "            of_rounds = ops.cast(wide, dtype)\n"
        "        mean = ops.mean(of_rounds, axis=1)\n"
        "        return mean / ops.maximum(ops.norm(mean, axis=-1, keepdims=True), 1e-6)",
        SDIM_FORMULA,
    ),
    Mutant(
        "sdim: rounds are added up",
        SDIM,
        "return ops.mean(of_rounds, axis=1)",
        "return ops.sum(of_rounds, axis=1)",
        (
            SDIM_FORMULA,
            f"{TEST_SDIM}::test_copies_of_the_candidate_give_its_direction",
        ),
    ),
    Mutant(
        "sdim: an empty round divides by zero",
        SDIM,
        "ops.sqrt(ops.where(square > 0, square, 1.0))",
        "ops.sqrt(square)",
        f"{TEST_SDIM}::test_an_empty_round_has_a_gradient_of_zero",
    ),
    Mutant(
        "sdim: a request's candidates all read the first round",
        SDIM,
        'candidate + sums * ops.arange(rounds, dtype="int32")',
        "candidate",
        f"{TEST_SDIM}::test_the_requests_sums_of_all_signatures_give_the_same_scores",
    ),
    Mutant(
        "sdim: a request's sums count padding",
        SDIM,
        "member *= ops.cast(step_mask[0], behaviours.dtype)[:, None, None]",
        "member *= 1 + 0 * ops.cast(step_mask[0], behaviours.dtype)[:, None, None]",
        f"{TEST_SDIM}::test_a_requests_sums_are_those_of_its_real_steps",
    ),
    Mutant(
        "sdim: the signatures of the two sides are of different directions",
        SDIM,
        "asked(codes(candidate))",
        "asked(HashCodes(num_bits)(candidate))",
        SDIM_FORMULA,
    ),
]
