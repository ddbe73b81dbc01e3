"""Contrasts: what an experiment asks of its arms, each with the margin that decides its verdict.

A contrast is one difference of two numbers of each world, turned so that above zero is good for the
arm that is named first, also for losses and errors.
"""

import dataclasses
import re
from typing import Any

from recsys_lib.training.intervals import BETTER, LEVEL_VERDICT, NOT_WORSE

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
CLAIMED = {
    "better": (BETTER,),
    "not_worse": (NOT_WORSE, BETTER, LEVEL_VERDICT),
    "level": (LEVEL_VERDICT,),
    "trend": (BETTER,),
}
"""Kind of contrast to the verdicts under which its sentence holds."""
POINTS = "points"
"""The unit of shares of a gap, in percent."""
MEASURES = {
    "auc": (1, "AUC"),
    "gauc": (1, "GAUC"),
    "log_loss": (-1, "nats"),
    "log_loss_gap": (1, POINTS),
    "mean_squared_error": (1, POINTS),
    "calibration_error": (-1, "probability"),
    "money": (1, POINTS),
    "promised": (1, POINTS),
    "gauc_gap": (1, POINTS),
    "log_loss_platt": (-1, "nats"),
}
"""Measure to whether more of it is good, and to its unit. ``log_loss_gap``,
``mean_squared_error``, ``money`` and ``promised`` (of pages) and ``gauc_gap`` are points of their
gaps, AUC is where its gap is wide enough. ``log_loss_platt`` is after a line for the logit."""
JUDGED = ("gauc_gap", "log_loss_platt")
"""Measures of the third protocol."""

MARGIN = 2.0
"""Points of a gap, where no margin is declared."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contrast:
    """One thing to find out. The functions below make them.

    Args:
        finding: its name, lower-case words joined by ``_``.
        sentence: what is found if it is found, without numbers.
        kind: key of ``CLAIMED``.
        arms: names of the arms, the one that is claimed to lead first.
        measure: key of ``MEASURES``.
        part: slice of the test rows.
        task: which one, where there are several.
        margin: the least difference that matters; None: 2 points of the gap, or on real data the
            data set's.
        at: value of the swept knob.
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
    exploratory: bool = False

    def __post_init__(self) -> None:
        where = f"contrast {self.finding!r}"
        if not isinstance(self.finding, str) or not NAME.fullmatch(self.finding):
            raise ValueError(f"finding: expected lower-case words and _, got {self.finding!r}")
        said = self.sentence
        if not said.strip() or "\n" in said or re.search(r"\d", said):
            raise ValueError(f"{where}, sentence: expected one line without digits, got {said!r}")
        for name, known in (("kind", CLAIMED), ("measure", MEASURES)):
            if (got := getattr(self, name)) not in known:
                raise ValueError(f"{where}, {name}: expected one of {tuple(known)}, got {got!r}")
        if self.margin is not None and not self.margin > 0:
            raise ValueError(f"{where}, margin: expected above 0, got {self.margin}")
        if len(set(self.arms)) != len(self.arms):
            raise ValueError(f"{where}, arms: expected different ones, got {self.arms}")
        if len(self.arms) not in ((1, 2) if self.kind == "trend" else (2,)):
            wanted = "1 or 2" if self.kind == "trend" else "2"
            raise ValueError(f"{where}, arms: expected {wanted}, got {len(self.arms)}")

    @property
    def text(self) -> str:
        """What is compared."""
        return ("trend of " if self.kind == "trend" else "") + " to ".join(self.arms)


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
