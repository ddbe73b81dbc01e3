"""Ten of a thousand items: what does each part of a ranker earn, and each way to sort?

Every world has a hundred and fifty requests of a thousand items, and counts once. The surfaces take
turns, so that the smallest one can be judged. Ten random items earn 0 points, the best ten 100.
"""

from experiments.engine.declaration import Experiment
from experiments.one_request._platform import (
    PLATFORM,
    SMALLEST,
    SURFACES,
    after,
    earns_as_much,
    earns_more,
    earns_no_less,
    ranker,
)

EVERYTHING = "everything"
ONE = {"num_experts": 1, "expert_units": (64,)}

EXPERIMENT = Experiment(
    identifier="one_request.page",
    question="What does each part of a ranker earn, and each way to make one number of two?",
    lens="platform",
    knobs=PLATFORM,
    headline="the_history_pays",
    parts=SURFACES,
    arms=[
        ranker(EVERYTHING),
        ranker("surface as a feature", scenario_use="feature"),
        ranker("no surface", scenario_use="none"),
        ranker("one network", **ONE),
        ranker("two models", apart=True, **ONE),
        ranker("history averaged", interest="mean"),
        ranker("no history", interest="none"),
        after("by click", EVERYTHING, order="click"),
        after("by conversion", EVERYTHING, order="conversion"),
        after("by price and conversion", EVERYTHING, order="price"),
        after("product of powers", EVERYTHING, order="product"),
    ],
    contrasts=[
        earns_more(
            "the_history_pays",
            "Without the history a page earns far less.",
            EVERYTHING,
            "no history",
            margin=10.0,
        ),
        earns_more(
            "attention_pays",
            "With the history averaged a page earns less than with attention.",
            EVERYTHING,
            "history averaged",
            margin=3.0,
        ),
        earns_more(
            "the_surface_pays",
            "Without the surface the pages of the smallest one earn less.",
            EVERYTHING,
            "no surface",
            part=SMALLEST,
        ),
        earns_as_much(
            "a_gate_is_level_with_a_feature",
            "Whether the surface is a gate or a feature, a page earns the same.",
            EVERYTHING,
            "surface as a feature",
            margin=3.0,
        ),
        earns_as_much(
            "experts_are_level_with_one_network",
            "With experts or with one network, a page earns the same.",
            EVERYTHING,
            "one network",
        ),
        earns_no_less(
            "one_model_is_not_behind_two",
            "Pages of one model for both tasks do not earn less than those of two models.",
            "one network",
            "two models",
            margin=3.0,
        ),
        earns_more(
            "clicks_are_not_enough",
            "Pages sorted by the click earn less than those sorted by the expected value.",
            EVERYTHING,
            "by click",
        ),
        earns_more(
            "conversions_are_not_enough",
            "Pages sorted by the conversion earn less than those sorted by the expected value.",
            EVERYTHING,
            "by conversion",
        ),
        earns_more(
            "the_click_counts_beside_the_price",
            "Sorted by price times conversion a page earns less than by the expected value.",
            EVERYTHING,
            "by price and conversion",
        ),
        earns_no_less(
            "tuned_powers_are_not_needed",
            "The expected value is not behind a product whose powers were tuned on the truth.",
            EVERYTHING,
            "product of powers",
        ),
    ],
    protocol=2,
)
