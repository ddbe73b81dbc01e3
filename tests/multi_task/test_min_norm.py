"""The shortest combination of gradients, against SciPy's solver and by hand."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import minimize

from recsys_lib.multi_task.balancing import min_norm_weights
from recsys_lib.multi_task.balancing.min_norm import solve


def reference(gradients, bounds):
    """The least length that SciPy reaches from three starts."""
    num_tasks = len(gradients)
    gram = gradients @ gradients.T
    starts = [np.full(num_tasks, 1 / num_tasks), bounds + (1 - bounds.sum()) / num_tasks]
    starts.append(bounds + (1 - bounds.sum()) * np.eye(num_tasks)[gram.diagonal().argmin()])
    found = [
        minimize(
            lambda w: w @ gram @ w,
            start,
            jac=lambda w: 2 * gram @ w,
            method="SLSQP",
            bounds=[(bound, 1) for bound in bounds],
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-16, "maxiter": 500},
        ).x
        for start in starts
    ]
    return min(np.linalg.norm(w @ gradients) for w in found)


def problems(num_tasks, kind, count=12):
    rng = np.random.default_rng([num_tasks, len(kind)])
    for _ in range(count):
        dimensions = max(1, num_tasks // 2) if kind == "rank-deficient" else num_tasks + 3
        gradients = rng.normal(size=(num_tasks, dimensions)) + rng.normal(size=dimensions)
        if kind == "scales":
            gradients *= 10 ** rng.uniform(-2, 0, size=(num_tasks, 1))
        if kind == "repeated":
            gradients[-1] = gradients[0]
        if kind == "opposed":
            gradients -= gradients.mean(axis=0)
        bounds = rng.dirichlet(np.ones(num_tasks)) * rng.uniform(0, 0.9)
        bounds *= rng.random(num_tasks) < 0.5
        yield gradients / np.linalg.norm(gradients, axis=1).max(), bounds


@pytest.mark.parametrize("num_tasks", range(2, 9))
@pytest.mark.parametrize("kind", ["plain", "scales", "rank-deficient", "repeated", "opposed"])
def test_no_solver_finds_a_shorter_combination(num_tasks, kind):
    for gradients, bounds in problems(num_tasks, kind):
        weights = min_norm_weights(gradients @ gradients.T, bounds)
        assert weights.sum() == pytest.approx(1, abs=1e-9)
        assert (weights >= bounds - 1e-9).all()
        length = np.linalg.norm(weights @ gradients)
        assert length <= reference(gradients, bounds) + 1e-6
        # Kuhn and Tucker: no task's inner product with the sum is below that of a free task.
        products = gradients @ (weights @ gradients)
        free = weights > bounds + 1e-7
        assert products[free].max(initial=-np.inf) <= products.min() + 1e-7 or not free.any()


def test_the_weights_are_the_references_where_they_are_unique():
    for gradients, bounds in problems(4, "plain"):
        gram = gradients @ gradients.T
        found = minimize(
            lambda w, gram=gram: w @ gram @ w,
            np.full(4, 0.25),
            method="SLSQP",
            bounds=[(bound, 1) for bound in bounds],
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-16, "maxiter": 500},
        )
        np.testing.assert_allclose(min_norm_weights(gram, bounds), found.x, atol=1e-4)


@pytest.mark.parametrize(
    ("gradients", "bounds", "expected"),
    [
        ([[2, 0], [0, 1]], 0, [0.2, 0.8]),  # orthogonal: shares as 1 / length^2
        ([[1, 0], [-1, 0]], 0, [0.5, 0.5]),
        ([[1, 0], [10, 0]], 0, [1, 0]),
        ([[1, 0], [10, 0]], [0, 0.3], [0.7, 0.3]),
        ([[2, 0], [0, 1]], [0.5, 0], [0.5, 0.5]),
        ([[2, 0], [0, 1]], [0.5, 0.5], [0.5, 0.5]),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], 0, [1 / 3, 1 / 3, 1 / 3]),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0.6, 0, 0], [0.6, 0.2, 0.2]),
        ([[1, 0], [-1, 0], [0, 5]], 0, [0.5, 0.5, 0]),
    ],
)
def test_by_hand(gradients, bounds, expected):
    gradients = np.array(gradients, float)
    found = min_norm_weights(gradients @ gradients.T, bounds)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("num_tasks", [2, 3, 5])
@pytest.mark.parametrize("value", [1.0, 0.0, 1e-12, 1e12])
def test_equal_gradients_share_what_the_bounds_leave_alike(num_tasks, value):
    bounds = np.linspace(0, 0.2, num_tasks)
    found = min_norm_weights(np.full((num_tasks, num_tasks), value), bounds)
    np.testing.assert_allclose(found, bounds + (1 - bounds.sum()) / num_tasks, atol=1e-7)


def test_two_equal_gradients_beside_a_third_share_alike():
    gradients = np.array([[1.0, 0], [0, 1], [0, 1]])
    np.testing.assert_allclose(min_norm_weights(gradients @ gradients.T), [0.5, 0.25, 0.25])


def test_the_scale_of_the_gradients_does_not_matter():
    for gradients, bounds in problems(5, "plain", 3):
        gram = gradients @ gradients.T
        first = min_norm_weights(gram, bounds)
        for scale in (1e-12, 1e12):
            np.testing.assert_allclose(min_norm_weights(scale * gram, bounds), first, atol=1e-9)


@pytest.mark.parametrize("num_tasks", [2, 4, 8])
def test_an_interior_solution_descends_every_task_alike(num_tasks):
    rng, interior = np.random.default_rng(num_tasks), 0
    for _ in range(20):
        gradients = rng.normal(size=(num_tasks, 12))
        weights = min_norm_weights(gradients @ gradients.T)
        if weights.min() > 1e-3:
            interior += 1
            common = weights @ gradients
            np.testing.assert_allclose(gradients @ common, common @ common, rtol=1e-6)
            assert (gradients @ common > 0).all()
    assert interior > 0


def papers_way(gram, bounds):
    """PE-LTR: the equality constraint alone, then the nearest point with w >= c."""
    num_tasks = len(gram)
    system = np.ones((num_tasks + 1, num_tasks + 1))
    system[:-1, :-1], system[-1, -1] = gram, 0
    room = 1 - bounds.sum()
    relaxed = np.linalg.pinv(system) @ np.append(-gram @ bounds, room)
    nearest = minimize(
        lambda v: ((v - relaxed[:-1]) ** 2).sum(),
        np.full(num_tasks, room / num_tasks),
        method="SLSQP",
        bounds=[(0, None)] * num_tasks,
        constraints={"type": "eq", "fun": lambda v: v.sum() - room},
        options={"ftol": 1e-16, "maxiter": 500},
    )
    return bounds + nearest.x


@pytest.mark.parametrize("num_tasks", [2, 3, 6])
def test_the_papers_way(num_tasks):
    for gradients, bounds in problems(num_tasks, "plain", 6):
        gram = gradients @ gradients.T
        found = min_norm_weights(gram, bounds, method="paper")
        np.testing.assert_allclose(found, papers_way(gram, bounds), atol=1e-5)
        assert found.sum() == pytest.approx(1) and (found >= bounds - 1e-9).all()


def test_the_papers_way_can_be_far_from_the_solution():
    rng, ratios = np.random.default_rng(0), []
    for _ in range(300):
        gradients = rng.normal(size=(3, 3))
        gram = gradients @ gradients.T
        lengths = [
            np.linalg.norm(min_norm_weights(gram, method=method) @ gradients)
            for method in ("paper", "exact")
        ]
        ratios.append(lengths[0] / lengths[1])
    assert min(ratios) > 1 - 1e-6
    assert 0.2 < np.mean(np.array(ratios) > 1.01) < 0.6
    assert max(ratios) > 2


@pytest.mark.parametrize("num_tasks", [2, 5])
def test_a_compiled_function_gives_the_same(num_tasks):
    bounds = np.full(num_tasks, 0.05)
    compiled = tf.function(
        lambda gram: solve(gram, bounds, "exact"),
        input_signature=[tf.TensorSpec([num_tasks, num_tasks], tf.float64)],
    )
    for gradients, _ in problems(num_tasks, "plain", 3):
        gram = gradients @ gradients.T
        np.testing.assert_allclose(compiled(gram), min_norm_weights(gram, bounds), atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.eye(2), [0.6, 0.6]), "lower_bounds: expected a sum of at most 1"),
        ((np.eye(2), [-0.1, 0.2]), "lower_bounds: expected numbers of 0 or more"),
        ((np.eye(2), [0.1, 0.1, 0.1]), "lower_bounds: expected 2 numbers"),
        ((np.eye(2), 0.6), "lower_bounds: expected a sum of at most 1"),
        ((np.eye(9),), "expected at most 8 tasks, got 9"),
        ((np.ones((2, 3)),), "gram: expected a square matrix"),
        ((np.eye(2), 0, "fast"), "method: expected one of"),
    ],
)
def test_bad_problems_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        min_norm_weights(*arguments)
