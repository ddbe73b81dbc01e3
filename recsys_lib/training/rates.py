"""Learning rates that change during a run: by the epoch, or when validation stops getting better.

Both say a *factor* on the rates that the optimizer was given, so that an optimizer for each group
of variables keeps the proportions of its groups.
"""

import dataclasses
from collections.abc import Callable

import keras

from recsys_lib.checks import check_integer, check_number

Schedule = Callable[[int], float]


@dataclasses.dataclass(frozen=True)
class ReduceOnPlateau:
    """Cut the learning rates when the validation score has stopped rising.

    Args:
        factor: what the rates are multiplied with in a cut.
        patience: epochs without a better validation score before a cut; fewer than those after
            which ``fit`` stops.
        lowest: cuts never take the rates below this share of those that the optimizer was given.

    Raises:
        ValueError: a factor outside (0, 1), a patience below 1, or a share outside [0, 1].

    Example:
        >>> plateau = ReduceOnPlateau(factor=0.5, lowest=0.2)
        >>> plateau.cut(1.0), plateau.cut(0.25)
        (0.5, 0.2)
    """

    factor: float = 0.1
    patience: int = 1
    lowest: float = 0.0

    def __post_init__(self) -> None:
        check_number("reduce_on_plateau, factor", self.factor, 0, 1, exclude=(0, 1))
        check_integer("reduce_on_plateau, patience", self.patience)
        check_number("reduce_on_plateau, lowest", self.lowest, 0, 1)

    def cut(self, share: float) -> float:
        """The share of the given rates after a cut."""
        return max(share * self.factor, self.lowest)


class Rates:
    """The learning rates of one run, by options of ``fit``.

    Raises:
        ValueError: no such options, or an optimizer whose rate follows a schedule of its own.
    """

    def __init__(
        self,
        optimizer: keras.Optimizer,
        schedule: Schedule | None,
        plateau: ReduceOnPlateau | None,
    ) -> None:
        if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            raise ValueError(
                "schedule: expected a function of the epoch that gives a factor, got "
                f"{type(schedule).__name__}, which counts steps and gives a rate; hand it to the "
                "optimizer as its learning_rate"
            )
        if schedule is not None and not callable(schedule):
            raise ValueError(f"schedule: expected a function of the epoch, got {schedule!r}")
        if plateau is not None and not isinstance(plateau, ReduceOnPlateau):
            raise ValueError(f"reduce_on_plateau: expected a ReduceOnPlateau, got {plateau!r}")
        self.schedule = schedule
        self.are_changed = schedule is not None or plateau is not None
        self._given = []
        if not self.are_changed:
            return
        for part in parts_of(optimizer):
            rate = part.learning_rate
            if not isinstance(rate, keras.Variable):
                raise ValueError(
                    "schedule and reduce_on_plateau: expected an optimizer with a number as its "
                    f"learning rate, {part.name!r} follows a schedule of its own"
                )
            self._given.append((part, float(rate.numpy())))

    def factor(self, epoch: int) -> float:
        """The schedule's rate in an epoch, counted from 0."""
        if self.schedule is None:
            return 1.0
        return check_number(f"schedule, epoch {epoch}", self.schedule(epoch), 0)

    def set(self, epoch: int, share: float) -> float:
        """Set the rates of an epoch; ``share`` is what cuts have left. Returns their factor."""
        factor = self.factor(epoch) * share
        for part, rate in self._given:
            part.learning_rate = rate * factor
        return factor

    def restore(self) -> None:
        """Give the optimizer its own rates back."""
        for part, rate in self._given:
            part.learning_rate = rate


def parts_of(optimizer: keras.Optimizer) -> list[keras.Optimizer]:
    """The optimizer itself, or the parts of a ``MultiOptimizer``."""
    return list(getattr(optimizer, "optimizers", [optimizer]))
