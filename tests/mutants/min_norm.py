"""Mistakes in the shortest convex combination that the tests must reject."""

from runner import Mutant

MIN_NORM = "recsys_lib/multi_task/balancing/min_norm.py"
SOLVER = "multi_task/test_min_norm.py"
TEST = "multi_task/test_balancing.py"
SHORTEST = f"{SOLVER}::test_no_solver_finds_a_shorter_combination"
BY_HAND = f"{SOLVER}::test_by_hand"
EQUAL = f"{SOLVER}::test_equal_gradients_share_what_the_bounds_leave_alike"

MUTANTS = [
    Mutant(
        "min norm: two tasks change places",
        MIN_NORM,
        "slope = bounds[0] * (both - first) + (bounds[1] + room) * (second - both)",
        "slope = bounds[0] * (first - both) + (bounds[1] + room) * (both - second)",
        (BY_HAND, SHORTEST),
    ),
    Mutant(
        "min norm: two tasks without their bounds",
        MIN_NORM,
        "own = tf.clip_by_value(slope / tf.maximum(squared, _NO_DIFFERENCE), 0.0, room)",
        "own = slope / tf.maximum(squared, _NO_DIFFERENCE)",
        BY_HAND,
    ),
    Mutant(
        "min norm: w instead of w - c",
        MIN_NORM,
        "pull = tf.math.divide_no_nan(-tf.linalg.matvec(gram, bounds) * sets, unit)",
        "pull = 0 * tf.linalg.matvec(gram, bounds) * sets",
        SHORTEST,
    ),
    Mutant(
        "min norm: negative weights are allowed",
        MIN_NORM,
        "possible = tf.reduce_all(excess > -_ROUNDING, axis=1)",
        "possible = tf.reduce_all(excess > -np.inf, axis=1)",
        SHORTEST,
    ),
    Mutant(
        "min norm: only tasks that all count are tried",
        MIN_NORM,
        "repeat=len(bounds)))[1:]",
        "repeat=len(bounds)))[-1:]",
        (SHORTEST, BY_HAND),
    ),
    Mutant(
        "min norm: the longest combination",
        MIN_NORM,
        "lengths = tf.where(possible, lengths, np.inf)",
        "lengths = tf.where(possible, -lengths, np.inf)",
        SHORTEST,
    ),
    Mutant(
        "min norm: the largest of equally good weights",
        MIN_NORM,
        "tf.reduce_sum(excess**2, axis=1), np.inf)",
        "-tf.reduce_sum(excess**2, axis=1), np.inf)",
        (EQUAL, f"{SOLVER}::test_two_equal_gradients_beside_a_third_share_alike"),
    ),
    Mutant(
        "min norm: two equal gradients, all to the first",
        MIN_NORM,
        "own = tf.where(squared > _NO_DIFFERENCE, own, room / 2)",
        "own = tf.where(squared > _NO_DIFFERENCE, own, room)",
        EQUAL,
    ),
    Mutant(
        "min norm: bounds that sum to more than one pass",
        MIN_NORM,
        "if bounds.sum() > 1 + 1e-9:",
        "if False:",
        (f"{SOLVER}::test_bad_problems_are_named", f"{TEST}::test_bad_arguments_are_named"),
    ),
    Mutant(
        "min norm: the paper's way clips and does not project",
        MIN_NORM,
        "return tf.maximum(point - surplus[last], 0.0)",
        "return tf.maximum(point, 0.0)",
        f"{SOLVER}::test_the_papers_way",
    ),
]
