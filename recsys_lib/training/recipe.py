"""``Recipe``: how one model is built and trained, in one place and one line."""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras

from recsys_lib.checks import check_number, nearest
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.weighting import check_balancing

DEFAULT_LEARNING_RATE = 1e-3

FIT_OPTIONS = (
    *("epochs", "batch_size", "patience", "watch", "loss_weights"),
    *("schedule", "reduce_on_plateau", "callbacks"),
)
"""Options of ``fit`` that a recipe may hold; the others belong to a run, not to a model."""


class _AsTheComparison:
    """Marks what a recipe leaves to the comparison; None is a value of several options."""

    def __repr__(self) -> str:
        return "as the comparison says"


AS_THE_COMPARISON: Any = _AsTheComparison()


@dataclasses.dataclass(frozen=True, init=False, eq=False, repr=False)
class Recipe:
    """How to build and train one model.

    A recipe is a function of the feature columns: ``Recipe(build_fm, embedding_dim=8)(columns)``
    is ``build_fm(columns, embedding_dim=8)``. ``but`` gives a changed copy.

    Args:
        build: a builder, or any function whose first argument is the feature columns; or another
            recipe, whose settings are then the defaults of this one.
        learning_rate: of the optimizer; default 1e-3.
        columns: names of the feature columns that the model gets; default: all.
        optimizer: function that returns a fresh optimizer: ``Adagrad``, or a function of your own.
            It is called with the learning rate where one is given, else without an argument.
            Default: this library's ``Adam``.
        balancing: balancing method of this model; a comparison's ``loss_weights`` and
            ``balancing`` do not count for it then.
        objective: as for ``fit``; of this model, for a comparison has none.
        epochs, batch_size, patience, watch, loss_weights, schedule, reduce_on_plateau, callbacks:
            as for ``fit``; default: what the comparison says.
        **options: of the builder.

    Raises:
        ValueError: a name that neither ``fit`` nor the builder knows; not a function; weights and
            a balancing method.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> from recsys_lib.second_order import build_fm
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> recipe = Recipe(build_fm, 3e-3, epochs=4, embedding_dim=8)
        >>> recipe(columns).get_layer("fields").output.shape
        (None, 2, 8)
        >>> recipe.but(embedding_dim=4, epochs=2)
        Recipe(build_fm, 0.003, epochs=2, embedding_dim=4)
        >>> Recipe(build_fm, embeding_dim=4)
        Traceback (most recent call last):
        ...
        ValueError: Recipe: neither fit nor build_fm has an option 'embeding_dim'; fit has epochs, \
batch_size, patience, watch, loss_weights, schedule, reduce_on_plateau, callbacks, build_fm has \
tasks, embedding_dim, embeddings_initializer, embedding_l2, linear_l2; did you mean 'embedding_dim'?
    """

    build: Callable[..., keras.Model]
    learning_rate: float | None
    columns: tuple[str, ...] | None
    optimizer: Callable[..., keras.Optimizer] | None
    balancing: Any
    objective: Any
    fit: Mapping[str, Any]
    options: Mapping[str, Any]

    def __init__(
        self,
        build: "Callable[..., keras.Model] | Recipe",
        learning_rate: float | None = None,
        *,
        columns: Iterable[str] | None = None,
        optimizer: Callable[..., keras.Optimizer] | None = None,
        balancing: Any = None,
        objective: Any = None,
        epochs: int = AS_THE_COMPARISON,
        batch_size: int = AS_THE_COMPARISON,
        patience: int | None = AS_THE_COMPARISON,
        watch: str = AS_THE_COMPARISON,
        loss_weights: Mapping[str, float] | None = AS_THE_COMPARISON,
        schedule: Any = AS_THE_COMPARISON,
        reduce_on_plateau: Any = AS_THE_COMPARISON,
        callbacks: Sequence[Any] = AS_THE_COMPARISON,
        **options: Any,
    ) -> None:
        given: list[Any] = [epochs, batch_size, patience, watch, loss_weights]
        given += [schedule, reduce_on_plateau, callbacks]
        named = zip(FIT_OPTIONS, given, strict=True)
        fit = {name: value for name, value in named if value is not AS_THE_COMPARISON}
        if isinstance(build, Recipe):
            inherited = build._settings()
            # A method of one's own replaces the inherited weights, and the other way round.
            if balancing is not None:
                inherited.pop("loss_weights", None)
            elif "loss_weights" not in fit:
                balancing = inherited["balancing"]
            learning_rate = build.learning_rate if learning_rate is None else learning_rate
            columns = build.columns if columns is None else columns
            optimizer = build.optimizer if optimizer is None else optimizer
            objective = build.objective if objective is None else objective
            fit = {name: inherited[name] for name in FIT_OPTIONS if name in inherited} | fit
            options = {**build.options, **options}
            build = build.build
        # A built model is a function too, of its inputs.
        if not callable(build) or isinstance(build, keras.Model):
            raise ValueError(f"Recipe: expected a function that builds a model, got {build!r}")
        check_balancing(balancing, fit.get("loss_weights"), "Recipe, ")
        if isinstance(columns, str):
            raise ValueError(f"Recipe, columns: expected names of columns, got {columns!r}")
        if optimizer is not None and (
            isinstance(optimizer, keras.Optimizer) or not callable(optimizer)
        ):
            raise ValueError(
                "Recipe, optimizer: expected a function that returns a fresh optimizer, such as "
                f"Adagrad, got {optimizer!r}"
            )
        if learning_rate is not None and not isinstance(
            learning_rate, keras.optimizers.schedules.LearningRateSchedule
        ):
            learning_rate = check_number("Recipe, learning_rate", learning_rate, 0, exclude=(0,))
        _check_options(build, options)
        names = None if columns is None else tuple(columns)
        values = (build, learning_rate, names, optimizer, balancing, objective, fit, dict(options))
        for field, value in zip(dataclasses.fields(self), values, strict=True):
            kept = MappingProxyType(value) if isinstance(value, dict) else value
            object.__setattr__(self, field.name, kept)

    def __call__(self, feature_columns: Sequence[Any], *tasks: Any, **options: Any) -> keras.Model:
        """Build the model; further options replace the recipe's for this call."""
        settings = {**self.options, **options}
        if tasks:
            settings.pop("tasks", None)
        model = self.build(feature_columns, *tasks, **settings)
        if not isinstance(model, keras.Model):
            raise ValueError(
                f"Recipe: expected {_name(self.build)} to return a Keras model, got {model!r}"
            )
        return model

    def but(self, **changes: Any) -> "Recipe":
        """A copy with some settings changed: any argument of ``Recipe`` by name."""
        build = changes.pop("build", self)
        if build is not self:
            return Recipe(build, **{**self._settings(), **changes})
        return Recipe(self, **changes)

    def _settings(self) -> dict[str, Any]:
        fields = ("learning_rate", "columns", "optimizer", "balancing", "objective")
        return {name: getattr(self, name) for name in fields} | {**self.fit, **self.options}

    def fresh_optimizer(self) -> keras.Optimizer:
        """A new optimizer for one run."""
        make = Adam if self.optimizer is None else self.optimizer
        if self.learning_rate is not None:
            return make(self.learning_rate)
        return make() if self.optimizer is not None else make(DEFAULT_LEARNING_RATE)

    def data(self, dataset: Any) -> Any:
        """The data set with the columns that the model gets."""
        return dataset if self.columns is None else dataset.with_columns(self.columns)

    def __repr__(self) -> str:
        parts = [_name(self.build)]
        if self.learning_rate is not None:
            parts.append(f"{self.learning_rate}")
        for name in ("columns", "optimizer", "balancing", "objective"):
            value = getattr(self, name)
            if value is not None:
                parts.append(f"{name}={_name(value) if name == 'optimizer' else repr(value)}")
        parts += [f"{name}={value!r}" for name, value in (*self.fit.items(), *self.options.items())]
        return f"Recipe({', '.join(parts)})"


def as_recipe(build: Callable[..., keras.Model] | Recipe) -> Recipe:
    """A recipe as it is, and a builder as the recipe of its defaults."""
    return build if isinstance(build, Recipe) else Recipe(build)


def _name(function: Any) -> str:
    return getattr(function, "__name__", repr(function))


def _check_options(build: Callable[..., Any], options: Mapping[str, Any]) -> None:
    parameters = list(inspect.signature(build).parameters.values())
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return
    positional = inspect.Parameter.POSITIONAL_ONLY
    known = [parameter.name for parameter in parameters[1:] if parameter.kind is not positional]
    for name in options:
        if name not in known:
            raise ValueError(
                f"Recipe: neither fit nor {_name(build)} has an option {name!r}; fit has "
                f"{', '.join(FIT_OPTIONS)}, {_name(build)} has {', '.join(known) or 'none'}"
                f"{nearest(name, [*FIT_OPTIONS, *known])}"
            )
