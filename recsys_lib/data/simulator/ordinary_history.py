"""Effects of the history: what a user's last clicks say about a candidate."""

from collections.abc import Iterator, Mapping

import numpy as np

from recsys_lib.data.simulator.ordinary_effects import (
    Draws,
    Ids,
    Term,
    bins,
    cells_of,
    standard,
    switched,
)
from recsys_lib.data.simulator.ordinary_prior import Effect

RANK = 3
"""Dimensions of the hidden vectors."""


def terms_of_history(
    effect: Effect,
    ids: Mapping[str, Ids],
    histories: Mapping[str, list[np.ndarray]],
    candidates: Mapping[str, list[np.ndarray]],
    seed: int,
) -> Iterator[Term]:
    """The terms of an effect of the family ``history``.

    Args:
        effect: of the plan.
        ids: by name of the column.
        histories: name of a column of items to ``(R, length)`` ids for each split.
        candidates: name to ``(R, K)`` ids for each split.
        seed: integer of 0 or more.

    Returns:
        Terms, the sum of which has variance 1 over the rows.
    """
    draws, key = Draws(effect, seed), effect.columns[0]
    if effect.form == "latent":
        yield _latent(draws, ids[key], histories[key], candidates[key])
        return
    parts = [
        _of_matches(effect.form, draws, *split)
        for split in zip(histories[key], candidates[key], strict=True)
    ]
    values = standard(np.concatenate([part.ravel() for part in parts]))
    term = Term("history", values, bins(values))
    if effect.switch:
        yield from switched(term, draws.switch(ids["scenario"]), ids["scenario"], "everything")
    else:
        yield term


def _of_matches(form, draws, history, candidates):
    """``(R, K)``: what the clicks that match a candidate say."""
    length = history.shape[1]
    age = np.arange(length)[::-1]
    where = draws.random("matches").random()
    weights = {
        "recent": (0.6 + 0.3 * where) ** age,
        "last": age < 2 + int(3 * where),
    }.get(form, np.ones(length))
    total = np.zeros(candidates.shape)
    # One click after another: all at once would take the memory of a history for each candidate.
    for step in range(length):
        if weights[step] > 0:
            total += weights[step] * (history[:, step, None] == candidates)
    if form == "repeat":
        return (total > 0).astype(np.float64)
    if form == "enough":
        best = 2 + int(3 * where)  # rises up to so many matches, and falls behind
        return total / best * np.exp(1 - total / best)
    return total / np.sum(weights)


def _latent(draws, ids, histories, candidates):
    """Closeness of hidden vectors: that of the candidate, and the mean of the clicks'."""
    of_click = draws.normal("of click", ids.num_ids + 1, RANK)
    of_candidate = draws.normal("of candidate", ids.num_ids + 1, RANK)
    mean_of_clicks = np.concatenate(
        [
            np.repeat(
                sum(of_click[history[:, step]] for step in range(history.shape[1])),
                shown.shape[1],
                axis=0,
            )
            for history, shown in zip(histories, candidates, strict=True)
        ]
    )
    last = np.concatenate(
        [
            np.repeat(history[:, -1], shown.shape[1])
            for history, shown in zip(histories, candidates, strict=True)
        ]
    )
    closeness = mean_of_clicks - mean_of_clicks.mean(axis=0)
    vectors = of_candidate[ids.values]
    closeness = (closeness * (vectors - vectors.mean(axis=0))).sum(axis=1)
    # As a pair, of a click and the candidate: its cells are those of the last click.
    cells = cells_of([Ids(last, ids.num_ids), ids])
    return Term("history", standard(closeness), cells, RANK, (last, ids.values))
