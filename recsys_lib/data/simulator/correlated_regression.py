"""The published synthetic experiment on related tasks: two regressions of a chosen relatedness.

    w_1 = weight_norm u_1,    w_2 = weight_norm (cosine u_1 + sqrt(1 - cosine^2) u_2)
    y_t = w_t.x + sum_i sin(alpha_i w_t.x + beta_i) + noise_t,    x ~ N(0, 1)

with orthogonal unit vectors u_1 and u_2. Each task is a function of one direction; the cosine says
how far the two directions agree. The sinusoids make the function nonlinear and are the same for
both tasks.

Source: Ma et al. 2018, "Modeling Task Relationships in Multi-task Learning with Multi-gate
Mixture-of-Experts", section 3.2 (equations 2 to 4). The paper calls alpha and beta "given
parameters that control the shape" and does not print them; ours are in ``truth``.

Chapter 05, "Multi-task learning".
"""

from collections.abc import Sequence

import numpy as np

from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.tasks import ROWS_PER_REQUEST, SIZES
from recsys_lib.data.simulator.world import (
    Rows,
    SimulatedDataset,
    make_dataset,
    project,
    requests_of,
    stream,
)
from recsys_lib.features.columns import NumericColumn

LENS = "correlated_regression"
TASKS = ("first", "second")


def correlated_regression(
    num_rows: int = 40_000,
    cosine: float = 0.5,
    num_features: int = 32,
    num_sinusoids: int = 4,
    weight_norm: float = 1.0,
    noise_sd: float = 0.1,
    scales: Sequence[float] | float = (1.0, 1.0),
    num_valid_rows: int = 5_000,
    num_test_rows: int = 20_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate two regression tasks whose weight vectors have a chosen cosine.

    Args:
        num_rows: rows of the training split.
        cosine: of the angle between the tasks' weight vectors, from -1 to 1.
        num_features: numbers in a row, 2 or more.
        num_sinusoids: sine terms; 0 leaves two linear tasks. The first ones of more are those of
            fewer. Frequencies alpha_i = i, phases beta_i from 0 to 2 pi.
        weight_norm: length of both weight vectors; larger values put more waves of each sinusoid
            into the data.
        noise_sd: standard deviation of the noise; the paper's variance is .01.
        scales: what each task's label is multiplied by, noise included; one number for both.
            Squared errors then differ by the square of the scales' ratio.
        num_valid_rows, num_test_rows: rows of the other splits, drawn like training rows.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the numeric column ``numbers`` of dimension ``num_features``
        (group ``context``) and the regression tasks ``first`` and ``second``; ``probability``
        holds the expected label, so the oracle's mean squared error is the noise's variance;
        ``group``: ten rows after another are a request. No slices. Its ``truth`` holds
        ``weights`` ``(2, num_features)``, ``alpha`` and ``beta`` ``(num_sinusoids,)``.

        Common random numbers: no knob but ``num_features`` and the numbers of rows changes a row;
        ``cosine`` leaves the first task as it is.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    truth = _plant(**knobs)
    rows, first = {}, 0
    for split_name, size in SIZES.items():
        rows[split_name] = _draw_rows(split_name, knobs[size], first, truth, knobs)
        first = int(rows[split_name].group[-1]) + 1
    columns = (NumericColumn("numbers", knobs["num_features"]),)
    kinds = dict.fromkeys(TASKS, "regression")
    return make_dataset(LENS, columns, rows, seed, truth, knobs, kinds)


def _plant(cosine, num_features, num_sinusoids, weight_norm, seed, **_):
    first = stream(seed, LENS, "direction/first").standard_normal(num_features)
    first /= np.sqrt((first**2).sum())
    other = stream(seed, LENS, "direction/other").standard_normal(num_features)
    other -= (other * first).sum() * first
    other /= np.sqrt((other**2).sum())
    second = cosine * first + np.sqrt(1 - cosine**2) * other
    return {
        "weights": weight_norm * np.stack([first, second]),
        "alpha": 1.0 + np.arange(num_sinusoids),
        "beta": 2 * np.pi * stream(seed, LENS, "phases").random(num_sinusoids),
    }


def _draw_rows(split_name, num_rows, first_request, truth, knobs):
    def normal(part, *shape):
        return stream(knobs["seed"], LENS, f"draws/{split_name}/{part}").standard_normal(shape)

    numbers = normal("numbers", num_rows, knobs["num_features"]).astype(np.float32)
    expected, labels = {}, {}
    for task, weights, scale in zip(TASKS, truth["weights"], knobs["scales"], strict=True):
        score = project(numbers, weights)
        waves = sum(
            np.sin(alpha * score + beta)
            for alpha, beta in zip(truth["alpha"], truth["beta"], strict=True)
        )
        expected[task] = scale * (score + waves)
        noise = scale * knobs["noise_sd"] * normal(f"noise/{task}", num_rows)
        labels[task] = (expected[task] + noise).astype(np.float32)
    return Rows(
        features={"numbers": numbers},
        probability=expected,
        group=requests_of(num_rows, ROWS_PER_REQUEST, first_request),
        labels=labels,
    )
