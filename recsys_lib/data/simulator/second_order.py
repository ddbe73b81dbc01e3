"""The second-order lens: a few pairs of fields interact, at a known rank and a known importance.

Every row holds one id for each of F fields. The log-odds of a click are

    logit = bias + sum_f main[f, x_f] + sum_(i, j) counts_ij[x_F] gain_ij interaction_ij[x_i, x_j]
    p     = sigmoid(logit)

over the planted pairs (i, j) only; all other pairs are null. Each ``interaction`` is an inner
product of ``rank`` hidden factors, without a mean of its own for any id and with variance 1 over
all combinations, so a pair's gain is the standard deviation of what it adds to the log-odds.
``counts_ij`` is 1, unless ids of the last field switch a pair off.

Some combinations of ids of each planted pair are kept out of training. Low rank carries over to
them; a weight for each combination does not.

Chapter 02, "Second-order interactions".
"""

from collections.abc import Sequence

import numpy as np

from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.world import (
    Rows,
    SimulatedDataset,
    choose,
    lowest_share,
    make_dataset,
    sigmoid,
    stream,
)
from recsys_lib.features.columns import CategoricalColumn

LENS = "second_order"
TASK = "click"


def second_order(
    num_rows: int = 150_000,
    num_fields: int = 8,
    num_ids: int = 50,
    rank: int = 4,
    pairs: Sequence[Sequence[int]] = ((0, 1), (2, 3), (4, 5)),
    gains: Sequence[float] | float = (1.0, 1.0, 1.0),
    held_out_share: float = 0.3,
    main_sd: float = 0.3,
    bias: float = 0.0,
    unseen_draws: float = 0.5,
    valid_unseen_draws: float = 0.0,
    switched: float = 0.0,
    num_valid_rows: int = 15_000,
    num_test_rows: int = 60_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks that depend on single fields and on a few pairs of fields.

    Args:
        num_rows: rows of the training split.
        num_fields: number of fields F.
        num_ids: ids of each field.
        rank: number of factors behind each interaction, at most ``num_ids - 1``.
        pairs: positions ``(i, j)`` of the fields that interact, ``i < j``; no field in two pairs.
        gains: importance of each pair: the standard deviation of what it adds to the log-odds; one
            number stands for all pairs. A gain of 0 switches a pair off and keeps every row.
        held_out_share: share of each planted pair's combinations of ids that training never holds.
            At 0 no split has ``unseen`` rows.
        main_sd: standard deviation of the main effects over the ids of a field, exact.
        bias: log-odds of a row without main effects and interactions.
        unseen_draws: share of the test rows that are ``unseen``.
        valid_unseen_draws: the same of the validation rows. At 0 a model is chosen by what it knows
            of combinations that it has met.
        switched: share of the ids of the last field, which then is in no pair, that switch planted
            pairs off: by turns the first, third, ... pair, or the second, fourth, ... At 1 a pair
            counts in half of the rows, and which half the last field tells.
        num_valid_rows, num_test_rows: rows of the other splits. Validation rows are drawn like
            training rows, and test rows too, apart from the two shares above.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``field_0``, ``field_1``, ... (all of group
        ``context``, so models keep them in this order), int32 ids from 1; the task ``click``;
        ``group`` is the id of ``field_0``. Slices: ``seen``, rows whose planted combinations may
        all occur in training, and beside training ``unseen``, rows whose planted combinations
        are *all* held out. Its ``truth`` holds, with P pairs and V ids, indexed by id - 1:
        ``pairs`` ``(P, 2)`` int64; ``main`` ``(F, V)``; ``interaction`` ``(P, V, V)``, gain
        included; ``first_factors`` and ``second_factors`` ``(P, V, rank)``, whose products over
        the last axis are ``interaction``; ``held_out`` ``(P, V, V)`` bool; ``counts`` ``(P, V)``
        bool, whether the pair counts beside this id of the last field; and for heat maps
        ``pair_importance`` ``(F, F)``, symmetric, the standard deviation over rows of what a
        planted pair adds, its gain where nothing is switched, and 0 elsewhere, and
        ``field_importance`` ``(F,)``, the standard deviation of all terms that hold the field.

        Common random numbers: ``gains``, ``main_sd``, ``bias`` and ``switched`` change
        probabilities and the labels that depend on them, never a row. ``num_rows`` adds rows at
        the end. A higher ``rank`` adds factors to those of a lower one, a larger
        ``held_out_share`` combinations and a larger ``switched`` ids to those of a smaller one,
        and a pair keeps its factors whatever the other pairs are.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    truth = _plant(**knobs)
    rows = {
        split_name: _draw_rows(split_name, knobs[size], unseen_draws, truth, knobs)
        for split_name, size, unseen_draws in (
            ("train", "num_rows", 0.0),
            ("valid", "num_valid_rows", knobs["valid_unseen_draws"]),
            ("test", "num_test_rows", knobs["unseen_draws"]),
        )
    }
    columns = tuple(
        CategoricalColumn(f"field_{field}", knobs["num_ids"] + 1)
        for field in range(knobs["num_fields"])
    )
    return make_dataset(LENS, columns, rows, seed, truth, knobs)


def _plant(num_fields, num_ids, rank, pairs, gains, held_out_share, main_sd, switched, seed, **_):
    if switched and any(num_fields - 1 in pair for pair in pairs):
        raise ValueError(
            f"switched: expected the last field, {num_fields - 1}, in no pair, got {pairs}"
        )
    turn = np.argsort(stream(seed, LENS, "switch").random(num_ids), kind="stable")
    off = (turn < round(switched * num_ids)) & (np.arange(len(pairs))[:, None] % 2 == turn % 2)
    main = np.empty((num_fields, num_ids))
    for field in range(num_fields):
        effects = stream(seed, LENS, f"main/{field}").standard_normal(num_ids)
        main[field] = main_sd * (effects - effects.mean()) / effects.std()
    first_factors = np.empty((len(pairs), num_ids, rank))
    second_factors = np.empty((len(pairs), num_ids, rank))
    interaction = np.empty((len(pairs), num_ids, num_ids))
    held_out = np.empty((len(pairs), num_ids, num_ids), bool)
    pair_importance = np.zeros((num_fields, num_fields))
    for position, ((i, j), gain) in enumerate(zip(pairs, gains, strict=True)):
        first = _factors(seed, f"factors/{i}-{j}/first", rank, num_ids)
        second = _factors(seed, f"factors/{i}-{j}/second", rank, num_ids)
        # Summed one dimension at a time: a matrix product would depend on the BLAS library.
        product = sum(a[:, None] * b[None, :] for a, b in zip(first, second, strict=True))
        scale = gain / product.std()
        first_factors[position], second_factors[position] = scale * first.T, second.T
        interaction[position] = scale * product
        order = stream(seed, LENS, f"held_out/{i}-{j}").random((num_ids, num_ids))
        held_out[position] = lowest_share(order, held_out_share)
        if held_out[position].all():
            raise ValueError(
                f"held_out_share: {held_out_share:g} with {num_ids} ids: expected at least one "
                "combination left for training, got none"
            )
        importance = gain * np.sqrt(1 - off[position].mean())
        pair_importance[i, j] = pair_importance[j, i] = importance
    return {
        "pairs": np.array(pairs, np.int64),
        "main": main,
        "interaction": interaction,
        "first_factors": first_factors,
        "second_factors": second_factors,
        "held_out": held_out,
        "counts": ~off,
        "pair_importance": pair_importance,
        "field_importance": np.sqrt(main_sd**2 + (pair_importance**2).sum(axis=1)),
    }


def _factors(seed, part, rank, num_ids):
    """``(rank, num_ids)`` normal numbers, of mean zero over the ids.

    Factors without a mean give an interaction without main effects: no id gains on average. A
    dimension is a row, so that a higher rank adds dimensions to those of a lower one.
    """
    factors = stream(seed, LENS, part).standard_normal((rank, num_ids))
    return factors - factors.mean(axis=1, keepdims=True)


def _draw_rows(split_name, num_rows, unseen_draws, truth, knobs):
    num_ids, seed = knobs["num_ids"], knobs["seed"]

    def uniform(part):
        return stream(seed, LENS, f"draws/{split_name}/{part}").random(num_rows)

    if not truth["held_out"].any():
        unseen_draws = 0.0
    unseen = uniform("unseen") < unseen_draws
    every_id = np.arange(num_ids)
    paired = truth["pairs"].ravel()
    ids = np.empty((knobs["num_fields"], num_rows), np.int64)  # from 0
    for field in range(knobs["num_fields"]):
        if field not in paired:
            ids[field] = choose(every_id, uniform(f"field_{field}"))
    logit = np.full(num_rows, knobs["bias"])
    for (i, j), held_out, interaction, counts in zip(
        *(truth[name] for name in ("pairs", "held_out", "interaction", "counts")), strict=True
    ):
        combination, numbers = np.empty(num_rows, np.int64), uniform(f"pair_{i}-{j}")
        for rows, candidates in ((unseen, held_out), (~unseen, ~held_out)):
            combination[rows] = choose(np.flatnonzero(candidates), numbers[rows])
        ids[i], ids[j] = np.divmod(combination, num_ids)
        term = interaction.ravel()[combination]
        # The last field is in a pair only where every pair counts at each of its ids.
        logit += term if counts.all() else term * counts[ids[-1]]
    for field, main in enumerate(truth["main"]):
        logit += main[ids[field]]
    features = {f"field_{field}": (row + 1).astype(np.int32) for field, row in enumerate(ids)}
    return Rows(
        features=features,
        probability={TASK: sigmoid(logit)},
        group=features["field_0"].copy(),
        slices={"seen": ~unseen, "unseen": unseen},
    )
