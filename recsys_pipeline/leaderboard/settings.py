"""Options of builders and settings of a training: as text, and as Python values.

A recipe's file and the command line hold numbers, words, lists and tables. They are stored in
this form in a run's record; ``as_python`` and ``fit_settings`` convert them for builders and
``fit`` when a model is built.
"""

import ast
import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any

from recsys_lib import zoo
from recsys_lib.checks import check_choice, check_integer, check_number

FIT = (
    "learning_rate",
    "epochs",
    "batch_size",
    "patience",
    "optimizer",
    "reduce_on_plateau",
    "columns",
)
"""Settings of a training that a recipe may state, for all models or for one."""

DEFAULTS: Mapping[str, Any] = {
    "learning_rate": 1e-3,
    "epochs": 30,
    "batch_size": 1024,
    "patience": 2,
}

OPTIMIZERS = ("Adam", "Adagrad", "Ftrl")


def read_option(text: str) -> tuple[str | None, str, Any]:
    """Parse ``MODEL.name=value``.

    Args:
        text: its value is a Python literal; any other word is text.

    Returns:
        The model (None: all that have the option), the option and its value.

    Raises:
        ValueError: text of another form.

    Example:
        >>> read_option("DCN-V2.rank=16")
        ('DCN-V2', 'rank', 16)
        >>> read_option("activation=tanh")
        (None, 'activation', 'tanh')
    """
    left, equals, value = text.partition("=")
    model, dot, name = left.strip().rpartition(".")
    if not equals or not name.isidentifier() or (dot and not model):
        raise ValueError(f"option: expected MODEL.name=value or name=value, got {text!r}")
    try:
        value = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError):
        if not value.strip().isidentifier():
            raise ValueError(
                f"option: expected a number, a word, True, False, None, a tuple or a dict behind "
                f"{left.strip()}=, got {value!r}"
            ) from None
        value = value.strip()
    return model or None, name, value


def parameters(model: zoo.Model) -> Mapping[str, inspect.Parameter]:
    """The options of a model's builder; its modules are imported."""
    found = inspect.signature(model.function).parameters
    return {name: found[name] for name in list(found)[2:]}


def takes(model: zoo.Model, option: str) -> bool:
    """Whether an option that is set for all models applies to this one.

    ``hidden_units`` does not apply to models that have no network by default.
    """
    parameter = parameters(model).get(option)
    if parameter is None:
        return False
    return option != "hidden_units" or model.options.get(option, parameter.default) != ()


def check_fit(where: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check the types of a training's settings.

    Args:
        where: beginning of the messages.
        settings: some of ``FIT``.

    Returns:
        The same.

    Raises:
        ValueError: an unknown setting, or a value of a wrong type.
    """
    for name, value in settings.items():
        label = f"{where}, {name}"
        if name not in FIT:
            raise ValueError(f"{where}: expected some of {FIT}, got {name!r}")
        if name == "learning_rate":
            check_number(label, value, 0, exclude=(0,))
        elif name in ("epochs", "batch_size"):
            check_integer(label, value)
        elif name == "patience" and value is not None:
            check_integer(label, value)
        elif name == "columns":
            if not isinstance(value, list | tuple) or not all(isinstance(x, str) for x in value):
                raise ValueError(f"{label}: expected names of columns, got {value!r}")
        elif name == "reduce_on_plateau" and value:
            _table(label, value, ("factor", "patience", "lowest"))
        elif name == "optimizer":
            given = {"name": value} if isinstance(value, str) else value
            _table(label, given)
            check_choice(f"{label}, name", given.get("name"), OPTIMIZERS)
    return dict(settings)


def _table(label: str, value: Any, known: Iterable[str] = ()) -> None:
    if not isinstance(value, Mapping):
        raise ValueError(f"{label}: expected a table, got {value!r}")
    unknown = sorted(set(value) - set(known))
    if known and unknown:
        raise ValueError(f"{label}: expected some of {tuple(known)}, got {unknown}")


def fit_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as arguments of ``recsys_lib.training.Recipe``.

    Args:
        settings: what ``check_fit`` returned.

    Returns:
        Dict; ``patience`` and ``reduce_on_plateau`` are None if the text is ``false``.

    Raises:
        ValueError: a value that the optimizer or ``ReduceOnPlateau`` refuses.
    """
    from recsys_lib import training

    found = dict(settings)
    if "reduce_on_plateau" in found:
        plateau = found["reduce_on_plateau"]
        found["reduce_on_plateau"] = training.ReduceOnPlateau(**plateau) if plateau else None
    if "optimizer" in found:
        given = found["optimizer"]
        given = {"name": given} if isinstance(given, str) else dict(given)
        kind = getattr(training, given.pop("name"))

        def optimizer(learning_rate: float) -> Any:
            return kind(learning_rate, **given)

        try:
            optimizer(1e-3)
        except (TypeError, ValueError) as error:
            raise ValueError(f"optimizer: {error}") from None
        found["optimizer"] = optimizer
    return found


def as_python(name: str, value: Any) -> Any:
    """An option's value for a builder.

    Lists become tuples. A table becomes a penalty (``strength``, ``rows``) or an initializer of
    Keras (``name`` and its arguments) if the option is one, else a dict.

    Args:
        name: of the option.
        value: number, word, list or table.

    Returns:
        The value.

    Raises:
        ValueError: a wrong penalty.

    Example:
        >>> as_python("hidden_units", [400, 400])
        (400, 400)
        >>> as_python("embedding_l2", {"strength": 0.05, "rows": "table"})
        EmbeddingL2(strength=0.05, rows='table', id_counts=None)
    """
    if isinstance(value, Mapping):
        if name.endswith("_l2"):
            from recsys_lib.features.penalties import EmbeddingL2

            _table(name, value, ("strength", "rows"))
            if "strength" not in value:
                raise ValueError(f"{name}: expected a strength, got {dict(value)}")
            return EmbeddingL2(**value)
        if name.endswith("initializer"):
            given = dict(value)
            if not isinstance(given.get("name"), str):
                raise ValueError(f"{name}: expected a name of Keras's, got {dict(value)}")
            return {"class_name": given.pop("name"), "config": given}
        return dict(value)
    if isinstance(value, list | tuple):
        return tuple(as_python("", part) for part in value)
    return value


def described(settings: Mapping[str, Any]) -> str:
    """Options as one line of text, which is the same for equal options.

    Example:
        >>> described({"rank": 4, "hidden_units": (3, 2)})
        '{"hidden_units": [3, 2], "rank": 4}'
    """
    return json.dumps(dict(settings), sort_keys=True, default=list)
