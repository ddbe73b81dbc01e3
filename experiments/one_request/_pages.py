"""Rankers that are judged by their pages: what ten of a thousand items earn.

An estimator. It trains chapter 07's ranker on a log of which all clicks are kept and a share of
the other rows, corrects and calibrates its probabilities, and fills pages for whole requests. Arms
of one world that differ in what comes after the training share the trained model.
"""

import dataclasses
import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from recsys_lib.data import simulator
from recsys_lib.data.dataset import Dataset
from recsys_lib.data.splits import Split
from recsys_lib.one_request.calibration import thin, undo_sampling, undo_sampling_of_both
from recsys_lib.one_request.ranker import build_ranker
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.prediction import predict
from recsys_lib.training.restarts import build_with_seed
from recsys_lib.training.trainer import Trainer

TASKS = ("click", "conversion")
TOP, CANDIDATES = 10, 1_000
TUNED, REQUESTS = 30, 180
"""Requests on which exponents are tuned, and all; the surfaces take turns in both."""
EXPONENTS = [(a, b, c) for a in (1, 1.5) for b in (0.25, 0.5, 1) for c in (0.25, 0.5, 0.75, 1)]
CORRECTED = ("both", "click", "conversion", "none", "one law")
CALIBRATED = ("no", "platt", "isotonic", "platt, thinned")
ORDERS = ("value", "click", "conversion", "price", "product")

BEHAVIOURS: dict[str, Any] = {
    "histories": ("history_category",),
    "embedding_dim": 8,
    "attention_units": (16,),
    "gate_units": 16,
}

Pair = tuple[np.ndarray, np.ndarray]
Row = dict[str, Any]
Made = tuple[Trainer, Callable[[], Any]]
_TRAINERS: dict[str, Made] = {}
_LAST: "dict[str, _Learned]" = {}


def ranker(
    dataset: simulator.SimulatedDataset,
    *,
    seed: int,
    kept: float = 0.1,
    apart: bool = False,
    interest: str = "attention",
    scenario_use: str = "gate",
    num_experts: int = 4,
    expert_units: Sequence[int] = (32,),
    learning_rate: float = 4e-3,
    embedding_l2: float = 0.0,
    epochs: int = 30,
    patience: int = 2,
    batch_size: int = 512,
    corrected: str = "both",
    calibrated: str = "no",
    order: str = "value",
    promised_by: str = "model",
) -> "Pages":
    """Train a ranker on a thinned log of the platform lens.

    Args:
        dataset: of the lens ``platform``.
        seed: of initial values, orders of rows, and of which rows are kept.
        kept: share of the rows without a click that the training log keeps.
        apart: two models, each with its task, in place of one.
        interest, scenario_use, num_experts, expert_units: of ``build_ranker``.
        learning_rate, embedding_l2: of the training.
        epochs, patience, batch_size: of ``fit``; it stops by validation rows that are thinned, too.
        corrected: which task's probability is turned into that of the platform; ``"one law"``: the
            click's formula for both.
        calibrated: how probabilities are mended after that, surface by surface, on validation rows:
            ``"platt"``, ``"isotonic"``, or ``"platt, thinned"``, on validation rows that are
            thinned.
        order: what pages are sorted by: the expected ``"value"``, the ``"click"``, the
            ``"conversion"``, ``"price"``, which is price times conversion, or ``"product"``, a
            product of powers whose exponents are the best ones on requests set aside.
        promised_by: whose value of a page counts as promised, the ``"model"``'s or the
            ``"truth"``'s.

    Returns:
        The ``Pages``, a function of a split.

    Raises:
        ValueError: an unknown way.
    """
    ways = {"corrected": CORRECTED, "calibrated": CALIBRATED, "order": ORDERS}
    ways["promised_by"] = ("model", "truth")
    for name, known in ways.items():
        if (got := locals()[name]) not in known:
            raise ValueError(f"{name}: expected one of {known}, got {got!r}")
    shape = {"interest": interest, "scenario_use": scenario_use, "embedding_l2": embedding_l2}
    shape |= {"num_experts": num_experts, "expert_units": tuple(expert_units)}
    fit = {"epochs": epochs, "patience": patience, "batch_size": batch_size, "seed": seed}
    learned = _learned(dataset, kept, apart, shape, fit, learning_rate)
    return Pages(learned, corrected, calibrated, order, promised_by)


ranker.fits_itself = True  # type: ignore[attr-defined]


class Pages:
    """A trained ranker with all that follows its scores; ``(split)`` gives its probabilities."""

    def __init__(
        self, learned: "_Learned", corrected: str, calibrated: str, order: str, promised_by: str
    ) -> None:
        self.learned, self.corrected, self.calibrated = learned, corrected, calibrated
        self.order, self.promised_by = order, promised_by

    def __call__(self, split: Split) -> dict[str, np.ndarray]:
        """Probabilities on the platform of a split's rows, by task."""
        return dict(zip(TASKS, self.probabilities(split), strict=True))

    def probabilities(self, split: Split) -> Pair:
        """Click, and click and conversion, corrected and calibrated."""
        pair = self._on_the_platform(self.learned(split))
        if self.calibrated == "no":
            return pair
        fitted, surface = self._rows_to_fit(), split.features["surface"]
        own = self._on_the_platform(self.learned(fitted))
        return calibrate(self.calibrated.partition(",")[0], own, fitted, pair, surface)

    def _on_the_platform(self, pair: Pair) -> Pair:
        kept, (q, r) = self.learned.kept, pair
        if self.corrected == "one law":
            return undo_sampling(q, kept), undo_sampling(r, kept)
        p, both = undo_sampling_of_both(q, r, kept)
        click, conversion = self.corrected in ("both", "click"), self.corrected != "click"
        return p if click else q, both if conversion and self.corrected != "none" else r

    def _rows_to_fit(self) -> Split:
        valid = self.learned.dataset.valid
        return self.learned.thinned.valid if "thinned" in self.calibrated else valid

    def rows(self, parts: Sequence[str]) -> list[Row]:
        """What pages earn, and what they promise, as shares of a gap.

        Args:
            parts: slices of requests, ``"all"`` or of a surface.

        Returns:
            For each part a row of the task ``page``, with ``money_gap_closed`` and
            ``promised_gap_closed``, and one of ``any ten``, ten random candidates, with the second.
            Ten random candidates truly earn 0, the ten best ones 1.
        """
        requests = self.learned.requests
        truth = value_of(self.learned.dataset, requests, tuple(requests.probability.values()))
        pair = self.probabilities(requests)
        said = value_of(self.learned.dataset, requests, pair)
        promised = truth if self.promised_by == "truth" else said
        scores = self._scores(requests, pair, said, truth)
        found = []
        for part in parts:
            chosen = requests.slices.get(part, np.ones(len(requests), bool)).copy()
            chosen[: TUNED * CANDIDATES] = False
            nothing = truth[chosen].mean()
            gap = ten_best(truth, truth, chosen) - nothing
            shown, random = ten_best(scores, promised, chosen), promised[chosen].mean()
            head = {"slice": part, "rows": int(chosen.sum()), **self.learned.epochs}
            money = float((ten_best(scores, truth, chosen) - nothing) / gap)
            for task, earned, said_of_it in (("page", money, shown), ("any ten", 0.0, random)):
                row = {"task": task, "money_gap_closed": earned, **head}
                found.append(row | {"promised_gap_closed": float((said_of_it - nothing) / gap)})
        return found

    def _scores(
        self, requests: Split, pair: Pair, said: np.ndarray, truth: np.ndarray
    ) -> np.ndarray:
        p, both = pair
        price = price_of(self.learned.dataset, requests)
        if self.order == "product":
            first = np.arange(len(requests)) < TUNED * CANDIDATES
            logs = np.stack([np.log(p), np.log(both / p), np.log(price)])
            tried = [np.tensordot(one, logs, 1) for one in EXPONENTS]
            return max(tried, key=lambda one: ten_best(one, truth, first))
        return {"value": said, "click": p, "conversion": both, "price": price * both}[self.order]


def ten_best(scores: np.ndarray, value: np.ndarray, chosen: np.ndarray) -> float:
    """The mean value of the ten items of highest score, over the chosen requests.

    Args:
        scores, value: of every candidate, a request's after each other, ``(rows,)``.
        chosen: whose requests count, ``(rows,)`` bool.
    """
    scores, value = (of[chosen].reshape(-1, CANDIDATES) for of in (scores, value))
    shown = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    return float(np.take_along_axis(value, shown, axis=1).mean())


def price_of(dataset: simulator.SimulatedDataset, split: Split) -> np.ndarray:
    """The price of each row's item."""
    return dataset.truth["price"][split.features["item_id"]]


def value_of(dataset: simulator.SimulatedDataset, split: Split, pair: Pair) -> np.ndarray:
    """What each row is expected to earn by some probabilities."""
    return dataset.knobs["click_value"] * pair[0] + price_of(dataset, split) * pair[1]


def calibrate(method: str, fitted: Pair, split: Split, new: Pair, surface: np.ndarray) -> Pair:
    """Click, and click and conversion, mended surface by surface.

    The click is fitted on all rows, the conversion after a click on clicked ones, so that the
    product stays one.

    Args:
        method: ``"platt"`` or ``"isotonic"``.
        fitted: probabilities of the rows of ``split``.
        split: with labels.
        new: probabilities of the rows to mend.
        surface: of these, ``(rows,)``.
    """
    fit = {"platt": _platt, "isotonic": _isotonic}[method]
    after, new_after = (both / p for p, both in (fitted, new))
    click, converts = np.empty(len(surface)), np.empty(len(surface))
    is_clicked = split.labels["click"] == 1
    for one in np.unique(surface):
        rows, own = split.features["surface"] == one, surface == one
        click[own] = fit(fitted[0][rows], split.labels["click"][rows])(new[0][own])
        rows = rows & is_clicked
        converts[own] = fit(after[rows], split.labels["conversion"][rows])(new_after[own])
    return click, click * converts


def _platt(p: np.ndarray, label: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    from sklearn.linear_model import LogisticRegression

    line = LogisticRegression(C=1e6).fit(_log_odds(p)[:, None], label)
    return lambda new: line.predict_proba(_log_odds(new)[:, None])[:, 1]


def _log_odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return np.log(p / (1 - p))


def _isotonic(p: np.ndarray, label: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    from sklearn.isotonic import IsotonicRegression

    return IsotonicRegression(out_of_bounds="clip").fit(p, label).predict


class _Learned:
    """A model of both tasks, or one of each, trained on a thinned log; keeps what it predicted."""

    def __init__(
        self,
        dataset: simulator.SimulatedDataset,
        kept: float,
        apart: bool,
        shape: dict[str, Any],
        fit: dict[str, Any],
        learning_rate: float,
    ) -> None:
        self.dataset, self.kept = dataset, kept
        self.thinned = _thinned(dataset, kept, fit["seed"])
        self.trained, self.epochs = [], {"epochs": 0, "cap": fit["epochs"]}
        for tasks in [(task,) for task in TASKS] if apart else [TASKS]:
            trainer, build = _trainer(dataset, tasks, shape)
            trainer.restart(build, fit["seed"])
            trainer.optimizer.learning_rate = learning_rate
            history = trainer.fit(self.thinned, progress=False, **fit)
            self.epochs["epochs"] = max(self.epochs["epochs"], history.best_epoch)
            self.trained.append((trainer, trainer.model.get_weights()))
        self._kept: dict[int, tuple[Split, Pair]] = {}

    @functools.cached_property
    def requests(self) -> Split:
        """Whole requests of this world."""
        return simulator.whole_requests(self.dataset, REQUESTS, CANDIDATES)

    def __call__(self, split: Split) -> Pair:
        """The click's q and the conversion's r, as the thinned log taught them."""
        if id(split) not in self._kept:
            found: dict[str, np.ndarray] = {}
            for trainer, weights in self.trained:
                trainer.model.set_weights(weights)
                read = {one.name: split.features[one.name] for one in trainer.model.inputs}
                found |= predict(trainer.model, read)
            q, r = (found[task].astype(np.float64) for task in TASKS)
            # Two models may disagree: nothing converts more often than it is clicked.
            self._kept[id(split)] = split, (q, np.minimum(q, r))
        return self._kept[id(split)][1]


def _learned(dataset, kept, apart, shape, fit, learning_rate):
    """The trained ranker; that of the same world and settings if it is the last one."""
    world = [dataset.knobs, len(dataset.train), len(dataset.test)]
    key = json.dumps([world, kept, apart, shape, fit, learning_rate], sort_keys=True)
    if key not in _LAST:
        made = _Learned(dataset, kept, apart, shape, fit, learning_rate)
        _LAST.clear()
        _LAST[key] = made
    return _LAST[key]


def _thinned(dataset: Dataset, kept: float, seed: int) -> Dataset:
    rng = np.random.default_rng([seed, 11])
    train, valid = (split.take(thin(split, kept, rng)) for split in (dataset.train, dataset.valid))
    return dataclasses.replace(dataset, train=train, valid=valid)


def _trainer(dataset: Dataset, tasks: tuple[str, ...], shape: dict[str, Any]) -> Made:
    """A trainer of a shape, traced once for each process; ``restart`` gives it its values."""
    key = json.dumps([tasks, shape, [repr(one) for one in dataset.feature_columns]])
    if key not in _TRAINERS:
        build = functools.partial(
            build_ranker, dataset.feature_columns, tasks, **BEHAVIOURS, **shape
        )
        _TRAINERS[key] = Trainer(build_with_seed(build, 0), dataset, Adam(1e-3)), build
    return _TRAINERS[key]
