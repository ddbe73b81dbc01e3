"""Every model of chapters 02 and 03 on a file of yours, from one command.

    python -m recsys_lib.leaderboard train.csv valid.csv test.csv --seeds 3 --output scores.csv

Each model trains until the validation AUC has not risen for ``--patience`` epochs and keeps the
best epoch's weights, as papers report it. The test split is scored once per seed.
"""

import argparse
import functools
import inspect
import sys

import pandas as pd

from recsys_lib.data import files_command
from recsys_lib.higher_order import build_autoint, build_dcn, build_dcn_v2, build_xdeepfm
from recsys_lib.memorization import build_deep, build_logistic_regression
from recsys_lib.second_order import (
    build_afm,
    build_deepfm,
    build_fibinet,
    build_fm,
    build_fwfm,
    build_nfm,
    build_pnn,
    build_polynomial,
)
from recsys_lib.training import Adam, Recipe, compare, summarize

SCORES = ("auc", "gauc", "log_loss", "calibration_error")

MODELS = {
    "LR": build_logistic_regression,
    "polynomial": build_polynomial,
    "FM": build_fm,
    "FwFM": build_fwfm,
    "AFM": build_afm,
    "NFM": build_nfm,
    "IPNN": functools.partial(build_pnn, products="inner"),
    "OPNN": functools.partial(build_pnn, products="outer"),
    "PNN": functools.partial(build_pnn, products="both"),
    "FiBiNET-all": functools.partial(build_fibinet, bilinear="all"),
    "FiBiNET-each": functools.partial(build_fibinet, bilinear="each"),
    "FiBiNET": functools.partial(build_fibinet, bilinear="interaction"),
    "DeepFM": build_deepfm,
    "DNN": build_deep,
    "DCN": build_dcn,
    "DCN-V2": build_dcn_v2,
    "xDeepFM": build_xdeepfm,
    "AutoInt": build_autoint,
    "AutoInt+": functools.partial(build_autoint, hidden_units=(64, 32)),
}
"""Builders by the name on the command line; logistic regression and the plain network are there
to be beaten."""


def recipes(names=tuple(MODELS), learning_rate=1e-3, **options):
    """Recipes for ``compare``.

    Args:
        names: keys of ``MODELS``.
        learning_rate: of Adam.
        **options: ``embedding_dim``, ``hidden_units``, ``dropout_rate``: passed to the builders
            that have them; ``hidden_units`` not to those that have no network by default.

    Returns:
        Dict of name to ``Recipe``.

    Raises:
        ValueError: an unknown name.
    """
    unknown = [name for name in names if name not in MODELS]
    if unknown or not names:
        raise ValueError(f"models: expected some of {list(MODELS)}, got {list(names)}")
    result = {}
    for name in names:
        build = MODELS[name]
        known = inspect.signature(build).parameters
        given = {
            option: value
            for option, value in options.items()
            if option in known
            and not (option == "hidden_units" and known["hidden_units"].default is None)
        }
        result[name] = Recipe(
            functools.partial(build, **given), functools.partial(Adam, learning_rate)
        )
    return result


def run(dataset, models, seeds=3, output=None, show=print, **fit_options):
    """Compare models one after the other, and say how each did as soon as it is done.

    Args:
        dataset: ``Dataset``.
        models: dict of name to ``Recipe``.
        seeds: as for ``compare``.
        output: CSV file that holds the table of all runs so far, rewritten after each model.
        show: function that takes a line of text.
        **fit_options: as for ``fit``.

    Returns:
        What ``compare`` returns.
    """
    tables = [compare({}, dataset, seeds, **fit_options)]
    show(
        f"{'model':14}{'AUC':>9}{'+-':>9}{'GAUC':>9}{'log loss':>10}{'+-':>9}"
        f"{'parameters':>13}{'epochs':>8}{'seconds':>9}{'examples/s':>12}"
    )
    for name, recipe in models.items():
        table = compare({name: recipe}, dataset, seeds, baselines={}, **fit_options)
        tables.append(table)
        score, cost = summarize(table, SCORES).iloc[0], table.mean(numeric_only=True)
        show(
            f"{name:14}{score.auc:>9.5f}{score.auc_sd:>9.5f}{score.gauc:>9.5f}"
            f"{score.log_loss:>10.5f}{score.log_loss_sd:>9.5f}{cost.parameters:>13,.0f}"
            f"{cost.epochs:>8.1f}{cost.seconds:>9.1f}{cost.examples_per_second:>12,.0f}"
        )
        if output is not None:
            pd.concat(tables, ignore_index=True).to_csv(output, index=False)
    return pd.concat(tables, ignore_index=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m recsys_lib.leaderboard",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    files_command.add_arguments(parser)
    parser.add_argument(
        "--models",
        type=lambda text: tuple(text.split(",")),
        default=tuple(MODELS),
        metavar="A,B",
        help=f"default: all of {', '.join(MODELS)}",
    )
    parser.add_argument("--seeds", type=int, default=3, help="number of runs of each model")
    parser.add_argument("--epochs", type=int, default=30, help="at most")
    parser.add_argument("--patience", type=int, default=2, help="epochs without improvement")
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--embedding-dim", type=int, default=16)
    parser.add_argument(
        "--hidden-units",
        type=lambda text: tuple(map(int, text.split(","))),
        default=(64, 32),
        metavar="N,N",
        help="64,32",
    )
    parser.add_argument("--dropout-rate", type=float, default=0.0)
    parser.add_argument("--output", metavar="CSV", help="file for the scores of every run")
    options = parser.parse_args(arguments)
    try:
        models = recipes(
            options.models,
            options.learning_rate,
            embedding_dim=options.embedding_dim,
            hidden_units=options.hidden_units,
            dropout_rate=options.dropout_rate,
        )
        dataset = files_command.load(options)
        print(files_command.report(dataset), end="\n\n", flush=True)
        run(
            dataset,
            models,
            options.seeds,
            options.output,
            functools.partial(print, flush=True),
            epochs=options.epochs,
            patience=options.patience,
            batch_size=options.batch_size,
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
