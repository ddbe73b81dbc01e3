"""How one model trains: one settings object behind ``recsys train`` and ``recsys leaderboard``.

A recipe's file and the command line state the same names. Values are numbers, words, lists and
tables, as TOML has them; ``Training`` checks them, and ``arguments`` converts them for ``Recipe``.
"""

import ast
import inspect
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import pydantic

from recsys_lib.checks import check_choice, check_number
from recsys_pipeline.files.checks_of_values import nearest

if TYPE_CHECKING:
    from recsys_lib.training.objectives import Objective

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

Table = Mapping[str, Any]
Checked = TypeVar("Checked", bound=pydantic.BaseModel)


class Training(pydantic.BaseModel):
    """How a model trains; every field is an option ``--name`` of both commands.

    Example:
        >>> Training(optimizer={"name": "Adam", "epsilon": 1e-8}).optimizer
        {'name': 'adam', 'epsilon': 1e-08}
        >>> check(Training, "fit", {"epoch": 3})
        Traceback (most recent call last):
        ...
        ValueError: fit: unknown name 'epoch'; did you mean 'epochs'?
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True)

    epochs: int = pydantic.Field(30, ge=1, description="at most")
    batch_size: int = pydantic.Field(1024, ge=1, description="rows of a step, of all workers")
    patience: int | None = pydantic.Field(
        2, ge=1, description="stop after so many epochs without a better validation score; or false"
    )
    learning_rate: float = pydantic.Field(1e-3, gt=0, allow_inf_nan=False, description="")
    learning_rate_decay: float | None = pydantic.Field(
        None, gt=0, le=1, description="factor on the rate after each epoch, such as 0.9"
    )
    optimizer: Table = pydantic.Field(
        {"name": "adam"},
        description="adam, adagrad, or ftrl, whose tables start at zero (--option "
        "embeddings_initializer=zeros); or a table, such as '{name = \"adam\", epsilon = 1e-8}'",
    )
    reduce_on_plateau: Table | None = pydantic.Field(
        None,
        description="cut the rate by a FACTOR after so many epochs without improvement (1), never "
        "below this share of it (0): 0.1, or 0.5,1,0.01, or a table of factor, patience, lowest",
    )
    loss_weights: dict[str, float] | None = pydantic.Field(
        None, description="weights of the tasks' losses, such as click=1,like=0.5; default: 1 each"
    )
    balancing: Table | None = pydantic.Field(
        None,
        description="learn the weights while training: uncertainty (Kendall et al. 2018), gradnorm "
        "(Chen et al. 2018), pareto (Sener and Koltun 2018, Lin et al. 2019), decay (Tang et al. "
        "2020); or a table, such as '{name = \"gradnorm\", alpha = 0.5}'",
    )
    objective: str | None = pydantic.Field(
        None,
        description="pairs, list or jrc: ask for the order within the groups of the user, or, by "
        "pairs:page, of another group; default: rows, each by itself",
    )
    watch: str | None = pydantic.Field(
        None,
        description="validation score that stops training and chooses the epoch: log_loss, gauc, "
        "or gauc:page of another group; default: auc",
    )
    columns: tuple[str, ...] | None = pydantic.Field(
        None, description="feature columns that the model gets, a,b; default: all"
    )

    @pydantic.field_validator("optimizer", "balancing", mode="before")
    @classmethod
    def _named(cls, value: Any, about: pydantic.ValidationInfo) -> Any:
        known = OPTIMIZERS if about.field_name == "optimizer" else BALANCING
        table = {"name": value} if isinstance(value, str) else value
        if not isinstance(table, Mapping):
            return table
        name = str(table.get("name", "")).lower()
        if name not in known:
            raise ValueError(f"unknown name {name!r}{nearest(name, known)}")
        return {**table, "name": name}

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _short_forms(cls, value: Any, about: pydantic.ValidationInfo) -> Any:
        """What a word, a number or a list stands for; false is none."""
        name = about.field_name
        if value is False:
            return None
        if name == "reduce_on_plateau" and value is not None:
            if not isinstance(value, Mapping):
                values = value if isinstance(value, list | tuple) else [value]
                if len(values) > len(PLATEAU):
                    raise ValueError(f"expected at most {', '.join(PLATEAU)}, got {value}")
                value = dict(zip(PLATEAU, values, strict=False))
            _known("", value, PLATEAU)
        if name == "loss_weights" and isinstance(value, str):
            try:
                return tomllib.loads(f"v = {{{value}}}")["v"]
            except ValueError:
                raise ValueError(f"expected A=1,B=0.5, got {value!r}") from None
        if name == "columns" and isinstance(value, str | list):
            return tuple(value.split(",") if isinstance(value, str) else value)
        return value

    def asked(self) -> "Objective | None":
        """The objective; None: every row by itself.

        Raises:
            ValueError: an unknown objective, or nothing that could be watched.
        """
        from recsys_lib.training.objectives import read_objective
        from recsys_lib.training.validation import MEASURES

        check_choice("watch", (self.watch or "auc").partition(":")[0], MEASURES)
        return read_objective(self.objective or "rows")

    def arguments(self) -> dict[str, Any]:
        """The settings as arguments of ``recsys_lib.training.Recipe``; all of them are tried."""
        from recsys_lib.multi_task import balancing
        from recsys_lib.training import ReduceOnPlateau

        self.asked()
        decay, plateau = self.learning_rate_decay, self.reduce_on_plateau
        names = ("learning_rate", "epochs", "batch_size", "patience", "loss_weights", "columns")
        found = {name: getattr(self, name) for name in names} | {"optimizer": self._optimizer()}
        if decay is not None:
            found["schedule"] = lambda epoch: decay**epoch
        if plateau is not None:
            cut = found["reduce_on_plateau"] = ReduceOnPlateau(**plateau)
            if self.patience is not None and cut.patience >= self.patience:
                raise ValueError(
                    f"reduce_on_plateau: expected a patience below {self.patience}, after which "
                    f"training stops, got {cut.patience}"
                )
        if self.balancing is not None:
            if self.loss_weights is not None:
                raise ValueError(
                    f"loss_weights: {self.balancing['name']} chooses the weights, expected none "
                    f"beside it, got {self.loss_weights}"
                )
            kind = getattr(balancing, BALANCING[self.balancing["name"]])
            known = inspect.signature(kind).parameters
            found["balancing"] = _made("balancing", self.balancing, kind, known)()
        return found

    def _optimizer(self) -> Callable[..., Any]:
        import keras

        from recsys_lib import training

        name = OPTIMIZERS[self.optimizer["name"]]
        known = [*inspect.signature(getattr(keras.optimizers, name)).parameters]
        known = [one for one in known if one not in ("learning_rate", "name", "kwargs")]
        for option, value in self.optimizer.items():
            if option in known and not isinstance(value, bool):
                check_number(f"optimizer {self.optimizer['name']}, {option}", value)
        make = _made("optimizer", self.optimizer, getattr(training, name), known)
        make(self.learning_rate)
        return make


FIELDS = tuple(Training.model_fields)


def _made(what: str, table: Table, kind: Any, known: Iterable[str]) -> Callable[..., Any]:
    """A function that makes an object of a table's name and options; errors say which."""
    where = f"{what} {table['name']}"
    options = {name: value for name, value in table.items() if name != "name"}
    _known(f"{where}: ", options, known)

    def make(*values: Any) -> Any:
        try:
            return kind(*values, **options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: {error}") from None

    return make


def _known(where: str, given: Iterable[str], known: Iterable[str]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"{where}unknown option {name!r}{nearest(name, known)}")


def check(kind: type[Checked], where: str, given: Mapping[str, Any]) -> Checked:
    """A pydantic model of these values; the first mistake raises "where: expected X, got Y"."""
    try:
        return kind(**given)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        name = ", ".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            text = f"{where}: unknown name {name!r}{nearest(name, kind.model_fields)}"
        elif first["type"] == "value_error":
            text = f"{where}, {name}: {first['ctx']['error']}"
        else:
            expected = first["msg"].replace("Input should be", "expected")
            text = f"{where}, {name}: {expected}, got {first['input']!r}"
        raise ValueError(text) from None


def read_value(text: str) -> Any:
    """Parse a value of the command line: of TOML, or of Python; or words, read by who takes them.

    Example:
        >>> [read_value(text) for text in ("64,32", "1e-5", "tanh", "false", "{a = 1}", "a,b=1")]
        [(64, 32), 1e-05, 'tanh', False, {'a': 1}, 'a,b=1']
        >>> read_value("pairs:page")
        'pairs:page'
    """
    text = text.strip()
    for parse in (lambda value: tomllib.loads(f"v = {value}")["v"], ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError):
            continue
    if text.replace(":", "", 1).isidentifier() or "," in text or "=" in text:
        return text
    raise ValueError(f"expected a number, a word, a list or a table, got {text!r}")


def read_option(text: str) -> tuple[str | None, str, Any]:
    """Parse ``MODEL.name=value``; the model is None where all that have the option are meant.

    Example:
        >>> read_option("DCN-V2.rank=16"), read_option("activation=tanh")
        (('DCN-V2', 'rank', 16), (None, 'activation', 'tanh'))
    """
    left, equals, value = text.partition("=")
    model, dot, name = left.strip().rpartition(".")
    if not equals or not name.isidentifier() or (dot and not model):
        raise ValueError(f"option: expected name=value or MODEL.name=value, got {text!r}")
    try:
        return model or None, name, read_value(value)
    except ValueError as error:
        raise ValueError(f"option {left.strip()}: {error}") from None


def as_python(name: str, value: Any) -> Any:
    """An option's value for a builder, whose lists are tuples.

    A table becomes a penalty (``strength``, ``rows``) or an initializer of Keras (``name`` and its
    arguments) if the option is one.

    Example:
        >>> as_python("embedding_l2", {"strength": 0.05, "rows": "table"})
        EmbeddingL2(strength=0.05, rows='table', id_counts=None)
    """
    if isinstance(value, Mapping):
        given = dict(value)
        if name.endswith("_l2"):
            from recsys_lib.features.columns import EmbeddingL2

            _known(f"{name}: ", given, ("strength", "rows"))
            if "strength" not in given:
                raise ValueError(f"{name}: expected a strength, got {given}")
            return EmbeddingL2(**given)
        if name.endswith("initializer"):
            if not isinstance(given.get("name"), str):
                raise ValueError(f"{name}: expected a name of Keras's, got {given}")
            return {"class_name": given.pop("name"), "config": given}
        return given
    if isinstance(value, list | tuple):
        return tuple(as_python("", part) for part in value)
    return value
