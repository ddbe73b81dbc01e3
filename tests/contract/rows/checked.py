"""How the tests see that an option acts: a second value, and the layers that have to react.

What a file of rows does not say follows from the option's name, from the type of its value, and
from the classes of the model's layers: a layer whose class takes ``activation`` has to react to the
builder's ``activation``, whatever the builder hands on to it.
"""

import dataclasses
import inspect
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import keras

from recsys_lib.features.crosses import CrossProduct
from recsys_lib.features.embedding import FusedEmbedding

SMALL = {
    "embedding_dim": 4,
    "hidden_units": (6, 5),
    "activation": "tanh",
    "attention_units": (4,),
    "cin_layer_sizes": (4, 4),
    "expert_units": (5,),
    "found_steps": 3,
    "gate_units": 3,
    "num_bits": 12,
    "num_cross_layers": 2,
    "num_experts": 3,
    "num_layers": 2,
    "tower_units": (3,),
}
"""Options of a model small enough for tests, of the builders that have them."""

SECOND = {
    "embeddings_initializer": "ones",
    "histories": ("history",),
    "scenario": "category",
    "step_context": ("step_age",),
}
ENDINGS = {"_rate": 0.5, "_l2": 0.5, "activation": "relu"}
"""Second values by the name of an option, and by the end of its name."""

REACHES = {
    "attention_activation": ("history_weights",),
    "attention_units": ("history_weights",),
    "expert_activation": ("experts*",),
    "expert_units": ("experts*",),
    "histories": ("history_weights", "interest"),
    "num_experts": ("experts*", "gates*"),
    "product": ("deep",),
    "scenario": ("known_scenarios",),
    "tower_units": ("towers",),
}
"""Options that no class of a layer has by this name, to names of layers, as ``fnmatch`` reads them:
the same in all models unless a row says otherwise."""

DEPTH = {
    "ActivationUnit": lambda config, option: len(config["hidden_units"]),
    "APGDense": lambda config, option: 1 + len(config["condition_units"]),
    "Dense": lambda config, option: 0,  # it reads what has the option
    "FieldAttention": lambda config, option: 2 if option == "projection_activation" else 1,
    "InteractingLayer": lambda config, option: 2 if option == "projection_activation" else 1,
    "LogarithmicLayer": lambda config, option: 2,
    "MetaAttention": lambda config, option: 1 + config["num_layers"],
    "MetaUnit": lambda config, option: config["num_layers"],
    "MixtureCrossLayer": lambda config, option: 2,
    "MLP": lambda config, option: len(config["hidden_units"]),
    "NetworkStack": lambda config, option: len(config["hidden_units"]),
    "ScenarioNetworks": lambda config, option: len(config["hidden_units"]),
    "StarNetwork": lambda config, option: len(config["hidden_units"]),
    "TransformerBlock": lambda config, option: 2 if option == "dropout_rate" else 1,
    "WeightedSum": lambda config, option: 0,
}
"""Class of a layer to how many hidden layers inside have an option; any other class: one."""


@dataclasses.dataclass(frozen=True)
class Option:
    """How an option is seen to act, as far as it is not derived.

    Args:
        reaches: names of layers, as ``fnmatch`` reads them. With equal seed and weights each of
            them must change: its output, its output or loss in training, or its initial values.
        value: a second value, other than the one that the tests build with.
        beside: options that have to be set with it, in both models that are compared.
    """

    reaches: tuple[str, ...] = ()
    value: Any = None
    beside: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def on(*reaches, value=None, **beside):
    """An ``Option`` in one line."""
    return Option(reaches, value, beside)


@dataclasses.dataclass(frozen=True)
class Checked:
    """What the tests know of a row.

    Args:
        acts: option to how it is seen to act, where that is not derived.
        small: options of a small model beside ``SMALL``.
        smooth: options that make the model differentiable wherever the tests look.
        stops: layers whose output is stopped, or inside which a tensor is, as the paper says.
        variant_of: key of the row with the same builder whose options act as they do here.
        needs_network: whether no hidden layer at all is refused, since the layers are the model.
    """

    acts: Mapping[str, Option] = dataclasses.field(default_factory=dict)
    small: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    smooth: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    stops: tuple[str, ...] = ()
    variant_of: str | None = None
    needs_network: bool = False


def options_of(row):
    """Option to its default."""
    parameters = inspect.signature(row.function).parameters.values()
    return {p.name: p.default for p in parameters if p.name not in ("feature_columns", "tasks")}


def small_options(row, checked):
    """The options that the tests build a row's model with."""
    defaults = options_of(row) | dict(row.options)
    # A network that is not there by default is what another row is about.
    small = {name: value for name, value in SMALL.items() if defaults.get(name, ()) != ()}
    return small | dict(checked.small)


def second_value(name, option, base):
    """Another value of an option than ``base``."""
    for value in (option.value, SECOND.get(name)):
        if value is not None:
            return value
    for ending, value in ENDINGS.items():
        if name.endswith(ending):
            return value
    if isinstance(base, bool):
        return not base
    if isinstance(base, int):
        return base - 1 if base > 1 else base + 1
    assert isinstance(base, tuple) and base, f"{name}: a second value cannot be derived"
    return (base[0] - 1,)


def patterns_of(checked, name):
    """Names of the layers that an option reaches, as ``fnmatch`` reads them; none: by class."""
    return checked.acts.get(name, Option()).reaches or REACHES.get(name, ())


def reached(model, checked, name):
    """The layers of a model that have to react to an option."""
    patterns = patterns_of(checked, name)
    if patterns:
        return [
            layer
            for layer in model.layers
            if any(fnmatchcase(layer.name, pattern) for pattern in patterns)
        ]
    if name == "linear_l2":
        return [layer for layer in model.layers if is_first_order(layer)]
    if name == "embedding_l2":
        tables = [layer for layer in model.layers if isinstance(layer, FusedEmbedding)]
        return [layer for layer in tables if not is_first_order(layer)]
    found = [layer for layer in model.layers if takes(layer, name) and not is_first_order(layer)]
    if name == "hidden_units":
        own = [option for option in {*REACHES, *checked.acts} if option.endswith("_units")]
        others = [layer for option in own for layer in reached(model, checked, option)]
        found = [layer for layer in found if layer not in others]
    return found


def is_first_order(layer):
    """Whether a table holds one weight for each id."""
    return isinstance(layer, CrossProduct) or (
        isinstance(layer, FusedEmbedding) and layer.embedding_dim == 1
    )


def takes(layer, name):
    """Whether a layer of the library is one that has an option of this name, and a hidden layer."""
    if not type(layer).__module__.startswith("recsys_lib."):
        return False
    is_linear = getattr(layer, "hidden_units", None) == ()
    return name in inspect.signature(type(layer)).parameters and not is_linear


def depth(layer: keras.layers.Layer, option):
    """How many hidden layers inside a layer have an option."""
    count = DEPTH.get(type(layer).__name__)
    return 1 if count is None else count(layer.get_config(), option)
