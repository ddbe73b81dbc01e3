"""What a row of the zoo says about a model."""

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from recsys_lib.layers.heads import Tasks
    from recsys_lib.training import Recipe

NEEDS = ("history", "sessions", "scenario", "several tasks", "two tasks")
"""What a model needs of the data: an ordered history of the candidate's kind, such a history laid
out in sessions, a column of group ``scenario``, several labels, or exactly a click and what
follows it."""


@dataclasses.dataclass(frozen=True)
class Option:
    """How the tests see that an option of a builder acts.

    Args:
        value: a second value, other than the one that the tests build with.
        reaches: names of all layers that the option reaches. With equal seed and weights each of
            them must change: its output, its output or loss in training, or its initial values.
        beside: options that have to be set with it, in both models that are compared.
    """

    value: Any
    reaches: tuple[str, ...]
    beside: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Model:
    """One model of the book.

    Args:
        key: short name for commands and code, such as ``"deepfm"``.
        name: as tables and figures print it.
        builder: ``"package:function"``, imported on use.
        lesson: ``"chapter/lesson"``, the lesson that teaches it.
        paper: author and year.
        tests: the file of its own tests, below ``tests/``.
        options: options that make this model of the builder's family.
        needs: those of ``NEEDS`` that apply.
        variant_of: key of the row whose tests of options hold for this one too.
        tiny: options of a model small enough for tests.
        second: option to how it is seen to act; see ``Option``.
        smooth: options that make the model differentiable wherever the tests look.
        stops: layers whose output is stopped, or inside which a tensor is, as the paper says.
        needs_network: whether ``hidden_units=()`` (or the experts' widths) is refused, since the
            layers are the model.

    Raises:
        ValueError: a need that is none of ``NEEDS``.
    """

    key: str
    name: str
    builder: str
    lesson: str
    paper: str
    tests: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    needs: tuple[str, ...] = ()
    variant_of: str | None = None
    tiny: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    second: Mapping[str, Option] = dataclasses.field(default_factory=dict)
    smooth: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    stops: tuple[str, ...] = ()
    needs_network: bool = False

    def __post_init__(self) -> None:
        unknown = set(self.needs) - set(NEEDS)
        if unknown:
            raise ValueError(f"zoo, {self.key!r}, needs: expected some of {NEEDS}, got {unknown}")
        for name in ("options", "tiny", "second", "smooth"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def chapter(self) -> str:
        """Folder of the chapter that teaches it."""
        return self.lesson.split("/")[0]

    @property
    def function(self) -> "Callable[..., keras.Model]":
        """The builder, imported."""
        package, name = self.builder.split(":")
        return getattr(importlib.import_module(package), name)

    def build(
        self, feature_columns: Sequence[Any], tasks: "Tasks | None" = None, **options: Any
    ) -> "keras.Model":
        """Build the model; ``tasks`` default to the builder's own."""
        settings = {**self.options, **options}
        if tasks is not None:
            settings["tasks"] = tasks
        return self.function(feature_columns, **settings)

    def recipe(self, learning_rate: float | None = None, **settings: Any) -> "Recipe":
        """A recipe of this model, with whatever ``Recipe`` takes by name."""
        from recsys_lib.training import Recipe

        return Recipe(self.function, learning_rate, **{**self.options, **settings})


def network(*layers: str, widths: str = "hidden_units", **without: None) -> dict[str, Option]:
    """What the options of hidden networks reach: all the named layers.

    Args:
        *layers: names of the networks.
        widths: name of the option that holds their widths.
        **without: options that the builder does not have, set to None.
    """
    options = {
        widths: Option((4,), layers[:1]),
        "activation": Option("relu", layers),
        "dropout_rate": Option(0.5, layers),
        "batch_normalization": Option(True, layers),
    }
    return {name: option for name, option in options.items() if name not in without}


def tables(*layers: str, numbers: tuple[str, ...] = ()) -> dict[str, Option]:
    """What the options of embedding tables reach: all the named layers.

    Args:
        *layers: names of the tables.
        numbers: names of the layers that give numbers a vector; no penalty reaches them.
    """
    return {
        "embedding_dim": Option(3, (*layers, *numbers)),
        "embeddings_initializer": Option("ones", (*layers, *numbers)),
        "embedding_l2": Option(0.5, layers),
    }


def linear(*layers: str) -> dict[str, Option]:
    """What the penalty of first-order weights reaches."""
    return {"linear_l2": Option(0.5, layers or ("linear",))}
