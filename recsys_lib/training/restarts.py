"""A model's initial values drawn again, without building the model again.

Keras draws the seed of each random initializer and of each dropout layer from Python's generator
when the layer is made; the values then follow from the seeds. So whoever has seen one build knows
how to draw the values of any other: the same initializers, with the seeds that come at the same
places in the generator's sequence. Building the layers anew only to read their first values takes
a hundred times as long.

What has been seen is put to the test once: the values that it gives for the seed of that build
must be those of the built model, bit for bit. Where they are not (weights from another generator,
from an array, from another weight, or changed after the layer was made), the model has to be
built again.
"""

import contextlib
import copy
import dataclasses
import random
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

_STARTS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


@dataclasses.dataclass(frozen=True)
class _Origin:
    """Where the initial value of one variable comes from.

    ``initializer``: None for the state of a seed generator. ``place``: of its seed in the
    generator's sequence; None: it draws nothing.
    """

    shape: tuple
    dtype: str
    initializer: Callable[..., Any] | None
    place: int | None

    def value(self, seeds: list[int]) -> Any:
        if self.initializer is None:
            return np.array([seeds[self.place], 0], self.dtype)
        initializer = self.initializer
        if self.place is not None:
            initializer = copy.copy(initializer)
            initializer.seed = seeds[self.place]
        return initializer(self.shape, dtype=self.dtype)


@dataclasses.dataclass(frozen=True)
class Start:
    """How to draw the initial values of one model's variables, with so many seeds."""

    origins: tuple[_Origin, ...]
    num_seeds: int

    def draw(self, seed: int) -> list[Any]:
        """The values of a fresh build; Python's generator is left as that build would leave it."""
        keras.utils.set_random_seed(seed)
        seeds = [_draw_seed(random) for _ in range(self.num_seeds)]
        return [origin.value(seeds) for origin in self.origins]


def restart(trainer: Any, build: Callable[[], keras.Model], seed: int) -> None:
    """Start a ``Trainer`` over; see its method.

    Raises:
        ValueError: the function builds another model than the one that is trained.
    """
    model = trainer.model
    start = start_of(model)
    if start is None:
        twin = build_with_seed(build, seed)
        shapes = [tuple(variable.shape) for variable in model.variables]
        if [tuple(variable.shape) for variable in twin.variables] != shapes:
            raise ValueError("restart: the function builds another model than the trained one")
        if twin in _STARTS:  # its order of initialisation is that of the model, too
            _STARTS[model] = _STARTS[twin]
        values = [variable.value for variable in twin.variables]
    else:
        values = start.draw(seed)
    for variable, value in zip(model.variables, values, strict=True):
        variable.assign(value)
    for variable, value in zip(trainer.beside_the_model(), trainer.initial, strict=True):
        variable.assign(np.broadcast_to(value, variable.shape))


def build_with_seed(build: Callable[[], keras.Model], seed: int) -> keras.Model:
    """Build a model after ``keras.utils.set_random_seed``, and see how its values are drawn."""
    keras.utils.set_random_seed(seed)
    with _watched() as made:
        model = build()
    if isinstance(model, keras.Model):
        start = _see(model, made, seed)
        if start is not None:
            _STARTS[model] = start
    return model


def start_of(model: keras.Model) -> Start | None:
    """How to draw the model's initial values, if that has been seen."""
    return _STARTS.get(model)


@contextlib.contextmanager
def _watched() -> Iterator[dict[int, tuple[Any, Any]]]:
    """While it lasts, note each new variable with its initializer, by the variable's id."""
    made: dict[int, tuple[Any, Any]] = {}
    original = keras.Variable.__init__

    def initialize(variable, initializer, *arguments, **options):
        if isinstance(initializer, str):
            initializer = keras.initializers.get(initializer)
        original(variable, initializer, *arguments, **options)
        made[id(variable)] = (variable, initializer)

    keras.Variable.__init__ = initialize
    try:
        yield made
    finally:
        keras.Variable.__init__ = original


def _draw_seed(generator: Any) -> int:
    """The next seed, as ``keras.src.random.seed_generator.make_default_seed`` draws it."""
    return generator.randint(1, int(1e9))


def _see(model, made, seed):
    """The ``Start`` of a model that was just built with a seed, or None."""
    seeds = _seeds_drawn(seed, at_most=10 * len(made) + 100)
    untouched = np.random.RandomState(seed).get_state()[1]
    now = np.random.get_state()[1]  # noqa: NPY002, the generator that Keras seeds
    if seeds is None or not np.array_equal(now, untouched):
        return None
    places = {drawn: place for place, drawn in enumerate(seeds)}
    origins = []
    for variable in model.variables:
        _, initializer = made.get(id(variable), (None, None))
        if not callable(initializer):
            return None
        shape, dtype = tuple(variable.shape), variable.dtype
        if variable.name == "seed_generator_state":
            place = places.get(int(variable.numpy()[0]))
            initializer = None if place is not None else initializer
        else:
            drawn = getattr(initializer, "seed", None)
            place = places.get(drawn) if isinstance(drawn, int) else None
        origins.append(_Origin(shape, dtype, initializer, place))
    built = [variable.numpy() for variable in model.variables]
    # Drawn beside other values than those of the build: what an initializer reads from another
    # variable is learned by the time of a restart.
    try:
        for variable in model.variables:
            variable.assign(keras.ops.ones_like(variable))
        drawn_again = (keras.ops.convert_to_numpy(origin.value(seeds)) for origin in origins)
        same = all(map(np.array_equal, drawn_again, built))  # one at a time: tables are large
    finally:
        for variable, value in zip(model.variables, built, strict=True):
            variable.assign(value)
    return Start(tuple(origins), len(seeds)) if same else None


def _seeds_drawn(seed, at_most):
    """The seeds that were drawn since the generator was seeded; None if other numbers were."""
    generator, now, seeds = random.Random(seed), random.getstate(), []
    while generator.getstate() != now:
        if len(seeds) == at_most:
            return None
        seeds.append(_draw_seed(generator))
    return seeds
