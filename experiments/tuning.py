"""Tuning: as many trials for every arm, drawn before looking and chosen on tuning worlds."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.arms import Arm, is_ordered
from experiments.declaration import TUNING_WORLDS, Experiment

NUM_TRIALS, NUM_TRIALS_WITH_SCALE = 12, 16
SCALING = ("head", "scale")
"""Options that, when they are tuned, are worth four more trials."""
NUM_AGAIN = 4
"""Trials that are run on all tuning worlds."""
SEED = 4
_FIRST_INITIALISATION = 10
"""Of tuning on real data, where fresh initialisations take the place of fresh worlds."""


class Choice(NamedTuple):
    """What was chosen for an arm at a point.

    Attributes:
        options: option to value.
        score: mean over the tuning worlds.
        edges: ordered options whose value is the smallest or largest of at least three.
    """

    options: dict[str, Any]
    score: float
    edges: tuple[str, ...]


def trials(arm: Arm) -> list[dict[str, Any]]:
    """The trials of an arm: the builder's default first, the rest drawn from its space.

    Two arms with the same space get the same trials. No trial comes twice, so a small space has
    fewer of them.

    Args:
        arm: with a space, or without.

    Returns:
        List of option to value; one without options where nothing is tuned.
    """
    default = arm.defaults()
    if not arm.space:
        return [default]
    count = NUM_TRIALS_WITH_SCALE if set(SCALING) & set(arm.space) else NUM_TRIALS
    names = sorted(arm.space)
    every = list(itertools.product(*(arm.space[name] for name in names)))
    order = np.random.default_rng(SEED).permutation(len(every))
    drawn = [dict(zip(names, every[place], strict=True)) for place in order]
    return [default, *(one for one in drawn if one != default)][:count]


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


def choose(arm: Arm, scores: Mapping[int, Sequence[float | None]]) -> Choice:
    """The trial with the lowest mean score over all tuning worlds.

    Args:
        arm: what was tuned.
        scores: number of a trial to its scores, of those that ran everywhere.

    Returns:
        The ``Choice``.

    Raises:
        ValueError: no trial had a finite loss in every tuning world.
    """
    means = {
        trial: float(np.mean([score for score in found if score is not None]))
        for trial, found in scores.items()
        if found and None not in found
    }
    if not means:
        raise ValueError(f"arm {arm.name!r}: expected a trial with finite losses, got none")
    trial = min(means, key=lambda one: (means[one], one))
    options = trials(arm)[trial]
    return Choice(options, means[trial], edges(arm.space, options))


def edges(space: Mapping[str, Sequence[Any]], options: Mapping[str, Any]) -> tuple[str, ...]:
    """The ordered options whose choice is at an end of the space, beyond which it may be better.

    Nothing lies below zero or no layer, and two values are a choice without a middle.

    Args:
        space: of an arm.
        options: chosen.

    Example:
        >>> edges({"learning_rate": (1e-3, 2e-3, 5e-3)}, {"learning_rate": 5e-3})
        ('learning_rate',)
    """
    return tuple(
        name
        for name, values in sorted(space.items())
        if is_ordered(values)
        and len(values) > 2
        and options[name] in (values[0], values[-1])
        and options[name]
    )
