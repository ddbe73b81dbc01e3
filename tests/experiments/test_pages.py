"""Pages of the ranker: what ten items earn and promise, and what comes after the training."""

import dataclasses

import numpy as np
import pytest

from experiments.engine import registry
from experiments.engine.cells import for_tuning
from experiments.one_request import _pages
from experiments.one_request._pages import CANDIDATES, TUNED, Pages, ranker
from recsys_lib.data import simulator
from recsys_lib.one_request import undo_sampling, undo_sampling_of_both
from recsys_lib.training import auc

SIZES = {"num_rows": 6_000, "num_valid_rows": 3_000, "num_test_rows": 1_000}
FEW = {"seed": 3, "epochs": 1, "patience": None}


@pytest.fixture(scope="module")
def world():
    return simulator.platform(**SIZES, seed=5)


@dataclasses.dataclass
class Told:
    """A model that says given probabilities of the thinned log."""

    dataset: object
    requests: object
    says: object
    kept: float = 0.1
    epochs: dict = dataclasses.field(default_factory=lambda: {"epochs": 1, "cap": 30})

    def __call__(self, split):
        return self.says(*split.probability.values())


@pytest.fixture(scope="module")
def pages(world):
    requests = simulator.whole_requests(world, _pages.REQUESTS, CANDIDATES)

    def make(says, corrected="both", order="value", promised_by="model"):
        return Pages(Told(world, requests, says), corrected, "no", order, promised_by)

    return make


def thinned(p, both):
    """The truth as the thinned log has it."""
    q = p / (p + 0.1 * (1 - p))
    return q, q * both / p


def of(pages, task="page", part="all"):
    [row] = [row for row in pages.rows((part,)) if row["task"] == task]
    return row


def test_the_corrected_truth_earns_and_promises_all(pages):
    page, any_ten = (of(pages(thinned), task) for task in ("page", "any ten"))
    assert page["money_gap_closed"] == pytest.approx(1) == page["promised_gap_closed"]
    assert any_ten["money_gap_closed"] == 0 == pytest.approx(any_ten["promised_gap_closed"])


@pytest.mark.parametrize("order", ["click", "conversion", "price", "value", "product"])
@pytest.mark.parametrize("part", ["all", "surface_3"])
def test_what_a_page_earns_equals_a_loop_over_requests(world, pages, order, part):
    """Of the truth, so that no page earns more than the best ten."""
    made = pages(thinned, order=order)
    requests = made.learned.requests
    p, both = requests.probability["click"], requests.probability["conversion"]
    price = world.truth["price"][requests.features["item_id"]]
    value = 3.0 * p + price * both
    scores = {"click": p, "conversion": both, "price": price * both, "value": value}
    if order == "product":
        best = -np.inf
        for exponents in _pages.EXPONENTS:
            a, b, c = exponents
            one = p**a * (both / p) ** b * price**c
            first = [value[r][np.argsort(-one[r])[:10]].sum() for r in spans(range(TUNED))]
            if sum(first) > best:
                best, scores["product"] = sum(first), one
    asked = [n for n in range(TUNED, _pages.REQUESTS) if part == "all" or n % 3 == 2]
    shown = np.mean([value[r][np.argsort(-scores[order][r])[:10]].mean() for r in spans(asked)])
    most = np.mean([np.sort(value[r])[-10:].mean() for r in spans(asked)])
    nothing = np.mean([value[r].mean() for r in spans(asked)])
    expected = (shown - nothing) / (most - nothing)
    row = of(made, part=part)
    assert row["money_gap_closed"] == pytest.approx(expected, abs=1e-9)
    assert row["rows"] == len(asked) * CANDIDATES
    assert row["money_gap_closed"] <= 1 + 1e-12


def spans(numbers):
    return [slice(CANDIDATES * n, CANDIDATES * (n + 1)) for n in numbers]


def test_each_correction_does_what_its_name_says(world, pages):
    p, both = world.test.probability["click"], world.test.probability["conversion"]
    q, r = thinned(p, both)
    expected = {
        "both": undo_sampling_of_both(q, r, 0.1),
        "click": (p, r),
        "conversion": (q, both),
        "none": (q, r),
        "one law": (p, undo_sampling(r, 0.1)),
    }
    for corrected, pair in expected.items():
        found = pages(thinned, corrected=corrected)(world.test)
        np.testing.assert_allclose(list(found.values()), pair, rtol=1e-9, err_msg=corrected)


def test_raw_scores_promise_too_much_and_the_truth_does_not(pages):
    raw = of(pages(thinned, corrected="none"))
    assert raw["promised_gap_closed"] > 1.5
    truth = of(pages(thinned, corrected="none", promised_by="truth"))
    assert truth["promised_gap_closed"] == pytest.approx(raw["money_gap_closed"])


def test_what_comes_after_the_training_shares_the_trained_model(world):
    first, second = ranker(world, **FEW), ranker(world, **FEW, corrected="none")
    assert first.learned is second.learned
    q = second(world.test)["click"]
    np.testing.assert_allclose(first(world.test)["click"], undo_sampling(q, 0.1))
    other = ranker(world, **FEW, interest="mean")
    assert other.learned is not first.learned
    again = ranker(world, **FEW)
    np.testing.assert_array_equal(again(world.test)["click"], first(world.test)["click"])


def test_another_world_or_another_rate_is_trained_anew(world):
    first = ranker(world, **FEW)(world.test)["click"]
    assert (ranker(world, **FEW, learning_rate=1e-3)(world.test)["click"] != first).any()
    other = simulator.platform(**SIZES, seed=6)
    assert ranker(other, **FEW).learned.dataset is other


def test_clicks_are_all_kept_and_a_tenth_of_the_rest(world):
    log = ranker(world, **FEW).learned.thinned
    for split, whole in ((log.train, world.train), (log.valid, world.valid)):
        clicks = whole.labels["click"].sum()
        assert split.labels["click"].sum() == clicks
        assert len(split) - clicks == pytest.approx(0.1 * (len(whole) - clicks), rel=0.2)


def test_two_models_say_no_conversion_without_a_click(world):
    found = ranker(world, **FEW, apart=True, num_experts=1)(world.test)
    assert (found["conversion"] <= found["click"]).all()
    assert len(ranker(world, **FEW, apart=True, num_experts=1).learned.trained) == 2


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_calibration_is_of_each_surface_and_of_conversions_after_a_click(world, method):
    """On the rows that it is fitted on the means are those of the labels, surface by surface."""
    valid = world.valid
    p, both = (valid.probability[task] for task in _pages.TASKS)
    bent = np.sqrt(p), np.sqrt(p) * (both / p) ** 2
    surface = valid.features["surface"]
    click, conversion = _pages.calibrate(method, bent, valid, bent, surface)
    clicked = valid.labels["click"] == 1
    for one in (1, 2, 3):
        own = surface == one
        assert click[own].mean() == pytest.approx(valid.labels["click"][own].mean(), rel=1e-3)
        order = np.argsort(p[own], kind="stable")
        assert (np.diff(click[own][order]) >= -1e-9).all()
        own &= clicked
        after = (conversion / np.maximum(click, 1e-12))[own]
        assert after.mean() == pytest.approx(valid.labels["conversion"][own].mean(), rel=0.02)


def test_calibration_reads_no_test_label(world):
    after = ranker(world, **FEW, calibrated="platt")(world.test)
    turned = dataclasses.replace(
        world.test, labels={task: 1 - label for task, label in world.test.labels.items()}
    )
    other = dataclasses.replace(world, test=turned)
    _pages._LAST.clear()  # else the model of the same world is used again
    again = ranker(other, **FEW, calibrated="platt")(other.test)
    np.testing.assert_array_equal(again["click"], after["click"])


def test_a_repair_on_thinned_rows_undoes_the_correction(world):
    found = ranker(world, **FEW, calibrated="platt, thinned")(world.test)["click"]
    assert found.mean() > 2 * world.test.labels["click"].mean()


def test_trials_are_judged_without_the_pages(world):
    tuning = for_tuning(world)
    found = ranker(tuning, **FEW)(tuning.test)
    assert auc(tuning.test.labels["click"], found["click"]) > 0.5
    assert {"page", "any ten"} == {row["task"] for row in ranker(tuning, **FEW).rows(("all",))}


@pytest.mark.parametrize("way", ["corrected", "calibrated", "order", "promised_by"])
def test_an_unknown_way_is_one_clear_error(world, way):
    with pytest.raises(ValueError, match=f"{way}: expected one of .* got 'x'"):
        ranker(world, **FEW, **{way: "x"})


@pytest.mark.parametrize("name", ["page", "thinned"])
def test_declarations_name_ways_that_there_are(world, name):
    for arm in registry.load(f"one_request.{name}").arms:
        assert ranker(world, **FEW, **arm.options).rows(("all",))
