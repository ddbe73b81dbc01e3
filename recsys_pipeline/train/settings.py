"""How a plan trains: the optimizer, its learning rate over the run, and the tasks' weights.

Names and values are checked at once. ``check_with`` checks what depends on the model.
"""

import dataclasses
import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from recsys_lib.checks import check_integer, check_number
from recsys_pipeline.files import checks_of_values as values

if TYPE_CHECKING:
    import keras

OPTIMIZERS = {"adam": "Adam", "adagrad": "Adagrad", "ftrl": "Ftrl"}
"""Name to class of ``recsys_lib.training``."""

BALANCING = {
    "uncertainty": "UncertaintyWeighting",
    "gradnorm": "GradNorm",
    "pareto": "ParetoWeights",
    "decay": "DecayingWeights",
}
"""Name to class of ``recsys_lib.multi_task.balancing``."""

PLATEAU = ("factor", "patience", "lowest")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Arguments of ``fit`` besides model, data and sizes.

    Args:
        optimizer: one of ``OPTIMIZERS``.
        optimizer_options: its other options, numbers, such as ``{"epsilon": 1e-8}``.
        learning_rate: of the optimizer.
        learning_rate_decay: factor on the rate after each epoch, above 0 up to 1.
        reduce_on_plateau: dict of some of ``PLATEAU``, see ``ReduceOnPlateau``; None: no cuts.
        loss_weights: dict of task to weight; None: 1 each.
        balancing: one of ``BALANCING``, which chooses the weights; None: they are fixed.
        balancing_options: of the method, such as ``{"alpha": 0.5}``.
        patience: epochs without improvement after which training stops, or None.

    Raises:
        ValueError: an unknown name, or a value out of range.

    Example:
        >>> Settings(balancing="gradnorm", balancing_options={"alpha": 0.5}).method().alpha
        0.5
        >>> Settings(optimizer="adamm")
        Traceback (most recent call last):
        ...
        ValueError: optimizer: unknown name 'adamm'; did you mean 'adam'?
    """

    optimizer: str = "adam"
    optimizer_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    learning_rate: float = 1e-3
    learning_rate_decay: float | None = None
    reduce_on_plateau: Mapping[str, Any] | None = None
    loss_weights: Mapping[str, float] | None = None
    balancing: str | None = None
    balancing_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    patience: int | None = 2

    def __post_init__(self) -> None:
        if self.patience is not None:
            check_integer("patience", self.patience)
        check_number("learning_rate", self.learning_rate, 0, exclude=(0,))
        if self.learning_rate_decay is not None:
            check_number("learning_rate_decay", self.learning_rate_decay, 0, 1, exclude=(0,))
        _check_name("optimizer", self.optimizer, OPTIMIZERS)
        if self.balancing is not None:
            _check_name("balancing", self.balancing, BALANCING)
        elif self.balancing_options:
            raise ValueError(
                f"balancing_options: expected a method in balancing beside them, got none, and "
                f"{dict(self.balancing_options)}"
            )
        if self.balancing is not None and self.loss_weights is not None:
            raise ValueError(
                f"loss_weights: {self.balancing} chooses the weights, expected none beside it, got "
                f"{dict(self.loss_weights)}"
            )
        self.fresh_optimizer()
        self.method()
        self._check_plateau()

    def _check_plateau(self) -> None:
        if self.reduce_on_plateau is None:
            return
        _check_options("reduce_on_plateau", self.reduce_on_plateau, PLATEAU)
        plateau = self._plateau()
        if self.patience is not None and plateau.patience >= self.patience:
            raise ValueError(
                f"reduce_on_plateau: expected a patience below {self.patience}, after which "
                f"training stops, got {plateau.patience}"
            )

    def _plateau(self) -> Any:
        from recsys_lib.training.rates import ReduceOnPlateau

        return ReduceOnPlateau(**(self.reduce_on_plateau or {}))

    def fresh_optimizer(self) -> "keras.Optimizer":
        """A new optimizer."""
        import keras

        from recsys_lib import training

        name = OPTIMIZERS[self.optimizer]
        known = inspect.signature(getattr(keras.optimizers, name)).parameters
        own = [one for one in known if one not in ("learning_rate", "name", "kwargs")]
        where = f"optimizer {self.optimizer}"
        _check_options(where, self.optimizer_options, own)
        for option, value in self.optimizer_options.items():
            check_number(f"{where}, {option}", value)
        try:
            return getattr(training, name)(self.learning_rate, **self.optimizer_options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: {error}") from None

    def method(self) -> Any:
        """The balancing method, or None."""
        if self.balancing is None:
            return None
        from recsys_lib.multi_task import balancing

        kind = getattr(balancing, BALANCING[self.balancing])
        where = f"balancing {self.balancing}"
        _check_options(where, self.balancing_options, list(inspect.signature(kind).parameters))
        try:
            return kind(**self.balancing_options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: {error}") from None

    def check_with(self, model: "keras.Model", tasks: Mapping[str, str]) -> None:
        """Raise ``ValueError`` if optimizer or weights do not fit a model.

        Args:
            model: built, not trained.
            tasks: its tasks and their kinds.
        """
        from recsys_lib.training.weighting import FixedWeights

        for where, method in (
            ("", FixedWeights(dict(self.loss_weights or {}))),
            (f"balancing {self.balancing}: ", self.method()),
        ):
            if method is not None:
                try:
                    method.start(model, tasks)
                except ValueError as error:
                    raise ValueError(f"{where}{error}") from None
        self.fresh_optimizer().build(model.trainable_variables)

    def of_fit(self) -> dict[str, Any]:
        """The settings as arguments of ``fit``, without the optimizer."""
        decay = self.learning_rate_decay
        return {
            "patience": self.patience,
            "loss_weights": self.loss_weights,
            "balancing": self.method(),
            "schedule": None if decay is None else lambda epoch: decay**epoch,
            "reduce_on_plateau": None if self.reduce_on_plateau is None else self._plateau(),
        }

    def record(self) -> dict[str, Any]:
        """The settings that were stated, for a run's scores."""
        said = dataclasses.asdict(self)
        return {name: value for name, value in said.items() if value is not None and value != {}}


def read_plateau(text: str) -> dict[str, Any]:
    """Parse ``FACTOR``, ``FACTOR,PATIENCE`` or ``FACTOR,PATIENCE,LOWEST``.

    Args:
        text: such as ``"0.5,1"``.

    Returns:
        Dict of some of ``PLATEAU``.

    Raises:
        ValueError: no such form.

    Example:
        >>> read_plateau("0.5,2")
        {'factor': 0.5, 'patience': 2}
    """
    parts = text.split(",")
    kinds = (float, int, float)
    try:
        if len(parts) > len(PLATEAU):
            raise ValueError
        return {name: kind(part) for name, kind, part in zip(PLATEAU, kinds, parts, strict=False)}
    except ValueError:
        raise ValueError(
            f"reduce_on_plateau: expected FACTOR, FACTOR,PATIENCE or FACTOR,PATIENCE,LOWEST, got "
            f"{text!r}"
        ) from None


def read_weights(text: str) -> dict[str, float]:
    """Parse weights of losses, ``A=1,B=0.5``.

    Args:
        text: tasks and numbers.

    Returns:
        Dict of task to weight.

    Raises:
        ValueError: no such form.

    Example:
        >>> read_weights("click=1,watch=0.5")
        {'click': 1.0, 'watch': 0.5}
    """
    found = {}
    for part in text.split(","):
        task, equals, weight = part.partition("=")
        try:
            found[task] = float(weight)
        except ValueError:
            equals = ""
        if not equals or not task:
            raise ValueError(f"loss_weights: expected A=1,B=0.5, got {text!r}")
    return found


def check_workers(workers: int | None, batch_size: int, named: int | None) -> int:
    """The number of workers that train together.

    Args:
        workers: the command's option, or None.
        batch_size: rows of a batch of all of them.
        named: the number that ``TF_CONFIG`` names; None without a ``TF_CONFIG``.

    Returns:
        Their number.

    Raises:
        ValueError: less than one worker, a number that differs from that of ``TF_CONFIG``, or
            batches with fewer rows than workers.

    Example:
        >>> check_workers(None, 1024, 3)
        3
    """
    if workers is not None:
        check_integer("workers", workers)
        if named is not None and workers != named:
            raise ValueError(f"workers: expected {named}, as TF_CONFIG names, got {workers}")
    count = named or workers or 1
    if batch_size < count:
        raise ValueError(
            f"batch_size: expected a row for each of {count} workers or more, got {batch_size}"
        )
    return count


def _check_name(where: str, name: Any, known: Iterable[str]) -> None:
    if name not in known:
        raise ValueError(f"{where}: unknown name {name!r}{values.nearest(str(name), known)}")


def _check_options(where: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"{where}: unknown option {name!r}{values.nearest(name, known)}")
