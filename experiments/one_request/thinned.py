"""A log of which a tenth of the rows without a click is kept: what does it do to a page?

One ranker is trained; the arms differ in how its probabilities are corrected and calibrated. Each
world has a hundred and fifty requests of a thousand items, and counts once.
"""

from experiments.engine.contrasts import better, level
from experiments.engine.declaration import Experiment
from experiments.one_request._platform import (
    PLATFORM,
    SURFACES,
    after,
    earns_as_much,
    earns_more,
    earns_no_less,
    ranker,
)

CORRECTED, RAW, PLATT, TRUTH = "corrected", "raw", "Platt", "truth"
ISOTONIC, WHOLE = "isotonic", "whole log"

EXPERIMENT = Experiment(
    identifier="one_request.thinned",
    question="What does a thinned log do to a page, and what do its repairs mend?",
    lens="platform",
    knobs=PLATFORM,
    headline="raw_scores_cost_money",
    parts=SURFACES,
    worlds=(100, 110),
    side_worlds=(100, 105),
    arms=[
        ranker(CORRECTED),
        after(RAW, CORRECTED, corrected="none"),
        after("click corrected", CORRECTED, corrected="click"),
        after("conversion corrected", CORRECTED, corrected="conversion"),
        after("one law", CORRECTED, corrected="one law"),
        after(PLATT, CORRECTED, calibrated="platt"),
        after(ISOTONIC, CORRECTED, calibrated="isotonic"),
        after("Platt on thinned rows", CORRECTED, calibrated="platt, thinned"),
        after(TRUTH, CORRECTED, calibrated="platt", promised_by="truth"),
        after("raw, product of powers", CORRECTED, corrected="none", order="product"),
        after(WHOLE, CORRECTED, kept=1.0, side=True),
    ],
    contrasts=[
        earns_more(
            "raw_scores_cost_money",
            "Pages of raw scores earn less than those of corrected ones.",
            CORRECTED,
            RAW,
        ),
        earns_more(
            "the_conversion_matters_more",
            "To correct the conversion alone earns more than to correct the click alone.",
            "conversion corrected",
            "click corrected",
        ),
        earns_more(
            "one_law_is_not_enough",
            "The click's formula on the conversion costs pages money.",
            CORRECTED,
            "one law",
        ),
        better(
            "platt_mends_clicks",
            "Platt's repair by surface lowers the calibration error of the click.",
            PLATT,
            CORRECTED,
            measure="calibration_error",
            task="click",
            margin=0.001,
        ),
        earns_as_much(
            "platt_leaves_the_page",
            "Platt's repair by surface leaves what a page earns as it is.",
            PLATT,
            CORRECTED,
        ),
        better(
            "isotonic_mends_clicks",
            "Isotonic regression by surface lowers the calibration error of the click.",
            ISOTONIC,
            CORRECTED,
            measure="calibration_error",
            task="click",
            margin=0.001,
        ),
        earns_more(
            "stairs_cost_money",
            "Isotonic regression costs pages money beside Platt's repair.",
            PLATT,
            ISOTONIC,
        ),
        earns_more(
            "a_repair_on_the_wrong_rows",
            "Platt's repair on thinned rows undoes the correction, and costs money.",
            PLATT,
            "Platt on thinned rows",
        ),
        better(
            "the_winners_curse",
            "What a page promises after Platt's repair is more than it is worth.",
            PLATT,
            TRUTH,
            measure="promised",
            task="page",
        ),
        level(
            "any_ten_are_honest",
            "What ten random items promise after Platt's repair is what they are worth.",
            PLATT,
            TRUTH,
            measure="promised",
            task="any ten",
        ),
        earns_more(
            "tuned_powers_forgive",
            "On raw scores a product with tuned powers earns more than the expected value.",
            "raw, product of powers",
            RAW,
        ),
        earns_no_less(
            "thinning_is_cheap",
            "With the recipe of the thinned log, the whole log earns no more.",
            CORRECTED,
            WHOLE,
            margin=4.0,
        ),
    ],
    protocol=2,
)
