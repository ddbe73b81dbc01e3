"""Arms and sweeps: the models of an experiment, what of them is tuned, and points of a curve."""

import dataclasses
import hashlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from recsys_lib import zoo

PRIOR: dict[str, Any] = {"embedding_precision": 0.0, "linear_precision": 0.0, "free": ()}
DEFAULTS: dict[str, Any] = {
    **{"learning_rate": 1e-3, "epochs": 10, "batch_size": 1024, "patience": 2},
    **{"objective": "rows", "watch": "auc"},
} | PRIOR
"""What may be set beside the options of a builder, as recipe and comparison have it. The objective
is text, as ``recsys_lib.training.objectives.read_objective`` reads it. A precision is 1 over the
variance of a Normal prior for an id's numbers, which its training rows outweigh as they grow; 0 is
no prior. Tables named in ``free`` have none."""

VARIED = "varied"
"""The point at which every continuous knob is drawn for each world."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
    """One model with the options that it is measured with.

    Args:
        name: as tables print it.
        model: key of the zoo, or ``"module:function"``: a builder, or an estimator (see
            ``experiments.estimators``).
        options: of the recipe and the builder, not tuned.
        space: option to the values among which it is tuned, the model's own default one of them;
            numbers rise. Without a space nothing is tuned.
        columns: names of the feature columns that it gets; None: all.
        side: measured on the smaller block.
        inherits: name of the arm whose choice it takes, an ablation for example; its own
            ``options`` come before those of the choice.
        at_base_rate: that its runs end at the base rate is its result and no failure.

    Raises:
        ValueError: fields that do not fit each other.
    """

    name: str
    model: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    space: Mapping[str, Sequence[Any]] = dataclasses.field(default_factory=dict)
    columns: Sequence[str] | None = None
    side: bool = False
    inherits: str | None = None
    at_base_rate: bool = False

    def __post_init__(self) -> None:
        where = f"arm {self.name!r}"
        if not self.name.strip() or "\n" in self.name:
            raise ValueError(f"arm, name: expected one line, got {self.name!r}")
        for option, values in self.space.items():
            if isinstance(values, str) or len(values) < 2:
                raise ValueError(f"{where}, space, {option}: expected two values or more")
            if any(one in values[:place] for place, one in enumerate(values)):
                raise ValueError(f"{where}, space, {option}: expected different values")
            if is_ordered(values) and list(values) != sorted(values):
                raise ValueError(f"{where}, space, {option}: expected rising, got {values}")
        if both := set(self.space) & set(self.options):
            raise ValueError(f"{where}: expected fixed or tuned, got both of {sorted(both)}")
        if self.inherits is not None and self.space:
            raise ValueError(f"{where}: inherits from {self.inherits!r}, expected no space")
        as_json(dict(self.options) | {"space": dict(self.space)}, where)

    @property
    def function(self) -> Callable[..., Any]:
        """The builder or estimator, imported."""
        return pkgutil.resolve_name(self.reference)

    @property
    def is_estimator(self) -> bool:
        """Whether its function trains by itself, as trees do, and is no builder."""
        return bool(getattr(self.function, "fits_itself", False))

    @property
    def reference(self) -> str:
        """Where it is, ``"module:function"``."""
        return self.model if ":" in self.model else zoo.find(self.model).builder

    def settings(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        """All that is set of the arm.

        Args:
            choice: its tuned options, or those that it inherits.

        Returns:
            Dict of option to value; what the declaration fixes is what it says, also in an heir of
            an arm that tunes it.
        """
        return dict(choice) | dict(self.options)

    def defaults(self) -> dict[str, Any]:
        """What each tuned option is where nobody says otherwise.

        Raises:
            ValueError: the builder has no such option, or a default that is not in the space.
        """
        row: Mapping[str, Any] = {} if ":" in self.model else zoo.find(self.model).options
        parameters = inspect.signature(self.function).parameters
        known = {name: parameter.default for name, parameter in parameters.items()}
        known = ({} if self.is_estimator else DEFAULTS) | known | dict(row)
        for option in (*self.space, *self.options):
            if option not in known:
                raise ValueError(f"arm {self.name!r}: {self.model} has no option {option!r}")
        for option, values in self.space.items():
            if known[option] not in values:
                wanted = f"expected the default {known[option]!r} among the values"
                raise ValueError(f"arm {self.name!r}, space, {option}: {wanted}, got {values}")
        return {option: known[option] for option in self.space}


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A knob of the lens that takes several values, each a point of a curve.

    Args:
        knob: its name.
        values: rising.
        tune_at: values at which the models are tuned; default: both ends and the middle. Every
            other value takes the choice of the nearest of them.

    Raises:
        ValueError: values that do not rise, or a point of tuning that is none of them.
    """

    knob: str
    values: Sequence[float]
    tune_at: Sequence[float] = ()

    def __post_init__(self) -> None:
        where, values = f"sweep of {self.knob}", list(self.values)
        if len(values) < 2 or values != sorted(set(values)):
            raise ValueError(f"{where}: expected two rising values or more, got {self.values}")
        if not self.tune_at:
            ends = {values[0], values[len(values) // 2], values[-1]}
            object.__setattr__(self, "tune_at", tuple(sorted(ends)))
        if strange := [value for value in self.tune_at if value not in values]:
            raise ValueError(f"{where}, tune_at: expected some of {values}, got {strange}")

    def nearest(self, value: float) -> float:
        """The point of tuning that serves a value: the nearest by place, the lower of two.

        Example:
            >>> Sweep("num_interests", (1, 2, 4, 8, 16)).nearest(8)
            4
        """
        places = {one: place for place, one in enumerate(self.values)}
        return min(self.tune_at, key=lambda one: (abs(places[one] - places[value]), places[one]))


def is_ordered(values: Sequence[Any]) -> bool:
    """Whether values have a smallest and a largest: numbers, or widths of networks.

    Example:
        >>> is_ordered((1e-3, 1e-2)), is_ordered(("raw", "softmax")), is_ordered((True, False))
        (True, False, False)
    """

    def is_number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    return all(is_number(value) for value in values) or all(
        isinstance(value, tuple) and all(is_number(one) for one in value) for value in values
    )


def as_options(values: Any) -> Any:
    """What JSON made of options, as they were declared: lists are tuples again."""
    if isinstance(values, list):
        return tuple(as_options(value) for value in values)
    if isinstance(values, dict):
        return {name: as_options(value) for name, value in values.items()}
    return values


def point_text(point: Any) -> str:
    """A point as tables name it; nothing where there is no sweep.

    Example:
        >>> point_text(None), point_text(4), point_text(0.5)
        ('', '4', '0.5')
    """
    return "" if point is None else point if isinstance(point, str) else f"{point:g}"


def sha256_of(content: bytes) -> str:
    """A hash in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def as_json(value: Any, where: str) -> Any:
    """Options as JSON has them; raises ``ValueError`` for what it has not."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: expected numbers, texts, lists and dicts, {error}") from None
