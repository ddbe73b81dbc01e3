"""Estimate how long a board takes, from a few steps of every model before any is trained."""

import dataclasses
from collections.abc import Callable, Sequence

from recsys_lib.data import Dataset
from recsys_pipeline.leaderboard.planning import Line
from recsys_pipeline.leaderboard.runs import Candidate
from recsys_pipeline.leaderboard.store import Store

STEPS = 3
"""Number of timed steps, after as many steps to warm up."""

MOST_PARAMETERS = 50_000_000
"""Built models are kept up to so many weights in all; others are built again for their runs."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """The time that one model takes.

    Args:
        line: of the board.
        epoch_seconds: one pass over the training rows, and one over the validation rows.
        runs: trainings that are still to be done, trials of a grid among them.
    """

    line: Line
    epoch_seconds: float
    runs: int

    @property
    def most_seconds(self) -> float:
        """Seconds if no training stops before its last epoch."""
        return self.epoch_seconds * self.line.epochs * self.runs

    @property
    def seconds_each_epoch(self) -> float:
        """Seconds for one epoch of each training that is still to be done."""
        return self.epoch_seconds * self.runs


def estimate(
    lines: Sequence[Line],
    dataset: Dataset,
    task: str,
    seeds: int,
    store: Store,
    left_out: Callable[[str, str], None],
) -> tuple[list[Cost], dict[str, Candidate]]:
    """Build every model that has runs to do, and take the time of a few of its steps.

    Args:
        lines: of the board.
        dataset, task: what the models are trained and scored on.
        seeds: number of initialisations.
        store: of the finished runs.
        left_out: called with the name of a model that does not fit these columns, and the reason.

    Returns:
        The cost of each model, and the built models that are small enough to keep.
    """
    costs, candidates, held = [], {}, 0
    for line in lines:
        trials = line.trials()
        first = trials[0]
        done = sum(store.get(first, seed, f"seed_{seed}") is not None for seed in range(seeds))
        runs = seeds - done if len(trials) == 1 else seeds + len(trials)
        if runs == 0:
            costs.append(Cost(line, 0.0, 0))
            continue
        try:
            candidate = Candidate(first, dataset, task)
        except ValueError as error:
            left_out(line.name, str(error))
            continue
        step, row = candidate.step_seconds(STEPS)
        steps = -(-len(dataset.train) // line.batch_size)
        costs.append(Cost(line, step * steps + row * len(dataset.valid), runs))
        held += candidate.num_parameters
        if held <= MOST_PARAMETERS and len(trials) == 1:
            candidates[line.name] = candidate
    return costs, candidates


def told(costs: Sequence[Cost]) -> str:
    """The estimate in words, a line for each model and one for all."""
    width = max((len(cost.line.name) for cost in costs), default=5) + 2
    lines = [f"{'model':{width}}{'an epoch':>10}{'runs':>6}{'at most':>12}"]
    for cost in costs:
        lines.append(
            f"{cost.line.name:{width}}{in_words(cost.epoch_seconds):>10}{cost.runs:>6}"
            f"{in_words(cost.most_seconds):>12}"
        )
    each = in_words(sum(cost.seconds_each_epoch for cost in costs))
    most = in_words(sum(cost.most_seconds for cost in costs))
    lines.append(
        f"{each} for every epoch of all runs, {most} if none of them stops early (measured on "
        f"{STEPS} steps each)"
    )
    return "\n".join(lines)


def in_words(seconds: float) -> str:
    """A time in words.

    Example:
        >>> [in_words(seconds) for seconds in (0.25, 9.0, 100.0, 10_000.0)]
        ['0.2 s', '9 s', '2 min', '2.8 h']
    """
    if seconds >= 7_200:
        return f"{seconds / 3_600:.1f} h"
    if seconds >= 90:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 2 else f"{seconds:.1f} s"
