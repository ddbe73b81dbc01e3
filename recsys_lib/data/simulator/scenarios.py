"""The scenario lens: surfaces of very different size that share a known part of their taste.

Every row belongs to a scenario s and holds one id for each of F fields. With functions of the
fields f_0, f_1, ..., f_S, all of mean 0 and variance 1 over all combinations of ids,

    logit = bias_s + strength (sqrt(share) f_0 + sqrt(1 - share) f_s)
    p     = sigmoid(logit)

f_0 is what all scenarios share, f_s what only s knows. Each function is a sum of main effects of
its fields and of interactions of a few pairs of fields, of low rank. The fields of a row are drawn
alike in all scenarios: they say nothing about the scenario.

With ``attended`` the scenarios weigh one taste differently, in the place of f_0. With u_f the main
effects of f_0 in field f, scaled to variance 1, and k fields drawn for each scenario,

    f_0 = 1 / sqrt(k) sum_(f among the k) m_sf u_f       m_sf = 1, and -1 in ``turned`` of the k

Chapter 06, "Multi-scenario modelling".
"""

from collections.abc import Sequence

import numpy as np

from recsys_lib.data.simulator.functions import function_value, plant_functions
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

LENS = "scenarios"
TASK = "click"
COLUMN = "scenario"
SHAPE = ("num_fields", "num_ids", "num_pairs", "rank", "main_share")
"""Knobs of the functions."""


def scenarios(
    num_rows: int = 120_000,
    sizes: Sequence[float] = (0.80, 0.15, 0.04, 0.01),
    share: float = 0.3,
    strength: float = 1.8,
    bias: float = -0.5,
    bias_sd: float = 0.5,
    num_fields: int = 6,
    num_ids: int = 30,
    num_pairs: int = 5,
    rank: int = 2,
    main_share: float = 0.5,
    attended: int | None = None,
    turned: int = 0,
    new_rows: int | None = None,
    num_valid_rows: int = 12_000,
    num_test_rows: int = 10_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks in several scenarios that share part of what drives them.

    Args:
        num_rows: rows of the training split.
        sizes: share of the rows that each scenario gets, in train and validation; any positive
            numbers, their sum counts as 1.
        share: share of the score's variance that all scenarios have in common, 0 to 1: at 1 they
            differ in their biases only, at 0 they have nothing in common.
        strength: standard deviation of the log-odds within a scenario.
        bias, bias_sd: mean and standard deviation of the normal numbers that the scenarios' biases
            are drawn as.
        num_fields: number of fields F; the first half are of group ``user``, the rest ``item``.
        num_ids: ids of each field.
        num_pairs: pairs of fields that interact in each function.
        rank: number of factors behind each interaction, at most ``num_ids - 1``.
        main_share: share of each function's variance that main effects make up.
        attended: None, or the number of fields that a scenario attends to: what is shared is then
            one taste, of which each scenario weighs the fields in its own way.
        turned: of the attended fields, how many a scenario likes the other way round.
        new_rows: None, or one scenario more, which has opened at the end of the training log: its
            number of training rows, 0 or more, which come on top of ``num_rows``. Validation holds
            none of it.
        num_valid_rows: rows of the validation split, drawn like training rows.
        num_test_rows: rows of *each scenario* in the test split, one scenario after another.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``scenario`` (group ``scenario``, ids from 1 in the
        order of ``sizes``, the new one last) and ``field_0``, ``field_1``, ...; the task ``click``;
        a ``group`` is an id of ``field_0`` in a scenario. Slices ``scenario_1``, ... of the rows of
        each scenario. ``truth`` holds, with S scenarios, P pairs and V ids, function 0 the shared
        one: ``main`` ``(S + 1, F, V)``, ``pairs`` ``(S + 1, P, 2)`` int64, ``interaction``
        ``(S + 1, P, V, V)``, indexed by id - 1, and ``biases`` ``(S,)``; with ``attended`` also
        ``weights`` ``(S, F)``, the m_sf / sqrt(k), 0 where a field is not attended to.

        Common random numbers: ``share``, ``strength``, ``bias``, ``bias_sd``, ``attended`` and
        ``turned`` change probabilities and the labels that depend on them, never a row; ``sizes``
        changes whose row it is and no field; ``num_rows`` and ``new_rows`` add rows at the end. A
        scenario of ``sizes`` keeps its function, its bias and its test rows whatever the others
        are; the new one its function and its bias.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    truth = _plant(**knobs)
    num_scenarios = len(truth["biases"])
    train = _draw(knobs, truth, "train", knobs["num_rows"])
    if knobs["new_rows"]:
        new = _draw(knobs, truth, "new", knobs["new_rows"], num_scenarios)
        train = [np.concatenate(parts) for parts in zip(train, new, strict=True)]
    test = [
        _draw(knobs, truth, f"test/{scenario}", knobs["num_test_rows"], scenario)
        for scenario in range(1, num_scenarios + 1)
    ]
    rows = {
        "train": _rows(knobs, num_scenarios, *train),
        "valid": _rows(
            knobs, num_scenarios, *_draw(knobs, truth, "valid", knobs["num_valid_rows"])
        ),
        "test": _rows(
            knobs, num_scenarios, *(np.concatenate(parts) for parts in zip(*test, strict=True))
        ),
    }
    user_fields = (knobs["num_fields"] + 1) // 2
    columns = (
        CategoricalColumn(COLUMN, num_scenarios + 1, group="scenario"),
        *(
            CategoricalColumn(
                f"field_{field}",
                knobs["num_ids"] + 1,
                group="user" if field < user_fields else "item",
            )
            for field in range(knobs["num_fields"])
        ),
    )
    return make_dataset(LENS, columns, rows, seed, truth, knobs)


def _plant(sizes, bias, bias_sd, attended, turned, new_rows, seed, **knobs):
    # A function's parts depend on its name alone, not on how many others there are. The scenario
    # that is new is the same function whatever its number: it has a name of its own.
    names = [str(number) for number in range(1, len(sizes) + 1)]
    names += ["new"] if new_rows is not None else []
    shape = {name: knobs[name] for name in SHAPE}
    biases = [
        bias + bias_sd * stream(seed, LENS, f"bias/{name}").standard_normal() for name in names
    ]
    truth = plant_functions(seed, LENS, ["0", *names], **shape) | {"biases": np.array(biases)}
    if turned > (most := attended or 0):
        wanted = f"at most {most}, which are attended" if most else "0 where no fields are attended"
        raise ValueError(f"turned: expected {wanted}, got {turned}")
    if attended is not None:
        signs = np.zeros((len(names), knobs["num_fields"]))
        for number, name in enumerate(names):
            order = stream(seed, LENS, f"attended/{name}").permutation(knobs["num_fields"])
            signs[number, order[:attended]] = 1
            signs[number, order[:turned]] = -1
        truth["weights"] = signs / np.sqrt(attended)
    return truth


def _shared_value(truth, of_row, ids):
    """What the scenarios have in common, as each row's scenario sees it, ``(N,)``."""
    if "weights" not in truth:
        return function_value(truth, np.zeros(len(ids), np.int64), ids)
    tastes = truth["main"][0] / truth["main"][0].std(axis=1, keepdims=True)
    weights = truth["weights"][of_row - 1]
    return sum(weights[:, field] * taste[ids[:, field]] for field, taste in enumerate(tastes))


def _draw(knobs, truth, part, num_rows, scenario=None):
    """Scenario, ids from 1 ``(N, F)`` and log-odds of some rows; scenario None: by its size."""

    def uniform(what):
        return stream(knobs["seed"], LENS, f"draws/{part}/{what}").random(num_rows)

    if scenario is None:
        sizes = np.array(knobs["sizes"])
        ends = np.cumsum(sizes)[:-1] / sizes.sum()
        of_row = 1 + np.searchsorted(ends, uniform("scenario"), side="right")
    else:
        of_row = np.full(num_rows, scenario)
    every_id = np.arange(knobs["num_ids"])
    ids = np.stack(
        [choose(every_id, uniform(f"field_{field}")) for field in range(knobs["num_fields"])],
        axis=1,
    )
    score = np.sqrt(knobs["share"]) * _shared_value(truth, of_row, ids)
    score += np.sqrt(1 - knobs["share"]) * function_value(truth, of_row, ids)
    logit = truth["biases"][of_row - 1] + knobs["strength"] * score
    return of_row, ids + 1, logit


def _rows(knobs, num_scenarios, scenario, ids, logit):
    features = {COLUMN: scenario.astype(np.int32)}
    for field in range(knobs["num_fields"]):
        features[f"field_{field}"] = ids[:, field].astype(np.int32)
    return Rows(
        features=features,
        probability={TASK: sigmoid(logit)},
        group=(scenario - 1) * knobs["num_ids"] + ids[:, 0],
        slices={f"scenario_{number}": scenario == number for number in range(1, num_scenarios + 1)},
    )
