"""Tuning: as many trials for every arm, drawn before looking and chosen on tuning worlds."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.engine.arms import Arm, is_ordered
from experiments.engine.declaration import TUNING_WORLDS, Experiment

NUM_TRIALS, NUM_TRIALS_WITH_SCALE = 12, 16
NUM_AGAIN = 4
"""Trials that are run on all tuning worlds."""
NUM_BEYOND = 4
"""Trials beyond the edge of a space, of the second protocol."""
SEED = 4
_FIRST_INITIALISATION = 10
"""Of tuning on real data, where fresh initialisations take the place of fresh worlds."""

Options = dict[str, Any]
Space = Mapping[str, Sequence[Any]]


class Choice(NamedTuple):
    """What was chosen for an arm at a point.

    Attributes:
        options: option to value.
        score: mean over the tuning worlds.
        edges: ordered options whose value is the smallest or largest of at least three.
    """

    options: Options
    score: float
    edges: tuple[str, ...]


def trials(arm: Arm) -> list[Options]:
    """The trials of an arm: the builder's default first, the rest drawn from its space.

    Two arms with the same space get the same trials. No trial comes twice, so a small space has
    fewer of them; one in which the scale is tuned has four more.

    Args:
        arm: with a space, or without.

    Returns:
        List of option to value; one without options where nothing is tuned.
    """
    count = NUM_TRIALS_WITH_SCALE if "scale" in arm.space else NUM_TRIALS
    return _drawn(arm.space, arm.defaults(), count)


def _drawn(space: Space, first: Options, count: int, new: Options | None = None) -> list[Options]:
    """Different trials of a space, one that is given and others drawn; each has a new value."""
    names = sorted(space)
    every = list(itertools.product(*(space[name] for name in names)))
    order = np.random.default_rng(SEED).permutation(len(every))
    drawn = [dict(zip(names, every[place], strict=True)) for place in order]
    if new is not None:
        drawn = [one for one in drawn if any(one[name] == new[name] for name in new)]
    return [first, *(one for one in drawn if one != first)][:count]


def extended(space: Space, choice: Choice) -> tuple[list[Options], Space]:
    """Trials beyond the edges on which a choice lies, and the space with their values.

    Each such option gets one more value beyond its end: numbers go on by the ratio of the last
    two, shares half of the way to 1 where that would lead past it, and widths of networks are
    doubled or halved. The first trial is the choice with all new values.

    Args:
        space: of an arm.
        choice: among its trials.
    """
    new = {option: _beyond(space[option], choice.options[option]) for option in choice.edges}
    new = {option: value for option, value in new.items() if value is not None}
    if not new:
        return [], space
    wider = dict(space) | {option: sorted([*space[option], new[option]]) for option in new}
    return _drawn(wider, choice.options | new, NUM_BEYOND, new), wider


def _beyond(values: Sequence[Any], end: Any) -> Any:
    is_low = end == values[0]
    if isinstance(end, tuple):
        found: Any = tuple(max(1, width // 2) if is_low else 2 * width for width in end)
    elif not (near := values[1 if is_low else -2]):
        return None
    else:
        found = end * end / near
        if found >= 1 > end:
            found = (1 + end) / 2
        found = round(found) if isinstance(end, int) else float(f"{found:.3g}")
    return None if found in (0, end) else found


def runs(experiment: Experiment) -> list[tuple[int, int]]:
    """World and initialisation of the tuning runs; the first serves all trials, all serve four."""
    if experiment.is_real:
        return [(0, _FIRST_INITIALISATION + number) for number in range(len(TUNING_WORLDS))]
    return [(world, 0) for world in TUNING_WORLDS]


def best(scores: Sequence[float | None], count: int = NUM_AGAIN) -> list[int]:
    """Numbers of the trials with the lowest scores, best first; of equals the earlier.

    Args:
        scores: of each trial; None where its loss was not finite.
        count: at most.

    Example:
        >>> best([0.5, None, 0.4, 0.5], count=2)
        [2, 0]
    """
    finite = [place for place, score in enumerate(scores) if score is not None]
    return sorted(finite, key=lambda place: (scores[place], place))[:count]


def choose(
    options: Sequence[Options], space: Space, scores: Mapping[int, Sequence[float | None]]
) -> Choice | None:
    """The trial with the lowest mean score over all tuning worlds.

    Args:
        options: of the trials.
        space: from which they were drawn.
        scores: number of a trial to its scores, of those that ran everywhere.

    Returns:
        The ``Choice``; None where no trial had a finite loss in every tuning world.
    """
    finite = {trial: found for trial, found in scores.items() if found and None not in found}
    means = {trial: float(np.mean(np.array(found, float))) for trial, found in finite.items()}
    if not means:
        return None
    trial = min(means, key=lambda one: (means[one], one))
    return Choice(options[trial], means[trial], edges(space, options[trial]))


def edges(space: Space, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The ordered options whose choice is at an end of the space, beyond which it may be better.

    Nothing lies below zero or no layer, and two values are a choice without a middle.

    Args:
        space: of an arm.
        options: chosen.

    Example:
        >>> edges({"learning_rate": (1e-3, 2e-3, 5e-3)}, {"learning_rate": 5e-3})
        ('learning_rate',)
    """

    def is_at_an_end(option: str) -> bool:
        values, chosen = space[option], options[option]
        is_end = len(values) > 2 and chosen in (values[0], values[-1])
        return is_ordered(values) and is_end and bool(chosen)

    return tuple(option for option in sorted(space) if is_at_an_end(option))
