"""Models of an ordinary platform, each with the prior for ids that its validation rows prefer.

A practitioner tries a few variances on the log at hand, and so does an arm of the board: it trains
once with each of them and keeps the training that validation rows judge best, by what the arm stops
by. What each came to on validation rows is in the record beside the test's measures.
"""

import contextlib
import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from pkgutil import resolve_name
from typing import Any

import keras
import numpy as np
import pandas as pd

from experiments.estimators import Predict, trees_on_ids
from experiments.scoreboards._platforms import names_read
from recsys_lib import zoo
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.simulator.requests import TASK
from recsys_lib.data.splits import Split
from recsys_lib.features.columns import EmbeddingL2, NumericColumn
from recsys_lib.sequence.regularization import count_ids
from recsys_lib.training.comparison import Comparison
from recsys_lib.training.evaluation import predictions_of
from recsys_lib.training.objectives import read_objective
from recsys_lib.training.recipe import Recipe

_TIMES = {"embedding_l2": 1.0, "linear_l2": 10.0}
"""The penalties of a builder, and how often the variance its prior has: a weight that is added
whole acts more than a number of which only products do."""

VALIDATION = "validation"
"""How the record calls the rows that judge the variances."""

Row = dict[str, Any]


class Chosen:
    """The best of some trainings, as a function of a split.

    Args:
        trained: variance to the model and to the row of its validation rows. Without any, since no
            loss was finite, the base rate is predicted: a run that failed.
        watch: what decides, as for ``fit``.
        base_rate: of the training rows.

    Attributes:
        variance: of the best; None without any.
    """

    def __init__(
        self, trained: Mapping[float, tuple[keras.Model, Row]], watch: str, base_rate: float
    ) -> None:
        self._trained, self._base_rate = trained, base_rate
        self.variance = best_of({key: row for key, (_, row) in trained.items()}, watch)
        self._last: tuple[Split, dict[str, np.ndarray]] | None = None

    def __call__(self, split: Split) -> dict[str, np.ndarray]:
        """Predictions by task; those of the last split are kept, for they are asked for twice."""
        if self.variance is None:
            return {TASK: np.full(len(split), self._base_rate)}
        if self._last is None or self._last[0] is not split:
            self._last = split, predictions_of(self._trained[self.variance][0], split)
        return self._last[1]

    def rows(self, parts: Sequence[str]) -> list[Row]:
        """A row for each variance, as the task ``"variance 0.01"`` on the slice ``VALIDATION``.

        Args:
            parts: slices of the test rows, of which these rows are none.
        """
        return [
            {"task": f"variance {key:g}", "slice": VALIDATION, **row}
            for key, (_, row) in self._trained.items()
        ]


def best_of(rows: Mapping[float, Row], watch: str) -> float | None:
    """The variance whose validation rows judge best; of equals the first, None of none.

    Args:
        rows: variance to measures.
        watch: ``"log_loss"``, the lower the better, or ``"gauc"`` and its group.

    Example:
        >>> best_of({0.1: {"log_loss": 0.5}, 0.01: {"log_loss": 0.4}}, "log_loss")
        0.01
    """
    measure = watch.partition(":")[0]
    sign = {"log_loss": 1, "gauc": -1}[measure]
    return min(rows, key=lambda key: sign * rows[key][measure], default=None)


def network(
    dataset: Dataset,
    *,
    seed: int,
    model: str,
    variances: Sequence[float],
    fit: Mapping[str, Any],
    builder: Mapping[str, Any] | None = None,
    told: bool = True,
    reads_history: bool = False,
    learning_rate: float = 4e-3,
    objective: str = "rows",
    watch: str = "log_loss",
    tried_on: int | None = None,
) -> Predict:
    """Train a model once with each variance, and keep the best on validation rows.

    Args:
        dataset: of ``platform``.
        seed: of each training.
        model: key of the zoo, or ``"module:function"``.
        variances: of an id's numbers beforehand; its training rows outweigh them.
        fit: epochs, batch size and patience.
        builder: options of the builder.
        told, reads_history: as for ``names_read``.
        learning_rate, objective, watch: of the training, ``watch`` also of the choice.
        tried_on: training rows, the first ones, on which variances are tried where there are more;
            the best is then trained on all. A variance says what an id's numbers are like, and
            fewer rows than all tell which of three it is.

    Returns:
        A ``Chosen``.
    """
    names = names_read(dataset, told, reads_history)
    row = None if ":" in model else zoo.find(model)
    build = resolve_name(model) if row is None else row.function
    of_row = {} if row is None else row.options
    recipe = Recipe(build, learning_rate, columns=names, objective=read_objective(objective))
    recipe = recipe.but(**{**of_row, **(builder or {})})
    known = inspect.signature(build).parameters

    def trained(data: Dataset, some: Sequence[float]) -> Chosen:
        # What stops a training judges it, too: no test row is seen.
        judging = dataclasses.replace(data.valid, row_id=-1 - data.valid.row_id)
        shown = dataclasses.replace(data, test=judging, allow_time_overlap=True)
        counts, found = count_ids(data, names), {}
        for variance in some:
            priors = {
                name: EmbeddingL2(1 / (fit["batch_size"] * times * variance), id_counts=counts)
                for name, times in _TIMES.items()
                if name in known
            }
            recipes = {"model": recipe.but(**priors)}
            with contextlib.suppress(FloatingPointError):
                comparison = Comparison(recipes, baselines={}, progress=False, watch=watch, **fit)
                result = comparison.on(shown, [seed])
                found[variance] = result.model("model"), _measured(result.table, fit["epochs"])
        return Chosen(found, watch, float(data.train.label.mean()))

    if tried_on is None or len(dataset.train) <= tried_on:
        return trained(dataset, variances)
    few = dataclasses.replace(dataset, train=dataset.train.take(np.arange(tried_on)))
    best = trained(few, variances).variance
    return trained(dataset, variances[:1] if best is None else [best])


def _measured(table: pd.DataFrame, cap: int) -> Row:
    """What a record keeps of a training's validation rows."""
    (row,) = table.to_dict("records")
    wanted = ("rows", "auc", "auc_gap_closed", "gauc", "log_loss", "epochs", "parameters")
    return {name: row[name] for name in wanted if name in row} | {"cap": cap}


def trees(
    dataset: Dataset,
    *,
    seed: int,
    watch: str = "log_loss",
    learning_rate: float = 0.1,
    max_leaf_nodes: int = 31,
    min_samples_leaf: int = 20,
) -> Predict:
    """Trees on all numbers, those that are told among them: a rate is how trees read an id.

    Args:
        dataset: of ``platform``.
        seed: of the trees.
        watch: what chooses among trials; trees stop by nothing.
        learning_rate, max_leaf_nodes, min_samples_leaf: as for ``trees_on_ids``.

    Returns:
        Function of a split.
    """
    numbers = [one.name for one in dataset.feature_columns if isinstance(one, NumericColumn)]
    return trees_on_ids(
        dataset.with_columns(numbers),
        seed=seed,
        learning_rate=learning_rate,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
    )


network.fits_itself = True  # type: ignore[attr-defined]
trees.fits_itself = True  # type: ignore[attr-defined]
