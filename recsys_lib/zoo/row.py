"""The fields of a row of the zoo."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pkgutil import resolve_name
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from recsys_lib.layers.heads import Tasks
    from recsys_lib.training import Recipe

NEEDS = ("history", "sessions", "scenario", "several tasks", "two tasks", "chain of tasks")
"""Needs that a model can have: an ordered history of the candidate's kind, such a history laid
out in sessions, a column of group ``scenario``, several labels, exactly a click and what follows
it, or binary labels each of which is part of the one before."""


@dataclasses.dataclass(frozen=True)
class Model:
    """One model of the book.

    Args:
        key: short name for commands and code, such as ``"deepfm"``.
        name: as tables and figures print it.
        builder: ``"package:function"``, imported on use.
        lesson: ``"chapter/lesson"``, the lesson that teaches it.
        paper: author and year.
        options: options that make this model of the builder's family.
        needs: those of ``NEEDS`` that apply.

    Raises:
        ValueError: a need that is none of ``NEEDS``.
    """

    key: str
    name: str
    builder: str
    lesson: str
    paper: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = set(self.needs) - set(NEEDS)
        if unknown:
            raise ValueError(f"zoo, {self.key!r}, needs: expected some of {NEEDS}, got {unknown}")
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))

    @property
    def chapter(self) -> str:
        """Folder of the chapter that teaches it."""
        return self.lesson.split("/")[0]

    @property
    def function(self) -> "Callable[..., keras.Model]":
        """The builder, imported."""
        return resolve_name(self.builder)

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


def rows_of(package: str, chapter: str, needs: tuple[str, ...] = ()) -> Callable[..., Model]:
    """Make the rows of one package of the library, taught in one chapter.

    Args:
        package, chapter, needs: the same in all of its rows; the package in full, for who reads the
            text of the rows to find what a lesson may build.

    Returns:
        Function of key, name, builder without ``build_``, lesson, paper and the builder's options.
    """

    def row(key: str, name: str, builder: str, lesson: str, paper: str, **options: Any) -> Model:
        of_builder = f"{package}:build_{builder}"
        return Model(key, name, of_builder, f"{chapter}/{lesson}", paper, options, needs)

    return row
