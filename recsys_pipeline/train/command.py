"""Train one model of the book on data of yours, and keep all that it left.

    recsys train data.toml --model mmoe --output runs/mmoe
    recsys train data.toml --model din --tasks click --option attention_units=32,16
    recsys train data.toml --model mmoe --option interest=attention \\
        --balancing uncertainty --output runs/din_mmoe --export exports/din_mmoe

Models of all chapters: whatever one needs (a history, a scenario, several labels), the description
says. Everything is checked before a row is read. The output folder gets

    model.keras         the best epoch's weights, for recsys_lib.training.load
    description.json    columns, encoders and vocabularies, for recsys_pipeline.files.encoders_from
    scores.json         scores of validation, test and slices, and how they came about
    predictions.csv     the test rows, their labels and what the model says of them
    history.csv         what each epoch did

and with --export another folder gets the model as it is served. A run that was killed goes on where
it was when the same command is given again. Of several workers (``--workers 2`` on this machine, or
a cluster's under ``TF_CONFIG``) the first writes both folders.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from recsys_lib import zoo
from recsys_lib.locks import locked
from recsys_pipeline.files import command as files_command
from recsys_pipeline.workers.launch import launch

if TYPE_CHECKING:
    from recsys_pipeline.train.planning import Plan

SECONDS_TO_READ = 24 * 3600.0
"""How long a worker waits for another one that reads the files."""


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    given = _parser().parse_args(arguments)
    try:
        if "TF_CONFIG" in os.environ:  # before a model is built to try the plan
            from recsys_pipeline.workers.distributed import join_workers

            join_workers()
        plan, workers = _planned(given)
        if workers > 1 and "TF_CONFIG" not in os.environ:
            return launch([sys.executable, "-m", "recsys_pipeline", "train", *arguments], workers)
        _run(given, plan, workers)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _planned(given: argparse.Namespace) -> tuple["Plan", int]:
    """What will be done, and by how many; all is checked that can be before a row is read."""
    from recsys_pipeline.train import planning, settings

    read = planning.read_options
    description = files_command.described(given)
    planning.check_output(given.output)
    if given.export is not None:
        planning.check_export(given.export, given.output)
    elif given.calibrate:
        raise ValueError("calibrate: expected --export beside it, got none")
    plateau, weights = given.reduce_on_plateau, given.loss_weights
    plan = planning.make_plan(
        description,
        given.model,
        tasks=given.tasks,
        options=read(given.option),
        epochs=given.epochs,
        batch_size=given.batch_size,
        seed=given.seed_of_model,
        patience=given.patience,
        optimizer=given.optimizer,
        optimizer_options=read(given.optimizer_option),
        learning_rate=given.learning_rate,
        learning_rate_decay=given.learning_rate_decay,
        reduce_on_plateau=None if plateau is None else settings.read_plateau(plateau),
        loss_weights=None if weights is None else settings.read_weights(weights),
        balancing=given.balancing,
        balancing_options=read(given.balancing_option),
    )
    named = None
    if "TF_CONFIG" in os.environ:
        from recsys_pipeline.workers.distributed import workers_named

        named = workers_named()
    return plan, settings.check_workers(given.workers, given.batch_size, named)


def _run(given: argparse.Namespace, plan: "Plan", workers: int) -> None:
    from recsys_pipeline.train.running import report, train
    from recsys_pipeline.workers.distributed import is_chief, join_workers

    with _one_after_the_other(files_command.cache_of(given) if workers > 1 else None):
        dataset = files_command.load(given)
    with join_workers().scope():
        is_first = is_chief()
    if is_first:
        print(files_command.report(dataset), end="\n\n", flush=True)
    scores = train(
        plan,
        dataset,
        given.output,
        predictions=given.predictions,
        export=given.export,
        calibrate=given.calibrate,
    )
    if is_first:
        print(report(scores))
        if given.export is not None:
            print(f"exported to {given.export}; recsys serve {given.export}")


def _one_after_the_other(cache: str | Path | None) -> contextlib.AbstractContextManager[None]:
    """Of several workers the first writes the cache of the data, and the others read it."""
    if cache is None:
        return contextlib.nullcontext()
    Path(cache).parent.mkdir(parents=True, exist_ok=True)
    return locked(f"{cache}.lock", seconds=SECONDS_TO_READ)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="recsys train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    files_command.add_arguments(parser)
    parser.add_argument(
        "--model", required=True, help=f"one of {', '.join(model.key for model in zoo.MODELS)}"
    )
    parser.add_argument("--output", required=True, metavar="FOLDER", help="for all that it leaves")
    parser.add_argument(
        "--tasks",
        type=lambda text: tuple(text.split(",")),
        metavar="A,B",
        help="labels that the model predicts, in this order; default: all, where it takes several",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the model's builder, such as hidden_units=64,32; may be repeated",
    )
    parser.add_argument("--epochs", type=int, default=10, help="at most; default: 10")
    parser.add_argument(
        "--batch-size", type=int, default=1024, help="rows, of all workers; default: 1024"
    )
    parser.add_argument("--patience", type=int, default=2, help="epochs without improvement; 2")
    parser.add_argument("--seed", dest="seed_of_model", type=int, default=0, help="default: 0")
    _add_settings(parser)
    parser.add_argument(
        "--predictions", choices=("csv", "parquet", "none"), default="csv", help="default: csv"
    )
    parser.add_argument(
        "--export",
        metavar="FOLDER",
        help="also write what is served: a folder that does not exist yet, for `recsys serve`",
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="the export answers with calibrated probabilities: of each binary task by Platt's "
        "line, fitted on the validation rows",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that share every batch: so many are started on this machine. Under a "
        "TF_CONFIG the command is one of the cluster's and starts none. default: 1",
    )
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    training = parser.add_argument_group("optimizer and weights of the tasks")
    training.add_argument(
        "--optimizer",
        default="adam",
        metavar="NAME",
        help="adam, adagrad, or ftrl, whose tables start at zero (--option "
        "embeddings_initializer=zeros); default: adam",
    )
    training.add_argument(
        "--optimizer-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="such as epsilon=1e-8, clipnorm=1 or l1_regularization_strength=0.1; may be repeated",
    )
    training.add_argument("--learning-rate", type=float, default=1e-3, help="default: 0.001")
    training.add_argument(
        "--learning-rate-decay",
        type=float,
        metavar="FACTOR",
        help="on the rate after each epoch, such as 0.9; default: none",
    )
    training.add_argument(
        "--reduce-on-plateau",
        metavar="FACTOR,PATIENCE,LOWEST",
        help="cut the rate by the factor after so many epochs without improvement (1), never below "
        "this share of it (0); fewer epochs than --patience; such as 0.1 or 0.5,1,0.01",
    )
    training.add_argument(
        "--loss-weights",
        metavar="A=1,B=0.5",
        help="weights of the tasks' losses; default: 1 each",
    )
    training.add_argument(
        "--balancing",
        metavar="NAME",
        help="weights that are found while it trains, in place of --loss-weights: uncertainty "
        "(Kendall et al. 2018), gradnorm (Chen et al. 2018), pareto (weights of the shortest "
        "common gradient: Sener and Koltun 2018, Lin et al. 2019), decay (Tang et al. 2020)",
    )
    training.add_argument(
        "--balancing-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="such as alpha=0.5 (gradnorm), lower_bounds=0.1 (pareto), learning_rate=0.05 "
        "(uncertainty) or \"decay={'click': 0.9}\"; may be repeated",
    )
