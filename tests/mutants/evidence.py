"""Mistakes that replay must see: in models, losses and lenses by prefix, in measures by a cell."""

from runner import Mutant

PREFIX = "experiments/test_evidence_prefixes.py::test_a_recorded_prefix_comes_out_again"
CELL = "experiments/test_evidence_prefixes.py::test_a_recorded_cell_comes_out_again"
FM, LR = f"{PREFIX}[FM]", f"{PREFIX}[LR]"

MUTANTS = [
    Mutant(
        "replay: the FM's pairs count twice",
        "recsys_lib/second_order/fm.py",
        "        return ops.sum(super().call(fields), axis=1, keepdims=True)",
        "        return 2 * ops.sum(super().call(fields), axis=1, keepdims=True)",
        FM,
    ),
    Mutant(
        "replay: labels are smoothed on the way to the loss",
        "recsys_lib/training/weighting.py",
        "        of_rows = ops.binary_crossentropy(label, prediction)",
        "        of_rows = ops.binary_crossentropy(label, prediction, label_smoothing=0.01)",
        LR,
    ),
    Mutant(
        "replay: the lens draws an interaction's fields the other way round",
        "recsys_lib/data/simulator/second_order.py",
        "        logit += interaction.ravel()[combination]",
        "        logit += interaction.T.ravel()[combination]",
        LR,
    ),
    Mutant(
        "replay: Adam forgets its momentum",
        "recsys_lib/training/optimizers.py",
        "        momentum += (1 - self.beta_1) * (gradient - momentum)",
        "        momentum = (1 - self.beta_1) * gradient",
        FM,
    ),
    Mutant(
        "replay: AUC ranks the highest score lowest",
        "recsys_lib/training/metrics.py",
        "    order = np.lexsort((score, group))",
        "    order = np.lexsort((-score, group))",
        CELL,
    ),
    Mutant(
        "tuning: a scenario without a click judges, too",
        "experiments/cells.py",
        "[row for row in own.values() if _is_large(dataset, row)]",
        "[row for row in own.values()]",
        "experiments/test_evidence_tuning.py::test_a_scenario_almost_without_clicks_does_not_judge",
    ),
    Mutant(
        "tuning: a scenario is large by its rows of either label",
        "experiments/cells.py",
        "    return all(FEWEST <= number <= rows - FEWEST for number, rows in positive)",
        "    return all(FEWEST <= rows for number, rows in positive)",
        "experiments/test_evidence_tuning.py::test_a_scenario_almost_without_clicks_does_not_judge",
    ),
]
