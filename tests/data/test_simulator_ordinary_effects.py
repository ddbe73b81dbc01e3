"""Effects of ordinary platforms on small tables, and what rows teach, counted a second way."""

import itertools

import numpy as np
import pytest

from recsys_lib.data.simulator.ordinary_effects import Ids, bins, cells_of, terms_of
from recsys_lib.data.simulator.ordinary_history import terms_of_history
from recsys_lib.data.simulator.ordinary_prior import FORMS, Effect
from recsys_lib.data.simulator.ordinary_teaching import (
    Cells,
    Known,
    Teaching,
    count_cells,
    expected_auc,
    fit_scale,
    posterior_mean,
)


def grid(*counts):
    """Columns of ids whose combinations are as frequent as independence makes them."""
    ids = [np.repeat(np.arange(1, len(rows) + 1), rows) for rows in counts]
    every = np.array(list(itertools.product(*ids)))
    return {f"column_{n}": Ids(every[:, n], len(rows)) for n, rows in enumerate(counts)}


def means(values, *columns):
    """Mean of the values in each combination of the columns' ids."""
    _, cell = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    return np.bincount(cell, values) / np.bincount(cell)


TWO = grid((6, 3, 2, 1, 1, 1, 1, 1), (5, 4, 2, 2, 1, 1, 1))
THREE = grid((4, 2, 1, 1, 1), (3, 2, 2, 1), (4, 2, 1, 1, 1))


@pytest.mark.parametrize("form", FORMS)
def test_a_pair_holds_nothing_of_one_column(form):
    first, second = (column.values for column in TWO.values())
    for seed in range(3):
        (pair, *_) = terms_of(Effect("pairs of attributes", tuple(TWO), form), TWO, {}, seed)
        assert pair.use == "second"
        np.testing.assert_allclose(pair.values.std(), 1)
        np.testing.assert_allclose(means(pair.values, first), 0, atol=1e-9)
        np.testing.assert_allclose(means(pair.values, second), 0, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_third_order_holds_nothing_of_two_columns(form):
    columns = [column.values for column in THREE.values()]
    (term,) = terms_of(Effect("third order", tuple(THREE), form), THREE, {}, seed=1)
    np.testing.assert_allclose(term.values.std(), 1)
    for two in itertools.combinations(columns, 2):
        np.testing.assert_allclose(means(term.values, *two), 0, atol=1e-9)


@pytest.mark.parametrize("family", ["pairs of attributes", "pairs of ids", "scenario's own"])
def test_what_is_left_of_a_pair_as_main_effects_is_what_its_plan_says(family):
    effect = Effect(family, tuple(TWO), "full", as_main=0.3)
    pair, *mains = terms_of(effect, TWO, {}, seed=0)
    np.testing.assert_allclose(pair.values.var(), 0.7)
    assert pair.use == ("everything" if family == "scenario's own" else "second")
    for main, column in zip(mains, TWO.values(), strict=True):
        assert main.use == "single"
        np.testing.assert_allclose(main.values.var(), 0.15)
        np.testing.assert_array_equal(main.cells, column.values)
        for one in range(1, column.num_ids + 1):
            assert np.ptp(main.values[column.values == one]) == 0


@pytest.mark.parametrize("switch", ["on or off", "sign"])
def test_a_third_column_switches_a_pair(switch):
    effect = Effect("switched", tuple(THREE), "full", switch=switch)
    second, third = terms_of(effect, THREE, {}, seed=2)
    assert (second.use, third.use) == ("second", "third")
    values, by = second.values + third.values, THREE["column_2"].values
    np.testing.assert_allclose(values.std(), 1)
    # The pair is as large on one side, and gone or turned round on the other.
    of_pair = second.values / second.values.std()
    slope = [np.polyfit(of_pair[by == one], values[by == one], 1)[0] for one in range(1, 6)]
    low, high = min(slope), max(slope)
    np.testing.assert_allclose(slope, np.where(np.isclose(slope, high), high, low))
    np.testing.assert_allclose(low, 0 if switch == "on or off" else -high, atol=1e-9)
    on = np.isin(by, 1 + np.flatnonzero(np.isclose(slope, high)))
    assert 0.25 <= on.mean() <= 0.75
    # What the switch changes holds nothing that the pair alone could.
    pair = [THREE[f"column_{n}"].values for n in (0, 1)]
    np.testing.assert_allclose(means(third.values, *pair), 0, atol=1e-9)
    assert len(np.unique(third.cells)) == 5 * len(np.unique(second.cells))


def test_exceptions_are_few_and_alike_and_kinds_and_rank_are_few():
    # Tables large enough to count: 60 x 60, all ids alike.
    columns = grid((1,) * 60, (1,) * 60)
    for form in FORMS:
        (term, *_) = terms_of(Effect("pairs of attributes", tuple(columns), form), columns, {}, 0)
        table = term.values.reshape(60, 60)
        if form == "exceptions":
            # Up to rows' and columns' means the table has three values, of which most are zero.
            assert np.abs(np.abs(table) > 1.3).mean() == pytest.approx(0.15, abs=0.03)
        if form in ("low rank", "kinds"):
            rank = np.linalg.matrix_rank(table, tol=1e-6)
            assert 1 <= rank <= (4 if form == "low rank" else 5)
            assert term.per_id >= rank and len(term.sides) == 2
        else:
            assert np.linalg.matrix_rank(table, tol=1e-6) > 50 and term.per_id == 0
        if form == "kinds":
            assert len(np.unique(table.round(9), axis=0)) <= 6


def test_ids_of_users_and_items_have_tables_of_one_size():
    for num_ids in (300, 900):
        ids = {
            "item_2": Ids(np.tile(np.arange(1, 5), 300), 4),
            "user_id": Ids(np.repeat(np.arange(1, 301), 4), num_ids),
        }
        effect = Effect("pairs of ids", ("item_2", "user_id"), "full")
        (pair, *_) = terms_of(effect, ids, {}, seed=0)
        if num_ids == 300:
            expected = pair.values
        np.testing.assert_allclose(pair.values, expected)


@pytest.mark.parametrize("form", ["line", "saturating", "step", "bump", "wave"])
def test_numbers_act_in_the_form_of_their_family(form):
    x = np.linspace(-2.5, 2.5, 1001).astype(np.float32)
    monotone = form in ("line", "saturating", "step")
    family = f"numbers, {'monotone' if monotone else 'not monotone'}"
    for seed in range(4):
        (term,) = terms_of(Effect(family, ("number_1",), form), {}, {"number_1": x}, seed)
        steps = np.diff(term.values)
        assert ((steps >= -1e-12).all() or (steps <= 1e-12).all()) == monotone
        if form == "line":
            np.testing.assert_allclose(np.abs(np.corrcoef(x, term.values)[0, 1]), 1)
        if form == "step":
            assert len(np.unique(term.values)) == 2
    counts = np.bincount(bins(x))
    assert len(counts) == 20 and 49 <= counts.min() <= counts.max() <= 52


def test_a_slope_is_a_number_times_something_of_an_id():
    ids = {"column": Ids(np.repeat(np.arange(1, 6), 200), 5)}
    number = np.random.default_rng(0).standard_normal(1000)
    effect = Effect("slopes", ("column", "number_1"), "slope")
    (term,) = terms_of(effect, ids, {"number_1": number}, seed=0)
    slopes = []
    for one in range(1, 6):
        rows = ids["column"].values == one
        slope, at_zero = np.polyfit(number[rows], term.values[rows], 1)
        np.testing.assert_allclose(term.values[rows], at_zero + slope * number[rows], atol=1e-9)
        slopes.append(slope)
    assert abs(np.mean(slopes)) < 1e-6 * max(np.abs(slopes)) + 1e-9 and np.std(slopes) > 0.1


def history_effect(form, history, candidates, seed=0, scenario=None):
    """Values of each candidate of each request, ``(R, K)``, and the terms."""
    history, candidates = np.array(history), np.array(candidates)
    ids = {"category": Ids(candidates.ravel(), 9)}
    columns, switch = ("category",), ""
    if scenario is not None:
        ids["scenario"] = Ids(np.repeat(scenario, candidates.shape[1]), 3)
        columns, switch = ("category", "scenario"), "on or off"
    effect = Effect("history", columns, form, switch=switch)
    parts = [{"category": [values]} for values in (history, candidates)]
    terms = list(terms_of_history(effect, ids, *parts, seed))
    return sum(term.values for term in terms).reshape(candidates.shape), terms


def test_a_history_says_how_often_how_lately_and_whether():
    #            oldest to latest: five times 1, then 2, then three times 3
    history, candidates = [[1, 1, 1, 1, 1, 2, 3, 3, 3]], [[1, 2, 3, 4]]
    ((once, twice, thrice, never),), _ = history_effect("share", history, candidates)
    np.testing.assert_allclose((once - never) / (twice - never), 5)
    np.testing.assert_allclose((thrice - never) / (twice - never), 3)
    for seed in range(3):
        ((old, middle, late, never),), _ = history_effect("recent", history, candidates, seed)
        decay = (middle - never) / (late - never)  # d^3 over 1 + d + d^2
        solved = [
            d for d in np.linspace(0.6, 0.9, 301) if abs(d**3 / (1 + d + d * d) - decay) < 3e-3
        ]
        assert solved and never < old < late
        ((old, middle, late, never),), _ = history_effect("last", history, candidates, seed)
        assert old == never and late > never
        ((first, second, third, never),), _ = history_effect("repeat", history, candidates, seed)
        np.testing.assert_allclose([second, third], first)
        assert never < first


def test_enough_is_not_monotone():
    history = [[1] * 12 + [2] * 6 + [3] * 3 + [4]]
    ((many, some, few, _, never),), _ = history_effect("enough", history, [[1, 2, 3, 4, 5]])
    assert never < many < some < few


def test_hidden_vectors_forget_the_order_of_clicks():
    history, candidates = [[1, 1, 2, 3], [3, 2, 1, 1], [4, 4, 4, 5]], [[1, 2, 6]] * 3
    values, (term,) = history_effect("latent", history, candidates)
    np.testing.assert_allclose(values[0], values[1])
    assert np.abs(values[0] - values[2]).min() > 1e-3
    # Three numbers for each id: with many requests a table of clicks and candidates of rank 3.
    every = np.arange(1, 10)
    alone = np.repeat(every[:, None], 4, axis=1)
    table, _ = history_effect("latent", alone, np.tile(every, (9, 1)))
    assert np.linalg.matrix_rank(table, tol=1e-6) == term.per_id == 3


def test_the_scenario_switches_a_history():
    random = np.random.default_rng(0)
    history, candidates = random.integers(1, 4, (60, 5)), random.integers(1, 4, (60, 2))
    scenario = 1 + np.arange(60) % 3
    values, terms = history_effect("switched", history, candidates, scenario=scenario)
    assert [term.use for term in terms] == ["history", "everything"]
    spread = [values[scenario == one].std() for one in (1, 2, 3)]
    assert min(spread) < 1e-9 < 0.5 < max(spread)


def test_expected_auc_is_that_over_all_labels():
    random = np.random.default_rng(0)
    score, p = random.integers(0, 5, 9).astype(float), random.random(9)
    above = total = 0
    for labels in itertools.product((0, 1), repeat=9):
        labels = np.array(labels)
        chance = np.prod(np.where(labels == 1, p, 1 - p))
        won = (score[:, None] > score) + 0.5 * (score[:, None] == score)
        pairs = np.outer(labels, 1 - labels)
        above += chance * (won * pairs).sum()
        total += chance * pairs.sum()
    # A row beside itself is a tie.
    own = (p * (1 - p)).sum()
    np.testing.assert_allclose(expected_auc(score, p), (above + own / 2) / (total + own))


def test_scale_and_bias_hit_what_is_asked_for():
    score = np.random.default_rng(0).standard_normal(5_000)
    for wanted in ((0.75, 0.1), (0.85, 0.4)):
        scale, bias = fit_scale(score, *wanted)
        p = 1 / (1 + np.exp(-bias - scale * score))
        np.testing.assert_allclose((expected_auc(score, p), p.mean()), wanted, atol=1e-6)


def test_frequencies_are_counted_in_training():
    of_train, of_test = np.array([3, 3, 5, 9]), np.array([3, 5, 7, 7, 8])
    cells = count_cells(of_train, of_test, np.array([False, False, False, True, True]))
    # Of cells that training lacks, 7 is rare and 8 is of a new item alone.
    np.testing.assert_allclose(cells.frequency[cells.number], [0.5, 0.25, 0.125, 0.125, 0])


TABLE = np.array([0.9, -1.2, 0.3, -0.4])  # log-odds of four cells
ROWS_OF = np.array([0.6, 0.25, 0.1, 0.05])


def tiny(per_id=0, sides=()):
    """Test rows of one table, and what teaches it."""
    cell = np.repeat(np.arange(4), [6, 5, 4, 3])
    p = 1 / (1 + np.exp(-TABLE[cell]))
    term = Known(0, "second", TABLE[cell], Cells(cell, ROWS_OF), per_id, sides)
    return cell, p, Teaching([term], p, np.random.default_rng(5))


@pytest.mark.parametrize("num_rows", [10, 100, 3_000])
def test_the_perfect_statistician_has_the_posterior_mean_of_a_tiny_table(num_rows):
    cell, p, teaching = tiny()
    v, prior = (p * (1 - p)).mean(), TABLE[cell].var()
    noise = np.random.default_rng(5).standard_normal(4)
    theta = np.linspace(-20, 20, 400_001)
    means = []
    for value, frequency, mislead in zip(TABLE, ROWS_OF, noise, strict=True):
        known_to = 1 / (num_rows * frequency * v)  # variance of what the rows say
        said = value + np.sqrt(known_to) * mislead
        density = np.exp(-((said - theta) ** 2) / (2 * known_to) - theta**2 / (2 * prior))
        means.append((theta * density).sum() / density.sum())
    np.testing.assert_allclose(teaching.belief(0, num_rows), np.array(means)[cell], atol=1e-5)
    expected = teaching.points(np.array(means)[cell])
    np.testing.assert_allclose(teaching.learned(num_rows)[-1], expected, atol=1e-6)
    weight = num_rows * ROWS_OF * v * prior / (1 + num_rows * ROWS_OF * v * prior)
    np.testing.assert_allclose(posterior_mean(TABLE, weight, prior, noise), means, atol=1e-5)
    assert teaching.learned(num_rows)[:2] == [0, 0]


def test_the_belief_errs_as_much_as_clicks_of_a_cell_leave_open():
    random = np.random.default_rng(1)
    rows, bias, variance, repeats = 40, -1.0, 0.3, 4_000
    theta = np.sqrt(variance) * random.standard_normal(repeats)
    clicks = random.binomial(rows, 1 / (1 + np.exp(-bias - theta)))
    at = np.linspace(-4, 4, 801)
    p = 1 / (1 + np.exp(-bias - at))
    log_density = np.outer(np.arange(rows + 1), np.log(p)) - at**2 / (2 * variance)
    log_density += np.outer(rows - np.arange(rows + 1), np.log(1 - p))
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    mean = (density * at).sum(axis=1) / density.sum(axis=1)
    v = np.mean((p := 1 / (1 + np.exp(-bias - theta))) * (1 - p))
    weight = rows * v * variance / (1 + rows * v * variance)
    believed = posterior_mean(theta, weight, variance, random.standard_normal(repeats))
    errors = [np.mean((one - theta) ** 2) for one in (mean[clicks], believed)]
    np.testing.assert_allclose(errors[1], errors[0], rtol=0.1)
    np.testing.assert_allclose(errors[1], variance * (1 - weight), rtol=0.1)


def test_who_knows_the_form_learns_an_id_from_all_its_rows():
    _, p, alone = tiny()
    sides = (
        Cells(np.repeat([0, 1], 9), np.array([0.7, 0.3])),
        Cells(np.zeros(18, int), np.array([1.0])),
    )
    cell, _, both = tiny(per_id=2, sides=sides)
    assert both.learned(100) == alone.learned(100) == alone.learned(100, knows_forms=True)
    told = 100 * (p * (1 - p)).mean() * TABLE[cell].var()
    of_sides = [told * side.frequency[side.number] for side in sides]
    form = np.prod([one / (2 + one) for one in of_sides], axis=0)
    of_cell = told * ROWS_OF[cell] / (1 + told * ROWS_OF[cell])
    noise = np.random.default_rng(5).standard_normal(4)[cell]
    believed = posterior_mean(TABLE[cell], np.maximum(form, of_cell), TABLE[cell].var(), noise)
    np.testing.assert_allclose(both.belief(0, 100, knows_forms=True), believed)
    np.testing.assert_allclose(both.learned(100, knows_forms=True)[-1], both.points(believed))
    assert (form > of_cell).any() and (form < of_cell).any()
    assert both.learned(np.inf)[-1] == pytest.approx(100)


def test_cells_are_combinations_of_ids():
    cells = cells_of(list(THREE.values()))
    assert len(np.unique(cells)) == 5 * 4 * 5
    np.testing.assert_array_equal(
        cells, cells_of([THREE["column_2"]], cells_of([THREE[f"column_{n}"] for n in (0, 1)]))
    )
