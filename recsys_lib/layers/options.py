"""The options that builders have in common: what each means and its default, said once.

A builder takes them as ``**common: Unpack[...]`` and hands them on as the dict that they are::

    @shared_options(batch_normalization=True)  # a default of its own, where the paper has another
    def build(feature_columns, tasks="click", *, rank=8, **common: Unpack[DeepOptions]):
        fields = embed_fields(inputs, feature_columns, **tables(feature_columns, common))
        logit = deep_logit(vector, **options_for(deep_logit, common))

``help``, ``inspect.signature`` and type checkers see every option by its name.
"""

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias, TypedDict, TypeVar, get_args

import keras
from keras import KerasTensor

from recsys_lib.features.columns import L2, Column, check_columns, check_l2

Activation = str | Callable[[KerasTensor], KerasTensor]
"""A Keras activation; in hidden networks also ``"dice"`` and ``"prelu"``."""

Initializer: TypeAlias = str | keras.initializers.Initializer | None
"""A Keras initializer; None is the uniform start between -0.05 and 0.05."""

Normalization: TypeAlias = bool | Mapping[str, float]
"""``False``: none; ``True``: with Keras's epsilon and momentum 0.9; or a dict of one or both."""

Widths = Sequence[int]
"""Units of the hidden layers, the first layer's first."""


class TableOptions(TypedDict, total=False):
    """Of the embedding tables.

    Args:
        embedding_dim: width of the vectors, 1 or more. A column may state its own, but not where
            fields are crossed with each other as whole vectors.
        embeddings_initializer: Keras initializer of the tables, and of the vectors that numbers
            are multiplied with where a model has them; None: uniform between -0.05 and 0.05.
        embedding_l2: penalty of the ids' vectors, in all tables but those of the linear term:
            lambda, 0 or more, or an ``EmbeddingL2``. A number counts the rows of the batch.
    """

    embedding_dim: Annotated[int, 16]
    embeddings_initializer: Annotated[Initializer, None]
    embedding_l2: Annotated[L2, 0.0]


class LinearOptions(TypedDict, total=False):
    """Of the linear term.

    Args:
        linear_l2: penalty of the ids' first-order weights, and of the crosses' where there are
            any: lambda, 0 or more, or an ``EmbeddingL2``.
    """

    linear_l2: Annotated[L2, 0.0]


class HiddenOptions(TypedDict, total=False):
    """Of all hidden layers, whichever networks a model has.

    Args:
        activation: Keras activation, or ``"dice"`` or ``"prelu"``, which have weights of their own;
            ReLU, the default, is that of most of the papers.
        dropout_rate: share of units dropped after each hidden layer's activation, from 0 to under
            1, in training only.
        batch_normalization: normalise each hidden layer before its activation: True, False or,
            where the model says so, a dict such as ``{"epsilon": 1e-5}``.
    """

    activation: Annotated[Activation, "relu"]
    dropout_rate: Annotated[float, 0.0]
    batch_normalization: Annotated[Normalization, False]


class NetworkOptions(HiddenOptions, total=False):
    """Of the plain network: ``HiddenOptions``, and its widths.

    Args:
        hidden_units: widths of its hidden layers, each 1 or more; ``()``: no hidden layer, where
            the model can do without.
    """

    hidden_units: Annotated[Widths, (64, 32)]


class FlatOptions(TableOptions, LinearOptions):
    """``TableOptions`` and ``LinearOptions``: crossed fields, and no network."""


class DeepOptions(TableOptions, NetworkOptions):
    """``TableOptions`` and ``NetworkOptions``."""


class DeepLinearOptions(DeepOptions, LinearOptions):
    """``TableOptions``, ``NetworkOptions`` and ``LinearOptions``."""


class HistoryOptions(DeepOptions, total=False):
    """Of a model that reads a behaviour history: ``DeepOptions``, and what it reads of it.

    The network reads profile, candidate and interest; ``hidden_units=()``: the logit is a linear
    map of them.

    Args:
        histories: names of the sequence columns that are read as behaviours, side by side step by
            step, see ``behaviour_pairs``; None: every ordered sequence that shares its table with
            a categorical column of group ``item``.
        product: whether the network also reads each interest times the candidate, component by
            component.
    """

    histories: Annotated[Sequence[str] | None, None]
    product: Annotated[bool, False]


class StepOptions(HistoryOptions, total=False):
    """``HistoryOptions``, and what is known of each behaviour beside its id.

    Args:
        step_context: names of sequence columns of the histories' length that describe the steps
            and have no counterpart in the candidate: the age of each behaviour, its session.
    """

    step_context: Annotated[Sequence[str], ()]


class RecencyOptions(StepOptions, total=False):
    """``StepOptions``, and the behaviours' places.

    Args:
        recency: whether how many behaviours ago a behaviour was is read beside it, as a learned
            vector.
    """

    recency: Annotated[bool, False]


Build = TypeVar("Build", bound=Callable[..., Any])


def shared_options(**own: Any) -> Callable[[Build], Build]:
    """Decorator of builders: gives ``**common: Unpack[...]`` its names and defaults.

    Args:
        **own: defaults that the builder has instead of the shared ones.

    Returns:
        The decorator. A call of the builder fills in what it was not given and refuses, as Python
        does, a name that is no option: ``TypeError``. It checks the columns, once for all uses.
    """

    def decorate(build):
        written = inspect.signature(build)
        *stated, common = written.parameters.values()
        (kind,) = get_args(common.annotation)
        shared = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=own.get(name, option.__metadata__[0]),
                annotation=option.__origin__,
            )
            for name, option in kind.__annotations__.items()
        ]
        signature = written.replace(parameters=[*stated, *shared])
        defaults = {option.name: option.default for option in shared}
        _check_names("shared_options", own, defaults)

        @functools.wraps(build)
        def complete(feature_columns, *arguments, **options):
            _check_names(build.__name__, options, signature.parameters)
            columns = check_columns(feature_columns)
            try:
                return build(columns, *arguments, **{**defaults, **options})
            except ValueError as error:
                if not (taken := _TAKEN.search(str(error))):
                    raise
                expected = "a task and columns without the name of a layer"
                raise ValueError(f"{build.__name__}: expected {expected}, got {taken[1]}") from None

        complete.__signature__ = signature
        return complete

    return decorate


# Keras's words: heads and inputs have the names of tasks and columns.
_TAKEN = re.compile('The name (".*") is used .* times in the model')


def _check_names(function, given, known):
    for name in given:
        if name not in known:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")


def tables(feature_columns: Sequence[Column], common: TableOptions) -> dict[str, Any]:
    """The options of ``embed_groups`` and ``embed_fields``, the penalty checked.

    Args:
        feature_columns: all columns of the model: a penalty may name their tables alone.
        common: a builder's shared options.

    Returns:
        Dict of ``embedding_dim``, ``embeddings_initializer`` and ``l2``.
    """
    return {
        "embedding_dim": common["embedding_dim"],
        "embeddings_initializer": common["embeddings_initializer"],
        "l2": check_l2(feature_columns, common["embedding_l2"]),
    }


def options_for(function: Callable[..., Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a builder's shared options that a function or layer takes.

    Args:
        function: function or class, such as ``MLP``.
        common: a builder's shared options.

    Returns:
        Dict of name to value.
    """
    takes = inspect.signature(function).parameters
    return {name: value for name, value in common.items() if name in takes}


class Configured(keras.layers.Layer):
    """A layer that keeps the arguments of its ``__init__`` as attributes: its configuration.

    Activations are serialised there, and tuples are lists.
    """

    def get_config(self):
        own = (name for name in inspect.signature(type(self)).parameters if name not in _OF_LAYERS)
        return {**super().get_config(), **{name: _as_config(getattr(self, name)) for name in own}}


_OF_LAYERS = inspect.signature(keras.layers.Layer).parameters


def _as_config(value):
    if isinstance(value, tuple):
        return list(value)
    return keras.activations.serialize(value) if callable(value) else value
