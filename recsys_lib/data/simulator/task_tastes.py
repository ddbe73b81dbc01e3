"""The lens of several tasks: a click, a rare like and a watch time, whose tastes are alike in part.

Every row holds one id for each of F fields. With functions of the fields f_0, f_1, f_2, all of mean
0 and variance 1 over all combinations of ids, and c the correlation,

    z_click = f_0,    z_like = c f_0 + sqrt(1 - c^2) f_1,    z_watch = c f_0 + sqrt(1 - c^2) f_2
    p_click = sigmoid(click_bias + strength z_click)
    p_like  = sigmoid(like_bias + strength z_like)
    watch   = watch_scale (z_watch + noise_sd N(0, 1))        known of clicked rows only

At 1 all tasks have one taste, at 0 a click says nothing about the two others. Each function is a
sum of main effects of its fields and of interactions of a few pairs of fields, of low rank.

Chapter 05, "Multi-task learning".
"""

import numpy as np

from recsys_lib.data.simulator.functions import function_value, plant_functions
from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.tasks import SIZES
from recsys_lib.data.simulator.world import (
    Rows,
    SimulatedDataset,
    choose,
    draw_labels,
    make_dataset,
    sigmoid,
    stream,
)
from recsys_lib.features.columns import CategoricalColumn

LENS = "task_tastes"
TASKS = {"click": "binary", "like": "binary", "watch": "regression"}
SHAPE = ("num_fields", "num_ids", "num_pairs", "rank", "main_share")


def task_tastes(
    num_rows: int = 40_000,
    correlation: float = 0.5,
    click_bias: float = -1.0,
    like_bias: float = -3.5,
    strength: float = 1.8,
    noise_sd: float = 1.0,
    watch_scale: float = 1.0,
    num_fields: int = 6,
    num_ids: int = 30,
    num_pairs: int = 5,
    rank: int = 2,
    main_share: float = 0.5,
    num_valid_rows: int = 10_000,
    num_test_rows: int = 30_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate impressions with three labels.

    Args:
        num_rows: rows of the training split.
        correlation: c, of the scores of like and watch time with that of the click, from -1 to 1.
        click_bias, like_bias: log-odds where the score is zero. At the default strength -1 gives
            33 % positive labels, -3.5 gives 8 % and -5 gives 3 %.
        strength: standard deviation of the log-odds of click and like.
        noise_sd: standard deviation of the watch time's noise, in units of its score's.
        watch_scale: the unit of the watch time: its label is multiplied by it, noise included.
        num_fields: number of fields F; the first half are of group ``user``, the rest ``item``.
        num_ids: ids of each field.
        num_pairs: pairs of fields that interact in each function.
        rank: number of factors behind each interaction, at most ``num_ids - 1``.
        main_share: share of each function's variance that main effects make up.
        num_valid_rows, num_test_rows: rows of the other splits, drawn like training rows.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``field_0``, ``field_1``, ..., ids from 1; the
        binary tasks ``click`` and ``like``, drawn independently of each other given the row, and
        the regression ``watch``, whose label exists on clicked rows only (``label_masks``) and
        is 0 elsewhere; ``probability["watch"]`` is the expected one. ``group`` is the id of
        ``field_0``. No slices. ``truth`` holds the functions' ``main`` ``(3, F, V)``, ``pairs``
        ``(3, P, 2)`` and ``interaction`` ``(3, P, V, V)``, indexed by id - 1.

        Common random numbers: ``correlation``, biases, ``strength``, ``noise_sd`` and
        ``watch_scale`` change scores and labels, never a row; ``num_rows`` adds rows at the end.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    shape = {name: knobs[name] for name in SHAPE}
    truth = plant_functions(seed, LENS, list(TASKS), **shape)
    rows = {split: _draw(split, knobs[size], truth, knobs) for split, size in SIZES.items()}
    of_users = (knobs["num_fields"] + 1) // 2
    columns = tuple(
        CategoricalColumn(
            f"field_{field}", knobs["num_ids"] + 1, group="user" if field < of_users else "item"
        )
        for field in range(knobs["num_fields"])
    )
    return make_dataset(LENS, columns, rows, seed, truth, knobs, TASKS)


def _draw(split_name, num_rows, truth, knobs):
    def of(part):
        return stream(knobs["seed"], LENS, f"draws/{split_name}/{part}")

    every_id = np.arange(knobs["num_ids"])
    fields = range(knobs["num_fields"])
    ids = np.stack([choose(every_id, of(f"field_{i}").random(num_rows)) for i in fields], axis=1)
    clicking, *others = (function_value(truth, np.full(num_rows, task), ids) for task in range(3))
    c = knobs["correlation"]
    liking, watching = (c * clicking + np.sqrt(1 - c**2) * other for other in others)
    click = sigmoid(knobs["click_bias"] + knobs["strength"] * clicking)
    clicked = draw_labels(click, of("click"))
    watching *= knobs["watch_scale"]
    noise = knobs["watch_scale"] * knobs["noise_sd"] * of("noise").standard_normal(num_rows)
    watched = np.where(clicked, watching + noise, 0).astype(np.float32)
    return Rows(
        features={f"field_{field}": (ids[:, field] + 1).astype(np.int32) for field in fields},
        probability={
            "click": click,
            "like": sigmoid(knobs["like_bias"] + knobs["strength"] * liking),
            "watch": watching,
        },
        group=ids[:, 0] + 1,
        labels={"click": clicked, "watch": watched},
        label_masks={"watch": clicked == 1},
    )
