"""Mistakes in the lenses of chapter 05 that the tests must reject."""

from runner import Mutant

TASKS = "recsys_lib/data/simulator/tasks.py"
FUNNEL = "recsys_lib/data/simulator/funnel.py"
REGRESSION = "recsys_lib/data/simulator/correlated_regression.py"
WORLD = "recsys_lib/data/simulator/world.py"
TEST_TASKS = "data/test_simulator_tasks.py"
TEST_FUNNEL = "data/test_simulator_funnel.py"
TEST_REGRESSION = "data/test_simulator_regression.py"
FUNCTION = f"{TEST_TASKS}::test_every_probability_is_the_stated_function_of_the_features"
CORRELATION = f"{TEST_TASKS}::test_weights_are_unit_vectors_with_the_stated_correlation"
FUNNEL_FUNCTION = f"{TEST_FUNNEL}::test_every_probability_is_the_stated_function_of_the_features"
ONLY_CLICKS = f"{TEST_FUNNEL}::test_only_clicks_convert"
RATES = f"{TEST_FUNNEL}::test_rates_are_exact_over_all_pairs"
EXPECTED = f"{TEST_REGRESSION}::test_expected_labels_are_the_line_and_the_sinusoids"
VECTORS = f"{TEST_REGRESSION}::test_weight_vectors_have_the_stated_cosine_and_length"
NOISE = f"{TEST_REGRESSION}::test_noise_has_the_stated_spread_and_is_drawn_apart"

MUTANTS = [
    Mutant(
        "tasks: the blocks do not conflict",
        TASKS,
        "[shared, -opposed, 0.0]",
        "[shared, opposed, 0.0]",
        (FUNCTION, CORRELATION),
    ),
    Mutant(
        "tasks: the correlation is the share of the score, not of its variance",
        TASKS,
        "shared, opposed = np.sqrt((1 + correlation) / 2), np.sqrt((1 - correlation) / 2)",
        "shared, opposed = (1 + correlation) / 2, (1 - correlation) / 2",
        CORRELATION,
    ),
    Mutant(
        "tasks: directions of any length",
        TASKS,
        "numbers / np.sqrt((numbers**2).sum())",
        "numbers / np.sqrt(block_size)",
        CORRELATION,
    ),
    Mutant(
        "tasks: the strength scales the bias too",
        TASKS,
        'sigmoid(bias + knobs["strength"] * project(numbers, of_task))',
        'sigmoid(knobs["strength"] * (bias + project(numbers, of_task)))',
        FUNCTION,
    ),
    Mutant(
        "tasks: both blocks hold the same numbers",
        TASKS,
        'f"draws/{split_name}/{name}")',
        'f"draws/{split_name}")',
        (FUNCTION, CORRELATION),
    ),
    Mutant(
        "tasks: validation and test begin in the middle of a request",
        TASKS,
        "first = int(rows[split_name].group[-1]) + 1",
        "first = int(rows[split_name].group[-1])",
        f"{TEST_TASKS}::test_ten_rows_after_another_are_a_request_of_their_own",
    ),
    Mutant(
        "tasks: both labels are drawn with the same numbers",
        WORLD,
        'f"labels/{split_name}/{task}"',
        'f"labels/{split_name}"',
        f"{TEST_TASKS}::test_labels_follow_the_probability_and_not_each_other",
    ),
    Mutant(
        "funnel: conversions without a click",
        FUNNEL,
        'clicked & (uniform("conversion") < p_conversion)',
        'uniform("conversion") < p_click * p_conversion',
        ONLY_CLICKS,
    ),
    Mutant(
        "funnel: one number decides click and conversion",
        FUNNEL,
        'uniform("conversion")',
        'uniform("click")',
        f"{TEST_FUNNEL}::test_labels_follow_their_probabilities",
    ),
    Mutant(
        "funnel: the conversion's probability is that after a click",
        FUNNEL,
        '"conversion": p_click * p_conversion}',
        '"conversion": p_conversion}',
        (FUNNEL_FUNCTION, f"{TEST_FUNNEL}::test_labels_follow_their_probabilities"),
    ),
    Mutant(
        "funnel: the labels are drawn again, each for itself",
        WORLD,
        "if task in part.labels",
        "if False",
        ONLY_CLICKS,
    ),
    Mutant(
        "funnel: conversions per impression",
        FUNNEL,
        "_with_rate(conversion_strength * wish, conversion_rate, click)",
        "_with_rate(conversion_strength * wish, conversion_rate, np.ones_like(click))",
        RATES,
    ),
    Mutant(
        "funnel: the rate at the average user and item",
        FUNNEL,
        "        if abs(error) < TOLERANCE:\n",
        "        if True:\n",
        RATES,
    ),
    Mutant(
        "funnel: selection is the share of the score, not of its variance",
        FUNNEL,
        "np.sqrt(1 - selection**2) * need",
        "(1 - abs(selection)) * need",
        FUNNEL_FUNCTION,
    ),
    Mutant(
        "funnel: need goes with appeal",
        FUNNEL,
        "    need -= (need * appeal).mean() * appeal\n",
        "",
        FUNNEL_FUNCTION,
    ),
    Mutant(
        "funnel: appeal of the user alone",
        FUNNEL,
        '(hidden[f"user_{part}"][:, None] + hidden[f"item_{part}"]) / np.sqrt(2)',
        '(hidden[f"user_{part}"][:, None] + 0 * hidden[f"item_{part}"]) / np.sqrt(2)',
        FUNNEL_FUNCTION,
    ),
    Mutant(
        "funnel: halves of the training rows, not of the pairs",
        FUNNEL,
        '"likely": p_click > median,',
        '"likely": p_click >= p_click.mean(),',
        f"{TEST_FUNNEL}::test_likely_and_unlikely_halves",
    ),
    Mutant(
        "regression: weight vectors that are not orthogonal at cosine 0",
        REGRESSION,
        "    other -= (other * first).sum() * first\n",
        "",
        VECTORS,
    ),
    Mutant(
        "regression: the other direction weighs 1 - cosine",
        REGRESSION,
        "np.sqrt(1 - cosine**2) * other",
        "(1 - cosine) * other",
        VECTORS,
    ),
    Mutant(
        "regression: the line is left out",
        REGRESSION,
        "scale * (score + waves)",
        "scale * (0 * score + waves)",
        EXPECTED,
    ),
    Mutant(
        "regression: all sinusoids have the first one's phase",
        REGRESSION,
        "np.sin(alpha * score + beta)",
        'np.sin(alpha * score + truth["beta"][0])',
        EXPECTED,
    ),
    Mutant(
        "regression: the noise is not scaled with the label",
        REGRESSION,
        'noise = scale * knobs["noise_sd"]',
        'noise = knobs["noise_sd"]',
        NOISE,
    ),
    Mutant(
        "regression: noise_sd is the variance",
        REGRESSION,
        'scale * knobs["noise_sd"] *',
        'scale * knobs["noise_sd"] ** 0.5 *',
        NOISE,
    ),
    Mutant(
        "regression: both tasks have the same noise",
        REGRESSION,
        'normal(f"noise/{task}", num_rows)',
        'normal("noise", num_rows)',
        NOISE,
    ),
    Mutant(
        "regression: the expected label holds the noise",
        REGRESSION,
        "        labels[task] = (expected[task] + noise)",
        "        expected[task] = expected[task] + noise\n        labels[task] = (expected[task])",
        EXPECTED,
    ),
]
