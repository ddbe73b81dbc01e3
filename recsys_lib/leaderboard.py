"""Every model for one label on a file of yours, from one command.

    python -m recsys_lib.leaderboard train.csv valid.csv test.csv --seeds 3 --output scores.csv

The models are those of the zoo that need no history, no scenario and no second label. Each trains
until the validation AUC has not risen for --patience epochs and keeps the best epoch's weights, as
papers report it. The test split is scored once per seed.

An option of a builder is reached by --option, of one model or of all that have it:

    --option "DCN-V2.rank=16" --option embedding_l2=1e-5 --option "Wide & Deep.cross_pairs=()"
"""

import argparse
import ast
import functools
import inspect
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from recsys_lib import zoo
from recsys_lib.data import files_command

if TYPE_CHECKING:
    import pandas as pd

    from recsys_lib.data import Dataset
    from recsys_lib.training import Recipe

SCORES = ("auc", "gauc", "log_loss", "calibration_error")
CHANCE = 0.505
"""An AUC up to here is no better than chance's, whatever the log loss says."""


def models() -> dict[str, zoo.Model]:
    """The models of the board, by the name that it prints."""
    return {model.name: model for model in zoo.without()}


def chosen(names: Iterable[str] | None = None) -> dict[str, zoo.Model]:
    """Models of the board by printed name or key, in the order asked for; None: all.

    Raises:
        ValueError: a model that is not on the board, or none at all.
    """
    known = models()
    keys = {model.key: model for model in known.values()}
    if names is None:
        return known
    names, either = list(names), known | keys
    if not names or any(name not in either for name in names):
        raise ValueError(f"models: expected some of {list(known)}, got {names}")
    return {either[name].name: either[name] for name in names}


def read_option(text: str) -> tuple[str | None, str, Any]:
    """What ``MODEL.name=value`` says: the model (None: all), the option and its value.

    The value is a Python literal; a word that is none is text.

    Raises:
        ValueError: no such form.

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
                f"option: expected a number, a word, True, False, None or a tuple behind "
                f"{left.strip()}=, got {value!r}"
            ) from None
        value = value.strip()
    return model or None, name, value


def recipes(
    names: Iterable[str] | None = None,
    learning_rate: float = 1e-3,
    *,
    embedding_dim: int | None = None,
    hidden_units: tuple[int, ...] | None = None,
    dropout_rate: float | None = None,
    options: Iterable[tuple[str | None, str, Any]] = (),
) -> dict[str, "Recipe"]:
    """Recipes of the models of the board.

    Args:
        names: printed names or keys; default: all.
        learning_rate: of Adam.
        embedding_dim, hidden_units, dropout_rate: for the models that have them; ``hidden_units``
            not for those that have no network by default.
        options: what ``read_option`` returns, later ones replace earlier ones.

    Returns:
        Dict of printed name to ``Recipe``.

    Raises:
        ValueError: a model that is not on the board or not among ``names``, an option that a
            model, or every model, lacks.
    """
    wanted, options = chosen(names), list(options)
    shared = {
        "embedding_dim": embedding_dim,
        "hidden_units": hidden_units,
        "dropout_rate": dropout_rate,
    }
    of_model: dict[str, dict[str, Any]] = {name: {} for name in wanted}
    for model, option, value in options:
        if model is None:
            having = [name for name, row in wanted.items() if option in _parameters(row)]
            if not having:
                raise ValueError(f"option: expected one that some model has, got {option!r}")
        else:
            having = list(chosen([model]))
            if having[0] not in wanted:
                raise ValueError(f"option: expected a model of {list(wanted)}, got {model!r}")
        for name in having:
            of_model[name][option] = value
    result = {}
    for name, row in wanted.items():
        given = {k: v for k, v in shared.items() if v is not None and _takes(row, k)}
        result[name] = row.recipe(learning_rate, **{**given, **of_model[name]})
    return result


def _parameters(row):
    return inspect.signature(row.function).parameters


def _takes(row, option):
    """Whether an option for all models is one of this one."""
    parameter = _parameters(row).get(option)
    if parameter is None:
        return False
    return option != "hidden_units" or row.options.get(option, parameter.default) != ()


def run(
    dataset: "Dataset",
    recipes: Mapping[str, "Recipe"],
    seeds: int = 3,
    output: str | None = None,
    show: Callable[[str], None] = print,
    **fit_options: Any,
) -> "pd.DataFrame":
    """Compare models one after the other, and say how each did as soon as it is done.

    Args:
        dataset: ``Dataset``.
        recipes: dict of name to ``Recipe``.
        seeds: number of runs of each model.
        output: CSV file that holds the table of all runs so far, rewritten after each model; its
            folder is made where it is missing.
        show: function that takes a line of text.
        **fit_options: as for ``compare``.

    Returns:
        What ``compare`` returns. A model that cannot be built for these columns is left out.

    Raises:
        ValueError: as ``compare``, where no model is left.
    """
    import numpy as np
    import pandas as pd

    from recsys_lib.training import compare, summarize

    if output is not None:
        os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
    tables = [compare({}, dataset, seeds, **fit_options)]
    base = tables[0].iloc[0]
    columns = _columns(seeds > 1, len(np.unique(dataset.test.group)) > 1)
    show("".join(f"{heading:{width}}" for heading, width, _ in columns))
    started = time.perf_counter()
    for number, (name, recipe) in enumerate(recipes.items(), 1):
        try:
            table = compare({name: recipe}, dataset, seeds, baselines={}, **fit_options)
        except ValueError as error:  # one model that these columns do not fit ends no board
            if number == len(recipes) and len(tables) == 1:
                raise
            show(f"{name:16}  left out: {error}")
            continue
        tables.append(table)
        values = summarize(table, SCORES).iloc[0].to_dict() | {
            key: table[key].mean()
            for key in ("parameters", "epochs", "seconds", "examples_per_second")
        }
        spent = time.perf_counter() - started
        values |= {"model": name, "left": _minutes(spent / number * (len(recipes) - number))}
        remark = "" if _learned(values, base) else "   no better than the base rate"
        show("".join(form.format(values) for _, _, form in columns) + remark)
        if output is not None:
            pd.concat(tables, ignore_index=True).to_csv(output, index=False)
    return pd.concat(tables, ignore_index=True)


def _columns(several_seeds, groups):
    """Heading, its width, and the format of the values of each column of the table."""
    spread = ("+-", ">9")
    columns = [("model", "<16", "{0[model]:16}"), ("AUC", ">9", "{0[auc]:>9.5f}")]
    columns += [(*spread, "{0[auc_sd]:>9.5f}")] * several_seeds
    columns += [("GAUC", ">9", "{0[gauc]:>9.5f}")] * groups
    columns += [("log loss", ">10", "{0[log_loss]:>10.5f}")]
    columns += [(*spread, "{0[log_loss_sd]:>9.5f}")] * several_seeds
    return [
        *columns,
        ("parameters", ">13", "{0[parameters]:>13,.0f}"),
        ("epochs", ">8", "{0[epochs]:>8.1f}"),
        ("seconds", ">9", "{0[seconds]:>9.1f}"),
        ("examples/s", ">12", "{0[examples_per_second]:>12,.0f}"),
        ("left", ">10", "{0[left]:>10}"),
    ]


def _minutes(seconds):
    """Time left at the pace so far, in words."""
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _learned(values, base):
    return values["auc"] > CHANCE and values["log_loss"] < base.log_loss


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        of_models = recipes(
            given.models,
            given.learning_rate,
            embedding_dim=given.embedding_dim,
            hidden_units=given.hidden_units,
            dropout_rate=given.dropout_rate,
            options=[read_option(text) for text in given.option],
        )
        dataset = files_command.load(given)
        show = functools.partial(print, flush=True)
        show(files_command.report(dataset), end="\n\n")
        show(
            f"Adam at {given.learning_rate:g}, batch {given.batch_size}, at most {given.epochs} "
            f"epochs, patience {given.patience}, seeds {given.seeds}; time left at the pace so far"
        )
        run(
            dataset,
            of_models,
            given.seeds,
            given.output,
            show,
            epochs=given.epochs,
            patience=given.patience,
            batch_size=given.batch_size,
        )
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m recsys_lib.leaderboard",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    files_command.add_arguments(parser)
    parser.add_argument(
        "--models",
        type=lambda text: tuple(name.strip() for name in text.split(",")),
        metavar="A,B",
        help="names or keys; default: all of "
        + ", ".join(f"{model.key} ({name})" for name, model in models().items()),
    )
    parser.add_argument("--seeds", type=int, default=3, help="number of runs of each model")
    parser.add_argument("--epochs", type=int, default=30, help="at most")
    parser.add_argument("--patience", type=int, default=2, help="epochs without improvement")
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--embedding-dim", type=int, help="default: 16")
    parser.add_argument(
        "--hidden-units",
        type=lambda text: tuple(map(int, text.split(","))),
        metavar="N,N",
        help="default: 64,32",
    )
    parser.add_argument("--dropout-rate", type=float, help="default: 0")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="MODEL.NAME=VALUE",
        help="an option of a builder, or without MODEL of all that have it; may be repeated",
    )
    parser.add_argument("--output", metavar="CSV", help="file for the scores of every run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
