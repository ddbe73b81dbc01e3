"""What to know instead of a lesson that a route or a path of a course leaves out.

A route of the start page, and a path of a course, may pass by a lesson that one of its lessons
builds on. Both then show the sentence that stands here for it.
"""

from collections.abc import Iterable, Mapping

from recsys_book.base.paths import LessonError

INSTEAD = {
    "00_the_ranking_stage/01_the_ranking_stage": (
        "A ranking model predicts for each candidate the probability of a click; logistic "
        "regression adds up one weight for each value and applies the sigmoid. The oracle "
        "predicts the true probability of a simulated platform, and the gap from chance to the "
        "oracle has 100 points."
    ),
    "00_the_ranking_stage/02_metrics": (
        "AUC is the share of all pairs of a clicked and an unclicked row that are in the right "
        "order; GAUC compares only rows of one user. Neither sees whether probabilities are too "
        "high: calibration and log loss do."
    ),
    "01_memorization_generalization/01_wide_and_deep": (
        "A table of weights for pairs remembers pairs that return, and a network over vectors of "
        "ids carries a taste over to new pairs; Wide & Deep adds both scores and trains them "
        "together."
    ),
    "02_second_order_crosses/01_fm": (
        "FM gives every id a vector; the weight of a pair is the inner product of two vectors, so "
        "that even a pair that never met in training has one."
    ),
    "02_second_order_crosses/01b_field_pairs": (
        "FwFM multiplies each product of FM by a strength for its pair of columns, FmFM puts a "
        "matrix there, and FFM has a vector of each id for every other column."
    ),
    "02_second_order_crosses/02_afm": (
        "AFM is FM in which a small network and a softmax give every pair of every row its "
        "weight; such a weight is not the importance of the pair."
    ),
    "02_second_order_crosses/03_nfm": (
        "NFM adds up the products of all pairs of vectors to one vector, and a network reads this "
        "vector instead of the pairs one by one."
    ),
    "02_second_order_crosses/04_pnn": (
        "In PNN the first layer of a network also reads products of vectors: IPNN weighs the "
        "inner products of all pairs, and OPNN multiplies the sum of all vectors with itself."
    ),
    "02_second_order_crosses/05_fibinet": (
        "FiBiNET first scales each column's vector by a gate that is computed from all columns "
        "(SENET), and then multiplies pairs of vectors through a matrix."
    ),
    "02_second_order_crosses/06_deepfm": (
        "DeepFM adds the scores of FM and of a network that reads the same vectors, so that "
        "nobody has to choose crosses."
    ),
    "03_higher_order_crosses/02_xdeepfm": (
        "xDeepFM multiplies whole vectors number by number, layer after layer, so that layer l "
        "multiplies l + 1 columns; beside these layers stands a network."
    ),
    "03_higher_order_crosses/03_autoint": (
        "In AutoInt each column looks at all columns of its row by attention, adds a mixture of "
        "them to its own vector, and does so again in the next layer."
    ),
    "03_higher_order_crosses/03b_recent_models": (
        "GDCN puts a gate on DCN-V2's crosses, MaskNet multiplies a layer by a mask computed from "
        "the row, FinalMLP multiplies the outputs of two networks, EDCN joins its two parts after "
        "each layer, and AFN multiplies powers of columns."
    ),
    "04_sequence_models/01_din": (
        "DIN weighs every behaviour in a user's history by a small network that also reads the "
        "candidate, and adds the weighted vectors up, so that each candidate sees another summary "
        "of the same history."
    ),
    "04_sequence_models/02_dien": (
        "DIEN reads the history in its order: one recurrent layer turns behaviours into "
        "interests, and a second one moves only where the candidate's attention is."
    ),
    "04_sequence_models/03_dsin": (
        "DSIN divides the history into sessions at long pauses, makes one interest of each "
        "session, connects them by an LSTM, and weighs them for the candidate."
    ),
    "04_sequence_models/04_history_of_thousands": (
        "For a history of thousands a cheap search first chooses about a hundred behaviours for "
        "the candidate, and attention reads these (SIM, ETA, TWIN); SDIM reads all of them by "
        "sums over hash values."
    ),
    "05_multi_task/03_cgc_and_ple": (
        "CGC gives each task experts of its own beside the shared ones, PLE stacks several such "
        "levels, and STEM gives each task embedding tables of its own as well."
    ),
    "05_multi_task/04_esmm": (
        "ESMM predicts the click and the conversion after a click, and trains their product on "
        "all rows, so that the conversion also learns where nobody clicked; AITM passes what it "
        "knows of one step on to the next."
    ),
    "05_multi_task/05_loss_balancing": (
        "A sum of losses depends on their units. Uncertainty weighting, GradNorm and Pareto "
        "weights choose the weights while the model trains; the alternative is sensible units and "
        "one weight that is tuned."
    ),
    "06_multi_scenario/02_hmoe": (
        "In HMoE each scenario has a tower on shared experts, and a row's score is a weighted sum "
        "of all towers' scores, which trains only the tower of its own scenario."
    ),
    "06_multi_scenario/03_star": (
        "In STAR the matrix of a scenario is a shared matrix times one of its own, element by "
        "element, so that all rows train the shared factor."
    ),
    "06_multi_scenario/04_pepnet": (
        "PEPNet keeps one network for all scenarios; small gate networks multiply its inputs and "
        "layers by factors between 0 and 2, which depend on scenario, user and item."
    ),
    "06_multi_scenario/05_generated_weights": (
        "In M2M and APG a small network reads the scenario and writes the weights of layers of "
        "the model, so that a scenario costs only one vector."
    ),
    "07_one_request/01_from_scores_to_a_page": (
        "A page is sorted by expected value: the worth of a click times its probability plus the "
        "price times the probability of a conversion. So probabilities must have the right size, "
        "not only the right order."
    ),
    "07_one_request/03_day_by_day": (
        "A model that is in use is tested on each new day before it is trained on it; a warm "
        "start reads the new day alone, and a fresh start reads all its days again."
    ),
}
"""Dict of a lesson, as prerequisites name it, to its sentence."""


def left_out(lessons: Iterable[str], needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The lessons that a way through the book builds on and that do not come before.

    Args:
        lessons: the way, in its order.
        needs: dict of a lesson to the lessons that it builds on.

    Returns:
        Their names in the order of the book.

    Example:
        >>> left_out(["00/01", "04/01"], {"00/01": [], "04/01": ["00/02", "00/01"]})
        ['00/02']
    """
    seen: set[str] = set()
    missing: set[str] = set()
    for lesson in lessons:
        missing |= set(needs[lesson]) - seen
        seen.add(lesson)
    return sorted(missing)


def sentence(lesson: str) -> str:
    """What to know instead of a lesson.

    Args:
        lesson: as prerequisites name it.

    Raises:
        LessonError: there is no sentence for it.
    """
    if lesson not in INSTEAD:
        raise LessonError(f"{__name__}.INSTEAD: expected a sentence for {lesson}, got none")
    return INSTEAD[lesson]
