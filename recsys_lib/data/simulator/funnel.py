"""The funnel lens: an impression may be clicked, and only a click may convert.

Every user and every item has an *appeal*, which decides clicks, and a *need*, which decides with it
what happens after the click. With standard normal appeal and need of the row (the user's and the
item's, added and divided by sqrt(2)) and r the knob ``selection``,

    p_click                  = sigmoid(b_click + click_strength * appeal)
    p_conversion_given_click = sigmoid(b_conversion + conversion_strength
                                       * (r * appeal + sqrt(1 - r^2) * need))
    P(click and conversion)  = p_click * p_conversion_given_click

Rows with much appeal are clicked more often, so clicked rows are not distributed like all rows:
those few rows say what is known about conversions, and most users and items have hardly any.

Chapter 05, "Multi-task learning".
"""

import numpy as np

from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.world import (
    Rows,
    SimulatedDataset,
    choose,
    make_dataset,
    sigmoid,
    stream,
)
from recsys_lib.features.columns import CategoricalColumn

LENS = "funnel"
SIZES = {"train": "num_rows", "valid": "num_valid_rows", "test": "num_test_rows"}
STEPS, TOLERANCE = 100, 1e-12
"""Of the search for the bias that gives a rate."""


def funnel(
    num_rows: int = 60_000,
    click_rate: float = 0.15,
    conversion_rate: float = 0.2,
    selection: float = 0.5,
    click_strength: float = 1.5,
    conversion_strength: float = 1.5,
    num_users: int = 1_000,
    num_items: int = 1_000,
    num_valid_rows: int = 20_000,
    num_test_rows: int = 60_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate impressions, clicks and conversions.

    Args:
        num_rows: rows of the training split.
        click_rate: clicks per impression, exact over all pairs of a user and an item.
        conversion_rate: conversions per click, exact over all pairs.
        selection: correlation r between the log-odds of a click and those of a conversion after
            it, from -1 to 1: at 0 clicked rows convert like all rows would, above 0 better.
        click_strength: standard deviation of the log-odds of a click. At 0 clicked rows are a
            random sample of all rows.
        conversion_strength: standard deviation of the log-odds of a conversion after a click.
        num_users, num_items: 3 or more, all equally frequent.
        num_valid_rows, num_test_rows: rows of the other splits, drawn like training rows.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``user_id`` (group ``user``) and ``item_id`` (group
        ``item``), int32 ids from 1; the tasks ``click`` and ``conversion``, which is "clicked and
        converted": its label is 0 wherever that of ``click`` is; ``group`` is the user. Slices:
        ``clicked``; ``likely`` and ``unlikely``, rows with a click probability above and below
        that of half of all pairs. Its ``truth`` holds, one number for each row of the three
        splits, indexed by ``row_id``, ``p_click`` and ``p_conversion_given_click``; and by id - 1
        ``user_appeal``, ``user_need``, ``item_appeal`` and ``item_need``, each of mean 0 and
        variance 1, appeal and need uncorrelated.

        Common random numbers: only the numbers of users, items and rows change a row; the rates,
        strengths and ``selection`` change probabilities and the labels that depend on them.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    hidden: dict[str, np.ndarray] = {}
    for side in ("user", "item"):
        hidden |= _appeal_and_need(side, knobs[f"num_{side}s"], seed)
    click, conversion = _probabilities(hidden, **knobs)
    median = np.median(click)
    rows: dict[str, Rows] = {}
    parts: dict[str, list[np.ndarray]] = {"p_click": [], "p_conversion_given_click": []}
    for split_name, size in SIZES.items():
        rows[split_name], given = _draw_rows(
            split_name, knobs[size], click, conversion, median, knobs
        )
        parts["p_click"].append(rows[split_name].probability["click"])
        parts["p_conversion_given_click"].append(given)
    truth = {name: np.concatenate(of_splits) for name, of_splits in parts.items()}
    columns = (
        CategoricalColumn("user_id", knobs["num_users"] + 1, group="user"),
        CategoricalColumn("item_id", knobs["num_items"] + 1, group="item"),
    )
    return make_dataset(LENS, columns, rows, seed, truth | hidden, knobs)


def _appeal_and_need(side, count, seed):
    appeal = stream(seed, LENS, f"{side}/appeal").standard_normal(count)
    need = stream(seed, LENS, f"{side}/need").standard_normal(count)
    appeal, need = uncorrelated(appeal, need)
    return {f"{side}_appeal": appeal, f"{side}_need": need}


def uncorrelated(appeal, need):
    """Two arrays ``(count,)`` as mean 0, variance 1, and no correlation between the two."""
    appeal, need = (numbers - numbers.mean() for numbers in (appeal, need))
    appeal /= appeal.std()
    need -= (need * appeal).mean() * appeal
    return appeal, need / need.std()


def _probabilities(
    hidden, click_rate, conversion_rate, selection, click_strength, conversion_strength, **_
):
    """p_click and p_conversion_given_click of all pairs, ``(num_users, num_items)`` each."""
    appeal, need = (
        (hidden[f"user_{part}"][:, None] + hidden[f"item_{part}"]) / np.sqrt(2)
        for part in ("appeal", "need")
    )
    click = _with_rate(click_strength * appeal, click_rate, np.ones_like(appeal))
    wish = selection * appeal + np.sqrt(1 - selection**2) * need
    return click, _with_rate(conversion_strength * wish, conversion_rate, click)


def _with_rate(score, rate, weight):
    """``sigmoid(bias + score)`` with the bias at which its weighted mean is ``rate``."""
    share = weight / weight.sum()
    bias = np.log(rate / (1 - rate))
    low, high = bias - score.max(), bias - score.min()
    for _ in range(STEPS):
        probability = sigmoid(bias + score)
        error = (share * probability).sum() - rate
        if abs(error) < TOLERANCE:
            break
        low, high = (low, bias) if error > 0 else (bias, high)
        step = bias - error / (share * probability * (1 - probability)).sum()  # Newton's
        bias = step if low < step < high else (low + high) / 2
    return probability


def _draw_rows(split_name, num_rows, click, conversion, median, knobs):
    def uniform(part):
        return stream(knobs["seed"], LENS, f"draws/{split_name}/{part}").random(num_rows)

    user, item = (
        choose(np.arange(knobs[f"num_{side}s"]), uniform(f"{side}_id")) for side in ("user", "item")
    )
    p_click, p_conversion = click[user, item], conversion[user, item]
    clicked = uniform("click") < p_click
    converted = clicked & (uniform("conversion") < p_conversion)
    rows = Rows(
        features={"user_id": (user + 1).astype(np.int32), "item_id": (item + 1).astype(np.int32)},
        probability={"click": p_click, "conversion": p_click * p_conversion},
        group=user + 1,
        slices={
            "clicked": clicked,
            "likely": p_click > median,
            "unlikely": p_click <= median,
        },
        labels={
            "click": clicked.astype(np.float32),
            "conversion": converted.astype(np.float32),
        },
    )
    return rows, p_conversion
