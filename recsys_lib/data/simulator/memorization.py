"""The memorization lens: rules that no low rank explains, on top of taste that low rank does.

The log-odds of a click by segment s on item i are

    logit[s, i] = bias + taste[s, i] + rule[s, i],      p[s, i] = sigmoid(logit[s, i])

``taste`` has a low rank, so an embedding model can carry it over to pairs that it never saw.
``rule`` is ±strength on a few pairs picked at random and 0 elsewhere: nothing about one pair says
anything about another, so only a weight for the pair itself can hold it. Some pairs are kept out
of training; they carry no rule, since a rule on a pair that nobody saw cannot be learned.

Chapter 01, "Memorization and generalization".
"""

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

LENS = "memorization"
TASK = "click"


def memorization(
    num_rows: int = 300_000,
    rule_strength: float = 3.0,
    rule_share: float = 0.05,
    unseen_share: float = 0.3,
    num_segments: int = 200,
    num_items: int = 500,
    taste_rank: int = 3,
    taste_sd: float = 1.2,
    bias: float = -0.5,
    rule_draws: float = 0.5,
    unseen_draws: float = 1 / 3,
    num_valid_rows: int = 30_000,
    num_test_rows: int = 60_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks of user segments on items, with rules on a few pairs.

    Args:
        num_rows: rows of the training split.
        rule_strength: by how much a rule raises or lowers the log-odds (an even chance of each).
            0 switches the rules off and keeps every row.
        rule_share: share of all pairs that are rule pairs before unseen pairs are taken off.
        unseen_share: share of all pairs that train and validation never hold. At 0 the test split
            has no ``unseen_plain`` rows.
        num_segments, num_items: number of user segments and of items.
        taste_rank: rank of the taste matrix.
        taste_sd: standard deviation of its entries, exact over all pairs.
        bias: log-odds of a pair without taste or rule.
        rule_draws: share of the rows on seen pairs that fall on rule pairs; pairs of a kind are
            drawn alike.
        unseen_draws: share of the test rows that fall on unseen pairs.
        num_valid_rows, num_test_rows: rows of the other splits. Validation rows are drawn like
            training rows; test rows too, apart from ``unseen_draws``.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``segment`` (group ``user``) and ``item`` (group
        ``item``), int32 ids from 1; the task ``click``; ``group`` is the segment. Slices:
        ``seen_rules``, ``seen_plain`` and, in the test split, ``unseen_plain``; "seen" pairs are
        those that training may draw, and at the defaults it draws 90 % of them. Its ``truth``
        holds, each ``(num_segments, num_items)`` and indexed by id - 1: ``taste``, ``rule``,
        ``logit``, ``probability`` (float64), ``rule_pair`` and ``unseen_pair`` (bool); and the
        factors ``segment_taste`` ``(num_segments, taste_rank)`` and ``item_taste``
        ``(num_items, taste_rank)``, whose product is ``taste``.

        Common random numbers: ``rule_strength``, ``bias`` and ``taste_sd`` change probabilities
        and the labels that depend on them, never a row. ``num_rows`` adds rows at the end. A
        larger ``rule_share`` or ``unseen_share`` keeps the chosen pairs and adds to them.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    truth = _plant(**knobs)
    rows = {
        split_name: _draw_rows(split_name, knobs[size], unseen, knobs["rule_draws"], truth, seed)
        for split_name, size, unseen in (
            ("train", "num_rows", 0.0),
            ("valid", "num_valid_rows", 0.0),
            ("test", "num_test_rows", knobs["unseen_draws"]),
        )
    }
    columns = (
        CategoricalColumn("segment", knobs["num_segments"] + 1, group="user"),
        CategoricalColumn("item", knobs["num_items"] + 1, group="item"),
    )
    return make_dataset(LENS, columns, rows, seed, truth, knobs)


def _plant(
    rule_strength,
    rule_share,
    unseen_share,
    num_segments,
    num_items,
    taste_rank,
    taste_sd,
    bias,
    seed,
    **_,
):
    """The planted matrices, each ``(num_segments, num_items)``."""
    # Dimension first, so that a higher rank adds dimensions to those of a lower one.
    segment_taste = stream(seed, LENS, "taste/segment").standard_normal((taste_rank, num_segments))
    item_taste = stream(seed, LENS, "taste/item").standard_normal((taste_rank, num_items))
    # Summed one dimension at a time: a matrix product would depend on the BLAS library.
    taste = sum(
        segment_taste[dimension][:, None] * item_taste[dimension][None, :]
        for dimension in range(taste_rank)
    )
    scale = taste_sd / taste.std()
    pairs = (num_segments, num_items)
    unseen_pair = lowest_share(stream(seed, LENS, "pairs/unseen").random(pairs), unseen_share)
    rule_pair = lowest_share(stream(seed, LENS, "pairs/rule").random(pairs), rule_share)
    rule_pair &= ~unseen_pair
    sign = np.where(stream(seed, LENS, "rule/sign").random(pairs) < 0.5, -1.0, 1.0)
    rule = np.where(rule_pair, rule_strength * sign, 0.0)
    for kind, mask, knob in (
        ("rule pair", rule_pair, f"rule_share: {rule_share:g}"),
        ("seen pair without a rule", ~rule_pair & ~unseen_pair, f"unseen_share: {unseen_share:g}"),
    ):
        if not mask.any():
            raise ValueError(
                f"{knob} with {num_segments} segments and {num_items} items: expected at least "
                f"one {kind}, got none"
            )
    logit = bias + scale * taste + rule
    return {
        "taste": scale * taste,
        "rule": rule,
        "rule_pair": rule_pair,
        "unseen_pair": unseen_pair,
        "logit": logit,
        "probability": sigmoid(logit),
        "segment_taste": scale * segment_taste.T,
        "item_taste": item_taste.T,
    }


def _draw_rows(split_name, num_rows, unseen_draws, rule_draws, truth, seed):
    rule_pair, unseen_pair = truth["rule_pair"].ravel(), truth["unseen_pair"].ravel()
    if not unseen_pair.any():
        unseen_draws = 0.0
    kind = stream(seed, LENS, f"draws/{split_name}/kind").random(num_rows)
    uniform = stream(seed, LENS, f"draws/{split_name}/pair").random(num_rows)
    unseen = kind < unseen_draws
    rules = ~unseen & (kind < unseen_draws + (1 - unseen_draws) * rule_draws)
    plain = ~unseen & ~rules
    pair = np.empty(num_rows, np.int64)
    for rows, candidates in (
        (unseen, unseen_pair),
        (rules, rule_pair),
        (plain, ~rule_pair & ~unseen_pair),
    ):
        pair[rows] = choose(np.flatnonzero(candidates), uniform[rows])
    segment, item = np.divmod(pair, truth["rule"].shape[1])
    segment, item = (segment + 1).astype(np.int32), (item + 1).astype(np.int32)
    return Rows(
        features={"segment": segment, "item": item},
        probability={TASK: truth["probability"].ravel()[pair]},
        group=segment.copy(),
        slices={"seen_rules": rules, "seen_plain": plain, "unseen_plain": unseen},
    )
