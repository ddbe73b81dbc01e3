"""Contrasts: what an experiment asks of its arms, each with the margin that decides its verdict.

Every contrast is made of *parts*, differences of two numbers of one world. A difference is turned
so that above zero is good for what is named first, also for losses and errors.
"""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
KINDS = ("better", "not_worse", "level", "above", "first", "all_level", "trend", "crossing")
MEASURES = {
    "auc": 1,
    "log_loss": -1,
    "log_loss_gap": 1,
    "mean_squared_error": 1,
    "gauc": 1,
    "calibration_error": -1,
}
"""Measure to whether more of it is good. AUC is in points of its gap on lenses, ``log_loss_gap``
and ``mean_squared_error`` in points of theirs, all others are as they are."""
SHARES = ("log_loss_gap", "mean_squared_error")
"""Measures that are points of a gap whatever the gap is."""

MARGIN = 2.0
"""Points of a gap, where no margin is declared."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contrast:
    """One thing to find out. The functions below make them.

    Args:
        finding: its name, lower-case words joined by ``_``.
        sentence: what is found if it is found, without numbers.
        kind: one of ``KINDS``.
        arms: names of the arms, the one that is claimed to lead first.
        measure: key of ``MEASURES``.
        part: slice of the test rows.
        task: which one, where there are several.
        margin: the least difference that matters; None: 2 points of the gap, or on real data the
            data set's.
        at: value of the swept knob; of ``crossing`` the lower and the higher one.
        bound: of ``above``: what the arm's own measure is held against.
        exploratory: thought of after a look at the results; it counts from the next block on.

    Raises:
        ValueError: fields that do not fit each other.
    """

    finding: str
    sentence: str
    kind: str
    arms: tuple[str, ...]
    measure: str = "auc"
    part: str = "all"
    task: str | None = None
    margin: float | None = None
    at: Any = None
    bound: float | None = None
    exploratory: bool = False

    def __post_init__(self) -> None:
        where = f"contrast {self.finding!r}"
        if not isinstance(self.finding, str) or not NAME.fullmatch(self.finding):
            raise ValueError(f"finding: expected lower-case words and _, got {self.finding!r}")
        if self.kind not in KINDS:
            raise ValueError(f"{where}, kind: expected one of {KINDS}, got {self.kind!r}")
        if not self.sentence.strip() or "\n" in self.sentence or re.search(r"\d", self.sentence):
            raise ValueError(
                f"{where}, sentence: expected one line without digits, got {self.sentence!r}"
            )
        if self.measure not in MEASURES:
            raise ValueError(
                f"{where}, measure: expected one of {tuple(MEASURES)}, got {self.measure!r}"
            )
        if self.margin is not None and not self.margin > 0:
            raise ValueError(f"{where}, margin: expected above 0, got {self.margin}")
        if len(set(self.arms)) != len(self.arms):
            raise ValueError(f"{where}, arms: expected different ones, got {self.arms}")
        least, most = _NUM_ARMS[self.kind]
        if not least <= len(self.arms) <= most:
            wanted = f"{least}" if least == most else f"at least {least}"
            raise ValueError(f"{where}, arms: expected {wanted}, got {len(self.arms)}")

    @property
    def claimed(self) -> tuple[str, ...]:
        """The verdicts under which the sentence holds."""
        return _CLAIMED[self.kind]


_MANY = 1_000
_NUM_ARMS = {
    "better": (2, 2),
    "not_worse": (2, 2),
    "level": (2, 2),
    "above": (1, 1),
    "first": (1, _MANY),
    "all_level": (2, _MANY),
    "trend": (1, 2),
    "crossing": (2, 2),
}
_CLAIMED: dict[str, tuple[str, ...]] = {
    "better": ("better",),
    "not_worse": ("not worse", "better", "level"),
    "level": ("level",),
    "above": ("better",),
    "first": ("better",),
    "all_level": ("level",),
    "trend": ("better",),
    "crossing": ("better",),
}


def better(finding: str, sentence: str, a: str, b: str, **more: Any) -> Contrast:
    """``a`` is better than ``b`` by more than the margin.

    Args:
        finding, sentence: as for ``Contrast``.
        a, b: names of arms.
        **more: measure, part, task, margin, at, exploratory.

    Returns:
        The ``Contrast``.
    """
    return Contrast(finding=finding, sentence=sentence, kind="better", arms=(a, b), **more)


def not_worse(finding: str, sentence: str, a: str, b: str, **more: Any) -> Contrast:
    """``a`` is not worse than ``b`` by more than the margin; arguments as for ``better``."""
    return Contrast(finding=finding, sentence=sentence, kind="not_worse", arms=(a, b), **more)


def level(finding: str, sentence: str, a: str, b: str, **more: Any) -> Contrast:
    """``a`` and ``b`` differ by less than the margin; arguments as for ``better``."""
    return Contrast(finding=finding, sentence=sentence, kind="level", arms=(a, b), **more)


def above(finding: str, sentence: str, a: str, bound: float, **more: Any) -> Contrast:
    """The measure of ``a`` itself lies above a bound, in the unit of the contrast.

    Args:
        finding, sentence: as for ``Contrast``.
        a: name of an arm.
        bound: of a loss as it is, and then the measure has to lie under it.
        **more: measure, part, task, at, exploratory.

    Returns:
        The ``Contrast``.
    """
    return Contrast(
        finding=finding, sentence=sentence, kind="above", arms=(a,), bound=bound, **more
    )


def first(finding: str, sentence: str, a: str, others: Sequence[str] = (), **more: Any) -> Contrast:
    """``a`` is better than every other arm.

    Args:
        finding, sentence: as for ``Contrast``.
        a: name of an arm.
        others: which ones; none named: all of the experiment but the side arms.
        **more: measure, part, task, margin, at, exploratory.

    Returns:
        The ``Contrast``.
    """
    return Contrast(finding=finding, sentence=sentence, kind="first", arms=(a, *others), **more)


def all_level(finding: str, sentence: str, arms: Sequence[str], **more: Any) -> Contrast:
    """No two of several arms differ by as much as the margin.

    Args:
        finding, sentence: as for ``Contrast``.
        arms: names of two arms or more.
        **more: measure, part, task, margin, at, exploratory.

    Returns:
        The ``Contrast``.
    """
    return Contrast(finding=finding, sentence=sentence, kind="all_level", arms=tuple(arms), **more)


def trend(finding: str, sentence: str, *arms: str, **more: Any) -> Contrast:
    """An arm's measure, or the lead of one over another, rises along the sweep.

    The effect is the slope of a straight line within each world, times the length of the sweep.

    Args:
        finding, sentence: as for ``Contrast``.
        *arms: names of one arm, or of two.
        **more: measure, part, task, margin, exploratory.

    Returns:
        The ``Contrast``.
    """
    return Contrast(finding=finding, sentence=sentence, kind="trend", arms=arms, **more)


def crossing(
    finding: str, sentence: str, a: str, b: str, low: Any, high: Any, **more: Any
) -> Contrast:
    """``a`` is better at one value of the sweep, ``b`` at another.

    Args:
        finding, sentence: as for ``Contrast``.
        a, b: names of arms.
        low, high: values of the swept knob where ``a`` and where ``b`` is better.
        **more: measure, part, task, margin, exploratory.

    Returns:
        The ``Contrast``.
    """
    return Contrast(
        finding=finding, sentence=sentence, kind="crossing", arms=(a, b), at=(low, high), **more
    )
