"""The arms of the board of ordinary platforms, what is asked of them, and what follows the board.

Everything is stated here before any platform of the board is opened. Platforms of worlds 0 to 2
tune, 100 to 115 measure. FiBiNET and xDeepFM, whose training costs as much as that of all other
arms together, and the arms to whom nothing is told have the first eight of them.

What follows takes the recipes that the board's record holds for a hundred thousand rows, tunes
nothing, and is declared in a file of two lines once that record is there: ``million``, six arms on
four of the same platforms with a million rows, and ``again``, all main arms on twelve new ones.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.engine import records
from experiments.engine.arms import Arm, as_options, point_text
from experiments.engine.contrasts import Contrast, better, level, trend
from experiments.engine.declaration import Experiment
from experiments.sequence._logs import WIDER_TREES

BOARD = "scoreboards.ordinary"
LENS = "experiments.scoreboards._platforms:platform"
NETWORK = "experiments.scoreboards._chosen:network"
CROSSED_READER = "experiments.scoreboards._crossed_reader:din_with_crosses"
KNOBS: dict[str, Any] = {
    "num_valid_rows": 20_000,
    "num_test_rows": 30_000,
    "first": 1_000,
    "labels": 3,
}
FEW, MANY, MILLION = 10_000, 100_000, 1_000_000
RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)
VARIANCES = (3e-2, 3e-3, 3e-4)
FIT: dict[str, Any] = {"epochs": 60, "batch_size": 1024, "patience": 3}
WIDTH: dict[str, Any] = {"embedding_dim": 8}
NARROW: dict[str, Any] = {"embedding_dim": 4}
"""Of FiBiNET, whose network reads every pair of columns twice."""
READER: dict[str, Any] = WIDTH | {"product": True}
ATTENTION: dict[str, Any] = READER | {"attention_units": (16,)}
ORDER: dict[str, Any] = {"watch": "gauc:request"}
LINES, TREES, UNTOLD = "logistic regression", "trees", "nothing told"
OF_MILLION = (LINES, TREES, "DNN", "DCN-V2", "DIN", "DIN with crosses")
MARGIN = 1.0


def network(name: str, model: str, builder: dict[str, Any], side: bool = False, **more: Any) -> Arm:
    """A model of which the rate is tuned, and the variance chosen on each platform."""
    said: dict[str, Any] = {"model": model, "builder": builder, "variances": VARIANCES, "fit": FIT}
    said |= {"watch": "log_loss"} | more
    return Arm(name=name, model=NETWORK, space={"learning_rate": RATES}, options=said, side=side)


def untold(arm: Arm) -> Arm:
    """The same model without what is told, with the recipe of the one that reads it."""
    options = {**arm.options, "told": False}
    name = f"{arm.name}, {UNTOLD}"
    return dataclasses.replace(
        arm, name=name, space={}, options=options, inherits=arm.name, side=True
    )


def arms() -> list[Arm]:
    """All of the board."""
    lines, dnn = network(LINES, "lr", {}), network("DNN", "dnn", WIDTH)
    crosses = network("DCN-V2", "dcn_v2", WIDTH)
    din = network("DIN", "din", ATTENTION, reads_history=True)
    trees = Arm(
        name=TREES,
        model="experiments.scoreboards._chosen:trees",
        space=WIDER_TREES,
        options={"watch": "log_loss"},
    )
    return [
        lines,
        trees,
        network("FM", "fm", WIDTH),
        network("FwFM", "fwfm", WIDTH),
        dnn,
        # Nobody picks pairs by hand here, and with all of them it is another model.
        network("Wide & Deep", "wide_and_deep", WIDTH | {"cross_pairs": ()}),
        network("DeepFM", "deepfm", WIDTH),
        crosses,
        network("DCN-V2, pairs", "dcn_v2", WIDTH, objective="pairs:request", **ORDER),
        network("DCN-V2, JRC", "dcn_v2", WIDTH, objective="jrc:request", **ORDER),
        network("xDeepFM", "xdeepfm", WIDTH, side=True),
        network("FiBiNET", "fibinet", NARROW, side=True),
        network("mean", "mean", READER, reads_history=True),
        din,
        network("DIN with crosses", CROSSED_READER, ATTENTION, reads_history=True),
        *map(untold, (lines, dnn, crosses, din)),
    ]


def contrasts() -> list[Contrast]:
    """The few that are declared; the table of odds says the rest."""
    at: dict[str, Any] = {"at": MANY, "margin": MARGIN}
    asked = (
        (
            better,
            "crosses_lead_lines",
            "A network with crosses is ahead of logistic regression",
            LINES,
        ),
        (
            better,
            "crosses_lead_trees",
            "A network with crosses is ahead of trees that read the same",
            TREES,
        ),
        (
            level,
            "crosses_are_level_with_the_network",
            "A network with crosses and one without are level",
            "DNN",
        ),
    )
    found = []
    for kind, finding, said, rival in asked:
        found.append(kind(finding, f"{said}.", "DCN-V2", rival, **at))
        ordered = f"{said}, within requests."
        found.append(
            kind(f"{finding}_in_order", ordered, "DCN-V2", rival, measure="gauc_gap", **at)
        )
    return [
        *found,
        level(
            "told_matches_are_enough",
            "Where matches are told, a reader of the history and a network are level.",
            "DIN",
            "DNN",
            **at,
        ),
        better(
            "crosses_help_the_reader",
            "DIN with crosses is ahead of DIN.",
            "DIN with crosses",
            "DIN",
            **at,
        ),
        better(
            "pairs_order_requests",
            "A network with crosses on pairs orders requests better than on rows.",
            "DCN-V2, pairs",
            "DCN-V2",
            measure="gauc_gap",
            **at,
        ),
        trend(
            "rows_pay_for_crosses",
            "The more rows, the more a network with crosses leads logistic regression.",
            "DCN-V2",
            LINES,
            margin=MARGIN,
        ),
        trend(
            "rows_pay_for_trees",
            "The more rows, the more trees lead logistic regression.",
            TREES,
            LINES,
            margin=MARGIN,
        ),
    ]


Recipes = Mapping[str, Mapping[str, Any]]
"""Name of an arm to its tuned options."""


def recorded() -> Recipes:
    """The recipes of the board for a hundred thousand rows, from its record.

    Raises:
        ValueError: there is none.
    """
    record = records.read(BOARD)
    if record is None:
        raise ValueError(f"{BOARD}: expected a record, got none")
    return {
        name: as_options(one["choice"][point_text(MANY)]["options"])
        for name, one in record["arms"].items()
    }


def with_recipes(chosen: Sequence[Arm], recipes: Recipes, **more: Any) -> list[Arm]:
    """Arms whose recipes are known, so that nothing is tuned.

    All but the first inherit its choice, which is empty: no trial is run of them.

    Args:
        chosen: main arms of the board.
        recipes: of ``recorded``.
        **more: options of the networks.
    """
    found: list[Arm] = []
    for arm in chosen:
        added = more if arm.model == NETWORK else {}
        options = {**arm.options, **recipes[arm.name], **added}
        first = found[0].name if found else None
        found.append(dataclasses.replace(arm, space={}, options=options, inherits=first))
    return found


def million(recipes: Recipes) -> Experiment:
    """Six arms with a million rows; variances are tried on the first hundred thousand of them."""
    chosen = [arm for arm in arms() if arm.name in OF_MILLION]
    return Experiment(
        identifier=f"{BOARD}_million",
        question="Which models lead on ordinary platforms with a million rows?",
        lens=LENS,
        knobs=KNOBS | {"num_rows": MILLION},
        arms=with_recipes(chosen, recipes, tried_on=MANY),
        contrasts=_at_one_size(OF_MILLION),
        worlds=(100, 104),
        side_worlds=(100, 104),
        group="request",
        worlds_differ=True,
        protocol=3,
    )


def again(recipes: Recipes) -> Experiment:
    """All main arms on twelve new platforms, on which what the board predicts is judged."""
    chosen = [arm for arm in arms() if not arm.side]
    return Experiment(
        identifier=f"{BOARD}_again",
        question="Do the leads on ordinary platforms come back on others?",
        lens=LENS,
        knobs=KNOBS | {"num_rows": MANY},
        arms=with_recipes(chosen, recipes),
        contrasts=_at_one_size([arm.name for arm in chosen]),
        worlds=(120, 132),
        side_worlds=(120, 132),
        group="request",
        worlds_differ=True,
        protocol=3,
    )


def _at_one_size(names):
    """The contrasts of the board that compare such arms at one size."""
    return [
        dataclasses.replace(one, at=None)
        for one in contrasts()
        if one.kind != "trend" and set(one.arms) <= set(names)
    ]
